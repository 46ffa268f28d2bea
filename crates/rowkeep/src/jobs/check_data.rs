//! Running data checks on databases, and on snapshots of those that nobody can ask.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rowkeep_engine::kind_of;
use rowkeep_format::SnapshotId;
use rowkeep_format::manifest::Scope;
use rowkeep_repository::{Catalog, Repository};
use serde::{Deserialize, Serialize};

use super::caller::Caller;
use super::several::{FailedDatabase, each};
use super::workspace::{Source, Workspace};
use super::{DatabaseRef, Verdict};
use crate::data_checks::{Check, Circumstances, Demand, lack, not_run, run_checks, run_checks_on_rows};
use crate::report::Report;
use crate::state::SnapshotState;
use crate::state::devices::{device, named, newest_of_each};
use crate::state::owner::{Owner, unmasked};
use crate::state::snapshots::{self, Snapshot};
use crate::{Context, Error, RequestError};

/// Which checks are to be run.
///
/// ```no_run
/// use rowkeep::jobs::caller::Unattended;
/// use rowkeep::jobs::check_data::CheckDataRequest;
/// # async fn example(workspace: &rowkeep::jobs::workspace::Workspace) -> Result<(), rowkeep::Error> {
/// let request = CheckDataRequest { database: Some("shop".into()), checks: None };
/// let outcome = request.run(&rowkeep::Context::silent(), workspace, &Unattended).await?;
/// assert_eq!(outcome.verdict(), rowkeep::jobs::Verdict::Done);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckDataRequest {
    /// The database, or a snapshot of one whose states arrive; all databases that are configured when not given.
    pub database: Option<DatabaseRef>,
    /// A file with more checks than those that are configured.
    pub checks: Option<PathBuf>,
}

/// What checks or drills found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportsOutcome {
    /// A report of each database, or of each drill.
    pub reports: Vec<Report>,
    /// The databases of which there is none, of several.
    #[serde(default)]
    pub failed: Vec<FailedDatabase>,
}

impl ReportsOutcome {
    /// How it ended.
    pub fn verdict(&self) -> Verdict {
        match self.reports.iter().all(Report::is_passed) {
            _ if !self.failed.is_empty() => Verdict::Failed,
            true => Verdict::Done,
            false => Verdict::Differences,
        }
    }
}

impl CheckDataRequest {
    /// Runs the checks, which only read. Databases that have none are passed over.
    ///
    /// Of a database whose states arrive, the newest state of each of its devices is read instead. Of several, one that cannot be read or
    /// does not have what a check speaks of, as others do, keeps none of the others from being checked.
    pub async fn run(
        &self,
        context: &Context,
        workspace: &Workspace,
        caller: &dyn Caller,
    ) -> Result<ReportsOutcome, Error> {
        let more = workspace.checks_in(self.checks.as_deref())?;
        if let Some(snapshot) = self.snapshot(context, workspace).await? {
            let known = workspace.config().databases.get(&snapshot.manifest.database);
            let checks = [known.map(|known| known.checks.clone()).unwrap_or_default(), more].concat();
            if checks.is_empty() {
                return Err(RequestError::NothingToCheck.into());
            }
            let repository = workspace.repository().await?;
            let arrived = Arrived::open(repository, &*repository.catalog().await?, snapshot.id).await?;
            let report = arrived.examine(context, &checks, true).await?;
            return Ok(ReportsOutcome { reports: vec![report], failed: Vec::new() });
        }
        let named = workspace.named(self.database.as_deref())?;
        let (reports, failed) = each(context, caller, &named, String::as_str, async |database| {
            let mut source = workspace.source(database)?;
            source.checks.extend(more.iter().cloned());
            match (source.checks.is_empty(), source.engine.arrives()) {
                (true, _) => Ok(Vec::new()),
                (false, true) => examine_arrived(context, workspace, &source).await,
                (false, false) => Ok(vec![examine(context, workspace, &source).await?]),
            }
        })
        .await?;
        let reports: Vec<Report> = reports.into_iter().flatten().collect();
        if reports.is_empty() && failed.is_empty() {
            return Err(RequestError::NothingToCheck.into());
        }
        Ok(ReportsOutcome { reports, failed })
    }

    /// The snapshot that is named in the place of a database, where one is.
    async fn snapshot(&self, context: &Context, workspace: &Workspace) -> Result<Option<Snapshot>, Error> {
        let Some(named) = self.database.as_deref() else { return Ok(None) };
        if workspace.live(named)?.is_some() {
            return Ok(None);
        }
        let snapshot = match workspace.snapshot(context, named).await {
            // Then it is no database either, which there is more to say about.
            Err(Error::Request(RequestError::NoRepository { .. })) => return Ok(None),
            Err(error) if error.is_none_such() => return Ok(None),
            found => found?,
        };
        // Rows of others mean what their database makes of them.
        match kind_of(&snapshot.manifest.engine).is_ok_and(|kind| !kind.arrives()) {
            true => Err(RequestError::ChecksAskDatabase { snapshot: snapshot.short_id() }.into()),
            false => Ok(Some(snapshot)),
        }
    }
}

