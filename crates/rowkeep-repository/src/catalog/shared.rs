use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use futures::StreamExt;
use rowkeep_format::ids::{SnapshotId, SummaryId};
use rowkeep_format::{FormatError, Manifest, Summary};
use tokio::sync::Mutex;

use super::summaries::{self, Known, MAX_SNAPSHOTS, absorbed, id_of};
use super::{Catalog, Unreadable};
use crate::ledger::{self, Entry};
use crate::listings::{Folder, Listing, Listings, Moment};
use crate::objects::{self, Objects, snapshot};
use crate::seal::Sealer;
use crate::{Error, Flaw, Result, snapshot_objects};

/// A summary is written when so many snapshots had to be read one by one.
const MANY: usize = 32;

/// So many entries are asked for at once.
const AT_ONCE: usize = 16;

/// So many summary objects are never left side by side.
const MANY_OBJECTS: usize = 16;

/// The catalog of an open repository, shared by all who ask.
pub(crate) struct SharedCatalog {
    listings: Arc<Listings>,
    state: Mutex<State>,
}

struct State {
    store: Objects,
    sealer: Arc<Sealer>,
    summaries: HashMap<SnapshotId, Arc<Summary>>,
    unreadable: BTreeMap<SnapshotId, Arc<Error>>,
    /// Snapshots that neither a summary nor the ledger names.
    uncompleted: HashSet<SnapshotId>,
    /// Those of them that nobody is writing any more.
    left: Vec<SnapshotId>,
    /// Snapshots that were made or deleted here, and when: an older listing does not know of it.
    made: HashMap<SnapshotId, Moment>,
    deleted: HashMap<SnapshotId, Moment>,
    has_made: bool,
    /// What was shown last, and whether more is known since.
    catalog: Arc<Catalog>,
    is_stale: bool,
    /// Summary objects that were read, those that are damaged, and those of a newer format.
    objects: Vec<Known>,
    damaged: HashSet<SummaryId>,
    newer: HashSet<SummaryId>,
    /// Summary objects that are there and were not read, because others told everything.
    unread: Vec<SummaryId>,
    /// The listings that were gone through last.
    listed: Option<(Moment, Moment)>,
    /// Whether the store refused a summary.
    is_refused: bool,
}

impl SharedCatalog {
    pub(crate) fn new(objects: Objects, sealer: Arc<Sealer>, listings: Arc<Listings>) -> Self {
        let state = State::new(objects, sealer);
        Self { listings, state: Mutex::new(state) }
    }

    /// Brings the catalog up to date with what is listed.
    pub(crate) async fn update(&self) -> Result<Arc<Catalog>> {
        if let Some(catalog) = self.as_listed_last().await {
            return Ok(catalog);
        }
        let folders = [Folder::Snapshots, Folder::Summaries];
        let [snapshots, summaries] = self.listings.get(folders).await?;
        let mut state = self.state.lock().await;
        if state.listed != Some((snapshots.began, summaries.began)) {
            let ledger = self.listings.made_with(Folder::Ledger, &snapshots).await;
            let updated = state.update(&snapshots, &summaries, ledger.as_ref()).await;
            state.is_stale |= !matches!(updated, Ok(false));
            let is_new = updated?;
            state.listed = Some((snapshots.began, summaries.began));
            if is_new && state.without_summary().len() > MANY {
                state.try_summarize().await;
            }
        }
        let left = self.left(&state.uncompleted, &snapshots);
        state.is_stale |= state.left != left;
        state.left = left;
        if state.uncompleted.is_empty() {
            self.listings.let_go(Folder::Snapshots).await;
        }
        Ok(state.shown())
    }

    /// The catalog, if it was brought up to date with listings that are good enough, and there is nothing else to see in them.
    async fn as_listed_last(&self) -> Option<Arc<Catalog>> {
        let mut state = self.state.lock().await;
        let (snapshots, summaries) = state.listed.filter(|_| state.uncompleted.is_empty())?;
        let is_latest = self.listings.is_latest(Folder::Snapshots, snapshots).await
            && self.listings.is_latest(Folder::Summaries, summaries).await;
        is_latest.then(|| state.shown())
    }

    /// Of snapshots that do not count, those that were written so long ago that nobody is writing them any more.
    fn left(&self, uncompleted: &HashSet<SnapshotId>, listing: &Listing) -> Vec<SnapshotId> {
        if uncompleted.is_empty() {
            return Vec::new();
        }
        let now = self.listings.now_ms();
        let old = listing.objects.iter().filter(|object| self.listings.is_long(object.modified_ms, now));
        old.filter_map(snapshot_objects::id_of).filter(|id| uncompleted.contains(id)).collect()
    }

