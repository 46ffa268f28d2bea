//! Pages of other sites, as far as the configuration names these: they may ask the API with a token, and load modules.
//!
//! No cookie goes with what they ask, so that nobody's session does.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::service::Service;

/// What pages may ask with, and read of answers.
const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, PUT");
const HEADERS: HeaderValue = HeaderValue::from_static("authorization, content-type, idempotency-key");
const SHOWN: HeaderValue = HeaderValue::from_static("location, retry-after");
/// For how many seconds browsers need not ask again whether they may.
const SECONDS: HeaderValue = HeaderValue::from_static("600");

/// The site that a request is of, where it is one that the configuration names.
pub(crate) fn site_of(service: &Service, asked: &HeaderMap) -> Option<HeaderValue> {
    let origin = asked.get(header::ORIGIN)?;
    let workspace = service.queue().workspace();
    let is_named = workspace.config().service.sites.iter().any(|site| site.as_bytes() == origin.as_bytes());
    is_named.then(|| origin.clone())
}

/// Lets pages of such sites use the API.
pub(crate) async fn let_sites(State(service): State<Service>, request: Request, next: Next) -> Response {
    let site = site_of(&service, request.headers()).filter(|_| request.uri().path().starts_with("/api/"));
    let Some(site) = site else { return next.run(request).await };
    let is_question = request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = match is_question {
        true => StatusCode::NO_CONTENT.into_response(),
        false => next.run(request).await,
    };
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, site);
    headers.append(header::VARY, HeaderValue::from_static("origin"));
    if is_question {
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HEADERS);
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, SECONDS);
    } else {
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, SHOWN);
    }
    response
}
