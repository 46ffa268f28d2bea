//! The rows that differ between two states of a database.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use serde::Deserialize;
use utoipa::IntoParams;

use super::jobs::limit;
use crate::access::Role;
use crate::web::differences::{Page, page};
use crate::web::extract::Named;
use crate::web::guard::Caller;
use crate::web::names::{LIVE, known};
use crate::web::problem::Problem;
use crate::web::service::Service;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct DifferencesQuery {
    /// A snapshot of the database, by its id or the beginning of it, its name, `latest`, or `@TIME`; or `live`.
    #[param(example = "latest")]
    before: String,
    /// The same; `live` when not given.
    after: Option<String>,
    /// The table, in PostgreSQL also with its schema: `customers`, `audit.entries`.
    #[param(example = "customers")]
    table: String,
    /// The page that begins here, as `next_cursor` of the page before says; the rest of the query is the same then.
    #[param(pattern = "^[0-9a-f]+-[0-9]{1,9}-[0-9]{1,9}$")]
    cursor: Option<String>,
    /// How many are wanted, 50 unless said otherwise.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

/// Gives the rows of a table that differ between two states, page by page. All pages are of one comparison, which is kept for ten
/// minutes after it was used last; a page ends early where its rows are large.
#[utoipa::path(get, path = "/api/v1/databases/{database}/differences", operation_id = "listDifferences", tag = "databases",
    params(("database" = String, Path, description = "Its name in rowkeep.toml"), DifferencesQuery), responses(
    Problem,
    (status = 200, description = "The rows that differ", body = Page),
    (status = 404, description = "There is no such database, snapshot or table", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "The comparison of the cursor is not kept any more", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn show(
    State(service): State<Service>,
    caller: Caller,
    Named(database): Named<String>,
    query: Result<Query<DifferencesQuery>, QueryRejection>,
) -> Result<Json<Page>, Problem> {
    const ACTION: &str = "difference.read";
    known(&service, &caller, &database).await?;
    caller.must(&service, Role::Operator, Some(&database), ACTION).await?;
    let Query(DifferencesQuery { before, after, table, cursor, limit: stated }) = query?;
    let limit = limit(stated)? as usize;
    let after = after.as_deref().unwrap_or(LIVE);
    let read = page(&service, &database, &before, after, &table, cursor.as_deref(), limit).await?;
    if cursor.is_none() {
        caller.note(&service, ACTION, format!("table {} of {database}", read.table), "done").await?;
    }
    Ok(Json(read))
}
