//! Changes on their way from comparing to applying: in memory while they are few, in a temporary file beyond that.

use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};

use futures::stream::StreamExt;
use rowkeep_engine::{ChangeSource, ChangeStream, EngineError, ErrorKind};
use rowkeep_format::{Changes, TableChanges};

use crate::Error;

/// Where encoded changes are kept. Clones share everything; what is in the file is gone with the last of them.
///
/// The file has no name, so a killed process leaves nothing behind.
#[derive(Clone)]
pub(crate) struct Spool(Arc<Mutex<Inner>>);

struct Inner {
    memory_left: usize,
    folder: Option<std::path::PathBuf>,
    file: Option<(std::fs::File, u64)>,
}

/// One run of changes in a spool.
#[derive(Clone)]
pub(crate) enum Frame {
    Here(Arc<[u8]>),
    File { offset: u64, len: usize },
}

impl Spool {
    /// Nothing yet, of which so many bytes stay in memory; `folder` is where the file is made if one is needed, the system's for
    /// temporary files otherwise.
    pub(crate) fn new(memory_bytes: usize, folder: Option<&Path>) -> Self {
        Self(Arc::new(Mutex::new(Inner {
            memory_left: memory_bytes,
            folder: folder.map(Path::to_owned),
            file: None,
        })))
    }

    /// Keeps a run of changes. Blocks while it writes.
    pub(crate) fn keep(&self, changes: &Changes) -> std::io::Result<Frame> {
        let bytes = changes.encode();
        let mut inner = self.0.lock().expect("nobody panics holding it");
        if bytes.len() <= inner.memory_left {
            inner.memory_left -= bytes.len();
            return Ok(Frame::Here(bytes.into()));
        }
        if inner.file.is_none() {
            let file = match &inner.folder {
                Some(folder) => tempfile::tempfile_in(folder)?,
                None => tempfile::tempfile()?,
            };
            inner.file = Some((file, 0));
        }
        let (file, end) = inner.file.as_mut().expect("it was just made");
        let offset = *end;
        file.seek(SeekFrom::Start(offset))?;
        file.write_all(&bytes)?;
        *end += bytes.len() as u64;
        Ok(Frame::File { offset, len: bytes.len() })
    }

    /// Gives the encoded changes of a frame back. Blocks while it reads.
    pub(crate) fn bytes(&self, frame: &Frame) -> std::io::Result<Vec<u8>> {
        match frame {
            Frame::Here(bytes) => Ok(bytes.to_vec()),
            Frame::File { offset, len } => {
                let mut inner = self.0.lock().expect("nobody panics holding it");
                let (file, _) = inner.file.as_mut().ok_or(std::io::ErrorKind::NotFound)?;
                let mut bytes = vec![0; *len];
                file.seek(SeekFrom::Start(*offset))?;
                file.read_exact(&mut bytes)?;
                Ok(bytes)
            }
        }
    }
}

/// Changes to some tables that can be read as often as needed.
#[derive(Clone)]
pub struct Changeset {
    pub(crate) spool: Spool,
    pub(crate) tables: Vec<TableChanges>,
    pub(crate) frames: Vec<Vec<Frame>>,
}

impl Changeset {
    /// No changes at all.
    pub(crate) fn nothing() -> Self {
        Self::empty(Spool::new(0, None))
    }

    /// No changes, kept in a spool.
    pub(crate) fn empty(spool: Spool) -> Self {
        Self { spool, tables: Vec::new(), frames: Vec::new() }
    }

    /// No changes, kept in the same place.
    pub(crate) fn emptied(&self) -> Self {
        Self::empty(self.spool.clone())
    }

    /// Takes over all changes to a table that are kept in the same place.
    pub(crate) fn take_over(&mut self, other: &Changeset, table: usize) {
        self.push(other.tables[table].clone(), other.frames[table].clone());
    }

    pub(crate) fn push(&mut self, table: TableChanges, frames: Vec<Frame>) {
        self.tables.push(table);
        self.frames.push(frames);
    }

    /// The changed tables.
    pub fn tables(&self) -> &[TableChanges] {
        &self.tables
    }

    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.tables.iter().all(|table| table.counts.total() == 0)
    }

    /// All changes to the table at this place of [`tables`](Self::tables), in key order.
    pub fn changes(
        &self,
        table: usize,
    ) -> impl futures::Stream<Item = Result<Changes, Error>> + Send + 'static {
        self.changes_from(table, 0)
    }

    /// The same from this run of changes on, without reading those before it.
    pub fn changes_from(
        &self,
        table: usize,
        run: usize,
    ) -> impl futures::Stream<Item = Result<Changes, Error>> + Send + 'static {
        let (spool, frames) = (self.spool.clone(), self.frames[table].clone());
        futures::stream::iter(frames.into_iter().skip(run)).then(move |frame| {
            let spool = spool.clone();
            async move {
                let read = tokio::task::spawn_blocking(move || spool.bytes(&frame)).await;
                let bytes = match read {
                    Ok(bytes) => bytes.map_err(spool_failed)?,
                    Err(failed) => std::panic::resume_unwind(failed.into_panic()),
                };
                Changes::decode(&bytes).map_err(Error::content("the temporary file with the changes"))
            }
        })
    }
}

pub(crate) fn spool_failed(error: std::io::Error) -> Error {
    let kind = match error.kind() {
        std::io::ErrorKind::StorageFull => ErrorKind::DiskFull,
        _ => ErrorKind::Other,
    };
    let message = "the changes cannot be kept in a temporary file";
    EngineError::new(kind, message).with_source(error).into()
}

impl ChangeSource for Changeset {
    fn tables(&self) -> &[TableChanges] {
        &self.tables
    }

    fn read(&self, table: usize) -> ChangeStream {
        self.changes(table)
            .map(|changes| {
                changes.map_err(|error| match error {
                    Error::Engine(error) => error,
                    other => EngineError::new(ErrorKind::Other, other.to_string()),
                })
            })
            .boxed()
    }
}

#[cfg(test)]
mod tests {
    use rowkeep_format::{RowBatch, Value};

    use super::*;

    const MEMORY_BYTES: usize = 64 * 1024;

    #[test]
    fn what_is_kept_comes_back_from_memory_and_from_the_file() {
        let spool = Spool::new(MEMORY_BYTES, None);
        let changes = |number: i64, size: usize| {
            let mut batch = RowBatch::new(2);
            batch.push_row([Value::Integer(number), Value::Blob(&vec![number as u8; size])]);
            let mut changes = Changes::new(2);
            changes.insert(&batch, 0);
            changes
        };
        let all: Vec<_> = (0..20).map(|number| changes(number, MEMORY_BYTES / 8)).collect();
        let frames: Vec<_> = all.iter().map(|changes| spool.keep(changes).expect("there is room")).collect();
        assert!(matches!(frames[0], Frame::Here(_)) && matches!(frames[19], Frame::File { .. }));
        for (frame, changes) in frames.iter().zip(&all) {
            let bytes = spool.bytes(frame).expect("it is there");
            assert_eq!(Changes::decode(&bytes).as_ref(), Ok(changes));
        }
    }
}
