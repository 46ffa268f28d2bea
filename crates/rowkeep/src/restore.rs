//! Restore: a snapshot becomes a database that was not there, or was empty.

mod across_partitions;
pub mod in_types;
mod masked;
pub mod replace;
pub mod translate;
pub mod verify;

use std::sync::Arc;

use futures::stream::{StreamExt, TryStreamExt};
use rowkeep_engine::{
    Contents, CreateOptions, Engine, EngineError, ErrorKind, FILE_MODE, Finished, LeftOut, Target,
};
use rowkeep_format::manifest::{Scope, Why};
use rowkeep_format::{Manifest, Schema, TableEntry, TableKind, TableName};
use rowkeep_repository::{Reader, Repository};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use crate::rows::mask::{BoundMask, MaskRules};
use crate::state::reader::{Cause, rows};
use crate::state::selection::Selection;
use crate::state::snapshots::{Snapshot, read_schema};
use crate::{Context, Error, Event, Phase};
pub use masked::masked_tables;

/// From this size on a table is not small.
const SMALL_BYTES: u64 = 64 * 1024;

/// What a restore did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restored {
    /// Tables that were loaded.
    pub tables: u64,
    /// Rows in those that people know as theirs.
    pub rows: u64,
    /// What did not come back exactly as it was, in words for people.
    pub notes: Vec<String>,
    /// The parts of the schema that the server refused, where it was to go on without them.
    pub left_out: Vec<LeftOut>,
    /// The tables among that, of which no rows are there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lacking: Vec<TableName>,
}

/// Makes a database from a snapshot.
///
/// The database must not exist or be empty. When anything fails, or the operation is cancelled, it is left as it was.
pub async fn restore(
    context: &Context,
    repository: &Repository,
    snapshot: &Snapshot,
    engine: &dyn Engine,
) -> Result<Restored, Error> {
    restore_tables(context, repository, snapshot, engine, &snapshot.manifest.tables).await
}

/// Makes a database from a snapshot, with the rows of some of its tables; see [`chosen`].
///
/// The schema comes whole. Nothing of the other tables is read, so they may be damaged; what refers to their rows is
/// put back without being validated.
pub async fn restore_tables(
    context: &Context,
    repository: &Repository,
    snapshot: &Snapshot,
    engine: &dyn Engine,
    tables: &[TableEntry],
) -> Result<Restored, Error> {
    make(context, repository, snapshot, engine, tables, Making::default()).await
}

/// How [`restore_with`] makes a database.
#[derive(Debug, Clone, Copy, Default)]
pub struct Making<'a> {
    /// By which rules rows are masked on their way.
    pub mask: Option<&'a MaskRules>,
    /// Whether the database is only to be tried, so that nothing in it acts on anything outside.
    pub is_scratch: bool,
    /// Whether it goes on without parts of the schema that the server refuses: see [`Restored::left_out`].
    pub leaves_out: bool,
}

/// As [`restore_tables`], in one of several ways.
pub async fn restore_with(
    context: &Context,
    repository: &Repository,
    snapshot: &Snapshot,
    engine: &dyn Engine,
    tables: &[TableEntry],
    making: Making<'_>,
) -> Result<Restored, Error> {
    make(context, repository, snapshot, engine, tables, making).await
}

/// As [`restore_tables`], into a database that is only to be tried: nothing in it acts on anything outside. What the server refuses of the
/// schema is left out.
pub async fn restore_scratch(
    context: &Context,
    repository: &Repository,
    snapshot: &Snapshot,
    engine: &dyn Engine,
    tables: &[TableEntry],
) -> Result<Restored, Error> {
    make(
        context,
        repository,
        snapshot,
        engine,
        tables,
        Making { mask: None, is_scratch: true, leaves_out: true },
    )
    .await
}

