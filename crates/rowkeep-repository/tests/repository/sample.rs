//! What a writer reads of the chunks that were stored before it.

use rowkeep_repository::{Options, Repository, Unlock, Writer};

use crate::counting::Counting;
use crate::stores::{Place, Store, get, names, put};
use crate::support::*;

/// A writer that depends on chunks which are stored, in a store that is local or far away.
async fn writer_of_what_is_there(store: Store, is_local: bool) -> Writer {
    let unlock = Unlock::Passphrase(passphrase(SECRET));
    let options = Options { is_local, ..Options::default() };
    let repository = Repository::open_with(store, &unlock, options).await.expect("opens");
    let writer = repository.writer().await.expect("a writer");
    for plain in chunks(0..40) {
        assert!(!writer.claim(&repository.content_keys().chunk_id(&plain)), "it is there");
    }
    writer
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_store_that_is_far_away_one_request_gives_it() {
    for is_local in [false, true] {
        let place = Place::memory();
        backup(&init(&place.store).await, &chunks(0..40)).await.expect("stored");
        let store = Counting::new(place.store.clone());
        let writer = writer_of_what_is_there(store.clone(), is_local).await;
        store.take();
        assert_eq!(writer.verify_reused().await.expect("read"), []);
        let counts = store.take();
        let read = counts.values().sum::<u64>();
        assert_eq!(read == 1, !is_local, "{counts:?}");
        assert_eq!(counts.keys().map(String::as_str).collect::<Vec<_>>(), ["get packs"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_read_is_doubted_and_stored_again() {
    for is_local in [false, true] {
        let place = Place::memory();
        backup(&init(&place.store).await, &chunks(0..40)).await.expect("stored");
        // Whichever is drawn is damaged.
        for name in names(&place.store).await.iter().filter(|name| name.starts_with("packs/")) {
            let whole = get(&place.store, name).await;
            let altered: Vec<u8> = whole.iter().map(|byte| byte ^ 1).collect();
            put(&place.store, name, altered).await;
        }
        let writer = writer_of_what_is_there(place.store.clone(), is_local).await;
        let doubted = writer.verify_reused().await.expect("read");
        assert!(!doubted.is_empty());
        let ledger = names(&place.store).await;
        for pack in &doubted {
            assert!(ledger.contains(&format!("ledger/doubt-{pack}")), "{ledger:?}");
        }
        drop(writer);
        // Whoever comes next reads all of what is doubted, and stores it again.
        let (_, stored) = backup(&open(&place.store).await, &chunks(0..40)).await.expect("stored");
        assert!(stored.chunks > 0, "{stored:?}");
    }
}
