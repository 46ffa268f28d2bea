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
use crate::web::extract::Words;
use crate::web::guard::ComesFrom;
use crate::web::service::Service;

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    frame: Frame,
    name: String,
    problem: Option<String>,
    wants_code: bool,
    /// What somebody wants to see afterwards.
    next: String,
    /// What the button says that leads to the provider.
    provider: Option<String>,
}

/// What somebody may be led to: a page of this service.
fn own_page(next: Option<&str>) -> String {
    let is_own = |next: &&str| {
        next.starts_with('/')
            && !next.starts_with("//")
            && next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
    };
    next.filter(is_own).unwrap_or("/").to_owned()
}

impl SignInPage {
    fn of(service: &Service) -> Self {
        let workspace = service.queue().workspace();
        let oidc = workspace.config().service.oidc.as_ref();
        Self {
            frame: Frame::bare("Sign in"),
            name: String::new(),
            problem: None,
            wants_code: false,
            next: own_page(None),
            provider: oidc.map(|oidc| oidc.name.clone()),
        }
    }
}

/// Asks again, and says why somebody was not let in.
pub(super) fn refuse(service: &Service, status: StatusCode, problem: String) -> Response {
    page_with(status, &SignInPage { problem: Some(problem), ..SignInPage::of(service) })
}

/// Asks who somebody is.
pub(super) async fn form(State(service): State<Service>, words: Words) -> Response {
    let next = own_page(words.get("next"));
    page(&SignInPage { next, ..SignInPage::of(&service) })
}

/// Signs somebody in.
pub(super) async fn submit(
    State(service): State<Service>,
    ComesFrom(address): ComesFrom,
    OpenForm(fields): OpenForm,
) -> Result<Response, Refused> {
    let name = fields.get("name").unwrap_or_default().to_owned();
    let next = own_page(fields.get("next"));
    let credentials = Credentials {
        name: name.clone(),
        password: fields.get("password").unwrap_or_default().into(),
        code: fields.get("code").map(str::to_owned),
    };
    let had_code = credentials.code.is_some();
    let (status, problem) = match sign_in(service.queue(), service.doors(), credentials, address).await {
        Ok(signed_in) => {
            let cookie = cookies::set(&signed_in.secret, service.is_secure());
            return Ok((AppendHeaders([(header::SET_COOKIE, cookie)]), Redirect::to(&next)).into_response());
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
        &SignInPage { name, problem: Some(problem.to_owned()), wants_code, next, ..SignInPage::of(&service) },
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_led_elsewhere() {
        assert_eq!(own_page(Some("/jobs/1?a=b")), "/jobs/1?a=b");
        for other in ["https://example.org", "//example.org", "/\\example.org", "jobs", "", "/a\r\nb", "/é"]
        {
            assert_eq!(own_page(Some(other)), "/", "{other:?}");
        }
        assert_eq!(own_page(None), "/");
    }
}
