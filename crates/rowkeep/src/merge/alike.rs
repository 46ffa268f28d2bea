//! States whose documents have other properties, brought to the same columns.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::{StreamExt, TryStreamExt};
use rowkeep_engine::{Consistency, EngineError, ErrorKind, Estimate, RowStream, View};
use rowkeep_format::manifest::Unread;
use rowkeep_format::{Column, Identity, Manifest, RowBatch, Schema, Table, TableName};

use crate::Context;
use crate::diff::Alignment;
use crate::state::reader::{Cause, rows};
use crate::state::{LiveState, SnapshotState, State};

/// Tables that are read at once.
const AT_ONCE: usize = 2;

/// A snapshot in the columns that several have together; what it lacks is NULL, as what a document lacks is.
pub(crate) struct AlikeView {
    context: Context,
    state: SnapshotState,
    schema: Schema,
    cause: Cause,
}

/// Three states in the same columns.
pub(super) struct Alike {
    /// The one that changes come into.
    pub(super) into: Arc<AlikeView>,
    pub(super) base: State,
    pub(super) from: State,
    /// Of tables whose columns stand in another order in the last, the places of its columns.
    pub(super) reordered: HashMap<TableName, Vec<usize>>,
}

impl Alike {
    /// Brings them together; nothing where they have the same columns, or their rows are no documents.
    pub(super) fn of(
        context: &Context,
        into: &SnapshotState,
        base: &SnapshotState,
        from: &SnapshotState,
        cause: &Cause,
    ) -> Option<Self> {
        let names =
            |table: &Table| table.columns.iter().map(|column| column.name.clone()).collect::<Vec<_>>();
        let others = [base, from];
        let differs = |table: &&Table| {
            let found = others.iter().filter_map(|other| other.schema.table(&table.name));
            into.dialect.documents(table).is_some()
                && found.into_iter().any(|other| names(other) != names(table))
        };
        into.schema.tables.iter().find(differs)?;
        let together = |table: &Table| {
            together(table, others.iter().filter_map(|other| other.schema.table(&table.name)))
        };
        let together: Vec<Table> = into.schema.tables.iter().map(together).collect();
        let order = |table: &Table| -> Option<(TableName, Vec<usize>)> {
            let place = |column: &Column| table.columns.iter().position(|known| known.name == column.name);
            let own: Vec<usize> = from.schema.table(&table.name)?.columns.iter().filter_map(place).collect();
            (!own.is_sorted()).then(|| (table.name.clone(), own))
        };
        let reordered = together.iter().filter_map(order).collect();
        let is_of_documents = |table: &Table| into.dialect.documents(table).is_some();
        let documents: Vec<Table> = together.into_iter().filter(is_of_documents).collect();
        let view = |state: &SnapshotState| AlikeView::with(context, state, &documents, cause);
        let (base, from) = (view(base).state(), view(from).state());
        Some(Self { into: view(into), base, from, reordered })
    }
}

/// A table of documents with the columns that it has in other states too.
pub(crate) fn together<'t>(table: &Table, others: impl Iterator<Item = &'t Table>) -> Table {
    let mut table = table.clone();
    for other in others {
        for column in &other.columns {
            if !table.columns.iter().any(|known| known.name == column.name) {
                table.columns.push(Column { not_null: false, ..column.clone() });
            }
        }
    }
    table
}

impl AlikeView {
    /// The snapshot in its own columns, but for these tables.
    pub(crate) fn with(
        context: &Context,
        state: &SnapshotState,
        tables: &[Table],
        cause: &Cause,
    ) -> Arc<Self> {
        let given = |own: &Table| tables.iter().find(|table| table.name == own.name).unwrap_or(own).clone();
        let tables = state.schema.tables.iter().map(given).collect();
        let schema = Schema { tables, ..Schema::clone(&state.schema) };
        Arc::new(Self { context: context.clone(), state: state.clone(), schema, cause: cause.clone() })
    }

    /// What is known of the snapshot.
    pub(super) fn manifest(&self) -> &Manifest {
        &self.state.snapshot.manifest
    }

    /// The state that it shows.
    pub(crate) fn state(self: Arc<Self>) -> State {
        let snapshot = &self.state.snapshot;
        let (engine, dialect) = (self.state.dialect.name(), self.state.dialect);
        let described = format!("snapshot {}", snapshot.short_id());
        State::Live(LiveState::named(engine, dialect, described, self))
    }
}

#[async_trait]
impl View for AlikeView {
    fn schema(&self) -> &Schema {
        &self.schema
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
        let (Some(entry), Some(own)) = (self.state.entry(&table.name), self.state.schema.table(&table.name))
        else {
            let message = format!("the snapshot has no rows of table {}", table.name);
            return Err(EngineError::new(ErrorKind::NotFound, message));
        };
        let stored = rows(&self.context, &self.state.reader, entry, &self.cause);
        let alignment = Alignment::new(table, own);
        let mapped = stored.map_ok(move |batch| Arc::unwrap_or_clone(alignment.map(Arc::new(batch))));
        Ok(mapped.boxed())
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
