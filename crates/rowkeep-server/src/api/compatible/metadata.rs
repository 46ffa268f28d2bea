//! Backups as those applications list them.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;
use rowkeep::format::{Manifest, SnapshotId, Summary};
use rowkeep::state::snapshots::open;
use rowkeep::{Error, RequestError};
use serde::Serialize;
use utoipa::ToSchema;

use crate::web::problem::Problem;
use crate::web::service::Service;

/// How many are listed, the newest first.
const LISTED: usize = 500;

/// How many manifests are read at once.
const AT_ONCE: usize = 8;

/// A backup.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) struct BackupMetadata {
    id: String,
    /// When its state was.
    timestamp: String,
    /// The version of the repository's format.
    version: String,
    tables: Vec<String>,
    record_counts: BTreeMap<String, u64>,
    /// Bytes that it added to the repository.
    size: u64,
    /// A hash of all rows of its tables: equal where all rows are.
    checksum: String,
    /// What `environment` in rowkeep.toml says.
    environment: String,
}

/// Lists of backups.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct BackupList {
    success: bool,
    backups: Vec<BackupMetadata>,
}

/// All backups together.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::api) struct BackupStats {
    total_backups: u64,
    /// Bytes that they added to the repository.
    total_size: u64,
    latest_backup: Option<String>,
    oldest_backup: Option<String>,
    average_size: u64,
}

/// All backups together.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct StatsAnswer {
    success: bool,
    stats: BackupStats,
}

/// What is shown: the backups, or all of them together.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(in crate::api) enum Shown {
    List(BackupList),
    Stats(StatsAnswer),
}

/// The newest backups of a database.
pub(super) async fn list(service: &Service, database: &str) -> Result<BackupList, Problem> {
    let summaries = summaries(service, database).await?;
    if summaries.is_empty() {
        return Ok(BackupList { success: true, backups: Vec::new() });
    }
    let workspace = service.queue().workspace();
    let repository = workspace.repository().await?;
    let newest = summaries.into_iter().rev().take(LISTED);
    let backups = stream::iter(newest)
        .map(|summary| async move {
            let snapshot = open(repository, summary.id).await?;
            Ok::<_, Problem>(BackupMetadata::of(&summary, &snapshot.manifest, repository.format()))
        })
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    Ok(BackupList { success: true, backups })
}

/// All backups of a database together.
pub(super) async fn stats(service: &Service, database: &str) -> Result<StatsAnswer, Problem> {
    let summaries = summaries(service, database).await?;
    let times = || summaries.iter().map(|summary| summary.time);
    let total_size: u64 = summaries.iter().map(|summary| summary.new_bytes).sum();
    let total_backups = summaries.len() as u64;
    let stats = BackupStats {
        total_backups,
        total_size,
        latest_backup: times().max().map(printed),
        oldest_backup: times().min().map(printed),
        average_size: total_size.checked_div(total_backups).unwrap_or_default(),
    };
    Ok(StatsAnswer { success: true, stats })
}

/// The id of a backup of a database, which is named by all of it.
pub(super) async fn backup_of(service: &Service, database: &str, id: &str) -> Result<SnapshotId, Problem> {
    let found = summaries(service, database).await?.into_iter().find(|summary| summary.id.to_string() == id);
    found.map(|summary| summary.id).ok_or_else(|| Problem::not_found(format!("no backup {id} of {database}")))
}

/// The backups of a database, the oldest first.
async fn summaries(service: &Service, database: &str) -> Result<Vec<Arc<Summary>>, Problem> {
    let workspace = service.queue().workspace();
    let repository = match workspace.repository().await {
        Ok(repository) => repository,
        // The first backup makes it.
        Err(Error::Request(RequestError::NoRepository { .. })) if workspace.config().create => {
            return Ok(Vec::new());
        }
        Err(error) => return Err(error.into()),
    };
    let catalog = repository.catalog().await.map_err(rowkeep::Error::from)?;
    Ok(catalog.of(Some(database)).filter(|summary| !summary.is_changes_alone()).cloned().collect())
}

impl BackupMetadata {
    fn of(summary: &Summary, manifest: &Manifest, format: u32) -> Self {
        let own = || manifest.tables.iter().filter(|table| table.kind.is_user_table());
        let mut hash = blake3::Hasher::new();
        for table in own() {
            hash.update(format!("{}\0{}\0", table.name, table.root.hash).as_bytes());
        }
        Self {
            id: summary.id.to_string(),
            timestamp: printed(summary.time),
            version: format.to_string(),
            tables: own().map(|table| table.name.to_string()).collect(),
            record_counts: own().map(|table| (table.name.to_string(), table.root.rows)).collect(),
            size: summary.new_bytes,
            checksum: hash.finalize().to_hex().to_string(),
            environment: manifest.environment.get("environment").cloned().unwrap_or_default(),
        }
    }
}

/// A time as programs in browsers print it.
fn printed(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}
