//! Which tables of a database are meant.

use std::collections::BTreeMap;

use rowkeep_format::{Schema, Table, TableName};
use serde::{Deserialize, Serialize};

use crate::Error;

/// Tables in or out, by name or by group.
///
/// A name is `table` or `schema.table`, with `*` for any run of characters; a group stands for its names. What is left
/// out wins over what is taken in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selection {
    /// The tables to take; empty for all.
    pub include: Vec<String>,
    /// The tables to leave out.
    pub exclude: Vec<String>,
    /// Named groups that both lists may use.
    pub groups: BTreeMap<String, Vec<String>>,
}

impl Selection {
    /// Whether it takes every table.
    pub fn is_all(&self) -> bool {
        self.include.is_empty() && self.exclude.is_empty()
    }

    /// The tables of a schema that are meant.
    ///
    /// A name that no table has is an error, and so is a selection of nothing from tables that exist. Tables that
    /// only the database itself keeps are taken when all of its own are, or when they are named.
    pub fn choose<'s>(&self, schema: &'s Schema) -> Result<Vec<&'s Table>, Error> {
        let include = self.patterns(&self.include, schema)?;
        let exclude = self.patterns(&self.exclude, schema)?;
        let matches =
            |patterns: &[&str], table: &Table| patterns.iter().any(|name| matches(name, &table.name));
        let chosen: Vec<&Table> = schema
            .tables
            .iter()
            .filter(|table| include.is_empty() || matches(&include, table))
            .filter(|table| !matches(&exclude, table))
            .collect();
        if chosen.is_empty() && !self.is_all() { Err(Error::NothingSelected) } else { Ok(chosen) }
    }

    /// The tables of two schemas that are meant; a name is known when either has such a table.
    pub fn choose_of_two<'s>(
        &self,
        first: &'s Schema,
        second: &'s Schema,
    ) -> Result<(Vec<&'s Table>, Vec<&'s Table>), Error> {
        let mut both = Schema { engine: String::new(), tables: first.tables.clone(), ddl: Vec::new() };
        both.tables.extend(second.tables.iter().filter(|table| first.table(&table.name).is_none()).cloned());
        let chosen = self.choose(&both)?;
        let of = |schema: &'s Schema| {
            let is_chosen = |table: &&Table| chosen.iter().any(|chosen| chosen.name == table.name);
            schema.tables.iter().filter(is_chosen).collect()
        };
        Ok((of(first), of(second)))
    }

    /// Whether a table is left out.
    pub fn excludes(&self, table: &TableName) -> bool {
        let member = |name: &String| match self.groups.get(name) {
            Some(members) => members.iter().any(|name| matches(name, table)),
            None => matches(name, table),
        };
        self.exclude.iter().any(member)
    }

    fn patterns<'a>(&'a self, names: &'a [String], schema: &Schema) -> Result<Vec<&'a str>, Error> {
        let mut patterns = Vec::new();
        for name in names {
            match self.groups.get(name) {
                Some(members) => patterns.extend(members.iter().map(String::as_str)),
                None => patterns.push(name.as_str()),
            }
        }
        for pattern in &patterns {
            if !schema.tables.iter().any(|table| matches(pattern, &table.name)) {
                let tables = schema.tables.iter().filter(|table| table.kind.is_user_table());
                return Err(Error::Unknown {
                    what: "table",
                    name: (*pattern).to_owned(),
                    candidates: tables.map(|table| table.name.to_string()).collect(),
                });
            }
        }
        Ok(patterns)
    }
}

/// Whether a table is meant by a name: the whole name, or without its schema.
pub fn matches(pattern: &str, table: &TableName) -> bool {
    let qualified = table.schema.as_ref().map(|schema| format!("{schema}.{}", table.name));
    glob(pattern, &table.name) || qualified.is_some_and(|name| glob(pattern, &name))
}

fn glob(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((head, tail)) => name.strip_prefix(head).is_some_and(|rest| {
            rest.char_indices().map(|(at, _)| at).chain([rest.len()]).any(|at| glob(tail, &rest[at..]))
        }),
    }
}

#[cfg(test)]
mod tests {
    use rowkeep_format::{Key, TableKind};

    use super::*;

    fn schema(names: &[(&str, &str)]) -> Schema {
        let tables = names.iter().map(|(schema, name)| Table {
            name: TableName::qualified(*schema, *name),
            kind: TableKind::Table,
            columns: Vec::new(),
            key: Key::whole_row(0),
            foreign_keys: Vec::new(),
        });
        Schema { engine: "test".into(), tables: tables.collect(), ddl: Vec::new() }
    }

    fn chosen(include: &[&str], exclude: &[&str]) -> Result<Vec<String>, String> {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let groups =
            BTreeMap::from([("user_data".to_owned(), vec!["users".to_owned(), "visit*".to_owned()])]);
        let selection = Selection { include: owned(include), exclude: owned(exclude), groups };
        let schema =
            schema(&[("public", "users"), ("public", "visits"), ("audit", "users"), ("public", "odd*name")]);
        let names = |tables: Vec<&Table>| tables.iter().map(|table| table.name.to_string()).collect();
        selection.choose(&schema).map(names).map_err(|error| error.to_string())
    }

    #[test]
    fn names_groups_and_patterns() {
        assert_eq!(chosen(&[], &[]).map(|all| all.len()), Ok(4));
        assert_eq!(chosen(&["audit.users"], &[]), Ok(vec!["audit.users".into()]));
        assert_eq!(chosen(&["users"], &["audit.*"]), Ok(vec!["users".into()]));
        assert_eq!(
            chosen(&["user_data"], &[]),
            Ok(vec!["users".into(), "visits".into(), "audit.users".into()])
        );
        assert_eq!(chosen(&["odd*name"], &[]), Ok(vec!["odd*name".into()]));
    }

    #[test]
    fn what_is_not_there_is_said() {
        let error = chosen(&["user"], &[]).expect_err("no such table");
        assert_eq!(error, "no table user; there are users, visits, audit.users, odd*name");
        assert_eq!(
            chosen(&["users"], &["users"]),
            Err("no tables are left: all chosen tables are excluded".into())
        );
    }
}
