//! Databases that may still have what a repository has lost.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use rowkeep_engine::ViewOptions;
use rowkeep_format::{ChunkId, Table, TableName, chunk};
use rowkeep_repository::Repository;

use super::lost::Lost;
use crate::capture::chunk::store;
use crate::capture::sink::Sink;
use crate::capture::stored_schema;
use crate::capture::table::read_tables;
use crate::jobs::DatabaseRef;
use crate::jobs::outcome::RepairSource;
use crate::jobs::repository_check::Loss;
use crate::jobs::workspace::{Source, Workspace};
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
            tables: parts.tables.into_iter().collect(),
            schema: parts.schema,
        };
        parts(losses).into_iter().map(source).collect()
    }

    /// Reads again what is lost, as far as the databases still have it, and stores it; says how many chunks that were, and
    /// why a database gave nothing.
    ///
    /// Only tables are read of which rows are lost.
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

/// What is lost of a database.
#[derive(Default)]
struct Parts {
    tables: BTreeSet<TableName>,
    schema: bool,
}

fn parts(losses: &[Loss]) -> BTreeMap<&str, Parts> {
    let mut parts: BTreeMap<&str, Parts> = BTreeMap::new();
    for loss in losses {
        let of = parts.entry(&loss.database).or_default();
        of.tables.extend(loss.tables.iter().cloned());
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
    let is_affected = |table: &&Table| parts.tables.contains(&table.name);
    let tables: Vec<&Table> = view.schema().tables.iter().filter(is_affected).collect();
    let sink = Sink::Wanted(Arc::clone(&writer), Arc::clone(wanted));
    read_tables(context, view.as_ref(), tables, keys, &sink, None).await?;
    drop(sink);
    let writer = Arc::into_inner(writer).expect("every table is done, so nobody else holds the writer");
    Ok(writer.finish().await?.chunks)
}
