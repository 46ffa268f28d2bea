//! A table of two states, and how its rows are compared.

use std::sync::Arc;

use rowkeep_format::Table;

use super::columns::Alignment;
use super::key_access::Access;
use super::merge::Shape;
use crate::state::State;
use crate::{Context, Error};

/// A table that both states have.
#[derive(Clone, Copy)]
pub(crate) struct Pair<'a> {
    pub(crate) before: &'a State,
    pub(crate) after: &'a State,
    pub(crate) old: &'a Table,
    pub(crate) new: &'a Table,
}

/// A table as two states have it: rows are brought to the columns of the first, and known by its key.
pub(crate) struct Pairing {
    pub(crate) table: Arc<Table>,
    pub(super) alignment: Arc<Alignment>,
    pub(super) shape: Arc<Shape>,
}

impl Pairing {
    pub(crate) fn new(old: &Table, new: &Table) -> Self {
        let alignment = Alignment::new(old, new);
        let mut key = old.key.clone();
        // A key of the whole row is one of the columns that both have.
        key.columns.retain(|part| alignment.place(part.column).is_some());
        let shape = Shape { key, columns: old.columns.len(), compared: alignment.common() };
        Self { table: Arc::new(old.clone()), alignment: Arc::new(alignment), shape: Arc::new(shape) }
    }

    /// Fails when the second state lacks a column by which rows are known.
    pub(crate) fn check(&self, after: &State) -> Result<(), Error> {
        let key = &self.table.key;
        match key.columns.iter().find(|part| key.unique && self.alignment.place(part.column).is_none()) {
            None => Ok(()),
            Some(part) => Err(Error::KeyGone {
                table: self.table.name.to_string(),
                column: self.table.columns[part.column].name.clone(),
                state: after.describe(),
            }),
        }
    }

    /// The ways to the rows of both states.
    pub(crate) fn accesses<'a>(&self, context: &'a Context, pair: Pair<'a>) -> (Access<'a>, Access<'a>) {
        let key = &self.shape.key;
        (
            Access::new(context, pair.before, pair.old, pair.old, key),
            Access::new(context, pair.after, pair.new, pair.old, key),
        )
    }
}
