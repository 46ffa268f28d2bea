//! Capture: a state of a live database becomes a snapshot.

mod changed;
pub(crate) mod chunk;
pub(crate) mod chunks;
pub mod copy;
mod doubtful_keys;
mod increment;
mod later;
mod migration_version;
pub mod readiness;
mod reuse;
pub(crate) mod sink;
mod store_chunks;
pub mod suspicion;
pub(crate) mod table;

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use rowkeep_engine::{
    CONSISTENCY, Consistency, Engine, EngineError, ErrorKind as EngineErrorKind, FILE_PART, Meant, View,
    ViewOptions, dialect_of,
};
use rowkeep_format::clock::Stopwatch;
use rowkeep_format::manifest::{Cost, Scope, Unread, VERSION, Why};
use rowkeep_format::{ChunkId, Identity, Manifest, Schema, SnapshotId, Summary, Table, TableName, tree};
use rowkeep_repository::Repository;

use crate::rows::mask::{Mask, MaskRules, MaskedView};
use crate::state::needs::{complete_left, has_all};
use crate::state::owner::Owner;
use crate::state::reader::read_node;
use crate::state::selection::Selection;
use crate::state::snapshots::{self, MASKED, Snapshot};
use crate::{Context, Error, Event, Phase};
use doubtful_keys::DoubtfulKeys;
use later::Later;
use readiness::refuse_unready;
use store_chunks::{Wanted, store_chunks};
use suspicion::{Taken, Threshold, suspicion};

/// What a snapshot is to hold, and what it is to be called.
#[derive(Debug, Clone)]
pub struct CaptureOptions {
    /// The name of the database in the repository.
    pub database: String,
    /// Whether that name is one of a configuration, so that it says which database it is.
    pub configured: bool,
    /// A name for the snapshot.
    pub name: Option<String>,
    /// Labels for the snapshot.
    pub tags: BTreeMap<String, String>,
    /// What the database serves, such as `production`.
    pub environment: Option<String>,
    /// The tables whose rows are wanted.
    pub selection: Selection,
    /// What is done to rows before they are stored.
    pub mask: Option<MaskRules>,
    /// Whether the schema is wanted.
    pub with_schema: bool,
    /// Whether rows are wanted.
    pub with_data: bool,
    /// Whether it relies on what those promise who write into the database, and marks the rows that they change: see
    /// [`View::read_promised`]. For backups alone: whoever is going to change the database looks at all rows.
    pub trusts_marks: bool,
    /// When it is suspicious; none where that is not asked.
    pub suspicion: Option<Threshold>,
    /// The program that writes, with its version.
    pub program: String,
    /// The folder of the repository, where it is one, for a look at the space it has.
    pub repository_folder: Option<PathBuf>,
}

/// Makes a snapshot of a database.
///
/// Everything is read from one consistent state. The snapshot appears when all of it is durable and was read back;
/// until then, also when this is dropped or the process is killed, the repository shows nothing of it, and what was
/// stored already is used by the next attempt.
pub async fn capture(
    context: &Context,
    repository: &Repository,
    engine: &dyn Engine,
    options: &CaptureOptions,
) -> Result<Snapshot, Error> {
    let reading = async {
        refuse_unready(context, engine, options.repository_folder.as_deref(), &options.meant()).await?;
        read(context, repository, engine, options).await
    };
    // Whoever stops it later has a snapshot.
    context.until_cancelled(reading).await?.show(context, repository).await
}

/// Where a state comes from that no engine was asked for.
#[derive(Debug, Clone)]
pub struct Source {
    /// The engine that its rows are of.
    pub engine: String,
    /// Where the database is, in words that show no secret.
    pub described: String,
}

impl Source {
    pub(crate) fn of(engine: &dyn Engine) -> Self {
        Self { engine: engine.name().to_owned(), described: engine.describe() }
    }
}

/// Makes a snapshot of a state that is open already, be it one that is fetched or one whose rows were pushed.
///
/// Fails where this program does not know the engine. All else is as in [`capture`].
pub async fn capture_view(
    context: &Context,
    repository: &Repository,
    source: &Source,
    view: Arc<dyn View>,
    options: &CaptureOptions,
) -> Result<Snapshot, Error> {
    read_view(context, repository, source, view, options).await?.show(context, repository).await
}

