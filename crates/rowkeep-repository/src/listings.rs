//! What the store lists, kept for a moment, so that what is done in one go asks once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rowkeep_format::clock::Clock;
use tokio::sync::Mutex;

use crate::objects::{INDEX, KEYS, LEDGER, Listed, Objects, PACKS, PRUNE, SNAPSHOTS, SUMMARIES};
use crate::{Error, Result, ledger};

/// A folder of a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Folder {
    Prune,
    Index,
    Keys,
    Packs,
    Snapshots,
    Ledger,
    Summaries,
}

impl Folder {
    /// All folders, in the order in which they are listed: what is being deleted before the packs that it is, and index objects
    /// before the packs that they name.
    pub(crate) const ALL: [Self; 7] =
        [Self::Prune, Self::Index, Self::Keys, Self::Packs, Self::Snapshots, Self::Ledger, Self::Summaries];

    fn name(self) -> &'static str {
        match self {
            Self::Prune => PRUNE,
            Self::Index => INDEX,
            Self::Keys => KEYS,
            Self::Packs => PACKS,
            Self::Snapshots => SNAPSHOTS,
            Self::Ledger => LEDGER,
            Self::Summaries => SUMMARIES,
        }
    }
}

/// What was listed of a folder.
#[derive(Debug, Clone)]
pub(crate) struct Listing {
    pub(crate) objects: Arc<Vec<Listed>>,
    /// When listing began: what was written here later may be missing.
    pub(crate) began: Moment,
    at: Instant,
}

/// So many objects of a folder are held no longer than they are looked at.
const MUCH: usize = 10_000;

/// The order in which an open repository listed and wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Moment(u64);

/// Lists folders of a repository.
pub(crate) struct Listings {
    objects: Objects,
    clock: Arc<dyn Clock>,
    /// For how long a listing is good enough.
    freshness: Duration,
    /// After how long whoever wrote something is taken to have ended.
    patience: Duration,
    moments: AtomicU64,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    folders: [Option<Listing>; Folder::ALL.len()],
    /// When those were listed that are not held any more.
    let_go: [Option<(Moment, Instant)>; Folder::ALL.len()],
    /// What the ledger holds besides the entries of snapshots, and when it was listed.
    notes: Option<(Arc<Vec<Listed>>, Instant)>,
    /// Whether one request listed everything the last time.
    is_small: Option<bool>,
    /// Whether the next listing is to be one of its folders alone.
    is_alone: bool,
}

impl Listings {
    pub(crate) fn new(
        objects: Objects,
        clock: Arc<dyn Clock>,
        freshness: Duration,
        patience: Duration,
    ) -> Self {
        Self { objects, clock, freshness, patience, moments: AtomicU64::new(0), known: Mutex::default() }
    }

    /// The present moment, later than every one before.
    pub(crate) fn moment(&self) -> Moment {
        Moment(self.moments.fetch_add(1, Ordering::SeqCst))
    }

    /// The instant by the clock.
    pub(crate) fn now(&self) -> Instant {
        self.clock.instant()
    }

    /// The time by the clock, in milliseconds since 1970.
    pub(crate) fn now_ms(&self) -> i64 {
        self.clock.now().as_millisecond()
    }

    /// Whether so much time lies between two moments that whoever wrote something at the first is taken to have ended.
    pub(crate) fn is_long(&self, from_ms: i64, to_ms: i64) -> bool {
        i128::from(to_ms) - i128::from(from_ms) >= self.patience.as_millis() as i128
    }

    /// Whether half of that lies between a moment and now, or time went backwards.
    pub(crate) fn is_half_as_long(&self, from_ms: i64) -> bool {
        let passed = i128::from(self.now_ms()) - i128::from(from_ms);
        passed < 0 || passed * 2 >= self.patience.as_millis() as i128
    }

    /// Whether something that was read at that time is still good enough.
    pub(crate) fn is_fresh(&self, read: Instant) -> bool {
        self.now().saturating_duration_since(read) < self.freshness
    }

    /// The listings of some folders, none older than what is good enough.
    pub(crate) async fn get<const N: usize>(&self, folders: [Folder; N]) -> Result<[Listing; N]> {
        let mut known = self.known.lock().await;
        let is_fresh = |listing: &Option<Listing>| listing.as_ref().is_some_and(|l| self.is_fresh(l.at));
        if folders.contains(&Folder::Index) && !is_fresh(&known.folders[Folder::Index as usize]) {
            // Packs that a newer index object names may be newer than what was listed of them.
            known.folders[Folder::Packs as usize] = None;
        }
        if folders.contains(&Folder::Prune) && !is_fresh(&known.folders[Folder::Prune as usize]) {
            // Packs may have been deleted that a newer record names.
            known.folders[Folder::Packs as usize] = None;
        }
        let is_stale = |folder: &Folder| !is_fresh(&known.folders[*folder as usize]);
        let stale: Vec<Folder> = folders.into_iter().filter(is_stale).collect();
        if !stale.is_empty() {
            // Several listings of very many objects would be there at once else, and nobody asks for an old one again.
            for folder in
                Folder::ALL.iter().filter(|folder| stale.contains(folder) || !folders.contains(folder))
            {
                known.folders[*folder as usize].take_if(|listing| !self.is_fresh(listing.at));
            }
            stale.iter().for_each(|folder| known.folders[*folder as usize] = None);
            self.list(&stale, &mut known).await?;
        }
        let listed = folders.map(|folder| known.folders[folder as usize].clone());
        let listed: Vec<Listing> = listed.into_iter().flatten().collect();
        listed.try_into().map_err(|_| Error::System("keeping what was listed"))
    }

