//! Every job in one type, so that any of them can be stored, queued and run.

use serde::{Deserialize, Serialize};

use super::apply_plan::ApplyRequest;
use super::around::AroundRequest;
use super::assess::{AssessOutcome, AssessRequest};
use super::backup::{BackupOutcome, BackupRequest};
use super::caller::{Caller, RunCommand};
use super::check_data::{CheckDataRequest, ReportsOutcome};
use super::check_mask::{CheckMaskOutcome, CheckMaskRequest};
use super::copy::{CopyOutcome, CopyRequest};
use super::delete::{DeleteOutcome, DeleteRequest};
use super::diff::{DiffOutcome, DiffRequest};
use super::doctor::{DoctorOutcome, DoctorRequest};
use super::drill::DrillRequest;
use super::export::{ExportOutcome, ExportRequest};
use super::health::{HealthOutcome, HealthRequest};
use super::history::{HistoryOutcome, HistoryRequest};
use super::holds::{HoldOutcome, HoldRequest, ReleaseRequest};
use super::import::{ImportOutcome, ImportRequest};
use super::init::InitRequest;
use super::inspect::{InspectOutcome, InspectRequest};
use super::keep::{KeepOutcome, KeepRequest};
use super::merge::{MergeOutcome, MergeRequest};
use super::migrate::MigrateRequest;
use super::outcome::{AroundOutcome, MigrationOutcome, RestoreOutcome, UndoOutcome};
use super::probe::{ProbeOutcome, ProbeRequest};
use super::prune::{PruneOutcome, PruneRequest};
use super::refresh::RefreshRequest;
use super::repair::{RepairOutcome, RepairRequest};
use super::replay::{ReplayOutcome, ReplayRequest};
use super::repository_check::{CheckOutcome, CheckRequest};
use super::restore::RestoreRequest;
use super::suggest_mask::{SuggestMaskOutcome, SuggestMaskRequest};
use super::undo::UndoRequest;
use super::verdict::Verdict;
use super::verify::{VerifyOutcome, VerifyRequest};
use super::workspace::{Made, Workspace};
use crate::{Context, Error};

/// What is asked for.
///
/// ```
/// use rowkeep::jobs::request::Request;
/// use rowkeep::jobs::verify::VerifyRequest;
///
/// let request = VerifyRequest::of("latest", "shop");
/// let stored = serde_json::to_string(&Request::Verify(request)).expect("it has a JSON form");
/// assert_eq!(stored, r#"{"job":"verify","request":{"snapshot":"latest","against":"shop","rows_only":false}}"#);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "job", content = "request", rename_all = "snake_case")]
pub enum Request {
    /// Make a repository.
    Init(InitRequest),
    /// Make snapshots of databases.
    Backup(BackupRequest),
    /// Make snapshots of files.
    Import(ImportRequest),
    /// Look at a file.
    Inspect(InspectRequest),
    /// Restore a snapshot.
    Restore(RestoreRequest),
    /// Make a database again from another one.
    Refresh(RefreshRequest),
    /// Take back what a restore did.
    Undo(UndoRequest),
    /// Apply a plan that was kept.
    Apply(ApplyRequest),
    /// Merge the changes of one snapshot into another.
    Merge(MergeRequest),
    /// Replay an application's own log on a snapshot.
    Replay(ReplayRequest),
    /// Run a migration.
    Migrate(MigrateRequest),
    /// Run a command between two snapshots.
    Around(AroundRequest),
    /// Compare two states.
    Diff(DiffRequest),
    /// Write the rows of a state as files.
    Export(ExportRequest),
    /// Hold a database against a snapshot.
    Verify(VerifyRequest),
    /// Check a repository.
    Check(CheckRequest),
    /// Repair a repository.
    Repair(RepairRequest),
    /// Check the data of databases.
    CheckData(CheckDataRequest),
    /// Test recoveries.
    Drill(DrillRequest),
    /// Find out what is lost.
    Assess(AssessRequest),
    /// Say how databases stand to what was promised.
    Health(HealthRequest),
    /// Follow a row.
    History(HistoryRequest),
    /// Look for what stands in the way of a backup.
    Doctor(DoctorRequest),
    /// Try what the repository's store can do.
    Probe(ProbeRequest),
    /// Propose rules of masks.
    SuggestMask(SuggestMaskRequest),
    /// Check rules of masks.
    CheckMask(CheckMaskRequest),
    /// Say which snapshots are kept, and why.
    Keep(KeepRequest),
    /// Hold a snapshot, so that it stays.
    Hold(HoldRequest),
    /// Release a snapshot that is held or suspicious.
    Release(ReleaseRequest),
    /// Copy snapshots into another repository.
    Copy(CopyRequest),
    /// Delete snapshots.
    Delete(DeleteRequest),
    /// Delete what the rules keep no more, and free space.
    Prune(PruneRequest),
}

