//! Databases, their snapshots, and what is done for them.

use std::collections::BTreeMap;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use rowkeep::jobs::backup::BackupRequest;
use rowkeep::jobs::drill::DrillRequest;
use rowkeep::jobs::holds::{HoldRequest, ReleaseRequest};
use rowkeep::jobs::request::Request;
use rowkeep::state::snapshots::EVENT;
use rowkeep::units::is_unseen;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::jobs::{self, JobView, WaitQuery, limit, number};
use super::snapshot_view::SnapshotView;
use crate::access::Role;
use crate::health::DatabaseHealth;
use crate::web::answering::known_or;
use crate::web::extract::{Body, Named, Optional};
use crate::web::guard::Caller;
use crate::web::names::{known, snapshot_named};
use crate::web::problem::Problem;
use crate::web::service::Service;

/// The databases that are configured.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DatabaseList {
    databases: Vec<DatabaseHealth>,
}

/// Lists the databases and how they are.
#[utoipa::path(get, path = "/api/v1/databases", operation_id = "listDatabases", tag = "databases", responses(
    Problem,
    (status = 200, description = "The databases, by name", body = DatabaseList),
))]
pub(super) async fn list(
    State(service): State<Service>,
    caller: Caller,
    uri: Uri,
) -> Result<Response, Problem> {
    known_or(&service, &caller, &uri, async {
        let all = service.health().all(service.queue()).await?;
        let seen = all.iter().filter(|health| caller.0.sees(Some(&health.name)));
        Ok(DatabaseList { databases: seen.cloned().collect() })
    })
    .await
}

