//! Users: people who sign in, and what they may do.

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use jiff::Timestamp;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::{Role, is_name, new_user, reset_password};
use crate::state::audit;
use crate::state::users::{self, User};
use crate::web::extract::Named;
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
    #[schema(min_length = 1, max_length = 64)]
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

fn missing(id: &str) -> Problem {
    Problem::not_found(format!("no user {id}"))
}

/// Fails where a database is not configured.
fn check(service: &Service, databases: Option<&[String]>) -> Result<(), Problem> {
    let known = &service.queue().workspace().config().databases;
    match databases.unwrap_or_default().iter().find(|name| !known.contains_key(*name)) {
        Some(unknown) => Err(Problem::unprocessable(format!("no database {unknown}"))),
        None => Ok(()),
    }
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
    body: Result<Json<UserBody>, JsonRejection>,
) -> Result<(StatusCode, Json<UserWithPassword>), Problem> {
    caller.must(&service, Role::Admin, None, "user.create").await?;
    let Json(body) = body?;
    if !is_name(&body.name) {
        return Err(Problem::unprocessable("a user's name is of 1 to 64 letters, digits and . - _ @"));
    }
    check(&service, body.databases.as_deref())?;
    let (queue, doors) = (service.queue(), service.doors());
    let made = new_user(queue, doors, body.name, body.role, body.databases).await?;
    let (user, hash, now) = (made.user.clone(), made.hash, queue.now());
    let deed = caller.deed("user.create", format!("user {}: {}", user.name, user.role), "done");
    let name = user.name.clone();
    let is_added = queue.state().transaction(move |state| {
        let is_added = users::add(state, &user, &hash)?;
        if is_added {
            audit::note(state, now, &deed)?;
        }
        Ok(is_added)
    });
    if !is_added.await? {
        return Err(Problem::conflict(format!("there is a user {name}")));
    }
    let password = made.password.expose_secret().to_owned();
    Ok((StatusCode::CREATED, Json(UserWithPassword { user: made.user.into(), password })))
}

/// Changes what a user may do.
#[utoipa::path(put, path = "/api/v1/users/{id}/role", operation_id = "setUserRole", tag = "users", request_body = RoleBody,
    params(("id" = String, Path, description = "Of the user")),
    responses((status = 200, description = "The user", body = UserView), Problem))]
pub(super) async fn set_role(
    State(service): State<Service>,
    caller: Caller,
    Named(id): Named<String>,
    body: Result<Json<RoleBody>, JsonRejection>,
) -> Result<Json<UserView>, Problem> {
    caller.must(&service, Role::Admin, None, "user.role").await?;
    let Json(body) = body?;
    check(&service, body.databases.as_deref())?;
    let (of, now) = (id.clone(), service.queue().now());
    let deed = caller.deed("user.role", format!("{id}: {}", body.role.name()), "done");
    let changed = service.queue().state().transaction(move |state| {
        let Some(user) = users::by_id(state, &of)? else { return Ok(None) };
        let stays = body.role == Role::Admin && body.databases.is_none();
        if !stays && users::is_last_administrator(state, &of)? {
            return Ok(Some(Err(user)));
        }
        users::set_role(state, &of, body.role.name(), body.databases.as_deref())?;
        audit::note(state, now, &deed)?;
        Ok(users::by_id(state, &of)?.map(Ok))
    });
    match changed.await? {
        Some(Ok(user)) => Ok(Json(user.into())),
        Some(Err(user)) => Err(last(&user)),
        None => Err(missing(&id)),
    }
}

fn last(user: &User) -> Problem {
    Problem::conflict(format!("{} is the last user who may do everything; make another one first", user.name))
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
    caller.must(&service, Role::Admin, None, "user.reset").await?;
    let deed = caller.deed("user.reset", id.clone(), "done");
    let reset = reset_password(service.queue(), service.doors(), &id, deed).await?;
    let (user, password) = reset.ok_or_else(|| missing(&id))?;
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
    caller.must(&service, Role::Admin, None, "user.remove").await?;
    let (of, now) = (id.clone(), service.queue().now());
    let caller_deed = |name: &str| caller.deed("user.remove", format!("user {name}"), "done");
    let named = service.queue().state().transaction(move |state| users::by_id(state, &of)).await?;
    let user = named.ok_or_else(|| missing(&id))?;
    let (deed, of) = (caller_deed(&user.name), id.clone());
    let removed = service.queue().state().transaction(move |state| {
        if users::is_last_administrator(state, &of)? {
            return Ok(None);
        }
        let is_removed = users::remove(state, &of)?;
        if is_removed {
            audit::note(state, now, &deed)?;
        }
        Ok(Some(is_removed))
    });
    match removed.await? {
        Some(true) => Ok(StatusCode::NO_CONTENT),
        Some(false) => Err(missing(&id)),
        None => Err(last(&user)),
    }
}
