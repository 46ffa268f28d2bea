//! Replace: a database is made again in place of what it holds, schema included.

use std::collections::BTreeMap;
use std::sync::Arc;

use rowkeep_engine::{CreateOptions, Engine, Meant, ViewOptions};
use rowkeep_format::manifest::{Before, Scope};
use rowkeep_format::{LeftAlone, Schema, TableEntry, TableName};
use rowkeep_repository::Repository;
use serde::{Deserialize, Serialize};

use super::masked::{bound, hashed};
use super::{Restored, file_mode, finish};
use crate::apply::safety::{self, KeptRows, Safety};
use crate::apply::undo::{UNDO, taken_back};
use crate::capture::sink::Sink;
use crate::capture::table::read_tables;
use crate::capture::{Opened, Uncommitted};
use crate::diff::{
    Defined, DefinitionDifference, SERVER_VERSION, SchemaDifference, all_schema_differences,
    definition_changes, server_version,
};
use crate::rows::mask::{BoundMask, MaskRules};
use crate::state::selection::Selection;
use crate::state::snapshots::{Snapshot, read_schema};
use crate::{Context, Error, Event, Phase};

/// What replacing a database is going to do. Nothing is changed by making one.
pub struct Replacement {
    /// What is being done: `restore`, `undo`.
    pub operation: &'static str,
    /// The state that the database is made again from, in words.
    pub from: String,
    /// The database, in words.
    pub database: String,
    /// How the tables differ: from the database to the state.
    pub schema: Vec<SchemaDifference>,
    /// How what else the schemas are made of differs.
    pub definitions: DefinitionDifference,
    /// Every table of either, by name.
    pub tables: Vec<ReplacedTable>,
    /// Names all that the database holds as it was read: its schema and the rows of every table.
    pub(crate) present: String,
    snapshot: Snapshot,
    masked: Option<MaskedTables>,
    safety: Option<Uncommitted>,
}

/// How rows are masked on their way, and what the tables are then.
struct MaskedTables {
    mask: BoundMask,
    tables: Vec<TableEntry>,
}

/// A table before and after a database is replaced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplacedTable {
    /// The table.
    #[serde(flatten)]
    pub table: TableName,
    /// The rows that it has, where it is there.
    pub rows_now: Option<u64>,
    /// The rows that it will have, where it will be there.
    pub rows_then: Option<u64>,
    /// Whether its rows already are what they will be.
    pub equal: bool,
    /// Whether it is none that people know as theirs: settings, large objects.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_internal: bool,
}

/// What replacing a database did.
#[derive(Debug, Clone)]
pub struct Replaced {
    /// What was restored.
    pub restored: Restored,
    /// The snapshot that was taken before, by which it can be undone.
    pub safety: Option<Snapshot>,
}

impl Replacement {
    /// Whether the database already is what it would become.
    pub fn is_empty(&self) -> bool {
        self.schema.is_empty()
            && self.definitions.changes.is_empty()
            && self.tables.iter().all(|table| table.equal)
    }

    /// The tables that it comes to where rows are masked on their way: their hashes are not those of the snapshot.
    pub fn masked_tables(&self) -> Option<&[TableEntry]> {
        self.masked.as_ref().map(|masked| &*masked.tables)
    }
}

/// Whether what followed a safety snapshot can only be taken back by replacing the database by it.
pub fn is_taken_back_whole(safety: &Snapshot) -> bool {
    safety.manifest.before.as_ref().is_some_and(|before| before.changes.is_none())
}

/// Plans to make a database again from a snapshot, schema included.
///
/// The database is read once; nothing in it changes. With a safety snapshot, which holds all of it, its chunks are stored,
/// but it becomes visible only when the plan is executed. With rules, rows are masked on their way; the snapshot is read once for
/// what they are then.
pub async fn plan_replacement(
    context: &Context,
    repository: &Repository,
    engine: &dyn Engine,
    snapshot: &Snapshot,
    mask: Option<&MaskRules>,
    safety: Option<&Safety>,
) -> Result<Replacement, Error> {
    let why = ("restore", format!("snapshot {}", snapshot.short_id()));
    context.until_cancelled(plan(context, repository, engine, snapshot, mask, why, safety)).await
}

