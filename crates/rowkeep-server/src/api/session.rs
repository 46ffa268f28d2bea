//! Sessions: signing in, signing out, one's own password and second factor.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::{
    Changed, Confirmed, Credentials, Session, SignInRefusal, begin_second_factor, change_password,
    confirm_second_factor, is_password, sign_in, sign_out,
};
use crate::state::users;
use crate::web::cookies;
use crate::web::extract::Body;
use crate::web::guard::{Caller, ComesFrom, SignedInUser};
use crate::web::problem::Problem;
use crate::web::service::Service;

/// What somebody shows to sign in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SignInBody {
    name: String,
    #[schema(value_type = String, format = Password)]
    password: SecretString,
    /// Of the second factor, where the user has one.
    code: Option<String>,
}

/// Who somebody is.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SessionView {
    /// As the audit names him: `user alice`, `token deploy (4f…)`.
    name: String,
    role: String,
    /// The databases that he has to do with; missing when it is all.
    #[serde(skip_serializing_if = "Option::is_none")]
    databases: Option<Vec<String>>,
    /// What to send in the header `X-CSRF-Token` with everything that changes something; of a session that was just begun.
    #[serde(skip_serializing_if = "Option::is_none")]
    csrf: Option<String>,
    /// Whether another password has to be chosen before anything else.
    must_change_password: bool,
}

/// Signs a user in: the answer sets a cookie.
#[utoipa::path(post, path = "/api/v1/session", operation_id = "signIn", tag = "users", request_body = SignInBody,
    security(()), responses((status = 200, description = "Who has signed in", body = SessionView), Problem))]
pub(super) async fn begin(
    State(service): State<Service>,
    ComesFrom(address): ComesFrom,
    body: Result<Body<SignInBody>, Problem>,
) -> Result<impl IntoResponse, Problem> {
    let Body(body) = body?;
    let credentials = Credentials { name: body.name, password: body.password, code: body.code };
    let signed_in = sign_in(service.queue(), service.doors(), credentials, address).await?;
    let user = signed_in.user;
    let view = SessionView {
        name: format!("user {}", user.name),
        role: user.role,
        databases: user.databases,
        csrf: Some(signed_in.csrf),
        must_change_password: user.must_change,
    };
    let cookie = cookies::set(&signed_in.secret, service.is_secure());
    Ok((AppendHeaders([(header::SET_COOKIE, cookie)]), Json(view)))
}

impl From<SignInRefusal> for Problem {
    fn from(refusal: SignInRefusal) -> Self {
        match refusal {
            SignInRefusal::Wrong => {
                Self::unauthenticated_because("the name, the password or the code is wrong")
            }
            SignInRefusal::CodeNeeded => {
                Self::unauthenticated_because("a code of the second factor is needed")
            }
            SignInRefusal::TooMany => Self::too_many(),
            SignInRefusal::Failed(error) => error.into(),
        }
    }
}

/// Says who asks.
#[utoipa::path(get, path = "/api/v1/session", operation_id = "getSession", tag = "users",
    responses((status = 200, description = "Who asks", body = SessionView), Problem))]
pub(super) async fn show(caller: Caller) -> Json<SessionView> {
    Json(SessionView {
        name: caller.0.name,
        role: caller.0.role.name().to_owned(),
        databases: caller.0.databases,
        csrf: None,
        must_change_password: false,
    })
}

/// Ends the session of a user.
#[utoipa::path(delete, path = "/api/v1/session", operation_id = "signOut", tag = "users",
    security(("session" = [])), responses((status = 204, description = "It has ended"), Problem))]
pub(super) async fn end(
    State(service): State<Service>,
    _: SignedInUser,
    headers: HeaderMap,
) -> Result<impl IntoResponse, Problem> {
    if let Some(secret) = cookies::session_secret(&headers, service.is_secure()) {
        sign_out(service.queue(), secret).await?;
    }
    Ok((StatusCode::NO_CONTENT, AppendHeaders([(header::SET_COOKIE, cookies::unset(service.is_secure()))])))
}

/// What a password is to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PasswordBody {
    /// The one that counts now.
    #[schema(value_type = String, format = Password)]
    present: SecretString,
    /// The one that is to count: 12 characters at least.
    #[schema(value_type = String, format = Password)]
    new: SecretString,
}

/// Changes one's own password. All sessions of the user end, this one too.
#[utoipa::path(put, path = "/api/v1/session/password", operation_id = "changePassword", tag = "users",
    request_body = PasswordBody, security(("session" = [])),
    responses((status = 204, description = "It is changed"), Problem))]