async fn make(
    context: &Context,
    repository: &Repository,
    snapshot: &Snapshot,
    engine: &dyn Engine,
    tables: &[TableEntry],
    Making { mask, is_scratch, leaves_out }: Making<'_>,
) -> Result<Restored, Error> {
    let manifest = &snapshot.manifest;
    let lacks = |lack| Error::Lacks { state: snapshot.told(), lack };
    if manifest.scope == Scope::DataOnly {
        return Err(lacks("holds rows without a schema, so no database can be made from it"));
    }
    if manifest.engine != engine.name() {
        return Err(lacks("is of another engine than the database it is to become"));
    }
    let (reader, schema) = context
        .until_cancelled(async {
            refuse_occupied(engine).await?;
            let reader = Arc::new(repository.reader().await?);
            let schema = read_schema(&reader, manifest).await?;
            Ok((reader, schema))
        })
        .await?;
    let is_whole = manifest.scope == Scope::Full && tables.len() == manifest.tables.len();
    let mask = mask.map(|rules| masked::bound(repository, rules, &schema, tables)).transpose()?;
    let options = CreateOptions {
        loaded: (!is_whole).then(|| tables.iter().map(|table| table.name.clone()).collect()),
        end_connections: false,
        is_scratch,
        lacks_definitions: manifest.unread.iter().any(|unread| unread.why == Why::Denied),
        leaves_out,
        is_translated: false,
        file_mode: file_mode(manifest),
        stop: context.cancel().clone(),
    };
    let target = engine.create(&schema, &options).await?;
    let mut restored = finish(context, target.as_ref(), &reader, &schema, mask.as_ref(), tables).await?;
    // What is on another server is where it was.
    let lost = manifest.unread.iter().filter(|unread| unread.why != Why::Foreign);
    restored.notes.extend(lost.map(|unread| format!("not in the snapshot: {}", unread.told())));
    Ok(restored)
}

/// The permissions that the file of a database had when it was captured.
pub(crate) fn file_mode(manifest: &Manifest) -> Option<u32> {
    manifest.environment.get(FILE_MODE).and_then(|mode| u32::from_str_radix(mode, 8).ok())
}

/// Loads tables into a target and finishes it; when anything fails, or is cancelled, the target is abandoned.
///
/// The target is to be one that stops when the operation is cancelled: only it knows whether its last step was done.
pub(crate) async fn finish(
    context: &Context,
    target: &dyn Target,
    reader: &Arc<Reader>,
    schema: &Schema,
    mask: Option<&BoundMask>,
    tables: &[TableEntry],
) -> Result<Restored, Error> {
    let loading = load(context, target, reader, schema, mask, tables);
    let Finished { notes, left_out, lacking } = finish_loaded(context, target, loading).await?;
    let lost = tables.iter().filter(|table| lacking.contains(&table.name));
    let lost_rows: u64 = lost.map(|table| table.root.rows).sum();
    Ok(Restored {
        tables: (tables.len() - lacking.len()) as u64,
        rows: user_rows(tables) - lost_rows,
        notes,
        left_out,
        lacking,
    })
}

/// Finishes a target that is loaded by then; when anything fails, or is cancelled, the target is abandoned.
pub(crate) async fn finish_loaded(
    context: &Context,
    target: &dyn Target,
    loading: impl Future<Output = Result<(), Error>>,
) -> Result<Finished, Error> {
    let finishing = async {
        context.until_cancelled(loading).await?;
        context.observe(Event::Phase { phase: Phase::Finish, tables: 0, rows: 0 });
        // Not dropped: it stops by itself, or has ended.
        Ok(target.finish().await?)
    };
    let error = match finishing.await {
        Ok(finished) => return Ok(finished),
        Err(error) => error,
    };
    if let Err(left) = target.abandon().await {
        context.warn(format!("the unfinished database could not be cleared: {left}"));
    }
    Err(error)
}

