//! What is wrong with the state of the service itself.
//!
//! That its file is gone can still be noted as every other alert is. That its disk is full cannot be noted anywhere, so that is told at once, over every
//! channel that wants it, and told once more when it is over.

use jiff::Timestamp;
use rowkeep::config::channels::AlertKind;
use tokio_util::task::TaskTracker;

use super::condition::{Finding, advice, title};
use super::id::id_of;
use super::message::{Event, Message, Severity};
use super::send::send;
use crate::queue::Queue;
use crate::state::incidents::Incident;
use crate::state::trouble::Trouble;

/// What these alerts are about.
pub(super) const OBJECT: &str = "state of the service";

/// Whether the state can be relied on, where that can be noted.
pub(super) fn finding(queue: &Queue) -> Option<Finding> {
    let wrong = match queue.state().trouble() {
        Some(Trouble::Full) => return None,
        trouble => trouble.map(|trouble| (Severity::Critical, trouble.words().to_owned())),
    };
    Some(Finding::of(AlertKind::State, OBJECT, wrong))
}

/// What was told without being noted.
#[derive(Default)]
pub(super) struct FullDisk {
    told: Option<Incident>,
    sending: TaskTracker,
}

impl FullDisk {
    /// Tells that the disk is full, or that it no longer is, where that is news.
    pub(super) fn look(&mut self, queue: &Queue) {
        let is_full = queue.state().trouble() == Some(Trouble::Full);
        let now = queue.now();
        match (is_full, self.told.take()) {
            (true, None) => {
                let incident = incident(now);
                let text = format!("{}\n{}", incident.words, advice(AlertKind::State, OBJECT, false));
                let title = title(AlertKind::State, OBJECT);
                tracing::warn!("alert: {title}: {}", incident.words);
                let message = Message::new(Event::Opened, Severity::Critical, &title, &text, now);
                self.send(queue, &message.about(&incident));
                self.told = Some(incident);
            }
            (false, Some(incident)) => {
                let title = title(AlertKind::State, OBJECT);
                tracing::info!("alert is over: {title}");
                let lasted = rowkeep::age(now.duration_since(incident.opened).as_secs());
                let text = format!("It lasted {lasted}. It was: {}", incident.words);
                let title = format!("over: {title}");
                let message = Message::new(Event::Cleared, Severity::Info, &title, &text, now);
                self.send(queue, &message.about(&incident));
            }
            (_, told) => self.told = told,
        }
    }

    /// Waits for what is being sent.
    pub(super) async fn end(self) {
        self.sending.close();
        self.sending.wait().await;
    }

    fn send(&self, queue: &Queue, message: &Message) {
        let workspace = queue.workspace();
        for channel in workspace.config().channels.iter().filter(|one| one.gets(AlertKind::State, None)) {
            let (channel, message) = (channel.clone(), message.clone());
            self.sending.spawn(async move {
                let of = message.incident.as_deref().unwrap_or_default();
                let id = id_of(&[of, message.event.name(), &channel.name]);
                if let Err(failure) = send(&channel, &message, &id, message.time).await {
                    tracing::warn!("channel {} did not take it: {}", channel.name, failure.told);
                }
            });
        }
    }
}

fn incident(now: Timestamp) -> Incident {
    Incident {
        number: 0,
        id: id_of(&[OBJECT, &now.to_string()]),
        kind: AlertKind::State.name().to_owned(),
        object: OBJECT.to_owned(),
        database: None,
        severity: Severity::Critical.name().to_owned(),
        words: Trouble::Full.words().to_owned(),
        opened: now,
        seen: now,
        cleared: None,
    }
}
