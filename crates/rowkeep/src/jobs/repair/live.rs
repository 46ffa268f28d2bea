//! Databases that may still have what a repository has lost.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use rowkeep_engine::{View, ViewOptions};
use rowkeep_format::{ChunkId, SnapshotId, Table, TableName, chunk};
use rowkeep_repository::Repository;

use super::gaps::{Gap, gaps};
use super::lost::Lost;
use crate::capture::chunk::store;
use crate::capture::sink::Sink;
use crate::capture::stored_schema;
use crate::capture::table::{read_tables, store_rows};
use crate::jobs::DatabaseRef;
use crate::jobs::outcome::RepairSource;
use crate::jobs::repository_check::Loss;
use crate::jobs::workspace::{Source, Workspace};
use crate::state::snapshots::{Snapshot, open, read_schema};
use crate::{Context, Error};

/// The databases that can be asked, by the names that their snapshots have.
pub(super) struct Sources(BTreeMap<String, Source>);

impl Sources {
    /// Those that are configured, and these.
    pub(super) fn of(workspace: &Workspace, named: &[DatabaseRef]) -> Result<Self, Error> {
        let configured = workspace.config().databases.keys().map(String::as_str);
        let all = configured.chain(named.iter().map(|named| &**named));
        let sources = all.map(|database| workspace.source(database));
        let sources = sources.map(|source| source.map(|source| (source.name.clone(), source)));
        Ok(Self(sources.collect::<Result<_, Error>>()?))
    }

    /// Where what is lost can be looked for.
    pub(super) fn for_losses(&self, losses: &[Loss]) -> Vec<RepairSource> {
        let source = |(database, parts): (&str, Parts)| RepairSource {
            database: database.to_owned(),
            target: self.0.get(database).map(|source| source.engine.describe()),
            tables: parts.tables.into_keys().collect(),
            schema: parts.schema,
        };
        parts(losses).into_iter().map(source).collect()
    }

    /// Reads again what is lost, as far as the databases still have it, and stores it; says how many chunks that were, and
    /// why a database gave nothing.
    ///
    /// Only tables are read of which rows are lost, and of them only the rows between those that are there, where a database can give
    /// these alone.
    pub(super) async fn give_back(
        &self,
        context: &Context,
        repository: &Repository,
        lost: &Lost,
    ) -> Result<(u64, Vec<String>), Error> {
        let wanted = Arc::new(lost.chunks.clone());
        let (mut chunks, mut notes) = (0, Vec::new());
        for (database, parts) in parts(&lost.losses) {
            let Some(source) = self.0.get(database) else {
                notes.push(format!("nobody says where database {database} is"));
                continue;
            };
            match read(context, repository, source, &parts, &wanted).await {
                Ok(stored) => chunks += stored,
                Err(error) if context.is_cancelled() => return Err(error),
                Err(error) => {
                    notes.push(format!("database {database} cannot be read: {}", error.in_one_line()));
                }
            }
        }
        Ok((chunks, notes))
    }
}

/// What is lost of a database: of which tables in which snapshots, and whether of its schema.
#[derive(Default)]
struct Parts {
    tables: BTreeMap<TableName, Vec<SnapshotId>>,
    schema: bool,
}

fn parts(losses: &[Loss]) -> BTreeMap<&str, Parts> {
    let mut parts: BTreeMap<&str, Parts> = BTreeMap::new();
    for loss in losses {
        let of = parts.entry(&loss.database).or_default();
        for table in &loss.tables {
            of.tables.entry(table.clone()).or_default().push(loss.snapshot);
        }
        of.schema |= loss.schema;
    }
    parts
}

/// Stores what a database still has of what is wanted; says how many chunks that were.
async fn read(
    context: &Context,
    repository: &Repository,
    source: &Source,
    parts: &Parts,
    wanted: &Arc<HashSet<ChunkId>>,
) -> Result<u64, Error> {
    let keys = repository.content_keys();
    let writer = Arc::new(repository.writer().await?);
    let view = source.engine.open(&ViewOptions { with_ddl: parts.schema }).await?;
    if parts.schema {
        for with_ddl in [true, false] {
            let plain = chunk::encode_text(&stored_schema(view.schema(), with_ddl).to_json());
            let id = keys.chunk_id(&plain);
            if wanted.contains(&id) {
                store(keys, &writer, id, &plain).await?;
            }
        }
    }
    let sink = Sink::Wanted(Arc::clone(&writer), Arc::clone(wanted));
    let mut whole = Vec::new();
    for table in view.schema().tables.iter() {
        if let Some(snapshots) = parts.tables.get(&table.name)
            && !is_read(read_gaps(context, repository, view.as_ref(), table, snapshots, &sink, wanted).await)?
        {
            whole.push(table);
        }
    }
    read_tables(context, view.as_ref(), whole, keys, &sink, None).await?;
    drop(sink);
    let writer = Arc::into_inner(writer).expect("every table is done, so nobody else holds the writer");
    Ok(writer.finish().await?.chunks)
}

/// Whether gaps were read. Where something is damaged that was thought to be whole, all of the table is read.
fn is_read(read: Result<bool, Error>) -> Result<bool, Error> {
    match read {
        Err(error) if error.is_of_one_object() => Ok(false),
        read => read,
    }
}

/// Stores what the database has of a table between the chunks that are there, where it can be asked for that; says whether it can.
async fn read_gaps(
    context: &Context,
    repository: &Repository,
    view: &dyn View,
    table: &Table,
    snapshots: &[SnapshotId],
    sink: &Sink,
    wanted: &HashSet<ChunkId>,
) -> Result<bool, Error> {
    let (reader, name) = (repository.reader().await?, table.name.to_string());
    let mut seen = HashSet::new();
    for id in snapshots {
        let Snapshot { manifest, .. } = open(repository, *id).await?;
        let schema = read_schema(&reader, &manifest).await?;
        let is_same = |then: &Table| then.columns == table.columns && then.key == table.key;
        let then = schema.tables.iter().find(|then| then.name == table.name);
        let entry = manifest.tables.iter().find(|entry| entry.name == table.name);
        let Some(entry) = entry.filter(|_| table.key.unique && then.is_some_and(is_same)) else {
            return Ok(false);
        };
        let Some(gaps) = gaps(&reader, entry, wanted).await? else { return Ok(false) };
        let around = |gap: &Gap| {
            let [after, before] = [&gap.after, &gap.before].map(|chunk| chunk.as_ref().map(|chunk| chunk.id));
            (after, before, gap.before_node)
        };
        for gap in gaps {
            // The same in several snapshots, most often.
            if !seen.insert(around(&gap)) {
                continue;
            }
            let [after, before] = gap.bounds(context, &reader, &name).await?;
            let Some(rows) = view.rows_between(table, after.as_ref(), before.as_ref()).await? else {
                return Ok(false);
            };
            let nodes_from = gap.before_node.unwrap_or_default();
            store_rows(context, rows, table, repository.content_keys(), sink, nodes_from).await?;
        }
    }
    Ok(true)
}
