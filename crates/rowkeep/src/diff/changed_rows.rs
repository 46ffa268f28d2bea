//! What differs between a live table and a snapshot of it, where the database tells which rows were written since.
//!
//! Of the live table only those rows are read, and of the snapshot those that they took the place of. Rows that are not
//! there any more are known by their number first, and looked for only when there are any: the keys of the live table
//! are compared with the snapshot's chunks, and only chunks that lack some are read. All counts must add up; if they do
//! not, both states are read in full.

use std::sync::Arc;

use futures::stream::{Fuse, FuturesOrdered, StreamExt, TryStreamExt};
use rowkeep_engine::{ChangeCount, RowStream};
use rowkeep_format::schema::KeyColumn;
use rowkeep_format::tree::{ChunkRef, MAX_KEY_BYTES};
use rowkeep_format::{FormatError, Key, RowBatch, Table, TableEntry, key};
use rowkeep_repository::Reader;

use super::chosen::Chosen;
use super::pairing::Pair;
use crate::background::Background;
use crate::state::key_lookup::rows_by_keys;
use crate::state::reader::{chunks, read_chunk};
use crate::state::selection::Selection;
use crate::state::{LiveState, SnapshotState, State};
use crate::{Context, Error};

/// No more is held in memory of either side; where more was written, both are read from beginning to end.
const MOST_BYTES: u64 = 32 << 20;

/// A live table and the same table in a snapshot, of which the database tells what was written since.
pub(super) struct ChangedRows<'a> {
    live: &'a LiveState,
    stored: &'a SnapshotState,
    table: &'a Table,
    entry: &'a TableEntry,
    instant: &'a str,
    written: u64,
    /// How many of the snapshot's rows are not in the live table as they were.
    gone: u64,
}

/// The rows of a table that may differ; all others are the same on both sides.
pub(super) struct Differing {
    /// Those of the live table, in key order.
    pub(super) live: RowBatch,
    /// Those of the snapshot, in key order.
    pub(super) stored: RowBatch,
}

impl<'a> ChangedRows<'a> {
    /// Asks whichever state is live how the table differs from the other's, which is a snapshot.
    pub(super) async fn of(pair: Pair<'a>) -> Result<Option<Self>, Error> {
        let (live, stored, table) = match (pair.before, pair.after) {
            (State::Live(live), State::Snapshot(stored)) => (live, stored, pair.old),
            (State::Snapshot(stored), State::Live(live)) => (live, stored, pair.new),
            _ => return Ok(None),
        };
        if pair.old.columns != pair.new.columns || pair.old.key != pair.new.key {
            return Ok(None);
        }
        Self::ask(live, stored, table).await
    }

    /// Asks the database; nothing where it does not tell, or too much was written for this way to be a short one.
    ///
    /// The table has the same columns and the same key in both.
    async fn ask(
        live: &'a LiveState,
        stored: &'a SnapshotState,
        table: &'a Table,
    ) -> Result<Option<Self>, Error> {
        let manifest = &stored.snapshot.manifest;
        let (Some(instant), Some(entry)) = (manifest.instant.as_deref(), stored.entry(&table.name)) else {
            return Ok(None);
        };
        if !table.key.unique {
            return Ok(None);
        }
        let Some(ChangeCount { rows, changed: written }) = live.view.changed_since(table, instant).await?
        else {
            return Ok(None);
        };
        let Some(gone) = entry.root.rows.checked_sub(rows - written) else { return Ok(None) };
        let changed = Self { live, stored, table, entry, instant, written, gone };
        let row_bytes = entry.root.bytes / entry.root.rows.max(1);
        let is_little = written.max(gone).saturating_mul(row_bytes.max(1)) <= MOST_BYTES;
        Ok(is_little.then_some(changed))
    }

    /// Whether no row differs.
    fn is_same(&self) -> bool {
        self.written == 0 && self.gone == 0
    }

