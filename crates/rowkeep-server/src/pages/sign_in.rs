//! Signing in and out.

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};

use super::frame::{Frame, page, page_with};
use super::refused::Refused;
use super::visitor::{Form, OpenForm};
use crate::access::{Credentials, SignInRefusal, sign_in, sign_out};
use crate::web::cookies;
use crate::web::guard::ComesFrom;
use crate::web::service::Service;

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    frame: Frame,
    name: String,
    problem: Option<String>,
    wants_code: bool,
    /// What the button says that leads to the provider.
    provider: Option<String>,
}

impl SignInPage {
    fn of(service: &Service) -> Self {
        let oidc = service.queue().workspace().config().service.oidc.as_ref();
        Self {
            frame: Frame::bare("Sign in"),
            name: String::new(),
            problem: None,
            wants_code: false,
            provider: oidc.map(|oidc| oidc.name.clone()),
        }
    }
}

/// Asks again, and says why somebody was not let in.
pub(super) fn refuse(service: &Service, status: StatusCode, problem: String) -> Response {
    page_with(status, &SignInPage { problem: Some(problem), ..SignInPage::of(service) })
}

/// Asks who somebody is.
pub(super) async fn form(State(service): State<Service>) -> Response {
    page(&SignInPage::of(&service))
}

/// Signs somebody in.
pub(super) async fn submit(
    State(service): State<Service>,
    ComesFrom(address): ComesFrom,
    OpenForm(fields): OpenForm,
) -> Result<Response, Refused> {
    let name = fields.get("name").unwrap_or_default().to_owned();
    let credentials = Credentials {
        name: name.clone(),
        password: fields.get("password").unwrap_or_default().into(),
        code: fields.get("code").map(str::to_owned),
    };
    let had_code = credentials.code.is_some();
    let (status, problem) = match sign_in(service.queue(), service.doors(), credentials, address).await {
        Ok(signed_in) => {
            let cookie = cookies::set(&signed_in.secret, service.is_secure());
            return Ok((AppendHeaders([(header::SET_COOKIE, cookie)]), Redirect::to("/")).into_response());
        }
        Err(SignInRefusal::Failed(error)) => return Err(error.into()),
        Err(SignInRefusal::Wrong) => {
            (StatusCode::UNAUTHORIZED, "The name, the password or the code is wrong.")
        }
        Err(SignInRefusal::CodeNeeded) => {
            (StatusCode::UNAUTHORIZED, "Enter your password again, and the code that your device shows.")
        }
        Err(SignInRefusal::TooMany) => {
            (StatusCode::TOO_MANY_REQUESTS, "Too many attempts were wrong. Wait five minutes.")
        }
    };
    let wants_code = had_code || problem.contains("device");
    Ok(page_with(
        status,
        &SignInPage { name, problem: Some(problem.to_owned()), wants_code, ..SignInPage::of(&service) },
    ))
}

/// Signs somebody out.
pub(super) async fn end(
    State(service): State<Service>,
    headers: HeaderMap,
    _: Form,
) -> Result<Response, Refused> {
    if let Some(secret) = cookies::session_secret(&headers, service.is_secure()) {
        sign_out(service.queue(), secret).await?;
    }
    let cookie = cookies::unset(service.is_secure());
    Ok((AppendHeaders([(header::SET_COOKIE, cookie)]), Redirect::to("/sign-in")).into_response())
}
