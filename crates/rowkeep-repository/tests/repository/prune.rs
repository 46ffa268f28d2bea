//! Prune on real stores: what is needed stays, what is not comes back as space, at whatever instant anybody is killed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rowkeep_repository::{
    Error, ErrorKind, Options, PruneOptions, PruneReport, Repository, Result, SnapshotId, Unlock,
};

use crate::dated::Dates;
use crate::faults::{Stop, Stopping};
use crate::stores::{Place, Store, copy, names};
use crate::support::*;
use crate::watched::{Watch, Watched};

const GRACE: PruneOptions =
    PruneOptions { grace: Duration::from_secs(24 * 3600), max_repack: None, dry_run: false };
const AT_ONCE: PruneOptions = PruneOptions { grace: Duration::ZERO, max_repack: None, dry_run: false };

async fn prune(repository: &Repository, options: &PruneOptions) -> Result<PruneReport> {
    repository.prune(options, &Listed(repository)).await
}

async fn packs(store: &Store) -> usize {
    names(store).await.iter().filter(|name| name.starts_with("packs/")).count()
}

async fn records(store: &Store) -> Vec<String> {
    let all = names(store).await;
    let last =
        |name: &String| name.strip_prefix("prune/").and_then(|name| Some(name.split_once('-')?.1.to_owned()));
    all.iter().filter_map(last).collect()
}

