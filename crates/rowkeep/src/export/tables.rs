//! The formats that go table by table: SQL, CSV and NDJSON.

use std::sync::Arc;

use rowkeep_format::Table;

use super::files::Files;
use super::format::{ExportFormat, WriteRows};
use super::options::{ExportOptions, Exported, ExportedFile};
use super::sheet::{Done, Sink};
use super::source::Source;
use super::{csv, ndjson, script};
use crate::{Error, State};

/// The script of a state, where SQL is wanted; what it does not have is noted.
pub(super) fn script_of(
    state: &State,
    options: &ExportOptions,
    done: &mut Exported,
) -> Result<Option<script::Script>, Error> {
    if options.format != ExportFormat::Sql {
        return Ok(None);
    }
    let schema = state.schema();
    if let Some(program) = options.program
        && !state.dialect().is_loaded_by(program)
    {
        let (state, engine, program) = (state.describe(), state.engine(), program.name());
        return Err(Error::Export(format!(
            "{state} is of {engine}, and {program} does not load it: leave out --for"
        )));
    }
    let is_whole = options.selection.is_all() && options.rows.is_none();
    done.with_schema = options.with_schema && is_whole && !schema.ddl.is_empty();
    if options.with_schema && !done.with_schema {
        done.notes.push(match is_whole {
            true => format!("{} has no schema, so there are only rows", state.describe()),
            false => "not all rows are meant, so there are only rows, without the schema".to_owned(),
        });
    }
    let script = script::Script::new(schema, done.with_schema, options.program)?;
    done.notes.extend(script.notes());
    Ok(Some(script))
}

/// Writes all tables into one file.
pub(super) async fn in_one(
    source: &Source<'_>,
    (format, script): (ExportFormat, Option<&script::Script>),
    tables: &[&Table],
    files: &mut Files,
    name: &str,
) -> Result<(ExportedFile, Vec<String>), Error> {
    let mut sheet = files.sheet(name)?;
    if let Some(script) = script {
        sheet.write(script.head().as_bytes()).await?;
    }
    let in_order = script.map_or_else(|| tables.to_vec(), |script| script.in_order(tables));
    let needs = script.map(|script| script.needs(tables)).unwrap_or_default();
    let (mut rows, mut notes) = (0, needs);
    for table in in_order {
        let writer = writer(source, format, script, table, true)?;
        let written = source.write(table, &writer, &mut sheet).await?;
        notes.extend(writer.notes());
        // Settings come with a script, but are not what people count.
        if table.kind.is_user_table() || tables.len() == 1 {
            rows += written;
        }
    }
    if let Some(script) = script {
        sheet.write(script.tail().as_bytes()).await?;
    }
    let names = tables.iter().map(|table| table.name.to_string()).collect();
    Ok((file(files.keep(sheet).await?, names, rows), notes))
}

/// Writes each table into a file of its own.
pub(super) async fn one_by_one(
    source: &Source<'_>,
    format: ExportFormat,
    tables: &[&Table],
    files: &mut Files,
    names: &[String],
) -> Result<(Vec<ExportedFile>, Vec<String>), Error> {
    let (mut written, mut notes) = (Vec::new(), Vec::new());
    for (table, name) in tables.iter().zip(names) {
        let mut sheet = files.sheet(name)?;
        let writer = writer(source, format, None, table, false)?;
        let rows = source.write(table, &writer, &mut sheet).await?;
        notes.extend(writer.notes());
        written.push(file(files.keep(sheet).await?, vec![table.name.to_string()], rows));
    }
    Ok((written, notes))
}

/// A file that was written; where it is, is known once all are.
pub(super) fn file(done: Done, tables: Vec<String>, rows: u64) -> ExportedFile {
    ExportedFile { path: None, tables, rows, bytes: done.bytes, sha256: done.checksum }
}

fn writer(
    source: &Source<'_>,
    format: ExportFormat,
    script: Option<&script::Script>,
    table: &Table,
    with_name: bool,
) -> Result<Arc<dyn WriteRows>, Error> {
    let dialect = source.state.dialect();
    Ok(match (script, format) {
        (Some(script), _) => Arc::new(script.of(table)),
        #[cfg(feature = "parquet")]
        (None, ExportFormat::Parquet) => {
            Arc::new(super::parquet::Parquet::of(dialect, table, source.context.cores())?)
        }
        (None, ExportFormat::Csv) => Arc::new(csv::Csv::of(table)),
        (None, _) => Arc::new(ndjson::Ndjson::of(dialect, table, with_name)),
    })
}
