//! The report of a period, made of what the state and the repository know.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use rowkeep::config::Work;
use rowkeep::format::Summary;
use rowkeep::format::manifest::Scope;
use rowkeep::repository::Catalog;
use rowkeep::state::devices::{device, named};
use serde::Serialize;
use utoipa::ToSchema;

use super::alerts::AlertEntry;
use super::database::{DatabaseReport, Verdict};
use super::facts::{Facts, good};
use super::gaps::{Stretch, not_running};
use super::period::Period;
use crate::Error;
use crate::health::{drilled_devices, recovery_ms};
use crate::queue::Queue;
use crate::state::failure;
use crate::state::incidents::{self, Incident};
use crate::state::jobs::{self, JobState};
use crate::state::period::{databases_between, ended_between, last_done_before};
use crate::state::transaction::Transaction;
use crate::state::{audit, runs, storage};

/// So many alerts are told at most.
const ALERTS: u32 = 2_000;

/// What became of a period.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Report {
    /// In one sentence: `11 of 12 databases kept their promise in October 2026`.
    pub(crate) summary: String,
    #[schema(value_type = String, format = DateTime)]
    pub(crate) from: Timestamp,
    /// Until when: the end of the period, or now where that is yet to come.
    #[schema(value_type = String, format = DateTime)]
    pub(crate) to: Timestamp,
    /// How many databases it is about.
    pub(crate) count: u64,
    /// How many of them are known to have kept what was promised.
    pub(crate) kept: u64,
    /// Of how many nobody knows.
    pub(crate) unknown: u64,
    /// Since when the state of the service knows something; missing where that is nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) known_since: Option<Timestamp>,
    /// When the service did not run, as far as the state knows something.
    pub(crate) not_running: Vec<Stretch>,
    /// Why the repository could not be looked at, so that only what jobs made is counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) repository_problem: Option<String>,
    pub(crate) databases: Vec<DatabaseReport>,
    /// What is about no single database, for those who may see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) shared: Option<Shared>,
}

/// What is about no single database.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Shared {
    /// Checks of repositories that found everything in order.
    pub(crate) checks_done: u64,
    /// Checks that found damage.
    pub(crate) checks_damaged: u64,
    /// Checks that failed.
    pub(crate) checks_failed: u64,
    /// When the last check ended; missing where none was run.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) last_check: Option<Timestamp>,
    pub(crate) alerts: Vec<AlertEntry>,
    /// What the repository held at the beginning, or when it was measured first.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) storage_then: Option<Measured>,
    /// What it held at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) storage_now: Option<Measured>,
    /// Entries of the audit that were made.
    pub(crate) audit_entries: u64,
    /// The number of the last entry at the end, which is how many there are by then.
    pub(crate) audit_head: i64,
    /// Its hash, in hexadecimal, which holds all entries before it fast.
    pub(crate) audit_hash: String,
}

/// How much the repository held, and when that was measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Measured {
    #[schema(value_type = String, format = DateTime)]
    pub(crate) time: Timestamp,
    pub(crate) bytes: u64,
}

/// In one sentence, how a period went.
fn sentence(databases: &[DatabaseReport], period: &str) -> String {
    let count = databases.len();
    let with = |verdict: Verdict| databases.iter().filter(|one| one.verdict == verdict).count();
    let (kept, unknown) = (with(Verdict::Kept), with(Verdict::Unknown));
    let all_promised = databases.iter().all(|one| one.lose_seconds.is_some());
    let what = match (count, all_promised) {
        (0, _) => return format!("no database was configured in {period}"),
        (1, true) => "database kept its promise",
        (_, true) => "databases kept their promise",
        (1, false) => "database was protected as it should be",
        (_, false) => "databases were protected as they should be",
    };
    let but = match unknown {
        0 => String::new(),
        1 => "; of 1 it is not known".to_owned(),
        more => format!("; of {more} it is not known"),
    };
    format!("{kept} of {count} {what} in {period}{but}")
}

