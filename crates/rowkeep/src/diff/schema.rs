//! How the tables of two schemas differ.

use std::fmt;

use rowkeep_format::{Column, Schema, Table, TableName};
use serde::{Deserialize, Serialize};

/// One difference between two schemas, from the first to the second.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum SchemaDifference {
    /// Only the first has the table.
    TableGone(TableName),
    /// Only the second has the table.
    TableNew(TableName),
    /// Only the first has the column.
    ColumnGone {
        /// The table.
        table: TableName,
        /// The column.
        column: String,
    },
    /// Only the second has the column.
    ColumnNew {
        /// The table.
        table: TableName,
        /// The column.
        column: String,
    },
    /// The column has another type, or other constraints of its own.
    ColumnChanged {
        /// The table.
        table: TableName,
        /// The column.
        column: String,
        /// What it was.
        before: String,
        /// What it is.
        after: String,
    },
    /// Other columns identify a row.
    KeyChanged {
        /// The table.
        table: TableName,
        /// The columns that did.
        before: Vec<String>,
        /// The columns that do.
        after: Vec<String>,
    },
}

impl fmt::Display for SchemaDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TableGone(table) => write!(f, "table {table} is only in the first"),
            Self::TableNew(table) => write!(f, "table {table} is only in the second"),
            Self::ColumnGone { table, column } => write!(f, "column {table}.{column} is only in the first"),
            Self::ColumnNew { table, column } => write!(f, "column {table}.{column} is only in the second"),
            Self::ColumnChanged { table, column, before, after } => {
                write!(f, "column {table}.{column} is {before} in the first and {after} in the second")
            }
            Self::KeyChanged { table, before, after } => {
                let told = |columns: &[String]| match columns {
                    [] => "the whole row".to_owned(),
                    columns => columns.join(", "),
                };
                let (before, after) = (told(before), told(after));
                write!(f, "rows of {table} are known by {before} in the first and by {after} in the second")
            }
        }
    }
}

/// How a table differs from another of the same name, in what rows need: columns, types, key.
pub fn schema_differences(before: &Table, after: &Table) -> Vec<SchemaDifference> {
    let table = || before.name.clone();
    let find = |table: &Table, name: &str| table.columns.iter().position(|column| column.name == name);
    let mut found = Vec::new();
    for old in &before.columns {
        match find(after, &old.name) {
            None => found.push(SchemaDifference::ColumnGone { table: table(), column: old.name.clone() }),
            Some(place) if told(old) != told(&after.columns[place]) => {
                found.push(SchemaDifference::ColumnChanged {
                    table: table(),
                    column: old.name.clone(),
                    before: told(old),
                    after: told(&after.columns[place]),
                });
            }
            Some(_) => {}
        }
    }
    for new in after.columns.iter().filter(|new| find(before, &new.name).is_none()) {
        found.push(SchemaDifference::ColumnNew { table: table(), column: new.name.clone() });
    }
    let (old_key, new_key) = (key_columns(before), key_columns(after));
    if old_key != new_key {
        found.push(SchemaDifference::KeyChanged { table: table(), before: old_key, after: new_key });
    }
    found
}

fn told(column: &Column) -> String {
    let name = if column.type_name.is_empty() { "of no type" } else { &column.type_name };
    if column.not_null { format!("{name} NOT NULL") } else { name.to_owned() }
}

/// The columns that identify a row; none when the whole row does.
fn key_columns(table: &Table) -> Vec<String> {
    if !table.key.unique {
        return Vec::new();
    }
    table.key.columns.iter().map(|key| table.columns[key.column].name.clone()).collect()
}

/// How the tables of two whole schemas differ.
pub(crate) fn all_schema_differences(before: &Schema, after: &Schema) -> Vec<SchemaDifference> {
    let mut found = Vec::new();
    for table in &before.tables {
        match after.table(&table.name) {
            Some(other) => found.extend(schema_differences(table, other)),
            None => found.push(SchemaDifference::TableGone(table.name.clone())),
        }
    }
    let new = after.tables.iter().filter(|table| before.table(&table.name).is_none());
    found.extend(new.map(|table| SchemaDifference::TableNew(table.name.clone())));
    found
}
