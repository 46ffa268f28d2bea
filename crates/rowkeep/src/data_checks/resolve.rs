//! The tables and columns that checks speak of, found in a database.

use rowkeep_engine::dialect::{Dialect, Names};
use rowkeep_engine::{Engine, ErrorKind};
use rowkeep_format::{Schema, Table, TableName};

use super::sql;
use crate::Error;
use crate::state::named_table::find;

/// Something with columns that a check speaks of: a table, or a view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Relation {
    /// Its name, with its schema.
    pub(super) name: TableName,
    /// All its columns, generated ones too.
    columns: Vec<String>,
    /// The columns of its key, where it has one.
    pub(super) key: Vec<String>,
    /// Whether case does not tell names apart.
    folds: bool,
}

impl Relation {
    /// The column of a name, as the database writes it.
    pub(super) fn column(&self, name: &str) -> Result<String, Error> {
        let exact = self.columns.iter().find(|column| *column == name);
        let found = exact.or_else(|| {
            let mut alike = self.columns.iter().filter(|column| column.eq_ignore_ascii_case(name));
            alike.next().filter(|_| self.folds && alike.next().is_none())
        });
        found.cloned().ok_or_else(|| Error::Unknown {
            what: "column",
            name: format!("{}.{name}", self.name),
            candidates: self.columns.clone(),
        })
    }

    /// The columns of these names.
    pub(super) fn columns(&self, names: &[String]) -> Result<Vec<String>, Error> {
        names.iter().map(|name| self.column(name)).collect()
    }
}

/// Finds the table of a name where there is no database to ask: nothing but tables has columns there.
pub(super) fn table<'s>(
    dialect: &dyn Dialect,
    schema: &'s Schema,
    wanted: &str,
) -> Result<(&'s Table, Relation), Error> {
    let names = dialect.names();
    let table = find(schema, names, wanted)?.ok_or_else(|| unknown(schema, &guess(names, wanted)))?;
    let columns = table.columns.iter().map(|column| column.name.clone()).collect();
    Ok((table, Relation { name: table.name.clone(), columns, key: key(table), folds: names.fold }))
}

/// Finds the table of a name, and asks the database for its columns.
pub(super) async fn relation(
    engine: &dyn Engine,
    dialect: &dyn Dialect,
    schema: &Schema,
    name: &str,
) -> Result<Relation, Error> {
    let names = dialect.names();
    let table = find(schema, names, name)?;
    let (name, key) = match table {
        Some(table) => (table.name.clone(), key(table)),
        // A view or a partitioned table has no rows of its own, so it is not among the tables.
        None => (guess(names, name), Vec::new()),
    };
    match engine.query(&sql::columns(dialect, &name), 0).await {
        Ok(found) => Ok(Relation { name, columns: found.columns, key, folds: names.fold }),
        Err(error)
            if table.is_none() && matches!(error.kind(), ErrorKind::Statement | ErrorKind::NotFound) =>
        {
            Err(unknown(schema, &name))
        }
        Err(error) => Err(error.into()),
    }
}

fn guess(names: Names, name: &str) -> TableName {
    match (names.default_schema, name.split_once('.')) {
        (None, _) => TableName::plain(name),
        (Some(_), Some((schema, name))) => TableName::qualified(schema, name),
        (Some(default), None) => TableName::qualified(default, name),
    }
}

fn unknown(schema: &Schema, name: &TableName) -> Error {
    let tables = schema.tables.iter().filter(|table| table.kind.is_user_table());
    Error::Unknown {
        what: "table",
        name: name.to_string(),
        candidates: tables.map(|table| table.name.to_string()).collect(),
    }
}

fn key(table: &Table) -> Vec<String> {
    let key = table.identified_by();
    let columns = key.naming().filter(|_| key.unique);
    columns.filter_map(|key| Some(table.columns.get(key.column)?.name.clone())).collect()
}
