//! Signing in with a provider, from the button to the session.

use std::net::IpAddr;

use jsonwebtoken::decode_header;
use rowkeep::config::{Grant, Oidc};
use secrecy::ExposeSecret;

use super::attempt::Attempt;
use super::identity::{Expected, Identity};
use crate::Error;
use crate::access::doors::Doors;
use crate::access::guesses::network;
use crate::access::sessions::new_session;
use crate::access::users::is_name;
use crate::queue::Queue;
use crate::state::audit::{self, Deed};
use crate::state::sessions;
use crate::state::users::{self, Entered, Newcomer};

/// Why somebody is not signed in with a provider.
#[derive(Debug)]
pub(crate) enum OidcRefusal {
    /// The provider cannot be asked; why stands in the log.
    Unreachable,
    /// What the browser brings does not belong to an attempt that it began.
    OtherAttempt,
    /// The provider has let nobody in; it says this word.
    Declined(String),
    /// What the provider says is not believed; why stands in the log.
    NotBelieved,
    /// None of his groups has a role, or a database.
    NoRole(String),
    /// Nobody can have the name that he has there.
    NoName(String),
    /// The name belongs to another user.
    NameTaken(String),
    /// Too many were refused.
    TooMany,
    /// It cannot be found out.
    Failed(Error),
}

