//! A snapshot as a view, so that it is stored by what stores views of databases.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::{StreamExt, try_unfold, unfold};
use rowkeep_engine::{Consistency, EngineError, ErrorKind, Estimate, RowStream, View};
use rowkeep_format::manifest::Unread;
use rowkeep_format::tree::TableRoot;
use rowkeep_format::{
    ContentKeys, FormatError, Identity, Manifest, RowBatch, Schema, Table, TableEntry, TableName,
};
use rowkeep_repository::{Reader, Repository};
use tokio::sync::mpsc::{Sender, channel};

use crate::background::Background;
use crate::capture::table::hash_rows;
use crate::state::reader::{Cause, rows};
use crate::{Context, Error};

/// Tables that are read at once.
const AT_ONCE: usize = 2;

/// The state that a snapshot holds.
///
/// All rows of a table are hashed while they pass, under the keys of their repository: where they are not the rows that the
/// snapshot says it has, the stream ends with an error.
pub(super) struct SnapshotView<'a> {
    context: &'a Context,
    keys: &'a ContentKeys,
    reader: &'a Arc<Reader>,
    schema: &'a Schema,
    manifest: &'a Manifest,
    entries: HashMap<&'a TableName, &'a TableEntry>,
    cause: &'a Cause,
}

impl<'a> SnapshotView<'a> {
    /// What is wrong with the snapshot is kept in `cause`.
    pub(super) fn new(
        context: &'a Context,
        repository: &'a Repository,
        reader: &'a Arc<Reader>,
        schema: &'a Schema,
        manifest: &'a Manifest,
        cause: &'a Cause,
    ) -> Self {
        let (keys, entries) = (repository.content_keys(), manifest.by_name());
        Self { context, keys, reader, schema, manifest, entries, cause }
    }
}

#[async_trait]
impl View for SnapshotView<'_> {
    fn schema(&self) -> &Schema {
        self.schema
    }

    fn identity(&self) -> Identity {
        self.manifest.identity.clone().unwrap_or_else(|| Identity::at(&*self.manifest.source))
    }

    fn environment(&self) -> Vec<(String, String)> {
        self.manifest.environment.clone().into_iter().collect()
    }

    fn roles(&self) -> Option<&HashSet<String>> {
        None
    }

    fn unread(&self) -> &[Unread] {
        &self.manifest.unread
    }

    fn left_out(&self) -> &[TableName] {
        &[]
    }

    fn notes(&self) -> &[String] {
        &[]
    }

    fn consistency(&self) -> Consistency {
        let facts = self.manifest.environment.iter();
        Consistency::of(facts.map(|(name, value)| (name.as_str(), value.as_str())))
    }

    fn position(&self) -> Option<String> {
        self.manifest.position.clone()
    }

    fn estimate(&self, table: &TableName) -> Estimate {
        let entry = self.entries.get(table);
        entry.map_or_else(Estimate::default, |entry| Estimate {
            rows: entry.root.rows,
            bytes: entry.root.bytes,
        })
    }

    fn parallelism(&self) -> usize {
        AT_ONCE
    }

    async fn rows(&self, table: &Table) -> Result<RowStream, EngineError> {
        let Some(entry) = self.entries.get(&table.name) else {
            let message = format!("the snapshot has no rows of table {}", table.name);
            return Err(EngineError::new(ErrorKind::NotFound, message));
        };
        let rows = rows(self.context, self.reader, entry, self.cause);
        Ok(proven(self.context, rows, table, entry.root, self.keys, self.cause))
    }

    async fn find(
        &self,
        table: &Table,
        _columns: &[usize],
        _values: &RowBatch,
    ) -> Result<RowStream, EngineError> {
        let message = format!("rows of table {} are only copied as a whole", table.name);
        Err(EngineError::new(ErrorKind::Unsupported, message))
    }
}

/// Rows on their way, and what hashes them beside it.
struct Passing {
    rows: RowStream,
    beside: Sender<Result<RowBatch, EngineError>>,
    hashing: Background<Result<TableRoot, Error>>,
}

/// The rows of a table, which end with an error unless their hash is the table's.
fn proven(
    context: &Context,
    rows: RowStream,
    table: &Table,
    root: TableRoot,
    keys: &ContentKeys,
    cause: &Cause,
) -> RowStream {
    let (beside, passed) = channel(1);
    let passed = unfold(passed, |mut passed| async move { Some((passed.recv().await?, passed)) }).boxed();
    let (context, table, keys) = (context.unwatched(), table.clone(), keys.clone());
    let (name, cause) = (table.name.clone(), cause.clone());
    let hashing = Background::spawn(async move { hash_rows(&context, passed, &table, &keys).await });
    let next =
        move |Passing { mut rows, beside, hashing }: Passing| {
            let (name, cause) = (name.clone(), cause.clone());
            async move {
                if let Some(batch) = rows.next().await.transpose()?
                    && beside.send(Ok(batch.clone())).await.is_ok()
                {
                    return Ok(Some((batch, Passing { rows, beside, hashing })));
                }
                drop(beside);
                match hashing.await {
                    Ok(found) if found.hash == root.hash && found.rows == root.rows => Ok(None),
                    Ok(_) => Err(cause
                        .keep(Error::content(format!("table {name}"))(FormatError::Malformed("its hash")))),
                    Err(error) => Err(cause.keep(error)),
                }
            }
        };
    try_unfold(Passing { rows, beside, hashing }, next).boxed()
}
