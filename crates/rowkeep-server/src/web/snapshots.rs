//! A snapshot: what it holds, what keeps it, and what is known of it.

use jiff::Timestamp;
use rowkeep::Context;
use rowkeep::format::SnapshotId;
use rowkeep::jobs::holds::Holds;
use rowkeep::jobs::keep::KeepRequest;
use rowkeep::jobs::outcome::SnapshotSummary;
use rowkeep::jobs::request::Request;
use rowkeep::retention::Decision;
use rowkeep::state::snapshots::Snapshot;
use rowkeep::state::times::doubt_of;

use super::drills;
use super::guard::Caller;
use super::names::{known, snapshot_named};
use super::problem::Problem;
use super::service::Service;

use crate::queue::JOB_TAG;
use crate::state::jobs::{self, Job, JobState, TELLING};
use crate::state::transaction::Transaction;

/// A snapshot and what is known of it.
pub(crate) struct Details {
    pub(crate) snapshot: Snapshot,
    pub(crate) summary: SnapshotSummary,
    /// The one before it of the same database; safety snapshots are passed over.
    pub(crate) before: Option<SnapshotId>,
    /// The job that made it, where one of this service did.
    pub(crate) made_by: Option<Job>,
    /// What becomes of it, or why nobody can tell.
    pub(crate) decision: Result<Decision, String>,
    /// The rules that say what is kept; none where there are none.
    pub(crate) rules: Option<String>,
    pub(crate) check: Option<Check>,
    pub(crate) proof: Option<Proof>,
}

/// The last check of the repository that was begun after the snapshot was made.
pub(crate) struct Check {
    /// Its job, for whoever may see that: it is of all databases.
    pub(crate) job: Option<String>,
    pub(crate) time: Timestamp,
    pub(crate) is_clean: bool,
    /// Of how many packs in a hundred all data was read.
    pub(crate) read_percent: f64,
}

/// The last drill that proved the snapshot.
pub(crate) struct Proof {
    pub(crate) job: String,
    pub(crate) time: Timestamp,
    pub(crate) recovery_ms: u64,
}

/// Finds out all of that.
pub(crate) async fn details(
    service: &Service,
    caller: &Caller,
    database: &str,
    named: &str,
) -> Result<Details, Problem> {
    known(service, caller, database).await?;
    let (queue, id) = (service.queue(), snapshot_named(service, database, named).await?);
    let (workspace, now) = (queue.workspace(), queue.now());
    let context = Context::silent().with_clock(queue.clock());
    let snapshot = workspace.snapshot(&context, &id).await?;
    let repository = workspace.repository().await?;
    let catalog = repository.catalog().await.map_err(rowkeep::Error::from)?;
    let (holds, _) = Holds::readable(repository).await?;
    let mut summary = SnapshotSummary::of(&snapshot);
    summary.time_doubt = doubt_of(snapshot.id, &catalog, now);
    summary.holds = holds.on(snapshot.id, now);
    summary.looked_at = summary.suspicious_after.is_some() && holds.is_looked_at(snapshot.id);
    let own: Vec<SnapshotId> =
        catalog.of(Some(database)).filter(|other| !other.is_aside()).map(|other| other.id).collect();
    let place = own.iter().position(|other| *other == snapshot.id);
    let before = place.and_then(|place| place.checked_sub(1)).map(|place| own[place]);
    let made_by = match summary.tags.get(JOB_TAG) {
        Some(job) => queue.job(job).await?,
        None => None,
    };
    let keep = KeepRequest { databases: vec![database.into()], ..KeepRequest::default() };
    let (decision, rules) = match keep.run(&context, &workspace).await {
        Err(error) => (Err(error.in_one_line()), None),
        Ok(keeping) => {
            let mut found = (Err("it is not listed any more".to_owned()), None);
            for of in keeping.databases {
                let own = of.snapshots.into_iter().find(|one| one.summary.id == snapshot.id);
                if let Some(own) = own {
                    found = (Ok(own.decision), of.rules);
                }
            }
            found
        }
    };
    Ok(Details {
        check: check_of(service, caller, snapshot.manifest.time).await?,
        proof: proof_of(service, database, &id).await?,
        snapshot,
        summary,
        before,
        made_by,
        decision,
        rules,
    })
}

/// The last check of the repository, where it was begun after that time.
async fn check_of(service: &Service, caller: &Caller, since: Timestamp) -> Result<Option<Check>, Problem> {
    let last = move |state: &Transaction<'_>| jobs::last_of(state, "check", None, &TELLING);
    let Some(job) = service.queue().state().transaction(last).await? else { return Ok(None) };
    let Some(time) = job.started.filter(|started| *started >= since) else { return Ok(None) };
    let read_percent = match serde_json::from_str(&job.request) {
        Ok(Request::Check(check)) => check.read_percent.unwrap_or(0.0),
        _ => 0.0,
    };
    Ok(match job.state {
        // What broke off says nothing of what is stored.
        JobState::Failed => None,
        state => Some(Check {
            job: caller.0.sees(None).then_some(job.id),
            time,
            is_clean: state == JobState::Done,
            read_percent,
        }),
    })
}

/// The newest drill that brought the snapshot back, equal by hash.
async fn proof_of(service: &Service, database: &str, id: &str) -> Result<Option<Proof>, Problem> {
    let (drills, _) = drills::of(service, database, None, drills::MOST).await?;
    Ok(drills.into_iter().find_map(|drill| {
        let report = drill.reports.iter().find(|report| {
            report.is_passed() && report.snapshot.as_ref().is_some_and(|about| about.id == id)
        })?;
        // A file for a page proves nothing of a restore.
        let measures = report.measures.as_ref().filter(|measures| !measures.is_page_file)?;
        let recovery_ms = measures.recovery_ms;
        Some(Proof { job: drill.job.id, time: report.time, recovery_ms })
    }))
}
