//! Deciding on a copy what is to be done.

use std::sync::Arc;

use super::decide::{Decided, decide, duplicate};
use super::indexes::{WithoutIndexes, rebuild};
use crate::d1::catalog::changes::Changes;
use crate::d1::catalog::objects::Found;
use crate::d1::connect::remote::Remote;
use crate::d1::connect::room::Room;
use crate::d1::read::copy::{Copied, Oneness, copy};
use crate::sqlite::Sqlite;
use crate::sqlite::connect::blocking::blocking;
use crate::{Applied, ApplyOptions, ChangeSource, Engine, EngineError, ErrorKind, Surroundings};

/// What is to be done.
pub(super) struct Prepared {
    /// What that will have been.
    pub(super) applied: Applied,
    pub(super) statements: Vec<String>,
    /// What stands before the statements of each step, and after them: triggers must not act.
    pub(super) around: (Vec<String>, Vec<String>),
    /// What is left for the statements of each step.
    pub(super) room: Room,
    /// What the database holds, and what it had counted of its changes, when it was copied.
    pub(super) found: Found,
    pub(super) as_of: Changes,
}

/// Copies the database, and decides.
pub(super) async fn prepare(
    remote: &Arc<Remote>,
    surroundings: &Surroundings,
    changes: &Arc<dyn ChangeSource>,
    options: &ApplyOptions,
) -> Result<Prepared, EngineError> {
    // Nothing can be changed in a state that never was.
    let strictly = Surroundings { allow_moving: false, ..surroundings.clone() };
    let Copied { skeleton, found, as_of, oneness, .. } = copy(remote, &strictly).await?;
    debug_assert!(oneness != Oneness::None);
    let make = move || -> Result<_, EngineError> {
        let (file, notes) = skeleton.into_file()?;
        duplicate(&file.path(), &file.beside(AFTER))?;
        Ok((file, notes))
    };
    let (file, mut notes) = blocking(make).await?;
    let engine = Sqlite::new(file.beside(AFTER), surroundings);
    let without = Arc::new(WithoutIndexes::of(changes, &found.objects));
    let applied = engine.apply(Arc::clone(&without) as Arc<dyn ChangeSource>, options).await;
    let mut applied = without.with_indexes(applied.map_err(|error| error.of(remote.shown()))?);
    let (room, full_text) = (remote.room(), without.full_text());
    let look = move || {
        rebuild(&file.beside(AFTER), &full_text)?;
        decide(&file.path(), &file.beside(AFTER), room)
    };
    let decided = blocking(look).await.map_err(|error| error.of(remote.shown()))?;
    let Decided { statements, around, room, notes: more, are_several } = decided;
    if are_several && (options.fire_triggers || !options.statements.is_empty()) {
        let message = format!(
            "{}: the changes are more than D1 does in one transaction over the {}, and statements that are run with them or triggers that act could be done twice: leave these out, or change fewer rows at once; over the Worker one transaction takes more",
            remote.shown(),
            remote.way()
        );
        return Err(EngineError::new(ErrorKind::Unsupported, message));
    }
    notes.extend(more);
    applied.notes.extend(notes);
    Ok(Prepared { applied, statements, around, room, found, as_of })
}

const AFTER: &str = "after.db";
