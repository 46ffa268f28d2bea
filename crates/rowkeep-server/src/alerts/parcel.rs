//! What waits to be sent: messages for people, and pings.

use jiff::Timestamp;
use rowkeep::config::Work;
use rowkeep::config::channels::Channel;
use serde::{Deserialize, Serialize};

use super::id::id_of;
use super::message::{Message, Severity};
use crate::state::deliveries::{self, NewDelivery};
use crate::state::failure;
use crate::state::transaction::Transaction;

/// What waits to be sent, as the state keeps it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Parcel {
    Message(Message),
    Ping(Ping),
}

/// A sign of life to somebody who notices when none comes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Ping {
    pub(super) database: String,
    pub(super) work: Work,
    pub(super) phase: Phase,
    /// Joins the beginning of a job with its end.
    pub(super) run: String,
    /// What happened.
    pub(super) text: String,
    pub(super) took_ms: Option<i64>,
}

/// What a job is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Phase {
    Begun,
    Done,
    Failed,
}

impl Phase {
    fn name(self) -> &'static str {
        match self {
            Phase::Begun => "begun",
            Phase::Done => "done",
            Phase::Failed => "failed",
        }
    }
}

/// As what the state knows an address that is pinged; no channel has such a name.
pub(super) fn ping_name(work: Work, database: &str) -> String {
    format!("ping:{}:{database}", work.name())
}

/// Notes a message that is to go over a channel: at once, or when its quiet hours end.
pub(super) fn post(
    state: &Transaction<'_>,
    channel: &Channel,
    thread: &str,
    parcel: &Parcel,
    severity: Severity,
    now: Timestamp,
) -> failure::Result<()> {
    let quiet = channel.quiet.filter(|_| severity != Severity::Critical);
    let held_until = quiet.and_then(|quiet| quiet.until(now, &channel.zone));
    let event = match parcel {
        Parcel::Message(message) => message.event.name(),
        Parcel::Ping(ping) => ping.phase.name(),
    };
    add(state, &channel.name, thread, event, parcel, held_until, now)
}

/// Notes a ping.
pub(super) fn post_ping(state: &Transaction<'_>, ping: Ping, now: Timestamp) -> failure::Result<()> {
    let (name, run, event) = (ping_name(ping.work, &ping.database), ping.run.clone(), ping.phase.name());
    add(state, &name, &name, &format!("{run} {event}"), &Parcel::Ping(ping), None, now)
}

fn add(
    state: &Transaction<'_>,
    channel: &str,
    thread: &str,
    event: &str,
    parcel: &Parcel,
    held_until: Option<Timestamp>,
    now: Timestamp,
) -> failure::Result<()> {
    let message = serde_json::to_string(parcel)?;
    let id = id_of(&[channel, thread, event]);
    deliveries::add(state, &NewDelivery { id, channel, thread, message: &message, now, held_until })
}
