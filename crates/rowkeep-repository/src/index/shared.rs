use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use bytes::Bytes;
use futures::StreamExt;
use rowkeep_format::ids::{ChunkId, IndexId, PackId};
use tokio::sync::Mutex;

use super::load::{ATTEMPTS, NotRead, chunks_in, read_all};
use super::memory::{Collected, Index, PackNumber, PackPlace, PackState};
use super::{CHUNKS_PER_OBJECT, PACKS_PER_OBJECT, id_of, seal};
use crate::listings::{Folder, Listing, Listings, Moment};
use crate::objects::{self, Listed, Objects};
use crate::pack::{PackRecord, pack_id_of, read_record};
use crate::seal::Sealer;
use crate::{Error, Result};

/// The index of an open repository, shared by all who read and write.
///
/// It is read once. From then on only index objects are read that were not there before: when a writer begins, and when
/// a chunk is missing.
pub(crate) struct SharedIndex {
    objects: Objects,
    sealer: Arc<Sealer>,
    listings: Arc<Listings>,
    current: RwLock<Arc<Index>>,
    known: Mutex<Known>,
    /// Packs that are marked or condemned.
    doomed: RwLock<Arc<HashSet<PackId>>>,
    /// The packs that what is written here relies on.
    relied_on: std::sync::Mutex<HashSet<PackNumber>>,
    /// How often somebody began to read.
    readings: AtomicU64,
    /// How often that was when the index was last brought up to date because something was missing.
    looked_again: Mutex<u64>,
    /// The same for when packs were last looked for that no index object names.
    looked_into_packs: Mutex<u64>,
}

/// What is known of the index objects.
#[derive(Default)]
struct Known {
    /// Those that were read or written.
    named: HashMap<IndexId, Object>,
    /// Objects that cannot be used.
    damaged: HashSet<IndexId>,
    is_loaded: bool,
}

/// An index object.
struct Object {
    /// The packs that it names.
    packs: Vec<PackNumber>,
    /// How many chunks it names, each as often as it does.
    chunks: usize,
    /// When it was written if that was here.
    written: Option<Moment>,
    /// Whether it names packs for which the index has no room.
    is_cut: bool,
}

impl Object {
    fn of(records: &[PackRecord], packs: Vec<PackNumber>, written: Option<Moment>) -> Self {
        let chunks = records.iter().map(|pack| pack.directory.entries.len()).sum();
        let is_cut = packs.len() < records.len();
        Self { packs, chunks, written, is_cut }
    }
}

/// How many packs are opened at the same time.
const AT_ONCE: usize = 8;

/// So many small index objects are made one.
const MANY_SMALL: usize = 4;

/// Index objects of at most so many chunks are always small.
const SMALL_CHUNKS: usize = 1024;

impl SharedIndex {
    pub(crate) fn new(objects: Objects, sealer: Arc<Sealer>, listings: Arc<Listings>) -> Self {
        Self {
            objects,
            sealer,
            listings,
            current: RwLock::default(),
            known: Mutex::default(),
            doomed: RwLock::default(),
            relied_on: std::sync::Mutex::default(),
            readings: AtomicU64::new(1),
            looked_again: Mutex::new(0),
            looked_into_packs: Mutex::new(0),
        }
    }

    /// The index as far as it was read.
    pub(crate) fn current(&self) -> Arc<Index> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes note that somebody begins to read what may have been written just now.
    pub(crate) fn begin_reading(&self) {
        self.readings.fetch_add(1, Ordering::Relaxed);
    }

    /// Reads the index if it was not read yet.
    pub(crate) async fn load(&self) -> Result<()> {
        if self.known.lock().await.is_loaded {
            return Ok(());
        }
        let [listing] = self.listings.get([Folder::Index]).await?;
        self.update(&listing).await
    }

    /// Brings the index up to date because something is missing; says whether it may be there now.
    ///
    /// It is done once for each time that somebody began to read, so that a repository that lost much is not listed for
    /// each missing chunk.
    pub(crate) async fn look_again(&self, before: &Arc<Index>) -> Result<bool> {
        let mut looked_again = self.looked_again.lock().await;
        let readings = self.readings.load(Ordering::Relaxed);
        if *looked_again != readings {
            self.listings.forget().await;
            // What could not be used then may have been cut short on its way.
            self.known.lock().await.damaged.clear();
            let [listing] = self.listings.get([Folder::Index]).await?;
            self.update(&listing).await?;
            *looked_again = readings;
        }
        Ok(!Arc::ptr_eq(before, &self.current()))
    }

