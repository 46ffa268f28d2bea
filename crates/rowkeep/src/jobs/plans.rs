//! Plans that are kept in a repository, so that another process can execute them later.

use futures::{FutureExt, StreamExt};
use jiff::Timestamp;
use rowkeep_engine::OnConflict;
use rowkeep_format::{ChunkId, FormatError, PlanId, SnapshotId};
use rowkeep_repository::{ErrorKind as RepositoryKind, Repository};
use serde::{Deserialize, Serialize};

use super::outcome::{ReplacementSummary, RowsSummary};
use super::workspace::{Source, Workspace};
use crate::state::needs::has_changes;
use crate::state::selection::Selection;
use crate::without_secrets::without_secrets;
use crate::{Context, Error, RequestError};

/// The newest version of [`KeptPlan`] that this program reads, and the one it writes.
pub const VERSION: u32 = 1;

/// Digits of an id that are shown, and the fewest that are taken for one.
const SHORT: usize = 8;
const SHORTEST: usize = 4;

/// Plans that are read at once.
const AT_ONCE: usize = 8;

/// A plan as a repository keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptPlan {
    /// Version of this form.
    pub version: u32,
    /// When it was made.
    pub time: Timestamp,
    /// One more than the highest of all plans that were there, so that their order needs no clock. None in plans of programs
    /// that did not write it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u64>,
    /// The program that made it.
    pub program: String,
    /// The name of the database in the repository.
    pub database: String,
    /// Where the database is, without secrets: its URL or the whole path of its file.
    pub target: String,
    /// Whether the name is one of a configuration, by which the database is found again.
    pub configured: bool,
    /// The snapshot that is restored; of an undo the safety snapshot.
    pub snapshot: SnapshotId,
    /// What is to be done.
    pub action: Action,
    /// How it is to be done.
    pub terms: Terms,
}

/// What a plan does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Action {
    /// Rows are changed.
    Rows {
        /// The plan in short.
        summary: Box<RowsSummary>,
        /// The text chunk with the [`Changeset`](rowkeep_format::changeset::Changeset).
        changes: ChunkId,
        /// Whether it is the changeset that takes these changes back.
        reversed: bool,
        /// Whether only some rows of the tables were meant.
        some_rows: bool,
        /// The tables whose rows a safety snapshot holds beside the changes; none when it holds the changes alone.
        safety_tables: Option<Selection>,
    },
    /// The database is replaced, schema included.
    Replace {
        /// The plan in short.
        summary: ReplacementSummary,
        /// Names all that the database held when the plan was made.
        present: String,
    },
}

/// How a plan is executed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// What is done where a row is not as the plan says it was.
    pub on_conflict: OnConflict,
    /// Whether the database's own triggers act on changed rows.
    pub fire_triggers: bool,
    /// Whether other connections are ended first.
    pub end_connections: bool,
    /// SQL that runs in the same transaction.
    pub also_run: Vec<String>,
    /// Whether a safety snapshot is taken before.
    pub safety: bool,
    /// Whether a replaced database is compared with the snapshot afterwards.
    pub verify: bool,
    /// Whether hooks run.
    pub hooks: bool,
    /// Whether a row is written into the application's own log.
    pub activity: bool,
}

/// A plan in a listing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanListing {
    /// Its id.
    pub id: PlanId,
    /// When its execution was begun.
    pub executed: Option<Timestamp>,
    /// The plan.
    #[serde(flatten)]
    pub plan: KeptPlan,
}

/// The plans of a repository.
#[derive(Debug, Default)]
pub struct Plans {
    /// Those that can be read, the oldest first.
    pub listed: Vec<PlanListing>,
    /// The others, damaged or of a newer program, with what is wrong with them.
    pub unreadable: Vec<(PlanId, Error)>,
}

/// Who executes a plan, or did.
#[derive(Serialize, Deserialize)]
struct Claim {
    time: Timestamp,
    program: String,
}

