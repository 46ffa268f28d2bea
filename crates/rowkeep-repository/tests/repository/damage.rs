//! Whatever happens to any object is noticed by a check that reads data, and never makes a read give wrong bytes.

use rowkeep_repository::{
    CheckOptions, ErrorKind, KeyFile, Lock, Protection, ReadData, Repository, Severity, Stage, Unlock,
};

use crate::stores::{Place, Store, copy, delete, get, names, put};
use crate::support::*;

/// A repository with everything in it: two key slots, several index objects and snapshots.
async fn full(store: &Store, encrypted: bool) -> Repository {
    let repository = if encrypted {
        let repository = init(store).await;
        let file = KeyFile::generate().expect("random bytes");
        repository.add_key_slot(slot(Lock::KeyFile(file), "safe")).await.expect("added");
        repository
    } else {
        Repository::init(store.clone(), Protection::Unencrypted).await.expect("made")
    };
    for round in 0..3 {
        backup(&repository, &chunks(round * 5..round * 5 + 12)).await.expect("stored");
    }
    repository
}

async fn reopen(store: &Store, encrypted: bool) -> rowkeep_repository::Result<Repository> {
    if encrypted {
        return try_open(store).await;
    }
    Repository::open(store.clone(), &Unlock::Unencrypted).await
}