    /// Looks for packs that no index object names, or only ones that are damaged or lost, because a chunk is in none that one
    /// names; says whether it may be there now. What they hold, they say themselves.
    ///
    /// It is done as often as [`SharedIndex::look_again`].
    pub(crate) async fn look_into_packs(&self, before: &Arc<Index>) -> Result<bool> {
        let mut looked_into = self.looked_into_packs.lock().await;
        let readings = self.readings.load(Ordering::Relaxed);
        if *looked_into != readings {
            let [listing] = self.listings.get([Folder::Packs]).await?;
            let index = self.current();
            let packs = listing.objects.iter().filter_map(|object| Some((pack_id_of(object)?, object.bytes)));
            let unnamed: Vec<_> = packs.filter(|(id, _)| index.number(id).is_none()).collect();
            let mut reading = futures::stream::iter(unnamed)
                .map(|(id, size)| read_record(&self.objects, &self.sealer, id, size))
                .buffer_unordered(AT_ONCE);
            let mut records = Vec::new();
            while let Some(record) = reading.next().await {
                match record {
                    Ok(record) => records.push(record),
                    Err(error) if error.is_finding() => tracing::warn!(%error, "a pack is left alone"),
                    Err(error) => return Err(error),
                }
            }
            if !records.is_empty() {
                self.found(&records).await;
            }
            *looked_into = readings;
        }
        Ok(!Arc::ptr_eq(before, &self.current()))
    }

    /// Reads the index objects that are listed and not known, and forgets those that are known and not listed.
    ///
    /// Damaged ones are left out: what they say can be had from the packs. A store that fails does fail it, and so does
    /// an index object of a newer format.
    pub(crate) async fn update(&self, listing: &Listing) -> Result<()> {
        let mut any_gone = self.read_new(listing).await?;
        for _ in 1..ATTEMPTS {
            if !any_gone {
                break;
            }
            // What took their place is in a newer listing.
            self.listings.forget().await;
            let [listing] = self.listings.get([Folder::Index]).await?;
            any_gone = self.read_new(&listing).await?;
        }
        Ok(())
    }

    /// Goes through a listing; says whether an object was gone before it could be read.
    async fn read_new(&self, listing: &Listing) -> Result<bool> {
        let mut known = self.known.lock().await;
        let listed: HashMap<IndexId, &Listed> =
            listing.objects.iter().filter_map(|object| Some((id_of(object)?, object))).collect();
        let new: Vec<IndexId> = listed.keys().filter(|id| !known.has(id)).copied().collect();
        let bytes: u64 = new.iter().map(|id| listed[id].bytes).sum();
        let mut index = Index::clone(&self.current());
        let mut collected = Collected::with_room(chunks_in(bytes));
        let mut numbers: HashMap<PackId, PackNumber> = HashMap::new();
        let mut read = Vec::new();
        let NotRead { damaged, any_gone } = read_all(&self.objects, &self.sealer, new, |id, packs| {
            let mut named = Vec::with_capacity(packs.len());
            for pack in &packs {
                let seen = index.number(&pack.id).or_else(|| numbers.get(&pack.id).copied());
                let number = match seen {
                    Some(number) => number,
                    None => match collected.push(&index, pack, PackState::Named) {
                        Some(number) => number,
                        None => continue,
                    },
                };
                numbers.insert(pack.id, number);
                named.push(number);
            }
            read.push((id, Object::of(&packs, named, None)));
        })
        .await?;
        known.named.extend(read);
        for (id, error) in damaged {
            tracing::warn!(%error, "an index object is left out");
            known.damaged.insert(id);
        }
        known.named.retain(|id, object| {
            listed.contains_key(id) || object.written.is_some_and(|written| written >= listing.began)
        });
        index.add(collected);
        self.publish(index, &known);
        known.is_loaded = true;
        Ok(any_gone)
    }

    /// Takes note of an index object that was written here, with the packs that it names.
    pub(crate) async fn wrote(&self, id: IndexId, packs: &[PackRecord]) {
        let mut known = self.known.lock().await;
        let mut index = Index::clone(&self.current());
        let named = add(&mut index, packs, PackState::Named);
        known.named.insert(id, Object::of(packs, named, Some(self.listings.moment())));
        self.publish(index, &known);
    }

    /// Takes note of packs that are there without any index object that names them; gives their numbers.
    pub(crate) async fn found(&self, packs: &[PackRecord]) -> Vec<PackNumber> {
        let known = self.known.lock().await;
        let mut index = Index::clone(&self.current());
        let numbers = add(&mut index, packs, PackState::Unnamed);
        self.publish(index, &known);
        numbers
    }

    /// Takes note of chunks that cannot be read from a pack: they count as stored only where another pack holds them.
    pub(crate) async fn found_unreadable(&self, pack: PackNumber, chunks: Vec<ChunkId>) {
        let known = self.known.lock().await;
        let mut index = Index::clone(&self.current());
        index.set_unreadable(pack, chunks);
        self.publish(index, &known);
    }

