//! Browse: the rows of a table of a snapshot, page by page in the order of their keys, or from a key on.

use std::sync::Arc;

use rowkeep_engine::dialect::Dialect;
use rowkeep_format::{RowBatch, Table};

use super::workspace::Workspace;
use crate::rows::condition::{KeyReference, table_named};
use crate::state::SnapshotState;
use crate::state::places::{Most, rows_after, rows_before};
use crate::state::repeated_lookup::RepeatedLookup;
use crate::state::snapshots::Snapshot;
use crate::{Context, Error};

/// Which rows are to be read.
///
/// ```no_run
/// use rowkeep::jobs::browse::{RowsAsked, Start};
/// # async fn example(workspace: &rowkeep::jobs::workspace::Workspace) -> Result<(), rowkeep::Error> {
/// let request = RowsAsked {
///     snapshot: "latest".to_owned(),
///     table: "customers".to_owned(),
///     from: Start::Key("42".to_owned()),
///     rows: 50,
///     bytes: 4 << 20,
/// };
/// let browsed = request.run(&rowkeep::Context::silent(), workspace).await?;
/// assert!(browsed.rows.rows() <= 50);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowsAsked {
    /// The snapshot: an id or its beginning, a name, `latest`, `latest:DATABASE` or `DATABASE@TIME`.
    pub snapshot: String,
    /// The table, where need be with its schema, as it stands before the colon of a key.
    pub table: String,
    /// Where they begin.
    pub from: Start,
    /// So many rows at most.
    pub rows: usize,
    /// Rows until they are of so many bytes together; the last may be larger.
    pub bytes: usize,
}

/// Where rows begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// After the first so many of the table.
    Place(u64),
    /// At the row of a key, whose values have commas between them; at the next one where it is not there.
    Key(String),
}

/// Rows of a table.
#[derive(Debug, Clone)]
pub struct Browsed {
    /// The snapshot.
    pub snapshot: Snapshot,
    /// The table as the snapshot has it.
    pub table: Table,
    /// What its values mean.
    pub dialect: &'static dyn Dialect,
    /// How many rows the table has.
    pub total: u64,
    /// How many of them stand before the first of these. Where a key was asked for and rows stand in another order, it is not known.
    pub before: Option<u64>,
    /// The rows.
    pub rows: RowBatch,
    /// Whether the first of them has the key that was asked for, where one was.
    pub is_found: Option<bool>,
}

impl Browsed {
    /// Before which place the next rows begin; none where there are no more.
    pub fn next(&self) -> Option<u64> {
        let next = self.before?.saturating_add(self.rows.rows() as u64);
        (next < self.total && !self.rows.is_empty()).then_some(next)
    }
}

impl RowsAsked {
    /// Reads the rows. Of the table, the nodes on the way to them are read and the chunks that hold them; where a key is looked for
    /// that rows do not stand in the order of, all chunks until it is found.
    pub async fn run(&self, context: &Context, workspace: &Workspace) -> Result<Browsed, Error> {
        context.until_cancelled(self.read(context, workspace)).await
    }

    async fn read(&self, context: &Context, workspace: &Workspace) -> Result<Browsed, Error> {
        let snapshot = workspace.snapshot(context, &self.snapshot).await?;
        let reader = Arc::new(workspace.repository().await?.reader().await?);
        let state = SnapshotState::open(reader, snapshot).await?;
        let table = table_named(&state.schema, &self.table)?;
        let lacks =
            || Error::Lacks { state: state.snapshot.told(), lack: "does not hold the rows of this table" };
        let entry = state.entry(&table.name).ok_or_else(lacks)?;
        let browsed = |rows, before, is_found| Browsed {
            snapshot: (*state.snapshot).clone(),
            table: table.clone(),
            dialect: state.dialect,
            total: entry.root.rows,
            before,
            rows,
            is_found,
        };
        let (before, key) = match &self.from {
            Start::Place(after) => (*after, None),
            Start::Key(values) => {
                let key = KeyReference::new(&self.table, values)?.bind(table, state.dialect)?;
                if table.identity.is_some() {
                    let (mut lookup, reader) = (RepeatedLookup::default(), &state.reader);
                    let found = lookup.find(context, reader, table, entry, key.encoded()).await?;
                    let is_found = Some(found.is_some());
                    let rows = found.unwrap_or_else(|| RowBatch::new(table.columns.len()));
                    return Ok(browsed(rows, None, is_found));
                }
                (rows_before(context, &state.reader, table, entry, key.encoded()).await?, Some(key))
            }
        };
        let most = Most { rows: self.rows, bytes: self.bytes };
        let rows = rows_after(context, &state.reader, table, entry, before, most).await?;
        let is_found = key.map(|key| !rows.is_empty() && key.matches(&rows, 0));
        Ok(browsed(rows, Some(before.min(entry.root.rows)), is_found))
    }
}
