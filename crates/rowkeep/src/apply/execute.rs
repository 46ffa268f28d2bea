//! Apply: executing a plan on a live database, in one transaction that can be undone.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::StreamExt;
use rowkeep_engine::{
    Applied, ApplyOptions, ChangeSource, ChangeStream, Engine, EngineError, ErrorKind as EngineKind,
};
use rowkeep_format::changeset::{self, StoredChanges};
use rowkeep_format::manifest::Before;
use rowkeep_format::{Changes, ChunkId, SnapshotId, TableChanges, chunk};
use rowkeep_repository::{Reader, Repository};

use super::plan::{OnDangling, Plan, Safety};
use super::safety::{self, Kept};
use crate::capture::Opened;
use crate::capture::table::store;
use crate::state::snapshots::{self, Snapshot};
use crate::{Context, Error, Event, Phase};

/// What executing a plan did.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// What the database says it did.
    pub applied: Applied,
    /// The snapshot that was taken before, by which it can be undone.
    pub safety: Option<Snapshot>,
}

/// Executes a plan.
///
/// The safety snapshot becomes visible first. Then all changes are made in one transaction: when anything fails, or the
/// process is killed, the database is as it was. Rows that somebody changed after the plan was made are noticed, see
/// [`ApplyOptions::on_conflict`].
pub async fn execute(
    context: &Context,
    repository: &Repository,
    engine: &dyn Engine,
    plan: Plan,
    options: &ApplyOptions,
) -> Result<Outcome, Error> {
    context.until_cancelled(execute_now(context, repository, engine, plan, options)).await
}

async fn execute_now(
    context: &Context,
    repository: &Repository,
    engine: &dyn Engine,
    plan: Plan,
    options: &ApplyOptions,
) -> Result<Outcome, Error> {
    plan.check()?;
    if plan.is_empty() && options.statements.is_empty() {
        return Ok(Outcome { applied: Applied::default(), safety: None });
    }
    let safety = match plan.safety {
        None => None,
        Some(mut safety) => {
            safety.manifest.before = Some(Before {
                operation: plan.operation.to_owned(),
                from: plan.from.clone(),
                changes: Some(match plan.stored {
                    Some(stored) => stored,
                    None => store_changes(repository, plan.changes.as_ref()).await?,
                }),
            });
            Some(safety.commit(repository).await?)
        }
    };
    context.observe(Event::Phase {
        phase: Phase::Apply,
        tables: plan.changes.tables().len() as u64,
        rows: plan.changes.tables().iter().map(|table| table.counts.total()).sum(),
    });
    match engine.apply(Arc::clone(&plan.changes), options).await {
        Ok(applied) => Ok(Outcome { applied, safety }),
        Err(error) => {
            // Whether anything changed is not known when the connection was lost at the end.
            if let Some(safety) = safety
                && error.kind() != EngineKind::Unreachable
                && let Err(left) = repository.delete_snapshot(&safety.id).await
            {
                context.warn(format!("safety snapshot {} stays: {left}", safety.short_id()));
            }
            Err(error.into())
        }
    }
}

/// Stores a changeset; returns the chunk that says where its parts are.
pub(crate) async fn store_changes(
    repository: &Repository,
    changes: &dyn ChangeSource,
) -> Result<ChunkId, Error> {
    let keys = repository.content_keys();
    let writer = repository.writer().await?;
    let mut tables = Vec::new();
    for (number, table) in changes.tables().iter().enumerate().filter(|(_, table)| table.counts.total() > 0) {
        let mut chunks = Vec::new();
        let mut runs = changes.read(number);
        while let Some(run) = runs.next().await {
            let plain = run?.encode();
            let id = keys.chunk_id(&plain);
            store(keys, &writer, id, &plain).await?;
            chunks.push(id);
        }
        tables.push(StoredChanges { changes: table.clone(), chunks });
    }
    let changeset = changeset::Changeset { version: changeset::VERSION, tables };
    let plain = chunk::encode_text(&changeset.to_json());
    let id = keys.chunk_id(&plain);
    store(keys, &writer, id, &plain).await?;
    writer.finish().await?;
    Ok(id)
}

/// Finds the operation on a database that [`undo`] takes back: the newest that was not taken back yet.
pub async fn last_applied(repository: &Repository, database: &str) -> Result<Snapshot, Error> {
    let mut all = snapshots::list(repository, Some(database)).await?;
    let undone: Vec<String> = all
        .iter()
        .filter_map(|snapshot| snapshot.manifest.before.as_ref())
        .filter(|before| before.operation == UNDO)
        .map(|before| before.from.clone())
        .collect();
    let is_open = |snapshot: &Snapshot| {
        let before = snapshot.manifest.before.as_ref();
        before.is_some_and(|before| before.operation != UNDO)
            && !undone.iter().any(|from| from == &taken_back(snapshot.id))
    };
    match all.iter().rposition(is_open) {
        Some(found) => Ok(all.swap_remove(found)),
        None => Err(Error::NothingToUndo { database: database.to_owned() }),
    }
}

