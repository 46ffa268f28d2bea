//! Comparing the rows of some keys, without reading the tables.

use rowkeep_format::{Changes, FormatError};

use super::collect::Collector;
use super::filter::Filter;
use super::key_access::Access;
use super::merge::{Bounds, Shape, changes};
use super::pairing::Pairing;
use crate::Error;
use crate::state::key_set::{KeyRun, KeySet};

/// Keys that are looked up together.
pub(super) const KEYS_AT_ONCE: usize = 500;

/// Finds the rows of the keys in both states, and keeps of the changes from the first to the second what is wanted.
pub(super) async fn compare_keys(
    before: &Access<'_>,
    after: &Access<'_>,
    shape: &Shape,
    keys: &KeySet,
    wanted: &mut (dyn FnMut(Changes) -> Result<Changes, FormatError> + Send),
    out: &mut Collector<'_>,
) -> Result<(), Error> {
    for run in keys.runs(KEYS_AT_ONCE) {
        let mut kept = Vec::new();
        for changes in changes_of_run(before, after, shape, &run).await? {
            kept.push(wanted(changes).map_err(before.unstorable())?);
        }
        kept.retain(|run| !run.is_empty());
        out.keep(kept).await?;
    }
    Ok(())
}

/// The changes to the rows of some keys, as far as changes of their kind are wanted.
pub(crate) async fn changes_of_keys(
    pairing: &Pairing,
    (before, after): (&Access<'_>, &Access<'_>),
    kinds: &Filter,
    keys: &KeySet,
) -> Result<Vec<Changes>, Error> {
    let kinds = kinds.bind(&pairing.table, before.state.dialect())?;
    let mut all = Vec::new();
    for run in keys.runs(KEYS_AT_ONCE) {
        let found = changes_of_run(before, after, &pairing.shape, &run).await?;
        all.extend(found.into_iter().map(|changes| kinds.keep(changes)));
    }
    Ok(all)
}

/// The changes to the rows of some keys.
pub(super) async fn changes_of_run(
    before: &Access<'_>,
    after: &Access<'_>,
    shape: &Shape,
    run: &KeyRun,
) -> Result<Vec<Changes>, Error> {
    let (old, new) = futures::try_join!(before.by_keys(run), after.by_keys(run))?;
    changes(shape, &Bounds::default(), vec![old.rows], vec![new.rows]).map_err(before.unstorable())
}