/// What became of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "job", content = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// A repository was made.
    Init(Made),
    /// Snapshots were made.
    Backup(BackupOutcome),
    /// Snapshots of files were made.
    Import(ImportOutcome),
    /// A file was looked at.
    Inspect(InspectOutcome),
    /// A snapshot was restored, or not.
    Restore(RestoreOutcome),
    /// A database was made again from another one, or not.
    Refresh(RestoreOutcome),
    /// What a restore did was taken back, or not.
    Undo(UndoOutcome),
    /// A plan that was kept was applied, or not.
    Apply(UndoOutcome),
    /// A snapshot was made of two, or not.
    Merge(MergeOutcome),
    /// A snapshot was made of another and a log, or not.
    Replay(ReplayOutcome),
    /// A migration was run.
    Migrate(MigrationOutcome),
    /// A command was run between two snapshots.
    Around(AroundOutcome),
    /// Two states were compared.
    Diff(DiffOutcome),
    /// Rows were written as files.
    Export(ExportOutcome),
    /// A database was compared with a snapshot.
    Verify(VerifyOutcome),
    /// A repository was checked.
    Check(CheckOutcome),
    /// A repository was repaired, or not.
    Repair(RepairOutcome),
    /// The data of databases was checked.
    CheckData(ReportsOutcome),
    /// Recoveries were tested.
    Drill(ReportsOutcome),
    /// What is lost was found out.
    Assess(AssessOutcome),
    /// It was said how databases stand to what was promised.
    Health(HealthOutcome),
    /// A row was followed.
    History(HistoryOutcome),
    /// What stands in the way of a backup was looked for.
    Doctor(DoctorOutcome),
    /// The store was tried.
    Probe(ProbeOutcome),
    /// Rules of masks were proposed.
    SuggestMask(SuggestMaskOutcome),
    /// Rules of masks were checked.
    CheckMask(CheckMaskOutcome),
    /// It was said which snapshots are kept.
    Keep(KeepOutcome),
    /// A snapshot is held.
    Hold(HoldOutcome),
    /// A snapshot was released.
    Release(HoldOutcome),
    /// Snapshots were copied into another repository.
    Copy(CopyOutcome),
    /// Snapshots were deleted.
    Delete(DeleteOutcome),
    /// Snapshots and packs were deleted, or not.
    Prune(PruneOutcome),
}