pub(super) async fn password(
    State(service): State<Service>,
    SignedInUser(session): SignedInUser,
    body: Result<Body<PasswordBody>, Problem>,
) -> Result<StatusCode, Problem> {
    let Body(body) = body?;
    let user = &session.user;
    let changed = change_password(service.queue(), service.doors(), user, body.present, body.new).await?;
    let outcome = match &changed {
        Changed::Yes => "done",
        _ => "refused",
    };
    noted(&service, session, "user.password", outcome).await?;
    match changed {
        Changed::Yes => Ok(StatusCode::NO_CONTENT),
        Changed::TooMany => Err(Problem::too_many()),
        Changed::Wrong => Err(Problem::forbidden("the present password is another one")),
        Changed::Unfit(problem) => Err(Problem::unprocessable(problem)),
    }
}

/// What to put into a device.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SecondFactorView {
    /// As devices take it (base32).
    secret: String,
    /// The same as an address.
    url: String,
}

/// Begins a second factor, by one's password: codes count once one of them was confirmed.
#[utoipa::path(post, path = "/api/v1/session/second-factor", operation_id = "beginSecondFactor", tag = "users",
    request_body = ConfirmBody, security(("session" = [])),
    responses((status = 200, description = "What to put into a device", body = SecondFactorView), Problem))]
pub(super) async fn begin_factor(
    State(service): State<Service>,
    SignedInUser(session): SignedInUser,
    body: Result<Body<ConfirmBody>, Problem>,
) -> Result<Json<SecondFactorView>, Problem> {
    let Body(body) = body?;
    confirm(&service, &session, body).await?;
    if session.user.second_factor.is_some() {
        return Err(Problem::conflict("there is a second factor; remove it first"));
    }
    let begun = begin_second_factor(service.queue(), &session.user).await?;
    Ok(Json(SecondFactorView { secret: begun.secret, url: begun.url }))
}

/// A code of a second factor.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CodeBody {
    /// Six digits.
    code: String,
}

/// Confirms the second factor that was begun, by a code of it.
#[utoipa::path(put, path = "/api/v1/session/second-factor", operation_id = "confirmSecondFactor", tag = "users",
    request_body = CodeBody, security(("session" = [])),
    responses((status = 204, description = "Codes are asked for from now on"), Problem))]
pub(super) async fn confirm_factor(
    State(service): State<Service>,
    SignedInUser(session): SignedInUser,
    body: Result<Body<CodeBody>, Problem>,
) -> Result<StatusCode, Problem> {
    let Body(body) = body?;
    match confirm_second_factor(service.queue(), service.doors(), &session.user, &body.code).await? {
        Confirmed::Yes => {
            noted(&service, session, "user.second_factor", "done").await?;
            Ok(StatusCode::NO_CONTENT)
        }
        Confirmed::WrongCode => Err(Problem::unprocessable("the code is not one of this moment")),
        Confirmed::TooMany => Err(Problem::too_many()),
        Confirmed::NotBegun => Err(Problem::conflict("no second factor was begun")),
    }
}

/// Removes the second factor, by one's password.
#[utoipa::path(delete, path = "/api/v1/session/second-factor", operation_id = "removeSecondFactor", tag = "users",
    request_body = ConfirmBody, security(("session" = [])),
    responses((status = 204, description = "No codes are asked for any more"), Problem))]
pub(super) async fn remove_factor(
    State(service): State<Service>,
    SignedInUser(session): SignedInUser,
    body: Result<Body<ConfirmBody>, Problem>,
) -> Result<StatusCode, Problem> {
    let Body(body) = body?;
    confirm(&service, &session, body).await?;
    let id = session.user.id.clone();
    service.queue().state().transaction(move |state| users::remove_second_factor(state, &id)).await?;
    noted(&service, session, "user.second_factor", "removed").await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Fails where it is not the user himself.
async fn confirm(service: &Service, session: &Session, body: ConfirmBody) -> Result<(), Problem> {
    match is_password(service.queue(), service.doors(), &session.user, body.password).await? {
        Some(true) => Ok(()),
        Some(false) => Err(Problem::forbidden("the password is another one")),
        None => Err(Problem::too_many()),
    }
}

/// What shows that it is the user himself.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ConfirmBody {
    #[schema(value_type = String, format = Password)]
    password: SecretString,
}

/// Notes what a user did with his own account.
async fn noted(
    service: &Service,
    session: Session,
    action: &'static str,
    outcome: &str,
) -> Result<(), Problem> {
    let name = session.principal.name.clone();
    Caller(session.principal).note(service, action, name, outcome).await
}
