//! One attempt to sign in with a provider, which belongs to one browser.
//!
//! The browser keeps a secret in a cookie. What the provider is told are hashes of it: by them the answer is known to belong to
//! this browser and to this attempt, and nothing needs to be kept here.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};

use crate::Error;
use crate::queue::Queue;

/// The cookie with the secret of an attempt.
pub(crate) const ATTEMPT_COOKIE: &str = "rowkeep_sign_in";

/// How long an attempt may take.
pub(crate) const ATTEMPT_SECONDS: i64 = 600;

/// An attempt.
pub(super) struct Attempt {
    /// The time at which it began, and a secret.
    cookie: String,
}

impl Attempt {
    /// Begins one.
    pub(super) fn begin(queue: &Queue) -> Result<Self, Error> {
        Ok(Self { cookie: format!("{}-{}", queue.now().as_second(), queue.random::<32>()?) })
    }

    /// The one that a browser shows, where it is not too old.
    pub(super) fn shown(cookie: &str, now: Timestamp) -> Option<Self> {
        let (begun, secret) = cookie.split_once('-')?;
        let begun = Timestamp::from_second(begun.parse().ok()?).ok()?;
        let age = now.duration_since(begun);
        let is_fresh =
            age >= -SignedDuration::from_mins(1) && age < SignedDuration::from_secs(ATTEMPT_SECONDS);
        (is_fresh && secret.len() == 64).then(|| Self { cookie: cookie.to_owned() })
    }

    /// What the browser keeps.
    pub(super) fn cookie(&self) -> &str {
        &self.cookie
    }

    /// By which the browser's way back is known.
    pub(super) fn state(&self) -> String {
        self.derived("rowkeep 2026-11-29 state of a sign-in")
    }

    /// By which the provider's token is known.
    pub(super) fn nonce(&self) -> String {
        self.derived("rowkeep 2026-11-29 nonce of a sign-in")
    }

    /// What the provider is shown when the code is exchanged (RFC 7636).
    pub(super) fn verifier(&self) -> String {
        self.derived("rowkeep 2026-11-29 verifier of a sign-in")
    }

    /// What it is told of that before.
    pub(super) fn challenge(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, self.verifier().as_bytes()))
    }

    fn derived(&self, what: &str) -> String {
        hex::encode(blake3::derive_key(what, self.cookie.as_bytes()))
    }
}
