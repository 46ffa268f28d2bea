//! Partitioned tables whose rows are the same, though other partitions hold them.
//!
//! Maintenance moves rows between partitions, and so does a restore where the server divides them by what is another in each
//! database, as the hash of an enumeration is.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::{StreamExt, TryStreamExt};
use rowkeep_engine::sort::{SortOptions, sort};
use rowkeep_engine::{Consistency, EngineError, ErrorKind, Estimate, RowStream, View};
use rowkeep_format::manifest::Unread;
use rowkeep_format::tree::TableRoot;
use rowkeep_format::{ContentKeys, Identity, Key, RowBatch, Schema, Table, TableEntry, TableName};

use crate::capture::sink::Sink;
use crate::capture::table::read_tables;
use crate::diff::Alignment;
use crate::state::State;
use crate::state::reader::{Cause, rows};
use crate::{Context, Error};

/// A partitioned table with equal rows in two states.
pub(super) struct EqualAsWhole {
    pub(super) name: TableName,
    /// Its partitions in either.
    pub(super) partitions: HashSet<TableName>,
}

/// Compares the partitioned tables of which partitions were found unequal as wholes, where all of these were to be compared; gives
/// those that are equal.
pub(super) async fn compare(
    context: &Context,
    keys: &ContentKeys,
    (stored, live): (&State, &State),
    entries: &[TableEntry],
    unequal: &HashSet<TableName>,
) -> Result<Vec<EqualAsWhole>, Error> {
    let mut equal = Vec::new();
    if unequal.is_empty() {
        return Ok(equal);
    }
    let (then, now) = (stored.schema().partitions(), live.schema().partitions());
    let (ancestors, of_both) = (stored.schema().ancestors(), |name: &TableName| now.contains_key(name));
    let is_inner = |name: &TableName| {
        ancestors.get(name).into_iter().flatten().any(|above| then.contains_key(above) && of_both(above))
    };
    let mut names: Vec<&TableName> =
        then.keys().copied().filter(|name| of_both(name) && !is_inner(name)).collect();
    names.sort_unstable();
    for name in names {
        let all = || then[name].iter().chain(&now[name]);
        // A row that lies elsewhere makes two of them unequal.
        let is_unequal = |table: &&&Table| {
            let is_of_both = [&then, &now].iter().all(|of| of[name].iter().any(|one| one.name == table.name));
            !is_of_both || unequal.contains(&table.name)
        };
        let concerned: HashSet<&TableName> = all().filter(is_unequal).map(|table| &table.name).collect();
        let is_meant = |table: &&Table| entries.iter().any(|entry| entry.name == table.name);
        let is_held = then[name].iter().all(|table| stored.holds(&table.name) && is_meant(table))
            && now[name].iter().all(|table| live.holds(&table.name));
        let Some(whole) = whole(name, all().copied()).filter(|_| concerned.len() > 1 && is_held) else {
            continue;
        };
        let root = |state: &State, partitions: &HashMap<&TableName, Vec<&Table>>| {
            let partitions = partitions[name].iter().copied().cloned().collect();
            WholeView::new(context, state, whole.clone(), partitions)
        };
        let (then_root, now_root) = (root(stored, &then), root(live, &now));
        let (then_root, now_root) =
            futures::try_join!(then_root.root(context, keys), now_root.root(context, keys))?;
        if then_root.hash == now_root.hash {
            let partitions = all().map(|table| table.name.clone()).collect();
            equal.push(EqualAsWhole { name: name.clone(), partitions });
        }
    }
    Ok(equal)
}

/// A table of all rows, in an order that no partition decides; nothing where the partitions have other columns.
fn whole<'t>(name: &TableName, mut partitions: impl Iterator<Item = &'t Table>) -> Option<Table> {
    let names = |table: &Table| {
        let mut names: Vec<String> = table.columns.iter().map(|column| column.name.clone()).collect();
        names.sort_unstable();
        names
    };
    let first = partitions.next()?;
    let (key, all) = (Key::whole_row(first.columns.len()), names(first));
    let table = Table { name: name.clone(), key, identity: None, foreign_keys: Vec::new(), ..first.clone() };
    partitions.all(|other| names(other) == all).then_some(table)
}

/// A state of which a partitioned table is the only table.
struct WholeView {
    context: Context,
    state: State,
    schema: Schema,
    partitions: Vec<Table>,
    cause: Cause,
}

impl WholeView {
    fn new(context: &Context, state: &State, table: Table, partitions: Vec<Table>) -> Self {
        let (tables, inherits, ddl) = (vec![table], Vec::new(), Vec::new());
        let schema = Schema { engine: state.schema().engine.clone(), tables, inherits, ddl };
        let (context, state) = (context.clone(), state.clone());
        Self { context, state, schema, partitions, cause: Cause::default() }
    }

    /// What all of its rows together are called.
    async fn root(&self, context: &Context, keys: &ContentKeys) -> Result<TableRoot, Error> {
        let tables = self.schema.tables.iter().collect();
        let read = read_tables(context, self, tables, keys, &Sink::Names, None).await;
        let (mut entries, _) = read.map_err(|error| self.cause.of_either(error))?;
        Ok(entries.remove(0).root)
    }
}

#[async_trait]
impl View for WholeView {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn identity(&self) -> Identity {
        Identity::at("")
    }

    fn environment(&self) -> Vec<(String, String)> {
        Vec::new()
    }

    fn roles(&self) -> Option<&HashSet<String>> {
        None
    }

    fn unread(&self) -> &[Unread] {
        &[]
    }

    fn left_out(&self) -> &[TableName] {
        &[]
    }

    fn notes(&self) -> &[String] {
        &[]
    }

    fn consistency(&self) -> Consistency {
        Consistency::State
    }

    fn position(&self) -> Option<String> {
        None
    }

    fn estimate(&self, _table: &TableName) -> Estimate {
        let rows = self.partitions.iter().map(|table| self.state.estimated_rows(&table.name)).sum();
        Estimate { rows, bytes: 0 }
    }

    fn parallelism(&self) -> usize {
        1
    }

    async fn rows(&self, table: &Table) -> Result<RowStream, EngineError> {
        let (context, state, cause) = (self.context.clone(), self.state.clone(), self.cause.clone());
        let whole = Arc::new(table.clone());
        let parts = futures::stream::iter(self.partitions.clone()).then(move |part| {
            let (context, state, cause) = (context.clone(), state.clone(), cause.clone());
            let alignment = Alignment::new(&whole, &part);
            async move {
                let rows = match &state {
                    State::Live(live) => live.view.rows(&part).await?,
                    State::Snapshot(stored) => match stored.entry(&part.name) {
                        Some(entry) => rows(&context, &stored.reader, entry, &cause),
                        None => futures::stream::empty().boxed(),
                    },
                };
                let mapped = move |batch| Arc::unwrap_or_clone(alignment.map(Arc::new(batch)));
                Ok::<_, EngineError>(rows.map_ok(mapped))
            }
        });
        Ok(sort(parts.try_flatten().boxed(), table, &SortOptions::default()))
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
