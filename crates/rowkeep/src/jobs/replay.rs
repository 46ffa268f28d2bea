//! Replay: a snapshot, and what the application's own log says of the time after it, as a new snapshot of the state at a time.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rowkeep_format::manifest::Scope;
use rowkeep_format::{Counts, SnapshotId, Summary, TableName};
use serde::{Deserialize, Serialize};

use super::merge::options;
use super::outcome::SnapshotSummary;
use super::workspace::Workspace;
use super::{DatabaseRef, Verdict};
use crate::merge::AFTER;
use crate::moments::{FORMS, NoMoment, moment};
use crate::replay::{Problem, REPLAYED, Replayed, Replaying, capture_replayed, replay};
use crate::state::State;
use crate::state::devices::device;
use crate::state::selection::Selection;
use crate::state::snapshots::Snapshot;
use crate::{Context, Error, RequestError};

/// The tag that says which state the log of a replay was taken from.
const LOG: &str = "replayed-log";

/// The tag that says how many entries did not fit, where a snapshot was made all the same.
const PROBLEMS: &str = "replayed-problems";

/// Which state is wanted.
///
/// ```no_run
/// use rowkeep::jobs::replay::ReplayRequest;
/// # async fn example(workspace: &rowkeep::jobs::workspace::Workspace) -> Result<(), rowkeep::Error> {
/// let request = ReplayRequest::of("shop", "2026-11-20T15:30Z");
/// let outcome = request.run(&rowkeep::Context::silent(), workspace).await?;
/// assert!(outcome.problems.is_empty());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplayRequest {
    /// The name of the database in the configuration, which says what its log looks like.
    pub database: String,
    /// The time of the state that is wanted.
    pub until: String,
    /// The snapshot to begin with; the newest that is not after the time and holds all of the database when not given.
    #[serde(default)]
    pub base: Option<String>,
    /// The state that the log is taken from; the newest snapshot when not given.
    #[serde(default)]
    pub log: Option<DatabaseRef>,
    /// Whether a snapshot is made although entries do not fit.
    #[serde(default)]
    pub despite_problems: bool,
    /// Whether only what would come of it is wanted.
    #[serde(default)]
    pub plan_only: bool,
    /// A name for the new snapshot.
    #[serde(default)]
    pub name: Option<String>,
    /// Labels for it.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplayOutcome {
    /// The snapshot that it began with.
    pub base: SnapshotId,
    /// The state that the log is of, in words.
    pub log: String,
    /// The time of the state that is wanted.
    pub until: Timestamp,
    /// How many entries are about rows, up to that time.
    pub entries: u64,
    /// How many entries of that time are about none.
    pub others: u64,
    /// How many entries are later.
    pub later: u64,
    /// When the last entry was written that was replayed.
    pub last: Option<Timestamp>,
    /// When the newest entry of the log was written.
    pub newest: Option<Timestamp>,
    /// Rows that come, change and go, by table.
    pub tables: Vec<ReplayedTable>,
    /// Entries that do not fit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<Problem>,
    /// Whether a snapshot was wanted all the same.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub despite_problems: bool,
    /// What is not certain of the log as a whole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// The new snapshot; none where nothing changes, where only the plan was wanted, and where entries do not fit.
    pub snapshot: Option<Box<SnapshotSummary>>,
}

/// How much of a table changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplayedTable {
    /// The table.
    #[serde(flatten)]
    pub table: TableName,
    /// Its rows.
    #[serde(flatten)]
    pub rows: Counts,
}

impl ReplayOutcome {
    /// How it ended.
    pub fn verdict(&self) -> Verdict {
        if self.is_undecided() { Verdict::Refused } else { Verdict::Done }
    }

    /// Whether entries do not fit, and nobody has said that there is to be a snapshot all the same.
    pub fn is_undecided(&self) -> bool {
        !self.despite_problems && !self.problems.is_empty()
    }
}

impl ReplayRequest {
    /// A request for the state of a database at a time, with every choice as it is when nobody makes it.
    pub fn of(database: impl Into<String>, until: impl Into<String>) -> Self {
        Self {
            database: database.into(),
            until: until.into(),
            base: None,
            log: None,
            despite_problems: false,
            plan_only: false,
            name: None,
            tags: BTreeMap::new(),
        }
    }

