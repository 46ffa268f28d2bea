//! The catalog of snapshots, and the summaries that make it cheap.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use rowkeep_format::Manifest;
use rowkeep_format::manifest::{Cost, Scope};
use rowkeep_repository::{ChunkId, ErrorKind, Options, Repository, Severity, SnapshotId, Unlock};

use crate::counting::Counting;
use crate::faults::ReadOnly;
use crate::stores::{Place, Store, copy, delete, get, names, put};
use crate::support::*;
use crate::watched::Watched;

fn manifest(database: &str, number: u64, parent: Option<SnapshotId>) -> Manifest {
    Manifest {
        version: 1,
        database: database.to_owned(),
        engine: "sqlite".to_owned(),
        source: format!("{database}.db"),
        identity: None,
        name: None,
        time: Timestamp::from_second(1_764_320_400 + number as i64).expect("a time"),
        position: None,
        instant: None,
        parent,
        sequence: None,
        scope: Scope::Full,
        schema: ChunkId([1; 32]),
        tables: Vec::new(),
        unread: Vec::new(),
        tags: BTreeMap::new(),
        environment: BTreeMap::new(),
        before: None,
        origin: None,
        suspicion: None,
        cost: Cost::default(),
        program: "test".to_owned(),
    }
}

/// Makes a chain of snapshots.
async fn commit_many(repository: &Repository, numbers: std::ops::Range<u64>) -> Vec<SnapshotId> {
    let mut ids: Vec<SnapshotId> = Vec::new();
    for number in numbers {
        let json = manifest("shop", number, ids.last().copied()).to_json();
        ids.push(repository.commit(&json).await.expect("committed"));
    }
    ids
}

/// Another process with the default options.
async fn elsewhere(store: &Store) -> Repository {
    let unlock = Unlock::Passphrase(passphrase(SECRET));
    Repository::open_with(store.clone(), &unlock, Options::default()).await.expect("opens")
}

async fn listed(repository: &Repository) -> Vec<SnapshotId> {
    let catalog = repository.catalog().await.expect("listed");
    catalog.snapshots().map(|summary| summary.id).collect()
}

