//! Export: the rows of a state as files that others read.
//!
//! `docs/exporting.md` says what the files look like. Rows pass through in batches; nothing has its name before all of it is
//! written.

mod csv;
mod files;
mod format;
mod ndjson;
mod script;

use std::path::PathBuf;
use std::sync::Arc;

use futures::stream::{StreamExt, TryStreamExt};
use rowkeep_engine::RowStream;
use rowkeep_format::{ContentKeys, RowBatch, Schema, Table, TableKind, TableName};
use serde::{Deserialize, Serialize};

use crate::diff::{RowFilter, RowTest};
use crate::rows::mask::{BoundMask, Mask, MaskRules};
use crate::state::reader::{Cause, rows};
use crate::state::selection::Selection;
use crate::{Context, Error, Event, Phase, State};
pub use files::Destination;
use files::{Files, Sheet, file_name, file_names};
pub use format::ExportFormat;
use format::WriteRows;

/// What is to be exported, and how.
pub struct ExportOptions {
    /// What the files are.
    pub format: ExportFormat,
    /// The tables that are meant.
    pub selection: Selection,
    /// Of their rows, only these.
    pub rows: Option<Arc<dyn RowFilter>>,
    /// How rows are masked, and the keys of the repository that a mask without a key of its own takes.
    pub mask: Option<(MaskRules, ContentKeys)>,
    /// Whether SQL begins with the schema, where the state has it and all rows of all tables are meant.
    pub with_schema: bool,
    /// What a file with all tables is called in a folder, without extension.
    pub name: String,
    /// Whether files that are there are replaced.
    pub force: bool,
    /// How many bytes may be written at most.
    pub at_most: Option<u64>,
}

/// What an export wrote.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exported {
    /// The files.
    pub files: Vec<ExportedFile>,
    /// All rows.
    pub rows: u64,
    /// All bytes.
    pub bytes: u64,
    /// Whether SQL begins with the schema.
    pub with_schema: bool,
    /// What people should know of it, in their words.
    pub notes: Vec<String>,
}

/// A file that was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportedFile {
    /// Where it is; nothing for a stream.
    pub path: Option<PathBuf>,
    /// The tables in it.
    pub tables: Vec<String>,
    /// Rows in it.
    pub rows: u64,
    /// Its size.
    pub bytes: u64,
}

/// Writes the rows of a state.
///
/// When it fails, is cancelled or its process is killed, no file has a name that it would have in the end; a stream has what was
/// written until then.
pub async fn export(
    context: &Context,
    state: &State,
    options: &ExportOptions,
    destination: Destination,
) -> Result<Exported, Error> {
    context.until_cancelled(export_now(context, state, options, destination)).await
}

async fn export_now(
    context: &Context,
    state: &State,
    options: &ExportOptions,
    destination: Destination,
) -> Result<Exported, Error> {
    let mut done = Exported::default();
    let tables = chosen(state, options, &mut done.notes)?;
    let work = Work::new(context, state, options, &tables, &mut done)?;
    let is_one = match (&destination, options.format) {
        (_, ExportFormat::Sql) => true,
        (Destination::Folder(_), _) => false,
        (_, ExportFormat::Csv) if tables.len() != 1 => {
            let message = format!("one CSV file holds one table, and {} are meant", tables.len());
            return Err(Error::Export(message));
        }
        _ => true,
    };
    let names = match is_one {
        true => vec![file_name(&options.name, options.format)],
        false => file_names(&tables, options.format),
    };
    context.observe(Event::Phase {
        phase: Phase::Export,
        tables: tables.iter().filter(|table| table.kind.is_user_table()).count() as u64,
        rows: tables.iter().map(|table| state.estimated_rows(&table.name)).sum(),
    });
    let mut files = Files::begin(destination, &names, options.force, options.at_most)?;
    if is_one {
        let mut sheet = files.sheet(&names[0]).await?;
        sheet.write(work.head().as_bytes()).await?;
        let mut rows = 0;
        for table in &work.in_order() {
            let written =
                work.table(table, &mut sheet, matches!(options.format, ExportFormat::Ndjson)).await?;
            // Settings come with a script, but are not what people count.
            if table.kind.is_user_table() || tables.len() == 1 {
                rows += written;
            }
        }
        sheet.write(work.tail().as_bytes()).await?;
        let tables = tables.iter().map(|table| table.name.to_string()).collect();
        done.files.push(ExportedFile { path: None, tables, rows, bytes: files.keep(sheet).await? });
    } else {
        for (table, name) in tables.iter().zip(&names) {
            let mut sheet = files.sheet(name).await?;
            let rows = work.table(table, &mut sheet, false).await?;
            let tables = vec![table.name.to_string()];
            done.files.push(ExportedFile { path: None, tables, rows, bytes: files.keep(sheet).await? });
        }
    }
    for (file, path) in done.files.iter_mut().zip(files.publish(options.force)?) {
        file.path = path;
    }
    done.rows = done.files.iter().map(|file| file.rows).sum();
    done.bytes = done.files.iter().map(|file| file.bytes).sum();
    Ok(done)
}

/// The tables that are meant and whose rows the state has.
///
/// CSV and NDJSON are for tables that people know as theirs; others are in them only when they are named.
fn chosen<'s>(
    state: &'s State,
    options: &ExportOptions,
    notes: &mut Vec<String>,
) -> Result<Vec<&'s Table>, Error> {
    let named = !options.selection.include.is_empty();
    let mut tables = options.selection.choose_beside(state.schema(), state.unread())?;
    tables.retain(|table| named || options.format == ExportFormat::Sql || table.kind.is_user_table());
    let (held, missing): (Vec<&Table>, Vec<&Table>) =
        tables.into_iter().partition(|table| state.holds(&table.name));
    if !missing.is_empty() {
        let names: Vec<String> = missing.iter().map(|table| table.name.to_string()).collect();
        notes.push(format!("{} has no rows of {}", state.describe(), names.join(", ")));
    }
    Ok(held)
}

