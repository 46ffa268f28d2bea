//! Figures for Prometheus, in its text format.

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use rowkeep::config::Work;
use rowkeep::config::channels::AlertKind;
use rowkeep::metrics::{
    ALERTS_FIRING, AUDIT_HEAD_AGE, CONTENT_TYPE, DatabaseFigures, Durations, JOBS, JOBS_COMPLETED,
    LAST_CHECK_SUCCESS, LAST_CHECK_TIMESTAMP, REPOSITORY_BYTES, Text, databases,
};

use crate::access::Role;
use crate::health::{DatabaseHealth, Standing, last_works};
use crate::state::incidents;
use crate::state::jobs::{self, JobState};
use crate::state::{audit, durations};
use crate::web::guard::Caller;
use crate::web::problem::Problem;
use crate::web::service::Service;

/// Figures of everything.
pub(super) async fn metrics(
    State(service): State<Service>,
    caller: Caller,
) -> Result<impl IntoResponse, Problem> {
    caller.must(&service, Role::Viewer, None, "metrics.read").await?;
    let queue = service.queue();
    let found = service.health().all(queue).await?;
    let known = queue
        .state()
        .transaction(|state| {
            Ok((
                jobs::counts(state)?,
                durations::of_backups(state)?,
                audit::last_time(state)?,
                incidents::counts(state)?,
            ))
        })
        .await?;
    let (counts, durations, last_entry, alerts) = known;
    let of = |name: &str| durations.iter().find(|(database, _)| database == name).map(|(_, found)| *found);
    let figures: Vec<DatabaseFigures> =
        found.iter().map(|database| figures(database, of(&database.name))).collect();
    let mut text = Text::of_version(env!("CARGO_PKG_VERSION"));
    databases(&mut text, &figures);
    let bytes = service.repository_size().bytes(queue).await;
    text.family(&REPOSITORY_BYTES, bytes.map(|bytes| (Vec::new(), bytes as f64)));
    // Of several repositories, all have to be checked and whole.
    let works = last_works(queue).await?;
    let checks: Option<Vec<_>> =
        works.into_iter().filter(|last| last.work == Work::Check).map(|last| last.job).collect();
    let ended = checks.iter().flatten().map(|job| job.ended).min().flatten();
    text.family(&LAST_CHECK_TIMESTAMP, ended.map(|ended| (Vec::new(), ended.as_second() as f64)));
    let whole = checks.map(|checks| checks.iter().all(|job| job.state == JobState::Done));
    text.family(&LAST_CHECK_SUCCESS, whole.map(|whole| (Vec::new(), f64::from(u8::from(whole)))));
    let open = [JobState::Waiting, JobState::Running].map(|state| {
        let count: u64 = counts.iter().filter(|count| count.1 == state).map(|count| count.2).sum();
        (vec![("state", state.name())], count as f64)
    });
    text.family(&JOBS, open);
    let over = counts
        .iter()
        .filter(|count| count.1.is_over())
        .map(|(kind, state, count)| (vec![("kind", &**kind), ("result", state.name())], *count as f64));
    text.family(&JOBS_COMPLETED, over);
    let age = last_entry.map(|time| queue.now().duration_since(time).as_secs().max(0));
    text.family(&AUDIT_HEAD_AGE, age.map(|age| (Vec::new(), age as f64)));
    let firing = AlertKind::ALL.map(AlertKind::name).map(|kind| {
        let count = alerts.iter().find(|(open, _)| open == kind).map_or(0, |(_, count)| *count);
        (vec![("kind", kind)], count as f64)
    });
    text.family(&ALERTS_FIRING, firing);
    Ok(([(header::CONTENT_TYPE, CONTENT_TYPE)], text.into_string()))
}

fn figures(database: &DatabaseHealth, backups: Option<Durations>) -> DatabaseFigures {
    let newest = database.newest.as_ref();
    let (backup, drill) = (database.last_backup.as_ref(), database.last_drill.as_ref());
    DatabaseFigures {
        name: database.name.clone(),
        standing: database.standing.name(),
        last_backup: newest.map(|newest| newest.time),
        last_backup_done: backup.map(|job| job.state == JobState::Done),
        last_backup_ms: backup.and_then(|job| job.took_ms),
        backups,
        rows: newest.map(|newest| newest.rows),
        bytes: newest.map(|newest| newest.bytes),
        new_bytes: newest.map(|newest| newest.new_bytes),
        snapshots: (database.standing != Standing::Unknown).then_some(database.snapshots),
        age_seconds: newest.map(|newest| newest.age_seconds),
        lose_seconds: database.lose_seconds,
        recovery_ms: database.recovery_ms,
        back_in_seconds: database.back_in_seconds,
        last_drill: drill.and_then(|job| job.ended),
        last_drill_passed: drill.map(|job| job.state == JobState::Done),
    }
}
