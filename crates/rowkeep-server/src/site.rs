//! Everything that answers requests: the API and the pages, and what holds for both.

use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, Uri, Version, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::RequestBodyTimeoutLayer;

use crate::web::etags::tag;
use crate::web::problem::Problem;
use crate::web::service::Service;
use crate::web::sites::let_sites;
use crate::web::unread::end_connection;
use crate::{api, clients, pages};

/// The most bytes of a request.
const BODY_BYTES: usize = 1 << 20;

/// How long it is waited for the next bytes of a request.
const BODY_PATIENCE: Duration = Duration::from_secs(20);

/// Everything that answers requests.
pub(crate) fn router(service: Service) -> Router {
    let header = |name: HeaderName, value: &'static str| {
        SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
    };
    // Browsers that came over TLS once come over nothing else from then on.
    let strictly = service.is_secure().then(|| HeaderValue::from_static("max-age=31536000"));
    api::routes()
        .merge(pages::routes())
        .merge(clients::routes())
        .fallback(nothing_there)
        .method_not_allowed_fallback(other_method)
        .layer(from_fn(tag))
        .layer(from_fn(for_one_host))
        .layer(from_fn_with_state(service.clone(), let_sites))
        .layer(from_fn_with_state(service.clone(), count_refusals))
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .layer(RequestBodyTimeoutLayer::new(BODY_PATIENCE))
        // Around what has patience with a body, which does not tell that there is none.
        .layer(from_fn(end_connection))
        .layer(header(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(header(header::CACHE_CONTROL, "no-store"))
        .layer(header(header::REFERRER_POLICY, "no-referrer"))
        .layer(header(header::X_FRAME_OPTIONS, "DENY"))
        .layer(header(HeaderName::from_static("cross-origin-opener-policy"), "same-origin"))
        .layer(header(HeaderName::from_static("cross-origin-resource-policy"), "same-origin"))
        .layer(header(header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"))
        .layer(SetResponseHeaderLayer::if_not_present(header::STRICT_TRANSPORT_SECURITY, strictly))
        .layer(CatchPanicLayer::custom(|_| {
            Problem::broken("the request could not be answered").into_response()
        }))
        .with_state(service)
}

/// Refuses what names several hosts, or none: proxies and this service could take it for a request to different ones.
async fn for_one_host(request: Request, next: Next) -> Response {
    let hosts = request.headers().get_all(header::HOST).iter().count();
    let is_needed = request.version() >= Version::HTTP_11;
    match hosts {
        1 => next.run(request).await,
        0 if !is_needed => next.run(request).await,
        _ => Problem::malformed("send the header Host once").into_response(),
    }
}

/// Counts the requests that are refused.
async fn count_refusals(State(service): State<Service>, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let refused = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN, StatusCode::TOO_MANY_REQUESTS];
    if refused.contains(&response.status()) {
        service.attempts().note(service.queue().now());
    }
    response
}

/// What they are told of addresses that are asked in another way: people, who come back to where a form was sent.
async fn other_method(uri: Uri) -> Response {
    match uri.path().starts_with("/api/") {
        true => Problem::method().into_response(),
        false => pages::other_method(),
    }
}

/// What programs and people are told of addresses at which there is nothing.
async fn nothing_there(uri: Uri) -> Response {
    match uri.path().starts_with("/api/") {
        true => Problem::not_found("there is nothing at this address").into_response(),
        false => pages::not_found(),
    }
}
