//! Rows that differ in the order of chunks, compared again by what identifies them.
//!
//! SQLite's tables without an INTEGER PRIMARY KEY stand in the order of their rowids, which it gives anew to other rows. What
//! is equal there is passed over chunk by chunk. The rest is sorted by identity, with a ceiling on memory: then a row that
//! went and one that came may be one row which has another rowid, and two rows of one rowid may be two.

use std::sync::Arc;

use futures::stream::StreamExt;
use rowkeep_engine::sort::{SortOptions, sort};
use rowkeep_engine::{EngineError, RowStream};
use rowkeep_format::{Changes, ContentKeys, Key, RowBatch, Table};
use tokio::sync::mpsc;

use super::pairing::Pairing;
use super::regions::Regions;
use super::side::Side;
use crate::Context;

/// Batches that wait to be sorted.
const WAITING_BATCHES: usize = 2;

/// The rows of changes on their way to being compared again.
pub(super) struct ByIdentity<'a> {
    context: &'a Context,
    keys: &'a ContentKeys,
    pairing: &'a Pairing,
    /// Nothing before the first change.
    sorting: Option<Sorting>,
}

struct Sorting {
    before: mpsc::Sender<RowBatch>,
    after: mpsc::Sender<RowBatch>,
    regions: Regions,
}

impl<'a> ByIdentity<'a> {
    pub(super) fn new(context: &'a Context, keys: &'a ContentKeys, pairing: &'a Pairing) -> Self {
        Self { context, keys, pairing, sorting: None }
    }

    /// Takes the rows of some changes.
    pub(super) async fn add(&mut self, changes: Changes) {
        let (before, after) = changes.into_rows();
        self.add_before(before).await;
        self.add_after(after).await;
    }

    /// Takes rows of the first state.
    pub(super) async fn add_before(&mut self, rows: RowBatch) {
        send(rows, &self.sorting().before).await;
    }

    /// Takes rows of the second state.
    pub(super) async fn add_after(&mut self, rows: RowBatch) {
        send(rows, &self.sorting().after).await;
    }

    fn sorting(&mut self) -> &Sorting {
        let (context, keys, pairing) = (self.context, self.keys, self.pairing);
        self.sorting.get_or_insert_with(|| Sorting::begin(context, keys, pairing))
    }

    /// What is to be compared; nothing where nothing differs.
    pub(super) fn into_regions(self) -> Option<Regions> {
        self.sorting.map(|sorting| sorting.regions)
    }
}

impl Sorting {
    fn begin(context: &Context, keys: &ContentKeys, pairing: &Pairing) -> Self {
        let key = Key { unique: false, ..pairing.shape.key.clone() };
        let table = Arc::new(Table { key, ..pairing.table.as_ref().clone() });
        let side = || {
            let (sender, receiver) = mpsc::channel(WAITING_BATCHES);
            let sorted = sort(received(receiver), &table, &SortOptions::default());
            (sender, Side::stream(context, sorted, Arc::clone(&table), keys, false, false))
        };
        let ((before, old), (after, new)) = (side(), side());
        Self { before, after, regions: Regions::new(old, new, false) }
    }
}

async fn send(rows: RowBatch, to: &mpsc::Sender<RowBatch>) {
    if !rows.is_empty() {
        // Refused only when sorting has failed, which reading the regions tells.
        let _ = to.send(rows).await;
    }
}

/// The batches that are sent, until nobody sends more.
fn received(receiver: mpsc::Receiver<RowBatch>) -> RowStream {
    let next = |mut receiver: mpsc::Receiver<RowBatch>| async move {
        let batch = receiver.recv().await?;
        Some((Ok::<_, EngineError>(batch), receiver))
    };
    futures::stream::unfold(receiver, next).boxed()
}
