//! Copy: a snapshot of one repository becomes one of another, which has the same rows under keys of its own.
//!
//! A copy is what a capture of the same rows would have made in the other repository: chunk for chunk, so that copies and backups
//! there share what is equal. Its manifest keeps what the first one says of the database, and says what it is a copy of
//! ([`Origin`]), by which it is known again.
//!
//! A table that has the hash that it had in the snapshot before is taken over (`capture/reuse.rs`); one that changed is read as a
//! whole, as any view is.

mod changes;
mod place;
mod trouble;
mod view;

use std::collections::HashMap;
use std::sync::Arc;

use rowkeep_format::manifest::{Before, Cost, Origin, VERSION};
use rowkeep_format::{ChunkId, FormatError, Manifest, SnapshotId, Summary, Table, TableEntry, TableName};
use rowkeep_repository::{Catalog, ErrorKind as RepositoryKind, Repository};

use super::make_visible;
use super::reuse::Originals;
use super::store_chunks::{Wanted, store_chunks};
use crate::state::owner::Owner;
use crate::state::reader::Cause;
use crate::state::snapshots::{SHORT_ID, Snapshot, is_gone, open, read_schema, short_id};
use crate::{Context, Error, Event, Phase};
use changes::copy_changes;
use place::place;
use trouble::Trouble;
use view::SnapshotView;

/// What became of a snapshot that was to be copied.
#[derive(Debug)]
pub enum Copied {
    /// It was copied.
    Made(Box<Copy>),
    /// Somebody else has copied it meanwhile.
    There,
    /// It has been deleted meanwhile.
    Gone,
    /// It is damaged, or of a newer format: there is no copy of it.
    Unreadable(Error),
}

/// A copy that was just made.
#[derive(Debug, Clone)]
pub struct Copy {
    /// The snapshot that was copied.
    pub source: SnapshotId,
    /// The copy.
    pub snapshot: Snapshot,
    /// Its tables.
    pub tables: Vec<CopiedTable>,
}

/// A table whose rows are proven to be the same in both repositories.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopiedTable {
    /// Its name.
    pub name: TableName,
    /// Its rows.
    pub rows: u64,
    /// Its hash in the repository that was copied from: that of the rows that were stored has been found to be the same.
    pub source: ChunkId,
    /// Its hash in the other repository.
    pub copy: ChunkId,
}

/// Copies snapshots of one repository into another.
pub struct Copier<'a> {
    from: &'a Repository,
    to: &'a Repository,
    program: &'a str,
    source: Arc<Catalog>,
    /// Where in their order the snapshots are that can be copied.
    numbers: HashMap<Origin, usize>,
    /// What is in the other repository.
    copies: HashMap<Origin, SnapshotId>,
}

impl<'a> Copier<'a> {
    /// Finds out what is in both repositories; `program` is what copies say that they were written by.
    pub async fn new(from: &'a Repository, to: &'a Repository, program: &'a str) -> Result<Self, Error> {
        let source = from.catalog().await?;
        let numbers = source.snapshots().enumerate();
        let numbers = numbers.map(|(number, summary)| (summary.origin_in(from.id()), number)).collect();
        let mut copier = Self { from, to, program, source, numbers, copies: HashMap::new() };
        copier.note(&*to.catalog().await?);
        Ok(copier)
    }

    /// The snapshots that can be copied, the oldest first.
    pub fn source(&self) -> &Catalog {
        &self.source
    }

    /// The copy of a snapshot in the other repository, or the snapshot itself where it was made there.
    pub fn copy_of(&self, summary: &Summary) -> Option<SnapshotId> {
        self.copies.get(&summary.origin_in(self.from.id())).copied()
    }

    fn note(&mut self, catalog: &Catalog) {
        for summary in catalog.snapshots() {
            self.copies.entry(summary.origin_in(self.to.id())).or_insert(summary.id);
        }
    }

