//! Rows of Apache Parquet, one row group after the other, each with the types that the file says.

mod decimal;
mod failed;
mod field;
mod footer;
mod kind;
mod leaf;
mod seen;
mod times;
mod value;

#[cfg(test)]
mod tests;

use std::fs::File;

use parquet::file::reader::{FileReader, RowGroupReader};
use parquet::file::serialized_reader::SerializedFileReader;
use rusqlite::types::Value;

use self::failed::{Failed, guarded};
use self::field::{Field, fields};
use self::leaf::Leaf;
use self::seen::Seen;
use super::json::LONGEST_BYTES;
use super::rows_file::table_of;
use super::staged::Tables;
use crate::EngineError;
use crate::file_source::{FileOptions, Source};

/// Reads a file into the table that it is called after.
pub(super) fn read(file: &Source, options: &FileOptions, tables: &mut Tables<'_>) -> Result<(), EngineError> {
    // The end of a file says where in it what is.
    let (bytes, ended) = file.spooled(options.temporary.as_deref())?;
    match ended {
        Some(error) => Err(error),
        None => table(bytes, &table_of(file), tables).map_err(|failed| failed.of(file)),
    }
}

/// The program that wrote a file, with its version, where it says so.
pub(super) fn written_by(file: File) -> Option<String> {
    let reader = footer::open(file).ok()?;
    reader.metadata().file_metadata().created_by().map(str::to_owned)
}

fn table(bytes: File, name: &str, tables: &mut Tables<'_>) -> Result<(), Failed> {
    let reader = footer::open(bytes)?;
    let fields = fields(reader.metadata().file_metadata().schema())?;
    let names: Vec<String> = fields.iter().map(|field| field.name.clone()).collect();
    let mut sorted: Vec<&String> = names.iter().collect();
    sorted.sort();
    if let Some(pair) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(Failed::Unread(format!("two columns are called {}: rename one of them", pair[0])));
    }
    let at = tables.table(name)?;
    tables.columns(at, &names)?;
    let mut seen: Vec<Seen> = fields.iter().map(|field| Seen::of(field.kind())).collect();
    // As long as nothing else is seen.
    tables.declare(at, fields.iter().map(Field::declared));
    for group in 0..reader.num_row_groups() {
        rows(&reader, group, &fields, |values| {
            seen.iter_mut().zip(values).for_each(|(seen, value)| seen.see(value));
            Ok(tables.add_values(at, values)?)
        })?;
    }
    tables.declare(at, fields.iter().zip(&seen).map(|(field, seen)| seen.declared(field.declared())));
    for (field, seen) in fields.iter().zip(&seen) {
        seen.told().into_iter().for_each(|told| tables.note(format!("{name}.{}: {told}", field.name)));
    }
    Ok(())
}

/// Gives the rows of a row group.
fn rows(
    reader: &SerializedFileReader<File>,
    group: usize,
    fields: &[Field],
    mut take: impl FnMut(&[Value]) -> Result<(), Failed>,
) -> Result<(), Failed> {
    let place = || format!("row group {}", group + 1);
    let group = guarded(place, || reader.get_row_group(group))?;
    let mut leaves = leaves(&*group, &place())?;
    let mut values = Vec::with_capacity(fields.len());
    for row in 0..group.metadata().num_rows() {
        values.clear();
        for field in fields {
            values.push(field.next(&mut leaves)?);
        }
        if values.iter().map(length).sum::<usize>() > LONGEST_BYTES {
            let (place, longest) = (place(), LONGEST_BYTES >> 20);
            return Err(Failed::Unread(format!("{place}, row {}: it is longer than {longest} MiB", row + 1)));
        }
        leaves.iter().try_for_each(Leaf::end_row)?;
        take(&values)?;
    }
    leaves.iter_mut().try_for_each(Leaf::end)
}

/// The columns of a row group that have values.
fn leaves(group: &dyn RowGroupReader, place: &str) -> Result<Vec<Leaf>, Failed> {
    let schema = group.metadata().schema_descr();
    let columns = schema.columns().iter().enumerate();
    columns
        .map(|(at, column)| {
            let place = format!("{place}, column {}", column.path().string());
            let reader = guarded(|| place.clone(), || group.get_column_reader(at))?;
            Ok(Leaf::new(place, reader, column.max_def_level(), column.max_rep_level()))
        })
        .collect()
}

/// How many bytes a value has at least.
fn length(value: &Value) -> usize {
    match value {
        Value::Text(text) => text.len(),
        Value::Blob(bytes) => bytes.len(),
        Value::Null | Value::Integer(_) | Value::Real(_) => 8,
    }
}