    /// Finds the rows that may differ; nothing where there is no short way to them.
    pub(super) async fn rows(&self, context: &Context) -> Result<Option<Differing>, Error> {
        let none = || RowBatch::new(self.table.columns.len());
        if self.is_same() {
            return Ok(Some(Differing { live: none(), stored: none() }));
        }
        let (live, keys) = match self.written {
            0 => (none(), Vec::new()),
            _ => self.written_rows().await?,
        };
        if live.rows() as u64 != self.written {
            return Ok(self.contradicted(context));
        }
        let reader = &self.stored.reader;
        let replaced = match keys.is_empty() {
            true => none(),
            false => rows_by_keys(context, reader, self.table, self.entry, &keys).await?,
        };
        let stored = match replaced.rows() as u64 == self.gone {
            true => Some(replaced),
            false => self.gone_rows(context, &keys).await?,
        };
        match stored {
            Some(stored) if stored.rows() as u64 != self.gone => Ok(self.contradicted(context)),
            stored => Ok(stored.map(|stored| Differing { live, stored })),
        }
    }

    /// Says that what the database told does not come out even.
    fn contradicted(&self, context: &Context) -> Option<Differing> {
        let table = &self.table.name;
        context.warn(format!(
            "what the database tells of rows written to table {table} contradicts its rows, so all are read"
        ));
        None
    }

    /// The rows of the live table that may have been written, in key order, and their keys.
    async fn written_rows(&self) -> Result<(RowBatch, Vec<Vec<u8>>), Error> {
        let mut rows = self.live.view.rows_changed_since(self.table, self.instant).await?;
        let mut written = RowBatch::new(self.table.columns.len());
        let mut keys = Vec::new();
        while let Some(batch) = rows.try_next().await? {
            for row in 0..batch.rows() {
                let mut encoded = Vec::new();
                key::encode(&self.table.key, &batch, row, &mut encoded).map_err(self.unstorable())?;
                keys.push(encoded);
            }
            written.extend(&batch, 0..batch.rows());
        }
        Ok((written, keys))
    }

    /// The rows of the snapshot that are not in the live table as they were, in key order; nothing where keys are so long
    /// that a chunk does not tell where it begins.
    async fn gone_rows(&self, context: &Context, written: &[Vec<u8>]) -> Result<Option<RowBatch>, Error> {
        let root = &self.entry.root;
        let level = u64::from(root.levels).saturating_sub(1);
        let mut chunks = chunks(Arc::clone(&self.stored.reader), root.hash, level).peekable();
        let mut kept = UnchangedKeys::new(self.live.view.keys(self.table).await?, &self.table.key, written);
        let mut gone = RowBatch::new(self.table.columns.len());
        let mut working = FuturesOrdered::new();
        while let Some(chunk) = chunks.try_next().await? {
            let next = match std::pin::Pin::new(&mut chunks).peek().await {
                Some(Ok(next)) if next.first_key.len() >= MAX_KEY_BYTES => return Ok(None),
                Some(Ok(next)) => Some(next.first_key.clone()),
                // The next turn says what is wrong.
                Some(Err(_)) | None => None,
            };
            let keys = kept.below(next.as_deref()).await.map_err(|error| error.of(self.table))?;
            if keys.len() as u64 == chunk.rows {
                continue;
            }
            working.push_back(self.lacking(context, chunk, keys).await);
            while working.len() > context.cores()
                && let Some(done) = working.next().await
            {
                let done: RowBatch = done?;
                gone.extend(&done, 0..done.rows());
            }
        }
        while let Some(done) = working.next().await {
            let done = done?;
            gone.extend(&done, 0..done.rows());
        }
        Ok(Some(gone))
    }

    /// Reads a chunk in the background, once there is room for it, and takes those of its rows whose keys are not among
    /// some.
    async fn lacking(&self, context: &Context, chunk: ChunkRef, keys: Keys) -> Work {
        let admitted = context.admit(chunk.bytes as usize).await;
        let (context, reader) = (context.clone(), Arc::<Reader>::clone(&self.stored.reader));
        let (name, key) = (self.table.name.to_string(), self.table.key.clone());
        let unstorable = self.unstorable();
        Background::spawn(async move {
            let _admitted = admitted;
            let rows = read_chunk(&context, &reader, &chunk, &name).await?;
            context.compute(move || lacking(&rows, &key, &keys)).await.map_err(unstorable)
        })
    }

    fn unstorable(&self) -> impl Fn(FormatError) -> Error + use<> {
        let table = self.table.name.to_string();
        move |source| Error::Table { table: table.clone(), source }
    }
}