/// What the state knows.
struct Known {
    since: Option<Timestamp>,
    runs: Vec<(Timestamp, Timestamp)>,
    facts: Vec<(String, Facts)>,
    shared: Shared,
}

/// Makes the report of a period about the databases that are meant; with what is of none of them, where that is wanted.
pub(crate) async fn report(
    queue: &Queue,
    period: &Period,
    is_meant: impl Fn(&str) -> bool,
    with_shared: bool,
) -> Result<Report, Error> {
    let workspace = queue.workspace();
    let (from, to) = (period.from, period.to.min(queue.now()));
    let timetable = workspace.config().timetable();
    let backups = |name: &str| {
        let of =
            timetable.iter().find(|one| one.work == Work::Backup && one.database.as_deref() == Some(name))?;
        let gap = of.schedule.longest_gap(from, &workspace.config().zone_of(of));
        Some((of.schedule.to_string(), gap))
    };
    let configured = workspace.config().databases.iter().filter(|(name, _)| is_meant(name));
    let configured = configured.map(|(name, database)| {
        let (promise, schedule) = (database.promise, backups(name));
        (name.clone(), Facts { is_configured: true, promise, schedule, ..Facts::default() })
    });
    let configured: Vec<(String, Facts)> = configured.collect();
    let known = queue.state().transaction(move |state| Known::read(state, configured, from, to)).await?;
    let catalog = queue.catalog().await;
    let begins = known.since.unwrap_or(to);
    let meant = known.facts.into_iter().filter(|(name, _)| is_meant(name));
    let databases = meant.map(|(name, mut facts)| {
        if let Ok(catalog) = &catalog {
            // What holds only some of it, or masked, brings nothing back; safety snapshots hold what was to be replaced.
            let whole = |summary: &&Arc<Summary>| {
                summary.scope == Scope::Full && !summary.masked && !summary.is_aside()
            };
            facts.undrilled = undrilled(catalog, &name, to, &facts.drilled);
            facts.snapshots = catalog.of(Some(&name)).filter(whole).map(|summary| good(summary)).collect();
        }
        facts.told(name, from, to, begins)
    });
    let databases: Vec<DatabaseReport> = databases.collect();
    let with = |verdict: Verdict| databases.iter().filter(|one| one.verdict == verdict).count() as u64;
    Ok(Report {
        summary: sentence(&databases, &period.words()),
        from,
        to,
        count: databases.len() as u64,
        kept: with(Verdict::Kept),
        unknown: with(Verdict::Unknown),
        known_since: known.since,
        not_running: not_running(&known.runs, begins.max(from).min(to), to),
        repository_problem: catalog.err().filter(|_| !databases.is_empty()),
        databases,
        shared: with_shared.then_some(known.shared),
    })
}

/// The devices of a database that had states before a moment, of which none is among those that were drilled.
fn undrilled(
    catalog: &Catalog,
    name: &str,
    to: Timestamp,
    drilled: &BTreeSet<Option<String>>,
) -> Vec<String> {
    let before = catalog.of(Some(name)).filter(|summary| !summary.is_aside() && summary.time < to);
    let devices: BTreeSet<Option<&str>> = before.map(|summary| device(&summary.tags)).collect();
    let is_of_several = devices.iter().any(Option::is_some);
    let undrilled = devices.into_iter().filter(|device| !drilled.contains(&device.map(str::to_owned)));
    undrilled.filter(|_| is_of_several).map(|device| named(device).to_owned()).collect()
}