    /// The packs that the index takes to be there and that a listing does not have, or not in the same size.
    pub(crate) async fn missing_in(&self, listing: &Packs) -> Vec<PackId> {
        let known = self.known.lock().await;
        let own = known.written_since(listing.began);
        let current = self.current();
        let missing = current.packs().filter(|(number, pack)| {
            pack.state != PackState::Gone && listing.lacks(pack) && !own.contains(number)
        });
        missing.map(|(_, pack)| pack.id).collect()
    }

    /// Takes note of which packs are there.
    pub(crate) async fn compare_with(&self, listing: &Packs) {
        let known = self.known.lock().await;
        let own = known.written_since(listing.began);
        let mut index = Index::clone(&self.current());
        index.set_states(|number, pack| match listing.lacks(pack) && !own.contains(&number) {
            true => PackState::Gone,
            false => PackState::Unnamed,
        });
        self.publish(index, &known);
    }

    /// Puts one index object in the place of many small ones, if any was written here: for the next who reads them all.
    ///
    /// The new one is there before the others go, so nothing is ever unnamed. Nothing depends on it.
    pub(crate) async fn settle(&self) {
        if let Err(error) = self.merge().await {
            tracing::debug!(%error, "small index objects stay as they are");
        }
    }

    async fn merge(&self) -> Result<()> {
        let (replaced, packs) = {
            let known = self.known.lock().await;
            let replaced = known.small();
            let packs = replaced.iter().filter_map(|id| known.named.get(id));
            let packs: BTreeSet<PackNumber> = packs.flat_map(|object| object.packs.iter().copied()).collect();
            (replaced, packs)
        };
        if replaced.is_empty() {
            return Ok(());
        }
        let records = self.current().records(packs.into_iter()).into_iter();
        let Some(records) = records.map(|(_, record)| record).collect::<Option<Vec<_>>>() else {
            return Ok(());
        };
        let sealer = Arc::clone(&self.sealer);
        let sealing =
            tokio::task::spawn_blocking(move || Ok::<_, Error>((seal(&sealer, &records)?, records)));
        let ((id, object), records) =
            sealing.await.map_err(|_| Error::System("making an index object"))??;
        self.objects.write(&objects::index(&id), Bytes::from(object)).await?;
        self.wrote(id, &records).await;
        self.known.lock().await.named.retain(|id, _| !replaced.contains(id));
        let names: Vec<String> = replaced.iter().map(objects::index).collect();
        self.objects.delete_all(&names).await
    }

    /// Has index objects name some packs no more: those that do are written anew without them, and then deleted.
    ///
    /// What is left of the others must be in packs that are named elsewhere.
    pub(crate) async fn leave_out(&self, packs: &BTreeSet<PackId>) -> Result<()> {
        let index = self.current();
        let out: HashSet<PackNumber> = packs.iter().filter_map(|id| index.number(id)).collect();
        let (replaced, kept) = {
            let known = self.known.lock().await;
            let names_one = |object: &&Object| object.packs.iter().any(|pack| out.contains(pack));
            let replaced = known.named.iter().filter(|(_, object)| names_one(object));
            let replaced: Vec<IndexId> = replaced.map(|(id, _)| *id).collect();
            let packs = replaced.iter().filter_map(|id| known.named.get(id));
            let packs = packs.flat_map(|object| object.packs.iter().copied());
            let kept: BTreeSet<PackNumber> = packs.filter(|pack| !out.contains(pack)).collect();
            (replaced, kept)
        };
        if replaced.is_empty() {
            return Ok(());
        }
        let mut records = Vec::with_capacity(kept.len());
        for (pack, record) in index.records(kept.into_iter()) {
            records.push(match record {
                Some(record) => record,
                None => read_record(&self.objects, &self.sealer, pack.id, pack.size).await?,
            });
        }
        for records in records.chunks(PACKS_PER_OBJECT) {
            let (id, object) = seal(&self.sealer, records)?;
            self.objects.write(&objects::index(&id), Bytes::from(object)).await?;
            self.wrote(id, records).await;
        }
        self.known.lock().await.named.retain(|id, _| !replaced.contains(id));
        let names: Vec<String> = replaced.iter().map(objects::index).collect();
        self.objects.delete_all(&names).await
    }

