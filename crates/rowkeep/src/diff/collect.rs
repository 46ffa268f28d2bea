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
        let updated = self.updated.iter().enumerate();
        let changes = TableChanges {
            counts: self.counts,
            insert_defaults: pairing.alignment.lacking(),
            delete_unknown: Vec::new(),
            updated_columns: updated.filter_map(|(column, is)| is.then_some(column)).collect(),
            table: pairing.table.as_ref().clone(),
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
