//! Which chunks of two tables have to be compared.
//!
//! Both tables are walked side by side. Nodes and chunks of equal names are passed over without being read. What is left is
//! divided into regions: ranges of keys, with the chunks of either side that may hold rows in them. A region ends where a
//! chunk begins with the same key on both sides, or else when it has grown large; then the chunks that reach beyond its
//! end belong to the next one as well.

use rowkeep_format::tree::MAX_KEY_BYTES;

use super::merge::Bounds;
use super::side::{Entry, Head, Side};
use crate::Error;

/// Chunks at which a region is ended even where none begins on both sides.
const MAX_ENTRIES: usize = 8;

/// A range of keys, and the chunks that may hold rows in it.
pub(super) struct Region {
    pub(super) bounds: Bounds,
    pub(super) before: Vec<Entry>,
    pub(super) after: Vec<Entry>,
}

impl Region {
    /// The last chunk of either side.
    fn last(&self) -> impl Iterator<Item = &Entry> {
        [self.before.last(), self.after.last()].into_iter().flatten()
    }
}

/// The regions of two tables in which rows may differ.
pub(super) struct Regions {
    before: Side,
    after: Side,
    /// Whether a key is on one row only, so that no two chunks of a table share one.
    unique: bool,
    lower: Option<Vec<u8>>,
    /// Chunks that the last region began and did not end.
    open_before: Option<Entry>,
    open_after: Option<Entry>,
}

impl Regions {
    pub(super) fn new(before: Side, after: Side, unique: bool) -> Self {
        Self { before, after, unique, lower: None, open_before: None, open_after: None }
    }

    /// The next region in which rows may differ.
    pub(super) async fn next(&mut self) -> Result<Option<Region>, Error> {
        loop {
            if self.open_before.is_none() && self.open_after.is_none() {
                self.lower = None;
                self.pass_equal().await?;
            }
            let Some(region) = self.gather().await? else { return Ok(None) };
            if !same(&region.before, &region.after) {
                return Ok(Some(region));
            }
        }
    }

    /// Passes over what is equal by name, as high in the trees as that can be seen.
    async fn pass_equal(&mut self) -> Result<(), Error> {
        let named = self.before.is_named() && self.after.is_named();
        loop {
            let (Some(before), Some(after)) = (self.before.head().await?, self.after.head().await?) else {
                return Ok(());
            };
            match (before, after) {
                (Head::Entry(before), Head::Entry(after)) => {
                    if before.id.is_none() || before.id != after.id {
                        return Ok(());
                    }
                    self.before.pass();
                    self.after.pass();
                }
                (Head::Node { id, level }, Head::Node { id: other, level: other_level }) => {
                    if named && level == other_level && id == other {
                        self.before.pass();
                        self.after.pass();
                        continue;
                    }
                    if level >= other_level {
                        self.before.open_node().await?;
                    }
                    if other_level >= level {
                        self.after.open_node().await?;
                    }
                }
                (Head::Node { .. }, Head::Entry(_)) => self.before.open_node().await?,
                (Head::Entry(_), Head::Node { .. }) => self.after.open_node().await?,
            }
        }
    }

    async fn gather(&mut self) -> Result<Option<Region>, Error> {
        let mut region = Region {
            bounds: Bounds { lower: self.lower.take(), upper: None },
            before: self.open_before.take().into_iter().collect(),
            after: self.open_after.take().into_iter().collect(),
        };
        let mut taken = 0;
        loop {
            let (before, after) = (self.before.entry().await?, self.after.entry().await?);
            let (takes_before, takes_after) = match (&before, &after) {
                (None, None) => {
                    let is_empty = region.before.is_empty() && region.after.is_empty();
                    return Ok((!is_empty).then_some(region));
                }
                (Some(_), None) => (true, false),
                (None, Some(_)) => (false, true),
                (Some(before), Some(after)) => {
                    (before.first_key <= after.first_key, after.first_key <= before.first_key)
                }
            };
            let meets = takes_before && takes_after;
            let is_large = region.before.len() + region.after.len() >= MAX_ENTRIES;
            // Not before anything was taken: a region that only goes on with what was open would never get further. And
            // not among chunks that begin alike, as far as that is known: their rows cannot be told apart by a bound.
            let next = [&before, &after].into_iter().flatten().map(|entry| &entry.first_key).min();
            let tells = match next {
                Some(next) => !region.last().any(|entry| &entry.first_key >= next),
                None => false,
            };
            if taken > 0 && tells && (meets || is_large) {
                self.end(&mut region, before, after);
                return Ok(Some(region));
            }
            taken += 1;
            if let Some(entry) = before.filter(|_| takes_before) {
                region.before.push(entry);
                self.before.pass();
            }
            if let Some(entry) = after.filter(|_| takes_after) {
                region.after.push(entry);
                self.after.pass();
            }
        }
    }

    /// Ends a region where the first of the chunks that come next begins.
    fn end(&mut self, region: &mut Region, before: Option<Entry>, after: Option<Entry>) {
        let keys = [&before, &after].into_iter().flatten().map(|entry| &entry.first_key);
        let Some(upper) = keys.min().cloned() else { return };
        // A key that was cut off, or that several rows have, may be in the chunk before as well.
        let is_exact = self.unique && upper.len() < MAX_KEY_BYTES;
        let begins = |next: &Option<Entry>| next.as_ref().is_some_and(|next| next.first_key == upper);
        let (ends_before, ends_after) = (is_exact && begins(&before), is_exact && begins(&after));
        let last = |entries: &[Entry]| entries.last().cloned();
        let (last_before, last_after) = (last(&region.before), last(&region.after));
        if begins(&before) && begins(&after) && !is_exact && {
            let names =
                (last_before.as_ref().map(|entry| entry.id), last_after.as_ref().map(|entry| entry.id));
            matches!(names, (Some(Some(before)), Some(Some(after))) if before == after)
        } {
            // Whatever reaches beyond the end is the same on both sides.
            return;
        }
        self.open_before = last_before.filter(|_| !ends_before);
        self.open_after = last_after.filter(|_| !ends_after);
        if self.open_before.is_some() || self.open_after.is_some() {
            region.bounds.upper = Some(upper.clone());
            self.lower = Some(upper);
        }
    }
}

/// Whether the chunks are the same by name.
fn same(before: &[Entry], after: &[Entry]) -> bool {
    before.len() == after.len()
        && before.iter().zip(after).all(|(before, after)| before.id.is_some() && before.id == after.id)
}

#[cfg(test)]
#[path = "regions_tests.rs"]
mod tests;
