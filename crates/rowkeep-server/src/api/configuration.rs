//! The configuration that counts, and what was changed beside `rowkeep.toml`.

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use secrecy::ExposeSecret;
use serde::Serialize;
use utoipa::ToSchema;

use crate::access::Role;
use crate::web::additions;
use crate::web::guard::Caller;
use crate::web::problem::Problem;
use crate::web::service::Service;

/// The configuration that counts.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ConfigurationView {
    /// Why rowkeep.toml does not count as it is now: the one before goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
    /// What rowkeep.toml says that counts from the next start on.
    after_restart: Vec<&'static str>,
    /// What was changed on pages or over the API, beside rowkeep.toml.
    additions: Vec<AdditionView>,
}

/// Something that was changed beside rowkeep.toml.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AdditionView {
    /// `repository`, `databases.shop`.
    subject: String,
    /// Who changed it last.
    who: String,
    #[schema(value_type = String, format = DateTime)]
    time: Timestamp,
    /// Where it is, without password.
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<String>,
    /// Why it does not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

impl ConfigurationView {
    fn of(service: &Service) -> Self {
        let settings = service.settings();
        let additions = settings.shown().into_iter().map(|shown| AdditionView {
            subject: shown.subject,
            who: shown.who,
            time: shown.time,
            place: shown.place,
            problem: shown.problem,
        });
        Self {
            problem: settings.problem(),
            after_restart: settings.waiting(),
            additions: additions.collect(),
        }
    }
}

/// Says what was changed beside rowkeep.toml, and what of all that does not count.
#[utoipa::path(get, path = "/api/v1/configuration", operation_id = "getConfiguration", tag = "configuration",
    responses(Problem, (status = 200, description = "What counts, and what does not", body = ConfigurationView)))]
pub(super) async fn show(
    State(service): State<Service>,
    caller: Caller,
) -> Result<Json<ConfigurationView>, Problem> {
    caller.must(&service, Role::Admin, None, "configuration.read").await?;
    Ok(Json(ConfigurationView::of(&service)))
}

/// Reads rowkeep.toml again, as SIGHUP does. With a mistake in it, the configuration before goes on.
#[utoipa::path(post, path = "/api/v1/configuration/reloads", operation_id = "reloadConfiguration", tag = "configuration", responses(
    Problem,
    (status = 200, description = "What counts now", body = ConfigurationView),
    (status = 422, description = "It does not hold", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn reload(
    State(service): State<Service>,
    caller: Caller,
) -> Result<Json<ConfigurationView>, Problem> {
    additions::reload(&service, &caller).await?;
    Ok(Json(ConfigurationView::of(&service)))
}

/// What was changed beside rowkeep.toml, as TOML to be put into it. A variable stands for each secret.
#[utoipa::path(get, path = "/api/v1/configuration/export", operation_id = "exportConfiguration", tag = "configuration",
    responses(Problem, (status = 200, description = "TOML", body = String, content_type = "text/plain")))]
pub(super) async fn export(State(service): State<Service>, caller: Caller) -> Result<Response, Problem> {
    let exported = additions::export(&service, &caller).await?;
    let text = exported.text.expose_secret().to_owned();
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response())
}
