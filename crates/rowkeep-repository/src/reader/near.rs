//! Small frames that lie near each other in a pack, read together.

use std::collections::VecDeque;
use std::ops::Range;

use bytes::Bytes;
use rowkeep_format::ids::PackId;
use tokio::sync::Mutex;

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

struct Window {
    pack: PackId,
    start: u64,
    bytes: Bytes,
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
        let mut state = self.0.lock().await;
        if let Some(found) = state.windows.iter().find_map(|window| window.part(&pack.id, &part)) {
            return Ok(found);
        }
        let last = state.last.replace((pack.id, part.start));
        let is_near = |(id, start): (PackId, u64)| id == pack.id && start.abs_diff(part.start) < WINDOW_BYTES;
        if last.is_some_and(is_near) {
            let start = part.start - part.start % WINDOW_BYTES;
            let end = (start + WINDOW_BYTES).max(part.end).min(pack.size);
            // Others who want a part of it wait. Where it cannot be read, the part alone may still be.
            if let Ok(bytes) = objects.read_part(name, start..end, pack.size).await {
                let window = Window { pack: pack.id, start, bytes };
                let found = window.part(&pack.id, &part);
                if state.windows.len() == WINDOWS {
                    state.windows.pop_front();
                }
                state.windows.push_back(window);
                if let Some(found) = found {
                    return Ok(found);
                }
            }
        }
        drop(state);
        objects.read_part(name, part, pack.size).await
    }
}

impl Window {
    fn part(&self, pack: &PackId, part: &Range<u64>) -> Option<Bytes> {
        let start = part.start.checked_sub(self.start)? as usize;
        let end = start + (part.end - part.start) as usize;
        (self.pack == *pack && end <= self.bytes.len()).then(|| self.bytes.slice(start..end))
    }
}
