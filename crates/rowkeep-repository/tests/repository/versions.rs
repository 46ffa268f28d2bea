//! Buckets that keep versions of what is deleted: what stays is said, and when it goes.

use std::time::Duration;

use jiff::Timestamp;
use rowkeep_repository::{KeptVersions, Options, PruneOptions, Repository, Unlock, open_bucket};

use crate::bucket::{Manner, Server};
use crate::stores::{Place, S3, Store, open_s3, s3_options};
use crate::support::*;
use crate::watched::{Watch, Watched};

async fn opened(server: &Server) -> Repository {
    let bucket = open_bucket(S3, &s3_options(&server.endpoint)).expect("well formed");
    let unlock = Unlock::Passphrase(passphrase(SECRET));
    let options = Options { bucket, ..asking() };
    Repository::open_with(open_s3(&server.endpoint), &unlock, options).await.expect("opens")
}

const AT_ONCE: PruneOptions = PruneOptions { grace: Duration::ZERO, max_repack: None, dry_run: false };

#[tokio::test]
async fn what_stays_of_what_was_deleted_is_said() {
    let until = Timestamp::from_second(4_102_444_800).expect("a time");
    let versioned = Manner { keeps_versions: true, ..Manner::default() };
    let locked = Manner { retained_until: Some(until.as_second()), ..versioned };
    let none = KeptVersions { retained_until: None, deleted_after_days: None, tells_rules: true };
    for (manner, kept) in [
        (Manner::default(), None),
        (versioned, Some(none)),
        (
            Manner { noncurrent_days: Some(30), ..versioned },
            Some(KeptVersions { deleted_after_days: Some(30), ..none }),
        ),
        (locked, Some(KeptVersions { retained_until: Some(until), ..none })),
    ] {
        let server = Server::start(manner).await;
        init(&open_s3(&server.endpoint)).await;
        let repository = opened(&server).await;
        let (gone, _) = backup(&repository, &chunks(0..20)).await.expect("stored");
        assert_eq!(repository.kept_of_snapshots([gone]).await, kept);
        repository.delete_snapshot(&gone).await.expect("deleted");
        assert_eq!(repository.undeleted(&[gone]).await.expect("listed"), []);
        let report = repository.prune(&AT_ONCE, &Listed(&repository)).await.expect("pruned");
        assert!(report.deleted.packs > 0, "{report:?}");
        assert_eq!((report.keeps_versions, report.kept), (kept.is_some(), kept));
    }
}

#[tokio::test]
async fn snapshots_that_the_store_did_not_delete_are_named() {
    #[derive(Debug)]
    struct Keeping;
    impl Watch for Keeping {
        fn deletes(&self) -> bool {
            false
        }
    }
    let place = Place::memory();
    let lying: Store = Watched::by(Keeping, place.store.clone());
    let repository = init(&lying).await;
    let (one, _) = backup(&repository, &chunks(0..5)).await.expect("stored");
    let (other, _) = backup(&repository, &chunks(5..9)).await.expect("stored");
    repository.delete_snapshot(&one).await.expect("it says so");
    assert_eq!(repository.undeleted(&[one]).await.expect("listed"), [one]);
    let honest = open(&place.store).await;
    honest.delete_snapshot(&other).await.expect("deleted");
    assert_eq!(honest.undeleted(&[other]).await.expect("listed"), []);
    assert!(honest.undeleted(&[]).await.expect("nothing to ask").is_empty());
}
