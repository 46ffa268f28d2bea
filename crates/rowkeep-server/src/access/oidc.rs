//! Signing in with a provider of OpenID Connect: the authorization code flow with PKCE.

mod attempt;
mod enter;
mod identity;
mod provider;
mod requests;

pub(crate) use attempt::{ATTEMPT_COOKIE, ATTEMPT_SECONDS};
pub(crate) use enter::{OidcRefusal, Returned, begin_oidc, finish_oidc};
pub(super) use provider::KnownProvider;
