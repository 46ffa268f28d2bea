//! An open repository asks its store for what is new, not for everything again.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rowkeep_format::clock::{Clock, TestClock};
use rowkeep_repository::{ErrorKind, Options, Repository, Unlock};

use crate::counting::Counting;
use crate::faults::{Hiding, Interrupting, Interruption};
use crate::stores::{Place, Store, delete, get, names, put};
use crate::support::*;
use crate::watched::Watched;

fn at(what: &str, counts: &BTreeMap<String, u64>) -> u64 {
    counts.get(what).copied().unwrap_or_default()
}

async fn open_by(store: &Arc<Counting>, clock: &Arc<TestClock>) -> Repository {
    let clock: Arc<dyn Clock> = clock.clone();
    let options = Options { clock, ..Options::default() };
    let unlock = Unlock::Passphrase(passphrase(SECRET));
    Repository::open_with(store.clone() as Store, &unlock, options).await.expect("opens")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_index_is_read_once() {
    let place = Place::memory();
    let before = init(&place.store).await;
    for round in 0..5 {
        backup(&before, &chunks(round * 5..round * 5 + 10)).await.expect("stored");
    }
    let store = Counting::new(place.store.clone());
    let clock = Arc::new(TestClock::new(Timestamp::UNIX_EPOCH));
    let repository = open_by(&store, &clock).await;
    store.take();
    for round in 0..3 {
        let (snapshot, _) = backup(&repository, &chunks(round..round + 20)).await.expect("stored");
        assert_eq!(restore(&repository, &snapshot).await.expect("read"), chunks(round..round + 20));
    }
    let counts = store.take();
    assert_eq!(at("get index", &counts), 5, "{counts:?}");
    assert_eq!(at("get config", &counts), 1, "{counts:?}");
    // Opening listed everything, and no time has passed since; only what is being deleted is always looked for.
    assert_eq!(at("list prune", &counts), 3, "{counts:?}");
    assert_eq!(counts.keys().filter(|what| what.starts_with("list")).count(), 1, "{counts:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_others_write_is_found_when_it_is_missing() {
    let place = Place::memory();
    let other = init(&place.store).await;
    backup(&other, &chunks(0..10)).await.expect("stored");
    let store = Counting::new(place.store.clone());
    let clock = Arc::new(TestClock::new(Timestamp::UNIX_EPOCH));
    let repository = open_by(&store, &clock).await;
    let reader = repository.reader().await.expect("a reader");

    let (snapshot, _) = backup(&other, &chunks(100..120)).await.expect("stored");
    store.take();
    for plain in chunks(100..120) {
        let id = repository.content_keys().chunk_id(&plain);
        assert_eq!(reader.read(&id).await.expect("read"), plain);
    }
    assert_eq!(restore(&repository, &snapshot).await.expect("read"), chunks(100..120));
    let counts = store.take();
    assert_eq!((at("list everything", &counts), at("get index", &counts)), (1, 1), "{counts:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_lost_is_looked_for_once() {
    let place = Place::memory();
    let other = init(&place.store).await;
    let store = Counting::new(place.store.clone());
    let clock = Arc::new(TestClock::new(Timestamp::UNIX_EPOCH));
    let repository = open_by(&store, &clock).await;
    backup(&other, &chunks(0..10)).await.expect("stored");
    let reader = repository.reader().await.expect("a reader");
    store.take();
    for plain in chunks(100..150) {
        let id = repository.content_keys().chunk_id(&plain);
        assert_eq!(error_of(reader.read(&id).await).kind(), ErrorKind::Missing);
    }
    let counts = store.take();
    assert_eq!(counts.values().sum::<u64>(), 2, "a listing and an index object: {counts:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn time_makes_a_writer_look_again() {
    let place = Place::memory();
    init(&place.store).await;
    let store = Counting::new(place.store.clone());
    let clock = Arc::new(TestClock::new(Timestamp::UNIX_EPOCH));
    let repository = open_by(&store, &clock).await;
    let (first, _) = backup(&repository, &chunks(0..20)).await.expect("stored");
    let all = names(&place.store).await;
    let pack = all.iter().find(|name| name.starts_with("packs/")).expect("a pack");
    delete(&place.store, pack).await;

    clock.advance(Duration::from_secs(9));
    let writer = repository.writer().await.expect("a writer");
    let is_stored = |plain: &Vec<u8>| !writer.claim(&repository.content_keys().chunk_id(plain));
    assert!(chunks(0..20).iter().all(is_stored), "what was listed a moment ago is good enough");
    drop(writer);
    clock.advance(Duration::from_secs(1));
    store.take();
    let (_, stored) = backup(&repository, &chunks(0..20)).await.expect("stored");
    assert!(stored.chunks > 0);
    let counts = store.take();
    assert_eq!(at("get config", &counts), 1, "{counts:?}");
    assert_eq!(restore(&repository, &first).await.expect("read"), chunks(0..20));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_lies_beside_a_repository_need_not_be_seen() {
    let place = Place::memory();
    let before = init(&place.store).await;
    let (first, _) = backup(&before, &chunks(0..10)).await.expect("stored");
    let store: Store = Watched::by(Hiding, place.store.clone());
    let repository = try_open(&store).await.expect("opens");
    let (second, stored) = backup(&repository, &chunks(5..15)).await.expect("stored");
    assert_eq!(stored.chunks, 5);
    assert_eq!(restore(&repository, &first).await.expect("read"), chunks(0..10));
    assert_eq!(restore(&repository, &second).await.expect("read"), chunks(5..15));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_index_object_that_is_put_back_counts_again() {
    let place = Place::memory();
    let before = init(&place.store).await;
    let (snapshot, _) = backup(&before, &chunks(0..10)).await.expect("stored");
    let all = names(&place.store).await;
    let name = all.iter().find(|name| name.starts_with("index/")).expect("an index object");
    let object = get(&place.store, name).await;
    put(&place.store, name, object[..object.len() / 2].to_vec()).await;
    // The pack says what it holds, unless it is gone as well.
    assert_eq!(restore(&open(&place.store).await, &snapshot).await.expect("read"), chunks(0..10));
    let pack = all.iter().find(|name| name.starts_with("packs/")).expect("a pack");
    let held = get(&place.store, pack).await;
    delete(&place.store, pack).await;
    let repository = open(&place.store).await;
    let error = error_of(restore(&repository, &snapshot).await);
    assert_eq!(error.kind(), ErrorKind::Missing, "{error}");
    put(&place.store, pack, held).await;
    put(&place.store, name, object).await;
    assert_eq!(restore(&repository, &snapshot).await.expect("read"), chunks(0..10));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pack_that_is_gone_is_looked_for_twice_by_the_first_writer_alone() {
    let place = Place::memory();
    let before = init(&place.store).await;
    backup(&before, &chunks(0..10)).await.expect("stored");
    let all = names(&place.store).await;
    let pack = all.iter().find(|name| name.starts_with("packs/")).expect("a pack");
    delete(&place.store, pack).await;
    let store = Counting::new(place.store.clone());
    let clock = Arc::new(TestClock::new(Timestamp::UNIX_EPOCH));
    let repository = open_by(&store, &clock).await;
    for (round, looked) in [(0, 1), (1, 0), (2, 0)] {
        store.take();
        backup(&repository, &chunks(round..round + 10)).await.expect("stored");
        let counts = store.take();
        assert_eq!(at("list packs", &counts), looked, "{counts:?}");
        clock.advance(Duration::from_secs(60));
    }
}

async fn index_objects(store: &Store) -> usize {
    names(store).await.iter().filter(|name| name.starts_with("index/")).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn runs_leave_few_index_objects() {
    let place = Place::memory();
    init(&place.store).await;
    let mut made = Vec::new();
    for run in 0..30 {
        let repository = open(&place.store).await;
        for turn in 0..3 {
            let first = run * 30 + turn * 10;
            made.push((backup(&repository, &chunks(first..first + 10)).await.expect("stored").0, first));
        }
        repository.settle().await;
        assert!(index_objects(&place.store).await <= 10, "run {run}");
        assert_clean(&repository, "after a run").await;
    }
    let store = Counting::new(place.store.clone());
    let repository = open(&(store.clone() as Store)).await;
    store.take();
    for (snapshot, first) in made {
        assert_eq!(restore(&repository, &snapshot).await.expect("read"), chunks(first..first + 10));
    }
    let counts = store.take();
    assert!(at("get index", &counts) <= 10, "{counts:?}");
    // Whoever wrote nothing leaves everything.
    repository.settle().await;
    assert!(store.take().is_empty());
}

/// Index objects vanish at any moment while others read, write and check.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn index_objects_that_are_made_one_are_missed_by_nobody() {
    let place = Place::memory();
    init(&place.store).await;
    let machines: Vec<_> = (0..4)
        .map(|machine| {
            let store = place.store.clone();
            tokio::spawn(async move {
                let mut made = Vec::new();
                for round in 0..12 {
                    let repository = open(&store).await;
                    for turn in 0..4 {
                        let first = machine * 1000 + round * 40 + turn * 10;
                        let (snapshot, _) =
                            backup(&repository, &chunks(first..first + 10)).await.expect("stored");
                        made.push((snapshot, first));
                    }
                    for (snapshot, first) in &made {
                        let found = restore(&repository, snapshot).await.expect("read");
                        assert_eq!(found, chunks(*first..*first + 10));
                    }
                    repository.settle().await;
                    assert_clean(&repository, "while others work").await;
                }
                made
            })
        })
        .collect();
    let repository = open(&place.store).await;
    for machine in machines {
        for (snapshot, first) in machine.await.expect("no panic") {
            assert_eq!(restore(&repository, &snapshot).await.expect("read"), chunks(first..first + 10));
        }
    }
    assert_clean(&repository, "in the end").await;
}

/// The same at the worst moment: between the listing of the objects and their reading.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn index_objects_that_are_replaced_after_they_were_listed_are_listed_anew() {
    let place = Place::memory();
    let other = init(&place.store).await;
    let many = async |first: u64| {
        for turn in 0..10 {
            backup(&other, &chunks(first + turn * 10..first + turn * 10 + 10)).await.expect("stored");
        }
    };
    let settle = || {
        let other = other.clone();
        Box::pin(async move { other.settle().await })
    };
    let store = Interrupting::by(Interruption::default(), place.store.clone());
    many(0).await;
    store.after_listings(1, settle());
    let repository = open(&(store.clone() as Store)).await;
    assert!(store.has_happened());
    assert_eq!(index_objects(&place.store).await, 1);
    let (_, stored) = backup(&repository, &chunks(0..100)).await.expect("stored");
    assert_eq!(stored.chunks, 0, "all is found in the object that took the place of the others");

    // A check lists index objects once to see what is not ours, and then to read them.
    many(100).await;
    store.after_listings(2, settle());
    let report = check(&repository).await;
    assert!(store.has_happened());
    assert_eq!((report.chunks, report.findings), (200, Vec::new()));
}
