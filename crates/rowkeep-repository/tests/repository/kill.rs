//! A process that is killed at any operation leaves a repository that is whole, and the next one goes on from there.

use std::sync::atomic::{AtomicUsize, Ordering};

use object_store::path::Path;
use rowkeep_repository::{Error, ErrorKind, Protection, Repository, SnapshotId, Unlock};

use crate::faults::{Stop, Stopping};
use crate::stores::{Place, Store, copy, delete, get, names, put};
use crate::support::*;
use crate::watched::{Watch, Watched};

const STOPS: [Stop; 3] = [Stop::Before, Stop::After, Stop::Torn];

/// More operations than anything here takes.
const ENOUGH: i64 = 10_000;

/// What a killed process left of a chunk-storing run: packs, and chunks in them, that count.
async fn stored_chunks(repository: &Repository, all: &[Vec<u8>]) -> usize {
    let writer = repository.writer_with(SMALL_PACKS).await.expect("a writer");
    all.iter().filter(|plain| !writer.claim(&repository.content_keys().chunk_id(plain))).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup() {
    let place = Place::memory();
    let repository = init(&place.store).await;
    let (first, _) = backup(&repository, &chunks(0..10)).await.expect("stored");

    for stop in STOPS {
        let mut resumed = 0;
        for operations in 0..ENOUGH {
            let store = copy(&place.store).await;
            let stopping = Stopping::new(store.clone(), stop, operations);
            let outcome = match try_open(&(stopping.clone() as Store)).await {
                Ok(repository) => backup(&repository, &chunks(5..40)).await,
                Err(error) => Err(error),
            };
            let when = format!("{stop:?} operation {operations}");
            assert_eq!(outcome.is_err(), stopping.stopped(), "{when}");
            resumed += after_the_kill(&store, stop, &first, &when).await;
            if outcome.is_ok() {
                assert!(operations > 15, "the backup takes some operations: {operations}");
                break;
            }
        }
        assert!(resumed > 0, "no run went on from what an earlier one stored");
    }
}

/// Looks at what a killed backup left; gives how many chunks the next one need not store.
async fn after_the_kill(store: &Store, stop: Stop, first: &SnapshotId, when: &str) -> usize {
    let repository = open(store).await;
    let report = check(&repository).await;
    // Real stores write objects as a whole or not at all. If one does not, only that object may be told as damaged.
    let damage = report.damage().count();
    assert!(damage == 0 || (stop == Stop::Torn && damage == 1), "{when}: {:#?}", report.findings);
    assert!(report.damaged_chunks.is_empty(), "{when}");
    assert_eq!(restore(&repository, first).await.expect("the first snapshot"), chunks(0..10), "{when}");
    for snapshot in repository.snapshots().await.expect("listed") {
        let outcome = restore(&repository, &snapshot).await;
        assert!(outcome.is_ok() || stop == Stop::Torn, "{when}: what can be seen is whole: {outcome:?}");
    }

    let there = stored_chunks(&repository, &chunks(10..40)).await;
    let (second, stored) = backup(&repository, &chunks(5..40)).await.expect("the next backup");
    assert_eq!(stored.chunks as usize, 30 - there, "{when}: nothing is stored twice");
    assert_eq!(restore(&repository, &second).await.expect("the next snapshot"), chunks(5..40), "{when}");
    if stop != Stop::Torn {
        assert_eq!(check(&repository).await.findings, [], "{when}: the next backup completes what was left");
    }
    there
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_initialisation() {
    for stop in [Stop::Before, Stop::After] {
        for operations in 0..ENOUGH {
            let place = Place::memory();
            let stopping = Stopping::new(place.store.clone(), stop, operations);
            let protection = Protection::Encrypted(passphrase_slot(SECRET));
            let outcome = Repository::init(stopping.clone(), protection).await;
            let when = format!("{stop:?} operation {operations}");
            assert_eq!(outcome.is_err(), stopping.stopped(), "{when}");

            let repository = match try_open(&place.store).await {
                Ok(repository) => repository,
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::NotARepository, "{when}");
                    init(&place.store).await
                }
            };
            let (snapshot, _) = backup(&repository, &chunks(0..5)).await.expect("stored");
            assert_eq!(restore(&open(&place.store).await, &snapshot).await.expect("read"), chunks(0..5));
            assert_clean(&repository, &when).await;
            if outcome.is_ok() {
                break;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deleting_a_snapshot() {
    let place = Place::memory();
    let repository = init(&place.store).await;
    let (kept, _) = backup(&repository, &chunks(0..10)).await.expect("stored");
    let (deleted, _) = backup(&repository, &chunks(5..15)).await.expect("stored");
    for stop in [Stop::Before, Stop::After] {
        for operations in 0..ENOUGH {
            let store = copy(&place.store).await;
            let stopping = Stopping::new(store.clone(), stop, operations);
            let outcome = match try_open(&(stopping.clone() as Store)).await {
                Ok(repository) => repository.delete_snapshot(&deleted).await,
                Err(error) => Err(error),
            };
            let when = format!("{stop:?} operation {operations}");
            assert_eq!(outcome.is_err(), stopping.stopped(), "{when}");
            let repository = open(&store).await;
            assert_clean(&repository, &when).await;
            assert_eq!(restore(&repository, &kept).await.expect("read"), chunks(0..10), "{when}");
            match restore(&repository, &deleted).await {
                Ok(read) => assert_eq!(read, chunks(5..15), "{when}"),
                Err(error) => assert!(matches!(error, Error::NotFound { .. }), "{when}: {error}"),
            }
            if outcome.is_ok() {
                break;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changing_a_passphrase() {
    let place = Place::memory();
    let old = init(&place.store).await.unlocked_by().expect("a slot");
    for stop in [Stop::Before, Stop::After] {
        for operations in 0..ENOUGH {
            let store = copy(&place.store).await;
            let stopping = Stopping::new(store.clone(), stop, operations);
            let outcome = match try_open(&(stopping.clone() as Store)).await {
                Ok(repository) => repository.replace_key_slot(old, passphrase_slot("new")).await,
                Err(error) => Err(error),
            };
            let when = format!("{stop:?} operation {operations}");
            let with_old = try_open(&store).await;
            let with_new = Repository::open(store.clone(), &Unlock::Passphrase(passphrase("new"))).await;
            let opened = with_old.or(with_new).unwrap_or_else(|error| panic!("{when}: locked out: {error}"));
            assert_clean(&opened, &when).await;
            if outcome.is_ok() {
                assert_eq!(error_of(try_open(&store).await).kind(), ErrorKind::Locked, "{when}");
                break;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_fails_is_told_as_such() {
    let place = Place::memory();
    let repository = init(&place.store).await;
    backup(&repository, &chunks(0..20)).await.expect("stored");
    let before = names(&place.store).await;
    let stopping = Stopping::new(place.store.clone(), Stop::Before, 12);
    let opened = open(&(stopping.clone() as Store)).await;
    let mut errors = Vec::new();
    for _ in 0..12 {
        errors.push(opened.check(Default::default(), &|_| {}).await.err());
    }
    let error = errors.into_iter().flatten().next().expect("the store stopped");
    assert_eq!(error.kind(), ErrorKind::Store, "{error:?}");
    assert!(std::error::Error::source(&error).is_some(), "the store's own words are kept");
    assert_eq!(names(&place.store).await, before);
}

/// The next writer records a key slot whose maker was killed before it could, and no slot of another repository.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_slot_that_was_not_recorded() {
    let (place, other) = (Place::memory(), Place::memory());
    let repository = init(&place.store).await;
    let (snapshot, _) = backup(&repository, &chunks(0..5)).await.expect("stored");
    let is_key = |name: &&String| name.starts_with("ledger/key-");
    let entry = names(&place.store).await.iter().find(is_key).expect("it was recorded").clone();
    delete(&place.store, &entry).await;
    init(&other.store).await;
    let stranger = names(&other.store).await.into_iter().find(|name| name.starts_with("keys/"));
    let stranger = stranger.expect("it has a slot");
    put(&place.store, &stranger, get(&other.store, &stranger).await).await;

    backup(&open(&place.store).await, &chunks(0..6)).await.expect("stored");
    let recorded: Vec<String> = names(&place.store).await.iter().filter(is_key).cloned().collect();
    assert_eq!(recorded, [entry]);
    let report = check(&open(&place.store).await).await;
    assert_eq!(report.damage().count(), 0, "{:#?}", report.findings);
    // So it is noticed when the slot is lost.
    let own = recorded[0].replace("ledger/key-", "keys/");
    let slot = get(&place.store, &own).await;
    let opened = open(&place.store).await;
    delete(&place.store, &own).await;
    assert!(check(&opened).await.damage().any(|finding| finding.object == own));
    put(&place.store, &own, slot).await;
    assert_eq!(restore(&open(&place.store).await, &snapshot).await.expect("read"), chunks(0..5));
}

/// Another machine, which deletes a snapshot while somebody records it, or records it while somebody deletes it.
struct Meddling {
    store: Store,
    id: SnapshotId,
    deletions: AtomicUsize,
}

impl std::fmt::Debug for Meddling {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "meddling with {}", self.id)
    }
}

impl Watch for Meddling {
    fn asked(&self, request: &'static str, path: Option<&Path>) -> object_store::Result<()> {
        let entry = format!("ledger/snapshot-{}", self.id);
        if request == "put" && path.is_some_and(|path| path.as_ref() == entry) {
            futures::executor::block_on(delete(&self.store, &format!("snapshots/{}", self.id)));
        }
        // The entry is deleted first, and then the snapshot.
        if request == "delete" && self.deletions.fetch_add(1, Ordering::SeqCst) == 1 {
            futures::executor::block_on(put(&self.store, &entry, Vec::new()));
        }
        Ok(())
    }
}

/// What is completed for a killed process may be deleted by another machine at that moment, and what is deleted be completed: it
/// does not look lost then.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_that_is_recorded_and_deleted_at_the_same_time() {
    for deletes in [false, true] {
        let place = Place::memory();
        let (id, _) = backup(&init(&place.store).await, &chunks(0..5)).await.expect("stored");
        let (snapshot, entry) = (format!("snapshots/{id}"), format!("ledger/snapshot-{id}"));
        let meddling = Meddling { store: place.store.clone(), id, deletions: AtomicUsize::default() };
        let watched = Watched::by(meddling, place.store.clone());
        let repository = open(&(watched.clone() as Store)).await;
        if deletes {
            repository.delete_snapshot(&id).await.expect("deleted");
            assert!(watched.watch.deletions.load(Ordering::SeqCst) > 1, "somebody recorded it meanwhile");
        } else {
            delete(&place.store, &entry).await;
            backup(&repository, &chunks(0..6)).await.expect("stored");
        }
        let left = names(&place.store).await;
        assert!(!left.contains(&snapshot) && !left.contains(&entry), "{deletes}: {left:?}");
        assert_clean(&open(&place.store).await, "afterwards").await;
    }
}
