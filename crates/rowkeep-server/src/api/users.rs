//! Users: people who sign in, and what they may do.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::Role;
use crate::state::users::{self, User};
use crate::web::access::{self, Scope};
use crate::web::extract::{Body, Named};
use crate::web::guard::Caller;
use crate::web::problem::Problem;
use crate::web::service::Service;

/// A user.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct UserView {
    id: String,
    name: String,
    role: String,
    /// The databases that he has to do with; missing when it is all.
    #[serde(skip_serializing_if = "Option::is_none")]
    databases: Option<Vec<String>>,
    /// Whether codes of a second factor are asked for.
    has_second_factor: bool,
    /// Whether he has not chosen a password yet.
    must_change_password: bool,
    #[schema(value_type = String, format = DateTime)]
    created: Timestamp,
    /// To the minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    last_seen: Option<Timestamp>,
}

impl From<User> for UserView {
    fn from(user: User) -> Self {
        Self {
            id: user.id,
            name: user.name,
            role: user.role,
            databases: user.databases,
            has_second_factor: user.second_factor.is_some(),
            must_change_password: user.must_change,
            created: user.created,
            last_seen: user.last_seen,
        }
    }
}

/// The users.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct UserList {
    users: Vec<UserView>,
}

/// A user with a password that he has to change.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct UserWithPassword {
    #[serde(flatten)]
    user: UserView,
    /// For the first sign-in. Nobody can show it again.
    password: String,
}

/// What a user is to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UserBody {
    /// Of letters, digits and `.`, `-`, `_`, `@`.
    #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9._@-]+$")]
    name: String,
    role: Role,
    /// The databases that he has to do with; all when not given.
    databases: Option<Vec<String>>,
}

/// What a user may do.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RoleBody {
    role: Role,
    /// The databases that he has to do with; all when not given.
    databases: Option<Vec<String>>,
}

/// Lists the users.
#[utoipa::path(get, path = "/api/v1/users", operation_id = "listUsers", tag = "users",
    responses((status = 200, description = "The users, by name", body = UserList), Problem))]
pub(super) async fn list(State(service): State<Service>, caller: Caller) -> Result<Json<UserList>, Problem> {
    caller.must(&service, Role::Admin, None, "user.list").await?;
    let users = service.queue().state().transaction(users::list).await?;
    Ok(Json(UserList { users: users.into_iter().map(UserView::from).collect() }))
}

/// Makes a user, with a password for the first sign-in, which is shown this once.
#[utoipa::path(post, path = "/api/v1/users", operation_id = "createUser", tag = "users", request_body = UserBody,
    responses((status = 201, description = "The user with the password", body = UserWithPassword), Problem))]
pub(super) async fn create(
    State(service): State<Service>,
    caller: Caller,
    body: Result<Body<UserBody>, Problem>,
) -> Result<(StatusCode, Json<UserWithPassword>), Problem> {
    // Whoever may not is told so, whatever he sends.
    caller.must(&service, Role::Admin, None, "user.create").await?;
    let Body(body) = body?;
    let scope = Scope { role: body.role, databases: body.databases };
    let (user, password) = access::create_user(&service, &caller, body.name, scope).await?;
    let password = password.expose_secret().to_owned();
    Ok((StatusCode::CREATED, Json(UserWithPassword { user: user.into(), password })))
}

/// Changes what a user may do.
#[utoipa::path(put, path = "/api/v1/users/{id}/role", operation_id = "setUserRole", tag = "users", request_body = RoleBody,
    params(("id" = String, Path, description = "Of the user")),
    responses((status = 200, description = "The user", body = UserView), Problem))]
pub(super) async fn set_role(
    State(service): State<Service>,
    caller: Caller,
    Named(id): Named<String>,
    body: Result<Body<RoleBody>, Problem>,
) -> Result<Json<UserView>, Problem> {
    caller.must(&service, Role::Admin, None, "user.role").await?;
    let Body(body) = body?;
    let scope = Scope { role: body.role, databases: body.databases };
    Ok(Json(access::set_role(&service, &caller, &id, scope).await?.into()))
}

/// Gives a user another password for one sign-in, and removes the second factor: for whoever has lost theirs.
#[utoipa::path(post, path = "/api/v1/users/{id}/password-resets", operation_id = "resetPassword", tag = "users",
    params(("id" = String, Path, description = "Of the user")),
    responses((status = 200, description = "The user with the password", body = UserWithPassword), Problem))]
pub(super) async fn reset(
    State(service): State<Service>,
    caller: Caller,
    Named(id): Named<String>,
) -> Result<Json<UserWithPassword>, Problem> {
    let (user, password) = access::reset_user(&service, &caller, &id).await?;
    Ok(Json(UserWithPassword { user: user.into(), password: password.expose_secret().to_owned() }))
}

/// Removes a user, whose sessions end.
#[utoipa::path(delete, path = "/api/v1/users/{id}", operation_id = "removeUser", tag = "users",
    params(("id" = String, Path, description = "Of the user")),
    responses((status = 204, description = "He is gone"), Problem))]
pub(super) async fn remove(
    State(service): State<Service>,
    caller: Caller,
    Named(id): Named<String>,
) -> Result<StatusCode, Problem> {
    access::remove_user(&service, &caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