/// Shortens the id of a plan for people.
pub fn short_id(id: PlanId) -> String {
    id.to_string()[..SHORT].to_owned()
}

/// All plans of a repository; one that cannot be read does not hide the others.
///
/// ```no_run
/// # async fn example(workspace: &rowkeep::jobs::workspace::Workspace) -> Result<(), rowkeep::Error> {
/// for listed in rowkeep::jobs::plans::list(workspace.repository().await?).await?.listed {
///     assert!(listed.executed.is_none(), "{} is still to be executed", listed.id);
/// }
/// # Ok(())
/// # }
/// ```
pub async fn list(repository: &Repository) -> Result<Plans, Error> {
    let mut plans = Plans::default();
    let ids = futures::stream::iter(repository.plans().await?);
    let mut reading = ids.map(async |id| (id, listing(repository, id).await)).buffered(AT_ONCE).boxed();
    while let Some((id, outcome)) = reading.next().await {
        match outcome {
            Ok(listed) => plans.listed.push(listed),
            Err(error) if is_deleted(&error) => {}
            Err(error) if error.is_of_one_object() => plans.unreadable.push((id, error)),
            Err(error) => return Err(error),
        }
    }
    // Plans of older programs have no number, and were there before those that have one.
    plans.listed.sort_by_key(|listed| (listed.plan.sequence, listed.plan.time, listed.id));
    Ok(plans)
}

/// Whether somebody deleted a plan before it was read.
pub(super) fn is_deleted(error: &Error) -> bool {
    matches!(error, Error::Repository(error) if error.kind() == RepositoryKind::NotFound)
}

async fn listing(repository: &Repository, id: PlanId) -> Result<PlanListing, Error> {
    let plan = read(repository, id).await?;
    Ok(PlanListing { id, executed: executed(repository, id).await?, plan })
}

/// Finds a plan by its id or the beginning of it.
pub async fn find(repository: &Repository, reference: &str) -> Result<PlanId, Error> {
    let mut ids = repository.plans().await?;
    ids.retain(|id| reference.len() >= SHORTEST && id.to_string().starts_with(reference));
    match ids.as_slice() {
        [only] => Ok(*only),
        [] => Err(RequestError::NoSuchPlan { plan: without_secrets(reference) }.into()),
        many => {
            let candidates = many.iter().map(ToString::to_string).collect();
            Err(RequestError::AmbiguousPlan { plan: reference.to_owned(), candidates }.into())
        }
    }
}

