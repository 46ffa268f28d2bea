//! States as far as a format tells them, so that a file can be compared with the database that it was made of.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::{StreamExt, TryStreamExt};
use rowkeep_engine::sort::{SortOptions, sort};
use rowkeep_engine::{Consistency, EngineError, ErrorKind, Estimate, RowStream, View, dialect_of_files};
use rowkeep_format::manifest::Unread;
use rowkeep_format::{Identity, RowBatch, Schema, Table, TableName};
use serde::{Deserialize, Serialize};

use crate::rows::plain::{Comparable, comparable};
use crate::state::reader::{Cause, rows};
use crate::state::{LiveState, State};
use crate::{Context, Error};

/// A form that rows were in, which does not tell everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoredBy {
    /// JSON of an application that reads its database by Prisma.
    PrismaJson,
}

/// The engine of such states: they are compared with each other alone.
const ENGINE: &str = "json";

/// The tables that both states have, as that form has them, and what is not compared. States may be of different engines; `called` says
/// under which names some tables of one are in the other.
pub(crate) fn as_stored(
    context: &Context,
    before: &State,
    after: &State,
    _by: StoredBy,
    called: &BTreeMap<String, String>,
) -> Result<(State, State, Vec<String>), Error> {
    let own = |state: &State| -> HashMap<String, Table> {
        let tables = state.schema().tables.iter().filter(|table| table.kind.is_user_table());
        let held = tables.filter(|table| state.holds(&table.name));
        let named = held.map(|table| {
            let name = table.name.to_string();
            (called.get(&name).cloned().unwrap_or(name), table.clone())
        });
        named.collect()
    };
    let (firsts, mut seconds) = (own(before), own(after));
    let mut names: Vec<&String> = firsts.keys().collect();
    names.sort();
    let mut notes = Vec::new();
    let (mut of_before, mut of_after) = (Vec::new(), Vec::new());
    for name in names {
        let first = &firsts[name];
        let Some(second) = seconds.remove(name) else {
            of_before
                .push((first.clone(), comparable((before.dialect(), first), (before.dialect(), first)).0));
            continue;
        };
        let (one, other, lone) = comparable((before.dialect(), first), (after.dialect(), &second));
        notes.extend(
            lone.into_iter()
                .map(|column| format!("not compared: {name}.{column}, which only one of them has")),
        );
        of_before.push((first.clone(), one));
        of_after.push((second, other));
    }
    let mut left: Vec<Table> = seconds.into_values().collect();
    left.sort_by(|one, other| one.name.cmp(&other.name));
    for second in left {
        let own = comparable((after.dialect(), &second), (after.dialect(), &second)).0;
        of_after.push((second, own));
    }
    // Values are text, and columns are declared so, which means the same everywhere.
    let dialect = dialect_of_files();
    let state = |state: &State, tables| {
        let view = AsStored::new(context.clone(), state.clone(), tables);
        State::Live(LiveState::named(ENGINE, dialect, state.describe(), Arc::new(view)))
    };
    Ok((state(before, of_before), state(after, of_after), notes))
}

/// A state whose tables have the values that a form tells.
struct AsStored {
    context: Context,
    state: State,
    schema: Schema,
    tables: HashMap<TableName, (Table, Arc<Comparable>)>,
}

impl AsStored {
    fn new(context: Context, state: State, tables: Vec<(Table, Comparable)>) -> Self {
        let schema = Schema {
            engine: ENGINE.to_owned(),
            tables: tables.iter().map(|(_, comparable)| comparable.table.clone()).collect(),
            inherits: Vec::new(),
            ddl: Vec::new(),
        };
        let named = |(table, own): (Table, Comparable)| (own.table.name.clone(), (table, Arc::new(own)));
        Self { context, state, schema, tables: tables.into_iter().map(named).collect() }
    }

    fn of(&self, table: &TableName) -> Result<&(Table, Arc<Comparable>), EngineError> {
        let missing = || EngineError::new(ErrorKind::NotFound, format!("no table {table}"));
        self.tables.get(table).ok_or_else(missing)
    }
}

#[async_trait]
impl View for AsStored {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn identity(&self) -> Identity {
        match &self.state {
            State::Live(live) => live.view.identity(),
            State::Snapshot(stored) => {
                let known = stored.snapshot.manifest.identity.clone();
                known.unwrap_or_default()
            }
        }
    }

    fn environment(&self) -> Vec<(String, String)> {
        Vec::new()
    }

    fn roles(&self) -> Option<&HashSet<String>> {
        None
    }

    fn unread(&self) -> &[Unread] {
        self.state.unread()
    }

    fn left_out(&self) -> &[TableName] {
        match &self.state {
            State::Live(live) => live.view.left_out(),
            State::Snapshot(_) => &[],
        }
    }

    fn notes(&self) -> &[String] {
        self.state.notes()
    }

    fn consistency(&self) -> Consistency {
        self.state.consistency()
    }

    fn position(&self) -> Option<String> {
        None
    }

    fn estimate(&self, table: &TableName) -> Estimate {
        let rows = self.tables.get(table).map_or(0, |(own, _)| self.state.estimated_rows(&own.name));
        Estimate { rows, ..Estimate::default() }
    }

    fn parallelism(&self) -> usize {
        self.state.parallelism()
    }

    async fn rows(&self, table: &Table) -> Result<RowStream, EngineError> {
        let (own, comparable) = self.of(&table.name)?;
        let cause = Cause::default();
        let stream = match &self.state {
            State::Live(live) => live.view.rows(own).await?,
            State::Snapshot(stored) => match stored.entry(&own.name) {
                Some(entry) => rows(&self.context, &stored.reader, entry, &cause),
                None => futures::stream::empty().boxed(),
            },
        };
        let (context, comparable) = (self.context.clone(), Arc::clone(comparable));
        let mapped = stream.and_then(move |batch| {
            let (context, comparable) = (context.clone(), Arc::clone(&comparable));
            async move { Ok(context.compute(move || comparable.batch(&batch)).await) }
        });
        Ok(sort(mapped.boxed(), table, &SortOptions::default()))
    }

    async fn find(&self, table: &Table, _: &[usize], _: &RowBatch) -> Result<RowStream, EngineError> {
        let message =
            format!("rows of table {} cannot be found by value where they are compared as JSON", table.name);
        Err(EngineError::new(ErrorKind::Unsupported, message))
    }
}