/// An export as far as it is the same for all tables.
struct Work<'a> {
    context: &'a Context,
    state: &'a State,
    format: ExportFormat,
    tables: Vec<&'a Table>,
    tests: Vec<(&'a TableName, Option<Arc<RowTest>>)>,
    mask: Option<BoundMask>,
    script: Option<script::Script>,
}

impl<'a> Work<'a> {
    fn new(
        context: &'a Context,
        state: &'a State,
        options: &ExportOptions,
        tables: &[&'a Table],
        done: &mut Exported,
    ) -> Result<Self, Error> {
        let schema: &Schema = state.schema();
        let mask = match &options.mask {
            None => None,
            Some((rules, keys)) => {
                Some(Mask::new(rules, keys).bind_all(schema, tables.iter().map(|table| &table.name))?)
            }
        };
        let hidden = |table: &&&Table| matches!(table.kind, TableKind::Shadow | TableKind::LargeObjects);
        let unmasked: Vec<String> =
            tables.iter().filter(hidden).map(|table| table.name.to_string()).collect();
        if mask.is_some() && !unmasked.is_empty() {
            let names = unmasked.join(", ");
            done.notes.push(format!(
                "no mask reaches {names}, which may hold personal values; --exclude leaves them out"
            ));
        }
        let mut tests = Vec::new();
        for table in tables {
            // Where rows are chosen and this table is not meant by that, none of its rows is.
            let test = match &options.rows {
                None => None,
                Some(rows) => {
                    let none: RowTest = Box::new(|_, _| false);
                    Some(Arc::new(rows.bind(table)?.unwrap_or(none)))
                }
            };
            tests.push((&table.name, test));
        }
        let script = match options.format {
            ExportFormat::Sql => {
                let is_whole = options.selection.is_all() && options.rows.is_none();
                let has_ddl = !schema.ddl.is_empty();
                done.with_schema = options.with_schema && is_whole && has_ddl;
                if options.with_schema && !done.with_schema {
                    done.notes.push(match is_whole {
                        true => format!("{} has no schema, so there are only rows", state.describe()),
                        false => {
                            "not all rows are meant, so there are only rows, without the schema".to_owned()
                        }
                    });
                }
                Some(script::Script::new(schema, done.with_schema)?)
            }
            ExportFormat::Csv | ExportFormat::Ndjson => None,
        };
        Ok(Self { context, state, format: options.format, tables: tables.to_vec(), tests, mask, script })
    }

    fn head(&self) -> String {
        self.script.as_ref().map(script::Script::head).unwrap_or_default()
    }

    fn tail(&self) -> String {
        self.script.as_ref().map(script::Script::tail).unwrap_or_default()
    }

    fn in_order(&self) -> Vec<&'a Table> {
        match &self.script {
            Some(script) => script.in_order(&self.tables),
            None => self.tables.clone(),
        }
    }

    /// Writes the rows of a table; gives how many.
    async fn table(&self, table: &'a Table, sheet: &mut Sheet, with_name: bool) -> Result<u64, Error> {
        let name = &table.name;
        let writer: Arc<dyn WriteRows> = match (self.format, &self.script) {
            (ExportFormat::Sql, Some(script)) => Arc::new(script.of(table)),
            (ExportFormat::Csv, _) => Arc::new(csv::Csv::of(table)),
            _ => Arc::new(ndjson::Ndjson::of(self.state.engine(), table, with_name)),
        };
        sheet.write(writer.head().as_bytes()).await?;
        self.context.observe(Event::Table(name));
        let cause = Cause::default();
        let mut stream = self.rows(table, &cause).await?;
        let mut count = 0;
        while let Some(batch) = stream.next().await {
            let batch = batch.map_err(|error| cause.of(error))?;
            let (rows, bytes) = (batch.rows() as u64, batch.bytes() as u64);
            let writer = Arc::clone(&writer);
            let written = self.context.compute(move || {
                let mut out = Vec::with_capacity(batch.bytes() + batch.bytes() / 4);
                writer.rows(&batch, &mut out).map(|()| out)
            });
            sheet.write(&written.await?).await?;
            self.context.observe(Event::Advanced { table: name, rows, bytes });
            count += rows;
        }
        self.context.observe(Event::TableDone { table: name, rows: count });
        Ok(count)
    }

    /// The rows of a table that are meant, masked where that is wanted.
    async fn rows(&self, table: &Table, cause: &Cause) -> Result<RowStream, Error> {
        let mut stream = match self.state {
            State::Live(live) => live.view.rows(table).await?,
            State::Snapshot(stored) => match stored.entry(&table.name) {
                Some(entry) => rows(self.context, &stored.reader, entry, cause),
                None => futures::stream::empty().boxed(),
            },
        };
        let test =
            self.tests.iter().find(|(name, _)| **name == table.name).and_then(|(_, test)| test.clone());
        if let Some(test) = test {
            stream = stream.map_ok(move |batch| kept(&batch, &test)).boxed();
        }
        Ok(match &self.mask {
            Some(mask) => mask.rows(table, stream),
            None => stream,
        })
    }
}

/// The rows of a batch that are meant.
fn kept(batch: &RowBatch, test: &RowTest) -> RowBatch {
    let mut kept = RowBatch::new(batch.columns().len());
    let mut row = 0;
    while row < batch.rows() {
        let end = (row..batch.rows()).find(|row| !test(batch, *row)).unwrap_or(batch.rows());
        kept.extend(batch, row..end);
        row = end + 1;
    }
    kept
}
