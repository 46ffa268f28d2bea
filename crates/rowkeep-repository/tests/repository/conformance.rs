//! What must hold on every store.

use futures::StreamExt;
use rowkeep_repository::{
    ChunkId, Compressed, Error, ErrorKind, Protection, Repository, SnapshotId, Statistics, Stored, Unlock,
};

use crate::stores::{Place, names, put};
use crate::support::*;

/// Runs each case on each store.
macro_rules! on_every_store {
    ($($case:ident)*) => {
        mod memory {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                super::$case(super::Place::memory()).await;
            })*
        }
        mod folder {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                super::$case(super::Place::folder()).await;
            })*
        }
        mod s3 {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                super::$case(super::Place::s3().await).await;
            })*
        }
    };
}

on_every_store! {
    a_repository_is_made_once
    other_things_are_not_overwritten
    what_was_stored_comes_back
    what_is_stored_is_not_stored_again
    a_chunk_larger_than_a_pack_is_stored
    snapshots_are_found_by_prefix_and_deleted
    what_is_not_there_is_told
    packs_of_a_run_that_was_given_up_are_used
    a_pack_that_vanished_is_stored_again
    an_index_that_vanished_is_made_anew
    many_tasks_write_and_read_at_once
    a_claim_that_is_not_kept_stops_the_run
    without_encryption_all_is_the_same
}

async fn a_repository_is_made_once(place: Place) {
    assert_eq!(error_of(try_open(&place.store).await).kind(), ErrorKind::NotARepository);
    let made = init(&place.store).await;
    assert!(made.is_encrypted());
    let again = Repository::init(place.store.clone(), Protection::Unencrypted).await;
    assert!(matches!(error_of(again), Error::AlreadyThere));
    let opened = open(&place.store).await;
    assert_eq!(opened.id(), made.id());
    assert_eq!(opened.unlocked_by(), made.unlocked_by());
    assert_eq!(opened.content_keys().cut_key(), made.content_keys().cut_key());
    assert_clean(&opened, "a new repository").await;
    assert!(check(&opened).await.findings.is_empty());
}

async fn other_things_are_not_overwritten(place: Place) {
    put(&place.store, "photos/holiday.jpg", b"sea".to_vec()).await;
    let error = error_of(Repository::init(place.store.clone(), Protection::Unencrypted).await);
    assert!(matches!(&error, Error::Occupied { object } if object == "photos/holiday.jpg"), "{error}");
    assert_eq!(names(&place.store).await, ["photos/holiday.jpg"]);
}

async fn what_was_stored_comes_back(place: Place) {
    let repository = init(&place.store).await;
    let chunks = chunks(0..40);
    let (snapshot, stored) = backup(&repository, &chunks).await.expect("stored");
    assert_eq!(stored.chunks, 40);
    assert!(stored.packs > 3, "{stored:?}");
    assert_eq!(stored.plain_bytes, chunks.iter().map(|plain| plain.len() as u64).sum::<u64>());

    let repository = open(&place.store).await;
    assert_eq!(repository.snapshots().await.expect("listed"), [snapshot]);
    assert_eq!(restore(&repository, &snapshot).await.expect("read"), chunks);
    let report = check(&repository).await;
    assert_eq!(report.findings, []);
    assert_eq!(
        (report.packs, report.packs_read, report.pack_bytes),
        (stored.packs, stored.packs, stored.bytes)
    );
    assert_eq!((report.chunks, report.snapshots, report.index_objects), (40, 1, 1));
    let statistics = repository.statistics().await.expect("counted");
    let Statistics { snapshots, packs, pack_bytes, chunks, plain_bytes, .. } = statistics;
    assert_eq!((snapshots, packs, pack_bytes, chunks), (1, stored.packs, stored.bytes, 40));
    assert_eq!(plain_bytes, stored.plain_bytes);
}

