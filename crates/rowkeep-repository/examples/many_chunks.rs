//! Makes a repository of many chunks and snapshots, for `bench/prune.py`: `many_chunks FOLDER KEY_FILE CHUNKS SNAPSHOTS`.

use std::path::Path;
use std::sync::Arc;

use futures::{StreamExt, TryStreamExt};
use object_store::local::LocalFileSystem;
use rowkeep_repository::{Compressed, KeyFile, Lock, NewSlot, Protection, Repository, SnapshotId};

/// How many chunks are made before the index has them, so that a pack is not one of few.
const AT_ONCE: u64 = 1_000_000;

/// How many snapshots are made at the same time.
const SNAPSHOTS_AT_ONCE: usize = 8;

/// How many tables a snapshot has, each with one chunk of its own.
const TABLES: u64 = 10;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, key_file, chunks, snapshots] = arguments.as_slice() else {
        return Err("usage: many_chunks FOLDER KEY_FILE CHUNKS SNAPSHOTS".into());
    };
    let (chunks, snapshots): (u64, u64) = (chunks.parse()?, snapshots.parse()?);
    let file = KeyFile::generate()?;
    file.write_new(Path::new(key_file))?;
    let slot = NewSlot {
        lock: Lock::KeyFile(file),
        label: "first".to_owned(),
        created: jiff::Timestamp::UNIX_EPOCH,
    };
    std::fs::create_dir_all(folder)?;
    // Nothing of it has to outlast the machine.
    let store = Arc::new(LocalFileSystem::new_with_prefix(folder)?);
    let repository = Repository::init(store, Protection::Encrypted(slot)).await?;
    for first in (0..chunks).step_by(AT_ONCE as usize) {
        let writer = repository.writer().await?;
        for number in first..chunks.min(first + AT_ONCE) {
            let plain = number.to_le_bytes();
            let id = repository.content_keys().chunk_id(&plain);
            if writer.claim(&id) {
                writer.add(Compressed::new(repository.content_keys(), id, &plain, 1)?).await?;
            }
        }
        writer.finish().await?;
    }
    let made: Vec<SnapshotId> = futures::stream::iter(0..snapshots)
        .map(|number| {
            let repository = repository.clone();
            async move { repository.commit(manifest(&repository, number, chunks).as_bytes()).await }
        })
        .buffer_unordered(SNAPSHOTS_AT_ONCE)
        .try_collect()
        .await?;
    repository.settle().await;
    println!("{} snapshots", made.len());
    Ok(())
}

/// The manifest of a snapshot of one of ten databases, taken a minute after the one before. Its tables are single chunks, so
/// that what is measured is neither a disk nor a decompression.
fn manifest(repository: &Repository, number: u64, chunks: u64) -> String {
    let time = jiff::Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_mins(number as i64);
    let database = number % 10;
    let chunk = |at: u64| {
        // Far from each other, so that every pack is needed a little.
        let number = at.wrapping_mul(0x9e37_79b9_7f4a_7c15) % chunks.max(1);
        repository.content_keys().chunk_id(&number.to_le_bytes())
    };
    let table = |table: u64| {
        format!(
            r#"{{"name":"table_{table}","kind":"table","hash":"{}","levels":0,"rows":1000,"bytes":80000,"chunks":1}}"#,
            chunk(number * TABLES + table)
        )
    };
    let tables: Vec<String> = (0..TABLES).map(table).collect();
    format!(
        r#"{{"version":1,"database":"database-{database}","engine":"sqlite","source":"/srv/data/database-{database}.db","time":"{time}","scope":"full","schema":"{}","tables":[{}],"cost":{{"duration_ms":250,"read_bytes":800000,"new_chunks":3,"new_bytes":120000}},"program":"many_chunks"}}"#,
        chunk(number),
        tables.join(",")
    )
}
