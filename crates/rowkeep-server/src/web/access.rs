//! Users and tokens as an administrator deals with them: what the API and the pages do alike.

use jiff::Timestamp;
use rowkeep::units::is_unseen;

use super::guard::Caller;
use super::problem::Problem;
use super::service::Service;
use crate::access::{NewToken, Password, Role, hash_of, is_name, new_token, new_user, reset_password};
use crate::state::audit;
use crate::state::tokens::{self, Removed};
use crate::state::users::{self, User};

/// The longest name of a token.
const LONGEST_NAME: usize = 100;

/// What somebody may do with which databases; with all when there is no list.
#[derive(Debug, Clone)]
pub(crate) struct Scope {
    pub(crate) role: Role,
    pub(crate) databases: Option<Vec<String>>,
}

impl Scope {
    /// Fails where a database is not configured.
    fn check(&self, service: &Service) -> Result<(), Problem> {
        let workspace = service.queue().workspace();
        let known = &workspace.config().databases;
        match self.databases.iter().flatten().find(|name| !known.contains_key(*name)) {
            Some(unknown) => Err(Problem::unprocessable(format!("no database {unknown}"))),
            None => Ok(()),
        }
    }
}

fn no_user(id: &str) -> Problem {
    Problem::not_found(format!("no user {id}"))
}

fn last(user: &User) -> Problem {
    Problem::conflict(format!("{} is the last user who may do everything; make another one first", user.name))
}

/// Makes a user, with a password for the first sign-in.
pub(crate) async fn create_user(
    service: &Service,
    caller: &Caller,
    name: String,
    scope: Scope,
) -> Result<(User, Password), Problem> {
    caller.must(service, Role::Admin, None, "user.create").await?;
    if !is_name(&name) {
        return Err(Problem::unprocessable("a user's name is of 1 to 64 letters, digits and . - _ @"));
    }
    scope.check(service)?;
    let (queue, doors) = (service.queue(), service.doors());
    let made = new_user(queue, doors, name, scope.role, scope.databases).await?;
    let (user, hash, now) = (made.user.clone(), made.hash, queue.now());
    let deed = caller.deed("user.create", format!("user {}: {}", user.name, user.role), "done");
    let is_added = queue.state().transaction(move |state| {
        let is_added = users::add(state, &user, &hash)?;
        if is_added {
            audit::note(state, now, &deed)?;
        }
        Ok(is_added)
    });
    match is_added.await? {
        true => Ok((made.user, made.password)),
        false => Err(Problem::conflict(format!("there is a user {}", made.user.name))),
    }
}

/// Changes what a user may do.
pub(crate) async fn set_role(
    service: &Service,
    caller: &Caller,
    id: &str,
    scope: Scope,
) -> Result<User, Problem> {
    caller.must(service, Role::Admin, None, "user.role").await?;
    scope.check(service)?;
    let (of, now) = (id.to_owned(), service.queue().now());
    let deed = caller.deed("user.role", format!("{id}: {}", scope.role.name()), "done");
    let changed = service.queue().state().transaction(move |state| {
        let Some(user) = users::by_id(state, &of)? else { return Ok(None) };
        let stays = scope.role == Role::Admin && scope.databases.is_none();
        if !stays && users::is_last_administrator(state, &of)? {
            return Ok(Some(Err(user)));
        }
        users::set_role(state, &of, scope.role.name(), scope.databases.as_deref())?;
        audit::note(state, now, &deed)?;
        Ok(users::by_id(state, &of)?.map(Ok))
    });
    match changed.await? {
        Some(Ok(user)) => Ok(user),
        Some(Err(user)) => Err(last(&user)),
        None => Err(no_user(id)),
    }
}

/// Gives a user another password for one sign-in, and removes the second factor.
pub(crate) async fn reset_user(
    service: &Service,
    caller: &Caller,
    id: &str,
) -> Result<(User, Password), Problem> {
    caller.must(service, Role::Admin, None, "user.reset").await?;
    let deed = caller.deed("user.reset", id.to_owned(), "done");
    let reset = reset_password(service.queue(), service.doors(), id, deed).await?;
    reset.ok_or_else(|| no_user(id))
}

/// Removes a user, whose sessions end.
pub(crate) async fn remove_user(service: &Service, caller: &Caller, id: &str) -> Result<(), Problem> {
    caller.must(service, Role::Admin, None, "user.remove").await?;
    let (of, now) = (id.to_owned(), service.queue().now());
    let user = service.queue().state().transaction(move |state| users::by_id(state, &of)).await?;
    let user = user.ok_or_else(|| no_user(id))?;
    let (deed, of) = (caller.deed("user.remove", format!("user {}", user.name), "done"), id.to_owned());
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
        Some(true) => Ok(()),
        Some(false) => Err(no_user(id)),
        None => Err(last(&user)),
    }
}

/// Makes a token.
pub(crate) async fn create_token(
    service: &Service,
    caller: &Caller,
    name: String,
    scope: Scope,
    expires: Option<Timestamp>,
) -> Result<NewToken, Problem> {
    caller.must(service, Role::Admin, None, "token.create").await?;
    if !(1..=LONGEST_NAME).contains(&name.len()) || name.chars().any(is_unseen) {
        return Err(Problem::unprocessable(format!(
            "a token has a name of 1 to {LONGEST_NAME} bytes without control characters"
        )));
    }
    let now = service.queue().now();
    if expires.is_some_and(|expires| expires <= now) {
        return Err(Problem::unprocessable("expires lies in the past"));
    }
    scope.check(service)?;
    let made = new_token(service.queue(), name, scope.role, scope.databases, expires)?;
    let (token, hash) = (made.token.clone(), hash_of(&made.secret));
    let deed = caller.deed("token.create", format!("{}: {}", token.name, token.id), "done");
    let kept = service.queue().state().transaction(move |state| {
        tokens::add(state, &token, &hash)?;
        audit::note(state, now, &deed)
    });
    kept.await?;
    Ok(made)
}

/// Revokes a token.
pub(crate) async fn revoke_token(service: &Service, caller: &Caller, id: &str) -> Result<(), Problem> {
    caller.must(service, Role::Admin, None, "token.revoke").await?;
    let (now, of) = (service.queue().now(), id.to_owned());
    let deed = caller.deed("token.revoke", id.to_owned(), "done");
    let removed = service.queue().state().transaction(move |state| {
        let removed = tokens::remove(state, &of)?;
        if removed == Removed::Gone {
            audit::note(state, now, &deed)?;
        }
        Ok(removed)
    });
    match removed.await? {
        Removed::Gone => Ok(()),
        Removed::Missing => Err(Problem::not_found(format!("no token {id}"))),
        Removed::Last => {
            Err(Problem::conflict("it is the last token that may do everything; make another one first"))
        }
    }
}
