use std::collections::BTreeMap;

use futures::TryStreamExt;
use rowkeep_format::{RowBatch, Schema, Table, TableName, key};

use super::fixture::{Fixture, Sandbox};
use crate::{CreateOptions, Engine, View, ViewOptions};

/// The rows of each table, in the order in which they were read.
pub type Rows = BTreeMap<TableName, RowBatch>;

/// Reads a table, checking that its rows come in the order of their keys.
///
/// # Panics
/// When reading fails, or rows come in another order, or two rows of a unique key are the same.
pub async fn read(view: &dyn View, table: &Table) -> RowBatch {
    let mut all = RowBatch::new(table.columns.len());
    let mut rows = view.rows(table).await.unwrap_or_else(|error| panic!("{}: {error:?}", table.name));
    let mut last: Option<Vec<u8>> = None;
    while let Some(batch) = rows.try_next().await.unwrap_or_else(|error| panic!("{}: {error:?}", table.name))
    {
        assert!(!batch.is_empty(), "{}: a batch without rows", table.name);
        assert_eq!(
            batch.columns().len(),
            table.columns.len(),
            "{}: as many columns as the schema says",
            table.name
        );
        for row in 0..batch.rows() {
            let mut this = Vec::new();
            key::encode(&table.key, &batch, row, &mut this).expect("keys have the form that the schema says");
            if let Some(last) = &last {
                let sorted = if table.key.unique { *last < this } else { *last <= this };
                assert!(sorted, "{}: row {} comes in key order", table.name, all.rows() + row);
            }
            last = Some(this);
        }
        let rows = batch.rows();
        all.extend(&batch, 0..rows);
    }
    all
}

/// Opens a view and reads everything through it.
///
/// # Panics
/// As [`read`] does.
pub async fn read_all(engine: &dyn Engine) -> (Schema, Rows) {
    let view = engine.open(&ViewOptions { with_ddl: true }).await.expect("the database opens");
    let schema = view.schema().clone();
    let mut rows = Rows::new();
    for table in &schema.tables {
        rows.insert(table.name.clone(), read(&*view, table).await);
    }
    (schema, rows)
}

/// Copies one database into another through a view and a target, and returns what `finish` noted.
///
/// # Panics
/// When a step fails.
pub async fn copy(from: &dyn Engine, to: &dyn Engine) -> Vec<String> {
    let view = from.open(&ViewOptions { with_ddl: true }).await.expect("the original opens");
    let target = to.create(view.schema(), &CreateOptions::default()).await.expect("the copy is created");
    for table in &view.schema().tables {
        let rows = view.rows(table).await.expect("the rows are read");
        target.load(table, rows).await.unwrap_or_else(|error| panic!("loading {}: {error:?}", table.name));
    }
    target.finish().await.expect("the copy is finished").notes
}

/// Compares the rows of two databases.
///
/// # Panics
/// When they differ, naming the table.
pub fn assert_same_rows(left: &Rows, right: &Rows) {
    assert_eq!(left.keys().collect::<Vec<_>>(), right.keys().collect::<Vec<_>>(), "the same tables");
    for (name, rows) in left {
        // Not `assert_eq!`: millions of values would be printed.
        assert!(
            *rows == right[name],
            "{name}: {} rows and {}, not the same",
            rows.rows(),
            right[name].rows()
        );
    }
}

/// Makes a database by `sql`, copies it, and checks that copy and original are the same in rows, schema and dump.
/// Returns both, and what was read of them.
pub(super) async fn round_trip(fixture: &dyn Fixture, sql: &str) -> RoundTrip {
    let original = fixture.empty().await;
    original.run(sql).await;
    let copied = fixture.empty().await;
    let notes = copy(&*original.engine(), &*copied.engine()).await;
    assert_eq!(notes, Vec::<String>::new(), "everything is restored exactly");
    let (schema, rows) = read_all(&*original.engine()).await;
    let (copied_schema, copied_rows) = read_all(&*copied.engine()).await;
    assert_eq!(schema, copied_schema);
    assert_same_rows(&rows, &copied_rows);
    assert!(original.dump().await == copied.dump().await, "the databases' own dumps are the same");
    RoundTrip { original, schema, rows }
}

pub(super) struct RoundTrip {
    pub(super) original: Box<dyn Sandbox>,
    pub(super) schema: Schema,
    pub(super) rows: Rows,
}

impl RoundTrip {
    /// A table by its name, in whatever namespace.
    pub(super) fn table(&self, name: &str) -> &Table {
        table(&self.schema, name)
    }

    /// The rows of a table.
    pub(super) fn rows(&self, name: &str) -> &RowBatch {
        &self.rows[&self.table(name).name]
    }
}

/// A table by its name, in whatever namespace.
pub(super) fn table<'a>(schema: &'a Schema, name: &str) -> &'a Table {
    let found = schema.tables.iter().find(|table| table.name.name == name);
    found.unwrap_or_else(|| panic!("there is a table {name}"))
}

/// A number of rows `n` from 1, for use before `INSERT` or `SELECT`.
pub(super) fn numbers(count: u32) -> String {
    format!("WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {count}) ")
}
