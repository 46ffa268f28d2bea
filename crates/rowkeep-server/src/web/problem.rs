//! Errors as they are answered: `application/problem+json` (RFC 9457).

use std::collections::BTreeMap;

use axum::extract::rejection::QueryRejection;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::SignedDuration;
use rowkeep::ErrorKind;
use serde::Serialize;
use utoipa::openapi::{self, RefOr};
use utoipa::{IntoResponses, ToSchema};

use super::wording::of_part;
use crate::access::{GUESSES_OF_TOKENS, Refusal, WRONG_SIGN_INS};
use crate::queue::in_one_line;

/// What went wrong, and what to do next.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// The HTTP status.
    pub(crate) status: u16,
    /// What kind of problem it is, in words that stay.
    pub(crate) code: &'static str,
    /// The same in a few words for people.
    pub(crate) title: &'static str,
    /// What happened, to what.
    pub(crate) detail: String,
    /// What to do next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) suggestion: Option<Suggestion>,
    /// After how many seconds the same is let through again.
    #[serde(skip)]
    #[schema(ignore)]
    retry_after: Option<i64>,
}

/// What to do next.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Suggestion {
    /// A command that helps.
    pub(crate) command: String,
}

impl Problem {
    fn new(status: StatusCode, code: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status: status.as_u16(),
            code,
            title,
            detail: detail.into(),
            suggestion: None,
            retry_after: None,
        }
    }

    /// What happened, to what.
    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    /// The same with a command that helps.
    pub(crate) fn with_command(mut self, command: impl Into<String>) -> Self {
        self.suggestion = Some(Suggestion { command: command.into() });
        self
    }

    /// The same where the request is understood, and what it says cannot be.
    pub(crate) fn of_content(self) -> Self {
        if self.code == "malformed" { Self::unprocessable(self.detail) } else { self }
    }

    pub(crate) fn malformed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", "The request is not understood", detail)
    }

    pub(crate) fn unauthenticated() -> Self {
        Self::unauthenticated_because("send a token in the header Authorization: Bearer, or sign in")
    }

    pub(crate) fn unauthenticated_because(detail: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", "Nobody has shown who he is", detail)
    }

    pub(crate) fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", "This is not allowed", detail)
    }

    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "Not found", detail)
    }

    pub(crate) fn method() -> Self {
        let detail = "this address does not take that method: a form is sent to it from its page";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "Another method is needed", detail)
    }

    pub(crate) fn media_type() -> Self {
        let detail = "send the body as application/json, in UTF-8";
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "media_type", "The body has another type", detail)
    }

    /// A body of another type than those that are taken.
    pub(crate) fn media_type_of(types: &[&str]) -> Self {
        let detail = format!("send the body as {}", types.join(" or "));
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "media_type", "The body has another type", detail)
    }

    /// That a body could not be read.
    pub(crate) fn of_body(status: StatusCode) -> Self {
        match status {
            StatusCode::PAYLOAD_TOO_LARGE => {
                Self::new(status, "too_large", "The body is too large", "a body has 1 MiB at most")
            }
            _ => Self::malformed("the body did not come whole"),
        }
    }

    pub(crate) fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", "It is not in a state for this", detail)
    }

    pub(crate) fn unprocessable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "unprocessable", "The request cannot be done", detail)
    }

    /// Too many passwords or codes were wrong.
    pub(crate) fn too_many() -> Self {
        Self::too_many_within(WRONG_SIGN_INS.window)
    }

    fn too_many_within(window: SignedDuration) -> Self {
        let words = match window.as_mins() {
            1 => "a minute".to_owned(),
            minutes => format!("{minutes} minutes"),
        };
        let detail = format!("too many attempts that were wrong came from this address; wait {words}");
        let problem = Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many", "Too many attempts", detail);
        Self { retry_after: Some(window.as_secs()), ..problem }
    }

    pub(crate) fn busy(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", "It takes too long", detail)
    }

    pub(crate) fn away() -> Self {
        let detail =
            "the service cannot reach the database of its state, and nothing was done; its log says why";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "away", "The state is away", detail)
    }

    pub(crate) fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_GATEWAY, "unavailable", "A database or store cannot be used", detail)
            .with_command("rowkeep doctor")
    }

    pub(crate) fn no_room(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::INSUFFICIENT_STORAGE, "no_room", "There is no room", detail)
    }

    pub(crate) fn broken(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "failed", "The service failed", detail)
    }
}