impl From<Error> for OidcRefusal {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// What a browser brings from the provider.
#[derive(Debug, Default)]
pub(crate) struct Returned {
    /// The cookie of its attempt.
    pub(crate) cookie: Option<String>,
    pub(crate) state: Option<String>,
    pub(crate) code: Option<String>,
    /// Who says that it is the provider (RFC 9207).
    pub(crate) issuer: Option<String>,
    pub(crate) error: Option<String>,
}

/// Begins an attempt: the browser's cookie, and where it goes.
pub(crate) async fn begin_oidc(
    queue: &Queue,
    doors: &Doors,
    oidc: &Oidc,
    back: &str,
) -> Result<(String, String), OidcRefusal> {
    let provider =
        doors.provider.get(oidc, queue.now()).await.map_err(|problem| unreachable(oidc, &problem))?;
    let attempt = Attempt::begin(queue)?;
    Ok((attempt.cookie().to_owned(), provider.sign_in(oidc, &attempt, back).into()))
}

/// Ends an attempt: with the secret of a session. Whatever comes of it is noted.
pub(crate) async fn finish_oidc(
    queue: &Queue,
    doors: &Doors,
    oidc: &Oidc,
    back: &str,
    returned: Returned,
    address: IpAddr,
) -> Result<String, OidcRefusal> {
    let (now, from) = (queue.now(), network(address));
    if doors.networks.are_too_many(&from, now) {
        return Err(OidcRefusal::TooMany);
    }
    // Before anything is asked of the provider, so that nobody sends it requests without end from here.
    doors.networks.note(from, now);
    let identity = match identify(queue, doors, oidc, back, returned).await {
        Ok(identity) => identity,
        Err(refusal) => {
            note(queue, oidc, "somebody", address, "refused").await?;
            return Err(refusal);
        }
    };
    let who = format!("user {}", identity.name);
    let refused = match (is_name(&identity.name), oidc.grant(&identity.groups)) {
        (false, _) => OidcRefusal::NoName(identity.name),
        (true, None) => OidcRefusal::NoRole(identity.name),
        (true, Some(grant)) => match enter(queue, oidc, identity, grant, address).await? {
            Ok(secret) => {
                doors.networks.forget(&from);
                return Ok(secret);
            }
            Err(name) => OidcRefusal::NameTaken(name),
        },
    };
    let who = if matches!(refused, OidcRefusal::NoName(_)) { "somebody" } else { &who };
    note(queue, oidc, who, address, "refused").await?;
    Err(refused)
}

/// Finds out who somebody is.
async fn identify(
    queue: &Queue,
    doors: &Doors,
    oidc: &Oidc,
    back: &str,
    returned: Returned,
) -> Result<Identity, OidcRefusal> {
    let now = queue.now();
    let attempt = returned.cookie.as_deref().and_then(|cookie| Attempt::shown(cookie, now));
    let attempt = attempt.filter(|attempt| returned.state.as_ref() == Some(&attempt.state()));
    let attempt = attempt.ok_or(OidcRefusal::OtherAttempt)?;
    if let Some(error) = returned.error {
        return Err(OidcRefusal::Declined(error));
    }
    let code = returned.code.ok_or(OidcRefusal::OtherAttempt)?;
    let failed = |problem: String| unreachable(oidc, &problem);
    let provider = doors.provider.get(oidc, now).await.map_err(failed)?;
    if returned.issuer.is_some_and(|issuer| issuer != provider.issuer) {
        return Err(not_believed(oidc, "the browser comes from another provider"));
    }
    let token = provider.id_token(oidc, &attempt, back, &code).await.map_err(failed)?;
    let token = token.expose_secret();
    let header = decode_header(token).map_err(|error| not_believed(oidc, &error.to_string()))?;
    let known = doors.provider.with_key(oidc, now, header.kid.as_deref()).await;
    let (provider, key) = known.map_err(failed)?;
    let key =
        key.ok_or_else(|| not_believed(oidc, "its token is signed with a key that it does not name"))?;
    let expected = Expected { oidc, issuer: &provider.issuer, nonce: &attempt.nonce(), now };
    expected.read(token, &header, &key).map_err(|problem| not_believed(oidc, &problem))
}

/// Begins a session of somebody; or gives his name, where that is another user's.
async fn enter(
    queue: &Queue,
    oidc: &Oidc,
    identity: Identity,
    grant: Grant,
    address: IpAddr,
) -> Result<Result<String, String>, OidcRefusal> {
    let now = queue.now();
    let newcomer = Newcomer {
        id: queue.random::<8>()?,
        issuer: oidc.issuer.clone(),
        subject: identity.subject,
        name: identity.name.clone(),
        role: grant.role.to_owned(),
        databases: grant.databases,
        now,
    };
    let issuer = oidc.issuer.clone();
    let (secret, session) = new_session(queue, &newcomer.id, address)?;
    let entered = queue.state().transaction(move |state| {
        let (user, deeds) = match users::enter(state, &newcomer)? {
            Entered::NameTaken => return Ok(false),
            Entered::Known(user) => (user, &["session.create"][..]),
            Entered::Made(user) => (user, &["user.create", "session.create"][..]),
        };
        sessions::begin(state, &sessions::Kept { user: user.id, ..session })?;
        for action in deeds {
            let object = format!("{} by {issuer}", user.role);
            let (who, address) = (format!("user {}", user.name), address.to_string());
            audit::note(state, now, &Deed { who, address, action, object, outcome: "done".to_owned() })?;
        }
        Ok(true)
    });
    Ok(if entered.await? { Ok(secret) } else { Err(identity.name) })
}

fn unreachable(oidc: &Oidc, problem: &str) -> OidcRefusal {
    tracing::warn!("nobody can sign in with {}: {problem}", oidc.issuer);
    OidcRefusal::Unreachable
}

fn not_believed(oidc: &Oidc, problem: &str) -> OidcRefusal {
    tracing::warn!("a sign-in with {} was refused: {problem}", oidc.issuer);
    OidcRefusal::NotBelieved
}

async fn note(queue: &Queue, oidc: &Oidc, who: &str, address: IpAddr, outcome: &str) -> Result<(), Error> {
    let deed = Deed {
        who: who.to_owned(),
        address: address.to_string(),
        action: "session.create",
        object: format!("by {}", oidc.issuer),
        outcome: outcome.to_owned(),
    };
    let now = queue.now();
    queue.state().transaction(move |state| audit::note(state, now, &deed)).await
}
