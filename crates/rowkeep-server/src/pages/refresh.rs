//! A database that is made again from the newest backup of another one: what that does, when it was done, and the word that has it done.

use axum::extract::State;
use axum::response::Response;
use rowkeep::config::Work;

use super::frame::to_job;
use super::overview::{Word, word_of_job};
use super::refused::Refused;
use super::units::{ago, argument, minute};
use super::visitor::{Form, Visitor};
use crate::access::Role;
use crate::web::asking::ask;
use crate::web::extract::Named;
use crate::web::refreshes;
use crate::web::service::Service;

/// What the page of a database says of its refresh.
pub(super) struct RefreshCard {
    /// The other database, for whoever may see it.
    pub(super) from: String,
    /// Whether its rows are masked, whether what is replaced is kept, and whether others are disconnected.
    pub(super) is_masked: bool,
    pub(super) keeps_safety: bool,
    pub(super) ends_connections: bool,
    /// How the last one ended: a word, when, which job, and why it failed.
    pub(super) last: Option<LastRefresh>,
    /// The job that waits or is being done.
    pub(super) pending: Option<String>,
    /// When a schedule does it next.
    pub(super) next: Option<String>,
    pub(super) command: String,
    pub(super) may_refresh: bool,
    pub(super) needs_second_person: bool,
}

/// The refresh that ended last.
pub(super) struct LastRefresh {
    pub(super) state: Word,
    pub(super) when: String,
    pub(super) job: String,
    pub(super) error: String,
}

/// What there is to say of the refresh of a database, where one is described.
pub(super) async fn card(
    service: &Service,
    visitor: &Visitor,
    database: &str,
) -> Result<Option<RefreshCard>, Refused> {
    let Some(refresh) = refreshes::described(service, database) else { return Ok(None) };
    let (ended, pending) = refreshes::last(service, database).await?;
    let workspace = service.queue().workspace();
    let (config, now) = (workspace.config(), service.queue().now());
    let timetable = config.timetable();
    let scheduled =
        timetable.iter().find(|one| one.work == Work::Refresh && one.database.as_deref() == Some(database));
    let next = scheduled.and_then(|scheduled| config.next(scheduled, now));
    let zone = config.zone(database);
    let last = ended.map(|job| LastRefresh {
        state: word_of_job(job.state),
        when: job
            .ended
            .map(|ended| format!("{}, {}", minute(ended, &zone), ago(ended, now)))
            .unwrap_or_default(),
        job: job.id,
        error: job.error.unwrap_or_default(),
    });
    let from = match visitor.caller.0.sees(Some(&refresh.from)) {
        true => refresh.from,
        false => "another database".to_owned(),
    };
    Ok(Some(RefreshCard {
        from,
        is_masked: refresh.mask,
        keeps_safety: refresh.safety,
        ends_connections: refresh.end_connections,
        last,
        pending: pending.map(|job| job.id),
        next: next.map(|next| format!("{}, {}", minute(next, &zone), ago(next, now))),
        command: format!("rowkeep refresh {}", argument(database)),
        may_refresh: visitor.caller.0.may(Role::Restorer, Some(database)),
        needs_second_person: config.databases.get(database).is_some_and(|known| known.second_person),
    }))
}

/// Asks for a refresh.
pub(super) async fn create(
    State(service): State<Service>,
    Named(database): Named<String>,
    Form { visitor, fields }: Form,
) -> Result<Response, Refused> {
    let confirmed = fields.get("confirm").unwrap_or_default().trim();
    let request = refreshes::request(&service, &visitor.caller, &database, confirmed).await?;
    let job = ask(&service, &visitor.caller, refreshes::REFRESH, request, Some(database), None).await?;
    Ok(to_job(&job.id))
}
