//! A table of two states, and how its rows are compared.

use std::sync::Arc;

use rowkeep_format::schema::KeyColumn;
use rowkeep_format::{Key, Table};

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

/// A table as two states have it: rows are brought to the columns of the first, and known by what identifies them.
pub(crate) struct Pairing {
    /// The table of the first state; its key is what identifies rows.
    pub(crate) table: Arc<Table>,
    pub(super) alignment: Arc<Alignment>,
    /// How rows are compared that are known by what identifies them.
    pub(super) shape: Arc<Shape>,
    /// How rows are compared in the order of chunks, where that is another: whatever differs then is compared again.
    pub(super) in_chunks: Option<Arc<Shape>>,
}

impl Pairing {
    pub(crate) fn new(old: &Table, new: &Table) -> Self {
        let alignment = Alignment::new(old, new);
        let identity = identity(old, new, &alignment);
        // A key of the whole row is one of the columns that both have.
        let kept = |key: &Key| {
            let columns = key.columns.iter().filter(|part| alignment.place(part.column).is_some());
            Key { columns: columns.copied().collect(), unique: key.unique }
        };
        let shape = |key: Key, stays: Vec<usize>, repeats: bool| {
            let (columns, compared) = (old.columns.len(), alignment.common());
            Arc::new(Shape { key, columns, compared, stays, repeats })
        };
        let stays = alignment.lacking();
        let by_key = kept(&old.key);
        // Under another order of chunks no chunk can be passed over.
        let in_chunks = alignment.keeps_order() && by_key == old.key;
        let (shape, in_chunks, key) = match identity {
            None => (shape(by_key, stays, false), None, old.key.clone()),
            Some(identity) => {
                let by_identity = kept(&identity);
                let in_chunks = in_chunks.then(|| shape(by_key, Vec::new(), false));
                (shape(by_identity.clone(), stays, true), in_chunks, by_identity)
            }
        };
        let table = Table { key, identity: None, ..old.clone() };
        Self { table: Arc::new(table), alignment: Arc::new(alignment), shape, in_chunks }
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

/// What identifies the rows of the first table, where that is not its key and the second has its columns.
///
/// Snapshots of older programs do not tell it: then what the second table says counts, when its chunks stand in the same
/// order.
fn identity(old: &Table, new: &Table, alignment: &Alignment) -> Option<Key> {
    let place = |column: usize| {
        let name = &new.columns[column].name;
        old.columns.iter().position(|column| &column.name == name)
    };
    let of_new = || {
        let identity = new.identity.as_ref().filter(|_| alignment.keeps_order())?;
        let part = |part: &KeyColumn| Some(KeyColumn { column: place(part.column)?, form: part.form });
        let columns = identity.columns.iter().map(part).collect::<Option<_>>()?;
        Some(Key { columns, unique: identity.unique })
    };
    let identity = old.identity.clone().or_else(of_new)?;
    let is_there = identity.naming().all(|part| alignment.place(part.column).is_some());
    is_there.then_some(identity)
}