/// The same, which nobody sees yet.
pub(crate) async fn read_view(
    context: &Context,
    repository: &Repository,
    source: &Source,
    view: Arc<dyn View>,
    options: &CaptureOptions,
) -> Result<Uncommitted, Error> {
    dialect_of(&source.engine)?;
    let (watch, time) = (context.stopwatch(), context.now());
    let opened = Opened { view: context.paced(view), time, watch, is_file: false };
    context.until_cancelled(read_opened(context, repository, source, opened, options)).await
}

/// Makes a snapshot of the state that a file holds, as it was at a time.
///
/// `source` is what the snapshot is said to be of. It belongs to the database by its name alone, and stands among the snapshots of that name by its time: one that is earlier than
/// others comes before them. All else is as in [`capture`].
pub async fn capture_file(
    context: &Context,
    repository: &Repository,
    (source, engine): (&Source, &dyn Engine),
    options: &CaptureOptions,
    time: jiff::Timestamp,
) -> Result<(Snapshot, Vec<String>), Error> {
    let reading = async {
        refuse_unready(context, engine, options.repository_folder.as_deref(), &options.meant()).await?;
        let opened = Opened::open(context, engine, options.with_schema, &options.meant()).await?;
        let notes = opened.view.notes().to_vec();
        let opened = Opened { time, is_file: true, ..opened };
        Ok((read_opened(context, repository, source, opened, options).await?, notes))
    };
    let (captured, notes) = context.until_cancelled(reading).await?;
    let snapshot = captured.commit(repository).await?;
    suspicion::warn(context, &snapshot);
    Ok((snapshot, notes))
}

/// A snapshot whose chunks are stored, but which nobody sees yet.
pub(crate) struct Uncommitted {
    pub(crate) manifest: Manifest,
    pub(crate) schema: Schema,
    /// Of its schema and the roots of its tables, the chunks that were not there before.
    added: HashSet<ChunkId>,
    later: Later,
}

impl Uncommitted {
    /// Says that another database has snapshots of its name, when it has none itself that this one follows.
    fn warn_of_namesakes(&self, context: &Context) {
        if self.manifest.parent.is_none() {
            self.later.warn_of_namesakes(context, &Owner::of(&self.manifest));
        }
    }

    /// Makes the snapshot visible, and says what somebody should look at.
    pub(crate) async fn show(self, context: &Context, repository: &Repository) -> Result<Snapshot, Error> {
        self.warn_of_namesakes(context);
        let snapshot = self.commit(repository).await?;
        suspicion::warn(context, &snapshot);
        Ok(snapshot)
    }

    /// A snapshot that is there already, of the same state with the same name and labels.
    pub(crate) async fn twin(&self, repository: &Repository) -> Result<Option<Snapshot>, Error> {
        let own = &self.manifest;
        let roots = |manifest: &Manifest| -> Vec<_> {
            manifest.tables.iter().map(|entry| (entry.name.clone(), entry.root)).collect()
        };
        let catalog = repository.catalog().await?;
        let alike = |summary: &&Arc<Summary>| (&summary.name, &summary.tags) == (&own.name, &own.tags);
        for summary in catalog.of(Some(&own.database)).rev().filter(alike) {
            let snapshot = snapshots::open(repository, summary.id).await?;
            let other = &snapshot.manifest;
            let is_same =
                (&other.identity, other.scope, other.schema) == (&own.identity, own.scope, own.schema);
            if is_same && roots(other) == roots(own) {
                return Ok(Some(snapshot));
            }
        }
        Ok(None)
    }

    /// Makes the snapshot visible, as the last of all, and opens it as a restore would to hold it against what was read.
    pub(crate) async fn commit(self, repository: &Repository) -> Result<Snapshot, Error> {
        let Self { mut manifest, schema, added, later } = self;
        manifest.sequence = Some(later.sequence(repository, &manifest).await?);
        make_visible(repository, manifest, &schema, &added).await
    }
}

