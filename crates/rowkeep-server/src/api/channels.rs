//! Where alerts are told.

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use rowkeep::config::channels::{AlertKind, Channel};
use serde::Serialize;
use utoipa::ToSchema;

use crate::access::Role;
use crate::state::channels::{self, ChannelState};
use crate::web::alerts;
use crate::web::extract::Named;
use crate::web::guard::Caller;
use crate::web::problem::Problem;
use crate::web::service::Service;

/// A channel, without its secrets.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ChannelView {
    name: String,
    /// `email`, `slack`, `discord`, `teams`, `telegram`, `ntfy`, `pagerduty`, `webhook`.
    kind: String,
    /// The alerts that it gets.
    alerts: Vec<String>,
    /// The databases of which it gets them; missing when it gets those of all.
    #[serde(skip_serializing_if = "Option::is_none")]
    databases: Option<Vec<String>>,
    /// Between which hours it gets nothing that can wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    quiet: Option<String>,
    /// Whether it gets a notice of every backup that is done.
    success: bool,
    /// When it gets a summary.
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<String>,
    /// The time zone of both.
    timezone: String,
    /// When something was delivered the last time.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    last_delivery: Option<Timestamp>,
    /// When something failed the last time.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    last_failure: Option<Timestamp>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<String>,
    /// How often it failed since something was delivered.
    failures: u32,
}

impl ChannelView {
    fn new(channel: &Channel, state: ChannelState) -> Self {
        let alerts = AlertKind::ALL.into_iter();
        let alerts = alerts.filter(|kind| channel.alerts.as_ref().is_none_or(|own| own.contains(kind)));
        Self {
            name: channel.name.clone(),
            kind: channel.delivery.kind().to_owned(),
            alerts: alerts.map(|kind| kind.name().to_owned()).collect(),
            databases: channel.databases.clone(),
            quiet: channel.quiet.map(|quiet| quiet.to_string()),
            success: channel.success,
            summary: channel.summary.as_ref().map(ToString::to_string),
            timezone: channel.zone.iana_name().unwrap_or("UTC").to_owned(),
            last_delivery: state.delivered,
            last_failure: state.failed,
            last_error: state.error,
            failures: state.failures,
        }
    }
}

/// The channels.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ChannelList {
    channels: Vec<ChannelView>,
}

/// Lists the channels, and how they are.
#[utoipa::path(get, path = "/api/v1/channels", operation_id = "listChannels", tag = "alerts", responses(
    Problem,
    (status = 200, description = "The channels, as they are configured", body = ChannelList),
))]
pub(super) async fn list(
    State(service): State<Service>,
    caller: Caller,
) -> Result<Json<ChannelList>, Problem> {
    caller.must(&service, Role::Viewer, None, "channel.list").await?;
    let known = service.queue().state().transaction(channels::all).await?;
    let state = |name: &str| known.iter().find(|(known, _)| known == name).map(|(_, state)| state.clone());
    let workspace = service.queue().workspace();
    let config = workspace.config();
    let views = config
        .channels
        .iter()
        .map(|channel| ChannelView::new(channel, state(&channel.name).unwrap_or_default()));
    Ok(Json(ChannelList { channels: views.collect() }))
}

/// What became of a test.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ChannelTest {
    /// Whether the other side took it.
    delivered: bool,
    /// What it said, or why nothing could be sent.
    answer: String,
}

/// Sends a test message over a channel, and answers with what the other side said.
#[utoipa::path(post, path = "/api/v1/channels/{name}/tests", operation_id = "testChannel", tag = "alerts",
    params(("name" = String, Path, description = "Of the channel")), responses(
    Problem,
    (status = 200, description = "What became of it", body = ChannelTest),
    (status = 404, description = "There is no such channel", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn test(
    State(service): State<Service>,
    caller: Caller,
    Named(name): Named<String>,
) -> Result<Json<ChannelTest>, Problem> {
    Ok(Json(match alerts::test(&service, &caller, &name).await? {
        Ok(answer) => ChannelTest { delivered: true, answer },
        Err(answer) => ChannelTest { delivered: false, answer },
    }))
}
