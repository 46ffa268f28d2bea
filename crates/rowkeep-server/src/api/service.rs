//! What handlers work with.

use std::sync::Arc;

use crate::access::Guesses;
use crate::alerts::Attempts;
use crate::queue::Queue;

/// What handlers work with.
#[derive(Clone)]
pub(crate) struct Service(Arc<Inner>);

struct Inner {
    queue: Queue,
    guesses: Guesses,
    attempts: Arc<Attempts>,
}

impl Service {
    /// The service of these jobs, which counts the requests that are refused.
    pub(crate) fn new(queue: Queue, attempts: Arc<Attempts>) -> Self {
        Self(Arc::new(Inner { queue, guesses: Guesses::default(), attempts }))
    }

    /// The jobs.
    pub(super) fn queue(&self) -> &Queue {
        &self.0.queue
    }

    /// Who came with tokens that are not valid.
    pub(super) fn guesses(&self) -> &Guesses {
        &self.0.guesses
    }

    /// How many requests were refused lately.
    pub(super) fn attempts(&self) -> &Attempts {
        &self.0.attempts
    }
}
