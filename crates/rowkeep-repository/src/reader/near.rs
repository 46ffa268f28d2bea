//! Small frames that lie near each other in a pack, read together.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use rowkeep_format::ids::PackId;
use tokio::sync::OnceCell;

use crate::Result;
use crate::index::PackPlace;
use crate::objects::Objects;

/// Larger frames are always read alone.
const SMALL_BYTES: u64 = 32 * 1024;

/// What is read at once, in a place that begins at a multiple of it.
const WINDOW_BYTES: u64 = 256 * 1024;

/// How many windows are kept.
const WINDOWS: usize = 4;

/// Parts of packs around small frames that were read lately.
///
/// The first small frame of a neighbourhood is read alone, for it may be the only one; from the second on what is around
/// it is read too. Tables of a few rows take two small frames each, one beside the other.
#[derive(Default)]
pub(super) struct Near(Mutex<State>);

#[derive(Default)]
struct State {
    /// The newest last.
    windows: VecDeque<Window>,
    /// Where the last small frame was that was in no window.
    last: Option<(PackId, u64)>,
}

#[derive(Clone)]
struct Window {
    pack: PackId,
    range: Range<u64>,
    /// Read by the first who wants a part of it; the others wait.
    bytes: Arc<OnceCell<Bytes>>,
}

impl Near {
    /// Reads a part of a pack, which may have been read already.
    pub(super) async fn read(
        &self,
        objects: &Objects,
        pack: &PackPlace,
        name: &str,
        part: Range<u64>,
    ) -> Result<Bytes> {
        if part.end - part.start > SMALL_BYTES {
            return objects.read_part(name, part, pack.size).await;
        }
        if let Some(window) = self.window_around(pack, &part) {
            let read = || objects.read_part(name, window.range.clone(), pack.size);
            // Where it cannot be read, the part alone may still be.
            if let Ok(bytes) = window.bytes.get_or_try_init(read).await {
                let start = (part.start - window.range.start) as usize;
                return Ok(bytes.slice(start..start + (part.end - part.start) as usize));
            }
        }
        objects.read_part(name, part, pack.size).await
    }

    /// The window that holds a part: one that is kept, or a new one if the part before was near.
    fn window_around(&self, pack: &PackPlace, part: &Range<u64>) -> Option<Window> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = state.windows.iter().find(|window| window.holds(&pack.id, part)) {
            return Some(kept.clone());
        }
        let last = state.last.replace((pack.id, part.start));
        let is_near = |(id, start): (PackId, u64)| id == pack.id && start.abs_diff(part.start) < WINDOW_BYTES;
        if !last.is_some_and(is_near) {
            return None;
        }
        let start = part.start - part.start % WINDOW_BYTES;
        let range = start..(start + WINDOW_BYTES).max(part.end).min(pack.size);
        let window = Window { pack: pack.id, range, bytes: Arc::default() };
        if state.windows.len() == WINDOWS {
            state.windows.pop_front();
        }
        state.windows.push_back(window.clone());
        Some(window)
    }
}

impl Window {
    fn holds(&self, pack: &PackId, part: &Range<u64>) -> bool {
        self.pack == *pack && self.range.start <= part.start && part.end <= self.range.end
    }
}
