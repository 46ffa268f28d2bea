//! What handlers work with.

use std::sync::Arc;

use crate::access::Guesses;
use crate::queue::Queue;
use crate::size::RepositorySize;

/// What handlers work with.
#[derive(Clone)]
pub(crate) struct Service(Arc<Inner>);

struct Inner {
    queue: Queue,
    guesses: Guesses,
    repository_size: RepositorySize,
}

impl Service {
    /// The service of these jobs.
    pub(crate) fn new(queue: Queue) -> Self {
        Self(Arc::new(Inner {
            queue,
            guesses: Guesses::default(),
            repository_size: RepositorySize::default(),
        }))
    }

    /// The jobs.
    pub(super) fn queue(&self) -> &Queue {
        &self.0.queue
    }

    /// Who came with tokens that are not valid.
    pub(super) fn guesses(&self) -> &Guesses {
        &self.0.guesses
    }

    /// How much the repository holds.
    pub(super) fn repository_size(&self) -> &RepositorySize {
        &self.0.repository_size
    }
}
