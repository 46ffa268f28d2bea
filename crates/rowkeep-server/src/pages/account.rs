//! One's own account: password and second factor.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};

use super::frame::{Frame, Section, page, page_with};
use super::refused::Refused;
use super::visitor::{Fields, Form, Visitor};
use crate::access::{
    Changed, Confirmed, begin_second_factor, change_password, confirm_second_factor, is_password,
};
use crate::state::users;
use crate::web::problem::Problem;
use crate::web::service::Service;

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage {
    frame: Frame,
    role: &'static str,
    databases: Option<String>,
    has_second_factor: bool,
    is_of_provider: bool,
    /// What is to be put into a device: the letters, and the address.
    begun: Option<(String, String)>,
    problem: Option<String>,
}

impl AccountPage {
    fn of(visitor: &Visitor) -> Self {
        let principal = &visitor.caller.0;
        Self {
            frame: Frame::of(&visitor.session, Section::Account, "Account"),
            role: principal.role.name(),
            databases: principal.databases.as_ref().map(|names| names.join(", ")),
            has_second_factor: visitor.session.user.second_factor.is_some(),
            is_of_provider: visitor.session.user.is_of_provider,
            begun: None,
            problem: None,
        }
    }
}

/// Shows what one is.
pub(super) async fn show(visitor: Visitor) -> Response {
    page(&AccountPage::of(&visitor))
}

#[derive(Template)]
#[template(path = "password.html")]
struct PasswordPage {
    frame: Frame,
    is_first: bool,
    problem: Option<String>,
}

fn password_page(visitor: &Visitor, problem: Option<String>) -> PasswordPage {
    let frame = Frame::of(&visitor.session, Section::Account, "Choose a password");
    PasswordPage { frame, is_first: visitor.session.user.must_change, problem }
}

/// Asks for another password.
pub(super) async fn password(visitor: Visitor) -> Response {
    page(&password_page(&visitor, None))
}

/// Changes one's password; then everybody has to sign in again.
pub(super) async fn change(
    State(service): State<Service>,
    Form { visitor, fields }: Form,
) -> Result<Response, Refused> {
    let new = fields.get("new").unwrap_or_default();
    let again =
        |status, problem: &str| Ok(page_with(status, &password_page(&visitor, Some(problem.to_owned()))));
    if fields.get("again") != Some(new) {
        return again(StatusCode::UNPROCESSABLE_ENTITY, "The two new passwords are not the same.");
    }
    let present = fields.get("present").unwrap_or_default();
    let user = &visitor.session.user;
    let changed = change_password(service.queue(), service.doors(), user, present.into(), new.into()).await?;
    let outcome = if changed == Changed::Yes { "done" } else { "refused" };
    visitor.caller.note(&service, "user.password", visitor.caller.0.name.clone(), outcome).await?;
    match changed {
        Changed::Yes => Ok(Redirect::to("/sign-in").into_response()),
        Changed::Wrong => again(StatusCode::FORBIDDEN, "The present password is another one."),
        Changed::TooMany => {
            again(StatusCode::TOO_MANY_REQUESTS, "Too many attempts were wrong. Wait five minutes.")
        }
        Changed::Unfit(problem) => again(StatusCode::UNPROCESSABLE_ENTITY, &problem),
    }
}

/// Why it is not shown that it is the user himself.
async fn not_himself(
    service: &Service,
    visitor: &Visitor,
    fields: &Fields,
) -> Result<Option<Response>, Refused> {
    let password = fields.get("password").unwrap_or_default();
    let user = &visitor.session.user;
    let problem = match is_password(service.queue(), service.doors(), user, password.into()).await? {
        Some(true) => return Ok(None),
        Some(false) => "The password is another one.",
        None => "Too many attempts were wrong. Wait five minutes.",
    };
    let shown = AccountPage { problem: Some(problem.to_owned()), ..AccountPage::of(visitor) };
    Ok(Some(page_with(StatusCode::FORBIDDEN, &shown)))
}

/// Begins a second factor, by one's password.
pub(super) async fn begin_factor(
    State(service): State<Service>,
    Form { visitor, fields }: Form,
) -> Result<Response, Refused> {
    if visitor.session.user.second_factor.is_some() {
        return Err(Problem::conflict("there is a second factor; remove it first").into());
    }
    if let Some(refused) = not_himself(&service, &visitor, &fields).await? {
        return Ok(refused);
    }
    let begun = begin_second_factor(service.queue(), &visitor.session.user).await?;
    Ok(page(&AccountPage { begun: Some((begun.secret, begun.url)), ..AccountPage::of(&visitor) }))
}

/// Confirms the second factor by a code of it.
pub(super) async fn confirm_factor(
    State(service): State<Service>,
    Form { visitor, fields }: Form,
) -> Result<Response, Refused> {
    let code = fields.get("code").unwrap_or_default();
    let user = &visitor.session.user;
    let problem = match confirm_second_factor(service.queue(), service.doors(), user, code).await? {
        Confirmed::Yes => {
            visitor
                .caller
                .note(&service, "user.second_factor", visitor.caller.0.name.clone(), "done")
                .await?;
            return Ok(Redirect::to("/account").into_response());
        }
        Confirmed::WrongCode => "The code was not one of that moment. Begin again.",
        Confirmed::TooMany => "Too many attempts were wrong. Wait five minutes.",
        Confirmed::NotBegun => "No second factor was begun.",
    };
    let shown = AccountPage { problem: Some(problem.to_owned()), ..AccountPage::of(&visitor) };
    Ok(page_with(StatusCode::UNPROCESSABLE_ENTITY, &shown))
}

/// Removes the second factor, by one's password.
pub(super) async fn remove_factor(
    State(service): State<Service>,
    Form { visitor, fields }: Form,
) -> Result<Response, Refused> {
    if let Some(refused) = not_himself(&service, &visitor, &fields).await? {
        return Ok(refused);
    }
    let id = visitor.session.user.id.clone();
    service.queue().state().transaction(move |state| users::remove_second_factor(state, &id)).await?;
    visitor.caller.note(&service, "user.second_factor", visitor.caller.0.name.clone(), "removed").await?;
    Ok(Redirect::to("/account").into_response())
}
