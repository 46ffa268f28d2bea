//! How the service is, and the databases in one sentence.

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use crate::health::{DatabaseHealth, Standing, in_one_sentence};
use crate::state::marks;
use crate::web::answering::known_or;
use crate::web::guard::Caller;
use crate::web::problem::Problem;
use crate::web::service::Service;

/// How the databases are.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Health {
    /// In one sentence: `11 of 12 databases keep their promise`.
    summary: String,
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
        Ok(Health { summary: in_one_sentence(databases), databases: count, kept, others })
    })
    .await
}

/// The process is there.
pub(super) async fn alive() -> &'static str {
    "ok\n"
}

/// The state can be used.
pub(super) async fn ready(State(service): State<Service>) -> (StatusCode, &'static str) {
    // A disk that is full can be read.
    let now = service.queue().now();
    match service.queue().state().transaction(move |state| marks::set(state, "readyz", "", now)).await {
        Ok(_) => (StatusCode::OK, "ok\n"),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the state cannot be used\n"),
    }
}
