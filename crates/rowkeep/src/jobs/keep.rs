//! Keep: which snapshots the rules keep, why, and when the others go. Nothing is deleted.

use std::sync::Arc;

use futures::StreamExt;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use rowkeep_format::{SnapshotId, Summary};
use rowkeep_repository::{Catalog, Repository};
use serde::{Deserialize, Serialize};

use super::holds::Holds;
use super::outcome::{SnapshotSummary, UnreadableSnapshot};
use super::verdict::Verdict;
use super::workspace::Workspace;
use crate::config::SERVICE_DATABASE;
use crate::moments::{NoMoment, moment};
use crate::retention::{By, Decision, Marks, Rules, StatedRules, Subject, decide};
use crate::state::devices;
use crate::state::owner::{History, Owner, histories, meant, unknown};
use crate::state::times::doubt;
use crate::{Context, Error, RequestError};

/// Of which databases, by which rules and for what time it is to be said what is kept.
///
/// ```no_run
/// use rowkeep::jobs::keep::KeepRequest;
/// # async fn example(workspace: &rowkeep::jobs::workspace::Workspace) -> Result<(), rowkeep::Error> {
/// let outcome = KeepRequest::default().run(&rowkeep::Context::silent(), workspace).await?;
/// for kept in outcome.databases.iter().flat_map(|database| &database.snapshots) {
///     assert!(kept.decision.is_kept(), "{} goes with the next prune", kept.summary.id);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct KeepRequest {
    /// The databases, by a configured name or one that snapshots have, or by URL or path; all when empty.
    pub databases: Vec<super::DatabaseRef>,
    /// The rules; as configured when empty.
    pub rules: StatedRules,
    /// The device whose snapshots are told of; those of all when not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// A time to come for which the same is to be said, as if no more snapshots came; now when not given.
    pub at: Option<String>,
}

/// What is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeepOutcome {
    /// The time for which it is said.
    pub at: Timestamp,
    /// The databases, in the order of their first snapshots.
    pub databases: Vec<DatabaseKeeping>,
    /// Snapshots of which nobody can tell whose they are; they are kept.
    pub unreadable: Vec<UnreadableSnapshot>,
}

/// What is kept of one database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseKeeping {
    /// Its name.
    pub database: String,
    /// Where it was, as far as that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// The time zone of its days.
    pub timezone: String,
    /// The rules in words; none where there are none, so that everything is kept.
    pub rules: Option<String>,
    /// Its snapshots, the oldest first.
    pub snapshots: Vec<SnapshotKeeping>,
}

/// What becomes of one snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotKeeping {
    /// The snapshot.
    #[serde(flatten)]
    pub summary: SnapshotSummary,
    /// What becomes of it.
    pub decision: Decision,
}

impl KeepOutcome {
    /// How it ended.
    pub fn verdict(&self) -> Verdict {
        if self.unreadable.is_empty() { Verdict::Done } else { Verdict::Differences }
    }
}

impl KeepRequest {
    /// Decides about the snapshots of each database. The newest that is to be relied on is looked at, whether it can be read.
    pub async fn run(&self, context: &Context, workspace: &Workspace) -> Result<KeepOutcome, Error> {
        let mut outcome = self.told(context, workspace, |_| true).await?;
        if let Some(wanted) = &self.device {
            let all = outcome.databases.iter().flat_map(|database| &database.snapshots);
            devices::check(wanted, all.map(|one| &one.summary.tags))?;
            for database in &mut outcome.databases {
                database.snapshots.retain(|one| devices::device(&one.summary.tags) == Some(wanted));
            }
            outcome.databases.retain(|database| !database.snapshots.is_empty());
        }
        Ok(outcome)
    }

    /// The same, and tells only of the snapshots about which something was decided, and of the newest: there may be very many.
    pub(super) async fn told(
        &self,
        context: &Context,
        workspace: &Workspace,
        is_told: impl Fn(&Decision) -> bool,
    ) -> Result<KeepOutcome, Error> {
        let rules = match self.rules.is_empty() {
            true => None,
            false => Some(self.rules.rules().map_err(|problem| RequestError::Rules { problem })?),
        };
        let at = self.time(workspace, context.now())?;
        let repository = workspace.repository().await?;
        let marks = marks(repository, Holds::read(repository).await?).await?;
        let mut catalog = repository.catalog_alone().await?;
        let databases = loop {
            let databases = self.decide(workspace, &catalog, rules.as_ref(), &marks, at, &is_told)?;
            match first_unreadable(repository, &databases).await {
                Some(id) => catalog = repository.catalog_after_a_look_at(id).await?,
                None => break databases,
            }
        };
        let unreadable = catalog.unreadable().iter();
        let unreadable = unreadable
            .map(|unreadable| UnreadableSnapshot { id: unreadable.id, error: unreadable.error.to_string() });
        Ok(KeepOutcome { at, databases, unreadable: unreadable.collect() })
    }