async fn what_is_stored_is_not_stored_again(place: Place) {
    let repository = init(&place.store).await;
    let (first, _) = backup(&repository, &chunks(0..20)).await.expect("stored");
    let before = names(&place.store).await;
    let (again, stored) = backup(&repository, &chunks(0..20)).await.expect("stored");
    assert_eq!(stored, Stored::default());
    assert_ne!(first, again);
    assert_eq!(names(&place.store).await.len(), before.len() + 2, "a snapshot and its ledger entry");

    let (third, stored) = backup(&repository, &chunks(10..30)).await.expect("stored");
    assert_eq!(stored.chunks, 10);
    repository.delete_snapshot(&first).await.expect("deleted");
    repository.delete_snapshot(&again).await.expect("deleted");
    assert_eq!(restore(&repository, &third).await.expect("read"), chunks(10..30));

    // The same chunk twice in one run is claimed once, and an unclaimed one is taken all the same.
    let writer = repository.writer().await.expect("a writer");
    let plain = noise(1_000, 500);
    let id = repository.content_keys().chunk_id(&plain);
    assert!(writer.claim(&id));
    assert!(!writer.claim(&id));
    for _ in 0..2 {
        let chunk = Compressed::new(repository.content_keys(), id, &plain, 1).expect("compresses");
        writer.add(chunk).await.expect("added");
    }
    assert!(!writer.claim(&id));
    assert_eq!(writer.finish().await.expect("written").chunks, 1);
}

async fn a_chunk_larger_than_a_pack_is_stored(place: Place) {
    let repository = init(&place.store).await;
    let chunks = vec![noise(1, 100), noise(2, 50_000), noise(3, 100), vec![0; 3 << 20], Vec::new()];
    let (snapshot, _) = backup(&repository, &chunks).await.expect("stored");
    assert_eq!(restore(&repository, &snapshot).await.expect("read"), chunks);
    assert_clean(&repository, "large chunks").await;
}

async fn snapshots_are_found_by_prefix_and_deleted(place: Place) {
    let repository = init(&place.store).await;
    let mut ids = Vec::new();
    for text in ["one", "two", "three"] {
        ids.push(repository.commit(text.as_bytes()).await.expect("committed"));
    }
    let read: Vec<_> = repository.read_snapshots(ids.clone()).collect().await;
    for ((id, manifest), (expected, text)) in read.into_iter().zip(ids.iter().zip(["one", "two", "three"])) {
        assert_eq!((id, manifest.expect("read")), (*expected, text.as_bytes().to_vec()));
    }
    ids.sort_unstable();
    assert_eq!(repository.snapshots().await.expect("listed"), ids);
    assert_eq!(repository.find_snapshots("").await.expect("listed"), ids);
    let found = repository.find_snapshots(&ids[1].to_string()).await.expect("listed");
    assert_eq!(found, [ids[1]]);

    repository.delete_snapshot(&ids[1]).await.expect("deleted");
    assert_eq!(repository.snapshots().await.expect("listed"), [ids[0], ids[2]]);
    assert!(matches!(repository.delete_snapshot(&ids[1]).await, Err(Error::NotFound { .. })));
    assert!(matches!(repository.read_snapshot(&ids[1]).await, Err(Error::NotFound { .. })));
    assert_eq!(check(&repository).await.findings, []);
}

async fn what_is_not_there_is_told(place: Place) {
    let repository = init(&place.store).await;
    let reader = repository.reader().await.expect("a reader");
    let unknown = ChunkId([5; 32]);
    assert!(!reader.contains(&unknown));
    assert_eq!(reader.stored_len(&unknown), None);
    assert_eq!(error_of(reader.read(&unknown).await).kind(), ErrorKind::Missing);
    let error = error_of(repository.read_snapshot(&SnapshotId([5; 16])).await);
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(repository.snapshots().await.expect("listed").is_empty());
}

async fn packs_of_a_run_that_was_given_up_are_used(place: Place) {
    let repository = init(&place.store).await;
    let writer = repository.writer_with(SMALL_PACKS).await.expect("a writer");
    store_chunks(&repository, &writer, &chunks(0..40)).await.expect("stored");
    drop(writer);
    let packs = names(&place.store).await.iter().filter(|name| name.starts_with("packs/")).count() as u64;
    assert!(packs > 1, "{packs}");
    assert!(check(&repository).await.is_clean());
    assert!(!check(&repository).await.findings.is_empty(), "packs that no index names are told");

    let (snapshot, stored) = backup(&repository, &chunks(0..40)).await.expect("stored");
    assert!(stored.adopted_packs >= packs, "{stored:?}");
    assert!(stored.chunks < 40, "{stored:?}");
    assert_eq!(restore(&repository, &snapshot).await.expect("read"), chunks(0..40));
    // A pack that was on its way when the writer was dropped may have come since.
    assert_clean(&repository, "after the next backup").await;
}

