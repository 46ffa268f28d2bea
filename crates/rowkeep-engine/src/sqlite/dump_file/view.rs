//! The state of a scratch database, which is said to be that of the file it was made from.

use std::collections::HashSet;

use async_trait::async_trait;
use rowkeep_format::manifest::{Unread, Why};
use rowkeep_format::{Identity, RowBatch, Schema, Table, TableName};

use super::said::Said;
use crate::sqlite::read::view::SqliteView;
use crate::{Consistency, EngineError, Estimate, HeldFolder, RowStream, View};

/// Facts that are those of the database, not of the file that it was made in.
const FACTS: [&str; 3] = ["encoding", "page_size_bytes", "sqlite_version"];

/// The state of a file.
pub(super) struct ScratchView {
    view: SqliteView,
    identity: Identity,
    facts: Vec<(String, String)>,
    notes: Vec<String>,
    unread: Vec<Unread>,
    /// Where the database is, as long as it has a name.
    _folder: Option<HeldFolder>,
}

impl ScratchView {
    /// A view that says of itself what was found in the file.
    pub(super) fn new(view: SqliteView, identity: Identity, said: Said, folder: Option<HeldFolder>) -> Self {
        let own = view.environment().into_iter().filter(|(name, _)| FACTS.contains(&name.as_str()));
        let facts = own.chain(said.facts).collect();
        let damaged = said.damaged.into_iter().map(TableName::plain);
        let unread = damaged.map(|name| Unread { name, why: Why::NotInFile }).collect();
        let marked = view.schema().tables.iter().filter(|table| table.kind.is_user_table());
        let mark = Identity::mark(marked.map(|table| table.name.name.as_str()));
        Self {
            identity: Identity { mark, ..identity },
            view,
            facts,
            notes: said.notes,
            unread,
            _folder: folder,
        }
    }
}

#[async_trait]
impl View for ScratchView {
    fn schema(&self) -> &Schema {
        self.view.schema()
    }

    fn identity(&self) -> Identity {
        self.identity.clone()
    }

    fn environment(&self) -> Vec<(String, String)> {
        self.facts.clone()
    }

    fn roles(&self) -> Option<&HashSet<String>> {
        None
    }

    fn unread(&self) -> &[Unread] {
        &self.unread
    }

    fn left_out(&self) -> &[TableName] {
        &[]
    }

    fn notes(&self) -> &[String] {
        &self.notes
    }

    fn consistency(&self) -> Consistency {
        Consistency::State
    }

    fn position(&self) -> Option<String> {
        None
    }

    fn estimate(&self, table: &TableName) -> Estimate {
        self.view.estimate(table)
    }

    fn parallelism(&self) -> usize {
        self.view.parallelism()
    }

    async fn rows(&self, table: &Table) -> Result<RowStream, EngineError> {
        self.view.rows(table).await
    }

    async fn rows_between(
        &self,
        table: &Table,
        after: Option<&RowBatch>,
        before: Option<&RowBatch>,
    ) -> Result<Option<RowStream>, EngineError> {
        self.view.rows_between(table, after, before).await
    }

    async fn find(
        &self,
        table: &Table,
        columns: &[usize],
        values: &RowBatch,
    ) -> Result<RowStream, EngineError> {
        self.view.find(table, columns, values).await
    }
}
