//! How the service is, and the databases in one sentence.

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use crate::health::{DatabaseHealth, Standing, in_one_sentence};
use crate::state::marks;
use crate::state::trouble::Trouble;
use crate::web::answering::known_or;
use crate::web::guard::Caller;
use crate::web::problem::Problem;
use crate::web::service::Service;

/// How the databases are.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Health {
    /// In one sentence: `11 of 12 databases keep their promise`.
    summary: String,
    /// What is wrong with the state of the service itself: its disk is full, or its file is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    state_problem: Option<&'static str>,
    /// How many there are, of those that the token is for.
    databases: u64,
    /// How many of them are as they should be.
    kept: u64,
    /// Those that are not, the worst first.
    others: Vec<DatabaseHealth>,
}

/// Says how the databases are.
#[utoipa::path(get, path = "/api/v1/health", operation_id = "getHealth", tag = "health", responses(
    Problem,
    (status = 200, description = "How the databases are", body = Health),
))]
pub(super) async fn health(
    State(service): State<Service>,
    caller: Caller,
    uri: Uri,
) -> Result<Response, Problem> {
    known_or(&service, &caller, &uri, async {
        let all = service.health().all(service.queue()).await?;
        let seen = all.iter().filter(|health| caller.0.sees(Some(&health.name)));
        let (mut others, databases): (Vec<_>, Vec<_>) = {
            let databases: Vec<&DatabaseHealth> = seen.collect();
            let others = databases.iter().filter(|database| database.standing != Standing::Kept);
            (others.copied().cloned().collect(), databases)
        };
        others.sort_by_key(|database| Standing::ALL.iter().position(|worst| *worst == database.standing));
        let count = databases.len() as u64;
        let kept = count - others.len() as u64;
        let state_problem = service.queue().state().trouble().map(Trouble::words);
        Ok(Health { summary: in_one_sentence(databases), state_problem, databases: count, kept, others })
    })
    .await
}

/// The process is there.
pub(super) async fn alive() -> &'static str {
    "ok\n"
}

/// The state can be used.
pub(super) async fn ready(State(service): State<Service>) -> (StatusCode, String) {
    // A disk that is full can be read.
    let (now, state) = (service.queue().now(), service.queue().state());
    let written = state.transaction(move |state| marks::set(state, "readyz", "", now)).await;
    match (written, state.trouble()) {
        (Ok(()), None) => (StatusCode::OK, "ok\n".to_owned()),
        (Err(_), None) => (StatusCode::SERVICE_UNAVAILABLE, "the state cannot be used\n".to_owned()),
        (_, Some(trouble)) => {
            (StatusCode::SERVICE_UNAVAILABLE, format!("the state cannot be relied on: {}\n", trouble.words()))
        }
    }
}
