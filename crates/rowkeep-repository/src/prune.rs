//! Prune: packs that nobody needs any more are marked, and deleted when the grace period is over.
//!
//! `FORMAT.md` says in which order, and why that is safe beside running backups and other prunes without any lock: whoever
//! writes puts down what it needs before it looks what is condemned, and whoever deletes puts down what it condemns before it
//! looks what is needed.

mod copy;
mod delete;
mod last_look;
mod mark;
mod needed;
mod records;
mod survey;
mod terms;

use crate::{Error, Lack, Repository, Result};
pub use needed::{Needed, Needs, Roots};
pub(crate) use records::id_of as record_id_of;
pub(crate) use records::{RecordReader, Records};
use survey::Survey;
pub use terms::{PruneOptions, PruneReport, Space};

impl Repository {
    /// Deletes packs whose grace period is over, and marks those that nobody needs.
    ///
    /// `needs` tells what is needed. Fails with [`Error::ListsLate`] where a probe found that the store lists late, for then nobody
    /// can tell.
    pub async fn prune<N: Needs>(&self, options: &PruneOptions, needs: &N) -> Result<PruneReport, N::Error> {
        if self.lacks(Lack::Listing).await? {
            return Err(Error::ListsLate.into());
        }
        let mut report = PruneReport::default();
        if options.dry_run {
            let survey = Survey::make(self, None, needs).await?;
            report.before = survey.space();
            self.plan_deletion(&survey, options, &mut report);
            self.plan_marks(&survey, options, &mut report);
            return Ok(report);
        }
        self.raise_format().await?;
        // An empty mark, only to know what time it is by the store's clock.
        let (probe, keeps_versions) = records::write_probe(self.objects(), self.sealer()).await?;
        report.keeps_versions = keeps_versions;
        let pruned = self.prune_after(&probe, options, needs, &mut report).await;
        let probe_gone = self.objects().delete(&probe).await;
        pruned?;
        probe_gone?;
        Ok(report)
    }

    async fn prune_after<N: Needs>(
        &self,
        probe: &str,
        options: &PruneOptions,
        needs: &N,
        report: &mut PruneReport,
    ) -> Result<(), N::Error> {
        let condemned = self.condemn(probe, options).await?;
        let survey = Survey::make(self, Some(probe), needs).await?;
        report.before = survey.space();
        let gone = self.delete_condemned(&survey, &condemned, options, report).await?;
        self.mark(&survey, &gone, options, report).await?;
        if options.grace.is_zero() && report.marked.packs > 0 {
            let condemned = self.condemn(probe, options).await?;
            let survey = Survey::make(self, Some(probe), needs).await?;
            self.delete_condemned(&survey, &condemned, options, report).await?;
            report.marked = Space::default();
            report.waiting = Space::default();
            report.waiting_until_ms = None;
        }
        Ok(())
    }
}
