//! Alerts: what is wrong, what was, and where it is told.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::frame::{Frame, Section, page};
use super::refused::Refused;
use super::units::{part, second};
use super::visitor::{Form, Visitor};
use crate::access::Role;
use crate::state::channels::{self, ChannelState};
use crate::state::incidents::Incident;
use crate::web::alerts;
use crate::web::extract::{Named, Words};
use crate::web::service::Service;

/// So many are shown at once.
const PAGE: usize = 50;

#[derive(Template)]
#[template(path = "alerts.html")]
struct AlertsPage {
    frame: Frame,
    open: Vec<AlertRow>,
    cleared: Vec<AlertRow>,
    is_first: bool,
    next: Option<String>,
    channels: Vec<ChannelRow>,
    /// What became of a test: whether it was delivered, and what the other side said.
    tested: Option<(bool, String)>,
}

struct AlertRow {
    kind: String,
    colour: &'static str,
    object: String,
    database: Option<(String, String)>,
    words: String,
    opened: String,
    cleared: Option<String>,
}

struct ChannelRow {
    name: String,
    part: String,
    kind: &'static str,
    word: &'static str,
    colour: &'static str,
    detail: String,
}

fn row(incident: Incident) -> AlertRow {
    AlertRow {
        kind: incident.kind.replace('_', " "),
        colour: match (incident.cleared, incident.severity.as_str()) {
            (Some(_), _) => "quiet",
            (None, "critical") => "bad",
            (None, _) => "warn",
        },
        object: incident.object,
        database: incident.database.map(|name| (part(&name), name)),
        words: incident.words,
        opened: second(incident.opened),
        cleared: incident.cleared.map(second),
    }
}

fn channel_row(name: &str, kind: &'static str, state: &ChannelState) -> ChannelRow {
    let (word, colour, detail) = match (state.failures, state.delivered, &state.error) {
        (1.., _, Some(error)) => ("fails", "bad", error.clone()),
        (_, Some(delivered), _) => ("works", "good", format!("last used {} UTC", second(delivered))),
        _ => ("not used yet", "quiet", String::new()),
    };
    ChannelRow { name: name.to_owned(), part: part(name), kind, word, colour, detail }
}

/// Shows what is wrong, what was, and where it is told.
pub(super) async fn list(
    State(service): State<Service>,
    visitor: Visitor,
    words: Words,
) -> Result<Response, Refused> {
    alerts_page(&service, &visitor, words.get("cursor"), None).await
}

async fn alerts_page(
    service: &Service,
    visitor: &Visitor,
    cursor: Option<&str>,
    tested: Option<(bool, String)>,
) -> Result<Response, Refused> {
    let (seen, next) = alerts::list(service, &visitor.caller, cursor, PAGE).await?;
    let (open, cleared): (Vec<_>, Vec<_>) =
        seen.into_iter().map(row).partition(|alert| alert.cleared.is_none());
    let workspace = service.queue().workspace();
    let configured = &workspace.config().channels;
    let channels = match visitor.caller.0.may(Role::Viewer, None) {
        false => Vec::new(),
        true => {
            let known = service.queue().state().transaction(channels::all).await?;
            let state = |name: &str| {
                known.iter().find(|known| known.0 == name).map(|known| known.1.clone()).unwrap_or_default()
            };
            let row = |channel: &rowkeep::config::channels::Channel| {
                channel_row(&channel.name, channel.delivery.kind(), &state(&channel.name))
            };
            configured.iter().map(row).collect()
        }
    };
    let shown = AlertsPage {
        frame: Frame::of(&visitor.session, Section::Alerts, "Alerts"),
        open,
        cleared,
        is_first: cursor.is_none(),
        next: next.map(|cursor| part(&cursor)),
        channels,
        tested,
    };
    Ok(page(&shown))
}

/// Sends a test message over a channel.
pub(super) async fn test(
    State(service): State<Service>,
    Named(name): Named<String>,
    Form { visitor, .. }: Form,
) -> Result<Response, Refused> {
    let tested = match alerts::test(&service, &visitor.caller, &name).await? {
        Ok(answer) => (true, format!("{name} took the test message: {answer}")),
        Err(problem) => (false, format!("{name} did not take the test message: {problem}")),
    };
    alerts_page(&service, &visitor, None, Some(tested)).await
}