    /// Copies a snapshot. Those before it are copied first, so that it can take over what did not change since.
    ///
    /// The copy appears when all of it is durable and proven; until then the other repository shows nothing of it, and what was
    /// stored already is used by the next attempt.
    pub async fn copy(&mut self, context: &Context, summary: &Summary) -> Result<Copied, Error> {
        let catalog = self.to.catalog().await?;
        self.note(&catalog);
        if self.copy_of(summary).is_some() {
            return Ok(Copied::There);
        }
        let copying = async { Ok(self.try_twice(context, summary, &catalog).await) };
        match context.until_cancelled(copying).await? {
            Ok(copy) => {
                self.copies.insert(summary.origin_in(self.from.id()), copy.snapshot.id);
                if is_entered(summary) && self.from.is_applied(&summary.id).await? {
                    self.copy_applied(summary.id, copy.snapshot.id).await?;
                }
                if summary.is_safety() {
                    self.copy_superseded(summary.id, copy.snapshot.id).await?;
                }
                Ok(Copied::Made(Box::new(copy)))
            }
            Err(Trouble::Reading(error)) if is_gone(&error) => Ok(Copied::Gone),
            Err(Trouble::Reading(error)) if error.is_of_one_object() => {
                match open(self.from, summary.id).await {
                    Err(error) if is_gone(&error) => Ok(Copied::Gone),
                    _ => Ok(Copied::Unreadable(error)),
                }
            }
            Err(Trouble::Reading(Error::Cancelled) | Trouble::Writing(Error::Cancelled)) => {
                Err(Error::Cancelled)
            }
            Err(Trouble::Reading(error)) => {
                Err(error.of_step(format!("cannot read snapshot {}", short_id(summary.id))))
            }
            Err(Trouble::Writing(error)) => Err(error
                .of_step(format!("cannot store a copy of snapshot {}", short_id(summary.id)))
                .of_other()),
        }
    }

    /// Enters into the other ledger what the first one says of safety snapshots that are there already: that what they were taken
    /// for was done, and what was done after it, which may have been after they were copied.
    pub async fn bring_up_to_date(&self, there: &[(Arc<Summary>, SnapshotId)]) -> Result<(), Error> {
        if !there.iter().any(|(summary, _)| summary.is_safety()) {
            return Ok(());
        }
        let superseded = self.from.superseded_snapshots().await?;
        for (summary, copy) in there.iter().filter(|(summary, _)| superseded.contains(&summary.id)) {
            self.copy_superseded(summary.id, *copy).await?;
        }
        let mut done = self.from.applied_snapshots().await?;
        done.retain(|id| there.iter().any(|(summary, _)| summary.id == *id));
        if done.is_empty() {
            return Ok(());
        }
        let known = self.to.applied_snapshots().await?;
        for (summary, copy) in
            there.iter().filter(|(summary, copy)| done.contains(&summary.id) && !known.contains(copy))
        {
            self.copy_applied(summary.id, *copy).await?;
        }
        Ok(())
    }

    /// Enters that what a safety snapshot was taken for was done, and what of it was left alone.
    async fn copy_applied(&self, safety: SnapshotId, copy: SnapshotId) -> Result<(), Error> {
        if let Some(left) = self.from.left_of(&safety).await? {
            self.to.record_left(&copy, &left).await?;
        }
        Ok(self.to.record_applied(&copy).await?)
    }

    /// Enters what superseded a safety snapshot, where the other ledger does not say it yet.
    async fn copy_superseded(&self, safety: SnapshotId, copy: SnapshotId) -> Result<(), Error> {
        let Some(restored) = self.from.superseded_by(&safety).await? else { return Ok(()) };
        // An undo restores what the safety snapshot itself has.
        let restored = if restored == safety { copy } else { restored };
        if self.to.superseded_by(&copy).await? != Some(restored) {
            self.to.record_superseded(&copy, &restored).await?;
        }
        Ok(())
    }

    async fn try_twice(
        &self,
        context: &Context,
        summary: &Summary,
        there: &Catalog,
    ) -> Result<Copy, Trouble> {
        match self.try_to_copy(context, summary, there).await {
            // What was stored stays, so that this takes little but reading.
            Err(Trouble::Writing(Error::Repository(error))) if error.kind() == RepositoryKind::Pruned => {
                context.warn(format!("{error}; the copy is repeated"));
                self.try_to_copy(context, summary, there).await
            }
            copied => copied,
        }
    }

