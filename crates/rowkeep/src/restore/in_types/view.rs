//! The rows of a state as those of a database's tables.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::{StreamExt, TryStreamExt, try_unfold};
use rowkeep_engine::sort::{SortOptions, sort};
use rowkeep_engine::{
    Consistency, Conversion, Converted, Engine, EngineError, ErrorKind, Estimate, Misfit, RowStream, View,
};
use rowkeep_format::manifest::Unread;
use rowkeep_format::{Identity, RowBatch, Schema, Table, TableName, Value};

use super::pairing::{Pair, Pairs};
use crate::Context;
use crate::state::State;
use crate::state::reader::{Cause, rows};

/// About how many bytes of rows are converted at once.
const BYTES_AT_ONCE: usize = 4 << 20;

/// A state whose tables have the types of a database's.
pub(super) struct InTypes {
    context: Context,
    state: State,
    engine: Arc<dyn Engine>,
    schema: Schema,
    pairs: HashMap<TableName, Arc<Pair>>,
    notes: Vec<String>,
}

impl InTypes {
    pub(super) fn new(context: Context, state: State, engine: Arc<dyn Engine>, found: Pairs) -> Self {
        let Pairs { pairs, lone, notes } = found;
        let tables = pairs.iter().map(|pair| pair.conversion.table.clone()).chain(lone).collect();
        let engine_name = engine.name().to_owned();
        let schema = Schema { engine: engine_name, tables, inherits: Vec::new(), ddl: Vec::new() };
        let named = |pair: Pair| (pair.conversion.table.name.clone(), Arc::new(pair));
        Self { context, state, engine, schema, pairs: pairs.into_iter().map(named).collect(), notes }
    }

    /// Whether the database has a table.
    pub(super) fn has(&self, table: &TableName) -> bool {
        self.pairs.contains_key(table)
    }

    fn of(&self, table: &TableName) -> Result<&Arc<Pair>, EngineError> {
        let missing = || EngineError::new(ErrorKind::NotFound, format!("the database has no table {table}"));
        self.pairs.get(table).ok_or_else(missing)
    }

    /// The rows of a table as the state has them, with the columns that are taken.
    async fn taken(&self, pair: &Arc<Pair>) -> Result<RowStream, EngineError> {
        if let Some(lacks) = &pair.lacks {
            return Err(EngineError::new(ErrorKind::Misfit, lacks.clone()));
        }
        let own = &pair.source;
        let stream = match &self.state {
            State::Live(live) => live.view.rows(own).await?,
            State::Snapshot(stored) => match stored.entry(&own.name) {
                Some(entry) => rows(&self.context, &stored.reader, entry, &Cause::default()),
                None => futures::stream::empty().boxed(),
            },
        };
        let pair = Arc::clone(pair);
        if pair.places.is_empty() {
            let unknown = |batch: RowBatch| match batch.is_empty() {
                true => Ok(None),
                false => Err(EngineError::new(
                    ErrorKind::Other,
                    "a table that seemed to be empty has rows, and none of the columns that name them",
                )),
            };
            return Ok(stream.try_filter_map(move |batch| std::future::ready(unknown(batch))).boxed());
        }
        let chosen = move |batch: RowBatch| {
            let columns = pair.places.iter().map(|place| batch.columns()[*place].clone()).collect();
            let wrong = || EngineError::new(ErrorKind::Other, "the columns of rows have other lengths");
            std::future::ready(RowBatch::from_columns(columns, batch.rows()).ok_or_else(wrong))
        };
        Ok(stream.and_then(chosen).boxed())
    }
}

#[async_trait]
impl View for InTypes {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn identity(&self) -> Identity {
        match &self.state {
            State::Live(live) => live.view.identity(),
            State::Snapshot(stored) => stored.snapshot.manifest.identity.clone().unwrap_or_default(),
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
        &self.notes
    }

    fn consistency(&self) -> Consistency {
        self.state.consistency()
    }

