//! Copies in another repository: the rows are the same, and the trees are those that a backup there gives.

mod stopping;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use object_store::ObjectStore;
use object_store::memory::InMemory;
use proptest::prelude::*;
use rowkeep::capture::copy::{Copied, Copier, Copy};
use rowkeep::clock::TestClock;
use rowkeep::repository::{
    CheckOptions, ChunkId, Options, Protection, ReadData, Repository, SnapshotId, Unlock,
};
use rowkeep::state::snapshots::{Snapshot, open};
use rowkeep::{Context, Error};
use rusqlite::Connection;

use crate::hashes::{Rows, any_edits, any_rows, edited};
use crate::postgres::{Database, servers};
use crate::world::World;
use stopping::{Stop, Stopping};

/// Copies all that a repository lacks of another.
async fn copy_all(from: &Repository, to: &Repository) -> Result<Vec<Copy>, Error> {
    let mut copier = Copier::new(from, to, "test").await?;
    let source: Vec<_> = copier.source().snapshots().cloned().collect();
    let mut made = Vec::new();
    for summary in source {
        if copier.copy_of(&summary).is_some() {
            continue;
        }
        match copier.copy(&Context::silent(), &summary).await? {
            Copied::Made(copy) => made.push(*copy),
            other => panic!("snapshot {} was not copied: {other:?}", summary.id),
        }
    }
    Ok(made)
}

fn hashes(snapshot: &Snapshot) -> BTreeMap<String, (ChunkId, u64)> {
    let tables = snapshot.manifest.tables.iter();
    tables.map(|entry| (entry.name.to_string(), (entry.root.hash, entry.root.rows))).collect()
}

async fn assert_clean(repository: &Repository) {
    let report = repository.check(CheckOptions { read_data: ReadData::Everything }, &|_| {}).await;
    let report = report.expect("the store works");
    assert!(report.is_clean(), "{:#?}", report.findings);
}

/// A state is backed up into one repository and copied into another, and backed up there as well: before the copy or after it.
fn copied_is_backed_up(from: &World, to: &World, url: &str, copy_first: bool) {
    let captured = from.capture(url).expect("it is captured");
    let before = (!copy_first).then(|| to.capture_all(url).expect("it is captured"));
    let copies = to.block_on(copy_all(&from.repository, &to.repository)).expect("they are copied");
    let [copy] = copies.as_slice() else { panic!("{} were copied instead of one", copies.len()) };
    let backed_up = before.unwrap_or_else(|| to.capture_all(url).expect("it is captured"));
    assert_eq!(hashes(&copy.snapshot), hashes(&backed_up), "the trees are the same");
    let second = if copy_first { &backed_up } else { &copy.snapshot };
    assert_eq!(second.manifest.cost.new_chunks, 0, "what is there is not stored again");
    assert!(to.verify(&copy.snapshot, url).expect("it is compared"), "the copy is as the database");
    assert_eq!(copy.source, captured.id);
    for table in &copy.tables {
        let hash = captured.manifest.table(&table.name).map(|entry| entry.root.hash);
        assert_eq!(hash, Some(table.source), "table {}", table.name);
        assert_ne!(table.source, table.copy, "each repository has keys of its own");
    }
    let again = to.block_on(copy_all(&from.repository, &to.repository)).expect("nothing is lacking");
    assert!(again.is_empty());
}

/// SQL that makes the table hold these rows.
fn statements(rows: &Rows) -> String {
    let value = |value: &Option<String>| match value {
        Some(text) => format!("'{}'", text.replace('\'', "''").replace('\0', "")),
        None => "NULL".to_owned(),
    };
    let rows = rows.iter().map(|(id, text)| format!("INSERT INTO t VALUES ({id}, {});", value(text)));
    std::iter::once("DELETE FROM t;".to_owned()).chain(rows).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn copies_of_sqlite_are_what_backups_give(rows in any_rows(), edits in any_edits(), copy_first: bool) {
        let (from, to) = (World::new(), World::new());
        let folder = tempfile::tempdir().expect("a folder can be made");
        let path = folder.path().join("t.db");
        let database = Connection::open(&path).expect("it opens");
        database.execute_batch("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)").expect("the table is made");
        for rows in [&rows, &edited(&rows, &edits), &rows] {
            database.execute_batch(&statements(rows)).expect("the rows go in");
            copied_is_backed_up(&from, &to, &path.to_string_lossy(), copy_first);
        }
        to.block_on(assert_clean(&to.repository));
    }
}

