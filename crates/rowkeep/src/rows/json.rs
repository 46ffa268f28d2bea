//! Values and changed rows as JSON.

use rowkeep_format::{Change, Changes, RowBatch, TableChanges, Value};
use serde_json::{Map, Value as Json, json};

/// A change as an object: `change`, `table`, `key`, and the row `before` and `after` as far as there is one.
///
/// Rows are objects of [`value_json`] by the names of their columns. A column that an insert leaves to the database's default, or
/// that a delete does not know, is missing.
///
/// ```
/// use rowkeep::format::{
///     Changes, Column, Counts, Key, KeyForm, RowBatch, Table, TableChanges, TableKind, TableName, Value, schema::KeyColumn,
/// };
/// use rowkeep::rows::json::change_json;
///
/// let column = |name: &str| Column { name: name.into(), type_name: String::new(), not_null: true, hidden: false };
/// let table = Table {
///     name: TableName::plain("customers"),
///     kind: TableKind::Table,
///     columns: vec![column("id"), column("city")],
///     key: Key { columns: vec![KeyColumn { column: 0, form: KeyForm::Native }], unique: true },
///     identity: None,
///     foreign_keys: Vec::new(),
/// };
/// let (mut before, mut after) = (RowBatch::new(2), RowBatch::new(2));
/// before.push_row([Value::Integer(42), Value::Text(b"Oslo")]);
/// after.push_row([Value::Integer(42), Value::Text(b"Bergen")]);
/// let mut changes = Changes::new(2);
/// changes.update(&before, 0, &after, 0);
/// let table = TableChanges {
///     table,
///     counts: Counts::of(&changes),
///     insert_defaults: Vec::new(),
///     delete_unknown: Vec::new(),
///     updated_columns: vec![1],
///     across: None,
/// };
/// let change = changes.iter().next().expect("there is one");
/// assert_eq!(
///     change_json(&table, &changes, change),
///     serde_json::json!({
///         "change": "update", "table": { "name": "customers" }, "key": { "id": 42 },
///         "before": { "id": 42, "city": "Oslo" }, "after": { "id": 42, "city": "Bergen" },
///     })
/// );
/// ```
///
/// # Panics
/// When the change is none of these changes, or they are of another table.
pub fn change_json(table: &TableChanges, changes: &Changes, change: Change) -> Json {
    let (kind, before, after) = match change {
        Change::Insert { after } => ("insert", None, Some(after)),
        Change::Delete { before } => ("delete", Some(before), None),
        Change::Update { before, after } => ("update", Some(before), Some(after)),
    };
    let row = |rows: &RowBatch, row: usize, without: &[usize]| -> Json {
        let columns = table.table.columns.iter().enumerate().filter(|(column, _)| !without.contains(column));
        let values = columns.map(|(column, facts)| (facts.name.clone(), value_json(rows.value(row, column))));
        Json::Object(values.collect::<Map<_, _>>())
    };
    let keyed = |rows: &RowBatch, row: usize| -> Json {
        let columns = table.table.key.telling(rows, row).map(|key| key.column);
        let value =
            |column: usize| (table.table.columns[column].name.clone(), value_json(rows.value(row, column)));
        Json::Object(columns.map(value).collect::<Map<_, _>>())
    };
    let key = match (before, after) {
        (Some(row), _) => keyed(changes.before(), row),
        (None, Some(row)) => keyed(changes.after(), row),
        (None, None) => Json::Null,
    };
    let mut object = json!({ "change": kind, "table": table.changed(), "key": key });
    if let Some(at) = before {
        object["before"] =
            row(changes.before(), at, if after.is_none() { &table.delete_unknown } else { &[] });
    }
    if let Some(at) = after {
        object["after"] =
            row(changes.after(), at, if before.is_none() { &table.insert_defaults } else { &[] });
    }
    object
}

/// A value in JSON: what JSON has no form for is an object that says what it is.
///
/// ```
/// use rowkeep::format::Value;
/// use rowkeep::rows::json::value_json;
///
/// assert_eq!(value_json(Value::Text(b"Oslo")), "Oslo");
/// assert_eq!(value_json(Value::Blob(&[0, 255])), serde_json::json!({ "blob_hex": "00ff" }));
/// ```
pub fn value_json(value: Value<'_>) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Integer(integer) => json!(integer),
        Value::Real(bits) => {
            let real = f64::from_bits(bits);
            if real.is_finite() { json!(real) } else { json!({ "real": real.to_string() }) }
        }
        Value::Text(text) => match std::str::from_utf8(text) {
            Ok(text) => json!(text),
            Err(_) => json!({ "text_hex": hex::encode(text) }),
        },
        Value::Blob(bytes) => json!({ "blob_hex": hex::encode(bytes) }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_told_apart() {
        for (value, json) in [
            (Value::Null, "null"),
            (Value::Text(b""), "\"\""),
            (Value::Text(b"NULL"), "\"NULL\""),
            (Value::Integer(9_007_199_254_740_993), "9007199254740993"),
            (Value::Real(1f64.to_bits()), "1.0"),
            (Value::Real(f64::INFINITY.to_bits()), r#"{"real":"inf"}"#),
            (Value::Blob(&[0, 255]), r#"{"blob_hex":"00ff"}"#),
            (Value::Text(&[b'a', 255]), r#"{"text_hex":"61ff"}"#),
            (Value::Text(b"a\x1b[2J"), r#""a\u001b[2J""#),
        ] {
            assert_eq!(value_json(value).to_string(), json);
        }
    }
}
