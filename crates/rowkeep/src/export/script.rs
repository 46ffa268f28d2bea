//! Rows as SQL, by what the engine says of its own.

use std::sync::Arc;

use rowkeep_engine::sql::{Program, SqlText, script};
use rowkeep_format::{RowBatch, Schema, Table};

use super::format::WriteRows;
use crate::Error;

/// Writes a database as a script.
pub(super) struct Script(Arc<dyn SqlText>);

impl Script {
    /// For that program, or the engine's own.
    pub(super) fn new(schema: &Schema, with_ddl: bool, program: Option<Program>) -> Result<Self, Error> {
        Ok(Self(Arc::from(script(schema, with_ddl, program)?)))
    }

    /// What does not come with it.
    pub(super) fn notes(&self) -> Vec<String> {
        self.0.notes()
    }

    pub(super) fn head(&self) -> String {
        self.0.head()
    }

    pub(super) fn tail(&self) -> String {
        self.0.tail()
    }

    /// The tables in the order in which their rows come: of equal rank, those that are referred to before those that
    /// refer to them, as far as that goes.
    pub(super) fn in_order<'t>(&self, tables: &[&'t Table]) -> Vec<&'t Table> {
        let mut ranked: Vec<(u8, &Table)> = parents_first(tables)
            .into_iter()
            .filter_map(|table| self.0.rank(table).map(|rank| (rank, table)))
            .collect();
        ranked.sort_by_key(|(rank, _)| *rank);
        ranked.into_iter().map(|(_, table)| table).collect()
    }

    pub(super) fn of(&self, table: &Table) -> TableScript {
        TableScript { script: Arc::clone(&self.0), table: table.clone() }
    }
}

fn parents_first<'t>(tables: &[&'t Table]) -> Vec<&'t Table> {
    let mut ordered: Vec<&Table> = Vec::with_capacity(tables.len());
    let mut left: Vec<&Table> = tables.to_vec();
    while !left.is_empty() {
        let waits = |table: &Table| {
            let mut parents = table.foreign_keys.iter().map(|key| &key.references);
            parents.any(|parent| *parent != table.name && left.iter().any(|other| other.name == *parent))
        };
        let (waiting, mut ready): (Vec<&Table>, Vec<&Table>) =
            left.iter().copied().partition(|table| waits(table));
        if ready.is_empty() {
            // They refer to one another in a circle.
            ordered.extend(waiting);
            break;
        }
        ordered.append(&mut ready);
        left = waiting;
    }
    ordered
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

    fn is_alike_everywhere(&self) -> bool {
        true
    }

    fn rows(&self, batch: &RowBatch, out: &mut Vec<u8>) -> Result<(), Error> {
        Ok(self.script.rows(&self.table, batch, out)?)
    }

    fn tail(&self, out: &mut Vec<u8>) -> Result<(), Error> {
        out.extend_from_slice(self.script.end(&self.table).as_bytes());
        Ok(())
    }
}
