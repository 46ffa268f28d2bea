//! Comparing the rows of some keys, without reading the tables.

use super::Out;
use super::access::Access;
use super::filter::BoundFilter;
use super::merge::{Bounds, Shape, changes};
use crate::Error;
use crate::keys::KeySet;

/// Keys that are looked up together.
const KEYS_AT_ONCE: usize = 500;

/// Finds the rows of the keys in both states, and keeps the changes from the first to the second.
pub(super) async fn compare_keys(
    before: &Access<'_>,
    after: &Access<'_>,
    shape: &Shape,
    filter: &BoundFilter,
    keys: &KeySet,
    out: &mut Out<'_>,
) -> Result<(), Error> {
    for run in keys.runs(KEYS_AT_ONCE) {
        let (old, new) = futures::try_join!(before.by_keys(&run), after.by_keys(&run))?;
        let found = changes(shape, &Bounds::default(), vec![old], vec![new]);
        let found = found.map_err(before.unstorable())?;
        let kept = found.into_iter().map(|changes| filter.keep(changes)).filter(|run| !run.is_empty());
        out.keep(kept.collect()).await?;
    }
    Ok(())
}
