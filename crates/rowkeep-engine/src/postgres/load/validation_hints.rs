//! What helps the server to check references quickly: it plans the check as a join, of tables that are new to it.

use std::collections::{BTreeSet, HashMap, HashSet};

use rowkeep_format::{ForeignKey, Schema, Table, TableName};

use crate::postgres::catalog::tables::application_tables;
use crate::postgres::quote;

/// What is known of references before any of them is checked.
#[derive(Debug, Default)]
pub(crate) struct ValidationHints {
    /// Tables with the names of their references of which both sides are in the order of an index.
    ordered: HashMap<TableName, HashSet<String>>,
    /// Tables with the columns of which the server has to know how many values they have.
    analyzed: HashMap<TableName, BTreeSet<String>>,
}

impl ValidationHints {
    /// Looks at the references of a schema.
    pub(crate) fn new(schema: &Schema) -> Self {
        let mut hints = ValidationHints::default();
        for table in application_tables(schema) {
            for reference in &table.foreign_keys {
                hints.add(schema, table, reference);
            }
        }
        hints
    }

    fn add(&mut self, schema: &Schema, table: &Table, reference: &ForeignKey) {
        let names = reference.columns.iter().filter_map(|at| table.columns.get(*at));
        let names: Vec<&str> = names.map(|column| column.name.as_str()).collect();
        let referenced = schema.table(&reference.references);
        if begins_key(table, &names)
            && referenced.is_some_and(|it| begins_key(it, &reference.referenced_columns))
        {
            self.ordered.entry(table.name.clone()).or_default().extend(reference.name.clone());
        } else if reference.columns.len() > 1 {
            // Of one column the server knows by the unique index that no two rows are alike.
            let columns = reference.referenced_columns.iter().cloned();
            self.analyzed.entry(reference.references.clone()).or_default().extend(columns);
        }
    }

    /// Whether both sides of a reference are in the order of an index; `constraint` is its name as SQL.
    pub(crate) fn is_ordered(&self, table: &TableName, constraint: &str) -> bool {
        let is = |name: &String| constraint == name || constraint == quote::ident(name);
        self.ordered.get(table).is_some_and(|names| names.iter().any(is))
    }

    /// The columns of a table that should be analyzed before references to it are checked, as SQL.
    ///
    /// Without that the server takes a hash table of several columns for full of collisions, and sorts the table that
    /// refers. Analyzing single columns does not keep autovacuum from analyzing the table later.
    pub(crate) fn to_analyze(&self, table: &TableName) -> Option<String> {
        self.analyzed.get(table).map(|columns| quote::idents(columns.iter().map(String::as_str)))
    }
}

/// Whether columns are the first of a table's unique key, in its order.
fn begins_key(table: &Table, columns: &[impl AsRef<str>]) -> bool {
    table.key.unique
        && columns.len() <= table.key.columns.len()
        && columns.iter().zip(&table.key.columns).all(|(name, key)| {
            table.columns.get(key.column).is_some_and(|column| column.name == name.as_ref())
        })
}

#[cfg(test)]
mod tests {
    use rowkeep_format::schema::KeyColumn;
    use rowkeep_format::{Column, Key, KeyForm, TableKind};

    use super::*;

    fn table(name: &str, columns: &[&str], key: &[usize], references: Vec<ForeignKey>) -> Table {
        let column = |name: &&str| Column {
            name: (*name).to_owned(),
            type_name: String::new(),
            not_null: true,
            hidden: false,
        };
        let key = key.iter().map(|column| KeyColumn { column: *column, form: KeyForm::Native }).collect();
        Table {
            name: TableName::plain(name),
            kind: TableKind::Table,
            columns: columns.iter().map(column).collect(),
            key: Key { columns: key, unique: true },
            identity: None,
            foreign_keys: references,
        }
    }

    fn reference(name: &str, columns: &[usize], references: &str, referenced_columns: &[&str]) -> ForeignKey {
        ForeignKey {
            name: Some(name.to_owned()),
            columns: columns.to_vec(),
            references: TableName::plain(references),
            referenced_columns: referenced_columns.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    #[test]
    fn references_are_told_apart() {
        let lines = table(
            "lines",
            &["number", "order", "part", "maker"],
            &[1, 0],
            vec![
                reference("of order", &[1], "orders", &["id"]),
                reference("of_number", &[0], "orders", &["id"]),
                reference("of_part", &[2, 3], "parts", &["part", "maker"]),
                reference("turned", &[0, 1], "parts", &["maker", "part"]),
            ],
        );
        let tables = vec![
            lines,
            table("orders", &["id"], &[0], Vec::new()),
            table("parts", &["maker", "part"], &[0, 1], Vec::new()),
        ];
        let hints = ValidationHints::new(&Schema {
            engine: String::new(),
            tables,
            inherits: Vec::new(),
            ddl: Vec::new(),
        });
        let lines = TableName::plain("lines");
        assert!(hints.is_ordered(&lines, "\"of order\""));
        for other in ["of_number", "of_part", "turned", "absent"] {
            assert!(!hints.is_ordered(&lines, other), "{other}");
        }
        assert_eq!(hints.to_analyze(&TableName::plain("parts")).as_deref(), Some("\"maker\", \"part\""));
        assert_eq!(hints.to_analyze(&TableName::plain("orders")), None);
    }
}
