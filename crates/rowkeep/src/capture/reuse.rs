//! What a snapshot takes over from the one before: tables of which the database tells that nothing was written since, and chunks
//! that new ones are differences to.

use std::collections::HashMap;
use std::sync::Arc;

use futures::stream::TryStreamExt;
use jiff::{SignedDuration, Timestamp};
use rowkeep_engine::{ChangeCount, View};
use rowkeep_format::{ChunkId, SnapshotId, Table, TableEntry, TableName};
use rowkeep_repository::{Reader, Repository};

use super::increment::EarlierTable;
use crate::Error;
use crate::state::reader::chunks;
use crate::state::snapshots::{self, Snapshot, read_schema};

/// After so long a table is read again whatever the database tells, so that damage to what lies there is found.
const LONGEST_UNREAD: SignedDuration = SignedDuration::from_hours(7 * 24);

/// An earlier snapshot of a database, for a later one.
pub(crate) struct Base {
    instant: Option<String>,
    time: Timestamp,
    entries: HashMap<TableName, TableEntry>,
    tables: HashMap<TableName, Table>,
    reader: Arc<Reader>,
}

impl Base {
    /// Opens it; nothing where there is none that can be read.
    pub(crate) async fn open(
        repository: &Repository,
        snapshot: Option<SnapshotId>,
        view: &dyn View,
    ) -> Result<Option<Self>, Error> {
        let Some(id) = snapshot else { return Ok(None) };
        // A snapshot that is damaged is nothing to build on, and no reason to make none.
        let Ok(Snapshot { manifest, .. }) = snapshots::open(repository, id).await else { return Ok(None) };
        let reader = Arc::new(repository.reader().await?);
        let Ok(schema) = read_schema(&reader, &manifest).await else { return Ok(None) };
        Ok(Some(Self {
            instant: manifest.instant.filter(|_| view.horizon().is_some()),
            time: manifest.time,
            entries: manifest.tables.into_iter().map(|entry| (entry.name.clone(), entry)).collect(),
            tables: schema.tables.into_iter().map(|table| (table.name.clone(), table)).collect(),
            reader,
        }))
    }

    /// Asks at once what is asked about each of many tables.
    pub(crate) async fn ask(&self, view: &dyn View, tables: &[&Table]) {
        if let Some(instant) = &self.instant {
            view.ask_changed_since(tables, instant).await;
        }
    }

    /// The table as the earlier snapshot has it, if nothing was written to it since and the repository has all of it: what
    /// was lost there comes back when the table is read.
    ///
    /// `now` is the time of the later one; every chunk that is taken over is given to `reused`.
    pub(crate) async fn unwritten(
        &self,
        view: &dyn View,
        table: &Table,
        now: Timestamp,
        reused: impl Fn(&ChunkId),
    ) -> Result<Option<TableEntry>, Error> {
        let (Some(instant), Some(entry)) = (&self.instant, self.entries.get(&table.name)) else {
            return Ok(None);
        };
        let read = entry.read.unwrap_or(self.time);
        let is_recent = now.duration_since(read).abs() < LONGEST_UNREAD;
        if !self.is_same(table) || !is_recent {
            return Ok(None);
        }
        let same = ChangeCount { rows: entry.root.rows, changed: 0 };
        let unwritten = view.changed_since(table, instant).await? == Some(same);
        if !unwritten || !self.has(entry, reused).await {
            return Ok(None);
        }
        Ok(Some(TableEntry { read: Some(read), ..entry.clone() }))
    }

    /// The table as the earlier snapshot has it, for the chunks of the later one to be differences to.
    pub(crate) fn earlier(&self, table: &Table) -> Option<EarlierTable> {
        let entry = self.entries.get(&table.name).filter(|entry| entry.root.rows > 0)?;
        self.is_same(table).then(|| EarlierTable::new(&self.reader, entry))
    }

    /// Whether a table has the columns and the key that it had.
    fn is_same(&self, table: &Table) -> bool {
        let earlier = self.tables.get(&table.name);
        earlier.is_some_and(|earlier| earlier.columns == table.columns && earlier.key == table.key)
    }

    /// Whether every chunk of a table is in the repository, by its index.
    async fn has(&self, entry: &TableEntry, reused: impl Fn(&ChunkId)) -> bool {
        let level = u64::from(entry.root.levels).saturating_sub(1);
        let found = chunks(Arc::clone(&self.reader), entry.root.hash, level);
        let all = found.try_fold(true, |all, chunk| {
            let has = self.reader.contains(&chunk.id);
            reused(&chunk.id);
            async move { Ok(all && has) }
        });
        all.await.unwrap_or(false)
    }
}