    /// The catalog as of the last listing, with what was made and deleted here since.
    pub(crate) async fn known(&self) -> Option<Arc<Catalog>> {
        let mut state = self.state.lock().await;
        state.listed?;
        Some(state.shown())
    }

    /// Reads the manifest of one snapshot, whatever a summary tells of it.
    pub(crate) async fn look_at(&self, id: SnapshotId) -> Result<Arc<Catalog>> {
        let mut state = self.state.lock().await;
        state.summaries.remove(&id);
        state.unreadable.remove(&id);
        state.is_stale = false;
        state.read_manifests(HashSet::from([id])).await?;
        state.catalog = Arc::new(state.to_catalog());
        Ok(Arc::clone(&state.catalog))
    }

    /// The snapshots whose manifests could not be read, as far as anybody has asked.
    pub(crate) async fn unreadable(&self) -> Vec<Unreadable> {
        let state = self.state.lock().await;
        state.unreadable.iter().map(|(id, error)| Unreadable { id: *id, error: Arc::clone(error) }).collect()
    }

    /// Takes note of a snapshot that was made here.
    pub(crate) async fn made(&self, id: SnapshotId, manifest: &[u8]) {
        let mut state = self.state.lock().await;
        state.made.insert(id, self.listings.moment());
        state.has_made = true;
        // Of bytes that are no manifest the next listing tells.
        if let Ok(manifest) = Manifest::from_json(manifest) {
            state.summaries.insert(id, Arc::new(Summary::of(id, &manifest)));
            state.is_stale = true;
        }
    }

    /// Takes note of a snapshot that was deleted here.
    pub(crate) async fn deleted(&self, id: SnapshotId) {
        let mut state = self.state.lock().await;
        state.deleted.insert(id, self.listings.moment());
        state.summaries.remove(&id);
        state.unreadable.remove(&id);
        state.is_stale = true;
    }

    /// Forgets what the snapshots are, so that there is memory for something else: whoever asks next reads it again.
    pub(crate) async fn forget(&self) {
        let mut state = self.state.lock().await;
        // Of these a summary is yet to be written.
        if state.has_made {
            return;
        }
        state.summaries = HashMap::new();
        state.objects = Vec::new();
        state.unread = Vec::new();
        state.catalog = Arc::default();
        state.is_stale = true;
        state.listed = None;
    }

    /// Writes a summary of the snapshots that have none, if any was made here.
    pub(crate) async fn settle(&self) {
        let mut state = self.state.lock().await;
        if state.has_made {
            state.try_summarize().await;
        }
    }
}

impl State {
    fn new(store: Objects, sealer: Arc<Sealer>) -> Self {
        Self {
            store,
            sealer,
            summaries: HashMap::new(),
            unreadable: BTreeMap::new(),
            uncompleted: HashSet::new(),
            left: Vec::new(),
            made: HashMap::new(),
            deleted: HashMap::new(),
            has_made: false,
            catalog: Arc::default(),
            is_stale: false,
            objects: Vec::new(),
            damaged: HashSet::new(),
            newer: HashSet::new(),
            unread: Vec::new(),
            listed: None,
            is_refused: false,
        }
    }

    /// The catalog of what is known.
    fn shown(&mut self) -> Arc<Catalog> {
        if std::mem::take(&mut self.is_stale) {
            self.catalog = Arc::new(self.to_catalog());
        }
        Arc::clone(&self.catalog)
    }

    fn to_catalog(&self) -> Catalog {
        let unreadable = self.unreadable.iter();
        let unreadable = unreadable.map(|(id, error)| Unreadable { id: *id, error: Arc::clone(error) });
        let uncompleted = self.uncompleted.iter().copied().collect();
        Catalog::new(
            self.summaries.values().cloned().collect(),
            unreadable.collect(),
            uncompleted,
            self.left.clone(),
        )
    }

