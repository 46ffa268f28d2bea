//! What has to be known of a table to change its rows.

use std::collections::{BTreeSet, HashSet};

use rowkeep_format::{Table, TableKind};
use rusqlite::Connection;

use crate::EngineError;
use crate::sqlite::catalog::properties::Properties;
use crate::sqlite::catalog::tables::{Facts, Object, tables};
use crate::sqlite::connect::error::when;
use crate::sqlite::quote::quoted;
use crate::sqlite::schema::readable_tables::readable_tables;

/// A table that has rows of its own.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    pub(crate) name: String,
    pub(crate) kind: TableKind,
    /// Its columns as they are read, the hidden rowid among them.
    pub(crate) columns: Vec<String>,
    /// Whether the rowid is one of them that is no column of the table.
    pub(crate) has_hidden: bool,
    /// Which of them tell a row: the rowid, or the primary key. None where SQL has no name for it.
    pub(crate) key: Vec<usize>,
    /// Columns in which no two rows may be the same, but for the key; nothing where that may be any.
    pub(super) unique: Option<BTreeSet<usize>>,
    /// Whether rows that refer to it are changed when it is.
    pub(crate) acts: bool,
    /// The tables that it refers to, each by which of its columns, and whether these may be NULL.
    pub(crate) references: Vec<Reference>,
}

/// A foreign key.
#[derive(Debug, Clone)]
pub(crate) struct Reference {
    pub(crate) table: String,
    pub(crate) columns: Vec<usize>,
    pub(crate) may_be_null: bool,
}

impl Shape {
    /// The names of the key's columns, as SQL has them.
    pub(crate) fn key_names(&self) -> Vec<String> {
        self.key.iter().map(|column| quoted(&self.columns[*column])).collect()
    }

    /// The names of all columns, as SQL has them.
    pub(crate) fn names(&self) -> Vec<String> {
        self.columns.iter().map(|column| quoted(column)).collect()
    }

    /// Those of some columns in which another row may have the value.
    pub(crate) fn unique_of(&self, columns: &[usize]) -> Vec<usize> {
        let is_unique = |column: &usize| self.unique.as_ref().is_none_or(|unique| unique.contains(column));
        columns.iter().copied().filter(is_unique).collect()
    }

    /// Whether an update of these columns has to be a delete and an insert, as another row may have the value.
    pub(crate) fn moves(&self, columns: &[usize]) -> bool {
        match &self.unique {
            None => true,
            Some(unique) => columns.iter().any(|column| unique.contains(column)),
        }
    }
}

/// The tables of a database, in the order in which they were created.
pub(crate) fn shapes(connection: &Connection, objects: &[Object]) -> Result<Vec<Shape>, EngineError> {
    let facts = tables(connection, objects)?;
    let readable = readable_tables(&facts, &Properties::default());
    let acting = acting(connection).map_err(when("reading the foreign keys"))?;
    // The settings come last, and have no facts.
    readable
        .iter()
        .zip(&facts)
        .map(|(readable, facts)| {
            shape(connection, &readable.table, facts, &acting).map_err(when(format!("table {}", facts.name)))
        })
        .collect()
}

fn shape(
    connection: &Connection,
    table: &Table,
    facts: &Facts,
    acting: &HashSet<String>,
) -> rusqlite::Result<Shape> {
    let place = |name: &str| {
        table.columns.iter().position(|column| !column.hidden && column.name.eq_ignore_ascii_case(name))
    };
    let rowid = match facts.integer_primary_key() {
        Some(column) => place(&facts.columns[column].name),
        None => table.columns.iter().position(|column| column.hidden),
    };
    let primary = || {
        let index = facts.unique.iter().find(|index| facts.without_rowid && index.primary)?;
        index.columns.iter().map(|(column, _, _)| place(&facts.columns[*column].name)).collect()
    };
    let key: Vec<usize> = rowid.map(|column| vec![column]).or_else(primary).unwrap_or_default();
    let reference = |reference: &crate::sqlite::catalog::tables::Reference| {
        let columns: Vec<usize> = reference.columns.iter().filter_map(|name| place(name)).collect();
        let may_be_null = columns.len() == reference.columns.len()
            && columns.iter().all(|column| !table.columns[*column].not_null && !key.contains(column));
        Reference { table: reference.table.to_ascii_lowercase(), columns, may_be_null }
    };
    Ok(Shape {
        name: table.name.name.clone(),
        kind: table.kind,
        columns: table.columns.iter().map(|column| column.name.clone()).collect(),
        has_hidden: table.columns.iter().any(|column| column.hidden),
        unique: unique(connection, facts, &place)?,
        acts: acting.contains(&facts.name.to_ascii_lowercase()),
        references: facts.references.iter().map(reference).collect(),
        key,
    })
}

fn unique(
    connection: &Connection,
    facts: &Facts,
    place: &impl Fn(&str) -> Option<usize>,
) -> rusqlite::Result<Option<BTreeSet<usize>>> {
    let sql = "SELECT i.partial OR x.cid < 0, x.name FROM pragma_index_list(?1, 'main') AS i, pragma_index_xinfo(i.name, 'main') AS x
               WHERE i.\"unique\" AND x.key AND NOT (?2 AND i.origin = 'pk')";
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query(rusqlite::params![facts.name, facts.without_rowid])?;
    let mut columns = BTreeSet::new();
    while let Some(row) = rows.next()? {
        let name: Option<String> = row.get(1)?;
        match name.as_deref().and_then(place) {
            Some(column) if !row.get::<_, bool>(0)? => columns.insert(column),
            _ => return Ok(None),
        };
    }
    Ok(Some(columns))
}

/// The tables of which a change is one of rows that refer to them, in lower case.
fn acting(connection: &Connection) -> rusqlite::Result<HashSet<String>> {
    let sql = "SELECT DISTINCT lower(f.\"table\") FROM main.sqlite_schema AS s, pragma_foreign_key_list(s.name, 'main') AS f
               WHERE s.type = 'table' AND s.rootpage > 0 AND NOT (f.on_delete = 'NO ACTION' AND f.on_update = 'NO ACTION')";
    let mut statement = connection.prepare(sql)?;
    let names = statement.query_map([], |row| row.get(0))?;
    names.collect()
}
