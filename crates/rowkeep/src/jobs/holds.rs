//! Holds: snapshots that stay whatever the rules say, and suspicious ones that somebody has looked at.

use std::collections::BTreeMap;

use futures::StreamExt;
use jiff::Timestamp;
use rowkeep_format::{FormatError, HoldId, SnapshotId};
use rowkeep_repository::{ErrorKind as RepositoryKind, Repository};
use serde::{Deserialize, Serialize};

use super::outcome::{HOLD_VERSION, Hold, HoldKind};
use super::verdict::Verdict;
use super::workspace::Workspace;
use crate::moments::{NoMoment, moment};
use crate::retention::{Held, Length, Marks};
use crate::state::snapshots::short_id;
use crate::{Context, Error, RequestError};

/// Holds that are read at once.
const AT_ONCE: usize = 8;

/// The holds of a repository.
#[derive(Debug, Clone, Default)]
pub struct Holds(Vec<(HoldId, Hold)>);

impl Holds {
    /// Reads all of them. Fails where one cannot be read: nobody could tell which snapshot is to stay.
    pub async fn read(repository: &Repository) -> Result<Self, Error> {
        let (holds, unreadable) = Self::readable(repository).await?;
        match unreadable.into_iter().next() {
            Some((_, error)) => Err(error),
            None => Ok(holds),
        }
    }

    /// Reads those that can be read, for whoever only shows them; and names the others.
    pub async fn readable(repository: &Repository) -> Result<(Self, Vec<(HoldId, Error)>), Error> {
        let ids = futures::stream::iter(repository.holds().await?);
        let mut reading = ids.map(async |id| (id, read(repository, id).await)).buffered(AT_ONCE).boxed();
        let (mut holds, mut unreadable) = (Vec::new(), Vec::new());
        while let Some((id, outcome)) = reading.next().await {
            match outcome {
                Ok(hold) => holds.push((id, hold)),
                // Somebody released it since it was listed.
                Err(Error::Repository(error)) if error.kind() == RepositoryKind::NotFound => {}
                Err(error) if error.is_of_one_object() => unreadable.push((id, error)),
                Err(error) => return Err(error),
            }
        }
        holds.sort_by_key(|(id, hold)| (hold.time, *id));
        Ok((Self(holds), unreadable))
    }

    /// What is said of a snapshot.
    fn of(&self, snapshot: SnapshotId) -> impl Iterator<Item = &(HoldId, Hold)> {
        self.0.iter().filter(move |(_, hold)| hold.snapshot == snapshot)
    }

    /// The holds on a snapshot that have not ended.
    pub fn on(&self, snapshot: SnapshotId, now: Timestamp) -> Vec<Hold> {
        let has_not_ended = |hold: &&Hold| hold.until.is_none_or(|until| now < until);
        let holds = self.of(snapshot).map(|(_, hold)| hold).filter(|hold| hold.kind == HoldKind::Hold);
        holds.filter(has_not_ended).cloned().collect()
    }

    /// Whether somebody has looked at a suspicious snapshot.
    pub fn is_looked_at(&self, snapshot: SnapshotId) -> bool {
        self.of(snapshot).any(|(_, hold)| hold.kind == HoldKind::LookedAt)
    }

    /// The same for a decision about what is kept.
    pub(crate) fn marks(self) -> Marks {
        let mut marks = Marks { holds: BTreeMap::new(), ..Marks::default() };
        for (_, hold) in self.0 {
            match hold.kind {
                HoldKind::LookedAt => drop(marks.cleared.insert(hold.snapshot)),
                HoldKind::Hold => {
                    let held = Held { until: hold.until, reason: hold.reason };
                    marks.holds.entry(hold.snapshot).or_default().push(held);
                }
            }
        }
        marks
    }

    /// Says of the copy of a snapshot in another repository what is said of the snapshot and has not ended, if it is not said
    /// there. `there` are the holds of the other repository.
    pub(crate) async fn copy_of(
        &self,
        snapshot: SnapshotId,
        there: &Holds,
        copy: SnapshotId,
        repository: &Repository,
        now: Timestamp,
    ) -> Result<(), Error> {
        for (_, hold) in self.of(snapshot).filter(|(_, hold)| hold.until.is_none_or(|until| now < until)) {
            let is_there = |(_, other): &&(HoldId, Hold)| match hold.kind {
                HoldKind::LookedAt => other.kind == hold.kind,
                HoldKind::Hold => {
                    (other.kind, other.time, other.until) == (hold.kind, hold.time, hold.until)
                        && other.reason == hold.reason
                }
            };
            if there.of(copy).find(is_there).is_none() {
                store_in(repository, &Hold { snapshot: copy, ..hold.clone() }).await?;
            }
        }
        Ok(())
    }

    /// Deletes all that is said of a snapshot.
    pub(crate) async fn delete_of(&self, repository: &Repository, snapshot: SnapshotId) -> Result<(), Error> {
        for (id, _) in self.of(snapshot) {
            repository.delete_hold(id).await?;
        }
        Ok(())
    }
}

async fn read(repository: &Repository, id: HoldId) -> Result<Hold, Error> {
    #[derive(Deserialize)]
    struct Versioned {
        version: u32,
    }
    let json = repository.read_hold(&id).await?;
    let damaged = |_| Error::content(format!("hold {id}"))(FormatError::Malformed("the hold"));
    let Versioned { version } = serde_json::from_slice(&json).map_err(damaged)?;
    if version > HOLD_VERSION {
        let newer = FormatError::NewerVersion { what: "the hold", found: version, supported: HOLD_VERSION };
        return Err(Error::content(format!("hold {id}"))(newer));
    }
    serde_json::from_slice(&json).map_err(damaged)
}

