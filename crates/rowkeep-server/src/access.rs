//! Who may do what: tokens of programs, users with passwords and second factors, and their sessions.

mod doors;
mod guesses;
mod oidc;
mod passwords;
mod principal;
mod refusal;
mod second_factor;
mod sessions;
mod sign_in;
mod tokens;
mod users;

pub(crate) use doors::{Doors, GUESSES_OF_TOKENS, WRONG_SIGN_INS};
pub(crate) use oidc::{ATTEMPT_COOKIE, ATTEMPT_SECONDS, OidcRefusal, Returned, begin_oidc, finish_oidc};
pub(crate) use passwords::Password;
pub(crate) use principal::{Principal, Role};
pub(crate) use refusal::Refusal;
pub(crate) use second_factor::{Confirmed, begin_second_factor, confirm_second_factor};
pub(crate) use sessions::{COOKIE, Session, session_of, sign_out};
pub(crate) use sign_in::{Credentials, SignInRefusal, sign_in};
pub(crate) use tokens::{NewToken, hash_of, new_token, principal_of_token};
pub(crate) use users::{Changed, change_password, is_name, is_password, new_user, reset_password};
