//! Chunks that are held back until it is known that they are wanted.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rowkeep_format::ChunkId;
use rowkeep_repository::{Compressed, Writer};

use crate::Error;

/// No more is held of one table. Differences are small: this much is what some hundred thousand changed rows come to.
const MOST_BYTES: usize = 8 << 20;

/// Chunks that a writer was promised and does not have yet.
pub(crate) struct Held {
    pub(in crate::capture) writer: Arc<Writer>,
    chunks: Mutex<HashMap<ChunkId, Compressed>>,
    bytes: AtomicUsize,
}

impl Held {
    pub(in crate::capture) fn new(writer: &Arc<Writer>) -> Self {
        Self { writer: Arc::clone(writer), chunks: Mutex::default(), bytes: AtomicUsize::new(0) }
    }

    /// Holds a chunk that was claimed.
    pub(in crate::capture) fn hold(&self, chunk: Compressed) {
        self.bytes.fetch_add(chunk.compressed_len(), Ordering::Relaxed);
        self.chunks.lock().unwrap_or_else(PoisonError::into_inner).insert(chunk.id(), chunk);
    }

    pub(in crate::capture) fn is_over_full(&self) -> bool {
        self.bytes.load(Ordering::Relaxed) > MOST_BYTES
    }

    /// Gives all to the writer.
    pub(in crate::capture) async fn add_all(&self) -> Result<(), Error> {
        for chunk in self.take() {
            self.writer.add(chunk).await?;
        }
        Ok(())
    }

    /// Forgets all but what others rely on meanwhile.
    pub(in crate::capture) async fn forget_all(&self) -> Result<(), Error> {
        for chunk in self.take() {
            if !self.writer.release(&chunk.id()) {
                self.writer.add(chunk).await?;
            }
        }
        Ok(())
    }

    fn take(&self) -> Vec<Compressed> {
        self.bytes.store(0, Ordering::Relaxed);
        let mut chunks = self.chunks.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *chunks).into_values().collect()
    }
}