    async fn try_to_copy(
        &self,
        context: &Context,
        summary: &Summary,
        there: &Catalog,
    ) -> Result<Copy, Trouble> {
        let watch = context.stopwatch();
        let Snapshot { manifest, .. } = open(self.from, summary.id).await.map_err(Trouble::Reading)?;
        let reader = self.from.reader().await.map_err(|error| Trouble::Reading(error.into()))?;
        let reader = Arc::new(reader);
        let schema = Arc::new(read_schema(&reader, &manifest).await.map_err(Trouble::Reading)?);
        let tables: HashMap<&TableName, &Table> =
            schema.tables.iter().map(|table| (&table.name, table)).collect();
        let defined = |entry: &TableEntry| {
            let object = format!("snapshot {}", summary.id);
            let undefined =
                || Error::content(object)(FormatError::Malformed("the definitions of its tables"));
            tables.get(&entry.name).copied().ok_or_else(|| Trouble::Reading(undefined()))
        };
        let chosen: Vec<&Table> = manifest.tables.iter().map(defined).collect::<Result<_, _>>()?;
        context.observe(Event::Phase {
            phase: Phase::Copy,
            tables: manifest.user_tables(),
            rows: manifest.tables.iter().map(|entry| entry.root.rows).sum(),
        });

        let place = place(there, summary, |other| self.is_earlier(other, summary));
        let parent = manifest.parent.and_then(|parent| self.other_id(parent));
        let owner = Owner::of(&manifest);
        let parent =
            parent.or_else(|| place.last_before(|other| !other.is_safety() && owner.continues(other)));
        let before = match &manifest.before {
            None => None,
            Some(before) => {
                let changes = match before.changes {
                    Some(changes) => Some(copy_changes(&reader, self.to, changes).await?),
                    None => None,
                };
                Some(Before { changes, from: self.renamed(&before.from), ..before.clone() })
            }
        };
        let suspicion = manifest.suspicion.clone().map(|mut suspicion| {
            suspicion.after = self.other_id(suspicion.after).unwrap_or(suspicion.after);
            suspicion
        });

        let originals = Originals::of(&manifest, self.from.id());
        let cause = Cause::default();
        let view = SnapshotView::new(context, self.from, &reader, &schema, &manifest, &cause);
        let wanted = Wanted {
            view: &view,
            schema: &schema,
            chosen,
            parent,
            time: manifest.time,
            trusts_marks: false,
            copied: Some(&originals),
        };
        let stored = store_chunks(context, self.to, &wanted).await;
        let mut chunks =
            stored.map_err(|error| cause.take().map_or(Trouble::Writing(error), Trouble::Reading))?;
        let (schema_id, read_bytes) = (chunks.schema, chunks.read_bytes);
        let (mut entries, added) = (std::mem::take(&mut chunks.tables), std::mem::take(&mut chunks.added));
        let stored = chunks.finish().await?;
        let tables = self.proven(&manifest, &originals, &mut entries)?;
        let manifest = Manifest {
            version: VERSION,
            parent,
            sequence: Some(place.sequence(summary)),
            schema: schema_id,
            tables: entries,
            before,
            origin: Some(summary.origin_in(self.from.id())),
            suspicion,
            cost: Cost {
                duration_ms: watch.elapsed_ms(),
                read_bytes,
                new_chunks: stored.chunks,
                new_bytes: stored.bytes,
            },
            program: self.program.to_owned(),
            ..manifest
        };
        let snapshot = make_visible(self.to, manifest, &schema, &added).await?;
        Ok(Copy { source: summary.id, snapshot, tables })
    }

    /// Completes the entries of the tables that were stored. Of what was read, the hash was held against that of the source on its
    /// way; the rest has the hash of a table that was read before.
    fn proven(
        &self,
        source: &Manifest,
        originals: &Originals,
        entries: &mut [TableEntry],
    ) -> Result<Vec<CopiedTable>, Error> {
        let sources = source.by_name();
        let mut tables = Vec::with_capacity(entries.len());
        for entry in entries {
            let Some(source) = sources.get(&entry.name).filter(|source| source.root.rows == entry.root.rows)
            else {
                let detail = format!("it has {} rows", entry.root.rows);
                return Err(Error::ReadBack { object: format!("table {}", entry.name), detail });
            };
            (entry.read, entry.pages) = (source.read, source.pages);
            entry.original = originals.hashes.get(&entry.name).copied();
            tables.push(CopiedTable {
                name: entry.name.clone(),
                rows: entry.root.rows,
                source: source.root.hash,
                copy: entry.root.hash,
            });
        }
        Ok(tables)
    }

    /// Whether a snapshot of the other repository is known to be of an earlier state than one that is copied, or of a later one.
    fn is_earlier(&self, other: &Summary, copied: &Summary) -> Option<bool> {
        let number = |origin: Origin| self.numbers.get(&origin);
        let other = number(other.origin_in(self.to.id()))?;
        Some(other < number(copied.origin_in(self.from.id()))?)
    }

    /// The copy of a snapshot by its id.
    fn other_id(&self, id: SnapshotId) -> Option<SnapshotId> {
        self.copy_of(self.source.get(&id)?)
    }

    /// What a safety snapshot was taken for, in words that name the copies of snapshots.
    fn renamed(&self, words: &str) -> String {
        let renamed = |word: &str| {
            let is_id = word.len() >= SHORT_ID && word.bytes().all(|byte| byte.is_ascii_hexdigit());
            let named = |summary: &&Arc<Summary>| summary.id.to_string().starts_with(word);
            let named = if is_id { self.source.snapshots().find(named) } else { None };
            let copy = named.and_then(|summary| self.copy_of(summary));
            copy.map_or_else(|| word.to_owned(), |copy| copy.to_string()[..word.len()].to_owned())
        };
        words.split(' ').map(renamed).collect::<Vec<_>>().join(" ")
    }
}

/// Whether the ledger tells of a safety snapshot once it was done what it was taken for.
fn is_entered(summary: &Summary) -> bool {
    summary.before.as_ref().is_some_and(|before| before.entered)
}