#[test]
fn copies_of_postgresql_are_what_backups_give() {
    for server in servers() {
        let database = Database::new(&server, "rowkeep_copies");
        database.sql(
            "CREATE TABLE t (id bigint PRIMARY KEY, v text); CREATE TABLE keyless (a int, b text);
             CREATE TABLE empty (id serial PRIMARY KEY); CREATE TABLE fixed (id int PRIMARY KEY, n numeric);
             INSERT INTO t SELECT i, md5(i::text) FROM generate_series(1, 20000) i;
             INSERT INTO keyless SELECT i % 7, 'x' FROM generate_series(1, 500) i;
             INSERT INTO fixed SELECT i, i * 1.5 FROM generate_series(1, 3000) i;
             SELECT lo_from_bytea(0, 'some bytes');",
        );
        let to = World::new();
        for (round, sql) in [
            "SELECT 1",
            "UPDATE t SET v = 'y' WHERE id % 500 = 3",
            "DELETE FROM keyless WHERE a = 3; INSERT INTO t VALUES (0, NULL)",
            "ALTER TABLE t ADD COLUMN w int DEFAULT 5; DROP TABLE empty",
        ]
        .into_iter()
        .enumerate()
        {
            database.sql(sql);
            copied_is_backed_up(&database.world, &to, &database.url, round % 2 == 0);
        }
        to.block_on(assert_clean(&to.repository));
    }
}

fn sql(path: &Path, text: &str) {
    Connection::open(path).and_then(|database| database.execute_batch(text)).expect("the SQL is right");
}

const FILLED: &str = "CREATE TABLE t (id INTEGER PRIMARY KEY, v BLOB); CREATE TABLE same (id INTEGER PRIMARY KEY, v BLOB);
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40000) INSERT INTO t SELECT i, randomblob(30) FROM n;
    INSERT INTO same SELECT * FROM t;";

/// A repository with three snapshots of a file, of which the later ones are mostly differences.
fn three(folder: &Path) -> (World, PathBuf, Vec<Snapshot>) {
    let (world, path) = (World::new(), folder.join("t.db"));
    sql(&path, FILLED);
    let snapshots = [
        "SELECT 1",
        "UPDATE t SET v = randomblob(30) WHERE id % 400 = 1",
        "DELETE FROM t WHERE id % 500 = 2",
    ]
    .map(|change| {
        sql(&path, change);
        world.capture(&path.to_string_lossy()).expect("it is captured")
    })
    .to_vec();
    (world, path, snapshots)
}

#[test]
fn what_changed_little_is_copied_as_a_difference_and_what_did_not_is_not_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let (from, path, _) = three(folder.path());
    let to = World::new();
    let copies = to.block_on(copy_all(&from.repository, &to.repository)).expect("they are copied");
    let costs: Vec<_> = copies.iter().map(|copy| copy.snapshot.manifest.cost).collect();
    assert!(costs[1].new_bytes * 20 < costs[0].new_bytes, "{costs:?}");
    assert!(costs[2].new_bytes * 20 < costs[0].new_bytes, "{costs:?}");
    // One of two tables of equal size did not change.
    assert!(costs[1].read_bytes * 10 < costs[0].read_bytes * 6, "{costs:?}");
    let url = path.to_string_lossy();
    assert!(to.verify(&copies[2].snapshot, &url).expect("it is compared"));
    to.block_on(assert_clean(&to.repository));
    // Copies of copies are known for what they are, wherever they come from.
    let third = World::new();
    let again = third.block_on(copy_all(&to.repository, &third.repository)).expect("they are copied");
    assert!(third.verify(&again[2].snapshot, &url).expect("it is compared"));
    for (from, to) in [(&from, &third), (&third, &from), (&to, &from), (&from, &to)] {
        let copied = to.block_on(copy_all(&from.repository, &to.repository)).expect("nothing is lacking");
        assert!(copied.is_empty(), "{copied:?}");
    }
}

