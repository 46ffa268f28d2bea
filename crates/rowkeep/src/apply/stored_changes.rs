//! Changesets in the repository: stored before they are applied, read back to apply or undo them.

use std::sync::Arc;

use futures::{StreamExt, TryStreamExt};
use rowkeep_engine::{ChangeSource, ChangeStream, EngineError, ErrorKind};
use rowkeep_format::changeset::{self, StoredChanges};
use rowkeep_format::left_alone::Numbers;
use rowkeep_format::{Changes, ChunkId, Counts, LeftAlone, TableChanges, chunk};
use rowkeep_repository::{Reader, Repository};

use crate::Error;
use crate::capture::chunk::store;
use crate::state::reader::read_changeset;

/// Stores a changeset; returns the chunk that says where its parts are.
pub(crate) async fn store_changes(
    repository: &Repository,
    changes: &dyn ChangeSource,
) -> Result<ChunkId, Error> {
    let keys = repository.content_keys();
    let writer = repository.writer().await?;
    let mut tables = Vec::new();
    for (number, table) in changes.tables().iter().enumerate().filter(|(_, table)| table.counts.total() > 0) {
        let mut chunks = Vec::new();
        let mut runs = changes.read(number);
        while let Some(run) = runs.next().await {
            let plain = run?.encode();
            let id = keys.chunk_id(&plain);
            store(keys, &writer, id, &plain).await?;
            chunks.push(id);
        }
        tables.push(StoredChanges { changes: table.clone(), chunks });
    }
    let changeset = changeset::Changeset::new(tables);
    let plain = chunk::encode_text(&changeset.to_json());
    let id = keys.chunk_id(&plain);
    store(keys, &writer, id, &plain).await?;
    writer.finish().await?;
    Ok(id)
}

/// The changes of a stored changeset.
pub(crate) async fn stored_changes(
    repository: &Repository,
    id: ChunkId,
) -> Result<Arc<dyn ChangeSource>, Error> {
    Ok(Arc::new(Stored::open(repository, id, false).await?))
}

/// What takes back the changes of a stored changeset that were made, which are all but those that were left alone.
pub(crate) async fn changes_back(
    repository: &Repository,
    id: ChunkId,
    left: &LeftAlone,
) -> Result<Arc<dyn ChangeSource>, Error> {
    Ok(Arc::new(Stored::open(repository, id, true).await?.without(left).await?))
}

struct Stored {
    reader: Arc<Reader>,
    tables: Vec<StoredTable>,
    changes: Vec<TableChanges>,
    reversed: bool,
}

/// Where the changes to a table are, and which of them are not meant.
struct StoredTable {
    chunks: Vec<ChunkId>,
    left: Arc<Numbers>,
}

impl Stored {
    async fn open(repository: &Repository, id: ChunkId, reversed: bool) -> Result<Self, Error> {
        let reader = Arc::new(repository.reader().await?);
        let changeset = read_changeset(&reader, id).await?;
        let turned = |changes: TableChanges| if reversed { changes.reversed() } else { changes };
        let table = |stored: StoredChanges| {
            let table = StoredTable { chunks: stored.chunks, left: Arc::default() };
            (turned(stored.changes), table)
        };
        let (changes, tables) = changeset.tables.into_iter().map(table).unzip();
        Ok(Self { reader, tables, changes, reversed })
    }

    /// The same without the changes that were not made. A table of which none was is not among them.
    async fn without(mut self, left: &LeftAlone) -> Result<Self, Error> {
        for at in 0..self.tables.len() {
            let Some(numbers) = left.of(&self.changes[at].table.name) else { continue };
            self.tables[at].left = Arc::new(numbers.clone());
            let mut counts = Counts::default();
            let mut runs = self.read(at);
            while let Some(run) = runs.next().await {
                counts += Counts::of(&run?);
            }
            self.changes[at].counts = counts;
        }
        let all = self.tables.into_iter().zip(self.changes);
        let (tables, changes) = all.filter(|(_, changes)| changes.counts.total() > 0).unzip();
        Ok(Self { tables, changes, ..self })
    }
}

impl ChangeSource for Stored {
    fn tables(&self) -> &[TableChanges] {
        &self.changes
    }

    fn read(&self, table: usize) -> ChangeStream {
        let (reader, reversed) = (Arc::clone(&self.reader), self.reversed);
        let columns = self.changes[table].table.columns.len();
        let StoredTable { chunks, left } = &self.tables[table];
        let left = Arc::clone(left);
        let mut next = 0;
        let mut made = move |run: Changes| {
            let first = next;
            next += run.len() as u64;
            if left.is_empty() {
                return run;
            }
            let mut made = Changes::new(columns);
            let meant = (first..).zip(run.iter()).filter(|(number, _)| !left.has(*number));
            meant.for_each(|(_, change)| made.push(&run, change));
            made
        };
        futures::stream::iter(chunks.clone())
            .then(move |id| {
                let reader = Arc::clone(&reader);
                async move { read_changes(&reader, id, columns).await }
            })
            .map_ok(move |run| {
                let run = made(run);
                if reversed { run.reversed() } else { run }
            })
            .try_filter(|run| std::future::ready(!run.is_empty()))
            .boxed()
    }
}

async fn read_changes(reader: &Reader, id: ChunkId, columns: usize) -> Result<Changes, EngineError> {
    let failed = |message: String| EngineError::new(ErrorKind::Damaged, message);
    let plain = reader.read(&id).await.map_err(|error| failed(error.to_string()))?;
    match Changes::decode(&plain) {
        Ok(changes) if changes.after().columns().len() == columns => Ok(changes),
        _ => Err(failed(format!("changes {id} in the repository are damaged"))),
    }
}
