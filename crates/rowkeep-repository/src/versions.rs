//! What a bucket keeps of what was deleted, and until when.

use jiff::Timestamp;
use rowkeep_format::ids::SnapshotId;
use serde::{Deserialize, Serialize};

use crate::Repository;
use crate::bucket::Versioning;
use crate::objects::snapshot;

/// Of so many objects the bucket is asked until when it retains them.
const ASKED: usize = 16;

/// What a bucket that keeps versions does with those of what is deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptVersions {
    /// Until when the last of them cannot be deleted by anybody, where there is such a time.
    pub retained_until: Option<Timestamp>,
    /// After how many days a rule of the bucket deletes them.
    pub deleted_after_days: Option<u32>,
    /// Whether the bucket tells its rules, so that none means none.
    pub tells_rules: bool,
}

impl Repository {
    /// What the bucket is going to keep of some objects when they are deleted: asked before, while they are the newest versions.
    /// Nothing where it keeps no versions, or nobody knows.
    pub(crate) async fn kept_of(&self, objects: impl IntoIterator<Item = String>) -> Option<KeptVersions> {
        let bucket = self.bucket()?;
        let keeps = bucket.versioning().await.is_ok_and(|versioning| versioning == Versioning::On);
        if !keeps {
            return None;
        }
        let rule = bucket.noncurrent_days().await;
        let mut kept = KeptVersions {
            retained_until: None,
            deleted_after_days: rule.as_ref().ok().copied().flatten(),
            tells_rules: rule.is_ok(),
        };
        for object in objects.into_iter().take(ASKED) {
            let until = bucket.retained_until(&object).await.ok().flatten();
            kept.retained_until = kept.retained_until.max(until);
        }
        Some(kept)
    }

    /// The same of snapshots.
    pub async fn kept_of_snapshots(&self, ids: impl IntoIterator<Item = SnapshotId>) -> Option<KeptVersions> {
        self.kept_of(ids.into_iter().map(|id| snapshot(&id))).await
    }
}
