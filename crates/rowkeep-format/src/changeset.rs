//! Changes of rows: what makes one state of a table into another.
//!
//! ```text
//! changes := 04 count:varint kind{count} before-length:varint before after
//! kind    := 00 insert | 01 update | 02 delete
//! ```
//!
//! `before` and `after` are chunks of rows. An insert takes the next row of `after`, a delete the next of `before`, an
//! update one of both. Changes stand in key order.

use serde::{Deserialize, Serialize};

use crate::varint::{Cursor, put};
use crate::{ChunkId, FormatError, RowBatch, Table, TableName, Value, chunk};

const CHANGES: u8 = 4;

/// The newest version of [`Changeset`] that this program reads.
pub const VERSION: u32 = 2;

/// What is written where the keys of all tables are in forms that chunks may stand in the order of, and all rows are in their own tables.
const VERSION_WITHOUT_IDENTITIES: u32 = 1;

/// What happens to one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum ChangeKind {
    /// It was not there and comes.
    Insert = 0,
    /// It gets other values.
    Update = 1,
    /// It goes.
    Delete = 2,
}

/// A run of changes to one table, in key order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    kinds: Vec<ChangeKind>,
    before: RowBatch,
    after: RowBatch,
}

/// One change, by its places in [`Changes::before`] and [`Changes::after`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// The row `after` comes.
    Insert {
        /// Index into [`Changes::after`].
        after: usize,
    },
    /// The row `before` becomes the row `after`; what identifies both is the same.
    Update {
        /// Index into [`Changes::before`].
        before: usize,
        /// Index into [`Changes::after`].
        after: usize,
    },
    /// The row `before` goes.
    Delete {
        /// Index into [`Changes::before`].
        before: usize,
    },
}

impl Changes {
    /// No changes to a table of that many columns.
    pub fn new(columns: usize) -> Self {
        Self { kinds: Vec::new(), before: RowBatch::new(columns), after: RowBatch::new(columns) }
    }

    /// Number of changes.
    pub fn len(&self) -> usize {
        self.kinds.len()
    }

    /// Whether there is no change.
    pub fn is_empty(&self) -> bool {
        self.kinds.is_empty()
    }

    /// Size of all values in bytes.
    pub fn bytes(&self) -> usize {
        self.before.bytes() + self.after.bytes()
    }

    /// Rows as they were: of updates and deletes.
    pub fn before(&self) -> &RowBatch {
        &self.before
    }

    /// Rows as they become: of inserts and updates.
    pub fn after(&self) -> &RowBatch {
        &self.after
    }

