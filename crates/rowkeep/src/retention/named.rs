//! Whether rules keep what a person named: rules count it like any other, unless they name one of its tags.

use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rowkeep_format::{SnapshotId, Summary};

use super::{By, Marks, Rules, Subject, decide};
use crate::state::devices::{DEVICE_TAG, device};

/// When rules let go of a snapshot, should others come after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Going {
    /// As soon as a newer one is there.
    WithTheNext,
    /// When so many newer ones are there that none of its periods or places is left.
    WithSeveral,
    /// At this time.
    At(Timestamp),
}

/// When rules let go of a snapshot that was just made and that a person gave a name or a tag; nothing where they are for ever, or have
/// a rule for its tag.
pub fn going(summary: &Summary, rules: &Rules, zone: &TimeZone) -> Option<Going> {
    if !rules.say_of_backups() {
        return None;
    }
    let later = summary.time.saturating_add(SignedDuration::from_secs(1)).ok()?;
    let mut id = summary.id.0;
    id[0] ^= 1;
    // It counts among those of its own device.
    let device = device(&summary.tags).map(|device| (DEVICE_TAG.to_owned(), device.to_owned()));
    let tags = device.into_iter().collect();
    let next = Summary { id: SnapshotId(id), time: later, tags, ..summary.clone() };
    let history = [summary.clone(), next].map(|summary| Subject { summary: Arc::new(summary), doubt: None });
    let decisions = decide(&history, Some(rules), zone, &Marks::default(), later);
    let decision = decisions.first()?;
    let is_for_it = |by: &By| matches!(by, By::Tag { .. } | By::Safety { .. });
    if decision.kept.iter().any(|kept| is_for_it(&kept.by)) {
        return None;
    }
    match decision.goes {
        _ if decision.kept.is_empty() => Some(Going::WithTheNext),
        Some(at) => Some(Going::At(at)),
        None if decision.kept.iter().any(|kept| matches!(kept.by, By::Within { .. })) => None,
        None => Some(Going::WithSeveral),
    }
}
