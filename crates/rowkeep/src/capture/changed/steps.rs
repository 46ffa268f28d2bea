//! The chunks of the table before, one after the other, with what happened to the rows of each.

use std::pin::Pin;
use std::sync::Arc;

use futures::stream::{BoxStream, Peekable, StreamExt};
use rowkeep_format::TableEntry;
use rowkeep_format::tree::{ChunkRef, MAX_KEY_BYTES};
use rowkeep_repository::Reader;

use super::edit::Edit;
use super::keyed_rows::KeyedRows;
use super::stop::{Stop, Why};
use crate::Error;
use crate::state::reader::chunks;

/// No more of the rows that were written is held in memory for one chunk.
const MOST_BYTES: usize = 4 << 20;

/// What happened to a table since a snapshot, in the order of its key.
pub(super) struct Changes {
    /// The rows that were written.
    pub(super) written: KeyedRows,
    /// The keys of all rows, where some may be gone.
    pub(super) all: Option<KeyedRows>,
    /// The number of columns.
    pub(super) columns: usize,
}

impl Changes {
    /// What happened to the rows below a key that were not asked for yet, or to the first of them where more was written than
    /// is held in memory.
    async fn below(&mut self, upper: Option<&[u8]>) -> Result<Edit, Stop> {
        let mut edit = Edit::new(self.columns);
        edit.kept = self.all.as_ref().map(|_| Vec::new());
        let is_below = |key: &[u8]| upper.is_none_or(|upper| key < upper);
        loop {
            edit.has_more = edit.bytes() >= MOST_BYTES;
            if edit.has_more {
                edit.has_more = self.written.key().await?.is_some_and(is_below);
                if edit.has_more {
                    return Ok(edit);
                }
            }
            let written = self.written.key().await?.filter(|key| is_below(key));
            let Some(all) = &mut self.all else {
                let Some(key) = written else { return Ok(edit) };
                edit.keys.push(key.to_vec());
                self.written.take_into(&mut edit.written).await?;
                continue;
            };
            match (all.key().await?.filter(|key| is_below(key)), written) {
                (None, None) => return Ok(edit),
                (Some(key), Some(written)) if key == written => {
                    edit.keys.push(key.to_vec());
                    self.written.take_into(&mut edit.written).await?;
                    all.advance().await?;
                }
                (Some(key), written) if written.is_none_or(|written| key < written) => {
                    edit.kept.get_or_insert_default().push(key.to_vec());
                    all.advance().await?;
                }
                // A row that was written is not there.
                (_, Some(_)) => return Err(Stop::ReadAll(Why::Contradiction)),
                (Some(_), None) => unreachable!("the arm before has it"),
            }
        }
    }
}

/// A chunk and what happened to its rows; without one, rows behind those of the step before.
pub(super) struct Step {
    pub(super) chunk: Option<ChunkRef>,
    pub(super) edit: Edit,
}

/// All steps of a table.
pub(super) struct Steps {
    chunks: Peekable<BoxStream<'static, Result<ChunkRef, Error>>>,
    reader: Arc<Reader>,
    changes: Changes,
    /// Where rows end that belong to the last step, where more were written.
    upper: Option<Option<Vec<u8>>>,
    /// The next one, which may have the one before it cut again.
    next: Option<Step>,
}

impl Steps {
    pub(super) fn new(reader: &Arc<Reader>, entry: &TableEntry, changes: Changes) -> Self {
        let level = u64::from(entry.root.levels).saturating_sub(1);
        let chunks = chunks(Arc::clone(reader), entry.root.hash, level).peekable();
        Self { chunks, reader: Arc::clone(reader), changes, upper: None, next: None }
    }

    /// The next step; nothing when all rows were come by.
    pub(super) async fn next(&mut self) -> Result<Option<Step>, Stop> {
        let this = match self.next.take() {
            Some(next) => Some(next),
            None => self.make().await?,
        };
        let Some(mut this) = this else { return Ok(None) };
        self.next = self.make().await?;
        let changes_first =
            |next: &Step| next.chunk.as_ref().is_some_and(|chunk| next.edit.changes_first(chunk));
        this.edit.is_cut_again = self.next.as_ref().is_some_and(changes_first);
        Ok(Some(this))
    }

    async fn make(&mut self) -> Result<Option<Step>, Stop> {
        let (chunk, upper) = match self.upper.take() {
            Some(upper) => (None, upper),
            None => match self.chunks.next().await {
                None => return Ok(None),
                // All rows say what the table before does not.
                Some(Err(_)) => return Err(Stop::ReadAll(Why::NoShortWay)),
                Some(Ok(chunk))
                    if chunk.first_key.len() >= MAX_KEY_BYTES || !self.reader.contains(&chunk.id) =>
                {
                    return Err(Stop::ReadAll(Why::NoShortWay));
                }
                Some(Ok(chunk)) => match Pin::new(&mut self.chunks).peek().await {
                    Some(Ok(next)) => (Some(chunk), Some(next.first_key.clone())),
                    // The next turn says what is wrong.
                    Some(Err(_)) | None => (Some(chunk), None),
                },
            },
        };
        let edit = self.changes.below(upper.as_deref()).await?;
        if edit.has_more {
            self.upper = Some(upper);
        }
        Ok(Some(Step { chunk, edit }))
    }
}
