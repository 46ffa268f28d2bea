//! Verify: reading a database and comparing it with a snapshot: its tables by hash, and its definitions.

use std::collections::HashSet;
use std::sync::Arc;

use rowkeep_engine::{Engine, LeftOut, Meant, ViewOptions};
use rowkeep_format::manifest::{Scope, Why};
use rowkeep_format::{ContentKeys, Manifest, Table, TableEntry, TableKind, TableName};
use rowkeep_repository::Repository;
use serde::{Deserialize, Serialize};

use super::across_partitions;
use crate::capture::sink::Sink;
use crate::capture::table::read_tables;
use crate::diff::{
    Defined, DefinitionChange, DefinitionDifference, Pair, count_differing, definition_changes, log_ahead,
    not_compared,
};
use crate::state::snapshots::Snapshot;
use crate::state::{LiveState, State};
use crate::{Context, Error, Event, Phase};

/// How a database compares with a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comparison {
    /// Every table of either side, by name.
    pub tables: Vec<TableComparison>,
    /// What is not compared, for it could not be read when the snapshot was made, or cannot be now; in words for people.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_compared: Vec<String>,
    /// How the definitions differ, from the snapshot to the database; nothing where they were not compared.
    #[serde(flatten)]
    pub definitions: Option<DefinitionDifference>,
}

/// How one table compares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableComparison {
    /// The table.
    #[serde(flatten)]
    pub table: TableName,
    /// What its rows are.
    pub kind: TableKind,
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
    /// The columns are others, so rows cannot be equal.
    ColumnsDiffer,
    /// The database does not have the table.
    Missing,
    /// The snapshot does not have the table, though it holds the whole database.
    Extra,
}

impl Comparison {
    /// Whether all is equal.
    pub fn is_equal(&self) -> bool {
        self.has_equal_rows() && self.changes().is_empty()
    }

    /// Whether a restore brought back all that it has to: all but what it may leave out with a note.
    pub fn is_proven(&self) -> bool {
        self.has_equal_rows() && self.changes().iter().all(|change| change.optional)
    }

    /// The same, where a restore was to go on without what the server refused, and told of that.
    #[must_use]
    pub(crate) fn without(mut self, left_out: &[LeftOut], lacking: &[TableName]) -> Self {
        self.tables.retain(|table| !lacking.contains(&table.table));
        self.not_compared.extend(lacking.iter().map(|table| format!("table {table}: it was left out")));
        // Those of identity columns went with their tables.
        let lacks_some = |table: &&mut TableComparison| {
            table.kind == TableKind::Settings
                && table.outcome == TableVerdict::Differs
                && table.database_rows < table.snapshot_rows
        };
        for table in self.tables.iter_mut().filter(|_| !lacking.is_empty()).filter(lacks_some) {
            table.outcome = TableVerdict::Equal;
            self.not_compared
                .push(format!("{}: those of tables that were left out are not there", table.table));
        }
        for change in self.definitions.iter_mut().flat_map(|definitions| &mut definitions.changes) {
            change.optional |= change.is_of(left_out);
        }
        self
    }

    /// The definitions that differ.
    pub fn changes(&self) -> &[DefinitionChange] {
        self.definitions.as_ref().map_or(&[], |definitions| &definitions.changes)
    }

    /// What could not be compared, in words for people.
    pub fn notes(&self) -> Vec<String> {
        let definitions = self.definitions.iter().flat_map(|definitions| &definitions.notes);
        self.not_compared.iter().chain(definitions).cloned().collect()
    }

    /// The tables that differ.
    pub fn unequal(&self) -> impl Iterator<Item = &TableComparison> {
        self.tables.iter().filter(|table| table.outcome != TableVerdict::Equal)
    }

    /// The tables that people know as theirs.
    pub fn user_tables(&self) -> impl Iterator<Item = &TableComparison> {
        self.tables.iter().filter(|table| table.kind.is_user_table())
    }

    fn has_equal_rows(&self) -> bool {
        self.unequal().next().is_none()
    }
}

