//! Several processes at the same time, without a lock.

use futures::FutureExt;
use futures::future::join_all;
use rowkeep_repository::{Compressed, Error, ErrorKind, Protection, Repository, Unlock};

use crate::faults::Unconditional;
use crate::stores::{Place, Store};
use crate::support::*;
use crate::watched::Watched;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_of_the_same_chunks_all_succeed() {
    for place in [Place::memory(), Place::folder(), Place::s3().await] {
        init(&place.store).await;
        let mut tasks = Vec::new();
        for writer in 0..4_u64 {
            let store = place.store.clone();
            tasks.push(tokio::spawn(async move {
                let repository = open(&store).await;
                let mut snapshots = Vec::new();
                for round in 0..3 {
                    let first = writer * 10 + round * 5;
                    let chunks = chunks(first..first + 30);
                    let (snapshot, _) = backup(&repository, &chunks).await.expect("stored");
                    snapshots.push((snapshot, chunks));
                }
                snapshots
            }));
        }
        let repository = open(&place.store).await;
        for task in tasks {
            for (snapshot, chunks) in task.await.expect("no panic") {
                assert_eq!(restore(&repository, &snapshot).await.expect("read"), chunks);
            }
        }
        assert_eq!(repository.snapshots().await.expect("listed").len(), 12);
        assert_eq!(check(&repository).await.findings, []);
    }
}

/// The store in memory and the folder decide a race; what the store of the tests for S3 does under one is known to be wrong.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_plan_is_claimed_by_one() {
    for place in [Place::memory(), Place::folder()] {
        let repository = init(&place.store).await;
        for round in 0..20 {
            let id = repository
                .store_plan(format!("plan {round}").as_bytes(), &|_| unreachable!("nothing is deleted"))
                .await
                .expect("stored");
            let claims = (0..8).map(|who| {
                let repository = repository.clone();
                tokio::spawn(async move { repository.claim_plan(&id, format!("{who}").as_bytes()).await })
            });
            let claimed = join_all(claims).await.into_iter().map(|claim| claim.expect("no panic"));
            let won = claimed.enumerate().filter(|(_, won)| matches!(won, Ok(true)));
            let won: Vec<String> = won.map(|(who, _)| who.to_string()).collect();
            assert_eq!(won.len(), 1, "round {round}");
            let words = repository.plan_claim(&id).await.expect("read").expect("it is claimed");
            assert_eq!(words, won[0].as_bytes());
            assert!(!repository.claim_plan(&id, b"late").await.expect("asked"));
            repository.release_plan(&id).await.expect("released");
            assert!(repository.claim_plan(&id, b"again").await.expect("asked"));
        }
        assert_eq!(repository.plans().await.expect("listed").len(), 20);
        assert_eq!(check(&repository).await.findings, []);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn checks_and_deletions_during_backups_find_nothing_wrong() {
    for place in [Place::memory(), Place::folder()] {
        let repository = init(&place.store).await;
        let writing = {
            let repository = repository.clone();
            tokio::spawn(async move {
                for round in 0..15 {
                    let (snapshot, _) =
                        backup(&repository, &chunks(round * 7..round * 7 + 20)).await.expect("stored");
                    if round % 2 == 0 {
                        repository.delete_snapshot(&snapshot).await.expect("deleted");
                    }
                }
            })
        };
        while !writing.is_finished() {
            assert_clean(&repository, "while another process writes").await;
        }
        writing.await.expect("no panic");
        assert_eq!(check(&repository).await.findings, []);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_initialisations_one_comes_first() {
    for round in 0..20 {
        let place = if round % 2 == 0 { Place::memory() } else { Place::folder() };
        let tries = (0..6).map(|_| {
            let store = place.store.clone();
            tokio::spawn(Repository::init(store, Protection::Encrypted(passphrase_slot(SECRET))))
        });
        let outcomes: Vec<_> =
            join_all(tries).await.into_iter().map(|joined| joined.expect("no panic")).collect();
        let won: Vec<&Repository> = outcomes.iter().flatten().collect();
        assert_eq!(won.len(), 1, "{outcomes:?}");
        for error in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()) {
            assert_eq!(error.kind(), ErrorKind::AlreadyThere, "{error:?}");
        }
        let opened = open(&place.store).await;
        assert_eq!(opened.id(), won[0].id());
        assert_eq!(check(&opened).await.findings, []);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_a_store_without_conditions_the_overwritten_are_stopped() {
    for _ in 0..20 {
        let place = Place::memory();
        let store: Store = Watched::by(Unconditional, place.store.clone());
        let tries = (0..4).map(|number| {
            let protection = Protection::Encrypted(passphrase_slot(&format!("secret {number}")));
            tokio::spawn(Repository::init(store.clone(), protection))
        });
        let mut whole = 0;
        for (number, joined) in join_all(tries).await.into_iter().enumerate() {
            let outcome = match joined.expect("no panic") {
                Ok(repository) => backup(&repository, &chunks(0..5)).await,
                Err(error) => Err(error),
            };
            match outcome {
                Ok((snapshot, _)) => {
                    let unlock = Unlock::Passphrase(passphrase(&format!("secret {number}")));
                    let opened = Repository::open(store.clone(), &unlock).await.expect("opens");
                    assert_eq!(restore(&opened, &snapshot).await.expect("read"), chunks(0..5));
                    whole += 1;
                }
                Err(error) => {
                    assert!(matches!(error, Error::AlreadyThere | Error::Replaced { .. }), "{error:?}");
                }
            }
        }
        assert_eq!(whole, 1, "the one that came last is the repository");
        let again = Repository::init(store.clone(), Protection::Unencrypted).await;
        assert!(matches!(error_of(again), Error::AlreadyThere));
    }
}

#[tokio::test]
async fn a_repository_that_was_exchanged_is_noticed_before_the_snapshot() {
    let place = Place::memory();
    let repository = init(&place.store).await;
    let writer = repository.writer().await.expect("a writer");
    store_chunks(&repository, &writer, &chunks(0..5)).await.expect("stored");
    writer.finish().await.expect("written");
    crate::stores::delete(&place.store, "config").await;
    let other = Place::memory();
    init(&other.store).await;
    let config = crate::stores::get(&other.store, "config").await;
    crate::stores::put(&place.store, "config", config).await;
    let error = error_of(repository.commit(b"manifest").await);
    assert!(matches!(error, Error::Replaced { expected } if expected == repository.id()), "{error}");
    assert!(repository.writer().await.is_err());
}

/// On one thread, where packs are on their way only while somebody waits.
#[tokio::test]
async fn a_call_that_is_given_up_loses_nothing() {
    let place = Place::memory();
    let repository = init(&place.store).await;
    let writer = repository.writer_with(SMALL_PACKS).await.expect("a writer");
    let compress = |plain: &Vec<u8>| {
        let id = repository.content_keys().chunk_id(plain);
        Compressed::new(repository.content_keys(), id, plain, 1).expect("compresses")
    };
    let mut given_up = 0;
    for plain in &chunks(0..60) {
        assert!(writer.claim(&compress(plain).id()));
        if writer.add(compress(plain)).now_or_never().is_none() {
            given_up += 1;
            writer.add(compress(plain)).await.expect("added");
        }
    }
    assert!(given_up > 0, "no call had to wait");
    assert_eq!(writer.finish().await.expect("written").chunks, 60);
    let reader = repository.reader().await.expect("a reader");
    for plain in chunks(0..60) {
        assert_eq!(reader.read(&compress(&plain).id()).await.expect("read"), plain);
    }
    assert_eq!(check(&repository).await.findings, []);
}