impl Known {
    fn read(
        state: &Transaction<'_>,
        configured: Vec<(String, Facts)>,
        from: Timestamp,
        to: Timestamp,
    ) -> failure::Result<Self> {
        let alerts = incidents::between(state, from, to, ALERTS)?;
        let mut facts = configured;
        for name in databases_between(state, from, to)? {
            if !facts.iter().any(|(known, _)| *known == name) {
                facts.push((name, Facts::default()));
            }
        }
        for (name, facts) in &mut facts {
            facts.read(state, name, from, to, &alerts)?;
        }
        let since = [audit::first_time(state)?, runs::first(state)?].into_iter().flatten().min();
        Ok(Self {
            since,
            runs: runs::between(state, from, to)?,
            facts,
            shared: shared(state, from, to, &alerts)?,
        })
    }
}

impl Facts {
    fn read(
        &mut self,
        state: &Transaction<'_>,
        name: &str,
        from: Timestamp,
        to: Timestamp,
        alerts: &[Incident],
    ) -> failure::Result<()> {
        let backup = Work::Backup.name();
        self.backups = ended_between(state, backup, Some(name), from, to)?;
        self.before = last_done_before(state, backup, name, from)?;
        self.drills = ended_between(state, Work::Drill.name(), Some(name), from, to)?;
        let telling = |job: &&crate::state::period::EndedJob| jobs::TELLING.contains(&job.state);
        if let Some(last) = self.drills.iter().rfind(telling) {
            self.recovery_ms = jobs::by_id(state, &last.id)?.as_ref().and_then(recovery_ms);
        }
        if self.promise.is_some_and(|promise| promise.back_in_seconds.is_some()) {
            self.drilled = drilled_devices(state, name)?;
        }
        let own = alerts.iter().filter(|alert| alert.database.as_deref() == Some(name));
        self.alerts = own.map(AlertEntry::from).collect();
        Ok(())
    }
}

fn shared(
    state: &Transaction<'_>,
    from: Timestamp,
    to: Timestamp,
    alerts: &[Incident],
) -> failure::Result<Shared> {
    let checks = ended_between(state, Work::Check.name(), None, from, to)?;
    let count = |state: JobState| checks.iter().filter(|job| job.state == state).count() as u64;
    let measured = |found: Option<(Timestamp, u64)>| found.map(|(time, bytes)| Measured { time, bytes });
    let then = match storage::last_until(state, from)? {
        None => storage::first_between(state, from, to)?,
        found => found,
    };
    let (audit_head, hash) = audit::head_before(state, to)?.unwrap_or_default();
    Ok(Shared {
        checks_done: count(JobState::Done),
        checks_damaged: count(JobState::Differences),
        checks_failed: count(JobState::Failed),
        last_check: checks.iter().rfind(|job| jobs::TELLING.contains(&job.state)).map(|job| job.ended),
        alerts: alerts.iter().filter(|alert| alert.database.is_none()).map(AlertEntry::from).collect(),
        storage_then: measured(then),
        storage_now: measured(storage::last_until(state, to)?),
        audit_entries: audit::count_between(state, from, to)?,
        audit_head,
        audit_hash: hex::encode(hash),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_sentence_says_it_all() {
        let of = |verdict: Verdict, lose_seconds: Option<u64>| {
            let told = Facts { is_configured: true, ..Facts::default() }.told(
                String::new(),
                Timestamp::UNIX_EPOCH,
                Timestamp::MAX,
                Timestamp::UNIX_EPOCH,
            );
            DatabaseReport { verdict, lose_seconds, ..told }
        };
        let (kept, not) = (of(Verdict::Kept, Some(1)), of(Verdict::NotKept, Some(1)));
        let unknown = of(Verdict::Unknown, None);
        let told = |databases: &[DatabaseReport]| sentence(databases, "October 2026");
        assert_eq!(told(&[]), "no database was configured in October 2026");
        assert_eq!(told(std::slice::from_ref(&kept)), "1 of 1 database kept its promise in October 2026");
        assert_eq!(told(&[kept.clone(), not]), "1 of 2 databases kept their promise in October 2026");
        assert_eq!(
            told(&[kept, unknown]),
            "1 of 2 databases were protected as they should be in October 2026; of 1 it is not known"
        );
    }
}
