//! What waits to be sent is sent, again after growing pauses, until it arrives.
//!
//! It is noted as sent after it was: after a kill between the two, it is sent once more, with the same id.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use jiff::SignedDuration;
use secrecy::ExposeSecret as _;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::http::{self, Failure};
use super::parcel::{Parcel, Ping};
use super::pings::request;
use super::send::{check_scheme, parse, send};
use crate::Error;
use crate::queue::{Queue, tell};
use crate::state::deliveries::Delivery;
use crate::state::transaction::Transaction;
use crate::state::{channels, deliveries};

/// How often it is looked whether something is due: clocks may be set meanwhile.
const LOOK: Duration = Duration::from_secs(1);

/// So many are sent at once, over one channel one at a time.
const AT_ONCE: u32 = 16;

/// How long it is waited before something is sent again, after it failed the first time, the second, ...; then as long as the last.
const AGAIN: [SignedDuration; 7] = [
    SignedDuration::from_secs(10),
    SignedDuration::from_secs(30),
    SignedDuration::from_mins(1),
    SignedDuration::from_mins(5),
    SignedDuration::from_mins(15),
    SignedDuration::from_mins(30),
    SignedDuration::from_hours(1),
];

/// A message is given up after so many attempts: after three days.
const MESSAGE_ATTEMPTS: u32 = 78;

/// A ping is given up after so many: who waits for it has noticed.
const PING_ATTEMPTS: u32 = 5;

/// As so many failures in a row counts what does not pass by itself.
const LASTING_WEIGHT: u32 = 3;

/// Wakes whoever sends.
#[derive(Debug, Default)]
pub(crate) struct Outbox(Notify);

impl Outbox {
    /// Says that there may be something to send.
    pub(crate) fn wake(&self) {
        self.0.notify_one();
    }
}

/// Sends what waits to be sent, until that is to stop. What is just being sent then is sent again by the next process.
pub(crate) async fn run(queue: &Queue, outbox: &Outbox, stop: &CancellationToken) {
    let mut busy = BTreeSet::new();
    let mut sending = FuturesUnordered::new();
    while !stop.is_cancelled() {
        match due(queue, &busy).await {
            Ok(due) => {
                for delivery in due {
                    // Of one channel there may be several threads.
                    if busy.insert(delivery.channel.clone()) {
                        sending.push(async move {
                            let sent = deliver(queue, &delivery).await;
                            (delivery, sent)
                        });
                    }
                }
            }
            Err(error) => tell(&error),
        }
        tokio::select! {
            () = stop.cancelled() => {}
            Some((delivery, sent)) = sending.next(), if !sending.is_empty() => {
                busy.remove(&delivery.channel);
                if let Err(error) = note(queue, delivery, sent).await {
                    tell(&error);
                    tokio::time::sleep(LOOK).await;
                }
            }
            () = outbox.0.notified() => {}
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

async fn due(queue: &Queue, busy: &BTreeSet<String>) -> Result<Vec<Delivery>, Error> {
    let busy: Vec<String> = busy.iter().cloned().collect();
    let now = queue.now();
    queue.state().transaction(move |state| deliveries::due(state, now, &busy, AT_ONCE)).await
}

async fn deliver(queue: &Queue, delivery: &Delivery) -> Result<String, Failure> {
    let workspace = queue.workspace();
    let config = workspace.config();
    let parcel: Parcel = serde_json::from_str(&delivery.message)
        .map_err(|error| Failure::lasting(format!("what was to be sent cannot be read: {error}")))?;
    match parcel {
        Parcel::Message(message) => {
            let channel = config.channels.iter().find(|channel| channel.name == delivery.channel);
            let channel = channel.ok_or_else(|| Failure::lasting("it is no longer configured"))?;
            send(channel, &message, &delivery.id, queue.now()).await
        }
        Parcel::Ping(ping) => send_ping(queue, &ping).await,
    }
}

async fn send_ping(queue: &Queue, ping: &Ping) -> Result<String, Failure> {
    let workspace = queue.workspace();
    let pings = workspace.config().databases.get(&ping.database).map(|database| &database.pings);
    let address = pings.and_then(|pings| Some((pings.of(ping.work)?, pings.private_network)));
    let (address, is_private) = address.ok_or_else(|| Failure::lasting("it is no longer configured"))?;
    let secret = address.value().map_err(Failure::lasting)?.expose_secret();
    let url = parse(secret)?;
    check_scheme(&url, is_private)?;
    match request(&url, ping) {
        Some(outgoing) => http::send(outgoing, is_private).await.map_err(|failure| Failure {
            told: failure.told.replace(secret, "***").replace(url.path(), "***"),
            ..failure
        }),
        None => Ok(String::new()),
    }
}

/// Notes what became of something.
async fn note(queue: &Queue, delivery: Delivery, sent: Result<String, Failure>) -> Result<(), Error> {
    let now = queue.now();
    if let Err(failure) = &sent {
        tracing::warn!("{} does not take what is sent: {}", delivery.channel, failure.told);
    }
    let note = move |state: &Transaction<'_>| {
        let failure = match sent {
            Ok(_) => {
                channels::delivered(state, &delivery.channel, now)?;
                return deliveries::end(state, delivery.number, now);
            }
            Err(failure) => failure,
        };
        let weight = if failure.is_lasting { LASTING_WEIGHT } else { 1 };
        channels::failed(state, &delivery.channel, &failure.told, weight, now)?;
        let is_ping = delivery.channel.starts_with("ping:");
        let most = if is_ping { PING_ATTEMPTS } else { MESSAGE_ATTEMPTS };
        // A ping that is late says nothing where the next waits.
        let is_stale = is_ping && deliveries::is_followed(state, &delivery)?;
        if is_stale || delivery.attempts + 1 >= most {
            return deliveries::end(state, delivery.number, now);
        }
        let pause = AGAIN.get(delivery.attempts as usize).unwrap_or(&AGAIN[AGAIN.len() - 1]);
        let pause = failure.pause.map_or(*pause, |wanted| wanted.max(*pause));
        deliveries::again(state, delivery.number, now.saturating_add(pause).unwrap_or(now))
    };
    queue.state().transaction(note).await
}