#[test]
fn copies_stand_where_their_states_were() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("t.db");
    sql(&path, "CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1)");
    let url = path.to_string_lossy();
    let captured = |world: &World, minute: i64| {
        let clock = TestClock::new(Timestamp::from_second(1_800_000_000 + minute * 60).expect("a time"));
        let snapshot = world.capture_in(&Context::silent().with_clock(Arc::new(clock)), &url);
        snapshot.expect("it is captured").id
    };
    let (from, to) = (World::new(), World::new());
    // The clock of the one goes back once; the order in which it made them is certain.
    let theirs = [1, 2, 4, 7, 6, 9].map(|minute| captured(&from, minute));
    let own = [3, 5, 10].map(|minute| captured(&to, minute));
    let copies = to.block_on(copy_all(&from.repository, &to.repository)).expect("they are copied");
    let copy =
        |at: usize| copies.iter().find(|copy| copy.source == theirs[at]).expect("it was copied").snapshot.id;
    // Numbers are whole, so that not everything fits between two that follow each other.
    let expected = [copy(0), copy(1), own[0], copy(2), own[1], copy(3), own[2], copy(4), copy(5)];
    let order = |world: &World, repository: &Repository| -> Vec<SnapshotId> {
        let catalog = world.block_on(repository.catalog()).expect("it is read");
        catalog.snapshots().map(|summary| summary.id).collect()
    };
    assert_eq!(order(&to, &to.repository), expected);
    // The next one is the newest, and follows the last.
    let next = captured(&to, 11);
    assert_eq!(order(&to, &to.repository).last(), Some(&next));
    let parent = to.block_on(open(&to.repository, next)).expect("it is read").manifest.parent;
    assert_eq!(parent, Some(copy(5)));
}

fn asking() -> Options {
    Options { freshness: Duration::ZERO, patience: Duration::ZERO, ..Options::default() }
}

async fn opened(store: Arc<dyn ObjectStore>) -> Result<Repository, Error> {
    Ok(Repository::open_with(store, &Unlock::Unencrypted, asking()).await?)
}

async fn pack_bytes(store: &InMemory) -> u64 {
    use futures::TryStreamExt as _;
    let packs = store.list(Some(&"packs".into()));
    packs.try_fold(0, |sum, pack| async move { Ok(sum + pack.size) }).await.expect("they are listed")
}

/// Copies with a store that stops working after so many requests; whether it stopped.
async fn copy_until_stopped(from: &Repository, store: &Arc<InMemory>, stop: Stop, requests: i64) -> bool {
    let stopping = Stopping::new(Arc::clone(store) as Arc<dyn ObjectStore>, stop, requests);
    let copied = match opened(Arc::clone(&stopping) as Arc<dyn ObjectStore>).await {
        Ok(to) => copy_all(from, &to).await.map(drop),
        Err(error) => Err(error),
    };
    assert!(copied.is_ok() || stopping.stopped(), "{copied:?}");
    stopping.stopped()
}

