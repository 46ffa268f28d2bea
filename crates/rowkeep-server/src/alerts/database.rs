//! What is wrong with a database.

use jiff::{SignedDuration, Timestamp};
use rowkeep::config::Work;
use rowkeep::config::channels::AlertKind;
use rowkeep::jobs::health::{devices, told_of_devices};
use rowkeep::jobs::holds::Holds;
use rowkeep::repository::Repository;
use serde_json::Value;

use super::condition::{Finding, Wrong};
use super::message::Severity;
use super::patience::within_patience;
use super::promise::{Backups, Pending};
use crate::Error;
use crate::health::{kind_of_backups, recovery_ms};
use crate::queue::Queue;
use crate::scheduler;
use crate::state::failure;
use crate::state::jobs::{self, Job, JobState};
use crate::state::marks;
use crate::state::transaction::Transaction;

/// Suspicious snapshots are looked for among so many of the newest.
const RECENT: usize = 100;

/// Of what a drill found, so much is told.
const TOLD: usize = 5;

/// Finds out what is wrong with a database, as far as that is known.
pub(super) async fn findings(
    queue: &Queue,
    repository: Option<&Repository>,
    name: &str,
) -> Result<Vec<Finding>, Error> {
    let workspace = queue.workspace();
    let (config, now, of) = (workspace.config(), queue.now(), name.to_owned());
    // In this order: what is asked for meanwhile is known, and what is made meanwhile is in the catalog.
    let is_being_asked_for = scheduler::is_due(queue, Work::Backup, name).await?;
    let backups = kind_of_backups(config, name);
    let known = queue.state().transaction(move |state| Known::read(state, &of, backups)).await?;
    let mut findings = Vec::new();
    let arrives = config.has_arriving(name);
    let about = |kind, wrong| Finding { arrives, ..Finding::of_database(kind, name, wrong) };
    let catalog = match repository {
        Some(repository) => within_patience(repository.catalog()).await.and_then(Result::ok),
        None => None,
    };
    let newest = catalog.as_ref().map(|catalog| catalog.newest(Some(name)).map(|summary| summary.time));
    if let Some(newest) = newest {
        let promise = config.databases.get(name).and_then(|database| database.promise);
        let devices = catalog.iter().flat_map(|catalog| devices(catalog, name, promise, now, |_| true));
        let backups = Backups {
            newest,
            begun: known.begun.filter(|_| known.backup.is_none() && known.pending.is_none()),
            lose_seconds: promise.map(|promise| promise.lose_seconds),
            longest: known.longest,
            pending: known.pending.as_ref().map(|job| Pending {
                created: job.created,
                scheduled: job.scheduled,
                begins: job.started.filter(|_| job.state == JobState::Running).unwrap_or(job.due),
            }),
            next: next_backup(queue, name, now),
            is_being_asked_for,
            arrives,
            devices: told_of_devices(&devices.collect::<Vec<_>>(), promise),
        };
        findings.extend(backups.overdue(now).map(|wrong| about(AlertKind::Overdue, wrong)));
        findings.extend(backups.at_risk(now).map(|wrong| about(AlertKind::AtRisk, wrong)));
    }
    findings.push(about(
        AlertKind::BackupFailed,
        known.backup.as_ref().and_then(|job| failed(job, newest.flatten())),
    ));
    let limit = config.databases.get(name).and_then(|database| database.objectives.recovery_seconds);
    let (drill_failed, drill_slow) = known.drill.as_ref().map_or((None, None), |job| drill(job, limit));
    findings.push(about(AlertKind::DrillFailed, drill_failed));
    findings.push(about(AlertKind::DrillSlow, drill_slow));
    if let (Some(repository), Some(catalog)) = (repository, &catalog) {
        let recent = catalog.of(Some(name)).rev().take(RECENT);
        let suspicious: Vec<_> = recent.filter(|summary| summary.suspicious_after.is_some()).collect();
        let holds = match suspicious.is_empty() {
            true => Some(Holds::default()),
            false => within_patience(Holds::readable(repository))
                .await
                .and_then(Result::ok)
                .map(|(holds, _)| holds),
        };
        if let Some(holds) = holds {
            let newest = suspicious.into_iter().find(|summary| !holds.is_looked_at(summary.id));
            let wrong = newest.map(|summary| {
                let id = summary.id.to_string();
                let words = format!(
                    "snapshot {} of {:.0} lacks so much of what the one before had that somebody should look at it; both are kept until it is released",
                    &id[..8],
                    summary.time
                );
                (Severity::Critical, words)
            });
            findings.push(about(AlertKind::Suspicious, wrong));
        }
    }
    Ok(findings)
}

