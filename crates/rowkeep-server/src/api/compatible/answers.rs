//! Answers in the form that those applications read.

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::web::problem::Problem;

/// What became of a request.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) struct Done {
    pub(super) success: bool,
    /// The id of the backup that was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) backup_id: Option<String>,
    /// What happened, in words.
    pub(super) message: String,
}

/// Why a request was not done.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct NotDone {
    success: bool,
    /// What happened, in words.
    message: String,
    /// The same.
    error: String,
}

/// A problem, answered in the form that those applications read.
pub(in crate::api) struct Refused(Problem);

impl<P: Into<Problem>> From<P> for Refused {
    fn from(problem: P) -> Self {
        Self(problem.into())
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let told = self.0.detail().to_owned();
        let problem = self.0.into_response();
        let body = NotDone { success: false, message: told.clone(), error: told };
        let mut response = (problem.status(), Json(body)).into_response();
        for name in [header::WWW_AUTHENTICATE, header::RETRY_AFTER] {
            if let Some(value) = problem.headers().get(&name) {
                response.headers_mut().insert(name, value.clone());
            }
        }
        response
    }
}

/// The answer where a job goes on longer than anybody waits.
pub(super) fn goes_on(job: &str) -> Response {
    let message = format!("it goes on as job {job}: GET /api/v1/jobs/{job} says what becomes of it");
    (StatusCode::ACCEPTED, Json(Done { success: true, backup_id: None, message })).into_response()
}
