//! What is wrong with the repository.

use std::path::Path;

use rowkeep::Config;
use rowkeep::config::Work;
use rowkeep::config::channels::AlertKind;
use rowkeep::repository::Repository;
use serde_json::Value;

use super::condition::{Finding, Wrong};
use super::database::why;
use super::message::Severity;
use super::patience::within_patience;
use crate::Error;
use crate::queue::Queue;
use crate::state::jobs::{self, Job, JobState};

/// From so many percent on, little room is left.
const FULL_PERCENT: u64 = 80;

/// What an alert about `capacity` is about.
const CAPACITY: &str = "capacity of the repository";

/// So many things that are damaged are told.
const TOLD: usize = 5;

/// What the jobs for the repository found.
pub(super) async fn findings(queue: &Queue) -> Result<Vec<Finding>, Error> {
    let has_others = queue.workspace().config().repositories.len() > 1;
    let works = [Work::Check, Work::Prune, Work::Copy].into_iter();
    let works: Vec<Work> = works.filter(|work| *work != Work::Copy || has_others).collect();
    let last = move |state: &rusqlite::Transaction<'_>| {
        let telling = [JobState::Done, JobState::Differences, JobState::Failed];
        works.iter().map(|work| Ok((*work, jobs::last_of(state, work.name(), None, &telling)?))).collect()
    };
    let last: Vec<(Work, Option<Job>)> = queue.state().transaction(last).await?;
    let mut findings = Vec::new();
    for (work, job) in last {
        let Some(job) = job else { continue };
        let is_failed = job.state == JobState::Failed;
        let failed = is_failed.then(|| (Severity::Warning, why(&job)));
        findings.push(Finding::of(AlertKind::MaintenanceFailed, object_of(work), failed));
        // One that failed found out nothing.
        if work == Work::Check && !is_failed {
            let wrong = (job.state == JobState::Differences).then(|| (Severity::Critical, damage(&job)));
            findings.push(Finding::of(AlertKind::Damage, "repository", wrong));
        }
    }
    Ok(findings)
}

/// What an alert about work is about.
fn object_of(work: Work) -> String {
    format!("{} of the repository", work.name())
}

/// What a check found.
fn damage(job: &Job) -> String {
    let outcome = job.outcome.as_deref().and_then(|text| serde_json::from_str::<Value>(text).ok());
    let list = |name: &str| {
        let list =
            outcome.as_ref().and_then(|outcome| outcome.pointer(&format!("/outcome/{name}"))?.as_array());
        list.cloned().unwrap_or_default()
    };
    let (damage, losses) = (list("damage"), list("losses"));
    let mut words = format!(
        "a check found {} and {} that lack something",
        rowkeep::units::counted(damage.len() as u64, "damaged object"),
        rowkeep::units::counted(losses.len() as u64, "snapshot")
    );
    for problem in damage.iter().take(TOLD) {
        if let (Some(object), Some(detail)) = (problem["object"].as_str(), problem["detail"].as_str()) {
            words.push_str(&format!("\n{object}: {detail}"));
        }
    }
    words
}

/// How much of the file systems is used on which repositories are that are folders, and of what may be used.
pub(super) async fn storage(queue: &Queue, repository: Option<&Repository>) -> Vec<Finding> {
    let workspace = queue.workspace();
    let config = workspace.config();
    let mut findings = Vec::new();
    let about = |object: &str, wrong| Finding::of(AlertKind::Storage, object, wrong);
    let places = places(config, queue.workspace().location());
    for (object, place) in places {
        let looked = tokio::task::spawn_blocking(move || used_of(Path::new(&place))).await;
        if let Ok(Some((used, of))) = looked {
            let wrong = little_room(used, of, "of its disk are used");
            findings.push(about(&object, wrong));
        }
    }
    if let (Some(capacity), Some(repository)) = (config.capacity, repository)
        && let Some(Ok(statistics)) = within_patience(repository.statistics()).await
    {
        let wrong = little_room(statistics.stored_bytes(), capacity, "of its capacity are used");
        findings.push(about(CAPACITY, wrong));
    }
    findings
}

/// The folders of repositories, and what an alert about each is about.
fn places(config: &Config, location: &str) -> Vec<(String, String)> {
    let one = ("repository".to_owned(), location.to_owned());
    let several = config
        .repositories
        .iter()
        .map(|repository| (format!("repository {}", repository.name), repository.location.clone()));
    let all = if config.repositories.is_empty() { vec![one] } else { several.collect() };
    all.into_iter().filter(|(_, place)| !place.is_empty() && !place.contains("://")).collect()
}

/// Whether anything still finds out whether an alert that is about no database is over.
pub(super) fn is_looked_at(config: &Config, location: &str, kind: AlertKind, object: &str) -> bool {
    match kind {
        AlertKind::Storage if object == CAPACITY => config.capacity.is_some(),
        AlertKind::Storage => places(config, location).iter().any(|(known, _)| known == object),
        AlertKind::MaintenanceFailed => object != object_of(Work::Copy) || config.repositories.len() > 1,
        _ => true,
    }
}

/// The bytes that are used of the file system of a folder, and all that whoever serves can use of it.
fn used_of(folder: &Path) -> Option<(u64, u64)> {
    let file_system = rustix::fs::statvfs(folder).ok()?;
    let used = file_system.f_blocks.saturating_sub(file_system.f_bfree).saturating_mul(file_system.f_frsize);
    let free = file_system.f_bavail.saturating_mul(file_system.f_frsize);
    (used + free > 0).then_some((used, used + free))
}

fn little_room(used: u64, of: u64, what: &str) -> Wrong {
    let percent = u64::try_from(u128::from(used) * 100 / u128::from(of.max(1))).unwrap_or(u64::MAX);
    (percent >= FULL_PERCENT).then(|| {
        let (used, of) = (rowkeep::units::bytes(used), rowkeep::units::bytes(of));
        (Severity::Warning, format!("{percent} % {what}: {used} of {of}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_room_is_told_from_four_fifths_on() {
        assert!(little_room(799, 1_000, "").is_none());
        let (_, words) = little_room(800, 1_000, "of its disk are used").expect("it is little");
        assert_eq!(words, "80 % of its disk are used: 800 B of 1.0 kB");
        assert!(little_room(u64::MAX, 0, "").is_some());
        assert!(used_of(Path::new("/")).is_some() && used_of(Path::new("/no such folder")).is_none());
    }
}
