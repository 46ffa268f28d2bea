//! What makes a snapshot later than those that are there, and what its clock says to that.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use rowkeep_format::order;
use rowkeep_repository::{Catalog, Repository};

use crate::state::snapshots::short_id;
use crate::{Context, Error};

/// By how much clocks may disagree that are kept right by others.
const TOLERANCE: SignedDuration = SignedDuration::from_secs(2);

/// The snapshots that a new one is later than.
pub(crate) struct Later {
    known: Arc<Catalog>,
}

impl Later {
    /// Later than all of these.
    pub(crate) fn than(known: Arc<Catalog>) -> Self {
        Self { known }
    }

    /// The sequence number for a snapshot that becomes visible now, later than those too that appeared meanwhile.
    pub(crate) async fn sequence(self, repository: &Repository) -> Result<u64, Error> {
        let next = |catalog: &Catalog| order::next_sequence(catalog.snapshots().map(AsRef::as_ref));
        Ok(next(&self.known).max(next(&*repository.catalog().await?)))
    }
}

/// Warns when the last snapshot of a database has a later time than the one that is made now.
pub(crate) fn warn_of_clock(context: &Context, known: &Catalog, database: &str, now: Timestamp) {
    let Some(last) = known.of(Some(database)).next_back() else { return };
    if last.time.duration_since(now) > TOLERANCE {
        context.warn(format!(
            "it is {now} by the clock, but snapshot {} was taken before, at {}: the clock is behind, or was ahead then; \
             snapshots stay in the order in which they were made",
            short_id(last.id),
            last.time
        ));
    }
}
