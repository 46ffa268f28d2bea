//! Holding a database of another engine against the snapshot that it was made from.

use futures::stream::{StreamExt, TryStreamExt};
use rowkeep_engine::sort::{SortOptions, sort};
use rowkeep_engine::translate::TableTranslation;
use rowkeep_engine::{Engine, EngineError, ErrorKind, RowStream, View, ViewOptions};
use rowkeep_format::schema::KeyColumn;
use rowkeep_format::tree::TableRoot;
use rowkeep_format::{ContentKeys, FormatError, Key, Table, TableEntry, TableName};
use serde::{Deserialize, Serialize};

use super::plan::TranslationPlan;
use crate::capture::table::hash_rows;
use crate::state::reader::Cause;
use crate::{Context, Error, Event, Phase};

/// What comparing a database with the snapshot that it was made from found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// Every table whose rows were restored.
    pub tables: Vec<ProvenTable>,
}

/// How one table compares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProvenTable {
    /// The table in the database.
    #[serde(flatten)]
    pub table: TableName,
    /// Whether all rows are as they should be.
    pub equal: bool,
    /// Rows in the snapshot.
    pub snapshot_rows: u64,
    /// Rows in the database; nothing when it does not have the table with these columns.
    pub database_rows: Option<u64>,
}

impl Proof {
    /// Whether all is equal.
    pub fn is_equal(&self) -> bool {
        self.tables.iter().all(|table| table.equal)
    }

    /// Rows that were compared.
    pub fn rows(&self) -> u64 {
        self.tables.iter().map(|table| table.snapshot_rows).sum()
    }
}

pub(super) async fn prove(
    context: &Context,
    keys: &ContentKeys,
    engine: &dyn Engine,
    plan: &TranslationPlan,
) -> Result<Proof, Error> {
    let view = engine.open(&ViewOptions { with_ddl: false }).await?;
    context.observe(Event::Phase {
        phase: Phase::Verify,
        tables: plan.entries.len() as u64,
        rows: 2 * plan.rows(),
    });
    let proving = futures::stream::iter(plan.loads())
        .map(|(entry, table)| Proving { context, keys, view: view.as_ref(), plan, entry, table }.prove());
    let mut tables: Vec<ProvenTable> = proving.buffer_unordered(view.parallelism()).try_collect().await?;
    tables.sort_by(|a, b| a.table.cmp(&b.table));
    Ok(Proof { tables })
}

struct Proving<'a> {
    context: &'a Context,
    keys: &'a ContentKeys,
    view: &'a dyn View,
    plan: &'a TranslationPlan,
    entry: &'a TableEntry,
    table: &'a TableTranslation,
}

impl Proving<'_> {
    async fn prove(self) -> Result<ProvenTable, Error> {
        let name = &self.table.target.name;
        self.context.observe(Event::Table(name));
        let found = self.view.schema().table(name).and_then(|found| {
            let comparable = comparable(found);
            let names =
                |table: &Table| table.columns.iter().map(|column| column.name.clone()).collect::<Vec<_>>();
            (names(&comparable) == names(&self.table.target)).then_some((found, comparable))
        });
        let (equal, database_rows) = match found {
            None => (false, None),
            Some((found, comparable)) => {
                let database = self.root(&comparable, Side::Database(found)).await?;
                let snapshot = self.root(&comparable, Side::Snapshot).await?;
                (database.hash == snapshot.hash && database.rows == self.entry.root.rows, Some(database.rows))
            }
        };
        self.context.observe(Event::TableDone { table: name, rows: self.entry.root.rows });
        Ok(ProvenTable { table: name.clone(), equal, snapshot_rows: self.entry.root.rows, database_rows })
    }

    /// The hash of a side's rows, which are sorted first where they do not come in the order of the key.
    async fn root(&self, table: &Table, side: Side<'_>) -> Result<TableRoot, Error> {
        let cause = Cause::default();
        let hashed = hash_rows(self.context, self.rows(side, &cause).await?, table, self.keys).await;
        let hashed = match hashed {
            Err(Error::Table { source: FormatError::OutOfOrder { .. }, .. }) => {
                let sorted = sort(self.rows(side, &cause).await?, table, &SortOptions::default());
                hash_rows(self.context, sorted, table, self.keys).await
            }
            hashed => hashed,
        };
        hashed.map_err(|error| cause.of_either(error))
    }

    async fn rows(&self, side: Side<'_>, cause: &Cause) -> Result<RowStream, Error> {
        let (rows, found) = match side {
            Side::Database(found) => (self.view.rows(found).await?, found.clone()),
            Side::Snapshot => {
                let rows = self.plan.mapped(self.context, self.entry, self.table, cause);
                (rows, self.table.target.clone())
            }
        };
        let map = self.table.rows.clone();
        let settled = rows.and_then(move |batch| {
            let settled = map.settle(&found, &batch).ok_or_else(|| {
                let message = format!("table {} has other columns than it was made with", found.name);
                EngineError::new(ErrorKind::Other, message)
            });
            futures::future::ready(settled)
        });
        Ok(settled.boxed())
    }
}

/// Whose rows are read.
#[derive(Clone, Copy)]
enum Side<'a> {
    /// The database's, by its own table.
    Database(&'a Table),
    /// The snapshot's, through the map.
    Snapshot,
}

/// A table without the columns that nobody declared, with a key of those that remain.
fn comparable(table: &Table) -> Table {
    let mut places = Vec::new();
    let mut columns = Vec::new();
    for column in &table.columns {
        places.push((!column.hidden).then_some(columns.len()));
        if !column.hidden {
            columns.push(column.clone());
        }
    }
    let key: Option<Vec<KeyColumn>> = table
        .key
        .columns
        .iter()
        .map(|part| Some(KeyColumn { column: places[part.column]?, form: part.form }))
        .collect();
    let key = match key {
        Some(key) if table.key.unique => Key { columns: key, unique: true },
        _ => Key::whole_row(columns.len()),
    };
    Table { columns, key, ..table.clone() }
}
