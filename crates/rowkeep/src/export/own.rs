//! A state as the file that the engine's own tools take.

use futures::StreamExt;
use rowkeep_engine::dialect::FileAbout;
use rowkeep_format::Table;

use super::documents::PROGRAM;
use super::files::Files;
use super::objects::time_of;
use super::options::{ExportOptions, ExportedFile};
use super::sheet::Sink;
use super::source::Source;
use super::tables::file;
use crate::state::reader::Cause;
use crate::{Error, Event};

/// Writes all tables into one file.
pub(super) async fn own(
    source: &Source<'_>,
    options: &ExportOptions,
    tables: &[&Table],
    files: &mut Files,
    name: &str,
) -> Result<ExportedFile, Error> {
    let state = source.state;
    let about = FileAbout {
        time: time_of(source),
        program: PROGRAM.to_owned(),
        part: options.part().filter(|_| !options.is_whole_tables()).map(|part| part.replace('_', " ")),
    };
    let mut own = state.dialect().own_file(state.schema(), tables, &about)?;
    for table in own.looks_at(tables) {
        let cause = Cause::default();
        let mut rows = source.rows(table, &cause).await?;
        while let Some(batch) = rows.next().await {
            own.look(table, &batch.map_err(|error| cause.of(error))?);
        }
    }
    let mut sheet = files.sheet(name)?;
    sheet.write(own.head().as_bytes()).await?;
    let mut records = 0;
    for table in own.order(tables) {
        source.context.observe(Event::Table(&table.name));
        let cause = Cause::default();
        let rows = source.rows(table, &cause).await?;
        let mut lines = own.lines(table, rows)?;
        let mut count = 0;
        while let Some(batch) = lines.next().await {
            let batch = batch.map_err(|error| cause.of(error))?;
            let written = batch.columns().last().map(|column| column.data()).unwrap_or_default();
            own.see(written);
            sheet.write(written).await?;
            let (rows, bytes) = (batch.rows() as u64, written.len() as u64);
            source.context.observe(Event::Advanced { table: &table.name, rows, bytes });
            count += rows;
        }
        sheet.write(own.end(table, count).as_bytes()).await?;
        source.context.observe(Event::TableDone { table: &table.name, rows: count });
        if table.kind.is_user_table() {
            records += count;
        }
    }
    sheet.write(own.tail()?.as_bytes()).await?;
    let names = tables.iter().map(|table| table.name.to_string()).collect();
    Ok(file(files.keep(sheet).await?, names, records))
}
