//! Schedules become jobs when it is time.

use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rowkeep::config::Work;
use rowkeep::jobs::backup::BackupRequest;
use rowkeep::jobs::copy::CopyRequest;
use rowkeep::jobs::drill::DrillRequest;
use rowkeep::jobs::prune::PruneRequest;
use rowkeep::jobs::refresh::RefreshRequest;
use rowkeep::jobs::repository_check::CheckRequest;
use rowkeep::jobs::request::Request;
use rowkeep::jobs::workspace::Workspace;
use rowkeep::timetable::Scheduled;
use tokio_util::sync::CancellationToken;

use crate::Error;
use crate::queue::{Queue, Wanted, tell};
use crate::state::failure;
use crate::state::jobs::{self, NewJob};
use crate::state::marks;
use crate::state::transaction::Transaction;

/// Who asks for what a schedule wants.
pub(crate) const ASKED_BY: &str = "schedule";

/// How often it is looked at the clock.
const LOOK: Duration = Duration::from_secs(1);

/// What is to be done about one schedule now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Decision {
    /// Nothing.
    Wait,
    /// Nothing, but that it counts from now on: it is new, or the clock was put back.
    Begin,
    /// What it wants, for the last of the times that have come since.
    Do(Timestamp),
}

/// Until `mark` a schedule was looked at; `shift` is how much later than others it runs, so that not all run at once.
fn decide(
    scheduled: &Scheduled,
    zone: &TimeZone,
    mark: Option<Timestamp>,
    shift: SignedDuration,
    now: Timestamp,
) -> Decision {
    let Some(mark) = mark.filter(|mark| *mark <= now) else { return Decision::Begin };
    let Ok(now) = now.checked_sub(shift) else { return Decision::Wait };
    match scheduled.schedule.last_between(mark, now, zone) {
        Some(time) => Decision::Do(time),
        None => Decision::Wait,
    }
}

