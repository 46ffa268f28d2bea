//! A state of a database as it looks masked.

use std::collections::HashSet;
use std::sync::Arc;

use async_trait::async_trait;
use futures::{StreamExt, TryStreamExt};
use rowkeep_engine::sort::{SortOptions, sort};
use rowkeep_engine::{Consistency, EngineError, ErrorKind, Estimate, RowStream, View};
use rowkeep_format::manifest::Unread;
use rowkeep_format::{Identity, RowBatch, Schema, Table, TableName};

use super::bound::{BoundMask, TableMask};
use crate::state::snapshots::MASKED;

/// A view whose rows are masked before anybody sees them, and whose environment says so.
pub struct MaskedView {
    view: Arc<dyn View>,
    mask: BoundMask,
}

impl MaskedView {
    /// A masked view of a state; the mask is one for its schema.
    pub fn new(view: Arc<dyn View>, mask: BoundMask) -> Self {
        Self { view, mask }
    }
}

#[async_trait]
impl View for MaskedView {
    fn schema(&self) -> &Schema {
        self.view.schema()
    }

    fn identity(&self) -> Identity {
        self.view.identity()
    }

    fn environment(&self) -> Vec<(String, String)> {
        let mut environment = self.view.environment();
        environment.push((MASKED.to_owned(), "true".to_owned()));
        environment
    }

    fn roles(&self) -> Option<&HashSet<String>> {
        self.view.roles()
    }

    fn unread(&self) -> &[Unread] {
        self.view.unread()
    }

    fn left_out(&self) -> &[TableName] {
        self.view.left_out()
    }

    fn notes(&self) -> &[String] {
        self.view.notes()
    }

    fn consistency(&self) -> Consistency {
        self.view.consistency()
    }

    fn position(&self) -> Option<String> {
        self.view.position()
    }

    fn estimate(&self, table: &TableName) -> Estimate {
        self.view.estimate(table)
    }

    fn parallelism(&self) -> usize {
        self.view.parallelism()
    }

    async fn rows(&self, table: &Table) -> Result<RowStream, EngineError> {
        Ok(self.mask.rows(table, self.view.rows(table).await?))
    }

    async fn find(
        &self,
        table: &Table,
        _columns: &[usize],
        _values: &RowBatch,
    ) -> Result<RowStream, EngineError> {
        let message = format!("rows of table {} cannot be found by value where they are masked", table.name);
        Err(EngineError::new(ErrorKind::Unsupported, message))
    }
}

impl BoundMask {
    /// Masks the rows of a table on their way, and puts them into key order again where that has changed.
    pub fn rows(&self, table: &Table, rows: RowStream) -> RowStream {
        let Some(mask) = self.table(&table.name) else { return rows };
        let changes_key = mask.changes_key();
        let masked = rows.and_then(move |batch| applied(mask.clone(), batch)).boxed();
        if changes_key { sort(masked, table, &SortOptions::default()) } else { masked }
    }
}

/// Masks on a thread for such work: a batch of hashes takes longer than a task may hold others up.
async fn applied(mask: TableMask, batch: RowBatch) -> Result<RowBatch, EngineError> {
    match tokio::task::spawn_blocking(move || mask.apply(batch)).await {
        Ok(masked) => masked.map_err(|error| EngineError::new(ErrorKind::Unstorable, error.to_string())),
        Err(failed) => std::panic::resume_unwind(failed.into_panic()),
    }
}
