//! A table that is to be changed, and what is known and decided about it.

use std::collections::{BTreeSet, HashMap};

use rowkeep_format::{Change, Changes, Counts, Table, TableChanges, TableName};
use rusqlite::Connection;

use super::bit_set::BitSet;
use super::row_locator::RowLocator;
use crate::sqlite::catalog::properties::{Properties, SETTINGS_TABLE};
use crate::sqlite::catalog::tables::{ByName, Facts};
use crate::sqlite::connect::error::when;
use crate::sqlite::connect::utf16::Endian;
use crate::sqlite::schema::readable_tables::readable_tables;
use crate::{EngineError, ErrorKind};

/// The table of the highest keys that AUTOINCREMENT has given.
pub(super) const SEQUENCES: &str = "sqlite_sequence";

/// How a table is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Row by row, with SQL.
    Rows,
    /// By what has to be so for AUTOINCREMENT to go on.
    Sequences,
    /// By pragmas.
    Settings,
}

/// A table that is to be changed.
pub(super) struct ChangedTable<'a> {
    /// Its place in the changeset.
    pub(super) index: usize,
    pub(super) kind: Kind,
    pub(super) changes: &'a TableChanges,
    /// How text is encoded, where it is UTF-16.
    pub(super) utf16: Option<Endian>,
    pub(super) locator: RowLocator,
    unique: Unique,
    /// Columns that updates change.
    pub(super) updated: BTreeSet<usize>,
    /// Whether there are changes of each kind, so that they need be read.
    pub(super) has_removals: bool,
    pub(super) has_updates: bool,
    pub(super) has_inserts: bool,
    /// Whether some updates are a delete and an insert.
    pub(super) has_moves: bool,
    /// Changes that are not to be made.
    pub(super) left: BitSet,
    pub(super) done: Counts,
    pub(super) already: u64,
    pub(super) skipped: u64,
}

/// Columns in which no two rows may be the same, alone or with others.
enum Unique {
    Columns(BTreeSet<usize>),
    /// What is unique is an expression, of whatever columns.
    Any,
}

impl ChangedTable<'_> {
    pub(super) fn table(&self) -> &Table {
        &self.changes.table
    }

    /// The column with the rowid, where that is a value and does not tell which row is meant.
    pub(super) fn rowid_value(&self) -> Option<usize> {
        self.table().rowid_beside(&self.table().key)
    }

    /// Whether rows that go are found by their values, as no unique key tells them.
    pub(super) fn removes_by_values(&self) -> bool {
        !self.table().key.unique || self.is_key_in(&self.changes.delete_unknown)
    }

    /// Whether rows that come can be looked for.
    pub(super) fn knows_inserted(&self) -> bool {
        self.table().key.unique && !self.is_key_in(&self.changes.insert_defaults)
    }

    fn is_key_in(&self, columns: &[usize]) -> bool {
        self.table().key.naming().any(|part| columns.contains(&part.column))
    }

    /// Whether an update has to be a delete and an insert, for what it changes is unique.
    pub(super) fn moves(&self, changes: &Changes, before: usize, after: usize) -> bool {
        let differs =
            |column: usize| changes.before().value(before, column) != changes.after().value(after, column);
        !self.table().key.unique
            || match &self.unique {
                Unique::Any => true,
                Unique::Columns(columns) => columns.iter().any(|column| differs(*column)),
            }
    }

    /// Counts a change as made.
    pub(super) fn count(&mut self, change: Change) {
        match change {
            Change::Insert { .. } => self.done.inserted += 1,
            Change::Update { .. } => self.done.updated += 1,
            Change::Delete { .. } => self.done.deleted += 1,
        }
    }
}

/// The tables of a changeset in which something changes. All of it have to be as the database has them.
pub(super) fn changed_tables<'a>(
    connection: &Connection,
    tables: &'a [TableChanges],
    facts: &[Facts],
    properties: &Properties,
) -> Result<Vec<ChangedTable<'a>>, EngineError> {
    let present = readable_tables(facts, properties);
    let present: HashMap<&TableName, &Table> =
        present.iter().map(|readable| (&readable.table.name, &readable.table)).collect();
    for changes in tables {
        let table = &changes.table;
        let found = present.get(&table.name).ok_or_else(|| differs(table, "is not there"))?;
        let names =
            |table: &Table| table.columns.iter().map(|column| column.name.clone()).collect::<Vec<_>>();
        if names(found) != names(table) {
            return Err(differs(table, "has other columns"));
        }
    }
    let by_name = ByName::of(facts);
    let changed = |(index, changes): (usize, &'a TableChanges)| {
        let table = &changes.table;
        let of = by_name.get(&table.name.name);
        let kind = match table.name.name.as_str() {
            SETTINGS_TABLE => Kind::Settings,
            SEQUENCES => Kind::Sequences,
            _ => Kind::Rows,
        };
        let nothing = Facts::default();
        let of = of.unwrap_or(&nothing);
        Ok(ChangedTable {
            index,
            kind,
            changes,
            utf16: properties.utf16(),
            locator: RowLocator::of(table, of, &changes.delete_unknown),
            unique: unique(connection, of, table).map_err(when(format!("table {}", table.name)))?,
            updated: BTreeSet::new(),
            has_removals: false,
            has_updates: false,
            has_inserts: false,
            has_moves: false,
            left: BitSet::default(),
            done: Default::default(),
            already: 0,
            skipped: 0,
        })
    };
    tables.iter().enumerate().filter(|(_, changes)| changes.counts.total() > 0).map(changed).collect()
}

fn differs(table: &Table, how: &str) -> EngineError {
    let message = format!("table {} of the changeset {how} in the database", table.name);
    EngineError::new(ErrorKind::Conflict, message)
}

fn unique(connection: &Connection, facts: &Facts, table: &Table) -> rusqlite::Result<Unique> {
    let place = |name: &str| table.columns.iter().position(|column| column.name == name);
    let mut columns = BTreeSet::new();
    let rowid = facts.integer_primary_key().map(|column| facts.columns[column].name.as_str());
    columns.extend(rowid.and_then(place));
    columns.extend(table.columns.iter().position(|column| column.hidden));
    // Partial indexes too: any column of their condition decides whether a row is in them.
    let sql = "SELECT i.partial OR x.cid < -1, x.name
               FROM pragma_index_list(?1, 'main') AS i, pragma_index_xinfo(i.name, 'main') AS x WHERE i.\"unique\" AND x.key";
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([&facts.name])?;
    while let Some(row) = rows.next()? {
        let name: Option<String> = row.get(1)?;
        match name.as_deref().and_then(place) {
            // Generated columns are made of whatever others.
            Some(column) if !row.get::<_, bool>(0)? => columns.insert(column),
            _ => return Ok(Unique::Any),
        };
    }
    Ok(Unique::Columns(columns))
}