/// Makes a snapshot visible whose chunks are stored; `added` are those of its schema and the roots of its tables that were not
/// there before.
async fn make_visible(
    repository: &Repository,
    manifest: Manifest,
    schema: &Schema,
    added: &HashSet<ChunkId>,
) -> Result<Snapshot, Error> {
    let json = manifest.to_json();
    if Manifest::from_json(&json).as_ref() != Ok(&manifest) {
        let detail = "what is written of it is read as something else".to_owned();
        return Err(Error::ReadBack { object: "the manifest".to_owned(), detail });
    }
    let id = repository.commit_if_whole(&json, &|reader| has_all(reader, &manifest)).await?;
    check_after(repository, id, &manifest, schema, added).await?;
    Ok(Snapshot { id, manifest })
}

/// A state of a live database, and when it was opened.
#[derive(Clone)]
pub(crate) struct Opened {
    pub(crate) view: Arc<dyn View>,
    time: jiff::Timestamp,
    watch: Stopwatch,
    /// Whether it is that of a file, which says of its database no more than a name, and was written at a time of its own.
    is_file: bool,
}

impl Opened {
    pub(crate) async fn open(
        context: &Context,
        engine: &dyn Engine,
        with_ddl: bool,
        meant: &Meant,
    ) -> Result<Self, Error> {
        let (watch, time) = (context.stopwatch(), context.now());
        let view = context.paced(engine.open_of(&ViewOptions { with_ddl }, meant).await?);
        Ok(Self { view, time, watch, is_file: false })
    }

    /// The state of a file, or of another engine's snapshot, as it was at a time.
    pub(crate) fn of_file(context: &Context, view: Arc<dyn View>, time: jiff::Timestamp) -> Self {
        Self { view: context.paced(view), time, watch: context.stopwatch(), is_file: true }
    }
}

/// Reads a state of a database and stores its chunks.
async fn read(
    context: &Context,
    repository: &Repository,
    engine: &dyn Engine,
    options: &CaptureOptions,
) -> Result<Uncommitted, Error> {
    let source = Source::of(engine);
    let opened = Opened::open(context, engine, options.with_schema, &options.meant()).await?;
    opened.view.notes().iter().for_each(|note| context.warn(note));
    let mut keys = DoubtfulKeys::of(opened.view.schema());
    let mut read = read_opened(context, repository, &source, opened, options).await;
    while let Err(error) = &read
        && let Some(doubtful) = keys.with(error)
    {
        let meant = options.meant().with_doubtful_keys(doubtful.to_vec());
        let opened = Opened::open(context, engine, options.with_schema, &meant).await?;
        let Some(table) = keys.settled_in(opened.view.schema()) else { break };
        context.warn(format!(
            "a key of table {table} holds the same twice: its rows are stored by their rowids"
        ));
        read = read_opened(context, repository, &source, opened, options).await;
    }
    read
}

