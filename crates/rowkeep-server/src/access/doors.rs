//! What is needed to let people and programs in.

use std::net::IpAddr;

use jiff::SignedDuration;

use super::guesses::{Guesses, Limit};
use super::oidc::KnownProvider;
use super::passwords::Hashing;
use crate::state::remembered::Remembered;
use crate::state::sessions::Used;
use crate::state::tokens::Token;

/// Of tokens that there are not.
pub(crate) const GUESSES_OF_TOKENS: Limit = Limit { mistakes: 10, window: SignedDuration::from_mins(1) };

/// Of passwords and codes for one name that are wrong.
pub(crate) const WRONG_SIGN_INS: Limit = Limit { mistakes: 5, window: SignedDuration::from_mins(5) };

/// What is needed to let people and programs in: who was wrong how often, and turns at hashing passwords.
#[derive(Debug)]
pub(crate) struct Doors {
    /// Tokens that there are not, by where they came from.
    pub(super) tokens: Guesses<IpAddr>,
    /// Wrong passwords and codes for one name, by where they came from: others who know that name are not kept out.
    pub(super) sign_ins: Guesses<(IpAddr, String)>,
    /// The same for all names.
    pub(super) networks: Guesses<IpAddr>,
    /// Wrong passwords and codes of users who are signed in, by their ids.
    pub(super) confirmations: Guesses<String>,
    pub(super) hashing: Hashing,
    /// The provider with which people sign in.
    pub(super) provider: KnownProvider,
    /// Tokens and sessions that were shown and are valid, by their hashes.
    pub(super) known_tokens: Remembered<[u8; 32], Token>,
    pub(super) known_sessions: Remembered<[u8; 32], Used>,
}

impl Default for Doors {
    fn default() -> Self {
        Self {
            tokens: Guesses::new(GUESSES_OF_TOKENS),
            sign_ins: Guesses::new(WRONG_SIGN_INS),
            networks: Guesses::new(Limit { mistakes: 30, ..WRONG_SIGN_INS }),
            confirmations: Guesses::new(Limit { mistakes: 10, ..WRONG_SIGN_INS }),
            hashing: Hashing::default(),
            provider: KnownProvider::default(),
            known_tokens: Remembered::default(),
            known_sessions: Remembered::default(),
        }
    }
}