    /// The listing of a folder that was made together with another one.
    pub(crate) async fn made_with(&self, folder: Folder, other: &Listing) -> Option<Listing> {
        let known = self.known.lock().await;
        known.folders[folder as usize].clone().filter(|listing| listing.began == other.began)
    }

    /// Holds what was listed of a folder no longer, where that is much: who learnt from it keeps what it learnt, and asks whether it
    /// is the latest.
    pub(crate) async fn let_go(&self, folder: Folder) {
        let mut known = self.known.lock().await;
        let held = known.folders[folder as usize].take_if(|listing| listing.objects.len() > MUCH);
        if let Some(listing) = held {
            known.let_go[folder as usize] = Some((listing.began, listing.at));
        }
    }

    /// Whether the last listing of a folder is one that began at that moment, and still good enough.
    pub(crate) async fn is_latest(&self, folder: Folder, began: Moment) -> bool {
        let known = self.known.lock().await;
        let held = known.folders[folder as usize].as_ref().map(|listing| (listing.began, listing.at));
        held.or(known.let_go[folder as usize]).is_some_and(|(last, at)| last == began && self.is_fresh(at))
    }

    /// What the ledger holds besides the entries of snapshots, which are many; none older than what is good enough.
    pub(crate) async fn notes(&self) -> Result<Arc<Vec<Listed>>> {
        if let Some((notes, at)) = &self.known.lock().await.notes
            && self.is_fresh(*at)
        {
            return Ok(Arc::clone(notes));
        }
        let [ledger] = self.get([Folder::Ledger]).await?;
        let notes = ledger.objects.iter().filter(|listed| !ledger::is_of_snapshot(listed));
        let notes: Arc<Vec<Listed>> = Arc::new(notes.cloned().collect());
        self.known.lock().await.notes = Some((Arc::clone(&notes), ledger.at));
        self.let_go(Folder::Ledger).await;
        Ok(notes)
    }

    /// Makes the next listing a new one.
    pub(crate) async fn forget(&self) {
        let mut known = self.known.lock().await;
        known.folders = Default::default();
        known.let_go = Default::default();
        known.notes = None;
        known.is_alone = false;
    }

    /// Makes the next listing of one folder a new one, by itself.
    pub(crate) async fn forget_folder(&self, folder: Folder) {
        let mut known = self.known.lock().await;
        known.folders[folder as usize] = None;
        known.let_go[folder as usize] = None;
        known.is_alone = true;
    }

    /// Lists everything at once where that takes one request, else folder by folder.
    async fn list(&self, folders: &[Folder], known: &mut Known) -> Result<()> {
        if known.is_small != Some(false) && !std::mem::take(&mut known.is_alone) {
            let (began, at) = (self.moment(), self.now());
            // What others keep beside the repository may be hidden from us, or rights end at our folders.
            if let Ok(Some(objects)) = self.objects.list_if_few().await {
                if objects.is_empty() {
                    return Err(Error::NotARepository);
                }
                let mut by_folder: [Vec<Listed>; Folder::ALL.len()] = Default::default();
                for listed in objects {
                    let folder = listed.name.split_once('/').map(|(folder, _)| folder);
                    if let Some(at) = Folder::ALL.iter().position(|known| Some(known.name()) == folder) {
                        by_folder[at].push(listed);
                    }
                }
                known.folders =
                    by_folder.map(|objects| Some(Listing { objects: Arc::new(objects), began, at }));
                known.is_small = Some(true);
                return Ok(());
            }
            known.is_small = Some(false);
        }
        for folder in Folder::ALL.iter().filter(|folder| folders.contains(folder)) {
            let (began, at) = (self.moment(), self.now());
            let objects = Arc::new(self.objects.list(folder.name()).await?);
            known.folders[*folder as usize] = Some(Listing { objects, began, at });
        }
        let is_empty = |folder: &Folder| {
            known.folders[*folder as usize].as_ref().is_none_or(|listing| listing.objects.is_empty())
        };
        if folders.iter().all(is_empty) {
            match self.objects.any(None, |_| true).await {
                // An empty folder in place of a disk that is not mounted any more holds nothing of ours, which is not to know nothing.
                Ok(None) => {
                    known.folders = Default::default();
                    return Err(Error::NotARepository);
                }
                // What others keep beside the repository may be hidden from us, as above.
                Ok(Some(_)) | Err(Error::Denied { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
