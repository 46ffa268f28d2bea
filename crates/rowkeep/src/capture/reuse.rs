//! What a snapshot takes over from the one before: tables, or chunks of them, of which the database tells that nothing was written
//! since, or that are copies of equal ones, and chunks that new ones are differences to.

use std::collections::{HashMap, HashSet};
use std::pin::Pin;
use std::sync::Arc;

use futures::stream::{StreamExt, TryStreamExt};
use jiff::{SignedDuration, Timestamp};
use rowkeep_engine::{ChangeCount, RowStream, View};
use rowkeep_format::ids::RepositoryId;
use rowkeep_format::tree::TableRoot;
use rowkeep_format::{ChunkId, ContentKeys, Manifest, PagesHash, SnapshotId, Table, TableEntry, TableName};
use rowkeep_repository::{Reader, Repository};
use tokio::sync::OnceCell;

use super::changed::ChangedTable;
use super::increment::EarlierTable;
use super::sink::Sink;
use crate::background::Background;
use crate::state::reader::chunks;
use crate::state::snapshots::{self, Snapshot, read_schema};
use crate::{Context, Error};

/// After so long a table is read again whatever the database tells, so that damage to what lies there is found.
const LONGEST_UNREAD: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Of a table with less than so many bytes all rows are read.
const SMALL_TABLE_BYTES: u64 = 1 << 20;

/// The written rows of a table with so many bytes are read while they are counted.
const LARGE_TABLE_BYTES: u64 = 32 << 20;

/// The hashes that the tables of a snapshot have in the repository where it was made.
#[derive(Debug, Clone)]
pub(crate) struct Originals {
    pub(crate) repository: RepositoryId,
    pub(crate) hashes: HashMap<TableName, ChunkId>,
}

impl Originals {
    /// Those of a snapshot in a repository, which may be a copy itself.
    pub(crate) fn of(manifest: &Manifest, repository: RepositoryId) -> Self {
        let made_in = manifest.origin.map_or(repository, |origin| origin.repository);
        let hash = |entry: &TableEntry| match manifest.origin {
            Some(_) => entry.original,
            None => Some(entry.root.hash),
        };
        let hashes = manifest.tables.iter().filter_map(|entry| Some((entry.name.clone(), hash(entry)?)));
        Self { repository: made_in, hashes: hashes.collect() }
    }

    /// The tables that have the same rows as in an earlier snapshot: where both were made in one repository, hashes tell.
    fn unchanged_since(&self, earlier: &Manifest, repository: RepositoryId) -> HashSet<TableName> {
        let earlier = Self::of(earlier, repository);
        if earlier.repository != self.repository {
            return HashSet::new();
        }
        let is_same = |(name, hash): &(&TableName, &ChunkId)| earlier.hashes.get(*name) == Some(*hash);
        self.hashes.iter().filter(is_same).map(|(name, _)| name.clone()).collect()
    }
}

/// An earlier snapshot of a database, for a later one. It is opened when something is wanted of it.
#[derive(Clone)]
pub(crate) struct Base {
    inner: Arc<Inner>,
    trusts_marks: bool,
}

struct Inner {
    repository: Repository,
    id: SnapshotId,
    /// For a copy, the hashes that its tables have where it was made.
    copied: Option<Originals>,
    opened: OnceCell<Option<Opened>>,
}

struct Opened {
    instant: Option<String>,
    time: Timestamp,
    /// For a copy, the tables that have the same rows in what it is a copy of.
    unchanged: Option<HashSet<TableName>>,
    entries: HashMap<TableName, TableEntry>,
    tables: HashMap<TableName, Table>,
    reader: Arc<Reader>,
}

/// A table of a later snapshot.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) context: &'a Context,
    pub(super) view: &'a dyn View,
    pub(super) table: &'a Table,
    /// The time of the later snapshot.
    pub(super) now: Timestamp,
    pub(super) keys: &'a ContentKeys,
    pub(super) sink: &'a Sink,
}

impl Base {
    /// The snapshot with that id. A copy is compared with what that one is a copy of: `copied` are the hashes that its tables have
    /// where it was made.
    pub(crate) fn new(repository: &Repository, id: SnapshotId, copied: Option<&Originals>) -> Self {
        let (repository, copied) = (repository.clone(), copied.cloned());
        let inner = Arc::new(Inner { repository, id, copied, opened: OnceCell::new() });
        Self { inner, trusts_marks: false }
    }

    /// The same, relying on what writers promise of the rows that they changed since, or not.
    pub(crate) fn trusting_marks(self, trusts_marks: bool) -> Self {
        Self { trusts_marks, ..self }
    }

    /// Asks at once what is asked about each of many tables.
    pub(crate) async fn ask(&self, view: &dyn View, tables: &[&Table], now: Timestamp) -> Result<(), Error> {
        if !view.reads_all()
            && view.horizon().is_some()
            && let Some(opened) = self.inner.opened().await
            && let Some(horizon) = opened.horizon(view)
        {
            if self.trusts_marks && opened.unchanged.is_none() {
                let is_meant =
                    |table: &&Table| opened.entry_of(table).is_some_and(|entry| opened.is_recent(entry, now));
                let meant: Vec<&Table> = tables.iter().copied().filter(is_meant).collect();
                view.read_promised(&meant, horizon).await?;
            }
            view.ask_changed_since(tables, horizon).await;
        }
        Ok(())
    }