    /// Replays the log.
    ///
    /// The new snapshot is one of the database of the snapshot that it begins with. Its tags say which that is, the state of the log and the time.
    pub async fn run(&self, context: &Context, workspace: &Workspace) -> Result<ReplayOutcome, Error> {
        if let Some(name) = &self.name {
            workspace.check_name(name)?;
        }
        let (config, name) = (workspace.config(), &self.database);
        let not_there = || RequestError::NoSuchDatabase {
            name: name.clone(),
            known: config.databases.keys().cloned().collect(),
        };
        let database = config.databases.get(name).ok_or_else(not_there)?;
        let no_log = || RequestError::NoLog { database: name.clone() };
        let of = database.log.as_ref().ok_or_else(no_log)?;
        let until = moment(&self.until, &config.zone(name), context.now()).map_err(|wrong| {
            let problem = match wrong {
                NoMoment::Other => FORMS.to_owned(),
                NoMoment::Wrong(problem) => problem,
            };
            RequestError::NoTime { text: self.until.clone(), problem }
        })?;
        let repository = workspace.repository().await?;
        let base = Box::pin(self.base(context, workspace, until)).await?;
        let log = match &self.log {
            Some(state) => {
                let only = Selection { include: vec![of.table.clone()], ..Selection::default() };
                Box::pin(workspace.state(context, state, false, &only.meant())).await?.1
            }
            None => {
                let of_device = device(&base.manifest.tags);
                let is_captured = |summary: &Summary| {
                    !summary.is_aside() && !summary.masked && device(&summary.tags) == of_device
                };
                let newest = workspace.find_serving(context, &format!("latest:{name}"), &is_captured).await?;
                State::snapshot(repository, newest.told(context)).await?
            }
        };
        let replaying = Replaying { base: &base, log: &log, of, until };
        let replayed = Box::pin(replay(context, repository, &replaying)).await?;
        let mut outcome = self.outcome(&base, &log, until, &replayed);
        if outcome.is_undecided() || self.plan_only || replayed.changes.is_empty() {
            return Ok(outcome);
        }
        let mut tags = self.tags.clone();
        tags.insert(AFTER.to_owned(), base.id.to_string());
        tags.insert(REPLAYED.to_owned(), until.to_string());
        tags.insert(LOG.to_owned(), outcome.log.clone());
        if !outcome.problems.is_empty() {
            let entries: u64 = outcome.problems.iter().map(|problem| problem.entries).sum();
            tags.insert(PROBLEMS.to_owned(), entries.to_string());
        }
        let options = options(workspace, &base, self.name.clone(), tags);
        let made = capture_replayed(context, repository, &replayed, &options);
        let snapshot = Box::pin(made).await?;
        outcome.snapshot = Some(Box::new(SnapshotSummary::of(&snapshot)));
        Ok(outcome)
    }

    /// The snapshot to begin with.
    async fn base(
        &self,
        context: &Context,
        workspace: &Workspace,
        until: Timestamp,
    ) -> Result<Snapshot, Error> {
        let base = match &self.base {
            Some(base) => workspace.snapshot(context, base).await?,
            None => {
                let can_serve = |summary: &Summary| {
                    summary.scope == Scope::Full && !summary.masked && !summary.is_aside()
                };
                let reference = format!("{}@{until}", self.database);
                workspace.find_serving(context, &reference, &can_serve).await?.told(context)
            }
        };
        let lacks = |lack| Err(Error::Lacks { state: base.told(), lack });
        if base.manifest.scope != Scope::Full {
            return lacks("is not of a whole database, so there would be none of the replayed one");
        }
        if base.is_masked() {
            return lacks("is masked, so its rows are not those that the log speaks of");
        }
        Ok(base)
    }

    fn outcome(&self, base: &Snapshot, log: &State, until: Timestamp, replayed: &Replayed) -> ReplayOutcome {
        let tables = replayed.counts().into_iter();
        ReplayOutcome {
            base: base.id,
            log: log.describe(),
            until,
            entries: replayed.entries,
            others: replayed.others,
            later: replayed.later,
            last: replayed.last,
            newest: replayed.newest,
            tables: tables.map(|(table, rows)| ReplayedTable { table, rows }).collect(),
            problems: replayed.problems.clone(),
            despite_problems: self.despite_problems,
            notes: replayed.notes.iter().cloned().chain(cascades(replayed)).collect(),
            snapshot: None,
        }
    }
}

/// What a log may not tell of the rows that it says were deleted.
fn cascades(replayed: &Replayed) -> Option<String> {
    let deleted: u64 = replayed.counts().into_iter().map(|(_, rows)| rows.deleted).sum();
    (deleted > 0).then(|| {
        "rows were deleted: what the database deleted or changed by itself because of that (cascades, triggers) is here only as far \
         as the log has entries of it"
            .to_owned()
    })
}
