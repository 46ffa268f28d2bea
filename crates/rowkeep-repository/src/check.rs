//! Looking whether a repository is as it was written.

mod data;
mod known;
mod options;
mod packs;
mod progress;
mod report;
mod structure;

use std::sync::Arc;

use crate::index;
use crate::{Repository, Result};

pub use options::{CheckOptions, ReadData};
use packs::Packs;
use progress::OnProgress;
pub use progress::{CheckProgress, Stage};
pub use report::{CheckReport, Finding, Remedy, Severity};

impl Repository {
    /// Checks that everything exists and is undamaged.
    ///
    /// Fails only if the store does; everything else is a finding. Other processes may write meanwhile. Packs that somebody
    /// doubted are read in any case. Which are found damaged is noted in the ledger, where the store lets us: whoever writes
    /// next does not build on them. Which chunks a snapshot needs is known to the layer above:
    /// [`CheckReport::damaged_chunks`] and [`Reader::contains`] tell it which of them cannot be had.
    ///
    /// [`Reader::contains`]: crate::Reader::contains
    pub async fn check(&self, options: CheckOptions, progress: OnProgress<'_>) -> Result<CheckReport> {
        let at = |stage, done, total| progress(CheckProgress { stage, done, total });
        let mut report = CheckReport::default();
        // Whoever writes after this sees what it sees.
        self.listings().forget().await;

        at(Stage::Structure, 0, 1);
        structure::config(self, &mut report).await?;
        structure::key_slots(self, &mut report).await?;
        structure::strangers(self, &mut report).await?;
        at(Stage::Structure, 1, 1);

        at(Stage::Index, 0, 1);
        let prunes = structure::prunes(self, &mut report).await?;
        let loaded = index::load(self.objects(), self.sealer()).await?;
        structure::index(&loaded, &mut report);
        let index = Arc::new(loaded.index);
        at(Stage::Index, 1, 1);

        let mut packs = Packs::new(self, Arc::clone(&index));
        packs.look(self, &prunes.vanishing(), &mut report, progress).await?;
        let index = Arc::clone(&packs.index);
        structure::snapshots(self, &mut report, progress).await?;
        structure::plans(self, &mut report).await?;
        structure::holds(self, &mut report).await?;
        structure::summaries(self, &mut report).await?;
        let doubted = known::read(self, &mut report).await?;
        data::read(self, &mut packs, options.read_data, &doubted, &mut report, progress).await?;
        packs.conclude(&mut report).await?;
        report.chunks = index.chunks();
        report.index = index;
        known::write(self, &doubted, &report).await;
        Ok(report)
    }
}
