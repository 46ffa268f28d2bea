//! Copy: snapshots come into another repository, only what that one lacks.

use serde::{Deserialize, Serialize};

use super::caller::{Caller, News};
use super::copying::{Lacking, Source, Which};
use super::keep::wanted;
use super::outcome::{CopySummary, SnapshotSummary, UnreadableSnapshot};
use super::verdict::Verdict;
use super::workspace::Workspace;
use crate::capture::copy::Copier;
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

    fn plan(&mut self, lacking: &Lacking) {
        self.planned = lacking.snapshots.iter().map(|summary| SnapshotSummary::from(&**summary)).collect();
        self.there = lacking.there.len() as u64;
        self.expired = lacking.expired;
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
        let wanted = wanted(workspace, &*from.catalog().await?, &self.databases)?;
        let which = Which { databases: wanted.as_deref(), expired: self.expired, ..Which::default() };
        let source = Source::read(context, workspace, from, which).await?;
        let mut outcome = CopyOutcome {
            to: other.shown_location(),
            planned: Vec::new(),
            copied: Vec::new(),
            there: 0,
            expired: 0,
            failed: source.unreadable(),
            plan_only: self.plan_only,
        };
        outcome.failed.iter().for_each(|failed| caller.tell(News::NotCopied(failed)));
        let opened = match self.plan_only {
            true => other.repository().await,
            false => other.repository_or_new(&[], caller).await,
        };
        let to = match opened {
            Ok(to) if to.id() == from.id() => {
                return Err(RequestError::SameRepository { location: outcome.to }.into());
            }
            Ok(to) => Some(to),
            Err(Error::Request(RequestError::NoRepository { .. })) if self.plan_only => None,
            Err(error) => return Err(error.of_other()),
        };
        match to {
            Some(to) if !self.plan_only => {
                let planned = &mut outcome;
                let done =
                    source.copy(context, workspace, to, caller, |lacking| planned.plan(lacking)).await?;
                outcome.copied = done.copied;
                outcome.there += done.there;
                outcome.failed.extend(done.failed);
                other.settle().await;
            }
            Some(to) => {
                let copier = Copier::new(from, to, workspace.program()).await?;
                outcome.plan(&source.lacking(|summary| copier.copy_of(summary)));
            }
            None => outcome.plan(&source.lacking(|_| None)),
        }
        Ok(outcome)
    }
}
