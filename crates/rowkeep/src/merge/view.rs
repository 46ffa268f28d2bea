//! A snapshot with changes, as a view.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::{StreamExt, TryStreamExt};
use rowkeep_engine::sort::{SortOptions, sort};
use rowkeep_engine::{ChangeSource, Consistency, EngineError, ErrorKind, Estimate, RowStream, View};
use rowkeep_format::manifest::Unread;
use rowkeep_format::{Change, Identity, RowBatch, Schema, Table, TableName, key};

use super::alike::AlikeView;
use crate::diff::Changeset;
use crate::state::SnapshotState;
use crate::state::reader::{Cause, rows};
use crate::{Context, Error};

/// Tables that are read at once.
const AT_ONCE: usize = 2;

/// The keys of rows that a state has no more, or no more as they were, and how often.
type Gone = HashMap<Vec<u8>, u32>;

/// The state that a snapshot has after some changes.
pub(super) struct MergedView {
    context: Context,
    state: SnapshotState,
    /// The state in more columns, where changes need them.
    alike: Option<Arc<AlikeView>>,
    changes: Changeset,
    /// The place of a table in the changes, and the keys of its rows that go.
    changed: HashMap<TableName, (usize, Arc<Gone>)>,
    cause: Cause,
}

impl MergedView {
    pub(super) async fn new(
        context: &Context,
        state: &SnapshotState,
        alike: Option<&Arc<AlikeView>>,
        changes: &Changeset,
        cause: &Cause,
    ) -> Result<Self, Error> {
        let mut changed = HashMap::new();
        for (at, table) in changes.tables().iter().enumerate().filter(|(_, table)| table.counts.total() > 0) {
            let name = &table.table.name;
            let stored = state.schema.table(name);
            let is_by_number =
                |table: &Table| table.key.columns.iter().any(|part| table.columns[part.column].hidden);
            if table.counts.inserted > 0 && stored.is_some_and(is_by_number) {
                let message = format!(
                    "rows of table {name} are stored by hidden numbers, which stand for other rows in the other state: restore into a database with --base instead"
                );
                return Err(EngineError::new(ErrorKind::Unsupported, message).into());
            }
            let mut gone = Gone::new();
            let mut runs = std::pin::pin!(changes.changes(at));
            while let Some(run) = runs.try_next().await? {
                for change in run.iter() {
                    if let Change::Update { before, .. } | Change::Delete { before } = change {
                        *gone.entry(encoded(&table.table, run.before(), before)?).or_default() += 1;
                    }
                }
            }
            changed.insert(name.clone(), (at, Arc::new(gone)));
        }
        let (context, state, changes) = (context.clone(), state.clone(), changes.clone());
        Ok(Self { context, state, alike: alike.cloned(), changes, changed, cause: cause.clone() })
    }
}

fn encoded(table: &Table, batch: &RowBatch, row: usize) -> Result<Vec<u8>, Error> {
    let mut encoded = Vec::new();
    let failed = |source| Error::Table { table: table.name.to_string(), source };
    key::encode(&table.key, batch, row, &mut encoded).map_err(failed)?;
    Ok(encoded)
}

#[async_trait]
impl View for MergedView {
    fn schema(&self) -> &Schema {
        self.alike.as_ref().map_or(&*self.state.schema, |alike| alike.schema())
    }

    fn identity(&self) -> Identity {
        let manifest = &self.state.snapshot.manifest;
        manifest.identity.clone().unwrap_or_else(|| Identity::at(&*manifest.source))
    }

    fn environment(&self) -> Vec<(String, String)> {
        self.state.snapshot.manifest.environment.clone().into_iter().collect()
    }

    fn roles(&self) -> Option<&HashSet<String>> {
        None
    }

    fn unread(&self) -> &[Unread] {
        &self.state.snapshot.manifest.unread
    }

    fn left_out(&self) -> &[TableName] {
        &[]
    }

    fn notes(&self) -> &[String] {
        &[]
    }

    fn consistency(&self) -> Consistency {
        let facts = self.state.snapshot.manifest.environment.iter();
        Consistency::of(facts.map(|(name, value)| (name.as_str(), value.as_str())))
    }

    fn position(&self) -> Option<String> {
        None
    }

    fn estimate(&self, table: &TableName) -> Estimate {
        let entry = self.state.entry(table);
        entry.map_or_else(Estimate::default, |entry| Estimate {
            rows: entry.root.rows,
            bytes: entry.root.bytes,
        })
    }

    fn parallelism(&self) -> usize {
        AT_ONCE
    }

    async fn rows(&self, table: &Table) -> Result<RowStream, EngineError> {
        let Some(entry) = self.state.entry(&table.name) else {
            let message = format!("the snapshot has no rows of table {}", table.name);
            return Err(EngineError::new(ErrorKind::NotFound, message));
        };
        let stored = match &self.alike {
            Some(alike) => alike.rows(table).await?,
            None => rows(&self.context, &self.state.reader, entry, &self.cause),
        };
        let Some((at, gone)) = self.changed.get(&table.name) else { return Ok(stored) };
        let known = self.changes.tables()[*at].table.clone();
        let mut gone = Gone::clone(gone);
        let mut stays = move |batch: RowBatch| {
            let mut kept = RowBatch::new(batch.columns().len());
            for row in 0..batch.rows() {
                let mut encoded = Vec::new();
                key::encode(&known.key, &batch, row, &mut encoded)?;
                match gone.get_mut(&encoded) {
                    Some(times) if *times > 0 => *times -= 1,
                    _ => kept.extend(&batch, row..row + 1),
                }
            }
            Ok(kept)
        };
        let comes = self.changes.read(*at).map_ok(|run| run.into_rows().1);
        let all = stored.map(move |batch| stays(batch?)).chain(comes).boxed();
        Ok(sort(all, &Arc::new(table.clone()), &SortOptions::default()))
    }

    async fn find(
        &self,
        table: &Table,
        _columns: &[usize],
        _values: &RowBatch,
    ) -> Result<RowStream, EngineError> {
        let message = format!("rows of table {} are only read as a whole", table.name);
        Err(EngineError::new(ErrorKind::Unsupported, message))
    }
}
