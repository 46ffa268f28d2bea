//! Rows as SQL, by what the engine says of its own.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use rowkeep_engine::sql::{Program, SqlText, script};
use rowkeep_format::{RowBatch, Schema, Table, TableName};

use super::format::{Prepared, WriteRows};
use crate::Error;

/// Writes a database as a script.
pub(super) struct Script {
    text: Arc<dyn SqlText>,
    partitions: Partitions,
}

/// The partitions of each partitioned table.
type Partitions = HashMap<TableName, Vec<TableName>>;

impl Script {
    /// For that program, or the engine's own.
    pub(super) fn new(schema: &Schema, with_ddl: bool, program: Option<Program>) -> Result<Self, Error> {
        let partitions = schema.partitions().into_iter();
        let names = |tables: Vec<&Table>| tables.into_iter().map(|table| table.name.clone()).collect();
        let partitions = partitions.map(|(parent, tables)| (parent.clone(), names(tables))).collect();
        Ok(Self { text: Arc::from(script(schema, with_ddl, program)?), partitions })
    }

    /// What does not come with it.
    pub(super) fn notes(&self) -> Vec<String> {
        self.text.notes()
    }

    pub(super) fn head(&self) -> String {
        self.text.head()
    }

    pub(super) fn tail(&self) -> String {
        self.text.tail()
    }

    /// The tables in the order in which their rows come: of equal rank, those that are referred to before those that
    /// refer to them, as far as that goes.
    pub(super) fn in_order<'t>(&self, tables: &[&'t Table]) -> Vec<&'t Table> {
        let mut ranked: Vec<(u8, &Table)> = parents_first(tables, &self.partitions)
            .0
            .into_iter()
            .filter_map(|table| self.text.rank(table).map(|rank| (rank, table)))
            .collect();
        ranked.sort_by_key(|(rank, _)| *rank);
        ranked.into_iter().map(|(_, table)| table).collect()
    }

    /// What the database has to have for the rows of these tables, where it is not sure to.
    pub(super) fn needs(&self, tables: &[&Table]) -> Vec<String> {
        if !self.text.waits_for_keys() {
            return Vec::new();
        }
        let told = |circle: Vec<&Table>| {
            let names: Vec<String> = circle.iter().map(|table| table.name.to_string()).collect();
            format!(
                "{} refer to each other in a circle: their rows load where its foreign keys are DEFERRABLE, and else not at all",
                names.join(", ")
            )
        };
        parents_first(tables, &self.partitions).1.into_iter().map(told).collect()
    }

    pub(super) fn of(&self, table: &Table) -> TableScript {
        TableScript { script: Arc::clone(&self.text), table: table.clone() }
    }
}

/// Tables with those that they refer to before them, and the circles in which some refer to each other: what waits for one comes
/// after it.
fn parents_first<'t>(tables: &[&'t Table], partitions: &Partitions) -> (Vec<&'t Table>, Vec<Vec<&'t Table>>) {
    let (mut ordered, mut circles): (Vec<&Table>, _) = (Vec::with_capacity(tables.len()), Vec::new());
    let mut left: Vec<&Table> = tables.to_vec();
    while !left.is_empty() {
        let waits = |table: &Table| {
            let mut parents = parents(table, partitions);
            parents.any(|parent| *parent != table.name && left.iter().any(|other| other.name == *parent))
        };
        let (mut waiting, mut ready): (Vec<&Table>, Vec<&Table>) =
            left.iter().copied().partition(|table| waits(table));
        if ready.is_empty() {
            let names = first_circle(&left, partitions);
            (ready, waiting) = waiting.into_iter().partition(|table| names.contains(&table.name));
            circles.push(ready.clone());
        }
        ordered.append(&mut ready);
        left = waiting;
    }
    (ordered, circles)
}

