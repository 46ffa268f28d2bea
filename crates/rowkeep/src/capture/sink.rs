//! Where chunks of a state go.

mod held;

use std::collections::HashSet;
use std::sync::Arc;

use rowkeep_format::ChunkId;
use rowkeep_repository::{Compressed, Writer};

use crate::Error;
pub(crate) use held::Held;

/// Where chunks go.
#[derive(Clone)]
pub(crate) enum Sink {
    /// Nowhere: only their names are wanted.
    Names,
    /// Into the repository, unless they are there.
    Repository(Arc<Writer>),
    /// The same, of these alone.
    Wanted(Arc<Writer>, Arc<HashSet<ChunkId>>),
    /// Into the repository as well, but not before it is known that they are wanted.
    Held(Arc<Held>),
}

impl Sink {
    /// Whether a chunk has to be stored: then it has to be given to this.
    pub(super) fn claim(&self, id: &ChunkId) -> bool {
        let writer = match self {
            Sink::Names => return false,
            Sink::Repository(writer) => writer,
            Sink::Wanted(writer, wanted) if wanted.contains(id) => writer,
            Sink::Wanted(..) => return false,
            Sink::Held(held) => &held.writer,
        };
        writer.claim(id)
    }

    /// Takes a chunk that was claimed.
    pub(super) async fn add(&self, chunk: Compressed) -> Result<(), Error> {
        match self {
            Sink::Names => {}
            Sink::Repository(writer) | Sink::Wanted(writer, _) => writer.add(chunk).await?,
            Sink::Held(held) => held.hold(chunk),
        }
        Ok(())
    }

    /// Takes note of what is taken over from an earlier snapshot.
    pub(super) fn note_reused(&self, id: &ChunkId) {
        match self {
            Sink::Repository(writer) => writer.note_reused(id),
            Sink::Held(held) => held.writer.note_reused(id),
            Sink::Names | Sink::Wanted(..) => {}
        }
    }

    /// Takes note of what a chunk is a difference to.
    pub(super) fn note_base(&self, id: &ChunkId) {
        match self {
            Sink::Repository(writer) | Sink::Wanted(writer, _) => writer.note_reused(id),
            Sink::Held(held) => held.writer.note_reused(id),
            Sink::Names => {}
        }
    }

    /// Whether so much is held back that no more should be.
    pub(super) fn is_over_full(&self) -> bool {
        matches!(self, Sink::Held(held) if held.is_over_full())
    }
}