/// Stores the chunks of a state that is open.
pub(crate) async fn read_opened(
    context: &Context,
    repository: &Repository,
    source: &Source,
    Opened { view, time, watch, is_file }: Opened,
    options: &CaptureOptions,
) -> Result<Uncommitted, Error> {
    complete_left(context, repository).await?;
    let known = repository.catalog().await?;
    let identity = Identity { configured: options.configured, ..view.identity() };
    let owner = Owner { name: options.database.clone(), identity: (!is_file).then_some(identity) };
    let trusts_marks = options.trusts_marks && !later::is_changed_by_us(&known, &owner);
    let (parent, later) = if is_file {
        (later::parent_at(&known, &owner, time), Later::at(known, owner.clone(), time))
    } else {
        later::warn_of_clock(context, &known, &owner, time);
        (later::parent(&known, &owner), Later::than(known))
    };
    let view: Arc<dyn View> = match &options.mask {
        Some(rules) => {
            let names: Vec<TableName> =
                chosen_tables(options, view.as_ref())?.iter().map(|table| table.name.clone()).collect();
            let mask = Mask::new(rules, repository.content_keys()).bind_all(view.schema(), names.iter())?;
            Arc::new(MaskedView::new(view, mask))
        }
        None => view,
    };
    let schema = stored_schema(view.schema(), options.with_schema);
    let chosen = chosen_tables(options, view.as_ref())?;
    let unread = unread(context, options, view.as_ref());
    // A file may say that it has no more than a part. One with masked rows has all of them.
    let is_part = view.environment().iter().any(|(name, part)| name == FILE_PART && part != MASKED);
    let scope = match (options.with_schema, options.with_data) {
        (true, false) => Scope::SchemaOnly,
        (false, _) => Scope::DataOnly,
        (true, true) if is_part || chosen.len() < view.schema().tables.len() || is_short(&unread) => {
            Scope::SomeTables
        }
        (true, true) => Scope::Full,
    };
    if options.with_schema || !chosen.is_empty() {
        context.observe(Event::Phase {
            phase: Phase::Backup,
            tables: chosen.iter().filter(|table| table.kind.is_user_table()).count() as u64,
            rows: chosen.iter().map(|table| view.estimate(&table.name).rows).sum(),
        });
    }
    let wanted =
        Wanted { view: view.as_ref(), schema: &schema, chosen, parent, time, trusts_marks, copied: None };
    let mut chunks = store_chunks(context, repository, &wanted).await?;
    // Not before: rows that are asked for earlier may be read a second time.
    let mut environment = environment(view.as_ref(), &wanted.chosen, options).await?;
    drop(wanted);
    let (position, instant) = (view.position(), view.horizon());
    if view.consistency() == Consistency::Moving {
        environment.insert(CONSISTENCY.0.to_owned(), CONSISTENCY.1.to_owned());
        context.warn(format!(
            "{} was read part by part while others may have written to it: the snapshot may be of no state that existed",
            source.described
        ));
    }
    // Nothing more is read, so nobody has to keep the state for us.
    drop(view);
    let (schema_id, read_bytes) = (chunks.schema, chunks.read_bytes);
    let (tables, added) = (std::mem::take(&mut chunks.tables), std::mem::take(&mut chunks.added));
    let stored = chunks.finish().await?;
    // Nothing is gone that the file of a part of a state does not have.
    let suspicion = match options.suspicion.filter(|_| !environment.contains_key(FILE_PART)) {
        Some(threshold) => {
            let masked = options.mask.is_some();
            let (owner, schema, tags) = (&owner, &schema, &options.tags);
            let file_time = is_file.then_some(time);
            let unread = &unread;
            let taken = Taken { owner, tags, file_time, scope, masked, schema, unread, tables: &tables };
            suspicion(context, repository, &*repository.catalog().await?, &taken, threshold).await?
        }
        None => None,
    };
    let manifest = Manifest {
        version: VERSION,
        database: options.database.clone(),
        engine: source.engine.clone(),
        source: source.described.clone(),
        identity: owner.identity,
        name: options.name.clone(),
        time,
        position,
        instant,
        parent,
        sequence: None,
        scope,
        schema: schema_id,
        tables,
        unread,
        tags: options.tags.clone(),
        environment,
        before: None,
        origin: None,
        suspicion,
        cost: Cost {
            duration_ms: watch.elapsed_ms(),
            read_bytes,
            new_chunks: stored.chunks,
            new_bytes: stored.bytes,
        },
        program: options.program.clone(),
    };
    Ok(Uncommitted { manifest, schema, added, later })
}

impl CaptureOptions {
    /// The tables that have to be readable; of a schema alone all definitions are.
    fn meant(&self) -> Meant {
        if self.with_data { self.selection.meant() } else { Meant::default() }
    }
}

/// The tables whose rows are wanted and can be read.
fn chosen_tables<'v>(options: &CaptureOptions, view: &'v dyn View) -> Result<Vec<&'v Table>, Error> {
    if !options.with_data {
        return Ok(Vec::new());
    }
    let (schema, unread) = (view.schema(), view.unread());
    let mut chosen = options.selection.choose_beside(schema, unread)?;
    let unread_of = |table: &Table| unread.iter().find(|unread| unread.name == table.name);
    let first = chosen.first().copied().and_then(unread_of);
    chosen.retain(|table| unread_of(table).is_none());
    match first.filter(|_| chosen.is_empty() && !options.selection.is_all()) {
        None => Ok(chosen),
        Some(first) => {
            let message = format!("nothing of what is meant can be read: {}", first.told());
            Err(EngineError::new(EngineErrorKind::Unsupported, message).into())
        }
    }
}