/// Whether it is known of all tables of a selection which rows can differ between a database and a snapshot, so that they
/// need not be read.
pub(crate) async fn are_changes_known(
    before: &State,
    after: &State,
    selection: &Selection,
) -> Result<bool, Error> {
    let chosen = Chosen::new(before, after, selection)?;
    chosen.ask_what_changed(before, after).await;
    for (old, new) in chosen.pairs {
        if ChangedRows::of(Pair { before, after, old, new }).await?.is_none() {
            return Ok(false);
        }
    }
    Ok(true)
}

type Work = Background<Result<RowBatch, Error>>;

/// The rows whose keys are not among some; both are in key order.
fn lacking(rows: &RowBatch, key: &Key, keys: &Keys) -> Result<RowBatch, FormatError> {
    let mut out = RowBatch::new(rows.columns().len());
    let (mut encoded, mut at) = (Vec::new(), 0);
    for row in 0..rows.rows() {
        encoded.clear();
        key::encode(key, rows, row, &mut encoded)?;
        while keys.get(at).is_some_and(|key| key < encoded.as_slice()) {
            at += 1;
        }
        if keys.get(at) != Some(&encoded) {
            out.extend(rows, row..row + 1);
        }
    }
    Ok(out)
}

/// Encoded keys in order.
#[derive(Default)]
struct Keys {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Keys {
    fn len(&self) -> usize {
        self.ends.len()
    }

    fn get(&self, at: usize) -> Option<&[u8]> {
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        self.ends.get(at).map(|end| &self.bytes[start..*end])
    }

    fn push(&mut self, key: &[u8]) {
        self.bytes.extend_from_slice(key);
        self.ends.push(self.bytes.len());
    }
}

/// The keys of rows of the live table that are as they were, as they are read.
struct UnchangedKeys<'w> {
    /// Asked again for the chunks behind the last of them.
    rows: Fuse<RowStream>,
    key: Key,
    batch: RowBatch,
    row: usize,
    /// The keys of the rows that may have been written: those from which none was passed.
    written: &'w [Vec<u8>],
    /// The key that was taken last, once there is one, and whether it waits to be handed on.
    this: Vec<u8>,
    waits: bool,
    last: Option<Vec<u8>>,
    taken: u64,
}

impl<'w> UnchangedKeys<'w> {
    fn new(rows: RowStream, key: &Key, written: &'w [Vec<u8>]) -> Self {
        let columns = key.columns.iter().enumerate();
        let columns = columns.map(|(column, part)| KeyColumn { column, form: part.form }).collect::<Vec<_>>();
        let batch = RowBatch::new(columns.len());
        let key = Key { columns, unique: key.unique };
        Self {
            rows: rows.fuse(),
            key,
            batch,
            row: 0,
            written,
            this: Vec::new(),
            waits: false,
            last: None,
            taken: 0,
        }
    }

    /// All further keys below one.
    async fn below(&mut self, upper: Option<&[u8]>) -> Result<Keys, Failure> {
        let mut keys = Keys::default();
        loop {
            if !self.waits && !self.advance().await? {
                return Ok(keys);
            }
            if self.last.as_ref().is_some_and(|last| self.this <= *last) {
                return Err(Failure::Format(FormatError::OutOfOrder { row: self.taken }));
            }
            if upper.is_some_and(|upper| self.this.as_slice() >= upper) {
                self.waits = true;
                return Ok(keys);
            }
            self.waits = false;
            while self.written.first().is_some_and(|written| *written < self.this) {
                self.written = &self.written[1..];
            }
            if self.written.first() != Some(&self.this) {
                keys.push(&self.this);
            }
            std::mem::swap(self.last.get_or_insert_default(), &mut self.this);
            self.taken += 1;
        }
    }

    /// Takes the next key; false when there is none.
    async fn advance(&mut self) -> Result<bool, Failure> {
        while self.row == self.batch.rows() {
            let Some(batch) = self.rows.try_next().await.map_err(Failure::Engine)? else { return Ok(false) };
            (self.batch, self.row) = (batch, 0);
        }
        self.this.clear();
        key::encode(&self.key, &self.batch, self.row, &mut self.this).map_err(Failure::Format)?;
        self.row += 1;
        Ok(true)
    }
}

/// What can go wrong with keys of a table.
enum Failure {
    Engine(rowkeep_engine::EngineError),
    Format(FormatError),
}

impl Failure {
    fn of(self, table: &Table) -> Error {
        match self {
            Failure::Engine(error) => error.into(),
            Failure::Format(source) => Error::Table { table: table.name.to_string(), source },
        }
    }
}
