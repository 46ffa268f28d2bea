//! A database that was added on a page: its settings, and how it is taken back.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use rowkeep::config::{AddedDatabase, Addition};
use secrecy::SecretString;

use super::frame::{Frame, Section, page_with};
use super::promises::{Choices, chosen};
use super::refused::Refused;
use super::units::part;
use super::visitor::{Form, Visitor};
use crate::access::Role;
use crate::web::additions::{added, change_database, remove_database};
use crate::web::extract::Named;
use crate::web::problem::Problem;
use crate::web::service::Service;

#[derive(Template)]
#[template(path = "added.html")]
struct AddedPage {
    frame: Frame,
    part: String,
    name: String,
    /// Where it is, without password.
    place: String,
    problem: Option<String>,
    choices: Choices,
}

fn settings(
    service: &Service,
    visitor: &Visitor,
    name: String,
    known: &AddedDatabase,
    problem: Option<Problem>,
) -> Response {
    let status = problem.as_ref().and_then(|problem| StatusCode::from_u16(problem.status).ok());
    let shown = AddedPage {
        frame: Frame::of(&visitor.session, Section::Overview, format!("Settings of {name}")),
        part: part(&name),
        place: Addition::of_database(&name, known).map(|addition| addition.place()).unwrap_or_default(),
        problem: problem.map(|problem| problem.detail().to_owned()),
        choices: Choices::of(Some(known), service.queue().now()),
        name,
    };
    page_with(status.unwrap_or(StatusCode::OK), &shown)
}

/// Shows what is said of it.
pub(super) async fn show(
    State(service): State<Service>,
    visitor: Visitor,
    Named(database): Named<String>,
) -> Result<Response, Refused> {
    visitor.caller.must(&service, Role::Admin, None, "database.change").await?;
    let known = added(&service, &database)?;
    Ok(settings(&service, &visitor, database, &known, None))
}

/// Changes that.
pub(super) async fn change(
    State(service): State<Service>,
    Named(database): Named<String>,
    Form { visitor, fields }: Form,
) -> Result<Response, Refused> {
    visitor.caller.must(&service, Role::Admin, None, "database.change").await?;
    let known = added(&service, &database)?;
    let url = fields.get("url").map(str::trim).filter(|url| !url.is_empty());
    let url = url.map_or_else(|| known.url.clone(), |url| SecretString::from(url.to_owned()));
    let changed = match chosen(&fields, url, Some(&known)) {
        Ok(changed) => change_database(&service, &visitor.caller, &database, &changed).await,
        Err(problem) => Err(problem),
    };
    match changed {
        Ok(()) => Ok(Redirect::to(&format!("/databases/{}", part(&database))).into_response()),
        Err(problem) => Ok(settings(&service, &visitor, database, &known, Some(problem))),
    }
}

/// Takes it back.
pub(super) async fn remove(
    State(service): State<Service>,
    Named(database): Named<String>,
    Form { visitor, fields }: Form,
) -> Result<Response, Refused> {
    visitor.caller.must(&service, Role::Admin, None, "database.remove").await?;
    if fields.get("confirm") != Some(database.as_str()) {
        let known = added(&service, &database)?;
        let problem =
            Problem::unprocessable(format!("type the name of the database, {database}, to remove it"));
        return Ok(settings(&service, &visitor, database, &known, Some(problem)));
    }
    remove_database(&service, &visitor.caller, &database).await?;
    Ok(Redirect::to("/").into_response())
}
