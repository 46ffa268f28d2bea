//! Looking whether a repository is as it was written.

mod data;
mod packs;
mod report;
mod structure;

use std::sync::Arc;

use crate::index;
use crate::{Repository, Result};

use packs::Packs;
pub use report::{CheckReport, Finding, Severity};

/// How thoroughly to look.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct CheckOptions {
    /// Which packs to read, and not only to look for.
    pub read_data: ReadData,
}

/// Which packs to read.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum ReadData {
    /// None.
    #[default]
    Nothing,
    /// About so many of a hundred, and at least one.
    Percent {
        /// How many of a hundred.
        percent: f64,
        /// Another seed chooses other packs.
        seed: u64,
    },
    /// All.
    Everything,
}

/// What a check is busy with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Stage {
    /// Config, key slots and ledger.
    Structure,
    /// Index objects.
    Index,
    /// Whether the packs are there; counts packs that no index object names.
    Packs,
    /// Snapshots; counts snapshots.
    Snapshots,
    /// The contents of packs; counts bytes.
    Data,
}

/// How far a check has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckProgress {
    /// What it is busy with.
    pub stage: Stage,
    /// How much of it is done.
    pub done: u64,
    /// How much there is.
    pub total: u64,
}

/// Is told of progress, often.
pub(crate) type OnProgress<'a> = &'a (dyn Fn(CheckProgress) + Sync);

impl Repository {
    /// Looks whether everything is there and as it was written.
    ///
    /// Fails only if the store does; everything else is a finding. Other processes may write meanwhile. Which chunks a
    /// snapshot needs is known to the layer above: [`CheckReport::damaged_chunks`] and [`Reader::contains`] tell it
    /// which of them cannot be had.
    ///
    /// [`Reader::contains`]: crate::Reader::contains
    pub async fn check(&self, options: CheckOptions, progress: OnProgress<'_>) -> Result<CheckReport> {
        let at = |stage, done, total| progress(CheckProgress { stage, done, total });
        let mut report = CheckReport::default();

        at(Stage::Structure, 0, 1);
        structure::config(self, &mut report).await?;
        structure::key_slots(self, &mut report).await?;
        structure::strangers(self, &mut report).await?;
        at(Stage::Structure, 1, 1);

        at(Stage::Index, 0, 1);
        let loaded = index::load(self.objects(), self.sealer()).await?;
        structure::index(&loaded, &mut report);
        let index = Arc::new(loaded.builder.finish());
        at(Stage::Index, 1, 1);

        let mut packs = Packs::new(self, Arc::clone(&index));
        packs.look(self, &mut report, progress).await?;
        structure::snapshots(self, &mut report, progress).await?;
        structure::plans(self, &mut report).await?;
        data::read(self, &mut packs, options.read_data, &mut report, progress).await?;
        packs.conclude(&mut report).await?;
        report.chunks = index.chunks();
        Ok(report)
    }
}
