//! Makes a repository of many snapshots, for `bench/requests`: `many_snapshots FOLDER KEY_FILE COUNT`.

use std::path::Path;

use futures::{StreamExt, TryStreamExt};
use rowkeep_repository::{KeyFile, Lock, NewSlot, Protection, Repository, SnapshotId, create_store};

/// How many snapshots are made at the same time.
const AT_ONCE: usize = 8;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, key_file, count] = arguments.as_slice() else {
        return Err("usage: many_snapshots FOLDER KEY_FILE COUNT".into());
    };
    let (file, count) = (KeyFile::generate()?, count.parse::<u64>()?);
    file.write_new(Path::new(key_file))?;
    let slot = NewSlot {
        lock: Lock::KeyFile(file),
        label: "first".to_owned(),
        created: jiff::Timestamp::UNIX_EPOCH,
    };
    let repository = Repository::init(create_store(folder, &[])?, Protection::Encrypted(slot)).await?;
    let made: Vec<SnapshotId> = futures::stream::iter(0..count)
        .map(|number| {
            let repository = repository.clone();
            async move { repository.commit(manifest(number).as_bytes()).await }
        })
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await?;
    repository.settle().await;
    println!("{} snapshots", made.len());
    Ok(())
}

/// The manifest of a snapshot of one of ten databases with ten tables, taken a minute after the one before.
fn manifest(number: u64) -> String {
    let time = jiff::Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_mins(number as i64);
    let database = number % 10;
    let table = |table: u64| {
        format!(
            r#"{{"name":"table_{table}","kind":"table","hash":"{:064x}","levels":1,"rows":1000,"bytes":80000,"chunks":2}}"#,
            number * 10 + table
        )
    };
    let tables: Vec<String> = (0..10).map(table).collect();
    format!(
        r#"{{"version":1,"database":"database-{database}","engine":"sqlite","source":"/srv/data/database-{database}.db","time":"{time}","scope":"full","schema":"{:064x}","tables":[{}],"cost":{{"duration_ms":250,"read_bytes":800000,"new_chunks":3,"new_bytes":120000}},"program":"many_snapshots"}}"#,
        number,
        tables.join(",")
    )
}
