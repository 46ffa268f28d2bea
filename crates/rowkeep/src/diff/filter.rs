//! Which changes of a changeset are wanted.

use std::sync::{Arc, Mutex};

use rowkeep_engine::dialect::Dialect;
use rowkeep_format::{Change, Changes, Counts, RowBatch, Schema, Table, TableKind, TableName, Value};

use crate::Error;
use crate::rows::condition::BoundKey;
use crate::state::key_set::KeySet;

/// A choice among the rows of tables.
pub trait RowFilter: Send + Sync {
    /// What it means for a table, in the dialect of its engine. `None` when it says nothing of that table, so that none of its rows are meant.
    fn bind(&self, table: &Table, dialect: &'static dyn Dialect) -> Result<Option<RowTest>, Error>;

    /// Whether every row that is meant is named by its key.
    fn names_rows(&self) -> bool {
        false
    }

    /// The same choice, where names also mean the partitions that partitioned tables of these names have in some schemas;
    /// nothing where that is no other.
    fn with_partitions(&self, _schemas: &[&Schema]) -> Option<Arc<dyn RowFilter>> {
        None
    }

    /// The keys among which those of all rows are that are meant, where they are known: then only these rows are read.
    fn keys(&self, _table: &Table, _dialect: &dyn Dialect) -> Result<Option<Vec<BoundKey>>, Error> {
        Ok(None)
    }
}

/// Whether a row is meant.
pub type RowTest = Box<dyn Fn(&RowBatch, usize) -> bool + Send + Sync>;

/// Which changes are wanted.
#[derive(Clone)]
pub struct Filter {
    /// Rows that come.
    pub inserts: bool,
    /// Rows that get other values.
    pub updates: bool,
    /// Rows that go.
    pub deletes: bool,
    /// Values that the database keeps beside its tables, such as those of sequences.
    pub settings: bool,
    /// Sequences that only one state has: a change of rows can neither make nor drop them.
    pub lone_sequences: bool,
    /// Hidden rowids of rows that both states have, where these identify no row. Where not all rows are to become as the
    /// second state has them, a rowid may be that of another row.
    pub rowids: bool,
    /// Of these, only rows that are meant as they were or as they become.
    pub rows: Option<Arc<dyn RowFilter>>,
}

impl Default for Filter {
    fn default() -> Self {
        let settings = true;
        Self {
            inserts: true,
            updates: true,
            deletes: true,
            settings,
            lone_sequences: true,
            rowids: true,
            rows: None,
        }
    }
}

impl Filter {
    /// The same, where names also mean the partitions of partitioned tables.
    pub(super) fn with_partitions(&self, schemas: &[&Schema]) -> Self {
        let rows = self.rows.as_ref().and_then(|rows| rows.with_partitions(schemas));
        Self { rows: rows.or_else(|| self.rows.clone()), ..self.clone() }
    }

    pub(super) fn bind(
        &self,
        table: &Table,
        dialect: &'static dyn Dialect,
    ) -> Result<Arc<BoundFilter>, Error> {
        let skipped = !self.settings && table.kind == TableKind::Settings;
        let (test, none, keys) = match &self.rows {
            None => (None, skipped, None),
            Some(rows) => {
                let test = rows.bind(table, dialect)?;
                let none = skipped || test.is_none();
                (test, none, rows.keys(table, dialect)?.map(|keys| key_set(table, &keys)))
            }
        };
        let takes_lone = self.lone_sequences || !is_of_sequences(table, dialect);
        Ok(Arc::new(BoundFilter {
            inserts: self.inserts && !none && takes_lone,
            updates: self.updates && !none,
            deletes: self.deletes && !none && takes_lone,
            kept_rowid: table.rowid_value().filter(|_| !self.rowids),
            test,
            keys,
            seen: Mutex::default(),
        }))
    }
}

fn is_of_sequences(table: &Table, dialect: &dyn Dialect) -> bool {
    let is_named_so = |name| table.name == TableName::plain(name);
    table.kind == TableKind::Settings && dialect.sequences().is_some_and(|known| is_named_so(known.table))
}

fn key_set(table: &Table, keys: &[BoundKey]) -> KeySet {
    let mut set = KeySet::new(table.identified_by().columns.len());
    for key in keys {
        set.insert(key.encoded(), key.values().row(0));
    }
    set
}

/// Which changes of one table are wanted.
pub(super) struct BoundFilter {
    inserts: bool,
    updates: bool,
    deletes: bool,
    /// The column with rowids that rows keep.
    kept_rowid: Option<usize>,
    test: Option<RowTest>,
    keys: Option<KeySet>,
    /// All changes so far, wanted or not.
    seen: Mutex<Counts>,
}

impl BoundFilter {
    /// Whether no change is wanted, whatever differs.
    pub(super) fn is_nothing(&self) -> bool {
        !self.inserts && !self.updates && !self.deletes
    }

    /// The keys of all rows that are meant, where they are known.
    pub(super) fn keys(&self) -> Option<&KeySet> {
        self.keys.as_ref()
    }

    /// Whether a row fulfils what is asked of rows beside their keys.
    pub(super) fn means(&self, batch: &RowBatch, row: usize) -> bool {
        self.test.as_ref().is_none_or(|test| test(batch, row))
    }

    /// How many changes there were to choose from so far.
    pub(super) fn seen(&self) -> Counts {
        *self.seen.lock().expect("nobody panics holding it")
    }

    /// The changes that are wanted.
    pub(super) fn keep(&self, changes: Changes) -> Changes {
        *self.seen.lock().expect("nobody panics holding it") += Counts::of(&changes);
        if self.inserts && self.updates && self.deletes && self.kept_rowid.is_none() && self.test.is_none() {
            return changes;
        }
        let mut kept = Changes::new(changes.after().columns().len());
        for change in changes.iter().filter(|change| self.wants(&changes, *change)) {
            match (change, self.kept_rowid) {
                (Change::Update { before, after }, Some(rowid)) => {
                    let old = changes.before();
                    let mut values: Vec<Value<'_>> = changes.after().row(after).collect();
                    values[rowid] = old.value(before, rowid);
                    if !old.row(before).eq(values.iter().copied()) {
                        kept.update_to(old, before, values);
                    }
                }
                _ => kept.push(&changes, change),
            }
        }
        kept
    }

    fn wants(&self, changes: &Changes, change: Change) -> bool {
        let (kind, before, after) = match change {
            Change::Insert { after } => (self.inserts, None, Some(after)),
            Change::Update { before, after } => (self.updates, Some(before), Some(after)),
            Change::Delete { before } => (self.deletes, Some(before), None),
        };
        kind && self.test.as_ref().is_none_or(|test| {
            before.is_some_and(|row| test(changes.before(), row))
                || after.is_some_and(|row| test(changes.after(), row))
        })
    }
}