/// Does something to an object; says what.
async fn alter(store: &Store, name: &str, seed: u64) -> String {
    let mut bytes = get(store, name).await;
    let len = bytes.len() as u64;
    let what = match pick(seed, 8) {
        0 => {
            delete(store, name).await;
            return format!("{name} removed");
        }
        1 if len > 0 => {
            bytes.truncate(pick(seed + 1, len) as usize);
            format!("{name} cut to {} of {len} bytes", bytes.len())
        }
        2 => {
            bytes.extend(noise(seed + 2, 1 + pick(seed + 3, 40) as usize));
            format!("{name} longer than {len} bytes")
        }
        3 if len > 0 => {
            bytes = noise(seed + 4, len as usize);
            format!("{name} overwritten")
        }
        _ if len > 0 => {
            let bit = pick(seed + 5, len * 8);
            bytes[(bit / 8) as usize] ^= 1 << (bit % 8);
            format!("{name} with bit {bit} of {len} bytes changed")
        }
        _ => {
            bytes.push(0);
            format!("{name} no longer empty")
        }
    };
    put(store, name, bytes).await;
    what
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_is_noticed_and_nothing_wrong_is_read() {
    for encrypted in [true, false] {
        let place = Place::memory();
        full(&place.store, encrypted).await;
        let all = names(&place.store).await;
        for (number, name) in all.iter().enumerate() {
            for round in 0..12 {
                let store = copy(&place.store).await;
                let what = alter(&store, name, number as u64 * 1_000 + round * 10).await;
                look(&store, encrypted, &what).await;
            }
        }
    }
}

/// Opens, checks and reads a damaged repository.
async fn look(store: &Store, encrypted: bool, what: &str) {
    let repository = match reopen(store, encrypted).await {
        Ok(repository) => repository,
        Err(error) => {
            let kinds =
                [ErrorKind::Damaged, ErrorKind::Missing, ErrorKind::NewerFormat, ErrorKind::NotARepository];
            assert!(kinds.contains(&error.kind()), "{what}: {error:?}");
            return;
        }
    };
    let report = check(&repository).await;
    assert!(!report.findings.is_empty(), "{what}: a check finds nothing");
    assert_eq!(
        report.findings.iter().any(|finding| finding.severity == Severity::Damage),
        !report.is_clean(),
        "{what}"
    );

    let reader = repository.reader().await.expect("a reader");
    for plain in chunks(0..22) {
        let id = repository.content_keys().chunk_id(&plain);
        match reader.read(&id).await {
            Ok(read) => {
                assert_eq!(read, plain, "{what}");
                assert!(!report.damaged_chunks.contains(&id), "{what}: a good chunk is told as damaged");
            }
            Err(error) => {
                let told = report.damaged_chunks.contains(&id) || !reader.contains(&id);
                assert!(told, "{what}: {error}: not told by the check");
            }
        }
    }
    for snapshot in repository.snapshots().await.expect("listed") {
        if let Ok(manifest) = repository.read_snapshot(&snapshot).await {
            assert_eq!(manifest.len(), 12 * 32, "{what}");
        }
    }
    // Another backup is possible whatever happened, and can be restored.
    let (snapshot, _) = backup(&repository, &chunks(100..105)).await.expect("stored");
    assert_eq!(restore(&repository, &snapshot).await.expect("read"), chunks(100..105), "{what}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn objects_exchanged_for_each_other_are_noticed() {
    let place = Place::memory();
    full(&place.store, true).await;
    let all = names(&place.store).await;
    for (name, other) in all.iter().zip(all.iter().skip(1)) {
        if get(&place.store, name).await == get(&place.store, other).await {
            continue;
        }
        let store = copy(&place.store).await;
        put(&store, name, get(&store, other).await).await;
        look(&store, true, &format!("{name} exchanged for {other}")).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_copy_is_read_when_one_is_damaged() {
    let place = Place::memory();
    let repository = init(&place.store).await;
    // Two writers that know nothing of each other store the same chunks.
    let (one, two) =
        (repository.writer().await.expect("a writer"), repository.writer().await.expect("a writer"));
    for writer in [&one, &two] {
        store_chunks(&repository, writer, &chunks(0..5)).await.expect("stored");
    }
    one.finish().await.expect("written");
    two.finish().await.expect("written");
    let packs: Vec<String> =
        names(&place.store).await.into_iter().filter(|name| name.starts_with("packs/")).collect();
    assert_eq!(packs.len(), 2);
    for pack in packs {
        let store = copy(&place.store).await;
        let mut bytes = get(&store, &pack).await;
        bytes[50..].fill(0);
        put(&store, &pack, bytes).await;
        let repository = open(&store).await;
        let reader = repository.reader().await.expect("a reader");
        for plain in chunks(0..5) {
            assert_eq!(reader.read(&repository.content_keys().chunk_id(&plain)).await.expect("read"), plain);
        }
        let report = check(&repository).await;
        assert!(!report.is_clean());
        assert!(report.damaged_chunks.is_empty(), "{report:#?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_part_of_the_packs_is_chosen_by_seed() {
    let place = Place::memory();
    let repository = full(&place.store, true).await;
    let check = |percent, seed| {
        let repository = repository.clone();
        async move {
            let options = CheckOptions { read_data: ReadData::Percent { percent, seed } };
            repository.check(options, &|_| {}).await.expect("the store works")
        }
    };
    let all = check(100.0, 0).await;
    assert_eq!(all.packs_read, all.packs);
    assert!(all.packs >= 4, "{}", all.packs);
    let half = check(50.0, 1).await;
    assert_eq!(half.packs_read, all.packs.div_ceil(2));
    for percent in [0.0, -5.0, f64::NAN, f64::INFINITY] {
        let report = check(percent, 1).await;
        assert!((1..=all.packs).contains(&report.packs_read), "{percent}");
    }
    let mut sizes = Vec::new();
    for seed in 0..20 {
        sizes.push(check(1.0, seed).await.bytes_read);
    }
    sizes.dedup();
    assert!(sizes.len() > 1, "other seeds choose other packs");
    let nothing = repository.check(CheckOptions::default(), &|_| {}).await.expect("the store works");
    assert_eq!(nothing.packs_read, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn progress_comes_to_its_end() {
    let place = Place::memory();
    let repository = full(&place.store, true).await;
    let seen = std::sync::Mutex::new(Vec::new());
    let options = CheckOptions { read_data: ReadData::Everything };
    let told = |progress| seen.lock().expect("no panic").push(progress);
    let report = repository.check(options, &told).await.expect("the store works");
    let seen = seen.into_inner().expect("no panic");
    for stage in [Stage::Structure, Stage::Index, Stage::Snapshots, Stage::Data] {
        let last = seen.iter().rfind(|progress| progress.stage == stage).expect("told");
        assert_eq!(last.done, last.total, "{stage:?}");
    }
    let bytes = seen.iter().rfind(|progress| progress.stage == Stage::Data).expect("told").total;
    assert_eq!(bytes, report.pack_bytes);
}