/// Says how a database is.
#[utoipa::path(get, path = "/api/v1/databases/{database}", operation_id = "getDatabase", tag = "databases",
    params(("database" = String, Path, description = "Its name in rowkeep.toml")), responses(
    Problem,
    (status = 200, description = "The database", body = DatabaseHealth),
    (status = 404, description = "There is no such database", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn show(
    State(service): State<Service>,
    caller: Caller,
    uri: Uri,
    Named(database): Named<String>,
) -> Result<Response, Problem> {
    known(&service, &caller, &database).await?;
    let health = async { Ok(service.health().of(service.queue(), &database).await?) };
    known_or(&service, &caller, &uri, health).await
}

/// Snapshots, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SnapshotList {
    snapshots: Vec<SnapshotView>,
    /// What to ask for the next page with; missing on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct PageQuery {
    /// The page that begins here, as `next_cursor` of the page before says.
    #[param(pattern = "^[0-9]{1,18}$")]
    pub(super) cursor: Option<String>,
    /// How many are wanted, 50 unless said otherwise.
    #[param(minimum = 1, maximum = 500)]
    pub(super) limit: Option<u32>,
}

/// Lists the snapshots of a database.
#[utoipa::path(get, path = "/api/v1/databases/{database}/snapshots", operation_id = "listSnapshots", tag = "databases",
    params(("database" = String, Path, description = "Its name in rowkeep.toml"), PageQuery), responses(
    Problem,
    (status = 200, description = "Its snapshots, the newest first", body = SnapshotList),
    (status = 404, description = "There is no such database", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn snapshots(
    State(service): State<Service>,
    caller: Caller,
    Named(database): Named<String>,
    query: Result<Query<PageQuery>, QueryRejection>,
    uri: Uri,
) -> Result<Response, Problem> {
    known(&service, &caller, &database).await?;
    let Query(query) = query?;
    let limit = limit(query.limit)? as usize;
    let before = number(query.cursor.as_deref())?;
    known_or(&service, &caller, &uri, async {
        let listed = service.snapshots().of(service.queue(), &database).await?;
        // Counted from the oldest, so that a new one moves no page.
        let end = before.map_or(listed.len(), |before| usize::try_from(before).unwrap_or(0));
        let end = end.min(listed.len());
        let begin = end.saturating_sub(limit);
        let snapshots = listed[begin..end].iter().rev().map(SnapshotView::from).collect();
        Ok(SnapshotList { snapshots, next_cursor: (begin > 0).then(|| begin.to_string()) })
    })
    .await
}

/// What a backup is to be.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct BackupBody {
    /// A name for the snapshot.
    #[schema(min_length = 1, max_length = 256)]
    name: Option<String>,
    /// Labels for it, such as `release: v2.4.1`.
    tags: BTreeMap<String, String>,
}

/// No snapshot gets more tags.
const MOST_TAGS: usize = 32;

/// No name and no tag is longer than so many bytes: everybody who lists snapshots sees them all.
const LONGEST: usize = 256;

pub(super) fn check_tags(tags: &BTreeMap<String, String>) -> Result<(), Problem> {
    if tags.len() > MOST_TAGS {
        return Err(Problem::unprocessable(format!("there are more than {MOST_TAGS} tags")));
    }
    tags.iter().try_for_each(|(name, value)| {
        if name.is_empty() {
            return Err(Problem::unprocessable("a tag has a name"));
        }
        plain("the name of a tag", name)?;
        plain("the value of a tag", value)
    })
}

pub(super) fn plain(what: &str, text: &str) -> Result<(), Problem> {
    match text.len() <= LONGEST && !text.chars().any(is_unseen) {
        true => Ok(()),
        false => Err(Problem::unprocessable(format!(
            "{what} is longer than {LONGEST} bytes, or has control characters"
        ))),
    }
}

/// Backs up a database.
#[utoipa::path(post, path = "/api/v1/databases/{database}/backups", operation_id = "backUp", tag = "databases",
    params(("database" = String, Path, description = "Its name in rowkeep.toml"), WaitQuery), request_body = Option<BackupBody>, responses(
    Problem,
    (status = 200, description = "The job, which is over", body = JobView),
    (status = 202, description = "The job, which goes on", body = JobView),
    (status = 404, description = "There is no such database", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn back_up(
    State(service): State<Service>,
    caller: Caller,
    Named(database): Named<String>,
    wait: Result<Query<WaitQuery>, QueryRejection>,
    headers: HeaderMap,
    body: Optional<BackupBody>,
) -> Result<Response, Problem> {
    known(&service, &caller, &database).await?;
    caller.must(&service, Role::Operator, Some(&database), "backup.create").await?;
    let Optional(body) = body;
    if let Some(name) = &body.name {
        service.queue().workspace().check_name(name)?;
        plain("name", name)?;
    }
    check_tags(&body.tags)?;
    let request = BackupRequest {
        database: Some(database.as_str().into()),
        name: body.name,
        tags: body.tags,
        ..BackupRequest::default()
    };
    jobs::ask(&service, &caller, "backup.create", Request::Backup(request), Some(database), &headers, wait)
        .await
}

/// What an application announces.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EventBody {
    /// What is about to happen, or has, such as `before-migration`.
    #[schema(min_length = 1, max_length = 256, example = "before-migration")]
    event: String,
    /// Labels for the snapshot, such as `release: v2.4.1`.
    #[serde(default)]
    tags: BTreeMap<String, String>,
}

/// Takes note of something that an application announces, by a backup that is tagged with it.
#[utoipa::path(post, path = "/api/v1/databases/{database}/events", operation_id = "announce", tag = "databases",
    params(("database" = String, Path, description = "Its name in rowkeep.toml"), WaitQuery), request_body = EventBody, responses(
    Problem,
    (status = 200, description = "The job of the backup, which is over", body = JobView),
    (status = 202, description = "The job of the backup, which goes on", body = JobView),
    (status = 404, description = "There is no such database", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn announce(
    State(service): State<Service>,
    caller: Caller,
    Named(database): Named<String>,
    wait: Result<Query<WaitQuery>, QueryRejection>,
    headers: HeaderMap,
    body: Result<Body<EventBody>, Problem>,
) -> Result<Response, Problem> {
    known(&service, &caller, &database).await?;
    caller.must(&service, Role::Operator, Some(&database), "event.create").await?;
    let Body(EventBody { event, mut tags }) = body?;
    if event.is_empty() || tags.contains_key(EVENT) {
        return Err(Problem::unprocessable("an event has a name, and no tag is called event"));
    }
    tags.insert(EVENT.to_owned(), event);
    check_tags(&tags)?;
    let request =
        BackupRequest { database: Some(database.as_str().into()), tags, ..BackupRequest::default() };
    jobs::ask(&service, &caller, "event.create", Request::Backup(request), Some(database), &headers, wait)
        .await
}

/// Tests whether the newest snapshot of a database can be restored.
#[utoipa::path(post, path = "/api/v1/databases/{database}/drills", operation_id = "drill", tag = "databases",
    params(("database" = String, Path, description = "Its name in rowkeep.toml"), WaitQuery), responses(
    Problem,
    (status = 200, description = "The job, which is over", body = JobView),
    (status = 202, description = "The job, which goes on", body = JobView),
    (status = 404, description = "There is no such database", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn drill(
    State(service): State<Service>,
    caller: Caller,
    Named(database): Named<String>,
    wait: Result<Query<WaitQuery>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    known(&service, &caller, &database).await?;
    caller.must(&service, Role::Operator, Some(&database), "drill.create").await?;
    let request = DrillRequest { database: Some(database.as_str().into()), ..DrillRequest::default() };
    jobs::ask(&service, &caller, "drill.create", Request::Drill(request), Some(database), &headers, wait)
        .await
}

/// Why and how long a snapshot is to be held.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct HoldBody {
    /// When the hold ends by itself: a time, or a length of time such as `30d`.
    until: Option<String>,
    /// Why it is held.
    reason: Option<String>,
}

/// Holds a snapshot: no rule and nobody deletes it until it is released.
#[utoipa::path(put, path = "/api/v1/databases/{database}/snapshots/{snapshot}/hold", operation_id = "holdSnapshot", tag = "databases",
    params(("database" = String, Path, description = "Its name in rowkeep.toml"),
        ("snapshot" = String, Path, description = "Its id or the beginning of it, its name, or `latest`"), WaitQuery),
    request_body = Option<HoldBody>, responses(
    Problem,
    (status = 200, description = "The job, which is over", body = JobView),
    (status = 202, description = "The job, which goes on", body = JobView),
    (status = 404, description = "There is no such database or snapshot", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn hold(
    State(service): State<Service>,
    caller: Caller,
    Named((database, snapshot)): Named<(String, String)>,
    wait: Result<Query<WaitQuery>, QueryRejection>,
    headers: HeaderMap,
    body: Optional<HoldBody>,
) -> Result<Response, Problem> {
    known(&service, &caller, &database).await?;
    caller.must(&service, Role::Operator, Some(&database), "snapshot.hold").await?;
    let Optional(body) = body;
    let snapshot = snapshot_named(&service, &database, &snapshot).await?;
    let request = Request::Hold(HoldRequest { snapshot, until: body.until, reason: body.reason });
    jobs::ask(&service, &caller, "snapshot.hold", request, Some(database), &headers, wait).await
}

/// Releases a snapshot from its holds; a suspicious one counts as looked at.
#[utoipa::path(delete, path = "/api/v1/databases/{database}/snapshots/{snapshot}/hold", operation_id = "releaseSnapshot", tag = "databases",
    params(("database" = String, Path, description = "Its name in rowkeep.toml"),
        ("snapshot" = String, Path, description = "Its id or the beginning of it, its name, or `latest`"), WaitQuery), responses(
    Problem,
    (status = 200, description = "The job, which is over", body = JobView),
    (status = 202, description = "The job, which goes on", body = JobView),
    (status = 404, description = "There is no such database or snapshot", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn release(
    State(service): State<Service>,
    caller: Caller,
    Named((database, snapshot)): Named<(String, String)>,
    wait: Result<Query<WaitQuery>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    known(&service, &caller, &database).await?;
    caller.must(&service, Role::Admin, Some(&database), "snapshot.release").await?;
    let snapshot = snapshot_named(&service, &database, &snapshot).await?;
    let request = Request::Release(ReleaseRequest { snapshot });
    jobs::ask(&service, &caller, "snapshot.release", request, Some(database), &headers, wait).await
}
