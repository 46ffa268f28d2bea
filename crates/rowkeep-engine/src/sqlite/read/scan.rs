//! Reading the rows of a table in its own order.

use rowkeep_format::batch::Kind;
use rowkeep_format::{RowBatch, Table, Value};
use rusqlite::Connection;

use crate::sqlite::connect::error::{failure, when};
use crate::sqlite::connect::raw_statement::Statement;
use crate::sqlite::connect::utf16::{Endian, to_utf8};
use crate::sqlite::quote::quoted;
use crate::sqlite::schema::readable_tables::Readable;
use crate::{EngineError, ErrorKind};

/// The largest row that is read: what one row may have in rowkeep.
const LARGEST_ROW_BYTES: usize = 256 * 1024 * 1024;

/// Rows in a batch at most, however small they are.
const MOST_ROWS: usize = 16 * 1024;

/// What to do after a batch.
pub(crate) enum Next {
    /// Read on.
    Continue,
    /// Nobody wants more, or somebody else goes on.
    Stop,
}

/// Rows between two numbers, which are values of the only column of the key.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Between {
    pub(crate) after: Option<i64>,
    pub(crate) before: Option<i64>,
}

/// Hands on the rows of a table that lie between some, from the row after `skip` rows, in batches, and returns whether it came to
/// the end.
pub(crate) fn scan(
    connection: &Connection,
    readable: &Readable,
    between: Between,
    utf16: Option<Endian>,
    skip: u64,
    hand_on: &mut impl FnMut(RowBatch) -> Next,
) -> Result<bool, EngineError> {
    let table = &readable.table;
    let doing = || format!("reading table {}", table.name);
    let mut statement =
        Statement::prepare(connection, &select(readable, between, skip)).map_err(when(doing()))?;
    let columns = table.columns.len();
    let mut batch = RowBatch::new(columns);
    // Each value costs its kind and end beside its bytes.
    let (mut batch_bytes, row_overhead_bytes) = (0, columns * 5);
    let mut number = skip;
    loop {
        match statement.step() {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => return Err(failure(format!("{} after row {number}", doing()), &error)),
        }
        let row_bytes = push_row(&statement, &mut batch, utf16).ok_or_else(|| out_of_memory(table))?;
        number += 1;
        if row_bytes > LARGEST_ROW_BYTES {
            return Err(too_large(table, &batch, row_bytes));
        }
        batch_bytes += row_bytes + row_overhead_bytes;
        if batch_bytes >= RowBatch::TARGET_BYTES || batch.rows() >= MOST_ROWS {
            batch_bytes = 0;
            if let Next::Stop = hand_on(batch.take()) {
                return Ok(false);
            }
        }
    }
    if !batch.is_empty() {
        hand_on(batch);
    }
    Ok(true)
}

/// The query for a table's columns in its own order.
fn select(readable: &Readable, between: Between, skip: u64) -> String {
    let table = &readable.table;
    let columns = table.columns.iter().map(|column| quoted(&column.name)).collect::<Vec<_>>().join(", ");
    let name = quoted(&table.name.name);
    let key = table.key.columns.first().map(|part| quoted(&table.columns[part.column].name));
    let bounds = [(between.after, ">"), (between.before, "<")].into_iter().filter_map(|(bound, is)| {
        let (bound, key) = (bound?, key.as_ref()?);
        Some(format!("{key} {is} {bound}"))
    });
    let bounds: Vec<String> = bounds.collect();
    let mut sql = format!("SELECT {columns} FROM main.{name} NOT INDEXED");
    if !bounds.is_empty() {
        sql += &format!(" WHERE {}", bounds.join(" AND "));
    }
    sql += &format!(" {}", readable.stored_order);
    if skip > 0 {
        sql += &format!(" LIMIT -1 OFFSET {skip}");
    }
    sql
}

/// Adds the present row and returns the size of its values in bytes; nothing when memory ran out.
pub(crate) fn push_row(row: &Statement<'_>, batch: &mut RowBatch, utf16: Option<Endian>) -> Option<usize> {
    let mut bytes = 0;
    for (index, column) in batch.columns_mut().iter_mut().enumerate() {
        let before = column.data().len();
        match (row.value(index)?, utf16) {
            (Value::Text(text), Some(endian)) => {
                to_utf8(text, endian, column.data_mut());
                column.end_value(Kind::Text);
            }
            (value, _) => column.push(value),
        }
        bytes += column.data().len() - before;
    }
    batch.end_row();
    Some(bytes)
}

pub(crate) fn out_of_memory(table: &Table) -> EngineError {
    EngineError::new(
        ErrorKind::Unstorable,
        format!("reading table {}: no memory is left for a value", table.name),
    )
}

/// The last row of a batch is more than can be stored: says which it is by its key, as far as that is a number.
fn too_large(table: &Table, batch: &RowBatch, bytes: usize) -> EngineError {
    let key = table.key.columns.first().map(|part| batch.value(batch.rows() - 1, part.column));
    let which = match key {
        Some(Value::Integer(key)) => format!("row {key}"),
        _ => "a row".to_owned(),
    };
    EngineError::new(
        ErrorKind::Unstorable,
        format!(
            "{which} of table {} has {bytes} bytes, more than the {LARGEST_ROW_BYTES} that a row may have",
            table.name
        ),
    )
}

/// Whether the rowids rise along an index, so that the table's own order is the index's.
pub(crate) fn index_agrees(
    connection: &Connection,
    readable: &Readable,
    index: &str,
) -> Result<bool, EngineError> {
    let table = &readable.table;
    let columns = table.key.columns.iter().map(|part| quoted(&table.columns[part.column].name));
    let sql = format!(
        "SELECT {} FROM main.{} INDEXED BY {} ORDER BY {}",
        quoted(&table.columns[0].name),
        quoted(&table.name.name),
        quoted(index),
        columns.collect::<Vec<_>>().join(", ")
    );
    let check = || -> rusqlite::Result<bool> {
        let mut statement = connection.prepare(&sql)?;
        let mut rows = statement.query([])?;
        let mut last = i64::MIN;
        while let Some(row) = rows.next()? {
            let rowid: i64 = row.get(0)?;
            if rowid < last {
                return Ok(false);
            }
            last = rowid;
        }
        Ok(true)
    };
    check().map_err(when(format!("reading index {index} of table {}", table.name)))
}
