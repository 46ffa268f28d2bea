//! What only a bucket of S3 has: pages of lists, versions, Object Lock.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{Seen, Trials};
use crate::bucket::Versioning;

/// So few objects are asked for at once that what was written makes several pages.
const PAGE: usize = 3;

impl Trials<'_> {
    /// Lists what was written in small pages.
    pub(super) async fn pages(&mut self) {
        let Some(bucket) = &self.probe.bucket else { return };
        let tried = format!("listing {} objects in pages of {PAGE}", self.written.len());
        let means = "a list of more than 1,000 objects would lack some, or never end";
        let seen = match bucket.pages(&self.name, PAGE, self.written.len() + 1).await {
            Err(unanswered) => Seen::warning(unanswered, means, "look at the store"),
            Ok(pages) => {
                let names: Vec<&String> = pages.iter().flatten().collect();
                let once: BTreeSet<String> = names.iter().map(|name| self.object(name)).collect();
                if once != self.written || names.len() != once.len() {
                    let seen = format!(
                        "{} pages had {} names, {} of them different",
                        pages.len(),
                        names.len(),
                        once.len()
                    );
                    Seen::error(seen, means, "use a store that lists in pages as S3 does (ListObjectsV2)")
                } else if names.is_sorted() {
                    Seen::well(format!("{} pages, each name once and in order", pages.len()))
                } else {
                    Seen::well(format!(
                        "{} pages, each name once, in no order, which nothing relies on",
                        pages.len()
                    ))
                }
            }
        };
        self.found("pages of lists", tried, seen);
    }

    /// Whether what is deleted stays as older versions.
    pub(super) async fn versions(&mut self) -> bool {
        let Some(bucket) = &self.probe.bucket else { return false };
        let tried = "asking for the bucket's versioning and its lifecycle rules";
        let versioning = bucket.versioning().await;
        let (seen, keeps) = match versioning {
            Err(unanswered) => (
                Seen::well(format!("the bucket does not say whether it keeps versions ({unanswered})")),
                false,
            ),
            Ok(Versioning::Off) => (Seen::well("the bucket keeps no versions"), false),
            Ok(versioning) => {
                let keeps = versioning == Versioning::On;
                let words = if keeps { "keeps versions" } else { "kept versions, and keeps those from then" };
                let means = "what prune deletes takes up space until a rule of the bucket expires noncurrent versions";
                let seen = match bucket.noncurrent_days().await {
                    Ok(Some(days)) => {
                        let seen =
                            format!("the bucket {words}; a rule deletes noncurrent ones after {days} days");
                        Seen { means: Some(means.to_owned()), ..Seen::well(seen) }
                    }
                    Ok(None) => Seen::warning(
                        format!("the bucket {words}, and no rule deletes them"),
                        "what prune deletes takes up space for ever",
                        "add a lifecycle rule with NoncurrentVersionExpiration, say of 30 days",
                    ),
                    Err(unanswered) => Seen::warning(
                        format!("the bucket {words}, and does not tell its rules ({unanswered})"),
                        means,
                        "make sure that a lifecycle rule has NoncurrentVersionExpiration",
                    ),
                };
                (seen, keeps)
            }
        };
        self.found("versions", tried, seen);
        keeps
    }

    /// Until when what was written cannot be deleted.
    pub(super) async fn retention(&mut self) -> Option<Timestamp> {
        let bucket = self.probe.bucket.as_ref()?;
        let until = bucket.retained_until(&self.object("written")).await.ok().flatten();
        let tried = "asking for the bucket's Object Lock, and an object for its retention";
        let seen = match bucket.object_lock().await {
            Err(unanswered) => match until {
                None => Seen::well(format!("the bucket does not say whether it has one ({unanswered})")),
                Some(until) => locked(&format!("objects are retained until {until}")),
            },
            Ok(None) => Seen::well("the bucket has none"),
            Ok(Some(lock)) => match &lock.retention {
                Some((mode, time)) => locked(&format!("{mode}: every version is retained for {time}")),
                None => Seen::well("the bucket has one, without a default retention: nothing is retained"),
            },
        };
        self.found("object lock", tried, seen);
        until
    }
}

fn locked(seen: &str) -> Seen {
    let means = "what is written cannot be lost to anybody for that long; what prune deletes takes up space until then, and it says when. \
                 Every object is written with a checksum (SHA-256), as Object Lock demands";
    Seen { means: Some(means.to_owned()), ..Seen::well(seen) }
}
