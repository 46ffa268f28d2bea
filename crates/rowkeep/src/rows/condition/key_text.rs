//! The text by which a row is named in a request.

use rowkeep_engine::dialect::Dialect;
use rowkeep_format::{RowBatch, Table, TableName, Value};

use super::key_reference::parse_key;
use crate::quotes::in_quotes;
use crate::state::table_pattern::TablePattern;

/// The text by which [`parse_key`] finds a row again, such as `customers:42` or `public."order_items":7,'a,b'`.
///
/// It means this table only: where the engine has schemas, the table's stands before its name. There is none for a row that no key
/// names: its table has none, or only a hidden number, or a value of the key is NULL or no text that can be written.
///
/// ```
/// use rowkeep::format::{Column, Key, KeyForm, RowBatch, Table, TableKind, TableName, Value, schema::KeyColumn};
/// use rowkeep::rows::condition::{key_text, parse_key};
///
/// let column = Column { name: "id".into(), type_name: "INTEGER".into(), not_null: true, hidden: false };
/// let table = Table {
///     name: TableName::plain("customers"),
///     kind: TableKind::Table,
///     columns: vec![column],
///     key: Key { columns: vec![KeyColumn { column: 0, form: KeyForm::Native }], unique: true },
///     identity: None,
///     foreign_keys: Vec::new(),
/// };
/// let mut rows = RowBatch::new(1);
/// rows.push_row([Value::Integer(42)]);
/// let dialect = rowkeep::engine::dialect_of("sqlite")?;
/// let text = key_text(&table, dialect, &rows, 0).expect("a key names the row");
/// assert_eq!(text, "customers:42");
/// assert!(parse_key(&text)?.bind(&table, dialect)?.matches(&rows, 0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Panics
/// When the row is not in the batch, or the batch has fewer columns than the table.
pub fn key_text(table: &Table, dialect: &dyn Dialect, rows: &RowBatch, row: usize) -> Option<String> {
    let values = key_values_text(table, dialect, rows, row)?;
    Some(format!("{}:{values}", table_text(&table.name)))
}

/// The part of [`key_text`] after the table: `42`, `7,'a,b'`. There is none where there is no such text.
///
/// # Panics
/// When the row is not in the batch, or the batch has fewer columns than the table.
pub fn key_values_text(table: &Table, dialect: &dyn Dialect, rows: &RowBatch, row: usize) -> Option<String> {
    let key = table.identified_by();
    if !key.unique || !table.kind.is_user_table() {
        return None;
    }
    let values: Option<Vec<String>> = key
        .naming()
        .map(|part| match table.columns[part.column].hidden {
            true => None,
            false => value_text(rows.value(row, part.column), dialect),
        })
        .collect();
    let values = values?.join(",");
    let text = format!("{}:{values}", table_text(&table.name));
    // What a type prints may be more than what rowkeep reads of it: such a row is not named, rather than another.
    let read = parse_key(&text).ok()?;
    let is_of_table = TablePattern::new(read.table_pattern()).matches(&table.name);
    (is_of_table && read.bind(table, dialect).ok()?.matches(rows, row)).then_some(values)
}

/// The name of a table as people write it before the colon of a key, for this table only: in quotes as far as that needs them.
pub fn table_text(name: &TableName) -> String {
    let quoted = in_quotes(&name.name, '"');
    match &name.schema {
        // A table of this name may be in other schemas, and one whose name has a dot in any.
        Some(schema) if is_plain(schema) => format!("{schema}.{quoted}"),
        Some(schema) => format!("{}.{quoted}", in_quotes(schema, '"')),
        None if is_plain(&name.name) => name.name.clone(),
        None => quoted,
    }
}

fn value_text(value: Value<'_>, dialect: &dyn Dialect) -> Option<String> {
    Some(match value {
        Value::Null => return None,
        Value::Integer(integer) => integer.to_string(),
        Value::Real(bits) => real_text(f64::from_bits(bits))?,
        Value::Blob(bytes) => format!("x'{}'", hex::encode(bytes)),
        Value::Text(text) => {
            let is_text = dialect.is_text_bare(text);
            match std::str::from_utf8(text).ok()? {
                text if is_plain(text) && is_text => text.to_owned(),
                text => in_quotes(text, '\''),
            }
        }
    })
}

/// A real with all its digits; there is no way to write what is no number.
fn real_text(real: f64) -> Option<String> {
    match real {
        f64::INFINITY => Some("9e999".to_owned()),
        f64::NEG_INFINITY => Some("-9e999".to_owned()),
        real if real.is_nan() => None,
        real => Some(format!("{real:?}")),
    }
}

/// Whether text means itself without quotes: as the name of a table, and as a value.
fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|character| character.is_alphanumeric() || "_-".contains(character))
}

#[cfg(test)]
#[path = "key_text_tests.rs"]
mod tests;
