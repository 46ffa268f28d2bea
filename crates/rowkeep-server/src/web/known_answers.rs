//! Answers that are the same for a moment, kept for whoever asks for the same meanwhile.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Bytes;

use crate::access::Role;
use crate::queue::Queue;

/// Ages are told in seconds.
const LASTS: Duration = Duration::from_secs(1);

/// So many bytes are kept.
const MOST_BYTES: usize = 4 << 20;

/// Who asks for what: an address, and what decides about what somebody sees there.
pub(super) type Asked = (String, Role, Option<Vec<String>>);

/// A moment: after how many changes of the state, and when.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    changes: u64,
    second: i64,
    at: Instant,
}

impl Moment {
    pub(super) fn now(queue: &Queue) -> Self {
        let (second, at) = (queue.now().as_second(), queue.clock().instant());
        Self { changes: queue.state().changes(), second, at }
    }

    /// Whether what was answered since this moment is still to be answered.
    fn lasts_until(&self, now: &Self) -> bool {
        (self.changes, self.second) == (now.changes, now.second)
            && now.at.saturating_duration_since(self.at) < LASTS
    }
}

/// The answers of one moment.
#[derive(Default)]
pub(crate) struct KnownAnswers(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    since: Option<Moment>,
    answers: HashMap<Asked, Bytes>,
    bytes: usize,
}

impl KnownAnswers {
    /// What was answered in this moment.
    pub(super) fn get(&self, now: &Moment, asked: &Asked) -> Option<Bytes> {
        let mut kept = self.kept();
        if !kept.since.is_some_and(|since| since.lasts_until(now)) {
            *kept = Kept { since: Some(*now), ..Kept::default() };
        }
        kept.answers.get(asked).cloned()
    }

    /// Keeps what was answered to somebody who asked at a moment, unless something has changed since: that may be missing in it.
    pub(super) fn keep(&self, asked_at: &Moment, asked: Asked, answer: Bytes) {
        let mut kept = self.kept();
        if kept.since.is_some_and(|since| since.at <= asked_at.at && since.lasts_until(asked_at))
            && kept.bytes + answer.len() <= MOST_BYTES
        {
            kept.bytes += answer.len();
            kept.answers.insert(asked, answer);
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use rowkeep::clock::{Clock, SystemClock};

    use super::*;

    fn asked(path: &str, databases: Option<&[&str]>) -> Asked {
        let databases = databases.map(|names| names.iter().map(ToString::to_string).collect());
        (path.to_owned(), Role::Viewer, databases)
    }

    #[test]
    fn an_answer_lasts_a_moment() {
        let (known, all) = (KnownAnswers::default(), asked("/api/v1/health", None));
        let now = Moment { changes: 1, second: 5, at: SystemClock.instant() };
        assert_eq!(known.get(&now, &all), None);
        known.keep(&now, all.clone(), Bytes::from_static(b"a"));
        assert_eq!(known.get(&now, &all).as_deref(), Some(&b"a"[..]));
        let others = [asked("/api/v1/databases", None), asked("/api/v1/health", Some(&["shop"]))];
        assert!(others.iter().all(|other| known.get(&now, other).is_none()), "somebody else may see less");
        for later in
            [Moment { changes: 2, ..now }, Moment { second: 6, ..now }, Moment { at: now.at + LASTS, ..now }]
        {
            known.keep(&now, all.clone(), Bytes::from_static(b"a"));
            assert_eq!(known.get(&later, &all), None, "{later:?}");
            known.keep(&now, all.clone(), Bytes::from_static(b"of before"));
            assert_eq!(known.get(&later, &all), None, "{later:?}");
            assert_eq!(known.get(&now, &all), None);
        }
    }

    #[test]
    fn there_is_an_end_to_what_is_kept() {
        let known = KnownAnswers::default();
        let now = Moment { changes: 1, second: 5, at: SystemClock.instant() };
        let (first, second) = (asked("/1", None), asked("/2", None));
        known.get(&now, &first);
        known.keep(&now, first.clone(), Bytes::from(vec![0; MOST_BYTES]));
        known.keep(&now, second.clone(), Bytes::from_static(b"a"));
        assert!(known.get(&now, &first).is_some() && known.get(&now, &second).is_none());
    }
}