    fn time(&self, workspace: &Workspace, now: Timestamp) -> Result<Timestamp, Error> {
        let Some(text) = &self.at else { return Ok(now) };
        let zone = workspace.config().timezone.clone().unwrap_or(TimeZone::UTC);
        let no_time = |problem: String| RequestError::NoTime { text: text.clone(), problem };
        let at = moment(text, &zone, now).map_err(|wrong| match wrong {
            NoMoment::Other => no_time("write a day to come, such as 2027-01-31".to_owned()),
            NoMoment::Wrong(problem) => no_time(problem),
        })?;
        match at < now {
            true => Err(no_time("it is over, and what was deleted since cannot be known".to_owned()).into()),
            false => Ok(at),
        }
    }

    fn decide(
        &self,
        workspace: &Workspace,
        catalog: &Catalog,
        rules: Option<&Rules>,
        marks: &Marks,
        now: Timestamp,
        is_told: &dyn Fn(&Decision) -> bool,
    ) -> Result<Vec<DatabaseKeeping>, Error> {
        let wanted = wanted(workspace, catalog, &self.databases)?;
        Ok(decide_all(workspace, catalog, wanted.as_deref(), rules, marks, now, is_told))
    }
}

/// The databases that are meant by names, URLs or paths; none where all are.
pub(super) fn wanted(
    workspace: &Workspace,
    catalog: &Catalog,
    databases: &[super::DatabaseRef],
) -> Result<Option<Vec<Owner>>, Error> {
    let mut wanted = Vec::new();
    for database in databases {
        wanted.push(match meant(catalog, database)? {
            Some(owner) => owner,
            None if workspace.config().databases.contains_key(&**database) => Owner::named(&**database),
            None => return Err(unknown(catalog, database)),
        });
    }
    Ok((!wanted.is_empty()).then_some(wanted))
}

/// Decides about the snapshots of these databases, or of all; tells of those about which such a thing was decided, and of the newest.
pub(super) fn decide_all(
    workspace: &Workspace,
    catalog: &Catalog,
    wanted: Option<&[Owner]>,
    rules: Option<&Rules>,
    marks: &Marks,
    now: Timestamp,
    is_told: &dyn Fn(&Decision) -> bool,
) -> Vec<DatabaseKeeping> {
    let is_wanted = |history: &History| {
        let mut of = history.snapshots.iter();
        wanted.is_none_or(|wanted| of.any(|summary| wanted.iter().any(|owner| owner.owns(summary))))
    };
    let histories = histories(catalog);
    let decided = histories.iter().filter(|history| is_wanted(history));
    decided.map(|history| of_one(workspace, catalog, history, rules, marks, now, is_told)).collect()
}

fn of_one(
    workspace: &Workspace,
    catalog: &Catalog,
    History { owner, snapshots }: &History,
    rules: Option<&Rules>,
    marks: &Marks,
    now: Timestamp,
    is_told: &dyn Fn(&Decision) -> bool,
) -> DatabaseKeeping {
    let config = workspace.config();
    let of_service = is_of_service(owner).then(Rules::of_service);
    let rules = of_service.as_ref().or(rules).or(config.keep(&owner.name));
    let zone = config.zone(&owner.name);
    let subject = |summary: &'_ Arc<Summary>| Subject {
        summary: Arc::clone(summary),
        doubt: doubt(summary, catalog, now),
    };
    let subjects: Vec<Subject> = snapshots.iter().map(subject).collect();
    let decisions = decide(&subjects, rules, &zone, marks, now);
    let is_told = |(_, decision): &(Subject, Decision)| is_newest(decision) || is_told(decision);
    let keeping = |(subject, decision): (Subject, Decision)| {
        let mut summary = SnapshotSummary::from(&*subject.summary);
        summary.time_doubt = subject.doubt;
        SnapshotKeeping { summary, decision }
    };
    DatabaseKeeping {
        database: owner.name.clone(),
        place: owner.identity.as_ref().map(|identity| identity.place.clone()),
        timezone: zone.iana_name().unwrap_or("UTC").to_owned(),
        rules: rules.map(ToString::to_string),
        snapshots: subjects.into_iter().zip(decisions).filter(is_told).map(keeping).collect(),
    }
}

/// Whether it is the state of the service, which has rules of its own whatever else is said.
fn is_of_service(owner: &Owner) -> bool {
    owner.name == SERVICE_DATABASE && owner.identity.as_ref().is_some_and(|identity| identity.configured)
}

/// What is known of snapshots beside their summaries.
pub(super) async fn marks(repository: &Repository, holds: Holds) -> Result<Marks, Error> {
    let incomplete = repository.incomplete_snapshots().await?;
    Ok(Marks { incomplete, ..holds.marks() })
}

/// The first of those that are kept as the newest which cannot be read.
async fn first_unreadable(repository: &Repository, databases: &[DatabaseKeeping]) -> Option<SnapshotId> {
    let all = databases.iter().flat_map(|database| &database.snapshots);
    let newest = all.filter(|one| is_newest(&one.decision)).map(|one| one.summary.id).collect();
    let mut reading = repository.read_snapshots(newest).boxed();
    while let Some((id, outcome)) = reading.next().await {
        if outcome.is_err() {
            return Some(id);
        }
    }
    None
}

fn is_newest(decision: &Decision) -> bool {
    decision.kept.iter().any(|kept| kept.by == By::Newest)
}