async fn examine(context: &Context, workspace: &Workspace, source: &Source) -> Result<Report, Error> {
    let (time, watch) = (context.now(), context.stopwatch());
    let compares = source.checks.iter().any(|check| matches!(check.demand, Demand::RowsWithin { .. }));
    let before = match compares {
        true => snapshots::latest(workspace.repository().await?, Some(&source.owner().await)).await?,
        false => None,
    };
    let circumstances =
        Circumstances { now: time, before: before.as_ref().map(|snapshot| &snapshot.manifest), strict: true };
    let found = run_checks(context, source.engine.as_ref(), &source.checks, circumstances).await?;
    let took = watch.elapsed();
    Ok(Report::of_checks(&source.name, &source.engine.describe(), before.as_ref(), time, took, found))
}

/// Checks the newest state of each device of a database whose states arrive.
async fn examine_arrived(
    context: &Context,
    workspace: &Workspace,
    source: &Source,
) -> Result<Vec<Report>, Error> {
    let repository = workspace.repository().await?;
    let catalog = repository.catalog().await?;
    let owner = workspace.owner(&source.name, &catalog)?;
    let of = unmasked(&catalog, &owner);
    let mut states = Vec::new();
    for (device, newest) in newest_of_each(of) {
        states.push((device, Arrived::open(repository, &catalog, newest.id).await));
    }
    if states.is_empty() {
        return Err(RequestError::NothingArrived { database: source.name.clone() }.into());
    }
    // What none of the devices has is misspelt; what some have is of another version of the application on the others.
    for check in &source.checks {
        let mut known = states.iter().filter_map(|(_, state)| state.as_ref().ok());
        let lacks: Option<Vec<Error>> = known.try_fold(Vec::new(), |mut lacks, arrived| {
            lacks.push(lack(context, &arrived.state, check)?);
            Some(lacks)
        });
        if let Some(error) = lacks.and_then(|lacks| lacks.into_iter().next_back()) {
            return Err(error);
        }
    }
    let is_one_of_several = states.len() > 1;
    let mut reports = Vec::new();
    for (device, state) in states {
        let checked = match state {
            Ok(arrived) => arrived.examine(context, &source.checks, false).await,
            Err(error) => Err(error),
        };
        reports.push(match checked {
            // The others have their turn.
            Err(error) if is_one_of_several && !context.is_cancelled() => {
                let target =
                    format!("what arrived of {} on device {}", source.engine.describe(), named(device));
                let found = not_run(&source.checks, &error.in_one_line());
                Report::of_checks(&source.name, &target, None, context.now(), Duration::ZERO, found)
            }
            checked => checked?,
        });
    }
    Ok(reports)
}

/// A state that arrived, and the one before it of the same device.
struct Arrived {
    state: SnapshotState,
    before: Option<Snapshot>,
}

impl Arrived {
    async fn open(repository: &Repository, catalog: &Catalog, id: SnapshotId) -> Result<Self, Error> {
        let snapshot = snapshots::open(repository, id).await?;
        let before = match before(&snapshot, catalog) {
            Some(before) => Some(snapshots::open(repository, before).await?),
            None => None,
        };
        let state = SnapshotState::open(Arc::new(repository.reader().await?), snapshot).await?;
        Ok(Self { state, before })
    }

    /// Checks its rows, as of its own time.
    async fn examine(&self, context: &Context, checks: &[Check], strict: bool) -> Result<Report, Error> {
        let (time, watch) = (context.now(), context.stopwatch());
        let snapshot = &self.state.snapshot;
        let manifest = &snapshot.manifest;
        let before = self.before.as_ref().map(|before| &before.manifest);
        let circumstances = Circumstances { now: manifest.time, before, strict };
        let found = run_checks_on_rows(context, &self.state, checks, circumstances).await?;
        let target = format!("what arrived of {}", manifest.source);
        Ok(Report::of_checks(&manifest.database, &target, Some(snapshot), time, watch.elapsed(), found))
    }
}

/// The last snapshot of all of the database on the same device before this one.
fn before(snapshot: &Snapshot, catalog: &Catalog) -> Option<SnapshotId> {
    let (owner, own) = (Owner::of(&snapshot.manifest), device(&snapshot.manifest.tags));
    let earlier = catalog.snapshots().take_while(|summary| summary.id != snapshot.id);
    let whole = earlier.filter(|summary| summary.scope == Scope::Full && !summary.is_aside());
    let of = whole.filter(|summary| device(&summary.tags) == own && owner.owns(summary));
    of.last().map(|summary| summary.id)
}
