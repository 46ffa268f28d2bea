//! The rows of a table of a snapshot, read back chunk by chunk.

use std::sync::{Arc, Mutex};

use futures::stream::{BoxStream, StreamExt, TryStreamExt};
use rowkeep_engine::{EngineError, ErrorKind, RowStream};
use rowkeep_format::changeset::Changeset;
use rowkeep_format::tree::{ChunkRef, decode_node};
use rowkeep_format::{ChunkId, FormatError, RowBatch, TableEntry, chunk};
use rowkeep_repository::Reader;

use crate::background::Background;
use crate::context::SMALL_BYTES;
use crate::{Context, Error};

/// Reads a node and holds it against the level it was promised to have.
pub(crate) async fn read_node(reader: &Reader, id: ChunkId, level: u64) -> Result<Vec<ChunkRef>, Error> {
    let plain = reader.read(&id).await?;
    let wrong = Error::content(format!("node {id}"));
    match decode_node(&plain) {
        Ok((found, entries)) if found == level => Ok(entries),
        Ok(_) => Err(wrong(FormatError::Malformed("its level"))),
        Err(error) => Err(wrong(error)),
    }
}

/// Reads which chunks hold the changes of a stored changeset.
pub(crate) async fn read_changeset(reader: &Reader, id: ChunkId) -> Result<Changeset, Error> {
    let plain = reader.read(&id).await?;
    let found = chunk::decode_text(&plain).and_then(Changeset::from_json);
    found.map_err(Error::content(format!("changeset {id}")))
}

/// Walks a tree: every chunk of rows in order, reading nodes only as they are needed.
pub(crate) fn chunks(
    reader: Arc<Reader>,
    id: ChunkId,
    level: u64,
) -> BoxStream<'static, Result<ChunkRef, Error>> {
    futures::stream::once(async move {
        let entries = read_node(&reader, id, level).await?;
        let below = move |entry: ChunkRef| match level {
            0 => futures::stream::once(async move { Ok(entry) }).boxed(),
            _ => chunks(Arc::clone(&reader), entry.id, level - 1),
        };
        Ok::<_, Error>(futures::stream::iter(entries).flat_map(below))
    })
    .try_flatten()
    .boxed()
}

/// The first error that the repository gave while an engine was fed from it.
///
/// Engines know only errors of engines; the operation takes the true one from here.
#[derive(Clone, Default)]
pub(crate) struct Cause(Arc<Mutex<Option<Error>>>);

impl Cause {
    /// Keeps an error, and gives one for an engine in its place.
    pub(crate) fn keep(&self, error: Error) -> EngineError {
        let message = error.to_string();
        self.0.lock().expect("nobody panics holding it").get_or_insert(error);
        EngineError::new(ErrorKind::Other, message)
    }

    /// The error that was kept, if there was one.
    pub(crate) fn take(&self) -> Option<Error> {
        self.0.lock().expect("nobody panics holding it").take()
    }

    /// The true error behind one that an engine gave.
    pub(crate) fn of(&self, error: EngineError) -> Error {
        self.take().unwrap_or(Error::Engine(error))
    }

    /// The same, of an error that may be an engine's or another.
    pub(crate) fn of_either(&self, error: Error) -> Error {
        match error {
            Error::Engine(error) => self.of(error),
            other => other,
        }
    }
}

/// All rows of a table of a snapshot in key order, one batch a chunk, a few chunks read and decoded ahead.
pub(crate) fn rows(context: &Context, reader: &Arc<Reader>, table: &TableEntry, cause: &Cause) -> RowStream {
    let (context, reader, cause) = (context.clone(), Arc::clone(reader), cause.clone());
    let ahead = context.cores() + 2;
    let (first, columns) = (Arc::clone(&reader), table.name.to_string());
    let level = u64::from(table.root.levels).saturating_sub(1);
    chunks(first, table.root.hash, level)
        .map_ok(move |entry| {
            let (context, reader, table) = (context.clone(), Arc::clone(&reader), columns.clone());
            let is_small = entry.bytes <= SMALL_BYTES as u64;
            let read = async move { read_chunk(&context, &reader, &entry, &table).await };
            if is_small { Background::here(read) } else { Background::spawn(read) }
        })
        .try_buffered(ahead)
        .map_err(move |error| cause.keep(error))
        .boxed()
}

/// Reads and decodes a chunk of rows, and holds it against what its node says of it.
pub(crate) async fn read_chunk(
    context: &Context,
    reader: &Reader,
    entry: &ChunkRef,
    table: &str,
) -> Result<RowBatch, Error> {
    let plain = reader.read(&entry.id).await?;
    let decoded = context.compute_on(plain.len(), move || chunk::decode_rows(&plain)).await;
    let wrong = Error::content(format!("chunk {} of table {table}", entry.id));
    match decoded {
        Ok(batch) if batch.rows() as u64 == entry.rows => Ok(batch),
        Ok(_) => Err(wrong(FormatError::Malformed("its number of rows"))),
        Err(error) => Err(wrong(error)),
    }
}
