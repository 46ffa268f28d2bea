//! What changes databases: plans, and their execution.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use jiff::Timestamp;
use rowkeep::apply::plan::Mode;
use rowkeep::diff::Prefer;
use rowkeep::jobs::diff::DiffRequest;
use rowkeep::jobs::request::Request;
use rowkeep::jobs::restore::RestoreRequest;
use rowkeep::jobs::rows_wanted::RowsWanted;
use rowkeep::jobs::undo::UndoRequest;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::jobs::{self, JobView, WaitQuery};
use crate::access::Role;
use crate::web::extract::{Body, Named, Optional, object};
use crate::web::guard::Caller;
use crate::web::names::{LIVE, known, snapshot_named, state_named};
use crate::web::plans::{self, Planned};
use crate::web::problem::Problem;
use crate::web::service::Service;

/// Which tables and rows are meant; all when nothing is said.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Wanted {
    /// Only these tables, or groups of them.
    tables: Vec<String>,
    /// Not these tables.
    exclude: Vec<String>,
    /// Only rows for which this holds, before or after, such as `city = 'Oslo'`.
    condition: Option<String>,
    /// Only the rows of these keys, such as `customers:42`.
    keys: Vec<String>,
    /// Also the rows that are related to these, by foreign keys.
    with_related: bool,
}

impl From<Wanted> for RowsWanted {
    fn from(wanted: Wanted) -> Self {
        let Wanted { tables, exclude, condition, keys, with_related } = wanted;
        Self { tables, exclude, condition, keys, with_related }
    }
}

/// Which states are to be compared.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ComparisonBody {
    /// A snapshot of the database, by its id or the beginning of it, its name, `latest`, or `@TIME`; or `live`.
    #[schema(example = "latest")]
    before: String,
    /// The same; `live` when not given.
    after: Option<String>,
    /// Whether definitions are left out.
    #[serde(default)]
    rows_only: bool,
    #[serde(default, deserialize_with = "object")]
    wanted: Wanted,
}

