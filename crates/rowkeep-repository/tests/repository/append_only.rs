//! A role that may create objects and not delete any: backups go on, whatever others left.

use rowkeep_repository::{Completion, Error, PruneOptions, Reader, SnapshotId};

use crate::bucket::{Manner, Server};
use crate::stores::{Store, delete, names, open_s3};
use crate::support::*;

const APPEND_ONLY: Manner = Manner {
    keeps_versions: false,
    noncurrent_days: None,
    retained_until: None,
    refuses_deletions: true,
    keeps_deleted: false,
    ignores_conditions: false,
    repeats_pages: false,
};

/// A snapshot as a writer leaves it that was killed before it counted, of a chunk that is nowhere.
async fn broken(store: &Store) -> SnapshotId {
    let id = open(store).await.commit(&[7; 32]).await.expect("written");
    delete(store, &format!("ledger/snapshot-{id}")).await;
    id
}

#[tokio::test]
async fn backups_go_on_where_a_killed_one_left_a_broken_snapshot() {
    let server = Server::start(Manner::default()).await;
    let theirs = open_s3(&server.endpoint);
    init(&theirs).await;
    let (first, _) = backup(&open(&theirs).await, &chunks(0..10)).await.expect("stored");
    let left = broken(&theirs).await;

    let append_only = server.seen(APPEND_ONLY).await;
    let store = open_s3(&append_only.endpoint);
    let repository = open(&store).await;
    let lacks = |_: Reader| Box::pin(async { Ok(false) }) as futures::future::BoxFuture<'_, _>;
    let completion = repository.complete(&left, &lacks).await.expect("looked at");
    assert_eq!(completion, Completion::Kept);
    for round in 0..12 {
        let repository = open(&store).await;
        let (second, _) = backup(&repository, &chunks(5..20 + round)).await.expect("a backup goes on");
        repository.settle().await;
        assert_eq!(restore(&open(&store).await, &second).await.expect("whole"), chunks(5..20 + round));
    }
    let catalog = open(&store).await.catalog().await.expect("listed");
    assert_eq!(
        catalog.uncompleted().iter().collect::<Vec<_>>(),
        [&left],
        "and nobody is shown the broken one"
    );
    assert_eq!(restore(&open(&store).await, &first).await.expect("whole"), chunks(0..10));

    // Nothing is half deleted by a role that may not.
    let before = names(&theirs).await;
    let error = error_of(repository.delete_snapshot(&first).await);
    assert!(matches!(error, Error::Denied { action: "delete", .. }), "{error:?}");
    assert_eq!(names(&theirs).await, before);
    let error = error_of(repository.prune(&PruneOptions::default(), &Listed(&repository)).await);
    assert!(matches!(error, Error::Denied { action: "delete", .. }), "{error:?}");

    // Who may, does away with what was left.
    let repository = open(&theirs).await;
    assert_eq!(repository.complete(&left, &lacks).await.expect("looked at"), Completion::Deleted);
    repository.prune(&PruneOptions::default(), &Listed(&repository)).await.expect("pruned");
    assert!(check(&repository).await.is_clean());
}