    /// The changes in order.
    pub fn iter(&self) -> impl Iterator<Item = Change> + '_ {
        let (mut before, mut after) = (0..self.before.rows(), 0..self.after.rows());
        self.kinds.iter().filter_map(move |kind| {
            Some(match kind {
                ChangeKind::Insert => Change::Insert { after: after.next()? },
                ChangeKind::Update => Change::Update { before: before.next()?, after: after.next()? },
                ChangeKind::Delete => Change::Delete { before: before.next()? },
            })
        })
    }

    /// Adds an insert of a row of a batch.
    ///
    /// # Panics
    /// Here and below, when the batch has other columns than the table or not that row.
    pub fn insert(&mut self, batch: &RowBatch, row: usize) {
        self.kinds.push(ChangeKind::Insert);
        self.after.extend(batch, row..row + 1);
    }

    /// Adds a delete of a row of a batch.
    pub fn delete(&mut self, batch: &RowBatch, row: usize) {
        self.kinds.push(ChangeKind::Delete);
        self.before.extend(batch, row..row + 1);
    }

    /// Adds an update from a row of one batch to a row of another.
    pub fn update(&mut self, before: &RowBatch, row_before: usize, after: &RowBatch, row_after: usize) {
        self.kinds.push(ChangeKind::Update);
        self.before.extend(before, row_before..row_before + 1);
        self.after.extend(after, row_after..row_after + 1);
    }

    /// Adds an update from a row of a batch to a row of these values.
    ///
    /// # Panics
    /// Also when the number of values is not the number of columns.
    pub fn update_to<'v>(
        &mut self,
        before: &RowBatch,
        row: usize,
        after: impl IntoIterator<Item = Value<'v>>,
    ) {
        self.kinds.push(ChangeKind::Update);
        self.before.extend(before, row..row + 1);
        self.after.push_row(after);
    }

    /// The rows as they were, and as they become, without what says which became which.
    pub fn into_rows(self) -> (RowBatch, RowBatch) {
        (self.before, self.after)
    }

    /// Adds a change of other changes to the same table.
    pub fn push(&mut self, from: &Changes, change: Change) {
        match change {
            Change::Insert { after } => self.insert(&from.after, after),
            Change::Update { before, after } => self.update(&from.before, before, &from.after, after),
            Change::Delete { before } => self.delete(&from.before, before),
        }
    }

    /// Takes all changes out, leaving none.
    pub fn take(&mut self) -> Changes {
        Changes {
            kinds: std::mem::take(&mut self.kinds),
            before: self.before.take(),
            after: self.after.take(),
        }
    }

    /// The changes that undo these.
    #[must_use]
    pub fn reversed(self) -> Self {
        let reverse = |kind| match kind {
            ChangeKind::Insert => ChangeKind::Delete,
            ChangeKind::Update => ChangeKind::Update,
            ChangeKind::Delete => ChangeKind::Insert,
        };
        let kinds = self.kinds.into_iter().map(reverse).collect();
        Self { kinds, before: self.after, after: self.before }
    }

    /// Encodes the changes as the plain bytes of a chunk.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.bytes() / 2 + self.len() + 64);
        out.push(CHANGES);
        put(&mut out, self.kinds.len() as u64);
        out.extend(self.kinds.iter().map(|kind| *kind as u8));
        let before = chunk::encode_rows(&self.before);
        put(&mut out, before.len() as u64);
        out.extend_from_slice(&before);
        out.extend_from_slice(&chunk::encode_rows(&self.after));
        out
    }

    /// Decodes what [`encode`](Self::encode) made.
    pub fn decode(bytes: &[u8]) -> Result<Self, FormatError> {
        let mut cursor = Cursor::new(bytes, "a run of changes");
        if cursor.byte()? != CHANGES {
            return Err(cursor.malformed());
        }
        let count = cursor.count(2 * chunk::MAX_ROWS)?;
        let kinds = cursor.take(count)?.iter().map(|code| match code {
            0 => Some(ChangeKind::Insert),
            1 => Some(ChangeKind::Update),
            2 => Some(ChangeKind::Delete),
            _ => None,
        });
        let kinds: Vec<_> = kinds.collect::<Option<_>>().ok_or_else(|| cursor.malformed())?;
        let length = cursor.count(u64::MAX)?;
        let before = chunk::decode_rows(cursor.take(length)?)?;
        let after = chunk::decode_rows(cursor.take(cursor.remaining())?)?;
        let needs = |kind| kinds.iter().filter(|found| **found != kind).count();
        let sound = before.rows() == needs(ChangeKind::Insert)
            && after.rows() == needs(ChangeKind::Delete)
            && before.columns().len() == after.columns().len();
        if sound { Ok(Self { kinds, before, after }) } else { Err(cursor.malformed()) }
    }
}

/// How many rows change.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Rows that come.
    pub inserted: u64,
    /// Rows that get other values.
    pub updated: u64,
    /// Rows that go.
    pub deleted: u64,
}

impl Counts {
    /// Of some changes.
    pub fn of(changes: &Changes) -> Self {
        let mut counts = Self::default();
        for kind in &changes.kinds {
            match kind {
                ChangeKind::Insert => counts.inserted += 1,
                ChangeKind::Update => counts.updated += 1,
                ChangeKind::Delete => counts.deleted += 1,
            }
        }
        counts
    }

    /// All changes.
    pub fn total(&self) -> u64 {
        self.inserted + self.updated + self.deleted
    }

