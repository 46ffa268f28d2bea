//! Tokens: who may do what over HTTP.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::Role;
use crate::state::tokens::{self, Token};
use crate::web::access::{self, Scope};
use crate::web::extract::{Body, Named};
use crate::web::guard::Caller;
use crate::web::problem::Problem;
use crate::web::service::Service;

/// A token, without what it is shown as.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TokenView {
    id: String,
    name: String,
    role: String,
    /// The databases that it is for; missing when it is for all.
    #[serde(skip_serializing_if = "Option::is_none")]
    databases: Option<Vec<String>>,
    #[schema(value_type = String, format = DateTime)]
    created: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    expires: Option<Timestamp>,
    /// To the minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    last_used: Option<Timestamp>,
}

impl From<Token> for TokenView {
    fn from(token: Token) -> Self {
        let Token { id, name, role, databases, created, expires, last_used } = token;
        Self { id, name, role, databases, created, expires, last_used }
    }
}

/// The tokens.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TokenList {
    tokens: Vec<TokenView>,
}

/// A token that was just made.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct MadeToken {
    #[serde(flatten)]
    token: TokenView,
    /// What to send in the header `Authorization: Bearer`. Nobody can show it again.
    secret: String,
}

/// What a token is to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TokenBody {
    /// What it is for, as the audit names it.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    role: Role,
    /// The databases that it is for; all when not given.
    databases: Option<Vec<String>>,
    /// When it stops being valid; never when not given.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires: Option<Timestamp>,
}

/// Lists the tokens.
#[utoipa::path(get, path = "/api/v1/tokens", operation_id = "listTokens", tag = "tokens", responses(
    Problem,
    (status = 200, description = "The tokens, the oldest first", body = TokenList),
))]
pub(super) async fn list(State(service): State<Service>, caller: Caller) -> Result<Json<TokenList>, Problem> {
    caller.must(&service, Role::Admin, None, "token.list").await?;
    let tokens = service.queue().state().transaction(tokens::list).await?;
    Ok(Json(TokenList { tokens: tokens.into_iter().map(TokenView::from).collect() }))
}

/// Makes a token, which is shown this once.
#[utoipa::path(post, path = "/api/v1/tokens", operation_id = "createToken", tag = "tokens", request_body = TokenBody, responses(
    Problem,
    (status = 201, description = "The token with its secret", body = MadeToken),
))]
pub(super) async fn create(
    State(service): State<Service>,
    caller: Caller,
    body: Result<Body<TokenBody>, Problem>,
) -> Result<(StatusCode, Json<MadeToken>), Problem> {
    caller.must(&service, Role::Admin, None, "token.create").await?;
    let Body(body) = body?;
    let scope = Scope { role: body.role, databases: body.databases };
    let made = access::create_token(&service, &caller, body.name, scope, body.expires).await?;
    Ok((StatusCode::CREATED, Json(MadeToken { token: made.token.into(), secret: made.secret })))
}

/// Revokes a token: it is valid no more.
#[utoipa::path(delete, path = "/api/v1/tokens/{id}", operation_id = "revokeToken", tag = "tokens",
    params(("id" = String, Path, description = "Of the token")), responses(
    Problem,
    (status = 204, description = "It is revoked"),
    (status = 404, description = "There is no such token", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "It is the last that may do everything", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn revoke(
    State(service): State<Service>,
    caller: Caller,
    Named(id): Named<String>,
) -> Result<StatusCode, Problem> {
    access::revoke_token(&service, &caller, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}
