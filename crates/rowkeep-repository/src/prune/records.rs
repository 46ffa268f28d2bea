//! What prunes write down: which packs are marked, which are being deleted, and which were.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures::StreamExt;
use rowkeep_format::ids::{PackId, PruneRecordId};
use serde::{Deserialize, Serialize};

use crate::document::{self, MAX_OBJECT_BYTES};
use crate::header;
use crate::objects::{Listed, Objects, PRUNE, short_hash};
use crate::seal::{Sealer, random};
use crate::{Error, Flaw, Result};

/// How many records are read at the same time.
const AT_ONCE: usize = 8;

/// What a record says of its packs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    /// Nobody needs them, so they are to be deleted when the grace period is over.
    Marked,
    /// Somebody is deleting them, unless they are still needed.
    Condemned,
    /// They were deleted.
    Deleted,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Marked, Self::Condemned, Self::Deleted];

    fn word(self) -> &'static str {
        match self {
            Self::Marked => "marked",
            Self::Condemned => "condemned",
            Self::Deleted => "deleted",
        }
    }
}

/// A record of a prune.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) kind: Kind,
    pub(crate) id: PruneRecordId,
    /// When it was written, by the store's clock, in milliseconds since 1970.
    pub(crate) written_ms: i64,
    pub(crate) packs: Arc<BTreeSet<PackId>>,
}

impl Record {
    /// The name of its object.
    pub(crate) fn name(&self) -> String {
        name(self.id, self.kind)
    }
}

/// All records that are there, and what is wrong with those that cannot be read.
#[derive(Debug, Default)]
pub(crate) struct Records {
    pub(crate) all: Vec<Record>,
    pub(crate) damaged: Vec<Error>,
}

impl Records {
    /// The packs that nobody is to rely on any more.
    pub(crate) fn doomed(&self) -> HashSet<PackId> {
        self.packs(&[Kind::Marked, Kind::Condemned, Kind::Deleted])
    }

    /// The packs that may vanish at any instant, or have.
    pub(crate) fn vanishing(&self) -> HashSet<PackId> {
        self.packs(&[Kind::Condemned, Kind::Deleted])
    }

    /// The packs of which records of some kinds tell.
    pub(crate) fn packs(&self, kinds: &[Kind]) -> HashSet<PackId> {
        self.of(kinds).flat_map(|record| record.packs.iter().copied()).collect()
    }

    /// The records of some kinds.
    pub(crate) fn of<'a>(&'a self, kinds: &'a [Kind]) -> impl Iterator<Item = &'a Record> {
        self.all.iter().filter(|record| kinds.contains(&record.kind))
    }
}

#[derive(Serialize, Deserialize)]
struct Wire {
    packs: BTreeSet<PackId>,
}

fn name(id: PruneRecordId, kind: Kind) -> String {
    format!("{PRUNE}/{id}-{}", kind.word())
}

/// Which record an object is.
pub(crate) fn id_of(object: &Listed) -> Option<(PruneRecordId, Kind)> {
    let (id, word) = object.last().split_once('-')?;
    let id = PruneRecordId::from_hex(id).ok()?;
    let kind = Kind::ALL.into_iter().find(|kind| kind.word() == word)?;
    (name(id, kind) == object.name).then_some((id, kind))
}

/// Reads records, each once: what they say never changes.
#[derive(Default)]
pub(crate) struct RecordReader {
    known: Mutex<HashMap<PruneRecordId, Arc<BTreeSet<PackId>>>>,
    /// The names of the records that were there when the first writer began, before it listed packs.
    first: Mutex<Option<BTreeSet<String>>>,
}

impl RecordReader {
    /// The records of a listing.
    pub(crate) async fn read(
        &self,
        objects: &Objects,
        sealer: &Sealer,
        listed: &[Listed],
    ) -> Result<Records> {
        let wanted: Vec<_> =
            listed.iter().filter_map(|object| Some((id_of(object)?, object.modified_ms))).collect();
        let mut reading = futures::stream::iter(wanted)
            .map(|((id, kind), written_ms)| async move {
                let packs = match self.known(id) {
                    Some(packs) => Ok(packs),
                    None => read(objects, sealer, id, kind).await.map(Arc::new),
                };
                packs.map(|packs| Record { kind, id, written_ms, packs })
            })
            .buffer_unordered(AT_ONCE);
        let mut records = Records::default();
        while let Some(record) = reading.next().await {
            match record {
                Ok(record) => records.all.push(record),
                // Deleted since it was listed: what it said was done.
                Err(Error::Missing { .. }) => {}
                Err(error) if error.is_finding() => records.damaged.push(error),
                Err(error) => return Err(error),
            }
        }
        drop(reading);
        let known = records.all.iter().map(|record| (record.id, Arc::clone(&record.packs))).collect();
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = known;
        records.all.sort_by_key(|record| (record.written_ms, record.id));
        Ok(records)
    }

    /// Takes note of the records that are there before packs are listed that something written here relies on.
    pub(crate) fn begin(&self, listed: &[Listed]) {
        let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        first.get_or_insert_with(|| names(listed));
    }

    /// Whether exactly those records are there that were there then, so that nothing was deleted meanwhile.
    pub(crate) fn are_those_of_the_beginning(&self, listed: &[Listed]) -> bool {
        let first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        first.as_ref().is_some_and(|first| *first == names(listed))
    }

    fn known(&self, id: PruneRecordId) -> Option<Arc<BTreeSet<PackId>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
    }
}

fn names(listed: &[Listed]) -> BTreeSet<String> {
    listed.iter().filter(|object| id_of(object).is_some()).map(|object| object.name.clone()).collect()
}

async fn read(objects: &Objects, sealer: &Sealer, id: PruneRecordId, kind: Kind) -> Result<BTreeSet<PackId>> {
    let name = name(id, kind);
    let object = objects.read(&name, MAX_OBJECT_BYTES).await?;
    if short_hash(&object) != id.0 {
        return Err(Error::at(name, Flaw::Name));
    }
    let plain = document::open(sealer, header::PRUNE, &object).map_err(|flaw| Error::at(&name, flaw))?;
    let read: Wire =
        serde_json::from_slice(&plain).map_err(|_| Error::at(&name, Flaw::Malformed("the JSON")))?;
    Ok(read.packs)
}

/// Writes a mark of no pack, by which to learn the time of the store's clock; gives its name, and whether the store keeps
/// versions of what is deleted.
pub(crate) async fn write_probe(objects: &Objects, sealer: &Sealer) -> Result<(String, bool)> {
    let (name, object) = seal(sealer, Kind::Marked, BTreeSet::new())?;
    let keeps_versions = objects.write_telling(&name, object).await?;
    Ok((name, keeps_versions))
}

/// Writes a record of some packs; gives its name.
pub(crate) async fn write(
    objects: &Objects,
    sealer: &Sealer,
    kind: Kind,
    packs: BTreeSet<PackId>,
) -> Result<String> {
    let (name, object) = seal(sealer, kind, packs)?;
    objects.write(&name, object).await?;
    Ok(name)
}

fn seal(sealer: &Sealer, kind: Kind, packs: BTreeSet<PackId>) -> Result<(String, Bytes)> {
    let plain = serde_json::to_vec(&Wire { packs }).expect("a list of texts becomes JSON");
    let object = document::seal(sealer, header::PRUNE, &random()?, &plain, "the record of a prune")?;
    Ok((name(PruneRecordId(short_hash(&object)), kind), Bytes::from(object)))
}