async fn store(workspace: &Workspace, hold: &Hold) -> Result<(), Error> {
    store_in(workspace.repository().await?, hold).await
}

async fn store_in(repository: &Repository, hold: &Hold) -> Result<(), Error> {
    let json = serde_json::to_vec(hold).expect("a hold has no map with keys that are not text");
    repository.store_hold(&json).await?;
    Ok(())
}

/// Which snapshot is to be held, how long and why.
///
/// ```no_run
/// use rowkeep::jobs::holds::HoldRequest;
/// # async fn example(workspace: &rowkeep::jobs::workspace::Workspace) -> Result<(), rowkeep::Error> {
/// let request = HoldRequest { snapshot: "9f2c41aa".to_owned(), until: None, reason: Some("audit".to_owned()) };
/// request.run(&rowkeep::Context::silent(), workspace).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldRequest {
    /// The snapshot: an id or its beginning, a name, `latest`, `latest:DATABASE` or `DATABASE@TIME`.
    pub snapshot: String,
    /// When the hold ends by itself: a time, or a length of time from now.
    #[serde(default)]
    pub until: Option<String>,
    /// Why it is held.
    #[serde(default)]
    pub reason: Option<String>,
}

/// What was said of a snapshot, or is no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldOutcome {
    /// The snapshot.
    pub snapshot: SnapshotId,
    /// The hold that was made, or those that were released.
    pub holds: Vec<Hold>,
    /// Whether it is suspicious and counts as looked at from now on.
    pub looked_at: bool,
}

impl HoldOutcome {
    /// How it ended.
    pub fn verdict(&self) -> Verdict {
        Verdict::Done
    }
}

impl HoldRequest {
    /// Holds the snapshot: no rule lets it go, and it is not deleted before it is released.
    pub async fn run(&self, context: &Context, workspace: &Workspace) -> Result<HoldOutcome, Error> {
        workspace.refuse_several()?;
        let now = context.now();
        let snapshot = workspace.snapshot_id(context, &self.snapshot).await?;
        let until = match &self.until {
            None => None,
            Some(text) => Some(self.end(text, workspace, snapshot, now).await?),
        };
        let reason = self.reason.clone().filter(|reason| !reason.trim().is_empty());
        let program = workspace.program().to_owned();
        let hold =
            Hold { version: HOLD_VERSION, kind: HoldKind::Hold, snapshot, time: now, until, reason, program };
        store(workspace, &hold).await?;
        Ok(HoldOutcome { snapshot, holds: vec![hold], looked_at: false })
    }

    async fn end(
        &self,
        text: &str,
        workspace: &Workspace,
        snapshot: SnapshotId,
        now: Timestamp,
    ) -> Result<Timestamp, Error> {
        let catalog = workspace.repository().await?.catalog().await?;
        let database = catalog.get(&snapshot).map(|summary| summary.database.clone()).unwrap_or_default();
        let zone = workspace.config().zone(&database);
        let no_time = |problem: String| RequestError::NoTime { text: text.to_owned(), problem };
        let written = || "write 2027-01-31, \"2027-01-31 12:00\" or 90d".to_owned();
        let end = match moment(text, &zone, now) {
            Ok(end) => Some(end),
            Err(NoMoment::Wrong(problem)) => return Err(no_time(problem).into()),
            Err(NoMoment::Other) => Length::parse(text).map_err(|_| no_time(written()))?.after(now, &zone),
        };
        match end {
            Some(end) if end > now => Ok(Timestamp::from_second(end.as_second()).unwrap_or(end)),
            Some(_) => Err(no_time("a hold ends in time to come".to_owned()).into()),
            None => Err(no_time("leave out --until to hold it for ever".to_owned()).into()),
        }
    }
}

/// Which snapshot is to be released.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseRequest {
    /// The snapshot: an id or its beginning, a name, `latest`, `latest:DATABASE` or `DATABASE@TIME`.
    pub snapshot: String,
}

impl ReleaseRequest {
    /// Ends all holds on the snapshot. A suspicious one counts as looked at from then on, so that neither it nor the one before
    /// it is kept for that.
    pub async fn run(&self, context: &Context, workspace: &Workspace) -> Result<HoldOutcome, Error> {
        workspace.refuse_several()?;
        let repository = workspace.repository().await?;
        let snapshot = workspace.snapshot_id(context, &self.snapshot).await?;
        let holds = Holds::read(repository).await?;
        let catalog = repository.catalog().await?;
        let is_suspicious = catalog.get(&snapshot).is_some_and(|summary| summary.suspicious_after.is_some());
        let looked_at = is_suspicious && !holds.is_looked_at(snapshot);
        let held: Vec<&(HoldId, Hold)> =
            holds.of(snapshot).filter(|(_, hold)| hold.kind == HoldKind::Hold).collect();
        if held.is_empty() && !looked_at {
            return Err(RequestError::NotHeld { snapshot: short_id(snapshot) }.into());
        }
        if looked_at {
            let looked = Hold {
                version: HOLD_VERSION,
                kind: HoldKind::LookedAt,
                snapshot,
                time: context.now(),
                until: None,
                reason: None,
                program: workspace.program().to_owned(),
            };
            store(workspace, &looked).await?;
        }
        for (id, _) in &held {
            repository.delete_hold(id).await?;
        }
        let holds = held.into_iter().map(|(_, hold)| hold.clone()).collect();
        Ok(HoldOutcome { snapshot, holds, looked_at })
    }
}