/// What of a database is compared with a snapshot.
#[derive(Debug, Clone, Copy)]
enum Compared<'a> {
    /// Everything: rows and definitions.
    All,
    /// The same, also privileges of roles that the server knows no more.
    Strictly,
    /// All rows.
    Rows,
    /// The rows of some tables.
    RowsOf(&'a [TableEntry]),
    /// All rows of a state of a file or of another engine in the types of the database, as far as it has the columns.
    Taken,
}

/// Reads a database again and compares it with a snapshot, rows and definitions.
///
/// Nothing is written anywhere. Tables that the snapshot was not asked to hold are left out.
pub async fn verify(
    context: &Context,
    repository: &Repository,
    snapshot: &Snapshot,
    engine: &dyn Engine,
) -> Result<Comparison, Error> {
    context.until_cancelled(verify_now(context, repository, snapshot, engine, Compared::All, None)).await
}

/// The same for a database that has to be what it was on its own server: privileges of roles that the server knows no more
/// are lost.
pub async fn verify_strictly(
    context: &Context,
    repository: &Repository,
    snapshot: &Snapshot,
    engine: &dyn Engine,
) -> Result<Comparison, Error> {
    context.until_cancelled(verify_now(context, repository, snapshot, engine, Compared::Strictly, None)).await
}

/// The same for rows alone.
pub async fn verify_rows(
    context: &Context,
    repository: &Repository,
    snapshot: &Snapshot,
    engine: &dyn Engine,
) -> Result<Comparison, Error> {
    context.until_cancelled(verify_now(context, repository, snapshot, engine, Compared::Rows, None)).await
}

/// The same for the rows of a file or of another engine that were taken in the types of the database's tables. Columns that these lack
/// are not compared.
pub(crate) async fn verify_taken(
    context: &Context,
    repository: &Repository,
    snapshot: &Snapshot,
    engine: &dyn Engine,
) -> Result<Comparison, Error> {
    context.until_cancelled(verify_now(context, repository, snapshot, engine, Compared::Taken, None)).await
}

/// The same for the rows of some tables of the snapshot; nothing else of the database is looked at.
pub async fn verify_tables(
    context: &Context,
    repository: &Repository,
    snapshot: &Snapshot,
    engine: &dyn Engine,
    tables: &[TableEntry],
) -> Result<Comparison, Error> {
    context
        .until_cancelled(verify_now(context, repository, snapshot, engine, Compared::RowsOf(tables), None))
        .await
}

/// The same for a database whose rows were masked on their way out of the snapshot; see [`super::masked_tables`].
///
/// Definitions are compared where these are all tables of the snapshot.
pub async fn verify_masked(
    context: &Context,
    repository: &Repository,
    snapshot: &Snapshot,
    engine: &dyn Engine,
    masked: &[TableEntry],
) -> Result<Comparison, Error> {
    let is_whole = masked.len() == snapshot.manifest.tables.len();
    let compared = if is_whole { Compared::All } else { Compared::RowsOf(masked) };
    context.until_cancelled(verify_now(context, repository, snapshot, engine, compared, Some(masked))).await
}