    fn position(&self) -> Option<String> {
        None
    }

    fn estimate(&self, table: &TableName) -> Estimate {
        let own = self.pairs.get(table).map_or(table, |pair| &pair.source.name);
        Estimate { rows: self.state.estimated_rows(own), ..Estimate::default() }
    }

    fn parallelism(&self) -> usize {
        self.state.parallelism()
    }

    async fn rows(&self, table: &Table) -> Result<RowStream, EngineError> {
        let pair = self.of(&table.name)?;
        let rows = gathered(self.taken(pair).await?);
        let (engine, pair) = (Arc::clone(&self.engine), Arc::clone(pair));
        let converted = rows.and_then(move |batch| {
            let (engine, pair) = (Arc::clone(&engine), Arc::clone(&pair));
            async move {
                match engine.convert(&pair.conversion, &batch).await? {
                    Converted::Rows(rows) => Ok(rows),
                    Converted::Misfit(misfit) => Err(refusal(&pair.conversion, &batch, &misfit)),
                }
            }
        });
        Ok(sort(converted.boxed(), table, &SortOptions::default()))
    }

    async fn find(
        &self,
        table: &Table,
        columns: &[usize],
        values: &RowBatch,
    ) -> Result<RowStream, EngineError> {
        let wanted: HashSet<Vec<Option<Vec<u8>>>> =
            (0..values.rows()).map(|row| values.row(row).map(text).collect()).collect();
        let columns = columns.to_vec();
        let found = self.rows(table).await?.map_ok(move |batch| {
            let mut out = RowBatch::new(batch.columns().len());
            for row in 0..batch.rows() {
                let own: Vec<_> = columns.iter().map(|column| text(batch.value(row, *column))).collect();
                if wanted.contains(&own) {
                    out.extend(&batch, row..row + 1);
                }
            }
            out
        });
        Ok(found.try_filter(|batch| std::future::ready(!batch.is_empty())).boxed())
    }
}

/// A value of a database whose values are texts.
fn text(value: Value<'_>) -> Option<Vec<u8>> {
    match value {
        Value::Text(text) => Some(text.to_vec()),
        _ => None,
    }
}

/// The same rows in batches that are worth a question to a server.
fn gathered(rows: RowStream) -> RowStream {
    try_unfold(rows, |mut rows| async move {
        let mut all: Option<RowBatch> = None;
        while let Some(batch) = rows.try_next().await? {
            match &mut all {
                None => all = Some(batch),
                Some(all) => all.extend(&batch, 0..batch.rows()),
            }
            if all.as_ref().is_some_and(|all| all.bytes() >= BYTES_AT_ONCE) {
                break;
            }
        }
        Ok(all.map(|all| (all, rows)))
    })
    .boxed()
}

/// Says which value does not fit, by table, key and column.
fn refusal(conversion: &Conversion, rows: &RowBatch, misfit: &Misfit) -> EngineError {
    let Conversion { table, .. } = conversion;
    let part = |column: usize| {
        let value = match rows.value(misfit.row, column) {
            Value::Null => "NULL".to_owned(),
            Value::Integer(integer) => integer.to_string(),
            Value::Real(bits) => f64::from_bits(bits).to_string(),
            Value::Text(bytes) | Value::Blob(bytes) => format!("'{}'", String::from_utf8_lossy(bytes)),
        };
        format!("{}={value}", table.columns[column].name)
    };
    let key = table.identified_by();
    let parts: Vec<String> = match key.unique {
        true => key.naming().map(|key| part(key.column)).collect(),
        false => vec![format!("row {}", misfit.row + 1)],
    };
    let column = &table.columns[misfit.column];
    let message = format!(
        "{} {}: the value of {} does not fit its type {}: {}",
        table.name,
        parts.join(" "),
        column.name,
        column.type_name,
        misfit.why
    );
    EngineError::new(ErrorKind::Misfit, message)
}