/// Plans to take back what replaced a database, by the safety snapshot that was taken before it.
///
/// All that was written since is lost, but for what the next safety snapshot keeps.
pub async fn plan_undo(
    context: &Context,
    repository: &Repository,
    engine: &dyn Engine,
    snapshot: &Snapshot,
    safety: Option<&Safety>,
) -> Result<Replacement, Error> {
    let why = (UNDO, taken_back(snapshot.id));
    context.until_cancelled(plan(context, repository, engine, snapshot, None, why, safety)).await
}

async fn plan(
    context: &Context,
    repository: &Repository,
    engine: &dyn Engine,
    snapshot: &Snapshot,
    mask: Option<&MaskRules>,
    (operation, from): (&'static str, String),
    safety: Option<&Safety>,
) -> Result<Replacement, Error> {
    refuse_partial(snapshot, engine)?;
    engine.check_replaceable().await?;
    let reader = Arc::new(repository.reader().await?);
    let schema = read_schema(&reader, &snapshot.manifest).await?;
    let stored = &snapshot.manifest.tables;
    let masked = match mask {
        None => None,
        Some(rules) => {
            let mask = bound(repository, rules, &schema, stored)?;
            let tables = hashed(context, repository, &reader, &schema, &mask, stored).await?;
            Some(MaskedTables { mask, tables })
        }
    };
    let (present, version, rows, safety) = match safety {
        Some(safety) => {
            let kept = KeptRows::Tables(Selection::default());
            let opened = Opened::open(context, engine, kept.with_ddl(), &Meant::default()).await?;
            let captured = safety::capture(context, repository, engine, opened, kept, safety).await?;
            let version = captured.manifest.environment.get(SERVER_VERSION).cloned();
            (captured.schema.clone(), version, captured.manifest.tables.clone(), Some(captured))
        }
        None => {
            let view = engine.open(&ViewOptions { with_ddl: true }).await?;
            let tables: Vec<_> = view.schema().tables.iter().collect();
            context.observe(Event::Phase {
                phase: Phase::Diff,
                tables: tables.iter().filter(|table| table.kind.is_user_table()).count() as u64,
                rows: tables.iter().map(|table| view.estimate(&table.name).rows).sum(),
            });
            let keys = repository.content_keys();
            let (rows, _) = read_tables(context, view.as_ref(), tables, keys, &Sink::Names, None).await?;
            (view.schema().clone(), server_version(view.as_ref()), rows, None)
        }
    };
    Ok(Replacement {
        operation,
        from,
        database: engine.describe(),
        schema: all_schema_differences(&present, &schema),
        definitions: definition_changes(
            &Defined::by(&present, version),
            &Defined::stored(&schema, &snapshot.manifest),
        ),
        present: fingerprint(&present, &rows),
        tables: replaced_tables(&rows, masked.as_ref().map_or(stored, |masked| &masked.tables)),
        snapshot: snapshot.clone(),
        masked,
        safety,
    })
}

/// Refuses what a whole database cannot be made from.
fn refuse_partial(snapshot: &Snapshot, engine: &dyn Engine) -> Result<(), Error> {
    let lacks = |lack| Err(Error::Lacks { state: snapshot.told(), lack });
    if snapshot.manifest.engine != engine.name() {
        return lacks("is of another engine than the database");
    }
    match snapshot.manifest.scope {
        Scope::Full => Ok(()),
        Scope::DataOnly => lacks("holds rows without a schema, so no database can be made from it"),
        Scope::SomeTables | Scope::SchemaOnly => lacks(
            "does not hold the rows of all tables, which would be lost if the database were made from it",
        ),
    }
}

/// The hash of a schema and the hashes of tables.
fn fingerprint(schema: &Schema, tables: &[TableEntry]) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&schema.to_json());
    for entry in tables {
        hasher.update(format!("\n{} {}", entry.name, entry.root.hash).as_bytes());
    }
    hasher.finalize().to_hex().to_string()
}