/// `masked` are tables whose hashes count in place of those of the snapshot.
async fn verify_now(
    context: &Context,
    repository: &Repository,
    snapshot: &Snapshot,
    engine: &dyn Engine,
    compared: Compared<'_>,
    masked: Option<&[TableEntry]>,
) -> Result<Comparison, Error> {
    let manifest = &snapshot.manifest;
    if manifest.engine != engine.name() {
        let lack = "is of another engine than the database, so their rows have other forms";
        return Err(Error::Lacks { state: snapshot.told(), lack });
    }
    let stored = State::snapshot(repository, snapshot.clone()).await?;
    let with_ddl = matches!(compared, Compared::All | Compared::Strictly) && !stored.schema().ddl.is_empty();
    let by_number = stored
        .schema()
        .tables
        .iter()
        .filter(|table| matches!(table.key.columns[..], [part] if table.columns[part.column].hidden));
    let doubtful = by_number.map(|table| table.name.clone()).collect();
    let meant = meant(manifest, compared).with_doubtful_keys(doubtful);
    let view = engine.open_of(&ViewOptions { with_ddl }, &meant).await?;
    let live = State::Live(LiveState::of(engine, Arc::clone(&view))?);
    let cannot_be_read = |name: &TableName| view.unread().iter().any(|unread| &unread.name == name);
    let entries = match compared {
        Compared::RowsOf(entries) => entries,
        Compared::All | Compared::Strictly | Compared::Rows | Compared::Taken => &manifest.tables,
    };
    let mut by_name = manifest.by_name();
    by_name.extend(masked.into_iter().flatten().map(|entry| (&entry.name, entry)));
    let is_masked =
        |entry: &TableEntry| by_name.get(&entry.name).is_some_and(|expected| expected.root != entry.root);
    let mut tables = Vec::new();
    let mut not_compared = not_compared(&stored, &live);
    let (mut by_hash, mut by_rows) = (Vec::new(), Vec::new());
    for entry in entries.iter().filter(|entry| !cannot_be_read(&entry.name)) {
        let mut outcome = |outcome| {
            tables.push(TableComparison {
                table: entry.name.clone(),
                kind: entry.kind,
                outcome,
                snapshot_rows: Some(entry.root.rows),
                database_rows: None,
            });
        };
        match (live.table(&entry.name), stored.table(&entry.name)) {
            (None, _) => outcome(TableVerdict::Missing),
            (Some(now), None) => by_hash.push(now),
            (Some(now), Some(then)) => match columns(now, then) {
                Columns::Same if log_ahead::is_between(&stored, &live, then) => by_rows.push((then, now)),
                Columns::Same => by_hash.push(now),
                Columns::Reordered if is_masked(entry) => not_compared.push(format!(
                    "the rows of {}: they are masked, and its columns stand in another order than in the snapshot",
                    entry.name
                )),
                Columns::Reordered => by_rows.push((then, now)),
                Columns::Fewer if matches!(compared, Compared::Taken) => by_rows.push((then, now)),
                Columns::Fewer | Columns::Others => outcome(TableVerdict::ColumnsDiffer),
            },
        }
    }
    let read = by_hash.iter().copied().chain(by_rows.iter().map(|(_, now)| *now));
    let read: Vec<&Table> = read.collect();
    context.observe(Event::Phase {
        phase: Phase::Verify,
        tables: read.iter().filter(|table| table.kind.is_user_table()).count() as u64,
        rows: read.iter().map(|table| view.estimate(&table.name).rows).sum(),
    });
    let keys = repository.content_keys();
    let (found, _) = read_tables(context, view.as_ref(), by_hash, keys, &Sink::Names, None).await?;
    for found in found {
        let expected = by_name.get(&found.name);
        let equal = expected.is_some_and(|expected| expected.root.hash == found.root.hash);
        // In the order of another key the same rows have another hash.
        let of_both = stored.table(&found.name).zip(live.table(&found.name));
        let is_keyed_otherwise = |(then, now): &(&Table, &Table)| then.key != now.key && masked.is_none();
        if let Some(both) = of_both.filter(|both| !equal && is_keyed_otherwise(both)) {
            by_rows.push(both);
            continue;
        }
        if !equal && live.table(&found.name).is_some_and(|table| engine.makes_by_itself(table)) {
            not_compared.push(format!(
                "the rows of {}: the database makes them by itself, out of those of other tables",
                found.name
            ));
            continue;
        }
        tables.push(TableComparison {
            table: found.name,
            kind: found.kind,
            outcome: if equal { TableVerdict::Equal } else { TableVerdict::Differs },
            snapshot_rows: expected.map(|expected| expected.root.rows),
            database_rows: Some(found.root.rows),
        });
    }
    for (then, now) in by_rows {
        tables.push(reordered(context, keys, (&stored, then), (&live, now)).await?);
    }
    if manifest.scope == Scope::Full && !matches!(compared, Compared::RowsOf(_)) {
        let is_known = |table: &TableName| {
            by_name.contains_key(table) || manifest.unread.iter().any(|unread| &unread.name == table)
        };
        let extra = live.schema().tables.iter().filter(|table| !is_known(&table.name));
        tables.extend(extra.map(|table| TableComparison {
            table: table.name.clone(),
            kind: table.kind,
            outcome: TableVerdict::Extra,
            snapshot_rows: None,
            database_rows: None,
        }));
    }
    if masked.is_none() {
        let moved = |table: &&TableComparison| {
            matches!(table.outcome, TableVerdict::Differs | TableVerdict::Missing | TableVerdict::Extra)
        };
        let unequal = tables.iter().filter(moved).map(|table| table.table.clone()).collect();
        let states = (&stored, &live);
        for whole in across_partitions::compare(context, keys, states, entries, &unequal).await? {
            let of_it = tables.iter_mut().filter(|table| whole.partitions.contains(&table.table));
            of_it.for_each(|table| table.outcome = TableVerdict::Equal);
            not_compared.push(format!(
                "which partitions of {} its rows are in: it has the same rows, some of them in other partitions than in the snapshot",
                whole.name
            ));
        }
    }
    tables.sort_by(|a, b| a.table.cmp(&b.table));
    let now = match compared {
        Compared::Strictly => Defined::of(&live).with_any_roles(),
        _ => Defined::of(&live),
    };
    let definitions = with_ddl.then(|| definition_changes(&Defined::of(&stored), &now));
    Ok(Comparison { tables, not_compared, definitions })
}

