//! The overview: one sentence, then a row for each database.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::charts::{Line, line};
use super::frame::{Frame, Section, page};
use super::refused::Refused;
use super::units::{ago, bytes, count, length, part, took};
use super::visitor::Visitor;
use crate::access::Role;
use crate::health::{DatabaseHealth, Standing, in_one_sentence};
use crate::state::jobs::JobState;
use crate::state::trouble::Trouble;
use crate::web::additions::is_allowed;
use crate::web::service::Service;

/// So many of the last snapshots make a trend.
const TREND: usize = 40;

#[derive(Template)]
#[template(path = "overview.html")]
struct OverviewPage {
    frame: Frame,
    sentence: String,
    all_well: bool,
    problem: Option<String>,
    /// What is wrong with the state of the service itself.
    state_problem: Option<&'static str>,
    rows: Vec<Row>,
    may_add: bool,
}

/// A database in a table.
pub(super) struct Row {
    pub(super) name: String,
    pub(super) part: String,
    pub(super) standing: Word,
    /// What makes it so, where it is not as it should be.
    pub(super) reason: Option<String>,
    /// How old its newest snapshot is, and how old it may be.
    pub(super) age: Option<String>,
    pub(super) promise: Option<String>,
    /// How much of what it may be old it is, in percent, 100 at most.
    pub(super) used: Option<u64>,
    pub(super) next: Option<String>,
    pub(super) proof: Proof,
    pub(super) size: Option<String>,
    pub(super) rows: Option<String>,
    pub(super) trend: Option<Line>,
}

/// A state in a word and a colour.
#[derive(Debug, Clone, Copy)]
pub(super) struct Word {
    pub(super) word: &'static str,
    pub(super) colour: &'static str,
}

/// Whether a recovery was tested.
pub(super) struct Proof {
    pub(super) word: Word,
    pub(super) detail: String,
}

/// A standing in a word.
pub(super) fn word_of(standing: Standing) -> Word {
    let (word, colour) = match standing {
        Standing::Kept => ("kept", "good"),
        Standing::AtRisk => ("at risk", "warn"),
        Standing::Broken => ("broken", "bad"),
        Standing::Overdue => ("overdue", "bad"),
        Standing::Unprotected => ("no backup", "bad"),
        Standing::Unknown => ("unknown", "warn"),
    };
    Word { word, colour }
}

/// A state of a job in a word.
pub(super) fn word_of_job(state: JobState) -> Word {
    let colour = match state {
        JobState::Done => "good",
        JobState::Waiting | JobState::Running => "busy",
        JobState::Stopped | JobState::Refused => "quiet",
        JobState::Differences => "warn",
        JobState::Failed => "bad",
    };
    Word { word: state.name(), colour }
}

impl Row {
    /// A database, and how it is.
    pub(super) fn of(health: &DatabaseHealth, now: jiff::Timestamp, trend: Option<Line>) -> Self {
        let newest = health.newest.as_ref();
        let seconds = |seconds: u64| i64::try_from(seconds).unwrap_or(i64::MAX);
        let failed = |what: &str, job: &crate::health::LastJob| match job.state {
            JobState::Done => None,
            JobState::Differences => Some(format!("the last {what} found something wrong")),
            _ => Some(match &job.error {
                Some(error) => format!("the last {what} failed: {error}"),
                None => format!("the last {what} failed"),
            }),
        };
        let of_backup = health.last_backup.as_ref().and_then(|job| failed("backup", job));
        let of_drill = health.last_drill.as_ref().and_then(|job| failed("drill", job));
        let proof = match &health.last_drill {
            None => Proof {
                word: Word { word: "not run", colour: "quiet" },
                detail: "no recovery was tested".to_owned(),
            },
            Some(job) => {
                let when = job.ended.map(|ended| ago(ended, now)).unwrap_or_default();
                let (word, detail) = match (job.state, health.recovery_ms) {
                    (JobState::Done, _) if health.is_page_file => {
                        ("checked", format!("{when}, as the file that its page restores"))
                    }
                    (JobState::Done, Some(recovery)) => {
                        ("proven", format!("{when}, back in {}", took(recovery)))
                    }
                    (JobState::Done, None) => ("proven", when),
                    _ => ("failed", when),
                };
                Proof { word: Word { word, colour: if word == "failed" { "bad" } else { "good" } }, detail }
            }
        };
        Self {
            name: health.name.clone(),
            part: part(&health.name),
            standing: word_of(health.standing),
            reason: health
                .problem
                .clone()
                .or(of_backup)
                .or(of_drill)
                .or_else(|| (!health.notes.is_empty()).then(|| health.notes.join("; "))),
            age: newest.map(|newest| ago(newest.time, now)),
            promise: health.lose_seconds.map(|promise| length(seconds(promise))),
            used: newest
                .zip(health.lose_seconds)
                .map(|(newest, promise)| (newest.age_seconds.saturating_mul(100) / promise.max(1)).min(100)),
            next: health.next_backup.map(|next| ago(next, now)),
            proof,
            size: newest.map(|newest| bytes(newest.bytes)),
            rows: newest.map(|newest| count(newest.rows)),
            trend,
        }
    }
}

/// Shows how all databases are that somebody sees.
pub(super) async fn show(State(service): State<Service>, visitor: Visitor) -> Result<Response, Refused> {
    let queue = service.queue();
    let all = service.health().all(queue).await?;
    let seen = all.iter().filter(|health| visitor.caller.0.sees(Some(&health.name)));
    let databases: Vec<&DatabaseHealth> = seen.collect();
    let now = queue.now();
    let catalog = queue.catalog().await;
    let trend = |name: &str| {
        let own = catalog.as_ref().ok()?.of(Some(name)).rev().filter(|summary| summary.before.is_none());
        let mut sizes: Vec<_> =
            own.take(TREND).map(|summary| (summary.time.as_second(), summary.bytes)).collect();
        sizes.reverse();
        line(&sizes, 120, 28)
    };
    let sentence = in_one_sentence(databases.iter().copied());
    let row = |health: &DatabaseHealth| {
        let row = Row::of(health, now, trend(&health.name));
        // What is wrong with the repository is said once.
        Row { reason: row.reason.filter(|_| health.problem.is_none()), ..row }
    };
    let page_of = OverviewPage {
        frame: Frame::of(&visitor.session, Section::Overview, "Overview"),
        all_well: !databases.is_empty()
            && databases.iter().all(|database| database.standing == Standing::Kept),
        sentence,
        // Where nothing is configured, there need not be one.
        problem: catalog.as_ref().err().filter(|_| !databases.is_empty()).cloned(),
        state_problem: queue.state().trouble().map(Trouble::words),
        rows: databases.iter().copied().map(row).collect(),
        may_add: visitor.caller.0.may(Role::Admin, None) && is_allowed(&service),
    };
    Ok(page(&page_of))
}
