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
use crate::Error;
use crate::diff::Changeset;

/// The keys of rows that a state has no more, or no more as they were, and how often.
type Gone = HashMap<Vec<u8>, u32>;

/// The state that a snapshot has after some changes.
pub(super) struct MergedView {
    /// The state before them.
    before: Arc<AlikeView>,
    changes: Changeset,
    /// The place of a table in the changes, and the keys of its rows that go.
    changed: HashMap<TableName, (usize, Arc<Gone>)>,
}

impl MergedView {
    pub(super) async fn new(before: &Arc<AlikeView>, changes: &Changeset) -> Result<Self, Error> {
        let mut changed = HashMap::new();
        for (at, table) in changes.tables().iter().enumerate().filter(|(_, table)| table.counts.total() > 0) {
            let mut gone = Gone::new();
            let mut runs = std::pin::pin!(changes.changes(at));
            while let Some(run) = runs.try_next().await? {
                for change in run.iter() {
                    if let Change::Update { before: row, .. } | Change::Delete { before: row } = change {
                        *gone.entry(encoded(&table.table, run.before(), row)?).or_default() += 1;
                    }
                }
            }
            changed.insert(table.table.name.clone(), (at, Arc::new(gone)));
        }
        Ok(Self { before: Arc::clone(before), changes: changes.clone(), changed })
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
        self.before.schema()
    }

    fn identity(&self) -> Identity {
        self.before.identity()
    }

    fn environment(&self) -> Vec<(String, String)> {
        self.before.environment()
    }

    fn roles(&self) -> Option<&HashSet<String>> {
        self.before.roles()
    }

    fn unread(&self) -> &[Unread] {
        self.before.unread()
    }

    fn left_out(&self) -> &[TableName] {
        self.before.left_out()
    }

    fn notes(&self) -> &[String] {
        self.before.notes()
    }

    fn consistency(&self) -> Consistency {
        self.before.consistency()
    }

    fn position(&self) -> Option<String> {
        self.before.position()
    }

    fn estimate(&self, table: &TableName) -> Estimate {
        self.before.estimate(table)
    }

    fn parallelism(&self) -> usize {
        self.before.parallelism()
    }

    async fn rows(&self, table: &Table) -> Result<RowStream, EngineError> {
        let stored = self.before.rows(table).await?;
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