impl Request {
    /// Does what is asked for.
    ///
    /// Rows that a job compares or writes to the caller's stream are not kept: a diff gives how many differ, and an export
    /// without a place writes nothing. A migration that failed and could not be rolled back is an error.
    pub async fn run(
        &self,
        context: &Context,
        workspace: &Workspace,
        caller: &dyn Caller,
        runner: &dyn RunCommand,
    ) -> Result<Outcome, Error> {
        Ok(match self {
            Request::Init(request) => Outcome::Init(Box::pin(request.run(workspace)).await?),
            Request::Backup(request) => {
                Outcome::Backup(Box::pin(request.run(context, workspace, caller)).await?)
            }
            Request::Import(request) => {
                Outcome::Import(Box::pin(request.run(context, workspace, caller)).await?)
            }
            Request::Inspect(request) => Outcome::Inspect(Box::pin(request.run(context, workspace)).await?),
            Request::Restore(request) => {
                Outcome::Restore(Box::pin(request.run(context, workspace, caller)).await?)
            }
            Request::Refresh(request) => {
                Outcome::Refresh(Box::pin(request.run(context, workspace, caller)).await?)
            }
            Request::Undo(request) => Outcome::Undo(Box::pin(request.run(context, workspace, caller)).await?),
            Request::Apply(request) => {
                Outcome::Apply(Box::pin(request.run(context, workspace, caller)).await?)
            }
            Request::Merge(request) => Outcome::Merge(Box::pin(request.run(context, workspace)).await?),
            Request::Replay(request) => Outcome::Replay(Box::pin(request.run(context, workspace)).await?),
            Request::Migrate(request) => {
                let migrated = Box::pin(request.run(context, workspace, caller, runner)).await?;
                match migrated.failure {
                    Some(failure) => return Err(failure),
                    None => Outcome::Migrate(migrated.outcome),
                }
            }
            Request::Around(request) => {
                Outcome::Around(Box::pin(request.run(context, workspace, caller, runner)).await?.0)
            }
            Request::Diff(request) => Outcome::Diff(Box::pin(request.run(context, workspace)).await?.0),
            Request::Export(request) => {
                Outcome::Export(Box::pin(request.run(context, workspace, None)).await?)
            }
            Request::Verify(request) => Outcome::Verify(Box::pin(request.run(context, workspace)).await?),
            Request::Check(request) => Outcome::Check(Box::pin(request.run(context, workspace)).await?),
            Request::Repair(request) => {
                Outcome::Repair(Box::pin(request.run(context, workspace, caller)).await?)
            }
            Request::CheckData(request) => {
                Outcome::CheckData(Box::pin(request.run(context, workspace, caller)).await?)
            }
            Request::Drill(request) => {
                Outcome::Drill(Box::pin(request.run(context, workspace, caller)).await?)
            }
            Request::Assess(request) => {
                Outcome::Assess(Box::pin(request.run(context, workspace, caller)).await?)
            }
            Request::Health(request) => Outcome::Health(Box::pin(request.run(context, workspace)).await?),
            Request::History(request) => Outcome::History(Box::pin(request.run(context, workspace)).await?),
            Request::Doctor(request) => {
                Outcome::Doctor(Box::pin(request.run(context, workspace, caller)).await?)
            }
            Request::Probe(request) => Outcome::Probe(Box::pin(request.run(context, workspace)).await?),
            Request::SuggestMask(request) => {
                Outcome::SuggestMask(Box::pin(request.run(context, workspace, caller)).await?)
            }
            Request::CheckMask(request) => {
                Outcome::CheckMask(Box::pin(request.run(context, workspace, caller)).await?)
            }
            Request::Keep(request) => Outcome::Keep(Box::pin(request.run(context, workspace)).await?),
            Request::Prune(request) => {
                Outcome::Prune(Box::pin(request.run(context, workspace, caller)).await?)
            }
            Request::Hold(request) => Outcome::Hold(Box::pin(request.run(context, workspace)).await?),
            Request::Release(request) => Outcome::Release(Box::pin(request.run(context, workspace)).await?),
            Request::Copy(request) => Outcome::Copy(Box::pin(request.run(context, workspace, caller)).await?),
            Request::Delete(request) => {
                Outcome::Delete(Box::pin(request.run(context, workspace, caller)).await?)
            }
        })
    }
}

impl Outcome {
    /// How it ended.
    pub fn verdict(&self) -> Verdict {
        match self {
            Outcome::Init(_) => Verdict::Done,
            Outcome::SuggestMask(outcome) => outcome.verdict(),
            Outcome::Backup(outcome) => outcome.verdict(),
            Outcome::Import(outcome) => outcome.verdict(),
            Outcome::Inspect(outcome) => outcome.verdict(),
            Outcome::Restore(outcome) | Outcome::Refresh(outcome) => outcome.verdict(),
            Outcome::Undo(outcome) | Outcome::Apply(outcome) => outcome.verdict(),
            Outcome::Merge(outcome) => outcome.verdict(),
            Outcome::Replay(outcome) => outcome.verdict(),
            Outcome::Migrate(outcome) => outcome.verdict(),
            Outcome::Around(outcome) => outcome.verdict(),
            Outcome::Diff(outcome) => outcome.verdict(),
            Outcome::Export(outcome) => outcome.verdict(),
            Outcome::Verify(outcome) => outcome.verdict(),
            Outcome::Check(outcome) => outcome.verdict(),
            Outcome::Repair(outcome) => outcome.verdict(),
            Outcome::CheckData(outcome) | Outcome::Drill(outcome) => outcome.verdict(),
            Outcome::Assess(outcome) => outcome.verdict(),
            Outcome::Health(outcome) => outcome.verdict(),
            Outcome::History(outcome) => outcome.verdict(),
            Outcome::Doctor(outcome) => outcome.verdict(),
            Outcome::Probe(outcome) => outcome.verdict(),
            Outcome::Keep(outcome) => outcome.verdict(),
            Outcome::Hold(outcome) | Outcome::Release(outcome) => outcome.verdict(),
            Outcome::Copy(outcome) => outcome.verdict(),
            Outcome::Delete(outcome) => outcome.verdict(),
            Outcome::Prune(outcome) => outcome.verdict(),
            Outcome::CheckMask(outcome) => outcome.verdict(),
        }
    }
}
