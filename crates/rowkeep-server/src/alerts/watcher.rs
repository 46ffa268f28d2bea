//! Looks again and again for what is wrong.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rowkeep::config::Work;
use rowkeep::config::channels::AlertKind;
use rowkeep::jobs::workspace::Workspace;
use tokio_util::sync::CancellationToken;

use super::attempts::Attempts;
use super::condition::{Finding, object_of};
use super::message::Severity;
use super::outbox::Outbox;
use super::parcel::ping_name;
use super::patience::within_patience;
use super::settle::{clear_unknown, settle};
use super::state_trouble::{self, FullDisk};
use super::{database, jobs, kit, report, repository, summary};
use crate::Error;
use crate::queue::{Queue, tell};
use crate::state::channels::ChannelState;
use crate::state::incidents::Incident;
use crate::state::transaction::Transaction;
use crate::state::{channels, deliveries};

/// How often it is looked, beside when a job begins or ends.
const LOOK: Duration = Duration::from_secs(1);

/// Databases are looked at in turn, so many each time.
const IN_TURN: usize = 10;

/// When a job began or ended, and else so often, all of them have their turn: looking into a store costs requests.
const TURN: SignedDuration = SignedDuration::from_mins(1);

/// How often it is looked how much room is left, and what can be forgotten: counting what a store holds takes many requests.
const ROOM: SignedDuration = SignedDuration::from_mins(10);

/// For so long it is kept what was sent.
const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

/// A channel fails when it failed so often in a row.
const FAILURES: u32 = 3;

/// Looks for what is wrong, until that is to stop.
pub(crate) async fn run(queue: &Queue, attempts: &Attempts, outbox: &Outbox, stop: &CancellationToken) {
    let mut watcher = Watcher { queue, attempts, turn: 0, left: 0, turn_began: None, room_looked: None };
    let (mut has_changed, mut full_disk) = (true, FullDisk::default());
    while !stop.is_cancelled() {
        if let Err(error) = watcher.look(has_changed).await {
            tell(&error);
        }
        full_disk.look(queue);
        outbox.wake();
        has_changed = tokio::select! {
            () = stop.cancelled() => false,
            () = queue.changed() => true,
            () = tokio::time::sleep(LOOK) => false,
        };
    }
    full_disk.end().await;
}

struct Watcher<'a> {
    queue: &'a Queue,
    attempts: &'a Attempts,
    /// The database whose turn it is.
    turn: usize,
    /// How many have not had theirs.
    left: usize,
    /// When that began.
    turn_began: Option<Timestamp>,
    /// When it was looked how much room is left.
    room_looked: Option<Timestamp>,
}

impl Watcher<'_> {
    /// Forgets what is about something that is no longer configured, and what is long over.
    async fn tidy(&self) -> Result<(), Error> {
        let (workspace, now) = (self.queue.workspace(), self.queue.now());
        let of = self.queue.state().clone();
        let tidy = move |state: &Transaction<'_>| {
            let config = workspace.config();
            let mut known: Vec<String> = config.channels.iter().map(|channel| channel.name.clone()).collect();
            for (name, database) in &config.databases {
                let pinged = [Work::Backup, Work::Drill].into_iter();
                known.extend(
                    pinged
                        .filter(|work| database.pings.of(*work).is_some())
                        .map(|work| ping_name(work, name)),
                );
            }
            let known: Vec<&str> = known.iter().map(String::as_str).collect();
            deliveries::tidy(state, &known, now, KEPT)?;
            let is_known = |kind: AlertKind, open: &Incident| match (kind, &open.database) {
                (AlertKind::ChannelFailed, _) => known.iter().any(|name| object_of(name) == open.object),
                (_, Some(database)) => config.databases.contains_key(database),
                (kind, None) => repository::is_looked_at(&workspace, &of, kind, &open.object),
            };
            clear_unknown(state, &config.channels, is_known, now)
        };
        self.queue.state().transaction(tidy).await
    }

    /// Looks once. The work is bounded however many databases there are.
    async fn look(&mut self, has_changed: bool) -> Result<(), Error> {
        let (workspace, now) = (self.queue.workspace(), self.queue.now());
        let tell = move |state: &Transaction<'_>| jobs::tell(state, workspace.config(), now);
        let heard = self.queue.state().transaction(tell).await?;
        let current = self.queue.workspace();
        let names: Vec<&String> = current.config().databases.keys().collect();
        let mut findings = Vec::new();
        if has_changed || self.turn_began.is_none_or(|began| now.duration_since(began).abs() >= TURN) {
            (self.turn_began, self.left) = (Some(now), names.len());
            findings.extend(repository::findings(self.queue).await?);
        }
        let count = self.left.min(IN_TURN);
        let mut databases: BTreeSet<&String> =
            names.iter().cycle().skip(self.turn).take(count).copied().collect();
        self.turn = (self.turn + count) % names.len().max(1);
        self.left -= count;
        // Of what was just heard, nobody waits for the turn.
        databases.extend(names.iter().filter(|name| heard.iter().flatten().any(|heard| heard == **name)));
        let usable = if databases.is_empty() { None } else { self.usable().await };
        let repository = match &usable {
            Some(workspace) => workspace.repository().await.ok(),
            None => None,
        };
        for name in databases {
            findings.extend(database::findings(self.queue, repository, name).await?);
        }
        let is_room_due = self.room_looked.is_none_or(|looked| now.duration_since(looked).abs() >= ROOM);
        if is_room_due {
            self.room_looked = Some(now);
            self.tidy().await?;
            let usable = self.usable().await;
            let repository = match &usable {
                Some(workspace) => workspace.repository().await.ok(),
                None => None,
            };
            findings.extend(repository::storage(self.queue, repository).await);
            findings.extend(kit::finding(repository, now).await);
        }
        findings.extend(self.attempts.finding(now));
        findings.extend(state_trouble::finding(self.queue));
        findings.extend(self.channels().await?);
        let seed = self.queue.random::<16>()?;
        let workspace = self.queue.workspace();
        let note =
            move |state: &Transaction<'_>| settle(state, &workspace.config().channels, &findings, &seed, now);
        self.queue.state().transaction(note).await?;
        summary::write(self.queue).await?;
        report::write(self.queue).await
    }

    /// The workspace, if its repository can be used.
    async fn usable(&self) -> Option<Arc<Workspace>> {
        within_patience(self.queue.usable()).await.and_then(Result::ok)
    }

    /// Which channels fail.
    async fn channels(&self) -> Result<Vec<Finding>, Error> {
        let all = self.queue.state().transaction(channels::all).await?;
        Ok(all.into_iter().map(|(name, state)| channel(&name, &state)).collect())
    }
}

fn channel(name: &str, state: &ChannelState) -> Finding {
    let wrong = (state.failures >= FAILURES).then(|| {
        let error = state.error.as_deref().unwrap_or("nobody knows why");
        (Severity::Warning, format!("what is sent there does not arrive: {error}"))
    });
    Finding::of(AlertKind::ChannelFailed, object_of(name), wrong)
}