pub(crate) const UNDO: &str = "undo";

/// What an undo is from: the state before what followed a safety snapshot.
pub(crate) fn taken_back(safety: SnapshotId) -> String {
    format!("before {safety}")
}

/// The short id of the safety snapshot that a plan takes an operation back by, from what it says that it is from.
pub fn undo_snapshot(from: &str) -> Option<&str> {
    let safety = from.strip_prefix("before ")?;
    Some(safety.get(..snapshots::SHORT_ID).unwrap_or(safety))
}

/// Plans to take an operation back, by the safety snapshot that was taken before it.
///
/// Exactly the rows that it changed get the values that they had; a row that was changed again since is a conflict.
/// What replaced the whole database is taken back by [`replace`](crate::restore::replace) instead.
pub async fn undo(
    context: &Context,
    repository: &Repository,
    engine: &dyn Engine,
    safety_snapshot: &Snapshot,
    safety: Option<&Safety>,
) -> Result<Plan, Error> {
    context.until_cancelled(undo_now(context, repository, engine, safety_snapshot, safety)).await
}

async fn undo_now(
    context: &Context,
    repository: &Repository,
    engine: &dyn Engine,
    snapshot: &Snapshot,
    safety: Option<&Safety>,
) -> Result<Plan, Error> {
    let Some(before) = &snapshot.manifest.before else {
        let lack = "was not taken before a restore, so there is nothing to undo";
        return Err(Error::Lacks { state: snapshot.told(), lack });
    };
    let Some(stored) = &before.changes else {
        let lack =
            "was taken before the whole database was replaced, which only another replacement can undo";
        return Err(Error::Lacks { state: snapshot.told(), lack });
    };
    if snapshot.manifest.engine != engine.name() {
        return Err(Error::Lacks { state: snapshot.told(), lack: "is of another engine than the database" });
    }
    let changes = stored_changes(repository, *stored, true).await?;
    // What was done to single rows is as cheap to take back.
    let kept = match snapshot.is_changes_alone() {
        true => Kept::Nothing,
        false => Kept::tables(changes.tables().iter().map(|changes| changes.table.name.clone())),
    };
    let captured = match safety {
        None => None,
        Some(safety) => {
            let kept = kept.clone();
            let opened = Opened::open(engine, kept.with_ddl()).await?;
            Some(safety::capture(context, repository, engine, opened, kept, safety).await?)
        }
    };
    Ok(Plan {
        operation: UNDO,
        from: taken_back(snapshot.id),
        database: engine.describe(),
        schema: Vec::new(),
        changes,
        stored: None,
        kept,
        related: BTreeMap::new(),
        left_out: BTreeMap::new(),
        dangling: Vec::new(),
        on_dangling: OnDangling::Stop,
        safety: captured,
    })
}

/// Reads which chunks hold the changes of a stored changeset.
pub(crate) async fn read_changeset(reader: &Reader, id: ChunkId) -> Result<changeset::Changeset, Error> {
    let plain = reader.read(&id).await?;
    let found = chunk::decode_text(&plain).and_then(changeset::Changeset::from_json);
    found.map_err(Error::content(format!("changeset {id}")))
}

/// The changes of a stored changeset, or those that take it back.
pub(crate) async fn stored_changes(
    repository: &Repository,
    id: ChunkId,
    reversed: bool,
) -> Result<Arc<dyn ChangeSource>, Error> {
    let reader = Arc::new(repository.reader().await?);
    let changeset = read_changeset(&reader, id).await?;
    let turned = |changes: TableChanges| if reversed { changes.reversed() } else { changes };
    let (tables, chunks) =
        changeset.tables.into_iter().map(|stored| (turned(stored.changes), stored.chunks)).unzip();
    Ok(Arc::new(Stored { reader, tables, chunks, reversed }))
}

struct Stored {
    reader: Arc<Reader>,
    tables: Vec<TableChanges>,
    chunks: Vec<Vec<ChunkId>>,
    reversed: bool,
}

impl ChangeSource for Stored {
    fn tables(&self) -> &[TableChanges] {
        &self.tables
    }

    fn read(&self, table: usize) -> ChangeStream {
        let (reader, reversed) = (Arc::clone(&self.reader), self.reversed);
        let columns = self.tables[table].table.columns.len();
        futures::stream::iter(self.chunks[table].clone())
            .then(move |id| {
                let reader = Arc::clone(&reader);
                async move {
                    let changes = read_changes(&reader, id, columns).await?;
                    Ok(if reversed { changes.reversed() } else { changes })
                }
            })
            .boxed()
    }
}

async fn read_changes(reader: &Reader, id: ChunkId, columns: usize) -> Result<Changes, EngineError> {
    let failed = |message: String| EngineError::new(EngineKind::Damaged, message);
    let plain = reader.read(&id).await.map_err(|error| failed(error.to_string()))?;
    match Changes::decode(&plain) {
        Ok(changes) if changes.after().columns().len() == columns => Ok(changes),
        _ => Err(failed(format!("changes {id} in the repository are damaged"))),
    }
}
