//! Users: people who sign in.

use secrecy::{ExposeSecret, SecretString};

use super::doors::Doors;
use super::passwords::{Password, random_password};
use super::principal::Role;
use crate::Error;
use crate::queue::Queue;
use crate::state::audit::{self, Deed};
use crate::state::users::{self, User};

/// The longest name of a user.
const LONGEST: usize = 64;

/// A user who was just made.
#[derive(Debug)]
pub(crate) struct NewUser {
    pub(crate) user: User,
    /// What he signs in with once, to choose his own.
    pub(crate) password: Password,
    /// What is kept of it.
    pub(crate) hash: String,
}

/// Whether somebody can have a name: it stands in addresses and in the audit as it is.
pub(crate) fn is_name(name: &str) -> bool {
    (1..=LONGEST).contains(&name.len())
        && name.chars().all(|character| character.is_ascii_alphanumeric() || ".-_@".contains(character))
}

/// Makes a user with a password that is to be changed.
pub(crate) async fn new_user(
    queue: &Queue,
    doors: &Doors,
    name: String,
    role: Role,
    databases: Option<Vec<String>>,
) -> Result<NewUser, Error> {
    let password = random_password(queue)?;
    let hash = doors.hashing.hash(queue, &password).await?;
    let user = User {
        id: queue.random::<8>()?,
        name,
        role: role.name().to_owned(),
        databases,
        must_change: true,
        second_factor: None,
        last_step: 0,
        created: queue.now(),
        last_seen: None,
        is_of_provider: false,
    };
    Ok(NewUser { user, password, hash })
}

/// Whether a password is the one of a user; nothing when he was wrong too often.
pub(crate) async fn is_password(
    queue: &Queue,
    doors: &Doors,
    user: &User,
    password: SecretString,
) -> Result<Option<bool>, Error> {
    let now = queue.now();
    if doors.confirmations.are_too_many(&user.id, now) {
        return Ok(None);
    }
    doors.confirmations.note(user.id.clone(), now);
    let name = user.name.clone();
    let kept = queue.state().transaction(move |state| users::named(state, &name)).await?;
    let is_right = doors.hashing.is_right(password, kept.map(|(_, kept)| kept)).await;
    if is_right {
        doors.confirmations.forget(&user.id);
    }
    Ok(Some(is_right))
}

/// What came of changing a password.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Changed {
    /// It is changed, and all sessions of the user have ended.
    Yes,
    /// The one that was shown is not his.
    Wrong,
    /// He was wrong too often.
    TooMany,
    /// The new one is none, and why.
    Unfit(String),
}

/// Changes the password of a user who shows his present one.
pub(crate) async fn change_password(
    queue: &Queue,
    doors: &Doors,
    user: &User,
    present: SecretString,
    new: SecretString,
) -> Result<Changed, Error> {
    let is_same = present.expose_secret() == new.expose_secret();
    let new = match Password::new(new, &user.name) {
        Ok(_) if is_same => {
            return Ok(Changed::Unfit("the new password is the one that you have".to_owned()));
        }
        Ok(new) => new,
        Err(problem) => return Ok(Changed::Unfit(problem)),
    };
    match is_password(queue, doors, user, present).await? {
        Some(true) => {}
        Some(false) => return Ok(Changed::Wrong),
        None => return Ok(Changed::TooMany),
    }
    let hash = doors.hashing.hash(queue, &new).await?;
    let id = user.id.clone();
    queue.state().transaction(move |state| users::set_password(state, &id, &hash, false)).await?;
    Ok(Changed::Yes)
}

/// Gives a user a password for one sign-in, and removes the second factor.
pub(crate) async fn reset_password(
    queue: &Queue,
    doors: &Doors,
    id: &str,
    deed: Deed,
) -> Result<Option<(User, Password)>, Error> {
    let password = random_password(queue)?;
    let hash = doors.hashing.hash(queue, &password).await?;
    let (id, now) = (id.to_owned(), queue.now());
    let of = id.clone();
    let known = queue.state().transaction(move |state| users::by_id(state, &of)).await?;
    if let Some(user) = known.filter(|user| user.is_of_provider) {
        return Err(Error::UserOfProvider { name: user.name });
    }
    let user = queue.state().transaction(move |state| {
        if !users::set_password(state, &id, &hash, true)? {
            return Ok(None);
        }
        users::remove_second_factor(state, &id)?;
        audit::note(state, now, &deed)?;
        users::by_id(state, &id)
    });
    Ok(user.await?.map(|user| (user, password)))
}
