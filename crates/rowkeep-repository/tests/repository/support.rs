//! Backups in miniature: chunks of bytes that look random or repeat, and manifests that list them.

use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::Timestamp;
use rowkeep_repository::{
    CheckOptions, CheckReport, ChunkId, Compressed, Error, Kdf, Lock, Needed, Needs, NewSlot, Options,
    Passphrase, Protection, ReadData, Reader, Repository, Result, Roots, SnapshotId, Stored, Unlock, Writer,
    WriterOptions,
};

use crate::stores::Store;

pub(crate) const SECRET: &str = "correct horse battery staple";

/// As cheap as Argon2id gets.
pub(crate) const CHEAP: Kdf = Kdf { memory_kib: 8, passes: 1, lanes: 1 };

pub(crate) fn passphrase(text: &str) -> Passphrase {
    text.into()
}

pub(crate) fn slot(lock: Lock, label: &str) -> NewSlot {
    NewSlot { lock, label: label.to_owned(), created: Timestamp::UNIX_EPOCH }
}

pub(crate) fn passphrase_slot(text: &str) -> NewSlot {
    slot(Lock::Passphrase(passphrase(text), CHEAP), "test")
}

/// Every question is asked anew, so that whatever a test does to the store is noticed.
pub(crate) fn asking() -> Options {
    Options { freshness: Duration::ZERO, patience: Duration::ZERO, ..Options::default() }
}

pub(crate) async fn init(store: &Store) -> Repository {
    let protection = Protection::Encrypted(passphrase_slot(SECRET));
    Repository::init_with(store.clone(), protection, asking()).await.expect("made")
}

pub(crate) async fn try_open(store: &Store) -> Result<Repository> {
    Repository::open_with(store.clone(), &Unlock::Passphrase(passphrase(SECRET)), asking()).await
}

pub(crate) async fn open(store: &Store) -> Repository {
    try_open(store).await.expect("opens")
}

/// Bytes that follow from a seed and look random.
pub(crate) fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    fill(seed, &mut bytes);
    bytes
}

fn fill(seed: u64, bytes: &mut [u8]) {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x6a09_e667_f3bc_c908;
    for byte in bytes {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        *byte = (state >> 56) as u8;
    }
}

/// A number that follows from a seed, below a bound.
pub(crate) fn pick(seed: u64, below: u64) -> u64 {
    let bytes = noise(seed, 8);
    bytes.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte)) % below.max(1)
}

/// Chunks of a backup: of many sizes, every third one repetitive.
pub(crate) fn chunks(seeds: std::ops::Range<u64>) -> Vec<Vec<u8>> {
    let chunk = |seed: u64| match seed % 3 {
        0 => format!("row {seed} of a table, ").repeat(200).into_bytes(),
        _ => noise(seed, 300 + (seed as usize * 37) % 900),
    };
    seeds.map(chunk).collect()
}

/// Packs of a few chunks each.
pub(crate) const SMALL_PACKS: WriterOptions = WriterOptions { pack_bytes: 4_000 };

/// Stores what is new of some chunks.
pub(crate) async fn store_chunks(repository: &Repository, writer: &Writer, chunks: &[Vec<u8>]) -> Result<()> {
    let keys = repository.content_keys();
    for plain in chunks {
        let id = keys.chunk_id(plain);
        if writer.claim(&id) {
            writer.add(Compressed::new(keys, id, plain, 1)?).await?;
        }
    }
    Ok(())
}

/// Stores some chunks and a snapshot whose manifest lists them.
pub(crate) async fn backup(repository: &Repository, chunks: &[Vec<u8>]) -> Result<(SnapshotId, Stored)> {
    let writer = repository.writer_with(SMALL_PACKS).await?;
    store_chunks(repository, &writer, chunks).await?;
    let stored = writer.finish().await?;
    let manifest: Vec<u8> =
        chunks.iter().flat_map(|plain| repository.content_keys().chunk_id(plain).0).collect();
    complete_all(repository).await?;
    Ok((commit(repository, &manifest).await?, stored))
}

/// Makes a snapshot visible whose manifest lists its chunks.
pub(crate) async fn commit(repository: &Repository, manifest: &[u8]) -> Result<SnapshotId> {
    let listed = listed(manifest);
    repository.commit_if_whole(manifest, &|reader| holds_all(reader, listed.clone())).await
}

fn holds_all<'a>(reader: Reader, chunks: Vec<ChunkId>) -> BoxFuture<'a, Result<bool>> {
    async move { Ok(chunks.iter().all(|id| reader.contains(id))) }.boxed()
}

/// Looks at the snapshots that do not count, as the layer above does when a backup begins.
pub(crate) async fn complete_all(repository: &Repository) -> Result<()> {
    for id in repository.catalog().await?.uncompleted() {
        // One that was torn when it was written says nothing.
        if let Ok(manifest) = repository.read_snapshot(id).await {
            let listed = listed(&manifest);
            repository.complete(id, &|reader| holds_all(reader, listed.clone())).await?;
        }
    }
    Ok(())
}

/// Tells a prune what all snapshots need.
pub(crate) struct Listed<'a>(pub(crate) &'a Repository);

#[async_trait]
impl Needs for Listed<'_> {
    type Error = Error;

    async fn find(&self, _: &Reader, roots: Roots, needed: &mut Needed) -> Result<()> {
        for id in roots.snapshots {
            match self.0.read_snapshot(&id).await {
                Ok(manifest) => {
                    for id in listed(&manifest) {
                        needed.add(&id);
                    }
                }
                Err(Error::NotFound { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// The chunks that a manifest lists.
pub(crate) fn listed(manifest: &[u8]) -> Vec<ChunkId> {
    let ids = manifest.chunks_exact(32).map(|id| ChunkId(id.try_into().expect("32 bytes")));
    ids.collect()
}

/// Reads everything that a snapshot needs.
pub(crate) async fn restore(repository: &Repository, id: &SnapshotId) -> Result<Vec<Vec<u8>>> {
    let manifest = repository.read_snapshot(id).await?;
    let reader = repository.reader().await?;
    let mut chunks = Vec::new();
    for id in listed(&manifest) {
        chunks.push(reader.read(&id).await?);
    }
    Ok(chunks)
}

pub(crate) async fn check(repository: &Repository) -> CheckReport {
    let options = CheckOptions { read_data: ReadData::Everything };
    repository.check(options, &|_| {}).await.expect("the store works")
}

/// Fails unless nothing is damaged.
pub(crate) async fn assert_clean(repository: &Repository, when: &str) {
    let report = check(repository).await;
    assert!(report.is_clean(), "{when}: {:#?}", report.findings);
}

/// The error, whatever the value.
pub(crate) fn error_of<T>(outcome: Result<T>) -> Error {
    outcome.err().expect("should have failed")
}

/// The config that a repository had when it was of format 1.
pub(crate) fn config_of_format_1(repository: &Repository) -> String {
    let (id, encryption) = (repository.id(), "aes-256-gcm");
    let checksum = blake3::hash(format!("rowkeep config 1 {id} {encryption}").as_bytes());
    let checksum = &checksum.to_hex()[..32];
    format!(r#"{{"format":1,"id":"{id}","encryption":"{encryption}","checksum":"{checksum}"}}"#) + "\n"
}
