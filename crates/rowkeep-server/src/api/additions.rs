//! Databases that are added beside `rowkeep.toml`, and the repository of a service that has none.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use rowkeep::config::AddedDatabase;
use rowkeep::retention::StatedRules;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::access::Role;
use crate::health::DatabaseHealth;
use crate::web::additions::{add_database, added, change_database, remove_database};
use crate::web::extract::{Body, Named, optional_object};
use crate::web::guard::Caller;
use crate::web::new_repository::make_repository;
use crate::web::problem::Problem;
use crate::web::service::Service;

/// What is promised of a database.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PromiseBody {
    /// How much work may be lost at most: `6h`.
    lose: String,
    /// How soon it is back: `30min`.
    back_in: Option<String>,
}

/// What is said of a database that was added. `${NAME}` stands for itself here.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SettingsBody {
    /// Its URL or the path of its file, which stays where none is given.
    #[schema(value_type = Option<String>)]
    url: Option<SecretString>,
    #[serde(default, deserialize_with = "optional_object")]
    promise: Option<PromiseBody>,
    /// When what is done: `{"backup": "daily at 02:00", "drill": "off"}`.
    #[serde(default)]
    schedule: BTreeMap<String, String>,
    /// Which of its snapshots are kept: `{"daily": 30, "monthly": "1 year"}`; as for all databases when nothing is said.
    #[serde(default)]
    #[schema(value_type = Object)]
    keep: Map<String, Value>,
    /// The time zone of its days.
    timezone: Option<String>,
}

impl SettingsBody {
    /// The same, with an address that was given before where none is given now.
    fn added(self, before: Option<SecretString>) -> Result<AddedDatabase, Problem> {
        let url = self.url.or(before).ok_or_else(|| Problem::unprocessable("url is missing"))?;
        let keep: StatedRules = serde_json::from_value(Value::Object(self.keep))
            .map_err(|error| Problem::unprocessable(format!("keep: {error}")))?;
        Ok(AddedDatabase {
            url,
            promise: self.promise.map(|promise| (promise.lose, promise.back_in)),
            schedule: self.schedule,
            keep,
            timezone: self.timezone,
        })
    }
}

/// A database that is to be added, as `rowkeep.toml` would say it. `${NAME}` stands for itself here.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewDatabaseBody {
    /// Of letters, digits and `.`, `-`, `_`.
    #[schema(min_length = 1, max_length = 64, example = "archive")]
    name: String,
    /// Its URL or the path of its file. It never comes back with its password.
    #[schema(value_type = String, example = "archive.db")]
    url: SecretString,
    #[serde(default, deserialize_with = "optional_object")]
    promise: Option<PromiseBody>,
    /// When what is done: `{"backup": "daily at 02:00", "drill": "off"}`.
    #[serde(default)]
    schedule: BTreeMap<String, String>,
    /// Which of its snapshots are kept: `{"daily": 30, "monthly": "1 year"}`; as for all databases when nothing is said.
    #[serde(default)]
    #[schema(value_type = Object)]
    keep: Map<String, Value>,
    /// The time zone of its days.
    timezone: Option<String>,
}

/// A database that was just added.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct NewDatabase {
    #[serde(flatten)]
    database: DatabaseHealth,
    /// Where it is, without password.
    url: String,
    /// The job of its first backup.
    first_backup: String,
    /// The job of its first drill, which comes after it.
    first_drill: String,
}