async fn summaries(store: &Store) -> Vec<String> {
    names(store).await.into_iter().filter(|name| name.starts_with("summaries/")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_manifests_are_read_once_and_then_their_summary() {
    let place = Place::memory();
    let ids = commit_many(&init(&place.store).await, 0..100).await;
    assert!(summaries(&place.store).await.is_empty());

    let store = Counting::new(place.store.clone());
    let first = elsewhere(&(store.clone() as Store)).await;
    store.take();
    assert_eq!(listed(&first).await, ids);
    let counts = store.take();
    assert_eq!((counts["get snapshots"], counts["put summaries"]), (100, 1), "{counts:?}");
    assert_eq!(listed(&first).await, ids);
    assert!(store.take().is_empty(), "what was listed just now is not listed again");

    let second = elsewhere(&(store.clone() as Store)).await;
    store.take();
    assert_eq!(listed(&second).await, ids);
    assert_eq!(store.take(), BTreeMap::from([("get summaries".to_owned(), 1)]));
    let catalog = second.catalog().await.expect("listed");
    let newest = catalog.newest(Some("shop")).expect("there");
    assert_eq!((newest.id, &*newest.source), (ids[99], "shop.db"));
    assert_eq!(check(&second).await.findings, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_leaves_one_summary_of_all() {
    let place = Place::memory();
    init(&place.store).await;
    let mut all = Vec::new();
    for run in 0..8 {
        let repository = elsewhere(&place.store).await;
        assert_eq!(listed(&repository).await, all);
        all.extend(commit_many(&repository, run * 5..run * 5 + 5).await);
        assert_eq!(listed(&repository).await, all);
        repository.settle().await;
        assert_eq!(summaries(&place.store).await.len(), 1);
    }
    let store = Counting::new(place.store.clone());
    let repository = elsewhere(&(store.clone() as Store)).await;
    store.take();
    assert_eq!(listed(&repository).await, all);
    assert_eq!(store.take(), BTreeMap::from([("get summaries".to_owned(), 1)]));
    // Whoever made nothing leaves nothing.
    repository.settle().await;
    assert!(store.take().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn snapshots_that_cannot_be_read_are_named_beside_the_others() {
    let place = Place::memory();
    let repository = init(&place.store).await;
    let ids = commit_many(&repository, 0..4).await;
    let nonsense = repository.commit(b"no manifest").await.expect("committed");
    let newer = repository.commit(br#"{"version":99}"#).await.expect("committed");
    let damaged = format!("snapshots/{}", ids[1]);
    let mut bytes = get(&place.store, &damaged).await;
    bytes[60] ^= 1;
    put(&place.store, &damaged, bytes).await;
    delete(&place.store, &format!("snapshots/{}", ids[2])).await;

    let catalog = elsewhere(&place.store).await.catalog().await.expect("listed");
    assert!(catalog.snapshots().map(|summary| summary.id).eq([ids[0], ids[3]]));
    let mut told: Vec<_> = catalog.unreadable().iter().map(|u| (u.id, u.error.kind())).collect();
    told.sort_by_key(|(id, _)| *id);
    let mut expected =
        vec![(ids[1], ErrorKind::Damaged), (nonsense, ErrorKind::Damaged), (newer, ErrorKind::NewerFormat)];
    expected.sort_by_key(|(id, _)| *id);
    assert_eq!(told, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_manifest_that_is_put_back_counts_again() {
    let place = Place::memory();
    let ids = commit_many(&init(&place.store).await, 0..3).await;
    let name = format!("snapshots/{}", ids[1]);
    let object = get(&place.store, &name).await;
    put(&place.store, &name, object[..object.len() / 2].to_vec()).await;
    let repository = elsewhere(&place.store).await;
    assert_eq!(listed(&repository).await, [ids[0], ids[2]]);
    put(&place.store, &name, object).await;
    let catalog = repository.catalog_now().await.expect("listed");
    assert!(catalog.unreadable().is_empty());
    assert_eq!(listed(&repository).await, ids);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_manifest_that_vanishes_while_it_is_listed_is_passed_over() {
    let place = Place::memory();
    let ids = commit_many(&init(&place.store).await, 0..3).await;
    let repository = elsewhere(&place.store).await;
    // Opening listed it; now it is gone, though the ledger knows of it.
    delete(&place.store, &format!("snapshots/{}", ids[1])).await;
    let catalog = repository.catalog().await.expect("listed");
    assert!(catalog.snapshots().map(|summary| summary.id).eq([ids[0], ids[2]]));
    assert_eq!(catalog.unreadable()[0].id, ids[1]);
    assert_eq!(catalog.unreadable()[0].error.kind(), ErrorKind::Missing);
    // Deleted as it should be, it is not even told.
    let repository = elsewhere(&place.store).await;
    open(&place.store).await.delete_snapshot(&ids[0]).await.expect("deleted");
    let catalog = repository.catalog().await.expect("listed");
    assert!(catalog.snapshots().map(|summary| summary.id).eq([ids[2]]));
    assert!(catalog.unreadable().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn own_snapshots_and_deletions_are_known_at_once() {
    let place = Place::memory();
    init(&place.store).await;
    let repository = elsewhere(&place.store).await;
    assert!(listed(&repository).await.is_empty());
    let ids = commit_many(&repository, 0..3).await;
    assert_eq!(listed(&repository).await, ids);
    repository.delete_snapshot(&ids[1]).await.expect("deleted");
    assert_eq!(listed(&repository).await, [ids[0], ids[2]]);
    // What others do is known with the next listing.
    let others = commit_many(&open(&place.store).await, 10..12).await;
    assert_eq!(listed(&repository).await, [ids[0], ids[2]]);
    repository.catalog_now().await.expect("listed");
    assert_eq!(listed(&repository).await, [ids[0], ids[2], others[0], others[1]]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_known_is_told_without_a_request() {
    let place = Place::memory();
    let others = init(&place.store).await;
    let mut ids = commit_many(&others, 0..3).await;
    let store = Counting::new(place.store.clone());
    let unlock = Unlock::Passphrase(passphrase(SECRET));
    // Of such a repository nothing that was listed is ever good enough.
    let options = Options { freshness: Duration::ZERO, ..Options::default() };
    let repository = Repository::open_with(store.clone(), &unlock, options).await.expect("opens");
    assert!(repository.known_catalog().await.is_none(), "nobody has looked yet");
    assert_eq!(listed(&repository).await, ids);
    ids.extend(commit_many(&repository, 3..5).await);
    repository.delete_snapshot(&ids.remove(1)).await.expect("deleted");
    let new = commit_many(&others, 5..6).await;
    store.take();
    let known = repository.known_catalog().await.expect("it was looked");
    assert!(known.snapshots().map(|summary| summary.id).eq(ids.iter().copied()));
    assert!(store.take().is_empty(), "nobody is asked");
    ids.extend(new);
    assert_eq!(listed(&repository).await, ids);
    let known = repository.known_catalog().await.expect("it was looked");
    assert!(known.of(Some("shop")).map(|summary| summary.id).eq(ids.iter().copied()));
    assert!(known.of(Some("other")).next().is_none() && known.databases().eq(["shop"]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_summary_harms_nothing_and_goes() {
    let place = Place::memory();
    let repository = init(&place.store).await;
    let mut ids = commit_many(&repository, 0..5).await;
    repository.settle().await;
    let name = summaries(&place.store).await.pop().expect("a summary");
    let mut bytes = get(&place.store, &name).await;
    *bytes.last_mut().expect("not empty") ^= 1;
    put(&place.store, &name, bytes).await;

    let repository = elsewhere(&place.store).await;
    let report = check(&repository).await;
    assert!(report.is_clean());
    let told: Vec<_> = report.findings.iter().map(|f| (f.severity, f.object.as_str())).collect();
    assert_eq!(told, [(Severity::Note, name.as_str())]);
    assert_eq!(listed(&repository).await, ids);
    ids.extend(commit_many(&repository, 5..6).await);
    repository.settle().await;
    let left = summaries(&place.store).await;
    assert!(left.len() == 1 && left[0] != name, "{left:?}");
    assert_eq!(check(&repository).await.findings, []);
    assert_eq!(listed(&elsewhere(&place.store).await).await, ids);
}

/// A summary is a cache: whatever is done to it, no snapshot appears that is not there, and none vanishes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn summaries_of_another_time_or_repository_tell_nothing_wrong() {
    let place = Place::memory();
    let repository = init(&place.store).await;
    let ids = commit_many(&repository, 0..5).await;
    repository.settle().await;
    let old = summaries(&place.store).await.pop().expect("a summary");
    let old_bytes = get(&place.store, &old).await;
    repository.delete_snapshot(&ids[2]).await.expect("deleted");
    let more = commit_many(&repository, 5..8).await;
    repository.settle().await;
    let expected: Vec<_> = [&ids[..2], &ids[3..], &more[..]].concat();

    let with = async |name: &str, bytes: Vec<u8>| {
        let store = copy(&place.store).await;
        put(&store, name, bytes).await;
        listed(&elsewhere(&store).await).await
    };
    // Put back what was deleted.
    assert_eq!(with(&old, old_bytes.clone()).await, expected);
    // Under another name, under the name of a snapshot's kind, of another repository.
    let name = format!("summaries/{}", "ab".repeat(16));
    assert_eq!(with(&name, old_bytes.clone()).await, expected);
    let manifest = get(&place.store, &format!("snapshots/{}", ids[0])).await;
    let hash = blake3::hash(&manifest).to_hex();
    assert_eq!(with(&format!("summaries/{}", &hash[..32]), manifest).await, expected);
    let other = Place::memory();
    let foreign = init(&other.store).await;
    commit_many(&foreign, 0..3).await;
    foreign.settle().await;
    let name = summaries(&other.store).await.pop().expect("a summary");
    assert_eq!(with(&name, get(&other.store, &name).await).await, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_takes_no_summary_is_listed_all_the_same() {
    let place = Place::memory();
    let ids = commit_many(&init(&place.store).await, 0..60).await;
    let store: Store = Watched::by(ReadOnly, place.store.clone());
    let repository = elsewhere(&store).await;
    assert_eq!(listed(&repository).await, ids);
    assert!(repository.catalog().await.expect("listed").unreadable().is_empty());
    assert!(summaries(&place.store).await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn machines_that_settle_at_the_same_time_lose_nothing() {
    let place = Place::memory();
    init(&place.store).await;
    let mut tasks = Vec::new();
    for machine in 0..4 {
        let store = place.store.clone();
        tasks.push(tokio::spawn(async move {
            let mut made = Vec::new();
            for round in 0..6 {
                let repository = elsewhere(&store).await;
                repository.catalog().await.expect("listed");
                let first = machine * 100 + round * 3;
                made.extend(commit_many(&repository, first..first + 3).await);
                repository.settle().await;
            }
            made
        }));
    }
    let mut made = Vec::new();
    for task in tasks {
        made.extend(task.await.expect("no panic"));
    }
    let mut found = listed(&elsewhere(&place.store).await).await;
    made.sort();
    found.sort();
    assert_eq!(found, made);
    assert!(check(&open(&place.store).await).await.findings.is_empty());
}

#[tokio::test]
async fn an_empty_folder_in_its_place_is_not_a_repository_without_snapshots() {
    // More objects than one request lists, and fewer.
    for many in [0, 1000] {
        let folder = tempfile::tempdir().expect("a folder");
        let (at, aside) = (folder.path().join("repository"), folder.path().join("aside"));
        let store = rowkeep_repository::create_store(at.to_str().expect("text"), &[]).expect("a store");
        let repository = init(&store).await;
        let made = commit_many(&repository, 0..2).await;
        std::fs::create_dir_all(at.join("packs/00")).expect("folders");
        for number in 0..many {
            std::fs::write(at.join(format!("packs/00/{number:064x}")), "").expect("it is written");
        }
        assert_eq!(listed(&repository).await, made);
        std::fs::rename(&at, &aside).expect("it is moved");
        repository.catalog().await.expect_err("it is gone");
        // As a disk that was unmounted leaves it.
        std::fs::create_dir(&at).expect("a folder");
        let error = repository.catalog().await.expect_err("nothing is there");
        assert_eq!(error.kind(), ErrorKind::NotARepository);
        std::fs::remove_dir(&at).expect("it is removed");
        std::fs::rename(&aside, &at).expect("it is moved back");
        assert_eq!(listed(&repository).await, made);
    }
}

/// What was listed of very many snapshots is not held, and still good enough for as long as that of few.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn very_many_snapshots_are_listed_as_seldom_as_few() {
    const MANY: usize = 10_100;
    let place = Place::memory();
    let writer = init(&place.store).await;
    let ids = commit_many(&writer, 0..2).await;
    let all = names(&place.store).await;
    let of = |folder: &str| {
        let found = all.iter().find(|name| name.starts_with(folder) && name.contains(&ids[0].to_string()));
        found.unwrap_or_else(|| panic!("{folder} is in {all:?}")).clone()
    };
    let (snapshot, entry) = (of("snapshots/"), of("ledger/"));
    for number in 0..MANY {
        let id = format!("{number:0width$x}", width = ids[0].to_string().len());
        put(&place.store, &snapshot.replace(&ids[0].to_string(), &id), b"no manifest".to_vec()).await;
        put(&place.store, &entry.replace(&ids[0].to_string(), &id), Vec::new()).await;
    }
    let store = Counting::new(place.store.clone());
    let unlock = Unlock::Passphrase(passphrase(SECRET));
    let repository = Repository::open_with(store.clone(), &unlock, Options::default()).await.expect("opens");
    let catalog = repository.catalog().await.expect("listed");
    assert_eq!((catalog.snapshots().count(), catalog.unreadable().len()), (2, MANY));
    assert_eq!(repository.last_kit().await.expect("it is listed"), None);
    store.take();
    let others = commit_many(&writer, 2..3).await;
    writer.record_kit(Timestamp::from_second(1_764_320_400).expect("a time")).await.expect("recorded");
    for _ in 0..3 {
        let catalog = repository.catalog().await.expect("known");
        assert_eq!((catalog.snapshots().count(), catalog.unreadable().len()), (2, MANY));
        assert_eq!(repository.last_kit().await.expect("it is known"), None);
    }
    assert!(store.take().is_empty(), "nobody is asked");
    let catalog = repository.catalog_now().await.expect("listed");
    assert!(catalog.snapshots().map(|summary| summary.id).eq([ids[0], ids[1], others[0]]));
    assert!(repository.last_kit().await.expect("it is listed").is_some());
    let own = commit_many(&repository, 3..4).await;
    let catalog = repository.catalog().await.expect("known");
    assert!(catalog.snapshots().map(|summary| summary.id).eq([ids[0], ids[1], others[0], own[0]]));
}
