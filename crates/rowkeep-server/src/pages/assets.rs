//! What pages are drawn with.

use axum::http::header;
use axum::response::IntoResponse;

/// How pages look, by day and by night, on screens of any width.
pub(super) async fn style() -> impl IntoResponse {
    let headers =
        [(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, "max-age=3600")];
    (headers, include_str!("../../assets/style.css"))
}

/// The sign of the pages.
pub(super) async fn icon() -> impl IntoResponse {
    let headers = [(header::CONTENT_TYPE, "image/svg+xml"), (header::CACHE_CONTROL, "max-age=3600")];
    (headers, include_str!("../../assets/icon.svg"))
}