    /// Goes through listings; says whether anything is new.
    async fn update(
        &mut self,
        snapshots: &Listing,
        summaries: &Listing,
        ledger: Option<&Listing>,
    ) -> Result<bool> {
        self.made.retain(|_, moment| *moment >= snapshots.began);
        self.deleted.retain(|_, moment| *moment >= snapshots.began);
        let listed: HashSet<SnapshotId> =
            snapshots.objects.iter().filter_map(snapshot_objects::id_of).collect();
        let before = self.summaries.len() + self.unreadable.len();
        // What could not be read may have been cut short on its way, or put back since.
        self.unreadable.clear();
        let is_there = |id: &SnapshotId| {
            (listed.contains(id) && !self.deleted.contains_key(id)) || self.made.contains_key(id)
        };
        self.summaries.retain(|id, _| is_there(id));
        let mut changed = before != self.summaries.len();

        let is_unknown =
            |id: &&SnapshotId| !self.summaries.contains_key(*id) && !self.deleted.contains_key(*id);
        let mut unknown: HashSet<SnapshotId> = listed.iter().filter(is_unknown).copied().collect();
        changed |= !unknown.is_empty();
        self.read_objects(summaries, &mut unknown).await?;
        let counting = self.counting(&unknown, ledger).await?;
        self.uncompleted = unknown.difference(&counting).copied().collect();
        // What cannot be read is told of, whether it counts or not.
        self.read_manifests(unknown).await?;
        let Self { summaries, uncompleted, .. } = self;
        summaries.retain(|id, _| !uncompleted.contains(id));
        Ok(changed)
    }

    /// Of snapshots that no summary tells of, those that count: the ledger has their entry.
    async fn counting(
        &self,
        unknown: &HashSet<SnapshotId>,
        ledger: Option<&Listing>,
    ) -> Result<HashSet<SnapshotId>> {
        let entry_of = |entry| match entry {
            Entry::Snapshot(id) => Some(id),
            Entry::KeySlot(_) | Entry::Doubt(_) | Entry::Incomplete(_) => None,
        };
        let mut counting: HashSet<SnapshotId> =
            unknown.iter().filter(|id| self.made.contains_key(id)).copied().collect();
        let left: Vec<SnapshotId> = unknown.difference(&counting).copied().collect();
        // What was listed with them may be older than an entry, so each that is missing there is asked for.
        let listed: HashSet<SnapshotId> = match ledger {
            Some(ledger) => ledger.objects.iter().filter_map(Entry::parse).filter_map(entry_of).collect(),
            None if left.len() > MANY => {
                ledger::entries(&self.store).await?.into_iter().filter_map(entry_of).collect()
            }
            None => HashSet::new(),
        };
        let (known, asked): (Vec<_>, Vec<_>) = left.into_iter().partition(|id| listed.contains(id));
        counting.extend(known);
        let store = &self.store;
        let mut asking = futures::stream::iter(asked)
            .map(|id| async move { (id, store.exists(&Entry::Snapshot(id).name()).await) })
            .buffer_unordered(AT_ONCE);
        while let Some((id, exists)) = asking.next().await {
            if exists? {
                counting.insert(id);
            }
        }
        Ok(counting)
    }

    /// Takes what summary objects tell of unknown snapshots, the newest objects first: they tell most.
    async fn read_objects(&mut self, listing: &Listing, unknown: &mut HashSet<SnapshotId>) -> Result<()> {
        let mut listed: Vec<(i64, SummaryId)> =
            listing.objects.iter().filter_map(|object| Some((object.modified_ms, id_of(object)?))).collect();
        listed.sort_unstable_by(|a, b| b.cmp(a));
        let there: HashSet<SummaryId> = listed.iter().map(|(_, id)| *id).collect();
        self.objects.retain(|known| there.contains(&known.id));
        self.unread.clear();
        let is_left = |id: &SummaryId| {
            let is_known = self.objects.iter().any(|known| known.id == *id);
            !is_known && !self.damaged.contains(id) && !self.newer.contains(id)
        };
        let mut left: VecDeque<SummaryId> = listed.into_iter().map(|(_, id)| id).filter(is_left).collect();
        while !unknown.is_empty() && !left.is_empty() {
            // One object tells of no more than so many: of more, two are read in any case.
            let at_once = if unknown.len() > MAX_SNAPSHOTS { 2 } else { 1 };
            let ids: Vec<SummaryId> = left.drain(..at_once.min(left.len())).collect();
            let reading = ids.iter().map(|id| summaries::read(&self.store, &self.sealer, *id));
            let read = futures::future::join_all(reading).await;
            for (id, read) in ids.into_iter().zip(read) {
                self.take_object(id, read, unknown)?;
            }
        }
        self.unread = left.into();
        Ok(())
    }