/// Tables that refer to each other in a circle, and to no others of these, of which each refers to one.
fn first_circle<'t>(tables: &[&'t Table], partitions: &'t Partitions) -> HashSet<&'t TableName> {
    let parents = |name: &TableName| {
        let table = tables.iter().find(|table| table.name == *name);
        table
            .into_iter()
            .flat_map(|table| parents(table, partitions))
            .filter(|parent| tables.iter().any(|other| other.name == **parent))
    };
    let reached = |from: &TableName| {
        let (mut reached, mut left): (HashSet<&TableName>, Vec<&TableName>) =
            (HashSet::new(), parents(from).collect());
        while let Some(name) = left.pop() {
            if reached.insert(name) {
                left.extend(parents(name));
            }
        }
        reached
    };
    let Some(mut from) = tables.first().map(|table| &table.name) else { return HashSet::new() };
    loop {
        let own = reached(from);
        // What does not lead back lies before, with a smaller reach.
        match own.iter().find(|name| !reached(name).contains(from)) {
            Some(before) => from = before,
            None => return own,
        }
    }
}

/// The tables whose rows those of a table may refer to.
fn parents<'t>(table: &'t Table, partitions: &'t Partitions) -> impl Iterator<Item = &'t TableName> {
    table.foreign_keys.iter().flat_map(|key| match partitions.get(&key.references) {
        Some(partitions) => partitions.as_slice(),
        None => std::slice::from_ref(&key.references),
    })
}

/// Writes the rows of one table of a script.
pub(super) struct TableScript {
    script: Arc<dyn SqlText>,
    table: Table,
}

impl WriteRows for TableScript {
    fn head(&self) -> String {
        self.script.begin(&self.table)
    }

    fn prepare(&self, batch: RowBatch) -> Result<Prepared, Error> {
        Prepared::of(&batch, |batch, out| Ok(self.script.rows(&self.table, batch, out)?))
    }

    fn tail(&self, out: &mut Vec<u8>) -> Result<(), Error> {
        out.extend_from_slice(self.script.end(&self.table).as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use rowkeep_format::schema::ForeignKey;
    use rowkeep_format::{Key, TableKind};

    use super::*;

    fn table(name: &str, parents: &str) -> Table {
        let key = |parent: &str| ForeignKey {
            name: None,
            columns: Vec::new(),
            references: TableName::plain(parent),
            referenced_columns: Vec::new(),
        };
        Table {
            name: TableName::plain(name),
            kind: TableKind::Table,
            columns: Vec::new(),
            key: Key::whole_row(0),
            identity: None,
            foreign_keys: parents.split_whitespace().map(key).collect(),
        }
    }

    #[test]
    fn what_waits_for_a_circle_comes_after_it() {
        let of = |tables: &[(&str, &str)]| {
            let tables: Vec<Table> = tables.iter().map(|(name, parents)| table(name, parents)).collect();
            let tables: Vec<&Table> = tables.iter().collect();
            let partitions =
                [(TableName::plain("parted"), ["part", "other part"].map(TableName::plain).to_vec())].into();
            let (ordered, circles) = parents_first(&tables, &partitions);
            let names = |tables: &[&Table]| {
                tables.iter().map(|table| table.name.to_string()).collect::<Vec<_>>().join(" ")
            };
            (names(&ordered), circles.iter().map(|circle| names(circle)).collect::<Vec<_>>())
        };
        assert_eq!(of(&[("b", "a"), ("a", "a"), ("c", "gone b")]), ("a b c".to_owned(), vec![]));
        assert_eq!(
            of(&[("a", "parted"), ("other part", ""), ("part", "b"), ("b", "")]),
            ("other part b part a".to_owned(), vec![])
        );
        let (ordered, circles) = of(&[
            ("leaf", "x"),
            ("x", "y root"),
            ("later", "leaf q"),
            ("y", "x"),
            ("root", ""),
            ("p", "q y"),
            ("q", "p"),
        ]);
        assert_eq!(ordered, "root x y leaf p q later");
        assert_eq!(circles, ["x y", "p q"]);
    }
}
