//! Signing in: a name, a password, and a code where the user has a second factor.

use std::net::IpAddr;

use secrecy::SecretString;

use super::doors::Doors;
use super::guesses::network;
use super::second_factor::step_of;
use super::sessions::{csrf_of, new_session};
use crate::Error;
use crate::queue::Queue;
use crate::state::audit::{self, Deed};
use crate::state::sessions;
use crate::state::users::{self, User};

/// What somebody shows to sign in.
#[derive(Debug)]
pub(crate) struct Credentials {
    pub(crate) name: String,
    pub(crate) password: SecretString,
    pub(crate) code: Option<String>,
}

/// Somebody who has signed in.
#[derive(Debug)]
pub(crate) struct SignedIn {
    pub(crate) user: User,
    /// What the browser shows from now on.
    pub(crate) secret: String,
    pub(crate) csrf: String,
}

/// Why somebody is not signed in.
#[derive(Debug)]
pub(crate) enum SignInRefusal {
    /// Name, password or code are wrong; which, he is not told.
    Wrong,
    /// The user has a second factor, of which a code is needed.
    CodeNeeded,
    /// Too many were wrong.
    TooMany,
    /// It cannot be found out.
    Failed(Error),
}

impl From<Error> for SignInRefusal {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// Signs somebody in. Whatever comes of it is noted.
pub(crate) async fn sign_in(
    queue: &Queue,
    doors: &Doors,
    credentials: Credentials,
    address: IpAddr,
) -> Result<SignedIn, SignInRefusal> {
    // Names that nobody can have are not kept as long as somebody likes.
    let name: String = credentials.name.trim().chars().take(64).collect();
    let from = (network(address), name.to_lowercase());
    let now = queue.now();
    if doors.sign_ins.are_too_many(&from, now) || doors.networks.are_too_many(&from.0, now) {
        return Err(SignInRefusal::TooMany);
    }
    let of = name.clone();
    let found = queue.state().transaction(move |state| users::named(state, &of)).await?;
    // Before it is known whether the password is right, so that many at once are no way around.
    doors.sign_ins.note(from.clone(), now);
    doors.networks.note(from.0, now);
    let kept = found.as_ref().map(|(_, kept)| kept.clone());
    let is_right = doors.hashing.is_right(credentials.password, kept).await;
    let Some((user, _)) = found.filter(|_| is_right) else {
        note(queue, &format!("user {name}"), address, "refused").await?;
        return Err(SignInRefusal::Wrong);
    };
    let who = format!("user {}", user.name);
    let mut step = None;
    if let Some(sealed) = &user.second_factor {
        let code = credentials.code.filter(|code| !code.trim().is_empty());
        let code = code.ok_or(SignInRefusal::CodeNeeded)?;
        step = step_of(queue, &user, sealed, &code)?;
        if step.is_none() {
            note(queue, &who, address, "refused: wrong code").await?;
            return Err(SignInRefusal::Wrong);
        }
    }
    let (secret, kept) = new_session(queue, &user.id, address)?;
    let deed = deed(&who, address, "done");
    let id = user.id.clone();
    let is_first = queue
        .state()
        .transaction(move |state| {
            // Of several at once with one code, one is let in.
            if let Some(step) = step
                && !users::take_step(state, &id, step)?
            {
                return Ok(false);
            }
            sessions::begin(state, &kept)?;
            audit::note(state, now, &deed)?;
            Ok(true)
        })
        .await?;
    if !is_first {
        return Err(SignInRefusal::Wrong);
    }
    doors.sign_ins.forget(&from);
    doors.networks.forget(&from.0);
    Ok(SignedIn { user, csrf: csrf_of(&secret), secret })
}

fn deed(who: &str, address: IpAddr, outcome: &str) -> Deed {
    Deed {
        who: who.to_owned(),
        address: address.to_string(),
        action: "session.create",
        object: String::new(),
        outcome: outcome.to_owned(),
    }
}

async fn note(queue: &Queue, who: &str, address: IpAddr, outcome: &str) -> Result<(), Error> {
    let (deed, now) = (deed(who, address, outcome), queue.now());
    queue.state().transaction(move |state| audit::note(state, now, &deed)).await
}
