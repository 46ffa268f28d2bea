//! On whose behalf jobs run.

use std::ffi::OsString;

use async_trait::async_trait;
use rowkeep_format::SnapshotId;

use super::outcome::{
    CopySummary, Deletion, Examined, RepairPlan, ReplacementSummary, RestoreOutcome, RowsSummary,
    SnapshotSummary, TranslationSummary, UndoOutcome, UnreadableSnapshot,
};
use super::workspace::Made;
use crate::Error;

/// On whose behalf a job runs: asked before anything is changed, and told what is done before the job ends.
#[async_trait]
pub trait Caller: Send + Sync {
    /// Whether a plan is to be executed. Asked again for every plan that is made anew.
    async fn approve(&self, proposal: Proposal<'_>) -> Result<bool, Error>;

    /// Something that happened on the way to the job's outcome.
    fn tell(&self, news: News<'_>) {
        let _ = news;
    }
}

/// Whoever runs the commands that jobs stand around.
#[async_trait]
pub trait RunCommand: Send + Sync {
    /// Runs a command with these variables in its environment to its end; why it failed, if it did.
    async fn run(&self, command: &[OsString], variables: &[(&str, OsString)]) -> Option<String>;
}

/// A caller that approves of everything but a new repository, and is told nothing.
///
/// Where nobody looks, a repository that is not there is one whose disk is not mounted, or whose place is mistyped.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unattended;

#[async_trait]
impl Caller for Unattended {
    async fn approve(&self, proposal: Proposal<'_>) -> Result<bool, Error> {
        Ok(!matches!(proposal, Proposal::Repository(_)))
    }
}

/// What a job is about to do.
#[derive(Debug, Clone, Copy)]
pub enum Proposal<'a> {
    /// A repository is to be made at this place, where there is none.
    Repository(&'a str),
    /// Rows of a database are to be changed.
    Rows(&'a RowsSummary),
    /// A database is to be replaced, schema included.
    Replacement(&'a ReplacementSummary),
    /// A repository is to be repaired.
    Repair(&'a RepairPlan),
    /// A database of another engine is to be made.
    Translation(&'a TranslationSummary),
    /// Snapshots are to be deleted.
    Deletion(&'a Deletion),
}

/// What happened on the way to a job's outcome.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum News<'a> {
    /// A repository was made.
    Made(&'a Made),
    /// A plan was made, whether it is to be executed or not.
    Plan(Proposal<'a>),
    /// Rows were changed since a plan was made, as these words say; it is made again.
    PlanAgain(&'a str),
    /// One of several databases was looked at.
    Examined(&'a Examined),
    /// One of several snapshots was deleted.
    Deleted(&'a SnapshotSummary),
    /// One of several databases failed; the others have their turn.
    Failed {
        /// Its name.
        database: &'a str,
        /// Why.
        error: &'a Error,
    },
    /// The same of one that could not be read.
    DeletedUnreadable(SnapshotId),
    /// One of several snapshots was copied.
    Copied(&'a CopySummary),
    /// One of several repositories got what it lacked.
    CaughtUp {
        /// Its name.
        repository: &'a str,
        /// How many snapshots were copied into it.
        snapshots: u64,
        /// Bytes that this added to it.
        new_bytes: u64,
    },
    /// One of several repositories lacks what others have, and something stands in the way of copying it.
    Behind {
        /// Its name.
        repository: &'a str,
        /// What stands in the way.
        error: &'a Error,
    },
    /// One of several snapshots cannot be copied, for it cannot be read.
    NotCopied(&'a UnreadableSnapshot),
    /// One of several snapshots was made.
    Snapshot(&'a SnapshotSummary),
    /// A database is made or changed; what is proven of it comes with the outcome.
    Restored(&'a RestoreOutcome),
    /// The same of an undo, or of a plan that was kept.
    Undone(&'a UndoOutcome),
    /// A command is about to change a database whose state before is in a snapshot.
    Changing {
        /// The snapshot.
        before: &'a SnapshotSummary,
        /// Where the database is, unless its name is configured.
        target: Option<&'a str>,
    },
    /// A hook after the operation failed.
    HookFailed(&'a Error),
}
