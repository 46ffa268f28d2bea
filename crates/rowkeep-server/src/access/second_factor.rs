//! The second factor: codes of six digits that a device shows for 30 seconds (TOTP, RFC 6238).

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use totp_rs::{Builder, Secret, Totp};

use super::doors::Doors;
use crate::Error;
use crate::queue::Queue;
use crate::state::users::{self, User};

/// How many steps of 30 seconds the clock of a device may be wrong.
const SKEW: u16 = 1;

/// What somebody puts into his device.
#[derive(Debug)]
pub(crate) struct NewSecondFactor {
    /// In the letters that devices take (base32).
    pub(crate) secret: String,
    /// The same as an address that devices read from a picture or open.
    pub(crate) url: String,
}

/// What came of confirming one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Confirmed {
    /// Codes are asked for from now on.
    Yes,
    /// The code is not one of this moment.
    WrongCode,
    /// Too many were wrong.
    TooMany,
    /// None was begun.
    NotBegun,
}

/// Seals the secrets of second factors, so that whoever has a copy of the state has none of them.
fn key_of(queue: &Queue) -> Result<RandomizedNonceKey, Error> {
    let key = blake3::derive_key("rowkeep 2026-11-29 secrets of second factors", queue.state().key()?);
    RandomizedNonceKey::new(&AES_256_GCM, &key)
        .map_err(|_| Error::Content("a key has another length".to_owned()))
}

fn seal(queue: &Queue, user: &User, secret: &[u8]) -> Result<Vec<u8>, Error> {
    let mut sealed = secret.to_vec();
    let failed = |_| Error::Content("a secret cannot be sealed".to_owned());
    let nonce = key_of(queue)?.seal_in_place_append_tag(Aad::from(&user.id), &mut sealed).map_err(failed)?;
    Ok([&nonce.as_ref()[..], &sealed].concat())
}

fn open(queue: &Queue, user: &User, sealed: &[u8]) -> Result<Vec<u8>, Error> {
    let failed = || {
        Error::Content(format!(
            "the second factor of {} was not sealed with the key beside the state; put that key back, or let an \
             administrator reset the password of {}",
            user.name, user.name
        ))
    };
    let (nonce, sealed) = sealed.split_at_checked(NONCE_LEN).ok_or_else(failed)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| failed())?;
    let mut opened = sealed.to_vec();
    let opened =
        key_of(queue)?.open_in_place(nonce, Aad::from(&user.id), &mut opened).map_err(|_| failed())?;
    Ok(opened.to_vec())
}

fn totp(secret: &[u8]) -> Result<Totp, Error> {
    let built = Builder::new().with_secret(Secret::from(secret.to_vec())).with_skew(SKEW).build();
    built.map_err(|error| Error::Content(format!("a second factor cannot be used: {error}")))
}

/// The step for which a code is right; each is taken once, and none before it.
pub(super) fn step_of(queue: &Queue, user: &User, sealed: &[u8], code: &str) -> Result<Option<i64>, Error> {
    let code: String = code.chars().filter(|character| !character.is_whitespace()).collect();
    let now = u64::try_from(queue.now().as_second()).unwrap_or(0);
    let step = totp(&open(queue, user, sealed)?)?.check(&code, now);
    let step = step.and_then(|step| i64::try_from(step).ok());
    Ok(step.filter(|step| *step > user.last_step))
}

/// Makes a second factor for a user, which counts when a code of it was confirmed.
pub(crate) async fn begin_second_factor(queue: &Queue, user: &User) -> Result<NewSecondFactor, Error> {
    if user.is_of_provider {
        return Err(Error::UserOfProvider { name: user.name.clone() });
    }
    let secret = queue.random_bytes::<20>()?;
    let sealed = seal(queue, user, &secret)?;
    let id = user.id.clone();
    queue.state().transaction(move |state| users::begin_second_factor(state, &id, &sealed)).await?;
    let secret = Secret::from(secret.to_vec()).to_base32();
    // A name is of letters, digits and signs that stand in an address as they are.
    let url = format!("otpauth://totp/Rowkeep:{}?secret={secret}&issuer=Rowkeep", user.name);
    Ok(NewSecondFactor { secret, url })
}

/// Confirms the second factor that was begun.
pub(crate) async fn confirm_second_factor(
    queue: &Queue,
    doors: &Doors,
    user: &User,
    code: &str,
) -> Result<Confirmed, Error> {
    let now = queue.now();
    if doors.confirmations.are_too_many(&user.id, now) {
        return Ok(Confirmed::TooMany);
    }
    doors.confirmations.note(user.id.clone(), now);
    let id = user.id.clone();
    let begun = queue.state().transaction(move |state| users::begun_second_factor(state, &id)).await?;
    let Some(sealed) = begun else { return Ok(Confirmed::NotBegun) };
    let Some(step) = step_of(queue, user, &sealed, code)? else { return Ok(Confirmed::WrongCode) };
    let id = user.id.clone();
    queue.state().transaction(move |state| users::confirm_second_factor(state, &id, step)).await?;
    Ok(Confirmed::Yes)
}
