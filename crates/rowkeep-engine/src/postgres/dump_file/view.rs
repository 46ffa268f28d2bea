//! The state that a dump holds, as it is read.

use std::collections::HashSet;
use std::sync::Arc;

use async_trait::async_trait;
use futures::StreamExt;
use rowkeep_format::manifest::Unread;
use rowkeep_format::{Identity, RowBatch, Schema, Table, TableName};
use tokio_util::sync::CancellationToken;

use super::output::{Ended, Output};
use super::rows::read;
use super::state::{State, TableRows};
use super::{large_objects, order};
use crate::file_source::{Damage, FileOptions, Source};
use crate::postgres::catalog::large_objects::DATA;
use crate::postgres::read::find::among;
use crate::sort::displaced::Interleave;
use crate::sort::{SortOptions, sort};
use crate::{Consistency, EngineError, ErrorKind, Estimate, RowStream, View, worker};

/// How many tables are read at once.
const TABLES_AT_ONCE: usize = 3;

/// About how many bytes a row has.
const ROW_BYTES: u64 = 100;

/// The state of a dump.
pub(super) struct DumpView {
    state: State,
    identity: Identity,
    file: Arc<Source>,
    sort: SortOptions,
}

impl DumpView {
    /// A view of the state of a file.
    pub(super) fn new(state: State, file: &Source, options: &FileOptions) -> Self {
        let marked = state.schema.tables.iter().filter(|table| table.kind.is_user_table());
        let mark = Identity::mark(marked.map(|table| table.name.name.as_str()));
        Self {
            identity: Identity { mark, ..options.identity.clone() },
            file: Arc::new(file.clone()),
            sort: SortOptions { folder: options.temporary.clone(), ..SortOptions::default() },
            state,
        }
    }

    fn table_rows(&self, table: &Table) -> Result<Option<TableRows>, EngineError> {
        let name = &table.name;
        if self.state.unread.iter().any(|unread| unread.name == *name) {
            let message =
                format!("{}: the rows of {name} are not all in the file", self.file.path().display());
            return Err(EngineError::new(ErrorKind::DamagedFile, message));
        }
        Ok(self.state.rows.get(name).cloned())
    }

    /// The rows in the order of the file.
    fn stored(&self, rows: TableRows) -> RowStream {
        let file = Arc::clone(&self.file);
        worker::rows_of(move |output| {
            let take = |batch| output.blocking_send(batch).is_ok();
            read_all(&file, &rows, take).map(|_| ())
        })
    }

    /// The rows that stand elsewhere than they belong, where they are few.
    async fn displaced(&self, rows: &TableRows, table: &Table) -> Option<Interleave> {
        let (rows, table) = (rows.clone(), table.clone());
        let stop = CancellationToken::new();
        let _unwanted = stop.clone().drop_guard();
        let found = tokio::task::spawn_blocking(move || order::find(&rows, &table, &stop));
        found.await.ok().flatten()
    }

    /// The rows in the order of their key, where those that are displaced are known.
    fn in_order(&self, rows: TableRows, mut interleave: Interleave) -> RowStream {
        let file = Arc::clone(&self.file);
        worker::rows_of(move |output| {
            let mut failed = None;
            let take = |batch| match interleave.next(batch) {
                Ok(batch) => batch.is_empty() || output.blocking_send(batch).is_ok(),
                Err(error) => {
                    failed = Some(error);
                    false
                }
            };
            let all = read_all(&file, &rows, take);
            match failed {
                Some(error) => return Err(error),
                None if !all? => return Ok(()),
                None => {}
            }
            let rest = interleave.rest();
            // Who does not take the rest does not miss it.
            let _ = rest.is_empty() || output.blocking_send(rest).is_ok();
            Ok(())
        })
    }

    fn object_data(&self) -> RowStream {
        let (file, objects) = (Arc::clone(&self.file), self.state.objects.clone());
        worker::rows_of(move |output| {
            let take = |batch| output.blocking_send(batch).is_ok();
            let read = large_objects::read(&objects, &mut Output::new(3, Vec::new(), take));
            read.map(|_| ()).map_err(|damage: Damage| file.damaged(&damage))
        })
    }
}

/// Hands on all rows of a table in the order of the file; says whether all were taken.
fn read_all(
    file: &Source,
    rows: &TableRows,
    take: impl FnMut(RowBatch) -> bool,
) -> Result<bool, EngineError> {
    let mut output = Output::new(rows.shape.columns, rows.shape.printed.clone(), take);
    for data in &rows.data {
        match read(data, &rows.shape, &mut output) {
            Ok(Ended::Well) => {}
            Ok(Ended::Unwanted) => return Ok(false),
            Err(damage) => return Err(file.damaged(&damage)),
        }
    }
    Ok(true)
}

#[async_trait]
impl View for DumpView {
    fn schema(&self) -> &Schema {
        &self.state.schema
    }

    fn identity(&self) -> Identity {
        self.identity.clone()
    }

    fn environment(&self) -> Vec<(String, String)> {
        self.state.facts.clone()
    }

    fn roles(&self) -> Option<&HashSet<String>> {
        None
    }

    fn unread(&self) -> &[Unread] {
        &self.state.unread
    }

    fn left_out(&self) -> &[TableName] {
        &self.state.left_out
    }

    fn notes(&self) -> &[String] {
        &self.state.notes
    }

    fn consistency(&self) -> Consistency {
        Consistency::State
    }

    fn position(&self) -> Option<String> {
        None
    }

    fn estimate(&self, table: &TableName) -> Estimate {
        let bytes = match self.state.rows.get(table) {
            Some(rows) => rows.data.iter().map(|data| data.place.bytes()).sum(),
            None => 0,
        };
        Estimate { rows: bytes / ROW_BYTES, bytes }
    }

    fn parallelism(&self) -> usize {
        TABLES_AT_ONCE
    }

    async fn rows(&self, table: &Table) -> Result<RowStream, EngineError> {
        if let Some(rows) = self.table_rows(table)? {
            return Ok(match self.displaced(&rows, table).await {
                Some(interleave) => self.in_order(rows, interleave),
                None => sort(self.stored(rows), table, &self.sort),
            });
        }
        if let Some(batch) = self.state.settings.get(&table.name) {
            return Ok(futures::stream::iter([Ok(batch.clone())]).boxed());
        }
        match (&table.name.schema, table.name.name.as_str()) {
            (None, DATA) if self.state.unread.iter().all(|unread| unread.name != table.name) => {
                Ok(self.object_data())
            }
            _ => Err(EngineError::new(ErrorKind::NotFound, format!("there is no table {}", table.name))),
        }
    }

    async fn find(
        &self,
        table: &Table,
        columns: &[usize],
        values: &RowBatch,
    ) -> Result<RowStream, EngineError> {
        Ok(among(self.rows(table).await?, columns.to_vec(), values))
    }
}
