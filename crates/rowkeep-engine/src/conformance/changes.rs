//! Changesets of rows in memory, and states to compare.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::{StreamExt, stream};
use rowkeep_format::{Changes, Counts, RowBatch, Table, TableChanges, TableKind, key};

use super::sandbox::{Rows, assert_same_rows, read};
use crate::{
    Applied, AppliedTable, ApplyOptions, ChangeSource, ChangeStream, Engine, EngineError, ViewOptions,
};

/// How many changes are in a batch: few, so that there are several.
const BATCH: usize = 100;

/// A changeset in memory.
#[derive(Clone, Default)]
pub struct ListedChanges {
    tables: Vec<TableChanges>,
    changes: Vec<Vec<Changes>>,
}

impl ChangeSource for ListedChanges {
    fn tables(&self) -> &[TableChanges] {
        &self.tables
    }

    fn read(&self, table: usize) -> ChangeStream {
        stream::iter(self.changes[table].clone().into_iter().map(Ok)).boxed()
    }
}

impl ListedChanges {
    /// Adds all changes to a table; there may be none.
    pub fn add(&mut self, table: &Table, changes: Vec<Changes>) {
        let mut counts = Counts::default();
        changes.iter().for_each(|changes| counts += Counts::of(changes));
        self.tables.push(TableChanges {
            table: table.clone(),
            counts,
            insert_defaults: Vec::new(),
            delete_unknown: Vec::new(),
            updated_columns: (0..table.columns.len()).collect(),
            across: None,
        });
        self.changes.push(changes);
    }

    /// The changes that undo these.
    #[must_use]
    pub fn reversed(self) -> Self {
        let reverse = |changes: Vec<Changes>| changes.into_iter().map(Changes::reversed).collect();
        Self {
            tables: self.tables.into_iter().map(TableChanges::reversed).collect(),
            changes: self.changes.into_iter().map(reverse).collect(),
        }
    }

    /// Only the changes to some tables.
    #[must_use]
    pub fn only(self, names: &[&str]) -> Self {
        let all = self.tables.into_iter().zip(self.changes);
        let (tables, changes) =
            all.filter(|(table, _)| names.contains(&table.table.name.name.as_str())).unzip();
        Self { tables, changes }
    }

    /// Says more about the changes to a table.
    ///
    /// # Panics
    /// When the table is not changed.
    pub fn table_mut(&mut self, name: &str) -> &mut TableChanges {
        let found = self.tables.iter_mut().find(|table| table.table.name.name == name);
        found.unwrap_or_else(|| panic!("table {name} is changed"))
    }

    /// Applies the changes.
    pub async fn apply(&self, engine: &dyn Engine, options: &ApplyOptions) -> Result<Applied, EngineError> {
        engine.apply(Arc::new(self.clone()), options).await
    }
}

/// The rows of one state, with their tables.
#[derive(Clone)]
pub struct State {
    /// The tables that are compared.
    pub tables: Vec<Table>,
    /// Their rows.
    pub rows: Rows,
}

impl State {
    /// The present state of the tables of some kinds.
    ///
    /// # Panics
    /// When reading fails.
    pub async fn of_kinds(engine: &dyn Engine, kinds: &[TableKind]) -> Self {
        let view = engine.open(&ViewOptions::default()).await.expect("the database opens");
        let tables = view.schema().tables.iter().filter(|table| kinds.contains(&table.kind));
        let mut state = Self { tables: tables.cloned().collect(), rows: Rows::new() };
        for table in &state.tables {
            state.rows.insert(table.name.clone(), read(&*view, table).await);
        }
        state
    }

    /// The present state of the tables that are the application's own.
    ///
    /// # Panics
    /// When reading fails.
    pub async fn of(engine: &dyn Engine) -> Self {
        Self::of_kinds(engine, &[TableKind::Table]).await
    }

    /// What makes this state into another of the same tables, worked out row by row.
    ///
    /// # Panics
    /// When a key cannot be encoded.
    pub fn to(&self, other: &Self) -> ListedChanges {
        let mut changes = ListedChanges::default();
        for table in &self.tables {
            let found = difference(table, &self.rows[&table.name], &other.rows[&table.name]);
            if !found.is_empty() {
                changes.add(table, found);
            }
        }
        changes
    }

    /// Compares two states.
    ///
    /// # Panics
    /// When they differ.
    pub fn assert_is(&self, expected: &Self, when: &str) {
        for (name, rows) in &self.rows {
            if *rows != expected.rows[name] && rows.rows() < 50 {
                let print = |rows: &RowBatch| {
                    (0..rows.rows())
                        .map(|row| format!("{:?}\n", rows.row(row).collect::<Vec<_>>()))
                        .collect::<String>()
                };
                panic!("{when}: {name} is\n{}and not\n{}", print(rows), print(&expected.rows[name]));
            }
        }
        assert_same_rows(&self.rows, &expected.rows);
    }
}

fn difference(table: &Table, before: &RowBatch, after: &RowBatch) -> Vec<Changes> {
    let by_key = |rows: &RowBatch| {
        let mut keys: BTreeMap<Vec<u8>, Vec<usize>> = BTreeMap::new();
        for row in 0..rows.rows() {
            let mut bytes = Vec::new();
            key::encode(&table.key, rows, row, &mut bytes).expect("keys can be encoded");
            keys.entry(bytes).or_default().push(row);
        }
        keys
    };
    let (was, is) = (by_key(before), by_key(after));
    let mut all: Vec<_> = was.keys().chain(is.keys()).collect();
    all.sort();
    all.dedup();
    let (mut out, mut changes) = (Vec::new(), Changes::new(table.columns.len()));
    let none = Vec::new();
    for key in all {
        let (old, new) = (was.get(key).unwrap_or(&none), is.get(key).unwrap_or(&none));
        for place in 0..old.len().max(new.len()) {
            match (old.get(place), new.get(place)) {
                (Some(old), None) => changes.delete(before, *old),
                (None, Some(new)) => changes.insert(after, *new),
                (Some(old), Some(new)) if !before.row(*old).eq(after.row(*new)) => {
                    changes.update(before, *old, after, *new);
                }
                _ => {}
            }
        }
        if changes.len() >= BATCH {
            out.push(changes.take());
        }
    }
    if !changes.is_empty() {
        out.push(changes);
    }
    out
}

/// What was done to a table.
///
/// # Panics
/// When it is not said.
pub fn applied<'a>(applied: &'a Applied, name: &str) -> &'a AppliedTable {
    let found = applied.tables.iter().find(|table| table.table.name == name);
    found.unwrap_or_else(|| panic!("it is said what was done to table {name}"))
}
