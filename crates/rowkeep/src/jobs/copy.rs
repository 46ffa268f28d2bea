//! Copy: snapshots come into another repository, only what that one lacks.

use std::collections::BTreeMap;
use std::sync::Arc;

use rowkeep_format::SnapshotId;
use rowkeep_repository::Catalog;
use serde::{Deserialize, Serialize};

use super::caller::{Caller, News};
use super::holds::Holds;
use super::keep::{KeepRequest, marks};
use super::outcome::{CopySummary, SnapshotSummary, UnreadableSnapshot};
use super::verdict::Verdict;
use super::workspace::Workspace;
use crate::capture::copy::{Copied, Copier};
use crate::state::needs::complete_left;
use crate::{Context, Error, RequestError};

/// Which snapshots are to be copied, and where to.
///
/// ```no_run
/// use rowkeep::jobs::caller::Unattended;
/// use rowkeep::jobs::copy::CopyRequest;
/// # async fn example(workspace: &rowkeep::jobs::workspace::Workspace) -> Result<(), rowkeep::Error> {
/// let request = CopyRequest { to: "s3://offsite/shop".to_owned(), ..CopyRequest::default() };
/// let outcome = request.run(&rowkeep::Context::silent(), workspace, &Unattended).await?;
/// assert!(outcome.failed.is_empty(), "every snapshot can be read");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CopyRequest {
    /// The other repository: a folder or a URL.
    pub to: String,
    /// The databases, by a configured name or one that snapshots have, or by URL or path; all when empty.
    pub databases: Vec<super::DatabaseRef>,
    /// Whether snapshots are copied too that no rule keeps.
    pub expired: bool,
    /// Whether the other repository is made where there is none, without asking anybody.
    pub create: bool,
    /// Whether only the plan is wanted.
    pub plan_only: bool,
}

/// What a copy was to do, and did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopyOutcome {
    /// Where the other repository is.
    pub to: String,
    /// The snapshots that it lacked.
    pub planned: Vec<SnapshotSummary>,
    /// Those that were copied, each with its tables.
    pub copied: Vec<CopySummary>,
    /// How many of those that are meant were there.
    pub there: u64,
    /// How many were left out because no rule keeps them.
    pub expired: u64,
    /// Those that were not copied because they cannot be read.
    pub failed: Vec<UnreadableSnapshot>,
    /// Whether only the plan was wanted.
    pub plan_only: bool,
}

impl CopyOutcome {
    /// How it ended.
    pub fn verdict(&self) -> Verdict {
        if self.failed.is_empty() { Verdict::Done } else { Verdict::Failed }
    }
}

impl CopyRequest {
    /// Copies one snapshot after the other, the oldest first. One that is damaged keeps no other from being copied: the caller is
    /// told, and the outcome says so. Where there is no other repository, one is made if the caller approves of it.
    ///
    /// What holds a snapshot holds its copy as well. Nothing is ever deleted in the other repository.
    pub async fn run(
        &self,
        context: &Context,
        workspace: &Workspace,
        caller: &dyn Caller,
    ) -> Result<CopyOutcome, Error> {
        let from = workspace.repository().await?;
        let other = workspace.other(&self.to, self.create);
        let mut outcome = CopyOutcome {
            to: other.shown_location(),
            planned: Vec::new(),
            copied: Vec::new(),
            there: 0,
            expired: 0,
            failed: Vec::new(),
            plan_only: self.plan_only,
        };
        let (holds, unreadable_holds) = Holds::readable(from).await?;
        for (_, error) in &unreadable_holds {
            context.warn(format!("a hold is not copied: {}", error.in_one_line()));
        }
        let catalog = from.catalog().await?;
        let meant = self.meant(context, workspace, &catalog, &holds, !unreadable_holds.is_empty()).await?;
        outcome.failed.extend(
            catalog.unreadable().iter().map(|unreadable| UnreadableSnapshot {
                id: unreadable.id,
                error: unreadable.error.to_string(),
            }),
        );
        outcome.failed.iter().for_each(|failed| caller.tell(News::NotCopied(failed)));

        let to = match other.repository().await {
            Err(Error::Request(RequestError::NoRepository { .. })) if self.plan_only => {
                let kept = catalog.snapshots().filter(|summary| meant.get(&summary.id) == Some(&true));
                outcome.planned = kept.map(|summary| SnapshotSummary::from(&**summary)).collect();
                outcome.expired = meant.values().filter(|is_kept| !**is_kept).count() as u64;
                return Ok(outcome);
            }
            _ => other.repository_or_new(&[], caller).await.map_err(Error::of_other)?,
        };
        if to.id() == from.id() {
            return Err(RequestError::SameRepository { location: outcome.to }.into());
        }
        if !self.plan_only {
            complete_left(to).await?;
        }
        let mut copier = Copier::new(from, to, workspace.program()).await?;
        let (there, _) = Holds::readable(to).await?;
        let mut lacking = Vec::new();
        for summary in catalog.snapshots() {
            let Some(is_kept) = meant.get(&summary.id) else { continue };
            match copier.copy_of(summary) {
                Some(copy) => {
                    outcome.there += 1;
                    if !self.plan_only {
                        copier.bring_up_to_date(summary).await?;
                        holds.copy_of(summary.id, &there, copy, to, context.now()).await?;
                    }
                }
                None if *is_kept => lacking.push(Arc::clone(summary)),
                None => outcome.expired += 1,
            }
        }
        outcome.planned = lacking.iter().map(|summary| SnapshotSummary::from(&**summary)).collect();
        if self.plan_only {
            return Ok(outcome);
        }
        for summary in lacking {
            match copier.copy(context, &summary).await? {
                Copied::Made(copy) => {
                    let copied = CopySummary::of(&copy);
                    holds.copy_of(summary.id, &there, copied.copy.id, to, context.now()).await?;
                    caller.tell(News::Copied(&copied));
                    outcome.copied.push(copied);
                }
                Copied::There => outcome.there += 1,
                Copied::Gone => {}
                Copied::Unreadable(error) => {
                    let failed = UnreadableSnapshot { id: summary.id, error: error.in_one_line() };
                    caller.tell(News::NotCopied(&failed));
                    outcome.failed.push(failed);
                }
            }
        }
        other.settle().await;
        Ok(outcome)
    }

    /// The snapshots that are meant, and whether a rule keeps each.
    async fn meant(
        &self,
        context: &Context,
        workspace: &Workspace,
        catalog: &Catalog,
        holds: &Holds,
        is_unclear: bool,
    ) -> Result<BTreeMap<SnapshotId, bool>, Error> {
        let marks = marks(workspace.repository().await?, holds.clone()).await?;
        let keep = KeepRequest { databases: self.databases.clone(), ..KeepRequest::default() };
        let decided = keep.decide(workspace, catalog, None, &marks, context.now())?;
        let all = decided.into_iter().flat_map(|database| database.snapshots);
        // Where a hold cannot be read, nobody knows which snapshot is to stay.
        let is_meant_anyway = self.expired || is_unclear;
        Ok(all.map(|one| (one.summary.id, is_meant_anyway || one.decision.is_kept())).collect())
    }
}
