//! The chunks of a state: stored, and those verified by sample that were there before.

use std::collections::HashSet;
use std::sync::Arc;

use jiff::Timestamp;
use rowkeep_engine::View;
use rowkeep_format::{ChunkId, Schema, SnapshotId, Table, TableEntry, chunk};
use rowkeep_repository::{Repository, Stored, Writer};

use super::chunk::store;
use super::reuse::{Base, Originals};
use super::sink::Sink;
use super::table::read_tables;
use crate::{Context, Error, Event, Phase};

/// So often a state is read where chunks that were there before turn out to be damaged.
const ATTEMPTS: u32 = 3;

/// A state whose chunks are to be stored.
pub(super) struct Wanted<'a> {
    pub(super) view: &'a dyn View,
    pub(super) schema: &'a Schema,
    pub(super) chosen: Vec<&'a Table>,
    /// The snapshot before it.
    pub(super) parent: Option<SnapshotId>,
    pub(super) time: Timestamp,
    /// Whether what writers promise of the rows that they change is relied on.
    pub(super) trusts_marks: bool,
    /// Of a copy, what it is a copy of.
    pub(super) copied: Option<&'a Originals>,
}

/// What was stored of it.
pub(super) struct Chunks {
    pub(super) schema: ChunkId,
    pub(super) tables: Vec<TableEntry>,
    /// Of its schema and the roots of its tables, the chunks that were not there before.
    pub(super) added: HashSet<ChunkId>,
    pub(super) read_bytes: u64,
    /// Has what is not written yet.
    writer: Writer,
    /// What attempts before stored.
    before: Stored,
}

impl Chunks {
    /// Writes what is left and then the index.
    pub(super) async fn finish(self) -> Result<Stored, Error> {
        Ok(self.before + self.writer.finish().await?)
    }
}

/// Stores the chunks of a state that are not stored yet, up to the writer's end.
///
/// Some of those that are stored are read. Where one is damaged, what else its pack holds is looked at, and the state is read
/// again to store what is damaged of it.
pub(super) async fn store_chunks(
    context: &Context,
    repository: &Repository,
    wanted: &Wanted<'_>,
) -> Result<Chunks, Error> {
    let (mut added, mut read_bytes, mut before) = (HashSet::new(), 0, Stored::default());
    let mut attempt = 1;
    loop {
        let (mut chunks, doubted) = store_once(context, repository, wanted).await?;
        chunks.added.extend(&added);
        chunks.read_bytes += read_bytes;
        chunks.before = before;
        if doubted == 0 {
            return Ok(chunks);
        }
        let found = format!(
            "the repository is damaged: {doubted} of its packs hold chunks of this backup that cannot be read; run \
             `rowkeep repair`"
        );
        context.warn(&found);
        if attempt == ATTEMPTS {
            context.warn("more may be damaged than was found: run `rowkeep check --read-data`");
            return Ok(chunks);
        }
        attempt += 1;
        let phase = if wanted.copied.is_some() { Phase::Copy } else { Phase::Backup };
        let rows = wanted.chosen.iter().map(|table| wanted.view.estimate(&table.name).rows).sum();
        context.observe(Event::Phase { phase, tables: wanted.chosen.len() as u64, rows });
        (added, read_bytes) = (chunks.added.clone(), chunks.read_bytes);
        before = chunks.finish().await?;
    }
}

/// Stores the chunks; says of how many packs what was there before could not be read.
async fn store_once(
    context: &Context,
    repository: &Repository,
    wanted: &Wanted<'_>,
) -> Result<(Chunks, usize), Error> {
    let keys = repository.content_keys();
    let writer = Arc::new(repository.writer_with(context.packs()).await?);
    let schema_chunk = chunk::encode_text(&wanted.schema.to_json());
    let schema = keys.chunk_id(&schema_chunk);
    store(keys, &writer, schema, &schema_chunk).await?;
    let sink = Sink::Repository(Arc::clone(&writer));
    let base = |parent| Base::new(repository, parent, wanted.copied).trusting_marks(wanted.trusts_marks);
    let base = wanted.parent.map(base);
    let base = base.as_ref().map(|base| (base, wanted.time));
    let (tables, read_bytes) =
        read_tables(context, wanted.view, wanted.chosen.clone(), keys, &sink, base).await?;
    let roots = tables.iter().map(|table| table.root.hash);
    let added = roots.chain([schema]).filter(|id| writer.has_added(id)).collect();
    drop(sink);
    let doubted = writer.verify_reused().await?.len();
    let writer = Arc::into_inner(writer).expect("every table is done, so nobody else holds the writer");
    Ok((Chunks { schema, tables, added, read_bytes, writer, before: Stored::default() }, doubted))
}