    /// Of the changes that undo these.
    #[must_use]
    pub fn reversed(self) -> Self {
        Self { inserted: self.deleted, updated: self.updated, deleted: self.inserted }
    }
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.inserted += other.inserted;
        self.updated += other.updated;
        self.deleted += other.deleted;
    }
}

/// The changes to one table, without the rows.
///
/// The rows of its [`Changes`] have the columns of `table`, and `table.key` says which row is meant: it is what identifies a
/// row, whatever the order of chunks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableChanges {
    /// The table, as the database that is to be changed has it.
    pub table: Table,
    /// How many rows change.
    pub counts: Counts,
    /// Columns, as indexes into the table's, of which inserted rows have no value: the database's defaults are taken.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub insert_defaults: Vec<usize>,
    /// Columns of which deleted rows have no value: they are not compared.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub delete_unknown: Vec<usize>,
    /// Columns that some update changes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub updated_columns: Vec<usize>,
    /// The partitioned table that is changed instead, where the rows may be in any of its partitions, of which `table` is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub across: Option<TableName>,
}

impl TableChanges {
    /// No changes to a table, whose rows are known by what identifies them.
    pub fn nothing(table: Table) -> Self {
        let table = Table { key: table.identified_by().clone(), identity: None, ..table };
        Self {
            table,
            counts: Counts::default(),
            insert_defaults: Vec::new(),
            delete_unknown: Vec::new(),
            updated_columns: Vec::new(),
            across: None,
        }
    }

    /// The table whose rows change: a partitioned one, where they may be in any of its partitions.
    pub fn changed(&self) -> &TableName {
        self.across.as_ref().unwrap_or(&self.table.name)
    }

    /// The changes that undo these.
    #[must_use]
    pub fn reversed(self) -> Self {
        Self {
            counts: self.counts.reversed(),
            insert_defaults: self.delete_unknown,
            delete_unknown: self.insert_defaults,
            ..self
        }
    }
}

/// A changeset in a repository: which chunks hold the changes to which table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changeset {
    /// Version of this form.
    pub version: u32,
    /// The changed tables.
    pub tables: Vec<StoredChanges>,
}

/// The changes to one table in a repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredChanges {
    /// What changes.
    #[serde(flatten)]
    pub changes: TableChanges,
    /// The chunks with the [`Changes`], in key order.
    pub chunks: Vec<ChunkId>,
}

impl Changeset {
    /// A changeset of the version that tells all of it, so that older programs read what they understand.
    pub fn new(tables: Vec<StoredChanges>) -> Self {
        let parts = tables.iter().flat_map(|stored| &stored.changes.table.key.columns);
        let is_across = tables.iter().any(|stored| stored.changes.across.is_some());
        let version = match is_across || parts.into_iter().any(|part| part.form.is_of_identity()) {
            true => VERSION,
            false => VERSION_WITHOUT_IDENTITIES,
        };
        Self { version, tables }
    }

    /// The JSON that is stored, as a text chunk.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a changeset has no map with keys that are not text")
    }

    /// Reads the stored JSON; a newer version is told apart from damage.
    pub fn from_json(json: &[u8]) -> Result<Self, FormatError> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let malformed = |_| FormatError::Malformed("a changeset");
        let Versioned { version: found } = serde_json::from_slice(json).map_err(malformed)?;
        if found > VERSION {
            return Err(FormatError::NewerVersion { what: "a changeset", found, supported: VERSION });
        }
        let found: Self = serde_json::from_slice(json).map_err(malformed)?;
        let sound = found.tables.iter().all(|stored| {
            let changes = &stored.changes;
            let columns = changes.table.columns.len();
            let known = |column: &usize| *column < columns;
            changes.table.key.columns.iter().all(|key| key.column < columns)
                && changes.insert_defaults.iter().all(known)
                && changes.delete_unknown.iter().all(known)
                && changes.updated_columns.iter().all(known)
        });
        if sound { Ok(found) } else { Err(FormatError::Malformed("a changeset")) }
    }
}

#[cfg(test)]
#[path = "changeset_tests.rs"]
mod tests;