async fn a_pack_that_vanished_is_stored_again(place: Place) {
    let repository = init(&place.store).await;
    let (first, _) = backup(&repository, &chunks(0..20)).await.expect("stored");
    let all = names(&place.store).await;
    let pack = all.iter().find(|name| name.starts_with("packs/")).expect("a pack");
    crate::stores::delete(&place.store, pack).await;

    let report = check(&repository).await;
    assert!(report.damage().any(|finding| &finding.object == pack), "{report:#?}");
    assert!(!report.damaged_chunks.is_empty());
    assert_eq!(error_of(restore(&repository, &first).await).kind(), ErrorKind::Missing);

    let (second, stored) = backup(&repository, &chunks(0..20)).await.expect("stored");
    assert_eq!(stored.chunks, report.damaged_chunks.len() as u64);
    for snapshot in [first, second] {
        assert_eq!(restore(&repository, &snapshot).await.expect("read"), chunks(0..20));
    }
    assert!(check(&repository).await.damaged_chunks.is_empty());
}

async fn an_index_that_vanished_is_made_anew(place: Place) {
    let repository = init(&place.store).await;
    let (snapshot, _) = backup(&repository, &chunks(0..20)).await.expect("stored");
    let all = names(&place.store).await;
    let index = all.iter().find(|name| name.starts_with("index/")).expect("an index object");
    crate::stores::delete(&place.store, index).await;
    // Meanwhile the packs themselves say what they hold.
    let elsewhere = open(&place.store).await;
    assert_eq!(restore(&elsewhere, &snapshot).await.expect("read"), chunks(0..20));

    let writer = repository.writer().await.expect("a writer");
    writer.finish().await.expect("written");
    for repository in [&repository, &elsewhere, &open(&place.store).await] {
        assert_eq!(restore(repository, &snapshot).await.expect("read"), chunks(0..20));
    }
    assert_eq!(check(&repository).await.findings, []);
}

async fn many_tasks_write_and_read_at_once(place: Place) {
    let repository = init(&place.store).await;
    let writer = repository.writer_with(SMALL_PACKS).await.expect("a writer");
    let all = chunks(0..60);
    // Every task has every chunk; claims decide which of them stores it.
    let tasks = (0..8).map(|_| store_chunks(&repository, &writer, &all));
    for outcome in futures::future::join_all(tasks).await {
        outcome.expect("stored");
    }
    assert_eq!(writer.finish().await.expect("written").chunks, 60);

    let reader = repository.reader().await.expect("a reader");
    let read = all.iter().map(|plain| {
        let (reader, id) = (reader.clone(), repository.content_keys().chunk_id(plain));
        async move { reader.read(&id).await }
    });
    let read: Vec<_> = futures::future::try_join_all(read).await.expect("read");
    assert_eq!(read, all);
}

async fn a_claim_that_is_not_kept_stops_the_run(place: Place) {
    let repository = init(&place.store).await;
    let writer = repository.writer().await.expect("a writer");
    assert!(writer.claim(&ChunkId([1; 32])));
    let error = error_of(writer.finish().await);
    assert!(matches!(error, Error::Unkept { chunks: 1 }), "{error}");
}

async fn without_encryption_all_is_the_same(place: Place) {
    let made = Repository::init(place.store.clone(), Protection::Unencrypted).await.expect("made");
    assert!(!made.is_encrypted());
    assert_eq!(made.key_slots().await.expect("listed"), []);
    let (snapshot, _) = backup(&made, &chunks(0..10)).await.expect("stored");
    let opened = Repository::open(place.store.clone(), &Unlock::Unencrypted).await.expect("opens");
    assert_eq!(restore(&opened, &snapshot).await.expect("read"), chunks(0..10));
    assert_eq!(check(&opened).await.findings, []);
}