    /// Shows an index to all who read, with packs marked as named that are.
    fn publish(&self, mut index: Index, known: &Known) {
        let named: HashSet<PackNumber> =
            known.named.values().flat_map(|object| object.packs.iter().copied()).collect();
        let doomed = self.doomed();
        index.set_states(|number, pack| match pack.state {
            PackState::Gone => PackState::Gone,
            _ if doomed.contains(&pack.id) => PackState::Doomed,
            _ if named.contains(&number) => PackState::Named,
            _ => PackState::Unnamed,
        });
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(index);
    }

    /// Whether a chunk is in a pack that an index object names, or in one of some others. Whoever is told so relies on it.
    pub(crate) fn is_stored(&self, id: &ChunkId, others: &HashSet<PackNumber>) -> bool {
        let index = self.current();
        let counts = |pack, state| match state {
            PackState::Named => true,
            PackState::Unnamed => others.contains(&pack),
            PackState::Doomed | PackState::Gone => false,
        };
        let Some(pack) = index.held_in(id, counts) else { return false };
        self.rely_on(pack);
        if !index.is_held_whole(id, |other| other == pack) {
            self.rely_on_chunk(id);
        }
        true
    }

    /// Takes note of a pack that what is written here relies on.
    pub(crate) fn rely_on(&self, pack: PackNumber) {
        self.relied_on.lock().unwrap_or_else(PoisonError::into_inner).insert(pack);
    }

    /// The same of packs by their ids.
    pub(crate) fn rely_on_packs<'p>(&self, packs: impl Iterator<Item = &'p PackId>) {
        let index = self.current();
        packs.filter_map(|id| index.number(id)).for_each(|pack| self.rely_on(pack));
    }

    /// The same of the pack that a chunk is first looked for in.
    pub(crate) fn rely_on_chunk(&self, id: &ChunkId) {
        let index = self.current();
        let Some(place) = index.places(id).next() else { return };
        self.rely_on(place.pack);
        let base = place.entry.encoding.base().and_then(|base| index.places(base).next());
        base.into_iter().for_each(|base| self.rely_on(base.pack));
    }

    /// The packs that what was written here relies on.
    pub(crate) fn relied_on(&self) -> HashSet<PackNumber> {
        self.relied_on.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The packs that are marked or condemned, as far as is known.
    pub(crate) fn doomed(&self) -> Arc<HashSet<PackId>> {
        Arc::clone(&self.doomed.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes note of the packs that are marked or condemned.
    pub(crate) async fn set_doomed(&self, packs: HashSet<PackId>) {
        if *self.doomed() == packs {
            return;
        }
        let known = self.known.lock().await;
        *self.doomed.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(packs);
        self.publish(Index::clone(&self.current()), &known);
    }
}

/// The packs that a store listed.
pub(crate) struct Packs {
    /// Their sizes.
    pub(crate) sizes: HashMap<PackId, u64>,
    /// When listing began.
    pub(crate) began: Moment,
}

impl Packs {
    fn lacks(&self, pack: &PackPlace) -> bool {
        self.sizes.get(&pack.id) != Some(&pack.size)
    }
}

impl Known {
    /// The objects that should be one: small ones, if there are many and any was written here.
    ///
    /// Larger ones join only those that are half as large together, so that each chunk is written again only a few times.
    fn small(&self) -> Vec<IndexId> {
        if self.named.values().all(|object| object.written.is_none()) {
            return Vec::new();
        }
        let mut smallest_first: Vec<(usize, IndexId)> = self
            .named
            .iter()
            .filter(|(_, object)| !object.is_cut)
            .map(|(id, object)| (object.chunks, *id))
            .collect();
        smallest_first.sort_unstable();
        let (mut small, mut all) = (Vec::new(), 0);
        for (chunks, id) in smallest_first {
            if chunks > SMALL_CHUNKS.max(2 * all) || all + chunks > CHUNKS_PER_OBJECT {
                break;
            }
            all += chunks;
            small.push(id);
        }
        if small.len() < MANY_SMALL { Vec::new() } else { small }
    }

    /// The packs that index objects written here since then name: they are there, whatever an older listing says.
    fn written_since(&self, began: Moment) -> HashSet<PackNumber> {
        let is_own = |object: &&Object| object.written.is_some_and(|written| written >= began);
        self.named.values().filter(is_own).flat_map(|object| object.packs.iter().copied()).collect()
    }

    fn has(&self, id: &IndexId) -> bool {
        self.named.contains_key(id) || self.damaged.contains(id)
    }
}

/// Adds packs that an index does not know; gives the numbers of all.
fn add(index: &mut Index, packs: &[PackRecord], state: PackState) -> Vec<PackNumber> {
    let mut collected = Collected::with_room(0);
    let mut numbers = Vec::with_capacity(packs.len());
    for pack in packs {
        numbers.extend(index.number(&pack.id).or_else(|| collected.push(index, pack, state)));
    }
    index.add(collected);
    numbers
}
