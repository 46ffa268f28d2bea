//! Answers that are not sent again to whoever has them.

use axum::body::{Body, Bytes, HttpBody as _};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// What is asked for again and again, and seldom changes.
pub(crate) const TAGGED: [&str; 5] = [
    "/api/v1/openapi.json",
    "/api/v1/databases/{database}/snapshots",
    "/api/v1/plans",
    "/api/v1/jobs/{id}",
    "/api/v1/report",
];

/// Gives what is at these addresses a tag, and says that nothing changed to whoever shows the tag of what he would get.
///
/// The tag is the hash of the answer, which is made for whoever asks, by what he may see: nobody learns by it of what he may not.
/// Clients may keep the answer for themselves, and ask each time whether it still holds.
pub(crate) async fn tag(request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let is_tagged = request.method() == Method::GET && TAGGED.iter().any(|tagged| is_at(tagged, path));
    let shown: Vec<HeaderValue> = request.headers().get_all(header::IF_NONE_MATCH).iter().cloned().collect();
    let response = next.run(request).await;
    if !is_tagged || response.status() != StatusCode::OK || response.body().size_hint().exact().is_none() {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(bytes) = axum::body::to_bytes(body, usize::MAX).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let tag = tag_of(&bytes);
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        mark(&mut parts.headers, tag);
    }
    if has(&shown, &tag) {
        parts.status = StatusCode::NOT_MODIFIED;
        parts.headers.remove(header::CONTENT_TYPE);
        parts.headers.remove(header::CONTENT_LENGTH);
        return Response::from_parts(parts, Body::empty());
    }
    Response::from_parts(parts, Body::from(bytes))
}

/// Whether an address is one of those that are written so.
fn is_at(written: &str, path: &str) -> bool {
    let (written, parts) = (written.split('/'), path.split('/'));
    written.clone().count() == parts.clone().count()
        && written.zip(parts).all(|(written, part)| written == part || written.starts_with('{'))
}

fn mark(headers: &mut HeaderMap, tag: HeaderValue) {
    headers.insert(header::ETAG, tag);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    headers.insert(header::VARY, HeaderValue::from_static("authorization, cookie"));
}

/// The tag of an answer: equal where every byte is.
fn tag_of(bytes: &Bytes) -> String {
    format!("\"{}\"", hex::encode(&blake3::hash(bytes).as_bytes()[..16]))
}

/// Whether a tag is among those that a request shows; proxies that compress make weak ones of them.
fn has(shown: &[HeaderValue], tag: &str) -> bool {
    let tags = shown.iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    tags.map(str::trim).any(|shown| shown == "*" || shown.strip_prefix("W/").unwrap_or(shown) == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_found_among_those_that_are_shown() {
        let tag = tag_of(&Bytes::from_static(b"{}"));
        let has = |shown: &str| has(&[HeaderValue::from_str(shown).expect("it is text")], &tag);
        assert!(has(&tag) && has(&format!("\"a\", W/{tag}")) && has("*"));
        assert!(!has("\"a\"") && !has("") && !has(tag.trim_matches('"')));
        assert_ne!(tag, tag_of(&Bytes::from_static(b"[]")));
    }
}
