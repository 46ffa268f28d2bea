//! The changes to one table as they are found, or written anew.

use rowkeep_format::{Change, Changes, Counts, Table, TableChanges};

use super::changeset::{Changeset, Frame, Spool, spool_failed};
use super::merge::TARGET_BYTES;
use super::pairing::Pairing;
use crate::{Context, Error};

/// The changes to a table as they are found.
pub(super) struct Collector<'a> {
    context: &'a Context,
    spool: Spool,
    frames: Vec<Frame>,
    counts: Counts,
    updated: Vec<bool>,
}

impl<'a> Collector<'a> {
    /// No changes yet to a table.
    pub(super) fn new(context: &'a Context, spool: &Spool, table: &Table) -> Self {
        let updated = vec![false; table.columns.len()];
        Self { context, spool: spool.clone(), frames: Vec::new(), counts: Counts::default(), updated }
    }

    /// All of them.
    pub(super) fn finish(self, pairing: &Pairing) -> (TableChanges, Vec<Frame>) {
        let (mut changes, frames) = self.finish_of(pairing.table.as_ref().clone());
        changes.insert_defaults = pairing.alignment.lacking();
        (changes, frames)
    }

    fn finish_of(self, table: Table) -> (TableChanges, Vec<Frame>) {
        let updated = self.updated.iter().enumerate();
        let changes = TableChanges {
            counts: self.counts,
            insert_defaults: Vec::new(),
            delete_unknown: Vec::new(),
            updated_columns: updated.filter_map(|(column, is)| is.then_some(column)).collect(),
            across: None,
            table,
        };
        (changes, self.frames)
    }

    /// Takes runs of changes, in key order.
    pub(super) async fn keep(&mut self, runs: Vec<Changes>) -> Result<(), Error> {
        for run in runs {
            self.counts += Counts::of(&run);
            note_updates(&run, &mut self.updated);
            let spool = self.spool.clone();
            let kept = self.context.compute(move || spool.keep(&run)).await;
            self.frames.push(kept.map_err(spool_failed)?);
        }
        Ok(())
    }
}

/// Changes to a table that are written one by one, in key order.
pub(crate) struct Rewriting<'a> {
    out: Collector<'a>,
    pairing: &'a Pairing,
    open: Changes,
}

impl<'a> Rewriting<'a> {
    /// Nothing yet; they are kept where the changeset's are.
    pub(crate) fn new(context: &'a Context, changes: &Changeset, pairing: &'a Pairing) -> Self {
        let out = Collector::new(context, &changes.spool, &pairing.table);
        Self { out, pairing, open: Changes::new(pairing.table.columns.len()) }
    }

    pub(crate) async fn push(&mut self, from: &Changes, change: Change) -> Result<(), Error> {
        self.open.push(from, change);
        if self.open.bytes() >= TARGET_BYTES {
            self.out.keep(vec![self.open.take()]).await?;
        }
        Ok(())
    }

    pub(crate) async fn finish(mut self) -> Result<(TableChanges, Vec<Frame>), Error> {
        if !self.open.is_empty() {
            self.out.keep(vec![self.open.take()]).await?;
        }
        Ok(self.out.finish(self.pairing))
    }
}

/// Changes to a table that no comparison found, made one by one in key order.
pub(crate) struct Composing<'a> {
    out: Collector<'a>,
    table: Table,
    open: Changes,
}

impl<'a> Composing<'a> {
    /// Nothing yet; they are kept where the changeset's are. The key of the table is what identifies its rows.
    pub(crate) fn new(context: &'a Context, changes: &Changeset, table: Table) -> Self {
        let out = Collector::new(context, &changes.spool, &table);
        Self { out, open: Changes::new(table.columns.len()), table }
    }

    pub(crate) async fn push(&mut self, add: impl FnOnce(&mut Changes)) -> Result<(), Error> {
        add(&mut self.open);
        if self.open.bytes() >= TARGET_BYTES {
            self.out.keep(vec![self.open.take()]).await?;
        }
        Ok(())
    }

    /// Adds them to the changeset.
    pub(crate) async fn finish(mut self, to: &mut Changeset) -> Result<(), Error> {
        if !self.open.is_empty() {
            self.out.keep(vec![self.open.take()]).await?;
        }
        let (table, frames) = self.out.finish_of(self.table);
        to.push(table, frames);
        Ok(())
    }
}

/// Marks the columns that updates change.
fn note_updates(run: &Changes, updated: &mut [bool]) {
    for change in run.iter() {
        if let Change::Update { before, after } = change {
            for (column, is) in updated.iter_mut().enumerate().filter(|(_, is)| !**is) {
                *is = run.before().value(before, column) != run.after().value(after, column);
            }
        }
    }
}
