//! Signing in with a provider.

use std::collections::HashMap;

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use rowkeep::config::Oidc;

use super::frame::{Frame, page};
use super::refused::Refused;
use super::sign_in::refuse;
use crate::access::{ATTEMPT_COOKIE, ATTEMPT_SECONDS, OidcRefusal, Returned, begin_oidc, finish_oidc};
use crate::web::cookies;
use crate::web::guard::ComesFrom;
use crate::web::problem::Problem;
use crate::web::service::Service;

/// What a browser goes on from to the pages. It is a page and no redirect: a browser that comes from another site shows its session
/// (`SameSite=Strict`) only where a page of this service leads it.
#[derive(Template)]
#[template(path = "signed_in.html")]
struct SignedInPage {
    frame: Frame,
}

/// The provider, and the address to which it sends browsers back.
fn configured(service: &Service) -> Result<(Oidc, String), Refused> {
    let workspace = service.queue().workspace();
    let settings = &workspace.config().service;
    let none = || Refused::from(Problem::not_found("people sign in here with a password alone"));
    let (oidc, url) = (settings.oidc.as_ref().ok_or_else(none)?, settings.url.as_ref().ok_or_else(none)?);
    Ok((oidc.clone(), format!("{url}/sign-in/oidc/return")))
}

/// Sends a browser to the provider.
pub(super) async fn begin(State(service): State<Service>) -> Result<Response, Refused> {
    let (oidc, back) = configured(&service)?;
    match begin_oidc(service.queue(), service.doors(), &oidc, &back).await {
        Ok((cookie, url)) => {
            let set = cookies::set_for_return(ATTEMPT_COOKIE, &cookie, ATTEMPT_SECONDS, service.is_secure());
            Ok((AppendHeaders([(header::SET_COOKIE, set)]), Redirect::to(&url)).into_response())
        }
        Err(refusal) => told(&service, &oidc, refusal),
    }
}

/// Takes a browser back from the provider.
pub(super) async fn finish(
    State(service): State<Service>,
    ComesFrom(address): ComesFrom,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Refused> {
    let (oidc, back) = configured(&service)?;
    let query = uri.query().unwrap_or_default();
    let mut fields: HashMap<String, String> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let cookie = cookies::shown(&headers, ATTEMPT_COOKIE, service.is_secure()).map(str::to_owned);
    let returned = Returned {
        cookie,
        state: fields.remove("state"),
        code: fields.remove("code"),
        issuer: fields.remove("iss"),
        error: fields.remove("error"),
    };
    let forget = cookies::set_for_return(ATTEMPT_COOKIE, "", 0, service.is_secure());
    let forget =
        |response: Response| (AppendHeaders([(header::SET_COOKIE, forget)]), response).into_response();
    match finish_oidc(service.queue(), service.doors(), &oidc, &back, returned, address).await {
        Ok(secret) => {
            let cookie = cookies::set(&secret, service.is_secure());
            let response = page(&SignedInPage { frame: Frame::bare("Signed in") });
            Ok(forget((AppendHeaders([(header::SET_COOKIE, cookie)]), response).into_response()))
        }
        Err(refusal) => told(&service, &oidc, refusal).map(forget),
    }
}

/// Says why somebody is not signed in, where he can try again.
fn told(service: &Service, oidc: &Oidc, refusal: OidcRefusal) -> Result<Response, Refused> {
    let name = &oidc.name;
    let (status, problem) = match refusal {
        OidcRefusal::Failed(error) => return Err(error.into()),
        OidcRefusal::Unreachable => (
            StatusCode::BAD_GATEWAY,
            format!("{name} could not be asked. Try again later; the log of the service says why."),
        ),
        OidcRefusal::OtherAttempt => (
            StatusCode::FORBIDDEN,
            "This sign-in was not begun in this browser, or too long ago. Begin again.".to_owned(),
        ),
        OidcRefusal::Declined(word) => {
            let word: String = word
                .chars()
                .filter(|letter| letter.is_ascii_alphanumeric() || *letter == '_')
                .take(50)
                .collect();
            (StatusCode::FORBIDDEN, format!("{name} has not let you in: {word}."))
        }
        OidcRefusal::NotBelieved => (
            StatusCode::FORBIDDEN,
            format!("What {name} says of you is not believed. Begin again; the log of the service says why."),
        ),
        OidcRefusal::NoRole(user) => (
            StatusCode::FORBIDDEN,
            format!("None of the groups of {user} may do anything here. An administrator can change that."),
        ),
        OidcRefusal::NoName(user) => (
            StatusCode::FORBIDDEN,
            format!("{user} is no name of a user: that is of 1 to 64 letters, digits and . - _ @"),
        ),
        OidcRefusal::NameTaken(user) => (
            StatusCode::FORBIDDEN,
            format!("There is another user {user} here. An administrator has to remove that one first."),
        ),
        OidcRefusal::TooMany => {
            (StatusCode::TOO_MANY_REQUESTS, "Too many attempts were wrong. Wait five minutes.".to_owned())
        }
    };
    Ok(refuse(service, status, problem))
}
