//! Makes it so that a repository was used for many days, for `bench/service`: `many_days REPOSITORY KEY_FILE DAYS NOW`.
//!
//! Of each database there is one snapshot. It is taken for that of the first of so many days: each day gets a snapshot of the
//! same rows, the last a day before NOW, and the one that was there is deleted.

use std::collections::BTreeMap;
use std::error::Error;

use futures::TryStreamExt;
use jiff::{SignedDuration, Timestamp};
use rowkeep_format::Manifest;
use rowkeep_repository::{Repository, Unlock, open_store};

/// How many snapshots are made at the same time: databases, of each of which one comes after the other.
const AT_ONCE: usize = 16;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, key_file, days, now] = arguments.as_slice() else {
        return Err("usage: many_days REPOSITORY KEY_FILE DAYS NOW".into());
    };
    let (days, now) = (days.parse::<i64>()?, now.parse::<Timestamp>()?);
    let unlock = Unlock::KeyFile(std::fs::read(key_file)?.into());
    let repository = Repository::open(open_store(folder, &[])?, &unlock).await?;
    let mut first = BTreeMap::new();
    for id in repository.snapshots().await? {
        let manifest = Manifest::from_json(&repository.read_snapshot(&id).await?)?;
        if let Some(other) = first.insert(manifest.database.clone(), (id, manifest)) {
            return Err(format!("there are several snapshots of {}", other.1.database).into());
        }
    }
    let many = i64::try_from(first.len())?;
    let of_databases = futures::stream::iter(first.into_values().enumerate().map(Ok))
        .try_for_each_concurrent(AT_ONCE, |(number, (id, manifest))| {
            let repository = repository.clone();
            async move {
                let number = i64::try_from(number)?;
                let mut parent = None;
                for day in 0..days {
                    let ago =
                        SignedDuration::from_hours(24 * (days - day)) - SignedDuration::from_secs(number);
                    let sequence = u64::try_from(day * many + number)?;
                    let next = Manifest {
                        time: now.checked_sub(ago)?,
                        parent,
                        sequence: Some(sequence),
                        ..manifest.clone()
                    };
                    parent = Some(repository.commit(&next.to_json()).await?);
                }
                repository.delete_snapshot(&id).await?;
                Ok::<(), Box<dyn Error>>(())
            }
        });
    of_databases.await?;
    repository.settle().await;
    println!("{} snapshots", days * many);
    Ok(())
}
