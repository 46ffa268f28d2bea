//! What is done to a state that was brought back before it is gone on with.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rowkeep::Config;
use rowkeep::config::Work;

use crate::state::audit::{self, Deed};
use crate::state::failure;
use crate::state::kept::{self, Kept};
use crate::state::transaction::Transaction;
use crate::state::{jobs, marks};

/// What is known of a state that was brought back.
pub(super) struct Known {
    /// The snapshot.
    pub(super) snapshot: String,
    /// When it was taken.
    pub(super) taken: Timestamp,
    /// When the newest backup of each database was.
    pub(super) backups: BTreeMap<String, Timestamp>,
}

/// Makes it so that nothing is done twice: what was backed up since counts as done, and jobs that waited may have been done.
pub(super) fn settle(
    state: &Transaction<'_>,
    known: &Known,
    config: &Config,
    now: Timestamp,
) -> failure::Result<()> {
    let (number, hash) = audit::head(state)?;
    kept::set(state, &Kept { number, hash, time: known.taken })?;
    for scheduled in config.timetable().iter().filter(|scheduled| scheduled.work == Work::Backup) {
        let Some(name) = &scheduled.database else { continue };
        let newest = known.backups.get(name).copied();
        // A schedule is put off, and its mark is the time that it names.
        let done = newest.and_then(|newest| newest.checked_sub(config.put_off(scheduled)).ok());
        let mark = marks::of(state, scheduled.work.name(), name)?;
        if let Some(done) = done.filter(|done| mark.is_none_or(|mark| mark < *done)) {
            marks::set(state, scheduled.work.name(), name, done)?;
        }
    }
    jobs::doubt(state)?;
    let deed = Deed {
        who: "service".to_owned(),
        address: String::new(),
        action: "service.recover",
        object: format!("the state of {} in snapshot {}", known.taken, known.snapshot),
        outcome: "done".to_owned(),
    };
    audit::note(state, now, &deed)
}
