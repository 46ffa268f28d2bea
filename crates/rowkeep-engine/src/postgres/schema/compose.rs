//! Tables that come from elsewhere as SQL of PostgreSQL, in the form in which `pg_dump` writes it.

use std::fmt::Write as _;

use rowkeep_format::schema::{Ddl, KeyColumn};
use rowkeep_format::{Column, Key, RowBatch, Schema, Table, TableName, Value};

use super::ddl;
use crate::postgres::catalog::{key_order, sequences};
use crate::postgres::quote;

/// Statements that are being put together, by the time at which they run.
#[derive(Default)]
pub(crate) struct Statements {
    before: String,
    after: String,
}

/// A reference to another table.
pub(crate) struct ForeignKey<'a> {
    pub(crate) constraint: &'a str,
    pub(crate) columns: Vec<&'a str>,
    pub(crate) references: &'a TableName,
    pub(crate) referenced: Vec<&'a str>,
    pub(crate) on_update: Option<&'a str>,
    pub(crate) on_delete: Option<&'a str>,
    pub(crate) deferred: bool,
    pub(crate) unchecked: bool,
}

impl Statements {
    /// Creates a table of these columns, each as SQL.
    pub(crate) fn table(&mut self, name: &TableName, columns: &[String]) {
        let columns = columns.join(",\n    ");
        let _ = writeln!(self.before, "CREATE TABLE {} (\n    {columns}\n);\n", quote::table(name));
    }

    /// Adds a primary key or, when it is none, a unique constraint.
    pub(crate) fn key(&mut self, table: &TableName, constraint: &str, primary: bool, columns: &[&str]) {
        let kind = if primary { "PRIMARY KEY" } else { "UNIQUE" };
        let _ = writeln!(
            self.after,
            "ALTER TABLE ONLY {}\n    ADD CONSTRAINT {} {kind} ({});\n",
            quote::table(table),
            quote::ident(constraint),
            quote::idents(columns.iter().copied())
        );
    }

    /// Adds an index over columns, each with whether it descends.
    ///
    /// NULL comes where SQLite has it: first, and last where the order descends.
    pub(crate) fn index(&mut self, table: &TableName, name: &str, unique: bool, columns: &[(&str, bool)]) {
        let columns = columns.iter().map(|(column, descending)| {
            let order = if *descending { "DESC NULLS LAST" } else { "NULLS FIRST" };
            format!("{} {order}", quote::ident(column))
        });
        let unique = if unique { "UNIQUE " } else { "" };
        let _ = writeln!(
            self.after,
            "CREATE {unique}INDEX {} ON {} USING btree ({});\n",
            quote::ident(name),
            quote::table(table),
            columns.collect::<Vec<_>>().join(", ")
        );
    }

    /// Adds a reference.
    pub(crate) fn foreign_key(&mut self, table: &TableName, key: &ForeignKey<'_>) {
        let mut statement = format!(
            "ALTER TABLE ONLY {}\n    ADD CONSTRAINT {} FOREIGN KEY ({}) REFERENCES {}({})",
            quote::table(table),
            quote::ident(key.constraint),
            quote::idents(key.columns.iter().copied()),
            quote::table(key.references),
            quote::idents(key.referenced.iter().copied())
        );
        for (event, action) in [("UPDATE", key.on_update), ("DELETE", key.on_delete)] {
            if let Some(action) = action {
                let _ = write!(statement, " ON {event} {action}");
            }
        }
        if key.deferred {
            statement.push_str(" DEFERRABLE INITIALLY DEFERRED");
        }
        if key.unchecked {
            statement.push_str(" NOT VALID");
        }
        let _ = writeln!(self.after, "{statement};\n");
    }

    /// The schema of a new database in UTF-8 with these tables.
    pub(crate) fn schema(self, tables: Vec<Table>) -> Schema {
        let part = |part: &str, sql: String| Ddl { part: part.to_owned(), sql };
        // A schema without tables is one too, and its part is not empty.
        let before = format!("--\n-- Translated by rowkeep\n--\n\n{}", self.before);
        Schema {
            engine: ddl::ENGINE.to_owned(),
            tables,
            inherits: Vec::new(),
            ddl: vec![
                part(ddl::DATABASE, "ENCODING = 'UTF8'".to_owned()),
                part(ddl::BEFORE, before),
                part(ddl::AFTER, self.after),
            ],
        }
    }
}

/// The key of a table by columns whose types are those of the server.
pub(crate) fn key(columns: &[Column], key: &[usize]) -> Key {
    if key.is_empty() {
        return Key::whole_row(columns.len());
    }
    let part = |column: &usize| {
        let form = key_order::ordering(base_name(&columns[*column].type_name), "UTF8").form;
        KeyColumn { column: *column, form }
    };
    Key { columns: key.iter().map(part).collect(), unique: true }
}

/// The name of a type in `pg_type`, of those that a translation gives.
fn base_name(type_name: &str) -> &str {
    let plain = type_name.split('(').next().unwrap_or(type_name);
    match plain {
        "bigint" => "int8",
        "boolean" => "bool",
        "double precision" => "float8",
        "character varying" => "varchar",
        "timestamp without time zone" => "timestamp",
        "timestamp with time zone" => "timestamptz",
        "time without time zone" => "time",
        other => other,
    }
}

/// Where sequences go on: each with the highest number that it has given.
pub(crate) fn sequence_values(values: &[(TableName, Option<i64>)]) -> (Table, RowBatch) {
    let mut batch = RowBatch::new(4);
    for (name, given) in values {
        let schema = name.schema.as_deref().unwrap_or("public");
        let number = given.unwrap_or(1).to_string();
        let called = if given.is_some() { "t" } else { "f" };
        batch.push_row([schema, &name.name, &number, called].map(|text| Value::Text(text.as_bytes())));
    }
    (sequences::table(), batch)
}

/// A name as an identifier.
pub(crate) fn identifier(name: &str) -> String {
    quote::ident(name)
}

/// A text as a literal.
pub(crate) fn literal(text: &str) -> String {
    quote::literal(text)
}
