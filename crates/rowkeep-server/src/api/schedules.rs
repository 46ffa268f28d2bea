//! What is done by itself, and when.

use axum::Json;
use axum::extract::State;
use rowkeep::jobs::check_config::{BrokenPromise, ScheduledWork, check};
use serde::Serialize;
use utoipa::ToSchema;

use crate::web::guard::Caller;
use crate::web::problem::Problem;
use crate::web::service::Service;

/// What is done by itself.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ScheduleList {
    #[schema(value_type = Vec<Object>)]
    schedules: Vec<ScheduledWork>,
    /// Promises that cannot be kept by what is configured.
    #[schema(value_type = Vec<Object>)]
    broken_promises: Vec<BrokenPromise>,
}

/// Lists what is done by itself, and when it is done next.
#[utoipa::path(get, path = "/api/v1/schedules", operation_id = "listSchedules", tag = "schedules", responses(
    Problem,
    (status = 200, description = "What is done by itself", body = ScheduleList),
))]
pub(super) async fn list(
    State(service): State<Service>,
    caller: Caller,
) -> Result<Json<ScheduleList>, Problem> {
    let mut outcome = check(service.queue().workspace().config(), service.queue().now());
    outcome.schedules.retain(|scheduled| caller.0.sees(scheduled.database.as_deref()));
    outcome.broken_promises.retain(|broken| caller.0.sees(Some(&broken.database)));
    Ok(Json(ScheduleList { schedules: outcome.schedules, broken_promises: outcome.broken_promises }))
}