fn replaced_tables(now: &[TableEntry], then: &[TableEntry]) -> Vec<ReplacedTable> {
    let mut both: BTreeMap<&TableName, (Option<&TableEntry>, Option<&TableEntry>)> = BTreeMap::new();
    now.iter().for_each(|entry| both.entry(&entry.name).or_default().0 = Some(entry));
    then.iter().for_each(|entry| both.entry(&entry.name).or_default().1 = Some(entry));
    let told =
        |(table, (now, then)): (&TableName, (Option<&TableEntry>, Option<&TableEntry>))| ReplacedTable {
            table: table.clone(),
            rows_now: now.map(|entry| entry.root.rows),
            rows_then: then.map(|entry| entry.root.rows),
            equal: now.map(|entry| entry.root.hash) == then.map(|entry| entry.root.hash),
            is_internal: [now, then].into_iter().flatten().all(|entry| !entry.kind.is_user_table()),
        };
    both.into_iter().map(told).collect()
}

/// Executes the plan.
///
/// The safety snapshot becomes visible first. The database is as it was until everything is there; when anything
/// fails, the operation is cancelled or the process killed, it stays so. What others wrote since the plan was made is
/// not noticed, and lost. What the server refuses of the schema ends it; taking back goes on without it, for there is no other way
/// to the state before.
pub async fn replace(
    context: &Context,
    repository: &Repository,
    engine: &dyn Engine,
    replacement: Replacement,
    end_connections: bool,
) -> Result<Replaced, Error> {
    let Replacement { operation, from, snapshot, masked, safety, .. } = replacement;
    let safety = match safety {
        None => None,
        Some(captured) => {
            let before = Before {
                operation: operation.to_owned(),
                from,
                changes: None,
                entered: true,
                dangled: Vec::new(),
            };
            Some(safety::commit(repository, captured, before).await?)
        }
    };
    let mask = masked.map(|masked| masked.mask);
    let again = Again { mask: mask.as_ref(), end_connections, leaves_out: operation == UNDO };
    let replacing = make_again(context, repository, engine, &snapshot, again);
    let restored = safety::guarded(context, repository, safety.as_ref(), replacing, |_| LeftAlone::nothing());
    let restored = restored.await?;
    Ok(Replaced { restored, safety })
}

/// Makes a database again from a snapshot, whatever it holds; a database that is gone is made. What the server refuses of the schema
/// is left out: with its rows it is worth more than without.
pub(crate) async fn put_back(
    context: &Context,
    repository: &Repository,
    engine: &dyn Engine,
    snapshot: &Snapshot,
    end_connections: bool,
) -> Result<Restored, Error> {
    let again = Again { mask: None, end_connections, leaves_out: true };
    make_again(context, repository, engine, snapshot, again).await
}

/// How a database is made again.
struct Again<'a> {
    mask: Option<&'a BoundMask>,
    end_connections: bool,
    leaves_out: bool,
}

async fn make_again(
    context: &Context,
    repository: &Repository,
    engine: &dyn Engine,
    snapshot: &Snapshot,
    Again { mask, end_connections, leaves_out }: Again<'_>,
) -> Result<Restored, Error> {
    refuse_partial(snapshot, engine)?;
    let reader = Arc::new(repository.reader().await?);
    let schema = read_schema(&reader, &snapshot.manifest).await?;
    let file_mode = file_mode(&snapshot.manifest);
    let stop = context.cancel().clone();
    let options = CreateOptions { end_connections, leaves_out, file_mode, stop, ..CreateOptions::default() };
    let target = engine.replace(&schema, &options).await?;
    finish(context, target.as_ref(), &reader, &schema, mask, &snapshot.manifest.tables).await
}
