//! How a repository is pruned, and what comes of it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::KeptVersions;

/// What is listed of prunes is kept for so long after the last of their deletions, whatever the grace period is.
pub(super) const SHORTEST_MEMORY: Duration = Duration::from_secs(60 * 60);

/// How a repository is pruned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PruneOptions {
    /// How long packs stay after they were marked.
    pub grace: Duration,
    /// How many bytes of chunks may be stored again so that the packs can go that hold little else; any number when not given.
    pub max_repack: Option<u64>,
    /// Whether only is found out what would be done.
    pub dry_run: bool,
}

/// A day; any number of bytes.
impl Default for PruneOptions {
    fn default() -> Self {
        Self { grace: Duration::from_secs(24 * 60 * 60), max_repack: None, dry_run: false }
    }
}

/// Some packs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Space {
    /// How many.
    pub packs: u64,
    /// How many bytes they have together.
    pub bytes: u64,
}

impl Space {
    pub(super) fn add(&mut self, bytes: u64) {
        self.packs += 1;
        self.bytes += bytes;
    }
}

/// What a prune did, or would do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PruneReport {
    /// What there was before.
    pub before: Space,
    /// Packs that were deleted.
    pub deleted: Space,
    /// Packs that the store said were deleted, and still lists.
    pub undeleted: Space,
    /// Packs that were marked before and are needed again.
    pub taken_back: Space,
    /// Packs that were marked now.
    pub marked: Space,
    /// Of these, packs whose needed chunks were stored again: how much these chunks take.
    pub repacked: Space,
    /// Packs that are marked and stay until the grace period is over, those that were marked now included.
    pub waiting: Space,
    /// When the grace period of the first of these is over, in milliseconds since 1970 by the store's clock.
    pub waiting_until_ms: Option<i64>,
    /// Packs that nobody needs and that are too young to be marked: their snapshot may be yet to come.
    pub young: Space,
    /// Bytes that nobody needs in packs that are needed.
    pub unneeded_bytes: u64,
    /// Whether the store keeps what is deleted as older versions.
    pub keeps_versions: bool,
    /// What it does with those of the packs that were deleted, where it says so.
    #[serde(default)]
    pub kept: Option<KeptVersions>,
}

impl PruneReport {
    pub(super) fn wait_for(&mut self, space: Space, written_ms: i64, grace: Duration) {
        if space.packs == 0 {
            return;
        }
        self.waiting.packs += space.packs;
        self.waiting.bytes += space.bytes;
        let until = written_ms.saturating_add(grace.as_millis() as i64);
        self.waiting_until_ms = Some(self.waiting_until_ms.map_or(until, |before| before.min(until)));
    }
}
