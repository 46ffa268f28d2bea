//! A snapshot, the rows of its tables, and every version of a row.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use rowkeep::format::TableName;
use rowkeep::jobs::browse::Browsed;
use rowkeep::rows::condition::key_text;
use rowkeep::rows::json::value_json;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::{IntoParams, ToSchema};

use super::jobs::limit;
use super::snapshot_view::SnapshotView;
use crate::web::extract::Named;
use crate::web::guard::Caller;
use crate::web::names::known;
use crate::web::problem::Problem;
use crate::web::rows::{self, Asked, Start};
use crate::web::service::Service;
use crate::web::snapshots::details;

/// A snapshot and what is known of it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SnapshotDetails {
    /// The snapshot, as it is listed.
    snapshot: SnapshotView,
    /// Its tables, each with its `table`, `rows`, `bytes` and `hash`.
    #[schema(value_type = Vec<Object>)]
    contents: Vec<Value>,
    /// The id of the snapshot of the same database before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<String>,
    /// The job of this service that made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    job: Option<String>,
    /// Who asked for that.
    #[serde(skip_serializing_if = "Option::is_none")]
    asked_by: Option<String>,
    /// The program that made it.
    program: String,
    /// The rules that say what is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    rules: Option<String>,
    /// What becomes of it: `kept` by what, `goes` when, `unkept_since`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    keeping: Option<Value>,
    /// The last check of the repository that was begun after it was made: its `job`, `time`, whether it was `clean`, and of how many
    /// packs in a hundred all data was read (`read_percent`).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    checked: Option<Value>,
    /// The last drill that brought it back, equal by hash: its `job`, `time` and `recovery_ms`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    proven: Option<Value>,
}

