//! The rows of a state that are meant, masked where that is wanted.

use std::collections::HashMap;
use std::sync::Arc;

use futures::stream::{StreamExt, TryStreamExt};
use rowkeep_engine::RowStream;
use rowkeep_format::{RowBatch, Table, TableKind, TableName};

use super::format::{ExportFormat, Prepared, WriteRows};
use super::options::ExportOptions;
use super::sheet::Sink;
use crate::background::Background;
use crate::diff::RowTest;
use crate::rows::mask::{BoundMask, Mask};
use crate::state::reader::{Cause, rows};
use crate::{Context, Error, Event, State};

/// The tables that are meant and whose rows the state has.
///
/// CSV and JSON are for tables that people know as theirs; others are in them only when they are named.
pub(super) fn chosen<'s>(
    state: &'s State,
    options: &ExportOptions,
    notes: &mut Vec<String>,
) -> Result<Vec<&'s Table>, Error> {
    let named = !options.selection.include.is_empty();
    let mut tables = options.selection.choose_beside(state.schema(), state.unread())?;
    let is_whole = matches!(options.format, ExportFormat::Sql | ExportFormat::Own);
    tables.retain(|table| named || is_whole || table.kind.is_user_table());
    if named && options.format == ExportFormat::Own {
        // What rows refer to comes with them.
        let beside = state.schema().tables.iter().filter(|table| table.kind == TableKind::LargeObjects);
        let is_wanted = |table: &&Table| !tables.contains(table) && !options.selection.excludes(&table.name);
        let beside: Vec<&Table> = beside.filter(is_wanted).collect();
        tables.extend(beside);
    }
    let (held, missing): (Vec<&Table>, Vec<&Table>) =
        tables.into_iter().partition(|table| state.holds(&table.name));
    if !missing.is_empty() {
        let names: Vec<String> = missing.iter().map(|table| table.name.to_string()).collect();
        notes.push(format!("{} has no rows of {}", state.describe(), names.join(", ")));
    }
    Ok(held)
}

/// So many batches are put into their form at once.
const AHEAD: usize = 2;

/// The rows of tables of a state.
pub(super) struct Source<'a> {
    pub(super) context: &'a Context,
    pub(super) state: &'a State,
    tests: HashMap<&'a TableName, Arc<RowTest>>,
    mask: Option<BoundMask>,
}

impl<'a> Source<'a> {
    pub(super) fn new(
        context: &'a Context,
        state: &'a State,
        options: &ExportOptions,
        tables: &[&'a Table],
        notes: &mut Vec<String>,
    ) -> Result<Self, Error> {
        let mask = match &options.mask {
            None => None,
            Some((rules, keys)) => {
                let names = tables.iter().map(|table| &table.name);
                Some(Mask::new(rules, keys).bind_all(state.schema(), names)?)
            }
        };
        // Of a live state it is not known before it is read.
        let is_empty = |table: &Table| match state {
            State::Live(_) => false,
            State::Snapshot(stored) => stored.entry(&table.name).is_none_or(|entry| entry.root.rows == 0),
        };
        let hidden = |table: &&&Table| {
            matches!(table.kind, TableKind::Shadow | TableKind::LargeObjects) && !is_empty(table)
        };
        let unmasked: Vec<String> =
            tables.iter().filter(hidden).map(|table| table.name.to_string()).collect();
        if mask.is_some() && !unmasked.is_empty() {
            let names = unmasked.join(", ");
            notes.push(format!(
                "no mask reaches {names}, which may hold personal values; --exclude leaves them out"
            ));
        }
        let mut tests = HashMap::new();
        // Of what rows refer to, the file takes what it needs.
        let is_chosen =
            |table: &Table| options.format != ExportFormat::Own || table.kind != TableKind::LargeObjects;
        let in_partitions = options.rows.as_ref().and_then(|rows| rows.with_partitions(&[state.schema()]));
        for table in tables.iter().filter(|table| is_chosen(table)) {
            if let Some(rows) = in_partitions.as_ref().or(options.rows.as_ref()) {
                // Where rows are chosen and this table is not meant by that, none of its rows is.
                let none: RowTest = Box::new(|_, _| false);
                tests.insert(&table.name, Arc::new(rows.bind(table, state.dialect())?.unwrap_or(none)));
            }
        }
        Ok(Self { context, state, tests, mask })
    }

    /// Writes the rows of a table; gives how many.
    pub(super) async fn write(
        &self,
        table: &Table,
        writer: &Arc<dyn WriteRows>,
        sink: &mut dyn Sink,
    ) -> Result<u64, Error> {
        let name = &table.name;
        sink.write(writer.head().as_bytes()).await?;
        self.context.observe(Event::Table(name));
        let cause = &Cause::default();
        // While a batch goes to the file, the next ones are put into their form, as far as they need not know of the one before.
        let mut prepared = self
            .rows(table, cause)
            .await?
            .map_err(|error| cause.of(error))
            .map_ok(|batch| {
                let (writer, context) = (Arc::clone(writer), self.context.clone());
                let (rows, bytes) = (batch.rows() as u64, batch.bytes() as u64);
                Background::spawn(async move {
                    let prepared = context.compute(move || writer.prepare(batch));
                    Ok::<_, Error>((prepared.await?, rows, bytes))
                })
            })
            .try_buffered(AHEAD);
        let mut count = 0;
        while let Some((prepared, rows, bytes)) = prepared.try_next().await? {
            let formed = match prepared {
                Prepared::Bytes(bytes) => bytes,
                prepared => {
                    let writer = Arc::clone(writer);
                    let written = self.context.compute(move || {
                        let mut out = Vec::new();
                        writer.write(prepared, &mut out).map(|()| out)
                    });
                    written.await?
                }
            };
            sink.take(formed).await?;
            self.context.observe(Event::Advanced { table: name, rows, bytes });
            count += rows;
        }
        let writer = Arc::clone(writer);
        let ended = self.context.compute(move || {
            let mut out = Vec::new();
            writer.tail(&mut out).map(|()| out)
        });
        sink.take(ended.await?).await?;
        self.context.observe(Event::TableDone { table: name, rows: count });
        Ok(count)
    }

    /// Masks rows of a table that come another way.
    pub(super) fn masked(&self, table: &TableName, batch: RowBatch) -> Result<RowBatch, Error> {
        match self.mask.as_ref().and_then(|mask| mask.table(table)) {
            Some(mask) => mask.apply(batch),
            None => Ok(batch),
        }
    }

    /// The rows of a table that are meant.
    pub(super) async fn rows(&self, table: &Table, cause: &Cause) -> Result<RowStream, Error> {
        let mut stream = match self.state {
            State::Live(live) => live.view.rows(table).await?,
            State::Snapshot(stored) => match stored.entry(&table.name) {
                Some(entry) => rows(self.context, &stored.reader, entry, cause),
                None => futures::stream::empty().boxed(),
            },
        };
        if let Some(test) = self.tests.get(&table.name).cloned() {
            stream = stream.map_ok(move |batch| kept(&batch, &test)).boxed();
        }
        Ok(match &self.mask {
            Some(mask) => mask.rows(table, stream),
            None => stream,
        })
    }
}

/// The rows of a batch that are meant.
fn kept(batch: &RowBatch, test: &RowTest) -> RowBatch {
    let mut kept = RowBatch::new(batch.columns().len());
    let mut row = 0;
    while row < batch.rows() {
        let end = (row..batch.rows()).find(|row| !test(batch, *row)).unwrap_or(batch.rows());
        kept.extend(batch, row..end);
        row = end + 1;
    }
    kept
}