/// The tables that have to be readable: those that the snapshot has. What it could not even define is not looked at.
fn meant(manifest: &Manifest, compared: Compared<'_>) -> Meant {
    let undefined = manifest.unread.iter().filter(|unread| unread.why == Why::Denied);
    let undefined = undefined.map(|unread| unread.name.clone()).collect();
    let held: HashSet<TableName> = match compared {
        Compared::RowsOf(entries) => entries.iter().map(|entry| entry.name.clone()).collect(),
        _ if manifest.scope == Scope::Full => return Meant::default(),
        _ => manifest.tables.iter().map(|entry| entry.name.clone()).collect(),
    };
    Meant::these(move |names| names.iter().any(|name| held.contains(*name))).without_definitions_of(undefined)
}

/// Compares a table whose columns stand in another order, as those of a child table do after a restore: its rows as they are
/// would give another hash, so each is compared by the names of its columns.
async fn reordered(
    context: &Context,
    keys: &ContentKeys,
    (stored, then): (&State, &Table),
    (live, now): (&State, &Table),
) -> Result<TableComparison, Error> {
    let counts =
        count_differing(context, keys, Pair { before: stored, after: live, old: then, new: now }).await?;
    let rows = stored.estimated_rows(&then.name);
    Ok(TableComparison {
        table: then.name.clone(),
        kind: then.kind,
        outcome: if counts.total() == 0 { TableVerdict::Equal } else { TableVerdict::Differs },
        snapshot_rows: Some(rows),
        database_rows: Some((rows + counts.inserted).saturating_sub(counts.deleted)),
    })
}

/// How the columns of a table stand to those of another.
enum Columns {
    Same,
    Reordered,
    /// The stored table lacks some.
    Fewer,
    Others,
}

fn columns(now: &Table, then: &Table) -> Columns {
    let names = |table: &Table| table.columns.iter().map(|column| column.name.clone()).collect::<Vec<_>>();
    let (mut now, mut then) = (names(now), names(then));
    if now == then {
        return Columns::Same;
    }
    now.sort_unstable();
    then.sort_unstable();
    if now == then {
        Columns::Reordered
    } else if then.iter().all(|name| now.binary_search(name).is_ok()) {
        Columns::Fewer
    } else {
        Columns::Others
    }
}
