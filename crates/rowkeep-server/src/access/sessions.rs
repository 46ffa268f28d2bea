//! Sessions: what a browser shows after its user has signed in.

use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};

use super::doors::Doors;
use super::principal::{Principal, Role};
use super::refusal::Refusal;
use crate::Error;
use crate::queue::Queue;
use crate::state::sessions::{self, Kept};
use crate::state::stored::is_lately;
use crate::state::users::User;

/// The cookie with the secret of a session.
pub(crate) const COOKIE: &str = "rowkeep_session";

/// A session ends when it was not used for so long, and after so long in any case.
const IDLE: SignedDuration = SignedDuration::from_hours(12);
const LONGEST: SignedDuration = SignedDuration::from_hours(7 * 24);

/// A user who is signed in.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) user: User,
    pub(crate) principal: Principal,
    /// What everything has to bring that changes something, which no other site's page knows.
    pub(crate) csrf: String,
    /// How many alerts are open that he may see; only for pages.
    pub(crate) open_alerts: usize,
}

/// By which a session is found.
fn hash_of(secret: &str) -> [u8; 32] {
    blake3::derive_key("rowkeep 2026-11-29 session", secret.as_bytes())
}

/// What requests of a session have to bring with them when they change something.
pub(crate) fn csrf_of(secret: &str) -> String {
    hex::encode(&blake3::derive_key("rowkeep 2026-11-29 forms of a session", secret.as_bytes())[..16])
}

/// Begins a session, which has a secret that was never seen before.
pub(super) fn new_session(queue: &Queue, user_id: &str, address: IpAddr) -> Result<(String, Kept), Error> {
    let secret = queue.random::<32>()?;
    let created = queue.now();
    let expires = created.saturating_add(LONGEST).unwrap_or(Timestamp::MAX);
    let kept = Kept {
        hash: hash_of(&secret),
        user: user_id.to_owned(),
        created,
        expires,
        address: address.to_string(),
    };
    Ok((secret, kept))
}

/// Finds the session of a secret.
pub(crate) async fn session_of(
    queue: &Queue,
    doors: &Doors,
    secret: &str,
    address: IpAddr,
) -> Result<Session, Refusal> {
    let (hash, now) = (hash_of(secret), queue.now());
    let user = used(queue, doors, hash, now).await.map_err(Refusal::Failed)?.ok_or(Refusal::Unknown)?;
    let unknown =
        || Refusal::Failed(Error::Content(format!("user {} has the role {:?}", user.name, user.role)));
    let principal = Principal {
        name: format!("user {}", user.name),
        role: Role::named(&user.role).ok_or_else(unknown)?,
        databases: user.databases.clone(),
        address: address.to_string(),
    };
    Ok(Session { user, principal, csrf: csrf_of(secret), open_alerts: 0 })
}

/// The user of a session that is not over. One that was shown a moment ago, and since when nothing has changed, need not be looked for.
async fn used(queue: &Queue, doors: &Doors, hash: [u8; 32], now: Timestamp) -> Result<Option<User>, Error> {
    let changes = queue.state().changes();
    if let Some(known) = doors.known_sessions.get(changes, &hash)
        && known.expires > now
        && is_lately(Some(known.last_used), now)
    {
        return Ok(Some(known.user));
    }
    let since = now.saturating_sub(IDLE).unwrap_or(Timestamp::MIN);
    let found = queue.state().transaction(move |state| sessions::used(state, &hash, now, since)).await?;
    Ok(found.map(|found| {
        doors.known_sessions.keep(changes, hash, found.clone());
        found.user
    }))
}

/// Ends the session of a secret.
pub(crate) async fn sign_out(queue: &Queue, secret: &str) -> Result<(), Error> {
    let hash = hash_of(secret);
    queue.state().transaction(move |state| sessions::end(state, &hash)).await
}