/// Adds a database beside rowkeep.toml. Its first backup and its first drill are asked for.
#[utoipa::path(post, path = "/api/v1/databases", operation_id = "createDatabase", tag = "databases",
    request_body = NewDatabaseBody, responses(
    Problem,
    (status = 201, description = "The database", body = NewDatabase),
))]
pub(super) async fn create(
    State(service): State<Service>,
    caller: Caller,
    body: Result<Body<NewDatabaseBody>, Problem>,
) -> Result<Response, Problem> {
    caller.must(&service, Role::Admin, None, "database.create").await?;
    let Body(NewDatabaseBody { name, url, promise, schedule, keep, timezone }) = body?;
    let settings = SettingsBody { url: Some(url), promise, schedule, keep, timezone };
    let added = settings.added(None)?;
    let (backup, drill) = add_database(&service, &caller, &name, &added).await?;
    let database = NewDatabase {
        database: service.health().of(service.queue(), &name).await?,
        url: place(&service, &name),
        first_backup: backup.id,
        first_drill: drill.id,
    };
    let location = format!("/api/v1/databases/{name}");
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(database)).into_response())
}

/// Changes a database that was added; what is not said does not count any more, but for its URL.
#[utoipa::path(put, path = "/api/v1/databases/{database}", operation_id = "changeDatabase", tag = "databases",
    params(("database" = String, Path, description = "Its name")), request_body = SettingsBody, responses(
    Problem,
    (status = 200, description = "The database", body = DatabaseHealth),
))]
pub(super) async fn change(
    State(service): State<Service>,
    caller: Caller,
    Named(database): Named<String>,
    body: Result<Body<SettingsBody>, Problem>,
) -> Result<Json<DatabaseHealth>, Problem> {
    caller.must(&service, Role::Admin, None, "database.change").await?;
    let Body(settings) = body?;
    let before = added(&service, &database)?;
    change_database(&service, &caller, &database, &settings.added(Some(before.url))?).await?;
    Ok(Json(service.health().of(service.queue(), &database).await?))
}

/// Takes a database back that was added. Its snapshots stay.
#[utoipa::path(delete, path = "/api/v1/databases/{database}", operation_id = "removeDatabase", tag = "databases",
    params(("database" = String, Path, description = "Its name")), responses(
    Problem,
    (status = 204, description = "It is not backed up any more"),
))]
pub(super) async fn remove(
    State(service): State<Service>,
    caller: Caller,
    Named(database): Named<String>,
) -> Result<StatusCode, Problem> {
    remove_database(&service, &caller, &database).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Where the repository is to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RepositoryBody {
    /// A folder, or the URL of a bucket: `s3://backups/shop`.
    #[schema(min_length = 1)]
    location: String,
    /// What opens it, of 12 characters at least; left out where the service was started with a key file or a passphrase. Without it,
    /// nothing can be restored, and it never comes back.
    #[schema(value_type = Option<String>, min_length = 12)]
    passphrase: Option<SecretString>,
}

/// A repository that was just made.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct NewRepository {
    location: String,
    /// What its store was found to do when it was tried.
    #[schema(value_type = Vec<Object>)]
    findings: Vec<Value>,
}

/// Makes the repository of a service that has none, encrypted.
#[utoipa::path(post, path = "/api/v1/repository", operation_id = "createRepository", tag = "repository",
    request_body = RepositoryBody, responses(
    Problem,
    (status = 201, description = "The repository", body = NewRepository),
))]
pub(super) async fn create_repository(
    State(service): State<Service>,
    caller: Caller,
    body: Result<Body<RepositoryBody>, Problem>,
) -> Result<(StatusCode, Json<NewRepository>), Problem> {
    caller.must(&service, Role::Admin, None, "repository.create").await?;
    let Body(RepositoryBody { location, passphrase }) = body?;
    let found = make_repository(&service, &caller, &location, passphrase).await?;
    let findings = found.iter().map(|finding| serde_json::to_value(finding).unwrap_or_default()).collect();
    let location = service.queue().workspace().location().to_owned();
    Ok((StatusCode::CREATED, Json(NewRepository { location, findings })))
}

/// Where a database is, without password.
fn place(service: &Service, name: &str) -> String {
    let subject = format!("databases.{name}");
    let shown = service.settings().shown().into_iter().find(|shown| shown.subject == subject);
    shown.and_then(|shown| shown.place).unwrap_or_default()
}
