//! Rows of one table on their way.

use std::collections::HashSet;

use futures::stream::{BoxStream, StreamExt, TryStreamExt};
use rowkeep_format::{KeyForm, RowBatch, Table, Value, key};

use crate::EngineError;

/// Rows of one table, in batches.
pub type RowStream = BoxStream<'static, Result<RowBatch, EngineError>>;

/// Of rows of a table only the columns of its key.
pub(crate) fn keys_alone(rows: RowStream, table: &Table) -> RowStream {
    let columns: Vec<usize> = table.key.columns.iter().map(|part| part.column).collect();
    rows.map_ok(move |batch| {
        let columns = columns.iter().map(|column| batch.columns()[*column].clone()).collect();
        RowBatch::from_columns(columns, batch.rows()).expect("every column has the batch's number of rows")
    })
    .boxed()
}

/// Of rows of a table those whose values in some columns are among these, as what identifies rows compares them; each once.
pub(crate) fn among(rows: RowStream, table: &Table, columns: &[usize], values: &RowBatch) -> RowStream {
    let identity = || table.identity.iter().flat_map(|identity| &identity.columns);
    let form = |column: &usize| {
        let part = identity().find(|part| part.column == *column && part.form != KeyForm::IfNull);
        part.map_or(KeyForm::Equal, |part| part.form)
    };
    let forms: Vec<KeyForm> = columns.iter().map(form).collect();
    let places: Vec<usize> = (0..columns.len()).collect();
    let wanted: HashSet<Vec<u8>> =
        (0..values.rows()).map(|row| encoded(&forms, &places, values, row)).collect();
    let columns = columns.to_vec();
    let found = rows.map_ok(move |batch| {
        let mut out = RowBatch::new(batch.columns().len());
        for row in 0..batch.rows() {
            if wanted.contains(&encoded(&forms, &columns, &batch, row)) {
                out.extend(&batch, row..row + 1);
            }
        }
        out
    });
    found.try_filter(|batch| std::future::ready(!batch.is_empty())).boxed()
}

/// The values of some columns of a row, so that equal ones are the same.
fn encoded(forms: &[KeyForm], columns: &[usize], batch: &RowBatch, row: usize) -> Vec<u8> {
    let mut out = Vec::new();
    for (form, column) in forms.iter().zip(columns) {
        let value = batch.value(row, *column);
        if value == Value::Null || key::encode_value(*form, value, &mut out).is_err() {
            // What is not of the form equals only itself.
            let _always = key::encode_value(KeyForm::Native, value, &mut out);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use rowkeep_format::schema::KeyColumn;
    use rowkeep_format::{Key, TableKind, TableName};

    use super::*;

    #[tokio::test]
    async fn rows_are_found_as_they_are_equal() {
        let part = KeyColumn { column: 1, form: KeyForm::NoCase };
        let table = Table {
            name: TableName::plain("t"),
            kind: TableKind::Table,
            columns: Vec::new(),
            key: Key::whole_row(2),
            identity: Some(Key { columns: vec![part], unique: true }),
            foreign_keys: Vec::new(),
        };
        let mut rows = RowBatch::new(2);
        rows.push_row([Value::Integer(1), Value::Text(b"Ada")]);
        rows.push_row([Value::Real(1f64.to_bits()), Value::Text(b"bob")]);
        rows.push_row([Value::Null, Value::Text(b"ADA")]);
        rows.push_row([Value::Text(b"1"), Value::Null]);
        let found = async |column: usize, value: Value<'static>| {
            let mut values = RowBatch::new(1);
            values.push_row([value]);
            let stream = futures::stream::iter([Ok(rows.clone())]).boxed();
            let found: Vec<RowBatch> =
                among(stream, &table, &[column], &values).try_collect().await.expect("it is read");
            found.iter().map(RowBatch::rows).sum::<usize>()
        };
        assert_eq!(found(0, Value::Integer(1)).await, 2);
        assert_eq!(found(0, Value::Null).await, 1);
        assert_eq!(found(0, Value::Text(b"1")).await, 1);
        assert_eq!(found(1, Value::Text(b"ada")).await, 2);
        assert_eq!(found(1, Value::Text(b"a")).await, 0);
        assert_eq!(found(1, Value::Null).await, 1);
    }
}
