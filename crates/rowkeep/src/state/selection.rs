//! Which tables of a database are meant.

use std::collections::{BTreeMap, HashSet};

use rowkeep_engine::Meant;
use rowkeep_format::manifest::Unread;
use rowkeep_format::{Schema, Table, TableKind, TableName};
use serde::{Deserialize, Serialize};

use super::table_pattern::{TablePattern, pattern_of};
use crate::Error;

/// Tables in or out, by name or by group.
///
/// A name is `table` or `schema.table`, with `*` for any run of characters; in double quotes either is taken as it is. A
/// group stands for its names, and a partitioned table for its partitions. What is left out wins over what is taken in.
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
        self.choose_of(&[schema], &schema.tables.iter().collect::<Vec<_>>(), &[unread])
    }

    fn choose_of<'s>(
        &self,
        schemas: &[&Schema],
        tables: &[&'s Table],
        unread: &[&[Unread]],
    ) -> Result<Vec<&'s Table>, Error> {
        let unread = || unread.iter().copied().flatten().map(|unread| (&unread.name, TableKind::Table));
        let known = || tables.iter().map(|table| (&table.name, table.kind)).chain(unread());
        let patterns = self.bind(schemas, known)?;
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
            .choose_of(&[first, second], &both, &[unread_of_first, unread_of_second])?
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
        Meant::these(move |names| bound.choose_by(names))
    }

    /// The same, where names also mean the partitions that partitioned tables of these names have in some schemas.
    pub(crate) fn with_partitions(&self, schemas: &[&Schema]) -> Self {
        let partitions: Vec<_> = schemas.iter().flat_map(|schema| schema.partitions()).collect();
        let meant = |name: &String| {
            let pattern = TablePattern::new(name);
            let of_it = partitions.iter().filter(|(parent, _)| pattern.matches(parent));
            let of_it = of_it.flat_map(|(_, partitions)| partitions).map(|table| pattern_of(&table.name));
            std::iter::once(name.clone()).chain(of_it).collect::<Vec<_>>()
        };
        let spread = |names: &[String]| {
            let meant = |name: &String| match self.groups.contains_key(name) {
                true => vec![name.clone()],
                false => meant(name),
            };
            names.iter().flat_map(meant).collect()
        };
        let groups = self.groups.iter();
        Self {
            include: spread(&self.include),
            exclude: spread(&self.exclude),
            groups: groups
                .map(|(name, members)| (name.clone(), members.iter().flat_map(meant).collect()))
                .collect(),
        }
    }

    /// Whether a table is left out.
    pub fn excludes(&self, table: &TableName) -> bool {
        self.written(&self.exclude).any(|name| TablePattern::new(name).matches(table))
    }

    /// The patterns of both lists, for the tables of some schemas; one that none of the tables there are matches is an error.
    pub(crate) fn bind<'t, T>(
        &self,
        schemas: &[&'t Schema],
        known: impl Fn() -> T,
    ) -> Result<BoundSelection, Error>
    where
        T: Iterator<Item = (&'t TableName, TableKind)>,
    {
        let spread = self.with_partitions(schemas);
        let mut partitioned: Vec<&TableName> =
            schemas.iter().flat_map(|schema| schema.partitions().into_keys()).collect();
        partitioned.sort_unstable();
        partitioned.dedup();
        let known = || known().chain(partitioned.iter().map(|name| (*name, TableKind::Table)));
        let patterns = |names| {
            let bound = spread.written(names).map(|name: &str| {
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
        Ok(BoundSelection { include: patterns(&spread.include)?, exclude: patterns(&spread.exclude)? })
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
        self.choose_by(&[table])
    }

    /// Whether a table of these names is taken.
    fn choose_by(&self, names: &[&TableName]) -> bool {
        (self.include.is_empty() || names.iter().any(|name| self.includes(name)))
            && !names.iter().any(|name| self.excludes(name))
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
    fn a_partitioned_table_stands_for_its_partitions() {
        let part = |child: &str| {
            rowkeep_format::Inherits::new(
                TableName::qualified("public", child),
                TableName::qualified("public", "ev"),
            )
        };
        let mut schema =
            schema(&[("public", "ev_1"), ("public", "ev_2"), ("audit", "ev"), ("public", "other")]);
        schema.inherits = vec![part("ev_1"), part("ev_2")];
        let chosen = |include: &[&str], exclude: &[&str]| {
            let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
            let groups = BTreeMap::from([("log".to_owned(), vec!["public.ev".to_owned()])]);
            let selection = Selection { include: owned(include), exclude: owned(exclude), groups };
            let names =
                |tables: Vec<&Table>| tables.iter().map(|table| table.name.to_string()).collect::<Vec<_>>();
            (selection.choose(&schema).map(names).map_err(|error| error.to_string()), selection)
        };
        assert_eq!(chosen(&["public.ev"], &[]).0, Ok(vec!["ev_1".into(), "ev_2".into()]));
        assert_eq!(chosen(&["ev"], &["ev_2"]).0, Ok(vec!["ev_1".into(), "audit.ev".into()]));
        assert_eq!(chosen(&["log"], &[]).0, Ok(vec!["ev_1".into(), "ev_2".into()]));
        let (left, selection) = chosen(&[], &["log"]);
        assert_eq!(left, Ok(vec!["audit.ev".into(), "other".into()]));
        assert!(selection.with_partitions(&[&schema]).excludes(&TableName::qualified("public", "ev_1")));
        let unknown = chosen(&["evv"], &[]).0;
        assert_eq!(unknown, Err("no table evv; there are ev_1, ev_2, audit.ev, other, ev".into()));
        // Before a database is opened its partitions are known by all their names.
        let (ev_1, ev) = (TableName::qualified("public", "ev_1"), TableName::qualified("public", "ev"));
        let meant = chosen(&["log"], &["ev_2"]).1.meant();
        assert!(meant.is_by(&[&ev_1, &ev]) && !meant.is(&ev_1));
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
