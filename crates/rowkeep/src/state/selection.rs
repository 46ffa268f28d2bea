//! Which tables of a database are meant.

use std::collections::{BTreeMap, HashSet};

use rowkeep_engine::Meant;
use rowkeep_format::manifest::Unread;
use rowkeep_format::{Schema, Table, TableKind, TableName};
use serde::{Deserialize, Serialize};

use super::table_pattern::TablePattern;
use crate::Error;

/// Tables in or out, by name or by group.
///
/// A name is `table` or `schema.table`, with `*` for any run of characters; in double quotes either is taken as it is. A
/// group stands for its names. What is left out wins over what is taken in.
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
        self.choose_beside(schema, &[])
    }

    /// The same, where names may also mean what could not be read.
    pub(crate) fn choose_beside<'s>(
        &self,
        schema: &'s Schema,
        unread: &[Unread],
    ) -> Result<Vec<&'s Table>, Error> {
        self.choose_of(&schema.tables.iter().collect::<Vec<_>>(), &[unread])
    }

    fn choose_of<'s>(&self, tables: &[&'s Table], unread: &[&[Unread]]) -> Result<Vec<&'s Table>, Error> {
        let unread = || unread.iter().copied().flatten().map(|unread| (&unread.name, TableKind::Table));
        let patterns = self.bind(|| tables.iter().map(|table| (&table.name, table.kind)).chain(unread()))?;
        let chosen = tables.iter().copied().filter(|table| patterns.choose(&table.name));
        let chosen: Vec<&Table> = chosen.collect();
        if chosen.is_empty() && !self.is_all() { Err(Error::NothingSelected) } else { Ok(chosen) }
    }

    /// The tables of two schemas that are meant; a name is known when either has such a table, or could not read it.
    pub(crate) fn choose_of_two<'s>(
        &self,
        (first, unread_of_first): (&'s Schema, &[Unread]),
        (second, unread_of_second): (&'s Schema, &[Unread]),
    ) -> Result<(Vec<&'s Table>, Vec<&'s Table>), Error> {
        let known = first.by_name();
        let others = second.tables.iter().filter(|table| !known.contains_key(&table.name));
        let both: Vec<&Table> = first.tables.iter().chain(others).collect();
        let chosen: HashSet<&TableName> = self
            .choose_of(&both, &[unread_of_first, unread_of_second])?
            .into_iter()
            .map(|table| &table.name)
            .collect();
        let of = |schema: &'s Schema| {
            let is_chosen = |table: &&Table| chosen.contains(&table.name);
            schema.tables.iter().filter(is_chosen).collect()
        };
        Ok((of(first), of(second)))
    }

    /// Which tables have to be readable.
    pub(crate) fn meant(&self) -> Meant {
        if self.is_all() {
            return Meant::default();
        }
        let patterns = |names| self.written(names).map(TablePattern::new).collect();
        let bound = BoundSelection { include: patterns(&self.include), exclude: patterns(&self.exclude) };
        Meant::these(move |table| bound.choose(table))
    }

    /// Whether a table is left out.
    pub fn excludes(&self, table: &TableName) -> bool {
        self.written(&self.exclude).any(|name| TablePattern::new(name).matches(table))
    }

    /// The patterns of both lists; one that none of the tables there are matches is an error.
    pub(crate) fn bind<'t, T>(&self, known: impl Fn() -> T) -> Result<BoundSelection, Error>
    where
        T: Iterator<Item = (&'t TableName, TableKind)>,
    {
        let patterns = |names| {
            let bound = self.written(names).map(|name: &str| {
                let pattern = TablePattern::new(name);
                match known().any(|(table, _)| pattern.matches(table)) {
                    true => Ok(pattern),
                    false => Err(Error::Unknown {
                        what: "table",
                        name: name.to_owned(),
                        candidates: known()
                            .filter(|(_, kind)| kind.is_user_table())
                            .map(|(table, _)| table.to_string())
                            .collect(),
                    }),
                }
            });
            bound.collect::<Result<Vec<_>, _>>()
        };
        Ok(BoundSelection { include: patterns(&self.include)?, exclude: patterns(&self.exclude)? })
    }

    /// The names of a list, with those of groups in their place.
    fn written<'a>(&'a self, names: &'a [String]) -> impl Iterator<Item = &'a str> {
        names
            .iter()
            .flat_map(|name| match self.groups.get(name) {
                Some(members) => members.as_slice(),
                None => std::slice::from_ref(name),
            })
            .map(String::as_str)
    }
}

/// A selection whose names are known to mean tables.
pub(crate) struct BoundSelection {
    include: Vec<TablePattern>,
    exclude: Vec<TablePattern>,
}

impl BoundSelection {
    /// Whether a table is taken.
    pub(crate) fn choose(&self, table: &TableName) -> bool {
        (self.include.is_empty() || self.includes(table)) && !self.excludes(table)
    }

    /// Whether a table is taken by its name.
    pub(crate) fn includes(&self, table: &TableName) -> bool {
        self.include.iter().any(|pattern| pattern.matches(table))
    }

    /// Whether a table is left out.
    pub(crate) fn excludes(&self, table: &TableName) -> bool {
        self.exclude.iter().any(|pattern| pattern.matches(table))
    }
}

#[cfg(test)]
mod tests {
    use rowkeep_format::Key;

    use super::*;

    fn schema(names: &[(&str, &str)]) -> Schema {
        let tables = names.iter().map(|(schema, name)| Table {
            name: TableName::qualified(*schema, *name),
            kind: TableKind::Table,
            columns: Vec::new(),
            key: Key::whole_row(0),
            identity: None,
            foreign_keys: Vec::new(),
        });
        Schema { engine: "test".into(), tables: tables.collect(), inherits: Vec::new(), ddl: Vec::new() }
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