/// Whether something of the database itself is missing.
fn is_short(unread: &[Unread]) -> bool {
    unread.iter().any(|unread| unread.why != Why::Foreign)
}

/// What is wanted and could not be read, or not even be defined; what is lost that way is warned of.
fn unread(context: &Context, options: &CaptureOptions, view: &dyn View) -> Vec<Unread> {
    let meant = match options.with_data {
        true => options.selection.with_partitions(&[view.schema()]).meant(),
        false => Meant::default(),
    };
    let is_told = |unread: &&Unread| match unread.why {
        Why::Denied => true,
        Why::DeniedSequence => options.with_data,
        Why::Unlogged | Why::UnloggedSequence | Why::Foreign | Why::NotInFile => {
            options.with_data && meant.is(&unread.name)
        }
    };
    // Files that were made without rows have all that they are to have.
    let is_missed = |unread: &&Unread| !view.left_out().contains(&unread.name);
    let unread: Vec<Unread> = view.unread().iter().filter(is_missed).filter(is_told).cloned().collect();
    let lost = unread
        .iter()
        .filter(|unread| matches!(unread.why, Why::Unlogged | Why::UnloggedSequence | Why::NotInFile));
    lost.for_each(|unread| context.warn(format!("not in the backup: {}", unread.told())));
    unread
}

pub(crate) fn stored_schema(schema: &Schema, with_ddl: bool) -> Schema {
    let ddl = if with_ddl { schema.ddl.clone() } else { Vec::new() };
    Schema {
        engine: schema.engine.clone(),
        tables: schema.tables.clone(),
        inherits: schema.inherits.clone(),
        ddl,
    }
}

async fn environment(
    view: &dyn View,
    chosen: &[&Table],
    options: &CaptureOptions,
) -> Result<BTreeMap<String, String>, Error> {
    let mut environment: BTreeMap<String, String> = view.environment().into_iter().collect();
    if environment.get(FILE_PART).is_some_and(|part| part == MASKED) {
        environment.insert(MASKED.to_owned(), "true".to_owned());
    }
    if let Some(version) = migration_version::schema_version(view, chosen).await? {
        environment.insert("schema_version".to_owned(), version);
    }
    if let Some(name) = &options.environment {
        environment.insert("environment".to_owned(), name.clone());
    }
    Ok(environment)
}

/// Opens what was added for the snapshot as a restore would, and holds it against what was read.
///
/// The manifest was read back when it was written. What was there before was read back when it was added; of that only the
/// index is asked, for the store would be asked the same with every backup. Whether it is still as it was a check tells.
async fn check_after(
    repository: &Repository,
    id: SnapshotId,
    manifest: &Manifest,
    schema: &Schema,
    added: &HashSet<ChunkId>,
) -> Result<(), Error> {
    let differs = |detail: String| Error::ReadBack { object: format!("snapshot {id}"), detail };
    let reader = repository.reader().await?;
    let is_added = |chunk: &ChunkId| added.contains(chunk);
    if is_added(&manifest.schema) {
        if &snapshots::read_schema(&reader, manifest).await? != schema {
            return Err(differs("its schema is another".to_owned()));
        }
    } else if !reader.contains(&manifest.schema) {
        return Err(differs(format!("it lacks chunk {} with its schema", manifest.schema)));
    }
    for table in &manifest.tables {
        if !is_added(&table.root.hash) {
            if !reader.contains(&table.root.hash) {
                return Err(differs(format!("table {} lacks chunk {}", table.name, table.root.hash)));
            }
            continue;
        }
        let node = read_node(&reader, table.root.hash, u64::from(table.root.levels) - 1).await?;
        let rows: u64 = node.iter().map(|entry: &tree::ChunkRef| entry.rows).sum();
        if rows != table.root.rows {
            return Err(differs(format!(
                "table {} has {rows} rows instead of {}",
                table.name, table.root.rows
            )));
        }
        if let Some(missing) = node.iter().find(|entry| !reader.contains(&entry.id)) {
            return Err(differs(format!("table {} lacks chunk {}", table.name, missing.id)));
        }
    }
    Ok(())
}