/// Compares two states of a database: how many rows of which tables differ.
#[utoipa::path(post, path = "/api/v1/databases/{database}/comparisons", operation_id = "compare", tag = "databases",
    params(("database" = String, Path, description = "Its name in rowkeep.toml"), WaitQuery), request_body = ComparisonBody, responses(
    Problem,
    (status = 200, description = "The job, which is over", body = JobView),
    (status = 202, description = "The job, which goes on", body = JobView),
    (status = 404, description = "There is no such database or snapshot", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn compare(
    State(service): State<Service>,
    caller: Caller,
    Named(database): Named<String>,
    wait: Result<Query<WaitQuery>, QueryRejection>,
    headers: HeaderMap,
    body: Result<Body<ComparisonBody>, Problem>,
) -> Result<Response, Problem> {
    known(&service, &caller, &database).await?;
    caller.must(&service, Role::Operator, Some(&database), "comparison.create").await?;
    let Body(body) = body?;
    let before = state_named(&service, &database, &body.before).await?;
    let after = state_named(&service, &database, body.after.as_deref().unwrap_or(LIVE)).await?;
    let request = DiffRequest {
        wanted: body.wanted.into(),
        rows_only: body.rows_only,
        ..DiffRequest::of(before.as_str(), after.as_str())
    };
    jobs::ask(&service, &caller, "comparison.create", Request::Diff(request), Some(database), &headers, wait)
        .await
}

/// What is to be restored.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RestoreBody {
    /// A snapshot of the database, by its id or the beginning of it, its name, `latest`, or `@TIME`.
    #[schema(example = "latest")]
    snapshot: String,
    /// `replace`: the tables become equal; `update`: no row goes; `merge`: only missing rows come.
    #[serde(default)]
    #[schema(value_type = Option<String>, pattern = "^(replace|update|merge)$")]
    mode: Mode,
    /// An earlier snapshot: only what the snapshot changed since then comes, and what the database changed since then stays.
    base: Option<String>,
    /// With `base`, what counts where both changed a row or a value: `neither` makes no plan of it, `database`, `snapshot`.
    #[serde(default)]
    #[schema(value_type = Option<String>, pattern = "^(neither|database|snapshot)$")]
    prefer: Prefer,
    #[serde(default, deserialize_with = "object")]
    wanted: Wanted,
}

/// Makes a plan that brings rows of a snapshot back into its database. Nothing is changed; the plan is kept, and executed by its id.
#[utoipa::path(post, path = "/api/v1/databases/{database}/restores", operation_id = "planRestore", tag = "databases",
    params(("database" = String, Path, description = "Its name in rowkeep.toml"), WaitQuery), request_body = RestoreBody, responses(
    Problem,
    (status = 200, description = "The job, which is over", body = JobView),
    (status = 202, description = "The job, which goes on", body = JobView),
    (status = 404, description = "There is no such database or snapshot", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn plan(
    State(service): State<Service>,
    caller: Caller,
    Named(database): Named<String>,
    wait: Result<Query<WaitQuery>, QueryRejection>,
    headers: HeaderMap,
    body: Result<Body<RestoreBody>, Problem>,
) -> Result<Response, Problem> {
    known(&service, &caller, &database).await?;
    caller.must(&service, Role::Restorer, Some(&database), "restore.plan").await?;
    let Body(body) = body?;
    let base = match &body.base {
        Some(base) => Some(snapshot_named(&service, &database, base).await?),
        None => None,
    };
    let request = RestoreRequest {
        to: Some(database.as_str().into()),
        mode: body.mode,
        base,
        prefer: body.prefer,
        wanted: body.wanted.into(),
        plan_only: true,
        ..RestoreRequest::of(snapshot_named(&service, &database, &body.snapshot).await?)
    };
    jobs::ask(&service, &caller, "restore.plan", Request::Restore(request), Some(database), &headers, wait)
        .await
}

/// What is to be undone.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct UndoBody {
    /// The safety snapshot of what is to be undone; what was done last when not given.
    snapshot: Option<String>,
}

/// Makes a plan that takes back what a restore did. Nothing is changed; the plan is kept, and executed by its id.
#[utoipa::path(post, path = "/api/v1/databases/{database}/undos", operation_id = "planUndo", tag = "databases",
    params(("database" = String, Path, description = "Its name in rowkeep.toml"), WaitQuery), request_body = Option<UndoBody>, responses(
    Problem,
    (status = 200, description = "The job, which is over", body = JobView),
    (status = 202, description = "The job, which goes on", body = JobView),
    (status = 404, description = "There is no such database or snapshot", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn undo(
    State(service): State<Service>,
    caller: Caller,
    Named(database): Named<String>,
    wait: Result<Query<WaitQuery>, QueryRejection>,
    headers: HeaderMap,
    body: Optional<UndoBody>,
) -> Result<Response, Problem> {
    known(&service, &caller, &database).await?;
    caller.must(&service, Role::Restorer, Some(&database), "undo.plan").await?;
    let named = body.0.snapshot;
    let snapshot = match &named {
        Some(named) => Some(snapshot_named(&service, &database, named).await?),
        None => None,
    };
    let request = UndoRequest {
        database: Some(database.as_str().into()),
        snapshot,
        plan_only: true,
        ..UndoRequest::default()
    };
    jobs::ask(&service, &caller, "undo.plan", Request::Undo(request), Some(database), &headers, wait).await
}

/// A plan that was made.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PlanView {
    id: String,
    database: String,
    /// The snapshot that is restored; of an undo the safety snapshot.
    snapshot: String,
    #[schema(value_type = String, format = DateTime)]
    time: Timestamp,
    /// Who asked for it, where it was asked for here.
    #[serde(skip_serializing_if = "Option::is_none")]
    made_by: Option<String>,
    /// When its execution was begun.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    executed: Option<Timestamp>,
}

/// Plans, the oldest first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PlanList {
    plans: Vec<PlanView>,
    /// How many cannot be read.
    unreadable: u64,
}

/// Lists the plans that are kept.
#[utoipa::path(get, path = "/api/v1/plans", operation_id = "listPlans", tag = "plans", responses(
    Problem,
    (status = 200, description = "The plans, the oldest first", body = PlanList),
))]
pub(super) async fn list(State(service): State<Service>, caller: Caller) -> Result<Json<PlanList>, Problem> {
    let (listed, unreadable) = plans::list(&service, &caller).await?;
    let plans = listed.into_iter().map(PlanView::from).collect();
    Ok(Json(PlanList { plans, unreadable }))
}

impl From<Planned> for PlanView {
    fn from(planned: Planned) -> Self {
        let Planned { listing, made_by } = planned;
        Self {
            id: listing.id.to_string(),
            database: listing.plan.database,
            snapshot: listing.plan.snapshot.to_string(),
            time: listing.plan.time,
            made_by,
            executed: listing.executed,
        }
    }
}

/// Whether a plan is really to be executed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ExecutionBody {
    /// The name of the database that is changed.
    #[schema(min_length = 1, example = "shop")]
    confirm: String,
}

/// Executes a plan, once. A row that was changed since the plan was made stops it, and nothing is changed.
#[utoipa::path(post, path = "/api/v1/plans/{id}/executions", operation_id = "executePlan", tag = "plans",
    params(("id" = String, Path, description = "Of the plan"), WaitQuery), request_body = ExecutionBody, responses(
    Problem,
    (status = 200, description = "The job, which is over", body = JobView),
    (status = 202, description = "The job, which goes on", body = JobView),
    (status = 404, description = "There is no such plan", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "It was executed, or another person has to do it", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn execute(
    State(service): State<Service>,
    caller: Caller,
    Named(id): Named<String>,
    wait: Result<Query<WaitQuery>, QueryRejection>,
    headers: HeaderMap,
    body: Result<Body<ExecutionBody>, Problem>,
) -> Result<Response, Problem> {
    let plan = plans::plan(&service, &caller, &id).await?;
    caller.must(&service, Role::Restorer, Some(plan.database()), "plan.execute").await?;
    let Body(body) = body?;
    let database = plan.database().to_owned();
    let request = plans::execution(&service, &caller, plan, &body.confirm).await?;
    jobs::ask(&service, &caller, "plan.execute", request, Some(database), &headers, wait).await
}
