//! Changesets in the repository: stored before they are applied, read back to apply or undo them.

use std::sync::Arc;

use futures::StreamExt;
use rowkeep_engine::{ChangeSource, ChangeStream, EngineError, ErrorKind};
use rowkeep_format::changeset::{self, StoredChanges};
use rowkeep_format::{Changes, ChunkId, TableChanges, chunk};
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

/// The changes of a stored changeset, or those that take it back.
pub(crate) async fn stored_changes(
    repository: &Repository,
    id: ChunkId,
    reversed: bool,
) -> Result<Arc<dyn ChangeSource>, Error> {
    let reader = Arc::new(repository.reader().await?);
    let changeset = read_changeset(&reader, id).await?;
    let turned = |changes: TableChanges| if reversed { changes.reversed() } else { changes };
    let (tables, chunks) =
        changeset.tables.into_iter().map(|stored| (turned(stored.changes), stored.chunks)).unzip();
    Ok(Arc::new(Stored { reader, tables, chunks, reversed }))
}

struct Stored {
    reader: Arc<Reader>,
    tables: Vec<TableChanges>,
    chunks: Vec<Vec<ChunkId>>,
    reversed: bool,
}

impl ChangeSource for Stored {
    fn tables(&self) -> &[TableChanges] {
        &self.tables
    }

    fn read(&self, table: usize) -> ChangeStream {
        let (reader, reversed) = (Arc::clone(&self.reader), self.reversed);
        let columns = self.tables[table].table.columns.len();
        futures::stream::iter(self.chunks[table].clone())
            .then(move |id| {
                let reader = Arc::clone(&reader);
                async move {
                    let changes = read_changes(&reader, id, columns).await?;
                    Ok(if reversed { changes.reversed() } else { changes })
                }
            })
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
