//! Answers to programs that ask for the same again and again.

use std::future::Future;

use axum::body::Bytes;
use axum::http::{Uri, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::guard::Caller;
use super::known_answers::Moment;
use super::problem::Problem;
use super::service::Service;
use crate::Error;

/// Answers with what was answered in this moment to somebody who may see the same, or else with what is made now. Who asks, and
/// whether he may, has to be known before.
pub(crate) async fn known_or<T: Serialize>(
    service: &Service,
    caller: &Caller,
    uri: &Uri,
    make: impl Future<Output = Result<T, Problem>>,
) -> Result<Response, Problem> {
    let asked = (uri.to_string(), caller.0.role, caller.0.databases.clone());
    let now = Moment::now(service.queue());
    let answer = match service.answers().get(&now, &asked) {
        Some(known) => known,
        None => {
            let answer =
                serde_json::to_vec(&make.await?).map_err(|error| Error::Content(error.to_string()))?;
            let answer = Bytes::from(answer);
            service.answers().keep(&now, asked, answer.clone());
            answer
        }
    };
    Ok(([(header::CONTENT_TYPE, "application/json")], answer).into_response())
}
