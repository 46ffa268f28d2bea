//! Verify: reading a database and comparing it with a snapshot, table by table, by hash.

use rowkeep_engine::{Engine, ViewOptions};
use rowkeep_format::manifest::Scope;
use rowkeep_format::{Table, TableEntry, TableName};
use rowkeep_repository::Repository;
use serde::{Deserialize, Serialize};

use crate::capture::table::{Sink, read_tables};
use crate::state::snapshots::{Snapshot, read_schema};
use crate::{Context, Error, Event, Phase};

/// How a database compares with a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comparison {
    /// Every table of either side, by name.
    pub tables: Vec<TableComparison>,
}

/// How one table compares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableComparison {
    /// The table.
    #[serde(flatten)]
    pub table: TableName,
    /// What was found.
    pub outcome: TableVerdict,
    /// Rows in the snapshot, where it has the table.
    pub snapshot_rows: Option<u64>,
    /// Rows in the database, where it has the table.
    pub database_rows: Option<u64>,
}

/// What comparing a table found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TableVerdict {
    /// Equal hashes: the same rows.
    Equal,
    /// Other rows.
    Differs,
    /// The stored columns are others, so rows cannot be equal.
    ColumnsDiffer,
    /// The database does not have the table.
    Missing,
    /// The snapshot does not have the table, though it holds the whole database.
    Extra,
}

impl Comparison {
    /// Whether all is equal.
    pub fn is_equal(&self) -> bool {
        self.tables.iter().all(|table| table.outcome == TableVerdict::Equal)
    }
}

/// Reads a database again and compares it with a snapshot.
///
/// Nothing is written anywhere. Tables that the snapshot was not asked to hold are left out.
pub async fn verify(
    context: &Context,
    repository: &Repository,
    snapshot: &Snapshot,
    engine: &dyn Engine,
) -> Result<Comparison, Error> {
    context.until_cancelled(verify_now(context, repository, snapshot, engine, None)).await
}

/// The same for some tables of the snapshot; nothing else of the database is looked at.
pub async fn verify_tables(
    context: &Context,
    repository: &Repository,
    snapshot: &Snapshot,
    engine: &dyn Engine,
    tables: &[TableEntry],
) -> Result<Comparison, Error> {
    context.until_cancelled(verify_now(context, repository, snapshot, engine, Some(tables))).await
}

async fn verify_now(
    context: &Context,
    repository: &Repository,
    snapshot: &Snapshot,
    engine: &dyn Engine,
    only: Option<&[TableEntry]>,
) -> Result<Comparison, Error> {
    let manifest = &snapshot.manifest;
    if manifest.engine != engine.name() {
        let lack = "is of another engine than the database, so their rows have other forms";
        return Err(Error::Lacks { state: snapshot.told(), lack });
    }
    let reader = repository.reader().await?;
    let schema = read_schema(&reader, manifest).await?;
    let view = engine.open(&ViewOptions { with_ddl: false }).await?;
    let (of_database, of_snapshot) = (view.schema().by_name(), schema.by_name());
    let entries = manifest.by_name();
    let mut tables = Vec::new();
    let mut comparable = Vec::new();
    for entry in only.unwrap_or(&manifest.tables) {
        let mut outcome = |outcome| {
            tables.push(TableComparison {
                table: entry.name.clone(),
                outcome,
                snapshot_rows: Some(entry.root.rows),
                database_rows: None,
            });
        };
        match (of_database.get(&entry.name).copied(), of_snapshot.get(&entry.name)) {
            (None, _) => outcome(TableVerdict::Missing),
            (Some(live), Some(stored)) if !same_columns(live, stored) => outcome(TableVerdict::ColumnsDiffer),
            (Some(live), _) => comparable.push(live),
        }
    }
    context.observe(Event::Phase {
        phase: Phase::Verify,
        tables: comparable.iter().filter(|table| table.kind.is_user_table()).count() as u64,
        rows: comparable.iter().map(|table| view.estimate(&table.name).rows).sum(),
    });
    let keys = repository.content_keys();
    let (read, _) = read_tables(context, view.as_ref(), comparable, keys, &Sink::Names, None).await?;
    for found in read {
        let stored = entries.get(&found.name);
        let equal = stored.is_some_and(|stored| stored.root.hash == found.root.hash);
        tables.push(TableComparison {
            table: found.name,
            outcome: if equal { TableVerdict::Equal } else { TableVerdict::Differs },
            snapshot_rows: stored.map(|stored| stored.root.rows),
            database_rows: Some(found.root.rows),
        });
    }
    if manifest.scope == Scope::Full && only.is_none() {
        let extra = view.schema().tables.iter().filter(|table| !entries.contains_key(&table.name));
        tables.extend(extra.map(|table| TableComparison {
            table: table.name.clone(),
            outcome: TableVerdict::Extra,
            snapshot_rows: None,
            database_rows: None,
        }));
    }
    tables.sort_by(|a, b| a.table.cmp(&b.table));
    Ok(Comparison { tables })
}

fn same_columns(a: &Table, b: &Table) -> bool {
    let names = |table: &Table| table.columns.iter().map(|column| column.name.clone()).collect::<Vec<_>>();
    names(a) == names(b)
}