async fn assert_whole(repository: &Repository, id: &SnapshotId, range: std::ops::Range<u64>, when: &str) {
    assert_eq!(restore(repository, id).await.expect(when), chunks(range), "{when}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn space_comes_back_when_the_grace_period_is_over() {
    for place in [Place::memory(), Place::folder(), Place::s3().await] {
        let dates = Dates::default();
        let store = dates.of(place.store.clone());
        let repository = init(&store).await;
        let (gone, _) = backup(&repository, &chunks(0..40)).await.expect("stored");
        let (kept, _) = backup(&repository, &chunks(30..60)).await.expect("stored");
        let before = packs(&store).await;
        dates.pass_hours(25);
        assert_eq!(prune(&repository, &GRACE).await.expect("pruned").marked.packs, 0, "all is needed");

        repository.delete_snapshot(&gone).await.expect("deleted");
        let planned = prune(&repository, &PruneOptions { dry_run: true, ..GRACE }).await.expect("planned");
        assert_eq!(records(&store).await, [""; 0], "a plan writes nothing");
        let marked = prune(&repository, &GRACE).await.expect("pruned");
        assert!(marked.marked.packs > 0 && marked.deleted.packs == 0, "{marked:?}");
        assert_eq!((planned.marked, planned.repacked), (marked.marked, marked.repacked));
        assert_eq!(records(&store).await, ["marked"]);
        assert_whole(&open(&store).await, &kept, 30..60, "after marking").await;
        assert_clean(&repository, "after marking").await;

        dates.pass_hours(23);
        let early = prune(&repository, &GRACE).await.expect("pruned");
        assert_eq!((early.deleted.packs, early.marked.packs), (0, 0), "{early:?}");
        assert_eq!(early.waiting, marked.marked);
        dates.pass_hours(1);
        let planned = prune(&repository, &PruneOptions { dry_run: true, ..GRACE }).await.expect("planned");
        let deleted = prune(&repository, &GRACE).await.expect("pruned");
        assert_eq!(deleted.deleted, marked.marked);
        assert_eq!(planned.deleted, deleted.deleted);
        assert!(packs(&store).await < before, "space came back");
        assert_whole(&open(&store).await, &kept, 30..60, "after deleting").await;
        assert_whole(&repository, &kept, 30..60, "by who had read the index before").await;
        assert_eq!(check(&open(&store).await).await.findings, [], "a check has nothing to say");

        dates.pass_hours(25);
        prune(&repository, &GRACE).await.expect("pruned");
        assert_eq!(records(&store).await, ["deleted"], "of all deletions the last is remembered");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_needed_of_a_pack_that_goes_is_stored_again() {
    let place = Place::memory();
    let repository = init(&place.store).await;
    let (gone, _) = backup(&repository, &chunks(0..60)).await.expect("stored");
    // A chunk of each pack or so.
    let few: Vec<Vec<u8>> = chunks(0..60).into_iter().step_by(7).collect();
    let (kept, _) = backup(&repository, &few).await.expect("stored");
    repository.delete_snapshot(&gone).await.expect("deleted");
    let bounded = PruneOptions { max_repack: Some(600), ..AT_ONCE };
    let some = prune(&repository, &bounded).await.expect("pruned");
    assert!(some.repacked.bytes <= 600 && some.unneeded_bytes > 0, "{some:?}");
    assert_eq!(restore(&repository, &kept).await.expect("read"), few);
    let report = prune(&repository, &AT_ONCE).await.expect("pruned");
    assert!(report.repacked.packs > 0 && report.deleted.packs > 0, "{report:?}");
    assert_eq!(report.unneeded_bytes, 0);
    assert_eq!(restore(&open(&place.store).await, &kept).await.expect("read"), few);
    assert_eq!(check(&repository).await.findings, []);
    let again = prune(&repository, &AT_ONCE).await.expect("pruned");
    assert_eq!((again.deleted.packs, again.marked.packs), (0, 0), "{again:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_takes_marked_packs_back() {
    let dates = Dates::default();
    let store = dates.of(Place::memory().store);
    let repository = init(&store).await;
    let (gone, _) = backup(&repository, &chunks(0..30)).await.expect("stored");
    dates.pass_hours(25);
    // A backup that begins before the mark relies on what it finds.
    let elsewhere = open(&store).await;
    let writer = elsewhere.writer_with(SMALL_PACKS).await.expect("a writer");
    store_chunks(&elsewhere, &writer, &chunks(0..20)).await.expect("stored");
    repository.delete_snapshot(&gone).await.expect("deleted");
    let marked = prune(&repository, &GRACE).await.expect("pruned");
    assert!(marked.marked.packs > 0);
    assert_eq!(writer.finish().await.expect("stored").chunks, 0, "it stored nothing of its own");
    let keys = elsewhere.content_keys();
    let manifest: Vec<u8> = chunks(0..20).iter().flat_map(|plain| keys.chunk_id(plain).0).collect();
    let late = commit(&elsewhere, &manifest).await.expect("committed");

    dates.pass_hours(24);
    let report = prune(&repository, &GRACE).await.expect("pruned");
    assert!(report.taken_back.packs > 0, "{report:?}");
    assert_whole(&open(&store).await, &late, 0..20, "after it was taken back").await;
    assert_clean(&repository, "after it was taken back").await;
    // One that begins after the mark does not build on it.
    let (again, stored) = backup(&open(&store).await, &chunks(20..30)).await.expect("stored");
    assert!(stored.chunks > 0);
    assert_whole(&open(&store).await, &again, 20..30, "stored again").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_that_slept_longer_than_the_grace_period_shows_nothing_broken() {
    let dates = Dates::default();
    let store = dates.of(Place::memory().store);
    let repository = init(&store).await;
    let (gone, _) = backup(&repository, &chunks(0..30)).await.expect("stored");
    let (kept, _) = backup(&repository, &chunks(100..110)).await.expect("stored");
    let sleeper = open(&store).await;
    let writer = sleeper.writer_with(SMALL_PACKS).await.expect("a writer");
    store_chunks(&sleeper, &writer, &chunks(0..40)).await.expect("stored");
    writer.finish().await.expect("stored");
    repository.delete_snapshot(&gone).await.expect("deleted");
    for _ in 0..3 {
        dates.pass_hours(25);
        prune(&repository, &GRACE).await.expect("pruned");
    }
    let keys = sleeper.content_keys();
    let manifest: Vec<u8> = chunks(0..40).iter().flat_map(|plain| keys.chunk_id(plain).0).collect();
    let error = error_of(commit(&sleeper, &manifest).await);
    assert!(matches!(error, Error::Pruned { .. }), "{error}");
    assert_eq!(error.kind(), ErrorKind::Pruned);
    assert_eq!(repository.snapshots().await.expect("listed"), [kept], "nothing is left of it");
    let (again, _) = backup(&sleeper, &chunks(0..40)).await.expect("stored again");
    assert_whole(&open(&store).await, &again, 0..40, "stored again").await;
    assert_eq!(check(&open(&store).await).await.findings, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_that_was_never_completed_is_not_shown() {
    let store = Place::memory().store;
    let repository = init(&store).await;
    backup(&repository, &chunks(0..10)).await.expect("stored");
    let (cut, _) = backup(&repository, &chunks(5..25)).await.expect("stored");
    crate::stores::delete(&store, &format!("ledger/snapshot-{cut}")).await;
    let other = open(&store).await;
    let catalog = other.catalog().await.expect("listed");
    assert_eq!(catalog.uncompleted(), [cut]);
    assert!(catalog.get(&cut).is_none());
    // It keeps its chunks all the same.
    prune(&other, &AT_ONCE).await.expect("pruned");
    complete_all(&other).await.expect("looked at");
    assert_eq!(other.catalog().await.expect("listed").uncompleted(), []);
    assert_whole(&open(&store).await, &cut, 5..25, "completed").await;

    crate::stores::delete(&store, &format!("ledger/snapshot-{cut}")).await;
    let pack = names(&store).await.into_iter().rfind(|name| name.starts_with("packs/")).expect("a pack");
    crate::stores::delete(&store, &pack).await;
    let other = open(&store).await;
    complete_all(&other).await.expect("looked at");
    let left = other.snapshots().await.expect("listed");
    assert!(!left.contains(&cut) || restore(&other, &cut).await.is_ok(), "it lacked something");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_prune_that_is_killed_anywhere_harms_nothing() {
    let dates = Dates::default();
    let place = Place::memory();
    let store = dates.of(place.store.clone());
    let repository = init(&store).await;
    let (gone, _) = backup(&repository, &chunks(0..40)).await.expect("stored");
    let (kept, _) = backup(&repository, &chunks(30..60)).await.expect("stored");
    let few: Vec<Vec<u8>> = chunks(0..40).into_iter().step_by(9).collect();
    let (sparse, _) = backup(&repository, &few).await.expect("stored");
    repository.delete_snapshot(&gone).await.expect("deleted");
    for stop in [Stop::Before, Stop::After] {
        for operations in 0..10_000 {
            let store = copy(&place.store).await;
            let stopping = Stopping::new(store.clone(), stop, operations);
            let outcome = match try_open(&(stopping.clone() as Store)).await {
                Ok(repository) => prune(&repository, &AT_ONCE).await,
                Err(error) => Err(error),
            };
            let when = format!("{stop:?} operation {operations}");
            assert_eq!(outcome.is_err(), stopping.stopped(), "{when}: {outcome:?}");
            let repository = open(&store).await;
            assert_clean(&repository, &when).await;
            assert_whole(&repository, &kept, 30..60, &when).await;
            assert_eq!(restore(&repository, &sparse).await.expect("read"), few, "{when}");
            // The next one ends what was left, and a backup beside it is whole.
            let (next, _) = backup(&repository, &chunks(0..20)).await.expect("stored");
            prune(&open(&store).await, &AT_ONCE).await.expect("pruned");
            let repository = open(&store).await;
            assert_whole(&repository, &next, 0..20, &when).await;
            assert_whole(&repository, &kept, 30..60, &when).await;
            assert_eq!(restore(&repository, &sparse).await.expect("read"), few, "{when}");
            assert_clean(&repository, &when).await;
            // Nothing is kept for ever that nobody needs.
            for id in repository.snapshots().await.expect("listed") {
                repository.delete_snapshot(&id).await.expect("deleted");
            }
            for _ in 0..2 {
                prune(&open(&store).await, &AT_ONCE).await.expect("pruned");
            }
            assert_eq!(packs(&store).await, 0, "{when}: {:?}", names(&store).await);
            if outcome.is_ok() {
                assert!(operations > 20, "a prune takes some operations: {operations}");
                break;
            }
        }
    }
}

/// Says that it deleted what it did not, as long as it is told to.
#[derive(Debug, Clone, Default)]
struct Lying(Arc<AtomicBool>);

impl Watch for Lying {
    fn deletes(&self) -> bool {
        !self.0.load(Ordering::SeqCst)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_deletes_nothing_is_not_believed() {
    let lying = Lying::default();
    let store: Store = Watched::by(lying.clone(), Place::memory().store);
    let repository = init(&store).await;
    let (gone, _) = backup(&repository, &chunks(0..30)).await.expect("stored");
    let (kept, _) = backup(&repository, &chunks(100..120)).await.expect("stored");
    repository.delete_snapshot(&gone).await.expect("deleted");
    let before = packs(&store).await;
    lying.0.store(true, Ordering::SeqCst);
    let report = prune(&repository, &AT_ONCE).await.expect("pruned");
    assert!(report.undeleted.packs > 0 && report.deleted.packs == 0, "{report:?}");
    assert_eq!(packs(&store).await, before);
    assert_whole(&open(&store).await, &kept, 100..120, "after a lie").await;
    // When it deletes again, what it kept goes with the next.
    lying.0.store(false, Ordering::SeqCst);
    for _ in 0..2 {
        prune(&open(&store).await, &AT_ONCE).await.expect("pruned");
    }
    assert_eq!(packs(&store).await, before - report.undeleted.packs as usize);
    assert_whole(&open(&store).await, &kept, 100..120, "afterwards").await;
    assert_clean(&open(&store).await, "afterwards").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repository_of_the_format_before_is_raised_by_the_first_prune() {
    let store = Place::memory().store;
    let repository = init(&store).await;
    assert!(config(&store).await.starts_with("{\"format\":2,"));
    let (kept, _) = backup(&repository, &chunks(0..10)).await.expect("stored");
    let before = crate::support::config_of_format_1(&repository);
    crate::stores::put(&store, "config", before.into_bytes()).await;
    let old = open(&store).await;
    backup(&old, &chunks(5..20)).await.expect("a backup leaves the format as it is");
    assert!(config(&store).await.starts_with("{\"format\":1,"));
    prune(&old, &AT_ONCE).await.expect("pruned");
    assert!(config(&store).await.starts_with("{\"format\":2,"));
    assert_whole(&open(&store).await, &kept, 0..10, "after it was raised").await;
}

async fn config(store: &Store) -> String {
    String::from_utf8(crate::stores::get(store, "config").await).expect("text")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn random_backups_deletions_and_prunes_side_by_side() {
    for seed in 0..12_u64 {
        let place = Place::memory();
        init(&place.store).await;
        let mut actors = Vec::new();
        for actor in 0..3_u64 {
            let store = place.store.clone();
            actors.push(tokio::spawn(act(store, seed * 100 + actor)));
        }
        for actor in actors {
            actor.await.expect("no panic");
        }
        let repository = open(&place.store).await;
        complete_all(&repository).await.expect("looked at");
        let repository = open(&place.store).await;
        for summary in shown(&repository).await {
            restore(&repository, &summary).await.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        }
        prune(&repository, &AT_ONCE).await.expect("pruned");
        prune(&repository, &AT_ONCE).await.expect("pruned");
        for summary in shown(&open(&place.store).await).await {
            restore(&repository, &summary).await.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        }
        assert_clean(&open(&place.store).await, &format!("seed {seed}")).await;
    }
}

/// The snapshots that count. Their manifests are lists, which no summary can hold.
async fn shown(repository: &Repository) -> Vec<SnapshotId> {
    try_shown(repository).await.expect("listed")
}

async fn try_shown(repository: &Repository) -> Result<Vec<SnapshotId>> {
    // In this order: one that appears in between is not taken for one that counts.
    let all = repository.snapshots().await?;
    let catalog = repository.catalog_now().await?;
    Ok(all.into_iter().filter(|id| !catalog.uncompleted().contains(id)).collect())
}

/// Does a dozen things by lot, each as a process of its own that may be killed at any request.
async fn act(store: Store, seed: u64) {
    for step in 0..12 {
        let lot = |what: u64, below| pick(seed * 1_000 + step * 10 + what, below);
        let killed_after = if lot(0, 3) == 0 { lot(1, 60) as i64 } else { i64::MAX };
        let stopping: Arc<Stopping> = Stopping::new(store.clone(), Stop::After, killed_after);
        let options = Options { freshness: Duration::ZERO, ..Options::default() };
        let unlock = Unlock::Passphrase(passphrase(SECRET));
        let opened = Repository::open_with(stopping.clone(), &unlock, options).await;
        let Ok(repository) = opened else { continue };
        let from = lot(2, 12) * 5;
        let outcome = match lot(3, 6) {
            0..=2 => backup(&repository, &chunks(from..from + 5 + lot(4, 20))).await.map(drop),
            3 => match try_shown(&repository).await {
                Ok(ids) if ids.len() > 2 => {
                    repository.delete_snapshot(&ids[lot(5, ids.len() as u64) as usize]).await
                }
                outcome => outcome.map(drop),
            },
            _ => prune(&repository, &AT_ONCE).await.map(drop),
        };
        repository.settle().await;
        if let Err(error) = outcome {
            // Without any grace period others delete what one is reading or relies on.
            let is_race =
                matches!(error.kind(), ErrorKind::Pruned | ErrorKind::Missing | ErrorKind::NotFound);
            assert!(stopping.stopped() || is_race, "{error}");
        }
    }
}
