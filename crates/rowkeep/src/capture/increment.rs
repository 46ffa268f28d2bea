//! Runs of rows as differences: a chunk that changed little is stored as what it differs by from the one that covers the same
//! keys in the snapshot before.

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError};

use futures::future::BoxFuture;
use futures::stream::{BoxStream, StreamExt};
use rowkeep_format::tree::ChunkRef;
use rowkeep_format::{ChunkId, TableEntry};
use rowkeep_repository::{Compressed, ContentKeys, Reader};
use tokio::sync::Mutex;

use crate::Error;
use crate::state::reader::chunks;

/// So many chunks behind the foremost are still known: several are worked on at once.
const BEHIND: usize = 32;

/// So many chunks that were read are kept.
const KEPT: usize = 4;

/// Chunks of fewer bytes are stored whole: they take little in any case.
const SMALLEST: usize = 2 << 10;

/// A table as the snapshot before has it. It is opened when a chunk is stored: of what did not change nothing is asked.
pub(crate) struct EarlierTable {
    state: Mutex<State>,
    /// Chunks that were read not long ago, the last of them at the end.
    read: std::sync::Mutex<VecDeque<(ChunkId, Arc<Vec<u8>>)>>,
}

/// What a table is opened with; nothing where the snapshot before has none like it.
pub(crate) type Opening = BoxFuture<'static, Option<(Arc<Reader>, TableEntry)>>;

enum State {
    Unopened(Opening),
    Opened(Option<(Arc<Reader>, Window)>),
}

/// A stretch of its chunks, which moves on with the keys that are asked for.
struct Window {
    passed: VecDeque<ChunkRef>,
    next: Option<ChunkRef>,
    rest: BoxStream<'static, Result<ChunkRef, Error>>,
}

/// A chunk that another may be a difference to.
pub(crate) struct Earlier {
    id: ChunkId,
    plain: Arc<Vec<u8>>,
    stored_len: usize,
}

impl EarlierTable {
    pub(crate) fn new(reader: &Arc<Reader>, entry: &TableEntry) -> Self {
        let window = Window::new(Arc::clone(reader), entry);
        Self {
            state: Mutex::new(State::Opened(Some((Arc::clone(reader), window)))),
            read: std::sync::Mutex::default(),
        }
    }

    /// One that is opened when it is wanted.
    pub(crate) fn later(opening: Opening) -> Self {
        Self { state: Mutex::new(State::Unopened(opening)), read: std::sync::Mutex::default() }
    }

    /// The chunk that a chunk whose first row has this key is most like; nothing where it cannot be had.
    ///
    /// Keys are asked for in about the order of the table.
    pub(crate) async fn like(&self, first_key: &[u8], bytes: usize) -> Option<Earlier> {
        if bytes < SMALLEST {
            return None;
        }
        let (reader, covering) = {
            let mut state = self.state.lock().await;
            if let State::Unopened(opening) = &mut *state {
                let opened = opening.await;
                *state = State::Opened(opened.map(|(reader, entry)| {
                    let window = Window::new(Arc::clone(&reader), &entry);
                    (reader, window)
                }));
            }
            let State::Opened(Some((reader, window))) = &mut *state else { return None };
            (Arc::clone(reader), window.covering(first_key).await?)
        };
        // One level: what is a difference itself gives what it is one to.
        let id = reader.whole_behind(&covering)?;
        let stored_len = reader.stored_len(&id)? as usize;
        let plain = match self.take_read(&id) {
            Some(plain) => plain,
            None => Arc::new(reader.read(&id).await.ok()?),
        };
        Some(Earlier { id, plain, stored_len })
    }

    /// Keeps for a while what a chunk of this table can be a difference to, so that it need not be read once more.
    pub(crate) fn keep_read(&self, id: ChunkId, plain: Arc<Vec<u8>>) {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.push_back((id, plain));
        if read.len() > KEPT {
            read.pop_front();
        }
    }

    fn take_read(&self, id: &ChunkId) -> Option<Arc<Vec<u8>>> {
        let read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.iter().find(|(kept, _)| kept == id).map(|(_, plain)| Arc::clone(plain))
    }
}

impl Window {
    fn new(reader: Arc<Reader>, entry: &TableEntry) -> Self {
        let level = u64::from(entry.root.levels).saturating_sub(1);
        Self { passed: VecDeque::new(), next: None, rest: chunks(reader, entry.root.hash, level) }
    }

    /// The last chunk that begins at a key or before it, or the first of all.
    async fn covering(&mut self, key: &[u8]) -> Option<ChunkId> {
        loop {
            if self.next.is_none() {
                // What is damaged of the snapshot before is nothing to build on.
                self.next = self.rest.next().await.and_then(Result::ok);
            }
            match self.next.take() {
                Some(next) if next.first_key.as_slice() <= key => {
                    self.passed.push_back(next);
                    if self.passed.len() > BEHIND {
                        self.passed.pop_front();
                    }
                }
                next => {
                    self.next = next;
                    break;
                }
            }
        }
        let covering = self.passed.iter().rev().find(|chunk| chunk.first_key.as_slice() <= key);
        covering.or(self.passed.front()).or(self.next.as_ref()).map(|chunk| chunk.id)
    }
}

/// Compresses a chunk: as a difference where that is less than half of what the other one takes.
///
/// Gives the chunk that it is a difference to as well.
pub(crate) fn compress(
    keys: &ContentKeys,
    id: ChunkId,
    plain: &[u8],
    level: i32,
    earlier: Option<&Earlier>,
) -> Result<(Compressed, Option<ChunkId>), Error> {
    if let Some(earlier) = earlier.filter(|earlier| earlier.id != id) {
        let difference = Compressed::difference(keys, id, plain, level, (earlier.id, &earlier.plain))?;
        if difference.compressed_len() * 2 <= earlier.stored_len {
            return Ok((difference, Some(earlier.id)));
        }
    }
    Ok((Compressed::new(keys, id, plain, level)?, None))
}