/// Gives a snapshot: what it holds, what keeps it, and whether it was checked and proven.
#[utoipa::path(get, path = "/api/v1/databases/{database}/snapshots/{snapshot}", operation_id = "getSnapshot", tag = "databases",
    params(("database" = String, Path, description = "Its name in rowkeep.toml"),
        ("snapshot" = String, Path, description = "Its id or the beginning of it, its name, `latest`, or `@TIME`")), responses(
    Problem,
    (status = 200, description = "The snapshot", body = SnapshotDetails),
    (status = 404, description = "There is no such database or snapshot", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn show(
    State(service): State<Service>,
    caller: Caller,
    Named((database, snapshot)): Named<(String, String)>,
) -> Result<Json<SnapshotDetails>, Problem> {
    let found = details(&service, &caller, &database, &snapshot).await?;
    let tables = found.snapshot.manifest.tables.iter();
    let table = |table: &rowkeep::format::TableEntry| {
        let root = &table.root;
        json!({ "table": table.name, "rows": root.rows, "bytes": root.bytes, "hash": root.hash.to_string() })
    };
    Ok(Json(SnapshotDetails {
        contents: tables.map(table).collect(),
        before: found.before.map(|id| id.to_string()),
        job: found.made_by.as_ref().map(|job| job.id.clone()),
        asked_by: found.made_by.map(|job| job.asked_by),
        program: found.snapshot.manifest.program,
        rules: found.rules,
        keeping: found.decision.ok().map(|decision| json!(decision)),
        checked: found.check.map(|check| {
            let (clean, percent) = (check.is_clean, check.read_percent);
            json!({ "job": check.job, "time": check.time, "clean": clean, "read_percent": percent })
        }),
        proven: found
            .proof
            .map(|proof| json!({ "job": proof.job, "time": proof.time, "recovery_ms": proof.recovery_ms })),
        snapshot: SnapshotView::from(&found.summary),
    }))
}

/// Rows of a table of a snapshot.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RowList {
    /// The id of the snapshot.
    snapshot: String,
    #[schema(value_type = Object)]
    table: TableName,
    /// The names of its columns in their order.
    columns: Vec<String>,
    /// Those of them that identify a row.
    key_columns: Vec<String>,
    /// How many rows the table has.
    total: u64,
    /// How many of them come before these, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<u64>,
    /// Whether the first of these rows has the key that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    found: Option<bool>,
    /// Whether values were masked before they were stored.
    masked: bool,
    /// The rows, in the order of their keys: their `values`, and `restore_key`, by which a restore names a row, where a key does.
    #[schema(value_type = Vec<Object>)]
    rows: Vec<Value>,
    /// What to ask for the next page with as `after`; missing on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_after: Option<u64>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct RowsQuery {
    /// The rows that come after the first so many.
    after: Option<u64>,
    /// Instead: the rows from that key on, whose values have commas between them, such as `42` or `7,'a, b'`.
    key: Option<String>,
    /// How many are wanted, 50 unless said otherwise.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

/// Gives rows of a table of a snapshot, in the order of their keys, from a place or a key on. A page ends early where its rows are large.
#[utoipa::path(get, path = "/api/v1/databases/{database}/snapshots/{snapshot}/tables/{table}/rows", operation_id = "listRows", tag = "databases",
    params(("database" = String, Path, description = "Its name in rowkeep.toml"),
        ("snapshot" = String, Path, description = "Its id or the beginning of it, its name, `latest`, or `@TIME`"),
        ("table" = String, Path, description = "The table, in PostgreSQL also with its schema: `customers`, `audit.entries`"), RowsQuery), responses(
    Problem,
    (status = 200, description = "The rows", body = RowList),
    (status = 404, description = "There is no such database, snapshot or table", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn rows(
    State(service): State<Service>,
    caller: Caller,
    Named((database, snapshot, table)): Named<(String, String, String)>,
    query: Result<Query<RowsQuery>, QueryRejection>,
) -> Result<Json<RowList>, Problem> {
    known(&service, &caller, &database).await?;
    let Query(RowsQuery { after, key, limit: stated }) = query?;
    let from = match (after, key) {
        (Some(_), Some(_)) => {
            return Err(Problem::unprocessable("ask for rows after a place or from a key on, not both"));
        }
        (_, Some(key)) => Start::Key(key),
        (Some(after), None) if i64::try_from(after).is_err() => {
            return Err(Problem::malformed("after: no table has so many rows"));
        }
        (after, None) => Start::Place(after.unwrap_or(0)),
    };
    let (database, snapshot, table) = (&*database, &*snapshot, &*table);
    let asked = Asked { database, snapshot, table, from, limit: limit(stated)? as usize };
    Ok(Json(listed(&rows::read(&service, &caller, asked).await?)))
}

fn listed(browsed: &Browsed) -> RowList {
    let table = &browsed.table;
    let name = |column: usize| table.columns[column].name.clone();
    let shown: Vec<usize> =
        (0..table.columns.len()).filter(|column| !table.columns[*column].hidden).collect();
    let row = |row: usize| {
        let value = |column: &usize| (name(*column), value_json(browsed.rows.value(row, *column)));
        let mut object = json!({ "values": shown.iter().map(value).collect::<Map<_, _>>() });
        if let Some(key) = key_text(table, browsed.dialect, &browsed.rows, row) {
            object["restore_key"] = Value::String(key);
        }
        object
    };
    RowList {
        snapshot: browsed.snapshot.id.to_string(),
        table: table.name.clone(),
        columns: shown.iter().map(|column| name(*column)).collect(),
        key_columns: table.identified_by().naming().map(|part| name(part.column)).collect(),
        total: browsed.total,
        after: browsed.before,
        found: browsed.is_found,
        masked: browsed.snapshot.manifest.is_masked(),
        rows: (0..browsed.rows.rows()).map(row).collect(),
        next_after: browsed.next(),
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct HistoryQuery {
    /// The row, as a restore names it: `customers:42`.
    #[param(example = "customers:42")]
    row: String,
}

/// Every version of a row that the snapshots of a database hold.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RowHistory {
    /// The row, as it was asked for.
    row: String,
    /// How many snapshots were looked at.
    snapshots: u64,
    /// What happened to it, the oldest first: `snapshot` and `time` where it was seen first, `what` (`was_there`, `appeared`, `changed`,
    /// `vanished`, `came_back`), and the `columns` with `before` and `after`.
    #[schema(value_type = Vec<Object>)]
    versions: Vec<Value>,
    /// What else there is to know: snapshots that were passed over and why, columns and keys that changed.
    #[schema(value_type = Vec<Object>)]
    notes: Vec<Value>,
}

/// Follows a row through the snapshots of a database.
#[utoipa::path(get, path = "/api/v1/databases/{database}/history", operation_id = "followRow", tag = "databases",
    params(("database" = String, Path, description = "Its name in rowkeep.toml"), HistoryQuery), responses(
    Problem,
    (status = 200, description = "Its versions", body = RowHistory),
    (status = 404, description = "There is no such database or table", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn history(
    State(service): State<Service>,
    caller: Caller,
    Named(database): Named<String>,
    query: Result<Query<HistoryQuery>, QueryRejection>,
) -> Result<Json<RowHistory>, Problem> {
    known(&service, &caller, &database).await?;
    let Query(HistoryQuery { row }) = query?;
    let followed = rows::follow(&service, &caller, &database, &row).await?;
    let versions = followed.versions.iter().map(|version| json!(version)).collect();
    let notes = followed.notes.iter().map(|note| json!(note)).collect();
    Ok(Json(RowHistory { row, snapshots: followed.snapshots, versions, notes }))
}
