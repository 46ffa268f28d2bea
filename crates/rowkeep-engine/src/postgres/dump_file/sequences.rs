//! Where the sequences of a dump stand, as rows.

use rowkeep_format::{RowBatch, TableName, Value};

use crate::postgres::schema::cursor::Cursor;

/// The rows of the table of sequences, of statements that set them.
pub(super) fn rows(statements: &[String]) -> Result<RowBatch, String> {
    let mut values: Vec<(TableName, String, &str)> = Vec::new();
    for statement in statements {
        let value = value(statement);
        values.push(
            value.ok_or_else(|| format!("what sets a sequence is not understood: {}", statement.trim()))?,
        );
    }
    values.sort_by(|a, b| a.0.cmp(&b.0));
    values.dedup_by(|a, b| a.0 == b.0);
    let mut batch = RowBatch::new(4);
    for (name, value, called) in &values {
        let schema = name.schema.as_deref().unwrap_or_default();
        batch.push_row([schema, &name.name, value, called].map(|text| Value::Text(text.as_bytes())));
    }
    Ok(batch)
}

/// `SELECT pg_catalog.setval('public.t_id_seq', 42, true);`
fn value(statement: &str) -> Option<(TableName, String, &'static str)> {
    let mut cursor = Cursor::new(statement);
    if !cursor.takes(&["select"]) {
        return None;
    }
    cursor.until(|cursor| cursor.sees(&["setval"]));
    if !cursor.takes(&["setval"]) || !cursor.takes_symbol('(') {
        return None;
    }
    let name = Cursor::new(&cursor.literal()?).qualified()?;
    if !cursor.takes_symbol(',') {
        return None;
    }
    let number: String = cursor.until(|cursor| cursor.sees_symbol(',')).replace([' ', '\''], "");
    let number = number.parse::<i64>().ok()?.to_string();
    cursor.takes_symbol(',');
    let called = if cursor.takes(&["true"]) { "t" } else { "f" };
    Some((name, number, called))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read() {
        let statements = [
            "SELECT pg_catalog.setval('public.\"T_id_seq\"', 42, true);",
            "SELECT pg_catalog.setval('app.down', -3, false);",
        ];
        let batch = rows(&statements.map(str::to_owned)).expect("they are understood");
        let texts: Vec<String> = (0..2)
            .flat_map(|row| batch.row(row).collect::<Vec<_>>())
            .map(|value| match value {
                Value::Text(text) => String::from_utf8_lossy(text).into_owned(),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(texts, ["app", "down", "-3", "f", "public", "T_id_seq", "42", "t"]);
        assert!(rows(&["SELECT pg_catalog.setval(x);".to_owned()]).is_err());
    }
}
