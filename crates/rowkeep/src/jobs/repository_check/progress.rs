//! How far a check has come, as an event for those who watch.

use std::sync::Mutex;

use rowkeep_repository::{CheckProgress, Stage};

use crate::{Context, Event};

/// Turns how far a check has come into how much further that is than before.
pub(super) struct Progress<'a> {
    context: &'a Context,
    at: Mutex<Option<CheckProgress>>,
}

impl Progress<'_> {
    pub(super) fn new(context: &Context) -> Progress<'_> {
        Progress { context, at: Mutex::new(None) }
    }

    pub(super) fn tell(&self, now: CheckProgress) {
        let mut at = self.at.lock().expect("nobody panics holding it");
        let before = at.filter(|before| before.stage == now.stage).map_or(0, |before| before.done);
        *at = Some(now);
        let more = now.done.saturating_sub(before);
        let (objects, bytes) = if now.stage == Stage::Data { (0, more) } else { (more, 0) };
        if more > 0 {
            self.context.observe(Event::Checked { objects, bytes });
        }
    }
}
