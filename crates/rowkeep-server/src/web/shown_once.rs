//! Secrets that were just made, until the page that is asked for next shows them: once, so that loading it again neither shows nor makes another.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rowkeep::clock::Clock;
use secrecy::SecretString;

/// For how long one waits to be shown.
const PATIENCE: Duration = Duration::from_secs(120);

/// A secret that was just made, and what it is.
#[derive(Debug, Clone)]
pub(crate) struct Made {
    pub(crate) told: String,
    pub(crate) secret: SecretString,
}

/// The secrets that wait to be shown, by the session in which they were made.
pub(crate) struct ShownOnce {
    clock: Arc<dyn Clock>,
    waiting: Mutex<HashMap<String, (Instant, Made)>>,
}

impl ShownOnce {
    /// None, by a clock.
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, waiting: Mutex::default() }
    }

    /// Keeps a secret until the session asks for the next page; of several, the last.
    pub(crate) fn put(&self, session: &str, made: Made) {
        let now = self.clock.instant();
        let mut waiting = self.waiting();
        waiting.insert(session.to_owned(), (now, made));
    }

    /// The secret that waits for a session, which nobody is shown again.
    pub(crate) fn take(&self, session: &str) -> Option<Made> {
        self.waiting().remove(session).map(|(_, made)| made)
    }

    /// Those that wait, without those that nobody asked for in time.
    fn waiting(&self) -> MutexGuard<'_, HashMap<String, (Instant, Made)>> {
        let now = self.clock.instant();
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|_, (since, _)| now.saturating_duration_since(*since) < PATIENCE);
        waiting
    }
}

#[cfg(test)]
mod tests {
    use rowkeep_format::clock::TestClock;
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn a_secret_is_shown_once_and_not_for_ever() {
        let clock = Arc::new(TestClock::new(jiff::Timestamp::UNIX_EPOCH));
        let shown = ShownOnce::new(Arc::clone(&clock) as Arc<dyn Clock>);
        let made = |secret: &str| Made { told: "a token".to_owned(), secret: secret.into() };
        let take = |session| shown.take(session).map(|made| made.secret.expose_secret().to_owned());
        shown.put("mine", made("one"));
        shown.put("mine", made("two"));
        assert_eq!(take("theirs"), None);
        assert_eq!((take("mine").as_deref(), take("mine")), (Some("two"), None));
        shown.put("mine", made("three"));
        clock.advance(PATIENCE);
        assert_eq!(take("mine"), None);
    }
}