/// Of operations: what is answered when they cannot be done.
impl IntoResponses for Problem {
    fn responses() -> BTreeMap<String, RefOr<openapi::Response>> {
        let answers = [
            (400, "The request is malformed"),
            (401, "Nobody has shown who he is"),
            (403, "It is not allowed"),
            (404, "There is no such thing"),
            (409, "It is not in a state for this"),
            (413, "The body is too large"),
            (415, "The body has another type"),
            (422, "The body says something else"),
            (429, "Too many attempts that were wrong came from this address"),
            (502, "A database or store cannot be used"),
            (503, "It takes too long, or the state of the service is away"),
        ];
        let described = |(status, description): (u16, &str)| {
            let schema = RefOr::Ref(openapi::Ref::from_schema_name("Problem"));
            let content = openapi::ContentBuilder::new().schema(Some(schema)).build();
            let response = openapi::ResponseBuilder::new().description(description);
            (status.to_string(), RefOr::T(response.content("application/problem+json", content).build()))
        };
        answers.into_iter().map(described).collect()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, axum::Json(&self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// Why nobody is let in.
impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Unknown => Self::unauthenticated(),
            Refusal::TooMany => Self::too_many_within(GUESSES_OF_TOKENS.window),
            Refusal::Forged => {
                Self::forbidden("send what the session was given as csrf in the header X-CSRF-Token")
            }
            Refusal::MustChoosePassword => Self::forbidden("choose a password of your own first"),
            Refusal::Failed(error) => error.into(),
        }
    }
}

/// The state cannot be read or written: that is said in the log, for it is nobody's business who asks.
impl From<crate::Error> for Problem {
    fn from(error: crate::Error) -> Self {
        if let crate::Error::UserOfProvider { .. } = error {
            return Self::conflict(error.to_string());
        }
        // It is in the log already, and passes.
        if let crate::Error::StateAway { .. } | crate::Error::StateLost { .. } = error {
            return Self::away();
        }
        tracing::error!("{}", in_one_line(&error));
        Self::broken("the state of the service cannot be used; its log says why")
    }
}

/// What exit statuses of the commands are to HTTP: 2 (usage) is 400, or 404 for what is not there; 3 (differences, damage) is 422,
/// 4 (refused) is 409, 1 (failed) is 502, for what failed is a database or a store.
impl From<rowkeep::Error> for Problem {
    fn from(error: rowkeep::Error) -> Self {
        let told = error.in_one_line();
        match (&error, error.kind()) {
            (
                rowkeep::Error::NoSuchSnapshot { .. }
                | rowkeep::Error::Unknown { .. }
                | rowkeep::Error::NoneToMask { .. },
                _,
            ) => Self::not_found(told),
            // It is understood, and cannot be.
            (rowkeep::Error::Request(rowkeep::RequestError::TakenName { .. }), _) => {
                Self::unprocessable(told)
            }
            (_, ErrorKind::Usage) => Self::malformed(told),
            (_, ErrorKind::Damage) => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "damaged", "The repository is damaged", told)
                    .with_command("rowkeep check")
            }
            (_, ErrorKind::Refused) => Self::conflict(told),
            (_, ErrorKind::Failed) => Self::unavailable(told),
        }
    }
}

impl From<rowkeep::RequestError> for Problem {
    fn from(error: rowkeep::RequestError) -> Self {
        rowkeep::Error::from(error).into()
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Self {
        let said = rejection.body_text();
        let said = said.strip_prefix("Failed to deserialize query string: ").unwrap_or(&said);
        // A part is named where one is at fault, and a field by what is said of it.
        let (part, said) = match said.split_once(": ") {
            Some((part, said)) if !part.contains(' ') => (part, said),
            _ => (".", said),
        };
        Self::malformed(of_part("the query", part, said))
    }
}
