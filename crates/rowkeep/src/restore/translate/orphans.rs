//! Finding rows that refer to none: some databases keep them where nobody asked them to check.

use std::sync::Arc;

use futures::stream::{StreamExt, TryStreamExt};
use rowkeep_engine::sort::{SortOptions, sort};
use rowkeep_engine::{EngineError, RowStream, dialect_of};
use rowkeep_format::{ForeignKey, Key, RowBatch, Schema, Table, TableEntry, TableName, Value, key};
use rowkeep_repository::Reader;

use crate::state::reader::{Cause, rows};
use crate::{Context, Error};

/// Counts the rows that refer to none, for each foreign key of each table; only of engines that do not promise none.
///
/// Both sides of a reference are brought into its order, so that memory has its ceiling.
pub(super) async fn find(
    context: &Context,
    reader: &Arc<Reader>,
    schema: &Schema,
    tables: &[TableEntry],
) -> Result<Vec<(TableName, Vec<u64>)>, Error> {
    let mut found = Vec::new();
    if !dialect_of(&schema.engine)?.may_have_orphans() {
        return Ok(found);
    }
    let entry = |name: &TableName| tables.iter().find(|entry| &entry.name == name);
    for table in schema.tables.iter().filter(|table| !table.foreign_keys.is_empty()) {
        let Some(child) = entry(&table.name) else { continue };
        let mut counts = Vec::new();
        for reference in &table.foreign_keys {
            let parent = entry(&reference.references).zip(referenced(schema, reference));
            counts.push(match parent {
                // What becomes of a reference to a table that is not there does not depend on rows.
                None => 0,
                Some((parent, columns)) => {
                    let cause = Cause::default();
                    let count = async {
                        let children = rows(context, reader, child, &cause);
                        let parents = rows(context, reader, parent, &cause);
                        unmatched(
                            Sorted::new(children, &table.name, reference.columns.clone()),
                            Sorted::new(parents, &reference.references, columns),
                        )
                        .await
                    };
                    count.await.map_err(|error| cause.of(error))?
                }
            });
        }
        found.push((table.name.clone(), counts));
    }
    Ok(found)
}

/// The columns that a reference refers to, in the schema's table.
fn referenced(schema: &Schema, reference: &ForeignKey) -> Option<Vec<usize>> {
    let parent = schema.table(&reference.references)?;
    let place =
        |name: &String| parent.columns.iter().position(|column| column.name.eq_ignore_ascii_case(name));
    let places: Vec<usize> = reference.referenced_columns.iter().map(place).collect::<Option<_>>()?;
    (places.len() == reference.columns.len() && !places.is_empty()).then_some(places)
}

/// Counts what the first has and the second has not.
async fn unmatched(mut children: Sorted, mut parents: Sorted) -> Result<u64, EngineError> {
    let mut count = 0;
    let mut has_parent = parents.advance().await?;
    while children.advance().await? {
        while has_parent && parents.key < children.key {
            has_parent = parents.advance().await?;
        }
        count += u64::from(!has_parent || parents.key != children.key);
    }
    Ok(count)
}

/// Some columns of rows, in their order; rows with NULL in one of them are passed over.
struct Sorted {
    rows: RowStream,
    order: Key,
    batch: RowBatch,
    next: usize,
    key: Vec<u8>,
}

impl Sorted {
    fn new(rows: RowStream, name: &TableName, columns: Vec<usize>) -> Self {
        let order = Key::whole_row(columns.len());
        let table = Table {
            name: name.clone(),
            kind: rowkeep_format::TableKind::Table,
            columns: Vec::new(),
            key: order.clone(),
            identity: None,
            foreign_keys: Vec::new(),
        };
        let taken = rows.map_ok(move |batch| taken(&batch, &columns)).boxed();
        let rows = sort(taken, &table, &SortOptions::default());
        Self { rows, order, batch: RowBatch::default(), next: 0, key: Vec::new() }
    }

    /// Goes to the next row; false when there is none.
    async fn advance(&mut self) -> Result<bool, EngineError> {
        while self.next >= self.batch.rows() {
            match self.rows.try_next().await? {
                Some(batch) => (self.batch, self.next) = (batch, 0),
                None => return Ok(false),
            }
        }
        self.key.clear();
        key::encode(&self.order, &self.batch, self.next, &mut self.key)?;
        self.next += 1;
        Ok(true)
    }
}

/// Some columns of those rows that have no NULL in them. A real that is a whole number equals the integer.
fn taken(batch: &RowBatch, columns: &[usize]) -> RowBatch {
    let mut out = RowBatch::new(columns.len());
    for row in 0..batch.rows() {
        let values = || columns.iter().map(|column| whole(batch.value(row, *column)));
        if values().all(|value| value != Value::Null) {
            out.push_row(values());
        }
    }
    out
}

fn whole(value: Value<'_>) -> Value<'_> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match value {
        Value::Real(bits) => {
            let real = f64::from_bits(bits);
            let is_whole = real.fract() == 0.0 && real.abs() <= EXACT;
            if is_whole { Value::Integer(real as i64) } else { value }
        }
        value => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(values: &[Value<'static>]) -> RowStream {
        let mut batch = RowBatch::new(2);
        values.iter().for_each(|value| batch.push_row([Value::Text(b"x"), *value]));
        futures::stream::iter([Ok(batch)]).boxed()
    }

    #[tokio::test]
    async fn rows_without_a_parent_are_counted() {
        let name = TableName::plain("t");
        let parents = [Value::Text(b"b"), Value::Integer(3), Value::Integer(1), Value::Null];
        let children = [
            Value::Integer(1),
            Value::Real(3f64.to_bits()),
            Value::Null,
            Value::Text(b"b"),
            Value::Integer(2),
            Value::Text(b"c"),
            Value::Text(b"c"),
        ];
        let sorted = |values: &[Value<'static>]| Sorted::new(rows(values), &name, vec![1]);
        assert_eq!(unmatched(sorted(&children), sorted(&parents)).await.ok(), Some(3));
        assert_eq!(unmatched(sorted(&children), sorted(&[])).await.ok(), Some(6));
        assert_eq!(unmatched(sorted(&[]), sorted(&parents)).await.ok(), Some(0));
    }
}
