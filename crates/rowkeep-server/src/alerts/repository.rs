//! What is wrong with the repository.

use std::path::Path;

use rowkeep::config::Work;
use rowkeep::config::channels::AlertKind;
use rowkeep::jobs::workspace::Workspace;
use rowkeep::repository::Repository;
use serde_json::Value;

use super::condition::{Finding, Wrong};
use super::database::why;
use super::message::Severity;
use super::patience::within_patience;
use super::state_trouble::OBJECT;
use crate::Error;
use crate::health::{last_works, works};
use crate::queue::Queue;
use crate::state::State;
use crate::state::jobs::{Job, JobState};

/// From so many percent on, little room is left.
const FULL_PERCENT: u64 = 80;

/// What an alert about `capacity` is about.
const CAPACITY: &str = "capacity of the repository";

/// So many things that are damaged are told.
const TOLD: usize = 5;

/// What the jobs for the repository found.
pub(super) async fn findings(queue: &Queue) -> Result<Vec<Finding>, Error> {
    let mut findings = Vec::new();
    for last in last_works(queue).await? {
        let Some(job) = last.job else { continue };
        let (work, repository) = (last.work, last.repository.as_deref());
        let is_failed = job.state == JobState::Failed;
        let failed = is_failed.then(|| (Severity::Warning, why(&job)));
        findings.push(Finding::of(AlertKind::MaintenanceFailed, object_of(work, repository), failed));
        // One that failed found out nothing.
        if work == Work::Check && !is_failed {
            let wrong = (job.state == JobState::Differences).then(|| (Severity::Critical, damage(&job)));
            findings.push(Finding::of(AlertKind::Damage, called(repository), wrong));
        }
    }
    Ok(findings)
}

/// What a repository is called in alerts: by its name if it is one of several.
fn called(repository: Option<&str>) -> String {
    repository.map_or_else(|| "repository".to_owned(), |name| format!("repository {name}"))
}

/// What an alert about work is about.
fn object_of(work: Work, repository: Option<&str>) -> String {
    match repository {
        None => format!("{} of the repository", work.name()),
        Some(name) => format!("{} of repository {name}", work.name()),
    }
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
    let places = places(&queue.workspace(), queue.state());
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

/// The folders of repositories and that of the state, and what an alert about each is about.
fn places(workspace: &Workspace, state: &State) -> Vec<(String, String)> {
    let all = match workspace.repositories() {
        [] => vec![(called(None), workspace.location().to_owned())],
        several => several
            .iter()
            .map(|repository| (called(Some(&repository.name)), repository.location.clone()))
            .collect(),
    };
    let mut all: Vec<_> =
        all.into_iter().filter(|(_, place)| !place.is_empty() && !place.contains("://")).collect();
    let folder =
        state.folder().map(|folder| if folder.as_os_str().is_empty() { Path::new(".") } else { folder });
    all.extend(folder.map(|folder| (OBJECT.to_owned(), folder.to_string_lossy().into_owned())));
    all
}

/// Whether anything still finds out whether an alert that is about no database is over.
pub(super) fn is_looked_at(workspace: &Workspace, state: &State, kind: AlertKind, object: &str) -> bool {
    match kind {
        AlertKind::Storage if object == CAPACITY => workspace.config().capacity.is_some(),
        AlertKind::Storage => places(workspace, state).iter().any(|(known, _)| known == object),
        AlertKind::MaintenanceFailed => works(workspace)
            .iter()
            .any(|(work, repository)| object == object_of(*work, repository.as_deref())),
        AlertKind::Damage => {
            let checked = works(workspace).into_iter().filter(|(work, _)| *work == Work::Check);
            checked.into_iter().any(|(_, repository)| object == called(repository.as_deref()))
        }
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