    /// Takes what a summary object tells of unknown snapshots.
    fn take_object(
        &mut self,
        id: SummaryId,
        read: Result<Vec<Summary>>,
        unknown: &mut HashSet<SnapshotId>,
    ) -> Result<()> {
        match read {
            Ok(found) => {
                let snapshots = found.iter().map(|summary| summary.id).collect();
                self.objects.push(Known { id, snapshots });
                for summary in found {
                    if unknown.remove(&summary.id) {
                        self.summaries.insert(summary.id, Arc::new(summary));
                    }
                }
            }
            // Made one with others since it was listed.
            Err(Error::Missing { .. }) => {}
            Err(error @ Error::Damaged { .. }) => {
                tracing::debug!(%error, "a summary is left out");
                self.damaged.insert(id);
            }
            Err(Error::NewerFormat { .. }) => drop(self.newer.insert(id)),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Reads manifests one by one.
    async fn read_manifests(&mut self, ids: HashSet<SnapshotId>) -> Result<()> {
        let (store, sealer) = (self.store.clone(), Arc::clone(&self.sealer));
        let mut reading = snapshot_objects::read_all(store, sealer, ids.into_iter().collect()).boxed();
        while let Some((id, outcome)) = reading.next().await {
            match outcome.and_then(|json| summary_of(id, &json)) {
                Ok(summary) => drop(self.summaries.insert(id, Arc::new(summary))),
                // Deleted since it was listed.
                Err(Error::NotFound { .. }) => {}
                Err(error @ (Error::Damaged { .. } | Error::Missing { .. } | Error::NewerFormat { .. })) => {
                    self.unreadable.insert(id, Arc::new(error));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Snapshots that no summary object tells of.
    fn without_summary(&self) -> Vec<SnapshotId> {
        let told: HashSet<&SnapshotId> = self.objects.iter().flat_map(|known| &known.snapshots).collect();
        self.summaries.keys().filter(|id| !told.contains(id)).copied().collect()
    }

    /// Writes a summary of the snapshots that have none. It is of use to others only, so nothing fails when it cannot be
    /// written; it is not tried again then.
    async fn try_summarize(&mut self) {
        if self.is_refused {
            return;
        }
        if let Err(error) = self.summarize().await {
            tracing::debug!(%error, "no summary of the snapshots is written");
            self.is_refused = true;
        }
    }

    async fn summarize(&mut self) -> Result<()> {
        let there = self.unread.len() + self.objects.len() + self.damaged.len();
        if there > MANY_OBJECTS {
            // What others left behind is read only to be done away with.
            for id in std::mem::take(&mut self.unread) {
                let read = summaries::read(&self.store, &self.sealer, id).await;
                self.take_object(id, read, &mut HashSet::new())?;
            }
        }
        let mut new = self.without_summary();
        if new.is_empty() && self.damaged.is_empty() && there <= MANY_OBJECTS {
            return Ok(());
        }
        while new.len() > MAX_SNAPSHOTS {
            let many = new.split_off(new.len() - MAX_SNAPSHOTS);
            self.write(many).await?;
        }
        let gone = absorbed(&self.objects, new.len(), |id| self.summaries.contains_key(id));
        let absorbed = self.objects.iter().filter(|known| gone.contains(&known.id));
        new.extend(absorbed.flat_map(|known| &known.snapshots));
        self.write(new).await?;
        self.objects.retain(|known| !gone.contains(&known.id));
        let names: Vec<String> = gone.iter().chain(&self.damaged).map(objects::summary).collect();
        self.damaged.clear();
        if names.is_empty() { Ok(()) } else { self.store.delete_all(&names).await }
    }

    /// Writes an object of those of some snapshots that are known.
    async fn write(&mut self, mut ids: Vec<SnapshotId>) -> Result<()> {
        ids.sort_unstable();
        ids.dedup();
        let found: Vec<Arc<Summary>> = ids.iter().filter_map(|id| self.summaries.get(id).cloned()).collect();
        if found.is_empty() {
            return Ok(());
        }
        let snapshots = found.iter().map(|summary| summary.id).collect();
        let id = summaries::write(&self.store, &self.sealer, found).await?;
        self.objects.push(Known { id, snapshots });
        Ok(())
    }
}

fn summary_of(id: SnapshotId, json: &[u8]) -> Result<Summary> {
    match Manifest::from_json(json) {
        Ok(manifest) => Ok(Summary::of(id, &manifest)),
        Err(FormatError::NewerVersion { found, supported, .. }) => {
            Err(Error::at(snapshot(&id), Flaw::NewerVersion { found, supported }))
        }
        Err(_) => Err(Error::at(snapshot(&id), Flaw::Malformed("the manifest"))),
    }
}
