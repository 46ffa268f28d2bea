//! Figures for Prometheus, in its text format.

use std::fmt::Write as _;

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use rowkeep::config::channels::AlertKind;

use super::guard::Caller;
use super::problem::Problem;
use super::service::Service;
use crate::access::Role;
use crate::health::{DatabaseHealth, health_of_all};
use crate::state::incidents;
use crate::state::jobs::{self, JobState};

/// Figures of everything.
pub(super) async fn metrics(
    State(service): State<Service>,
    caller: Caller,
) -> Result<impl IntoResponse, Problem> {
    caller.must(&service, Role::Viewer, None, "metrics.read").await?;
    let databases = health_of_all(service.queue(), |_| true).await?;
    let counts = service.queue().state().transaction(jobs::counts).await?;
    let mut text = text(&databases, &counts);
    alerts(&mut text, &service.queue().state().transaction(incidents::counts).await?);
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text))
}

/// A figure of each database: its name, what it is, its type, and where it comes from.
type Figure = (&'static str, &'static str, fn(&DatabaseHealth) -> Option<f64>);

const FIGURES: [Figure; 12] = [
    ("rowkeep_last_backup_timestamp_seconds", "When the state of the newest snapshot was.", |database| {
        database.newest.as_ref().map(|newest| newest.time.as_second() as f64)
    }),
    ("rowkeep_last_backup_success", "Whether the last backup is done.", |database| {
        database.last_backup.as_ref().map(|job| f64::from(u8::from(job.state == JobState::Done)))
    }),
    ("rowkeep_last_backup_duration_seconds", "How long the last backup took.", |database| {
        database.last_backup.as_ref().and_then(|job| job.took_ms).map(|took| took as f64 / 1_000.0)
    }),
    ("rowkeep_last_backup_rows", "Rows of the newest snapshot.", |database| {
        database.newest.as_ref().map(|newest| newest.rows as f64)
    }),
    ("rowkeep_last_backup_bytes", "Bytes of these rows.", |database| {
        database.newest.as_ref().map(|newest| newest.bytes as f64)
    }),
    ("rowkeep_snapshots", "Snapshots of the database.", |database| Some(database.snapshots as f64)),
    ("rowkeep_recovery_point_seconds", "The age of what the newest snapshot holds.", |database| {
        database.newest.as_ref().map(|newest| newest.age_seconds as f64)
    }),
    ("rowkeep_recovery_point_target_seconds", "What may be lost at most.", |database| {
        database.lose_seconds.map(|seconds| seconds as f64)
    }),
    ("rowkeep_recovery_time_seconds", "How long the last drill took to restore and to prove.", |database| {
        database.recovery_ms.map(|took| took as f64 / 1_000.0)
    }),
    ("rowkeep_recovery_time_target_seconds", "Within which it has to be back.", |database| {
        database.back_in_seconds.map(|seconds| seconds as f64)
    }),
    ("rowkeep_last_drill_timestamp_seconds", "When the last drill ended.", |database| {
        database.last_drill.as_ref().and_then(|job| job.ended).map(|ended| ended.as_second() as f64)
    }),
    (
        "rowkeep_last_drill_success",
        "Whether the last drill is done, and everything was as it should be.",
        |database| database.last_drill.as_ref().map(|job| f64::from(u8::from(job.state == JobState::Done))),
    ),
];

fn text(databases: &[DatabaseHealth], counts: &[(String, JobState, u64)]) -> String {
    let mut text = String::new();
    let version = env!("CARGO_PKG_VERSION");
    begin(&mut text, "rowkeep_build_info", "gauge", "The version that runs.");
    let _ = writeln!(text, "rowkeep_build_info{{version=\"{version}\"}} 1");
    for (name, help, figure) in FIGURES {
        begin(&mut text, name, "gauge", help);
        for database in databases {
            if let Some(value) = figure(database) {
                let _ = writeln!(text, "{name}{{database=\"{}\"}} {value}", label(&database.name));
            }
        }
    }
    begin(
        &mut text,
        "rowkeep_standing",
        "gauge",
        "How a database stands to what was promised: 1 for what it is.",
    );
    for database in databases {
        let (name, standing) = (label(&database.name), database.standing.name());
        let _ = writeln!(text, "rowkeep_standing{{database=\"{name}\",standing=\"{standing}\"}} 1");
    }
    begin(&mut text, "rowkeep_jobs", "gauge", "Jobs that wait or are being done.");
    for state in [JobState::Waiting, JobState::Running] {
        let count: u64 = counts.iter().filter(|count| count.1 == state).map(|count| count.2).sum();
        let _ = writeln!(text, "rowkeep_jobs{{state=\"{}\"}} {count}", state.name());
    }
    begin(&mut text, "rowkeep_jobs_completed_total", "counter", "Jobs that are over.");
    for (kind, state, count) in counts.iter().filter(|count| count.1.is_over()) {
        let result = state.name();
        let _ = writeln!(
            text,
            "rowkeep_jobs_completed_total{{kind=\"{}\",result=\"{result}\"}} {count}",
            label(kind)
        );
    }
    text
}

fn alerts(text: &mut String, open: &[(String, u64)]) {
    begin(text, "rowkeep_alerts_firing", "gauge", "Alerts that are open.");
    for kind in AlertKind::ALL.map(AlertKind::name) {
        let count = open.iter().find(|(open, _)| open == kind).map_or(0, |(_, count)| *count);
        let _ = writeln!(text, "rowkeep_alerts_firing{{kind=\"{kind}\"}} {count}");
    }
}

fn begin(text: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

/// The value of a label, as the format has it.
fn label(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_end_where_they_should() {
        assert_eq!(label("a\"b\\c\nd"), "a\\\"b\\\\c\\nd");
    }
}