/// The tables of a snapshot that are meant; a name that no table or group has is an error.
///
/// What the database keeps beside its tables (sequences, settings) comes along, unless it is left out by name: it
/// belongs to the schema.
pub async fn chosen(
    repository: &Repository,
    snapshot: &Snapshot,
    selection: &Selection,
) -> Result<Vec<TableEntry>, Error> {
    let tables = &snapshot.manifest.tables;
    if selection.is_all() {
        return Ok(tables.clone());
    }
    let schema = read_schema(&repository.reader().await?, &snapshot.manifest).await?;
    let unread = || snapshot.manifest.unread.iter().map(|unread| (&unread.name, TableKind::Table));
    let known = || tables.iter().map(|table| (&table.name, table.kind)).chain(unread());
    let patterns = selection.bind(&[&schema], known)?;
    let is_of_schema =
        |table: &TableEntry| table.kind == TableKind::Settings && !patterns.excludes(&table.name);
    let is_chosen = |table: &&TableEntry| patterns.choose(&table.name) || is_of_schema(table);
    Ok(tables.iter().filter(is_chosen).cloned().collect())
}

fn user_rows(tables: &[TableEntry]) -> u64 {
    tables.iter().filter(|table| table.kind.is_user_table()).map(|table| table.root.rows).sum()
}

pub(crate) async fn refuse_occupied(engine: &dyn Engine) -> Result<(), Error> {
    match engine.contents().await? {
        Contents::Missing | Contents::Empty | Contents::Unfinished => Ok(()),
        Contents::Occupied(names) => Err(EngineError::new(
            ErrorKind::NotEmpty,
            format!("{} is not empty: it holds {}", engine.describe(), names.join(", ")),
        )
        .into()),
    }
}

async fn load(
    context: &Context,
    target: &dyn Target,
    reader: &Arc<Reader>,
    schema: &Schema,
    mask: Option<&BoundMask>,
    entries: &[TableEntry],
) -> Result<(), Error> {
    let cause = Cause::default();
    context.observe(Event::Phase {
        phase: Phase::Restore,
        tables: entries.iter().filter(|entry| entry.kind.is_user_table()).count() as u64,
        rows: entries.iter().map(|entry| entry.root.rows).sum(),
    });
    let tables = &schema.by_name();
    let mut largest_first: Vec<&TableEntry> = entries.iter().collect();
    largest_first.sort_by_key(|entry| std::cmp::Reverse(entry.root.bytes));
    // Small tables take one place each, others so many that as few of them are loaded at once as the target can.
    let places = target.parallelism_of_small().max(target.parallelism());
    let free = &Semaphore::new(places);
    futures::stream::iter(largest_first.into_iter().map(Ok))
        .try_for_each_concurrent(places, |entry| {
            let cause = &cause;
            let taken = match entry.root.bytes {
                ..SMALL_BYTES => 1,
                _ => (places / target.parallelism()).max(1),
            };
            async move {
                let _places = free.acquire_many(taken as u32).await.expect("the semaphore is never closed");
                let missing = || Error::Content {
                    object: format!("the schema, which lacks table {},", entry.name),
                    source: rowkeep_format::FormatError::Malformed("the schema"),
                };
                let table = *tables.get(&entry.name).ok_or_else(missing)?;
                context.observe(Event::Table(&entry.name));
                let watcher = context.clone();
                let name = entry.name.clone();
                let rows = rows(context, reader, entry, cause).inspect_ok(move |batch| {
                    watcher.observe(Event::Advanced {
                        table: &name,
                        rows: batch.rows() as u64,
                        bytes: batch.bytes() as u64,
                    });
                });
                let rows = rows.boxed();
                let rows = match mask {
                    Some(mask) => mask.rows(table, rows),
                    None => rows,
                };
                target.load(table, rows).await.map_err(|error| cause.of(error))?;
                context.observe(Event::TableDone { table: &entry.name, rows: entry.root.rows });
                Ok::<_, Error>(())
            }
        })
        .await
}
