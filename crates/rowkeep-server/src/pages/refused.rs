//! Pages that say why something cannot be shown or done.

use askama::Template;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};

use super::frame::{Frame, page_with};
use crate::web::problem::Problem;

#[derive(Template)]
#[template(path = "refused.html")]
struct RefusedPage {
    frame: Frame,
    status: u16,
    detail: String,
    command: Option<String>,
}

/// Why something cannot be shown or done.
pub(super) struct Refused(Problem);

impl<E: Into<Problem>> From<E> for Refused {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let Problem { status, title, detail, suggestion, .. } = self.0;
        if status == StatusCode::UNAUTHORIZED.as_u16() {
            return Redirect::to("/sign-in").into_response();
        }
        let command = suggestion.map(|suggestion| suggestion.command);
        let code = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        page_with(code, &RefusedPage { frame: Frame::bare(title), status, detail, command })
    }
}

/// That there is no page at an address.
pub(crate) fn not_found() -> Response {
    Refused(Problem::not_found("there is no page at this address")).into_response()
}

/// That a page is not asked for in this way.
pub(crate) fn other_method() -> Response {
    Refused(Problem::method()).into_response()
}