/// What the state knows of a database.
struct Known {
    backup: Option<Job>,
    drill: Option<Job>,
    pending: Option<Job>,
    longest: Option<SignedDuration>,
    /// Until when the schedule of its backups was looked at.
    begun: Option<Timestamp>,
}

impl Known {
    fn read(state: &Transaction<'_>, name: &str, backups: &str) -> failure::Result<Self> {
        let last = |kind: &str| {
            let telling = [JobState::Done, JobState::Differences, JobState::Failed];
            jobs::last_of(state, kind, Some(name), &telling)
        };
        Ok(Self {
            backup: last(backups)?,
            drill: last(Work::Drill.name())?,
            pending: jobs::pending(state, backups, name)?,
            longest: jobs::longest(state, backups, name)?.map(SignedDuration::from_micros),
            begun: marks::of(state, Work::Backup.name(), name)?,
        })
    }
}

fn next_backup(queue: &Queue, name: &str, now: Timestamp) -> Option<Timestamp> {
    let workspace = queue.workspace();
    let config = workspace.config();
    let timetable = config.timetable();
    let backups = timetable
        .iter()
        .find(|scheduled| scheduled.work == Work::Backup && scheduled.database.as_deref() == Some(name))?;
    config.next(backups, now)
}

/// Why a backup failed, unless a newer snapshot was made since, by whomever.
fn failed(job: &Job, newest: Option<Timestamp>) -> Wrong {
    let is_made_good = newest.zip(job.ended).is_some_and(|(newest, ended)| newest > ended);
    if job.state != JobState::Failed || is_made_good {
        return None;
    }
    Some((Severity::Warning, why(job)))
}

/// Why a job failed.
pub(super) fn why(job: &Job) -> String {
    let outcome = job.outcome.as_deref().and_then(|text| serde_json::from_str::<Value>(text).ok());
    let of = |list: &str, what: &str, field: &str| {
        let list = outcome.as_ref().and_then(|outcome| outcome.pointer(list)?.as_array().cloned());
        let each = list.unwrap_or_default().into_iter().filter_map(|entry| match entry.as_str() {
            Some(text) => Some(text.to_owned()),
            None => Some(format!("{what}{}: {}", entry[field].as_str()?, entry["error"].as_str()?)),
        });
        each.collect::<Vec<_>>()
    };
    let mut told: Vec<String> = job.error.iter().cloned().collect();
    told.extend(of("/outcome/failed", "", "database"));
    told.extend(of("/outcome/behind", "repository ", "repository"));
    told.extend(of("/outcome/hooks_failed", "", ""));
    let words = match told.is_empty() {
        true => format!("it ended as {}", job.state.name()),
        false => told.join("\n"),
    };
    match job.attempt {
        0 | 1 => words,
        attempts => format!("after {attempts} attempts: {words}"),
    }
}