    /// The table as the earlier snapshot has it but for the rows that were written since, with the bytes of those; nothing where
    /// all rows have to be read.
    pub(super) async fn take_over(&self, wanted: &Wanted<'_>) -> Result<Option<(TableEntry, u64)>, Error> {
        let Wanted { context, view, table, now, keys, sink } = *wanted;
        let may_tell = self.inner.copied.is_some() || view.horizon().is_some() || may_have_pages(view, table);
        if view.reads_all() || !may_tell {
            return Ok(None);
        }
        let Some(opened) = self.inner.opened().await else { return Ok(None) };
        let Some(entry) = opened.entry_of(table) else { return Ok(None) };
        if let Some(unchanged) = &opened.unchanged {
            let is_same =
                unchanged.contains(&table.name) && opened.has(entry, |chunk| sink.note_reused(chunk)).await;
            return Ok(is_same.then(|| (entry.clone(), 0)));
        }
        if !opened.is_recent(entry, now) {
            return Ok(None);
        }
        let same =
            async || opened.has(entry, |chunk| sink.note_reused(chunk)).await.then_some((entry.root, 0));
        let is_same_in_pages = entry.pages.is_some() && view.pages_hash(table).await? == entry.pages;
        let found = match opened.horizon(view) {
            _ if is_same_in_pages => same().await,
            None => None,
            Some(horizon) => {
                let written = written_ahead(view, table, horizon).await;
                let Some(counted) = view.changed_since(table, horizon).await? else { return Ok(None) };
                match counted == (ChangeCount { rows: entry.root.rows, changed: 0 }) {
                    true => same().await,
                    false => {
                        let reader = &opened.reader;
                        let changed = ChangedTable { context, table, keys, reader, entry, counted };
                        changed.store(view, horizon, written, sink).await?
                    }
                }
            }
        };
        Ok(found.map(|(root, read_bytes)| {
            let read = Some(opened.read(entry));
            (TableEntry { root, read, original: None, ..entry.clone() }, read_bytes)
        }))
    }

    /// The hash of the pages of a table whose rows were read and are those of the earlier snapshot: it may stay so. That of one that
    /// changes all the time would be good for nothing.
    pub(super) async fn pages_to_note(
        &self,
        view: &dyn View,
        table: &Table,
        root: &TableRoot,
    ) -> Result<Option<PagesHash>, Error> {
        if self.inner.copied.is_some() || !may_have_pages(view, table) {
            return Ok(None);
        }
        let opened = self.inner.opened().await;
        match opened.and_then(|opened| opened.entry_of(table)).is_some_and(|entry| entry.root == *root) {
            true => Ok(view.pages_hash(table).await?),
            false => Ok(None),
        }
    }

    /// The table as the earlier snapshot has it, for the chunks of the later one to be differences to.
    pub(crate) fn earlier(&self, table: &Table) -> EarlierTable {
        let (inner, table) = (Arc::clone(&self.inner), table.clone());
        EarlierTable::later(Box::pin(async move {
            let opened = inner.opened().await?;
            let entry = opened.entry_of(&table).filter(|entry| entry.root.rows > 0)?;
            Some((Arc::clone(&opened.reader), entry.clone()))
        }))
    }
}

/// Whether it is worth asking for the hash of a table's pages: rows of a small one are read sooner than what is known of it.
fn may_have_pages(view: &dyn View, table: &Table) -> bool {
    view.has_pages() && view.estimate(&table.name).bytes >= SMALL_TABLE_BYTES
}

/// Begins to read the rows of a large table that were written, while they are counted: the server goes through the table for
/// either. Over one connection it cannot do both at once.
///
/// Where they cannot be read, the count says whether anybody wants them.
async fn written_ahead(view: &dyn View, table: &Table, horizon: &str) -> Option<Background<RowStream>> {
    if view.estimate(&table.name).bytes < LARGE_TABLE_BYTES || view.parallelism() == 1 {
        return None;
    }
    let mut rows = view.rows_changed_since(table, horizon).await.ok()?.peekable();
    Some(Background::spawn(async move {
        // They are sorted, so the first of them is there when all are.
        Pin::new(&mut rows).peek().await;
        rows.boxed()
    }))
}

impl Inner {
    /// Opens it; nothing where it cannot be read: a snapshot that is damaged is nothing to build on, and no reason to make none.
    async fn opened(&self) -> Option<&Opened> {
        let open = || async {
            let Snapshot { manifest, .. } = snapshots::open(&self.repository, self.id).await.ok()?;
            let reader = Arc::new(self.repository.reader().await.ok()?);
            let schema = read_schema(&reader, &manifest).await.ok()?;
            let copied = self.copied.as_ref();
            Some(Opened {
                unchanged: copied.map(|copied| copied.unchanged_since(&manifest, self.repository.id())),
                instant: manifest.instant,
                time: manifest.time,
                entries: manifest.tables.into_iter().map(|entry| (entry.name.clone(), entry)).collect(),
                tables: schema.tables.into_iter().map(|table| (table.name.clone(), table)).collect(),
                reader,
            })
        };
        self.opened.get_or_init(open).await.as_ref()
    }
}

impl Opened {
    /// By what the database tells what was written since, where it can.
    fn horizon(&self, view: &dyn View) -> Option<&str> {
        view.horizon()?;
        self.instant.as_deref()
    }

    /// The table as the snapshot has it, where it has the columns and the key that it has now.
    fn entry_of(&self, table: &Table) -> Option<&TableEntry> {
        let earlier = self.tables.get(&table.name)?;
        let is_same = earlier.columns == table.columns && earlier.key == table.key;
        self.entries.get(&table.name).filter(|_| is_same)
    }

    /// When all rows of a table were read.
    fn read(&self, entry: &TableEntry) -> Timestamp {
        entry.read.unwrap_or(self.time)
    }

    /// Whether that was lately.
    fn is_recent(&self, entry: &TableEntry, now: Timestamp) -> bool {
        now.duration_since(self.read(entry)).abs() < LONGEST_UNREAD
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