#[test]
fn a_copy_that_is_killed_at_any_request_goes_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let (from, _, snapshots) = three(folder.path());
    from.block_on(async {
        let empty = InMemory::new();
        let protection = Protection::Unencrypted;
        Repository::init(Arc::new(empty.clone()), protection).await.expect("it is made");
        let whole = Arc::new(empty.fork());
        let to = opened(Arc::clone(&whole) as _).await.expect("it opens");
        let expected: Vec<_> = copy_all(&from.repository, &to).await.expect("they are copied");
        let expected: Vec<_> = expected.iter().map(|copy| hashes(&copy.snapshot)).collect();
        let enough = pack_bytes(&whole).await;
        let mut stops = 0;
        for stop in [Stop::Before, Stop::After, Stop::Torn] {
            for requests in 0.. {
                let store = Arc::new(empty.fork());
                if !copy_until_stopped(&from.repository, &store, stop, requests).await {
                    break;
                }
                stops += 1;
                let when = format!("{stop:?} request {requests}");
                let to = opened(Arc::clone(&store) as _).await.expect("it opens");
                // What is shown can be read, all of it.
                let third = Repository::init(Arc::new(InMemory::new()), Protection::Unencrypted).await;
                let third = third.expect("it is made");
                copy_all(&to, &third).await.unwrap_or_else(|error| panic!("{when}: {error:?}"));
                copy_all(&from.repository, &to).await.unwrap_or_else(|error| panic!("{when}: {error:?}"));
                let catalog = to.catalog().await.expect("it is read");
                let mut found = Vec::new();
                for summary in catalog.snapshots() {
                    found.push(hashes(&open(&to, summary.id).await.expect("it is read")));
                }
                assert!(found.len() >= snapshots.len(), "{when}: {} are there", found.len());
                found.dedup();
                assert_eq!(found, expected, "{when}");
                // What a store tore stays, and a check tells of it.
                if stop != Stop::Torn {
                    assert_clean(&to).await;
                }
                // One that nobody knows of may be stored again, and half of one is of no use.
                let most = if stop == Stop::Torn { enough * 2 } else { enough + enough / 20 };
                let stored = pack_bytes(&store).await;
                assert!(stored <= most, "{when}: {stored} bytes in place of {enough}");
            }
        }
        assert!(stops > 60, "{stops} requests are too few");
    });
}

#[test]
fn a_source_that_stops_answering_leaves_the_copies_whole() {
    let folder = tempfile::tempdir().expect("a folder");
    let (from, _, snapshots) = three(folder.path());
    from.block_on(async {
        // What there is in memory of another repository, behind a store that can stop.
        let store = Arc::new(InMemory::new());
        Repository::init(Arc::clone(&store) as _, Protection::Unencrypted).await.expect("it is made");
        let source = opened(Arc::clone(&store) as _).await.expect("it opens");
        copy_all(&from.repository, &source).await.expect("they are copied");
        for requests in 0.. {
            let stopping = Stopping::new(Arc::clone(&store) as _, Stop::Before, requests);
            let to = Repository::init(Arc::new(InMemory::new()), Protection::Unencrypted).await;
            let to = to.expect("it is made");
            let copied = match opened(Arc::clone(&stopping) as _).await {
                Ok(source) => copy_all(&source, &to).await.map(drop),
                Err(error) => Err(error),
            };
            assert_clean(&to).await;
            if copied.is_ok() {
                break;
            }
            copy_all(&source, &to).await.expect("the rest is copied");
            let there = to.catalog_now().await.expect("it is read");
            assert_eq!(there.snapshots().count(), snapshots.len(), "after {requests} requests");
            assert_clean(&to).await;
        }
    });
}

#[test]
fn a_store_that_lets_nothing_be_deleted_takes_copies() {
    let folder = tempfile::tempdir().expect("a folder");
    let (from, _, snapshots) = three(folder.path());
    from.block_on(async {
        let store = Arc::new(InMemory::new());
        Repository::init(Arc::clone(&store) as _, Protection::Unencrypted).await.expect("it is made");
        // As many processes, each of which leaves the repository in order.
        for _ in 0..12 {
            let to = opened(Stopping::undeleting(Arc::clone(&store) as _)).await.expect("it opens");
            copy_all(&from.repository, &to).await.expect("they are copied");
            to.settle().await;
        }
        let to = opened(store).await.expect("it opens");
        assert_eq!(to.catalog().await.expect("it is read").snapshots().count(), snapshots.len());
        assert_clean(&to).await;
    });
}