/// What is wrong with a drill: that it failed, and that it was too slow.
fn drill(job: &Job, limit: Option<u64>) -> (Wrong, Wrong) {
    let outcome = job.outcome.as_deref().and_then(|text| serde_json::from_str::<Value>(text).ok());
    let measured = recovery_ms(job).map(|ms| ms.div_ceil(1_000));
    let slow = measured.zip(limit).filter(|(measured, limit)| measured > limit).map(|(measured, limit)| {
        let words = |seconds: u64| rowkeep::age(i64::try_from(seconds).unwrap_or(i64::MAX));
        (
            Severity::Warning,
            format!("the last drill took {}, and {} is allowed", words(measured), words(limit)),
        )
    });
    if job.state == JobState::Done {
        return (None, slow);
    }
    let findings = outcome.iter().filter_map(|outcome| outcome.pointer("/outcome/reports")?.as_array());
    let findings = findings.flatten().filter_map(|report| report["sections"].as_array()).flatten();
    let findings = findings.filter_map(|section| section["findings"].as_array()).flatten();
    let failed: Vec<String> = findings
        .filter(|finding| finding["status"] == "failed")
        .filter_map(|finding| Some((finding["title"].as_str()?, finding["detail"].as_str()?)))
        // That is told as slow.
        .filter(|(title, _)| slow.is_none() || !title.starts_with("recovery time within "))
        .map(|(title, detail)| format!("{title}: {detail}"))
        .take(TOLD)
        .collect();
    let is_slow_alone = failed.is_empty() && job.error.is_none() && slow.is_some();
    let words = if failed.is_empty() { why(job) } else { failed.join("\n") };
    ((!is_slow_alone).then_some((Severity::Warning, words)), slow)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn job(state: JobState, error: Option<&str>, outcome: Value) -> Job {
        let time = Timestamp::UNIX_EPOCH;
        Job {
            number: 1,
            id: "1".to_owned(),
            kind: "drill".to_owned(),
            database: Some("shop".to_owned()),
            request: String::new(),
            state,
            asked_by: "schedule".to_owned(),
            scheduled: None,
            created: time,
            due: time,
            started: Some(time),
            ended: Some(time),
            attempt: 1,
            failures: 0,
            outcome: Some(json!({ "outcome": outcome }).to_string()),
            error: error.map(str::to_owned),
        }
    }

    #[test]
    fn a_drill_that_is_only_slow_did_not_fail() {
        let report = |title: &str, ms: u64| {
            let finding = json!({ "title": title, "status": "failed", "detail": "why" });
            json!({ "reports": [{ "measures": { "recovery_ms": ms }, "sections": [{ "findings": [finding] }] }] })
        };
        let told = |job: &Job| {
            let (failed, slow) = drill(job, Some(60));
            (failed.map(|(_, words)| words), slow.map(|(_, words)| words))
        };
        let slow = "the last drill took 2 min, and 1 min is allowed".to_owned();
        let differs = |title, ms| job(JobState::Differences, None, report(title, ms));
        assert_eq!(told(&differs("recovery time within 1 min", 120_000)), (None, Some(slow.clone())));
        assert_eq!(told(&differs("equal", 120_000)), (Some("equal: why".to_owned()), Some(slow)));
        assert_eq!(told(&differs("equal", 1_000)), (Some("equal: why".to_owned()), None));
        assert_eq!(told(&job(JobState::Failed, Some("no"), json!({}))), (Some("no".to_owned()), None));
        assert_eq!(told(&job(JobState::Done, None, report("x", 1_000))), (None, None));
    }

    #[test]
    fn a_backup_says_what_of_it_failed() {
        let outcome = json!({ "failed": [{ "database": "a", "error": "b" }], "behind": [{ "repository": "c", "error": "d" }],
            "hooks_failed": ["e"] });
        assert_eq!(why(&job(JobState::Failed, None, outcome)), "a: b\nrepository c: d\ne");
        let again = Job { attempt: 5, ..job(JobState::Failed, Some("no"), json!({})) };
        assert_eq!(why(&again), "after 5 attempts: no");
        let newer = "2026-11-29T12:00:00Z".parse().ok();
        assert!(failed(&again, None).is_some() && failed(&again, newer).is_none());
    }
}
