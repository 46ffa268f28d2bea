//! Who may do what.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Error;
use crate::queue::Queue;
use crate::state::tokens::{self, Token};

/// What every secret of a token begins with, so that whoever finds one knows what it is.
const PREFIX: &str = "rowkeep_";

/// So often within [`WINDOW`] one address may come with a token that there is not.
const MISTAKES: u32 = 10;
const WINDOW: SignedDuration = SignedDuration::from_mins(1);

/// Addresses are remembered up to this number.
const REMEMBERED: usize = 10_000;

/// What somebody may do; each may do all that those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Role {
    /// Looks at databases, snapshots and jobs.
    Viewer,
    /// Backs up, tests recoveries, checks.
    Operator,
    /// Restores into databases.
    Restorer,
    /// Everything.
    Admin,
}

impl Role {
    pub(crate) const ALL: [Role; 4] = [Role::Viewer, Role::Operator, Role::Restorer, Role::Admin];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Role::Viewer => "viewer",
            Role::Operator => "operator",
            Role::Restorer => "restorer",
            Role::Admin => "admin",
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

/// Somebody who has shown who he is.
#[derive(Debug, Clone)]
pub(crate) struct Principal {
    /// As the audit names him.
    pub(crate) name: String,
    pub(crate) role: Role,
    /// The databases that he has to do with; all when there is no list.
    pub(crate) databases: Option<Vec<String>>,
    pub(crate) address: String,
}

impl Principal {
    /// Whether he may do what needs a role, with a database or, when none is named, with everything.
    pub(crate) fn may(&self, role: Role, database: Option<&str>) -> bool {
        self.role >= role
            && match (&self.databases, database) {
                (None, _) => true,
                (Some(own), Some(database)) => own.iter().any(|name| name == database),
                (Some(_), None) => false,
            }
    }

    /// Whether he may see what a database is named in, or, where none is, what belongs to all.
    pub(crate) fn sees(&self, database: Option<&str>) -> bool {
        self.may(Role::Viewer, database)
    }
}

/// A token that was just made: what is shown once.
pub(crate) struct NewToken {
    pub(crate) token: Token,
    pub(crate) secret: String,
}

/// Makes a token.
pub(crate) fn new_token(
    queue: &Queue,
    name: String,
    role: Role,
    databases: Option<Vec<String>>,
    expires: Option<Timestamp>,
) -> Result<NewToken, Error> {
    let id = queue.random::<8>()?;
    let secret = format!("{PREFIX}{}", queue.random::<32>()?);
    let (role, created) = (role.name().to_owned(), queue.now());
    Ok(NewToken { token: Token { id, name, role, databases, created, expires, last_used: None }, secret })
}

/// By which a token is found: what it holds is random, so that nobody guesses it from its hash.
pub(crate) fn hash_of(secret: &str) -> [u8; 32] {
    blake3::derive_key("rowkeep 2026-11-29 token of the API", secret.as_bytes())
}

/// Why somebody is not let in.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// He shows no token, or one that there is not.
    Unknown,
    /// Too many such came from his address.
    TooMany,
    /// It cannot be found out.
    Failed(Error),
}

/// Finds out who sends a request, by the token that it carries.
pub(crate) async fn principal(
    queue: &Queue,
    guesses: &Guesses,
    token: Option<&str>,
    address: IpAddr,
) -> Result<Principal, Refusal> {
    let now = queue.now();
    let Some(secret) = token else { return Err(Refusal::Unknown) };
    let hash = hash_of(secret);
    let found = queue.state().transaction(move |state| tokens::used(state, &hash, now)).await;
    // Whoever has a valid one is never kept out by others at his address.
    let Some(token) = found.map_err(Refusal::Failed)? else {
        if guesses.are_too_many(address, now) {
            return Err(Refusal::TooMany);
        }
        guesses.note(address, now);
        return Err(Refusal::Unknown);
    };
    let unknown =
        || Refusal::Failed(Error::Content(format!("token {} has the role {:?}", token.id, token.role)));
    Ok(Principal {
        // Several may have one name.
        name: format!("token {} ({})", token.name, token.id),
        role: Role::named(&token.role).ok_or_else(unknown)?,
        databases: token.databases,
        address: address.to_string(),
    })
}

/// How often addresses came with tokens that there are not.
#[derive(Debug, Default)]
pub(crate) struct Guesses(Mutex<HashMap<IpAddr, (Timestamp, u32)>>);

impl Guesses {
    fn are_too_many(&self, address: IpAddr, now: Timestamp) -> bool {
        let guesses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        guesses.get(&address).is_some_and(|(since, count)| *count >= MISTAKES && is_within(*since, now))
    }

    fn note(&self, address: IpAddr, now: Timestamp) {
        let mut guesses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if guesses.len() >= REMEMBERED {
            guesses.retain(|_, (since, _)| is_within(*since, now));
        }
        if guesses.len() >= REMEMBERED && !guesses.contains_key(&address) {
            return;
        }
        let guess = guesses.entry(address).or_insert((now, 0));
        if !is_within(guess.0, now) {
            *guess = (now, 0);
        }
        guess.1 += 1;
    }
}

fn is_within(since: Timestamp, now: Timestamp) -> bool {
    now.duration_since(since).abs() < WINDOW
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_and_scopes_are_kept_to() {
        let principal = |role, databases: Option<&[&str]>| Principal {
            name: "token t".to_owned(),
            role,
            databases: databases.map(|names| names.iter().map(ToString::to_string).collect()),
            address: "::1".to_owned(),
        };
        let shop = principal(Role::Operator, Some(&["shop"]));
        assert!(shop.may(Role::Operator, Some("shop")) && shop.may(Role::Viewer, Some("shop")));
        assert!(!shop.may(Role::Restorer, Some("shop")) && !shop.may(Role::Viewer, Some("orders")));
        assert!(!shop.may(Role::Viewer, None), "what belongs to all is not his");
        let admin = principal(Role::Admin, None);
        assert!(Role::ALL.iter().all(|role| admin.may(*role, None) && admin.may(*role, Some("shop"))));
        assert!(!principal(Role::Admin, Some(&[])).may(Role::Viewer, Some("shop")));
    }

    #[test]
    fn who_guesses_waits_and_nobody_else_does() {
        let guesses = Guesses::default();
        let (one, other): (IpAddr, IpAddr) = ([10, 0, 0, 1].into(), [10, 0, 0, 2].into());
        let now: Timestamp = "2026-11-29T12:00:00Z".parse().expect("it is a time");
        let later = now.checked_add(WINDOW).expect("it is a time");
        for _ in 0..MISTAKES {
            assert!(!guesses.are_too_many(one, now));
            guesses.note(one, now);
        }
        assert!(guesses.are_too_many(one, now) && !guesses.are_too_many(other, now));
        assert!(!guesses.are_too_many(one, later));
        guesses.note(one, later);
        assert!(!guesses.are_too_many(one, later));
    }
}
