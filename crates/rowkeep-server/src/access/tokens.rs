//! Tokens: secrets that programs send.

use std::net::IpAddr;

use jiff::Timestamp;

use super::doors::Doors;
use super::guesses::network;
use super::principal::{Principal, Role};
use super::refusal::Refusal;
use crate::Error;
use crate::queue::Queue;
use crate::state::stored::is_lately;
use crate::state::tokens::{self, Token};

/// What every secret of a token begins with, so that whoever finds one knows what it is.
const PREFIX: &str = "rowkeep_";

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

/// Finds out who sends a request, by the token that it carries.
pub(crate) async fn principal_of_token(
    queue: &Queue,
    doors: &Doors,
    token: Option<&str>,
    address: IpAddr,
) -> Result<Principal, Refusal> {
    let network = network(address);
    let now = queue.now();
    let Some(secret) = token else { return Err(Refusal::Unknown) };
    let hash = hash_of(secret);
    let found = used(queue, doors, hash, now).await;
    // Whoever has a valid one is never kept out by others at his address.
    let Some(token) = found.map_err(Refusal::Failed)? else {
        if doors.tokens.are_too_many(&network, now) {
            return Err(Refusal::TooMany);
        }
        doors.tokens.note(network, now);
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

/// The token with a hash, if it is valid. One that was shown a moment ago, and since when nothing has changed, need not be looked for.
async fn used(queue: &Queue, doors: &Doors, hash: [u8; 32], now: Timestamp) -> Result<Option<Token>, Error> {
    let changes = queue.state().changes();
    if let Some(known) = doors.known_tokens.get(changes, &hash)
        && known.is_valid(now)
        && is_lately(known.last_used, now)
    {
        return Ok(Some(known));
    }
    let found = queue.state().transaction(move |state| tokens::used(state, &hash, now)).await?;
    if let Some(token) = &found {
        doors.known_tokens.keep(changes, hash, token.clone());
    }
    Ok(found)
}