/// Deletes plans; where one of several is not known, none is deleted.
pub async fn delete(repository: &Repository, references: &[String]) -> Result<Vec<PlanId>, Error> {
    let mut ids = Vec::new();
    for reference in references {
        let id = find(repository, reference).await?;
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    for id in &ids {
        repository.delete_plan(id).await?;
    }
    Ok(ids)
}

/// Reads a plan.
pub async fn read(repository: &Repository, id: PlanId) -> Result<KeptPlan, Error> {
    #[derive(Deserialize)]
    struct Versioned {
        version: u32,
    }
    let json = repository.read_plan(&id).await?;
    let damaged = |_| Error::content(format!("plan {id}"))(FormatError::Malformed("the plan"));
    let Versioned { version } = serde_json::from_slice(&json).map_err(damaged)?;
    if version > VERSION {
        let newer = FormatError::NewerVersion { what: "the plan", found: version, supported: VERSION };
        return Err(Error::content(format!("plan {id}"))(newer));
    }
    serde_json::from_slice(&json).map_err(damaged)
}

/// When the execution of a plan was begun, where it was.
async fn executed(repository: &Repository, id: PlanId) -> Result<Option<Timestamp>, Error> {
    let Some(words) = repository.plan_claim(&id).await? else { return Ok(None) };
    let claim: Claim = serde_json::from_slice(&words).map_err(|_| {
        Error::content(format!("the claim of plan {id}"))(FormatError::Malformed("the claim"))
    })?;
    Ok(Some(claim.time))
}

/// Fails when a plan was executed already.
pub(super) async fn refuse_executed(repository: &Repository, id: PlanId) -> Result<(), Error> {
    match executed(repository, id).await? {
        Some(time) => Err(RequestError::PlanExecuted { plan: short_id(id), time: time.to_string() }.into()),
        None => Ok(()),
    }
}

/// Executes a plan that is kept, and no other time; one that is not kept is just executed.
///
/// When nothing came of it the plan can be executed again; when nobody knows whether anything did, it cannot.
pub(super) async fn once<T>(
    context: &Context,
    repository: &Repository,
    plan: Option<PlanId>,
    program: &str,
    execution: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let Some(id) = plan else { return execution.await };
    let claim = Claim { time: context.now(), program: program.to_owned() };
    let time = claim.time.to_string();
    let words = serde_json::to_vec(&claim).expect("a claim is two texts");
    if !repository.claim_plan(&id, &words).await? {
        refuse_executed(repository, id).await?;
        return Err(RequestError::PlanExecuted { plan: short_id(id), time }.into());
    }
    let executed = execution.await;
    if let Err(error) = &executed
        && !error.is_outcome_unknown()
    {
        // A claim that stays refuses a plan that could be executed, which is the safe side to err on.
        let _ = repository.release_plan(&id).await;
    }
    executed
}

/// Keeps a plan; where the repository cannot be written to, that is a warning.
pub(super) async fn keep(
    context: &Context,
    workspace: &Workspace,
    source: &Source,
    snapshot: SnapshotId,
    terms: &Terms,
    action: impl Future<Output = Result<Action, Error>>,
) -> Result<Option<PlanId>, Error> {
    match keep_now(context.now(), workspace, source, snapshot, terms, action).await {
        Ok(id) => Ok(Some(id)),
        Err(Error::Repository(error))
            if matches!(
                error.kind(),
                RepositoryKind::Denied
                    | RepositoryKind::Full
                    | RepositoryKind::NoBucket
                    | RepositoryKind::Folder
                    | RepositoryKind::Store
            ) =>
        {
            context.warn(format!("the plan is not kept, so it cannot be executed later: {error}"));
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// The sequence number of a plan that is kept now.
async fn next_sequence(repository: &Repository) -> Result<u64, Error> {
    let ids = futures::stream::iter(repository.plans().await?);
    let mut reading = ids.map(async |id| read(repository, id).await).buffer_unordered(AT_ONCE).boxed();
    let mut highest = 0;
    while let Some(outcome) = reading.next().await {
        match outcome {
            Ok(plan) => highest = highest.max(plan.sequence.unwrap_or(0)),
            Err(error) if is_deleted(&error) || error.is_of_one_object() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(highest.saturating_add(1))
}

async fn keep_now(
    now: Timestamp,
    workspace: &Workspace,
    source: &Source,
    snapshot: SnapshotId,
    terms: &Terms,
    action: impl Future<Output = Result<Action, Error>>,
) -> Result<PlanId, Error> {
    let configured = workspace.config().databases.contains_key(&*source.typed);
    let repository = workspace.repository().await?;
    let action = action.await?;
    let plan = KeptPlan {
        version: VERSION,
        time: now,
        sequence: Some(next_sequence(repository).await?),
        program: workspace.program().to_owned(),
        database: source.name.clone(),
        target: source.target(),
        configured,
        snapshot,
        action,
        terms: terms.clone(),
    };
    let json = serde_json::to_vec(&plan).expect("a plan has no map with keys that are not text");
    let changes = match &plan.action {
        Action::Rows { changes, .. } => Some(*changes),
        Action::Replace { .. } => None,
    };
    let has_its_changes = |reader| match changes {
        Some(changes) => has_changes(reader, changes),
        None => futures::future::ready(Ok(true)).boxed(),
    };
    Ok(repository.store_plan(&json, &has_its_changes).await?)
}

#[cfg(test)]
#[path = "plans_tests.rs"]
mod tests;