/// Makes jobs of what the configuration wants, until that is to stop.
pub(crate) async fn run(queue: &Queue, stop: &CancellationToken) {
    let mut workspace = queue.workspace();
    let mut timetable = workspace.config().timetable();
    let mut next: Vec<Option<Timestamp>> = vec![None; timetable.len()];
    let mut last = queue.now();
    while !stop.is_cancelled() {
        let (now, current) = (queue.now(), queue.workspace());
        if !Arc::ptr_eq(&workspace, &current) {
            // The configuration is another.
            workspace = current;
            timetable = workspace.config().timetable();
            next = vec![None; timetable.len()];
        }
        if now < last {
            // The clock was put back.
            next.fill(None);
        }
        last = now;
        for (scheduled, next) in timetable.iter().zip(&mut next) {
            if next.is_some_and(|next| now < next) {
                continue;
            }
            match look(queue, &workspace, scheduled, now).await {
                Ok(then) => *next = then,
                Err(error) => tell(&error),
            }
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

/// Looks whether it is time for one schedule, and if so asks for what it wants, once. Gives the time until which there is nothing to do.
async fn look(
    queue: &Queue,
    workspace: &Workspace,
    scheduled: &Scheduled,
    now: Timestamp,
) -> Result<Option<Timestamp>, Error> {
    let config = workspace.config();
    let (work, database) = (scheduled.work, scheduled.database.clone());
    let (zone, shift) = (config.zone_of(scheduled), config.put_off(scheduled));
    let then = config.next(scheduled, now);
    let mut wanted = Vec::new();
    for request in requests(queue, work, database.as_deref()) {
        let asked_by = ASKED_BY.to_owned();
        wanted.push(queue.new_job(Wanted {
            request,
            database: database.clone(),
            asked_by,
            scheduled: None,
            idempotency: None,
        })?);
    }
    let scheduled = scheduled.clone();
    let asked = queue
        .state()
        .transaction(move |state| {
            let name = database.as_deref().unwrap_or_default();
            let mark = marks::of(state, work.name(), name)?;
            match decide(&scheduled, &zone, mark, shift, now) {
                Decision::Wait => Ok(0),
                Decision::Begin => {
                    marks::set(state, work.name(), name, now)?;
                    // What is promised holds from now on.
                    match mark.is_none() && scheduled.is_promised && work == Work::Backup {
                        true => add(state, wanted, now),
                        false => Ok(0),
                    }
                }
                Decision::Do(time) => {
                    marks::set(state, work.name(), name, time)?;
                    // What waits still, because it failed or something else is being done, will serve this time too.
                    if jobs::is_waiting(state, work.name(), database.as_deref(), ASKED_BY)? {
                        return Ok(0);
                    }
                    add(state, wanted, time)
                }
            }
        })
        .await?;
    if asked > 0 {
        queue.wake();
    }
    Ok(then)
}

/// Whether the time of a schedule has come, and it was not looked at yet.
pub(crate) async fn is_due(queue: &Queue, work: Work, database: &str) -> Result<bool, Error> {
    let workspace = queue.workspace();
    let (config, now, name) = (workspace.config(), queue.now(), database.to_owned());
    let mark = queue.state().transaction(move |state| marks::of(state, work.name(), &name)).await?;
    let timetable = config.timetable();
    let scheduled = timetable
        .iter()
        .find(|scheduled| scheduled.work == work && scheduled.database.as_deref() == Some(database));
    Ok(scheduled.is_some_and(|scheduled| {
        let (zone, shift) = (config.zone_of(scheduled), config.put_off(scheduled));
        decide(scheduled, &zone, mark, shift, now) != Decision::Wait
    }))
}

/// Asks for what a schedule wanted for a time, and says how many jobs these are.
fn add(state: &Transaction<'_>, wanted: Vec<NewJob>, time: Timestamp) -> failure::Result<usize> {
    let count = wanted.len();
    for new in wanted {
        jobs::add(state, &NewJob { scheduled: Some(time), ..new })?;
    }
    Ok(count)
}

/// What is asked for when it is time.
pub(crate) fn requests(queue: &Queue, work: Work, database: Option<&str>) -> Vec<Request> {
    match work {
        Work::Backup => {
            vec![Request::Backup(BackupRequest {
                database: database.map(Into::into),
                ..BackupRequest::default()
            })]
        }
        Work::Drill => {
            vec![Request::Drill(DrillRequest {
                database: database.map(Into::into),
                ..DrillRequest::default()
            })]
        }
        Work::Refresh => {
            let refresh = |database: &str| RefreshRequest { database: database.to_owned(), plan_only: false };
            database.map(refresh).map(Request::Refresh).into_iter().collect()
        }
        Work::Check => {
            let percent = queue.workspace().config().schedules.read_percent();
            let read_percent = (percent > 0.0).then_some(percent);
            let check = |repository| Request::Check(CheckRequest { read_percent, repository });
            each_repository(queue).into_iter().map(check).collect()
        }
        Work::Prune => {
            let prune = |repository| Request::Prune(PruneRequest { repository, ..PruneRequest::default() });
            each_repository(queue).into_iter().map(prune).collect()
        }
        Work::Copy => {
            let others = queue.workspace().other_repositories();
            let copy = |to| Request::Copy(CopyRequest { to, ..CopyRequest::default() });
            others.into_iter().map(copy).collect()
        }
    }
}

/// Each of several repositories by its name, or the only one without.
fn each_repository(queue: &Queue) -> Vec<Option<String>> {
    match queue.workspace().repositories() {
        [] => vec![None],
        several => several.iter().map(|repository| Some(repository.name.clone())).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Timestamp {
        text.parse().expect("it is a time")
    }

    #[test]
    fn what_was_missed_is_done_once_and_clocks_that_are_put_back_miss_nothing() {
        let schedule = "daily at 02:00".parse().expect("it is a schedule");
        let scheduled =
            Scheduled { work: Work::Backup, database: Some("shop".into()), schedule, is_promised: false };
        let utc = TimeZone::UTC;
        let decide = |mark: Option<&str>, now: &str, shift: i64| {
            super::decide(&scheduled, &utc, mark.map(time), SignedDuration::from_secs(shift), time(now))
        };
        assert_eq!(decide(None, "2026-11-29T12:00:00Z", 0), Decision::Begin);
        assert_eq!(decide(Some("2026-11-29T02:00:00Z"), "2026-11-30T01:59:59Z", 0), Decision::Wait);
        let next = Decision::Do(time("2026-11-30T02:00:00Z"));
        assert_eq!(decide(Some("2026-11-29T02:00:00Z"), "2026-11-30T02:00:00Z", 0), next);
        assert_eq!(decide(Some("2026-11-29T02:00:00Z"), "2026-11-30T02:04:59Z", 300), Decision::Wait);
        assert_eq!(decide(Some("2026-11-29T02:00:00Z"), "2026-11-30T02:05:00Z", 300), next);
        let week = Decision::Do(time("2026-12-06T02:00:00Z"));
        assert_eq!(
            decide(Some("2026-11-29T02:00:00Z"), "2026-12-06T09:00:00Z", 0),
            week,
            "one for seven that were missed"
        );
        assert_eq!(decide(Some("2027-01-01T02:00:00Z"), "2026-11-30T02:00:00Z", 0), Decision::Begin);
    }
}
