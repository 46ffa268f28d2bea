//! What channels get at times that they chose: which of these times have come, and the one message for each.

use jiff::Timestamp;
use rowkeep::config::channels::Channel;
use rowkeep::schedule::Schedule;

use super::message::{Event, Message, Severity};
use super::parcel::{Parcel, post};
use crate::Error;
use crate::queue::Queue;
use crate::state::transaction::Transaction;
use crate::state::{failure, marks};

/// A channel that gets something now.
pub(super) struct Due {
    /// The channel.
    pub(super) channel: Channel,
    /// When it got it last, or began to wait for it.
    pub(super) since: Timestamp,
    /// The time that has come.
    pub(super) time: Timestamp,
    now: Timestamp,
    /// What it gets, as marks and threads call it.
    what: &'static str,
}

/// The channels for which a time has come. Of times that were missed, the last one counts; for a channel that is new, none came yet.
pub(super) async fn due(
    queue: &Queue,
    what: &'static str,
    schedule: impl Fn(&Channel) -> Option<&Schedule>,
) -> Result<Vec<Due>, Error> {
    let workspace = queue.workspace();
    let mut due = Vec::new();
    for channel in &workspace.config().channels {
        let Some(schedule) = schedule(channel) else { continue };
        let (name, now) = (channel.name.clone(), queue.now());
        let mark = queue.state().transaction(move |state| marks::of(state, what, &name)).await?;
        let Some(since) = mark.filter(|mark| *mark <= now) else {
            let name = channel.name.clone();
            queue.state().transaction(move |state| marks::set(state, what, &name, now)).await?;
            continue;
        };
        if let Some(time) = schedule.last_between(since, now, &channel.zone) {
            due.push(Due { channel: channel.clone(), since, time, now, what });
        }
    }
    Ok(due)
}

impl Due {
    /// Notes the message to be sent, of which `compose` gives the title and the text, and that the channel had it.
    pub(super) async fn post(
        self,
        queue: &Queue,
        event: Event,
        compose: impl FnOnce(&Transaction<'_>, &Channel) -> failure::Result<(String, String)> + Send + 'static,
    ) -> Result<(), Error> {
        let Self { channel, time, now, what, .. } = self;
        let write = move |state: &Transaction<'_>| {
            let (title, text) = compose(state, &channel)?;
            let message = Message::new(event, Severity::Info, &title, &text, now);
            let thread = format!("{what} {}", time.as_second());
            // Whoever chose the time wants it then, whatever else is quiet.
            post(state, &channel, &thread, &Parcel::Message(message), Severity::Critical, now)?;
            marks::set(state, what, &channel.name, time)
        };
        queue.state().transaction(write).await
    }
}
