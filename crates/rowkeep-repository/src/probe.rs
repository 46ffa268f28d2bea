//! Whether a store does what a repository relies on: found out by trying it.
//!
//! There are stores that answer 200 to a deletion and delete nothing, that ignore conditions, that list late. What they say of
//! themselves is no answer, so everything is tried with objects below `probe/`, which are removed afterwards.

mod bucket_trials;
mod deletion;
mod reading;
mod writing;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use object_store::ObjectStore;
use rowkeep_format::clock::Clock;
use serde::{Deserialize, Serialize};

use crate::objects::{Objects, PROBE};
use crate::seal::random;
use crate::{Bucket, Error, Lack, Repository, Result};

/// How thoroughly a store is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProbeDepth {
    /// What a new repository must know: some twenty requests.
    Brief,
    /// Everything: some sixty requests.
    Full,
}

/// How grave a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoreLevel {
    /// As it should be.
    Ok,
    /// Worth knowing; backups work, and nothing is lost.
    Warning,
    /// A backup, a restore or a prune would fail.
    Error,
}

/// One thing that was tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreFinding {
    /// What it is about, such as `conditional create`.
    pub what: String,
    /// How grave it is.
    pub level: StoreLevel,
    /// What was tried.
    pub tried: String,
    /// What was seen.
    pub seen: String,
    /// What that means for a repository, where it is not as it should be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub means: Option<String>,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

/// What was found out about a store.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeReport {
    /// What was tried, in order.
    pub findings: Vec<StoreFinding>,
    /// What the store lacks.
    pub lacks: BTreeSet<Lack>,
    /// Objects of the probe that could not be removed.
    #[serde(default)]
    pub left: Vec<String>,
    /// How many older versions of objects of the probe the bucket keeps.
    #[serde(default)]
    pub left_versions: u64,
    /// Until when it keeps them, where it says so.
    #[serde(default)]
    pub left_until: Option<Timestamp>,
}

impl ProbeReport {
    /// Whether backups, restores and prunes can work.
    pub fn is_healthy(&self) -> bool {
        self.findings.iter().all(|finding| finding.level < StoreLevel::Error)
    }
}

/// What tries a store.
#[derive(Debug, Clone)]
pub struct Probe {
    /// The store.
    pub store: Arc<dyn ObjectStore>,
    /// The bucket that it is, where it is one of S3.
    pub bucket: Option<Bucket>,
    /// The folder that it is, where it is one.
    pub folder: Option<PathBuf>,
    /// The clock that the store's is compared with.
    pub clock: Arc<dyn Clock>,
}

impl Probe {
    /// Tries the store. What fails is a finding; an error is that of this machine.
    pub async fn run(&self, depth: ProbeDepth) -> Result<ProbeReport> {
        let name = format!("{PROBE}/{}", ::hex::encode(random::<16>()?));
        let mut trials = Trials {
            objects: Objects::new(Arc::clone(&self.store)),
            probe: self,
            name,
            salt: random()?,
            written: BTreeSet::new(),
            put: 0,
            report: ProbeReport::default(),
        };
        trials.all(depth).await;
        let name = trials.name;
        if let Some(folder) = &self.folder {
            remove_if_empty(&folder.join(name));
            remove_if_empty(&folder.join(PROBE));
        }
        Ok(trials.report)
    }
}

impl Repository {
    /// Has the repository at a place go by what its store lacks; says whether there is one, and it was written down.
    pub async fn record_lacks(store: Arc<dyn ObjectStore>, lacks: &BTreeSet<Lack>) -> Result<bool> {
        match Repository::probe(Arc::clone(&store)).await {
            Ok(_) => {}
            Err(Error::NotARepository) => return Ok(false),
            Err(error) => return Err(error),
        }
        Lack::record(&Objects::new(store), lacks).await.map(|()| true)
    }
}

/// Folders are not the store's objects; one that others use stays.
fn remove_if_empty(folder: &Path) {
    let _ = std::fs::remove_dir(folder);
}

/// A probe on its way.
struct Trials<'p> {
    objects: Objects,
    probe: &'p Probe,
    /// The folder of what is written.
    name: String,
    salt: [u8; 32],
    /// What was written and has to be removed.
    written: BTreeSet<String>,
    /// How many times something was written.
    put: u64,
    report: ProbeReport,
}

impl Trials<'_> {
    async fn all(&mut self, depth: ProbeDepth) {
        let is_full = depth == ProbeDepth::Full;
        if !self.write().await {
            return;
        }
        self.create().await;
        self.list().await;
        if is_full {
            self.overwrite().await;
            self.ranges().await;
            self.pages().await;
            self.names().await;
        }
        let keeps_versions = self.versions().await;
        let retained = self.retention().await;
        self.delete(keeps_versions).await;
        self.report.left_until = retained.filter(|_| self.report.left_versions > 0);
    }

    fn object(&self, name: &str) -> String {
        format!("{}/{name}", self.name)
    }

    /// Bytes that look random, the same for the same name.
    fn bytes(&self, name: &str, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        blake3::Hasher::new_keyed(&self.salt).update(name.as_bytes()).finalize_xof().fill(&mut bytes);
        bytes
    }

    fn is_folder(&self) -> bool {
        self.probe.folder.is_some()
    }

    fn found(&mut self, what: &str, tried: impl Into<String>, seen: Seen) {
        let Seen { level, seen, means, remedy } = seen;
        let (what, tried) = (what.to_owned(), tried.into());
        self.report.findings.push(StoreFinding { what, level, tried, seen, means, remedy });
    }
}

/// What was seen, and what follows from it.
struct Seen {
    level: StoreLevel,
    seen: String,
    means: Option<String>,
    remedy: Option<String>,
}

impl Seen {
    fn well(seen: impl Into<String>) -> Self {
        Self { level: StoreLevel::Ok, seen: seen.into(), means: None, remedy: None }
    }

    fn warning(seen: impl Into<String>, means: &str, remedy: &str) -> Self {
        let (means, remedy) = (Some(means.to_owned()), Some(remedy.to_owned()));
        Self { level: StoreLevel::Warning, seen: seen.into(), means, remedy }
    }

    fn error(seen: impl Into<String>, means: &str, remedy: &str) -> Self {
        Self { level: StoreLevel::Error, ..Self::warning(seen, means, remedy) }
    }
}

/// What a store said, without what was tried.
fn told(error: &Error) -> String {
    match error {
        Error::Store { source, .. } | Error::Denied { source, .. } | Error::Full { source, .. } => {
            source.to_string()
        }
        error => error.to_string(),
    }
}
