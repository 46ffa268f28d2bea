//! What was added on pages, as the settings page shows it; and the file that is read again.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use rowkeep::config::Subject;
use secrecy::ExposeSecret;

use super::refused::Refused;
use super::units::minute;
use super::visitor::{Form, Visitor};
use crate::additions::Shown;
use crate::web::additions;
use crate::web::for_all;
use crate::web::problem::Problem;
use crate::web::service::Service;

/// Something that was changed on a page, beside rowkeep.toml.
pub(super) struct AdditionRow {
    pub(super) subject: String,
    pub(super) place: String,
    pub(super) who: String,
    pub(super) time: String,
    pub(super) problem: Option<String>,
    /// Whether it is a database, which can be taken back.
    pub(super) is_database: bool,
}

fn addition_row(shown: Shown) -> AdditionRow {
    AdditionRow {
        is_database: matches!(Subject::named(&shown.subject), Some(Subject::Database(_))),
        subject: shown.subject,
        place: shown.place.unwrap_or_default(),
        who: shown.who,
        time: minute(shown.time, &jiff::tz::TimeZone::UTC),
        problem: shown.problem,
    }
}

/// What was changed on pages, by subject.
pub(super) fn addition_rows(service: &Service) -> Vec<AdditionRow> {
    service.settings().shown().into_iter().map(addition_row).collect()
}

/// Reads rowkeep.toml again.
pub(super) async fn reload(
    State(service): State<Service>,
    Form { visitor, .. }: Form,
) -> Result<Response, Refused> {
    // What is wrong with it, the page says.
    match additions::reload(&service, &visitor.caller).await {
        Err(problem) if problem.status != StatusCode::UNPROCESSABLE_ENTITY => Err(problem.into()),
        _ => Ok(Redirect::to("/settings#configuration").into_response()),
    }
}

/// What was changed on pages, as a file.
pub(super) async fn export(State(service): State<Service>, visitor: Visitor) -> Result<Response, Refused> {
    let exported = additions::export(&service, &visitor.caller).await?;
    let text = exported.text.expose_secret().to_owned();
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"rowkeep-additions.toml\""),
    ];
    Ok((headers, text).into_response())
}

/// Takes back a database that was added, or what was said of all databases.
pub(super) async fn remove_addition(
    State(service): State<Service>,
    Form { visitor, fields }: Form,
) -> Result<Response, Refused> {
    match Subject::named(fields.must("subject")?) {
        Some(Subject::Database(name)) => {
            additions::remove_database(&service, &visitor.caller, &name).await?;
            Ok(Redirect::to("/settings#configuration").into_response())
        }
        Some(subject @ (Subject::Schedule | Subject::Keep)) => {
            for_all::take_back(&service, &visitor.caller, &subject).await?;
            Ok(Redirect::to("/settings/all-databases").into_response())
        }
        Some(Subject::Repository) | None => {
            Err(Problem::unprocessable("only a database, the schedule or the rules are taken back").into())
        }
    }
}
