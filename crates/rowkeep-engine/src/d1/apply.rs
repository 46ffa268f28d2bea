//! Changing the rows of a database that is in use.
//!
//! D1 has no transaction in which one could look and then decide. So it is decided on a copy (see `read/copy.rs`): SQLite
//! applies the changes to it with all that belongs to that, what differs then becomes statements, and these are tried on another
//! copy. D1 carries them out if nothing was changed since the copy was taken; else there is another copy.
//!
//! What fits one transaction is done as a whole or not at all. What does not takes several; if that is cut off, a table of
//! rowkeep's own says so until the same changes, or those that take them back, were made: rows that are as they are to become
//! are left alone.

pub(super) mod cautions;
mod decide;
mod indexes;
mod prepare;

use std::sync::Arc;

use self::prepare::{Prepared, prepare};
use super::catalog::changes::Changes;
use super::catalog::marker::{Marker, NOTHING};
use super::compose::pack::Packer;
use super::connect::remote::Remote;
use super::send::steps::{Sending, Sent, Start};
use super::send::token::token;
use crate::apply::stopped;
use crate::sqlite::connect::blocking::blocking;
use crate::{Applied, ApplyOptions, ChangeSource, EngineError, ErrorKind, Surroundings};

/// How often a copy is taken.
const ROUNDS: usize = 5;

/// Changes rows.
pub(super) async fn apply(
    remote: &Arc<Remote>,
    surroundings: &Surroundings,
    changes: &Arc<dyn ChangeSource>,
    options: &ApplyOptions,
) -> Result<Applied, EngineError> {
    let per_request = Changes::per_request(remote).await?.ok_or_else(|| never_still(remote))?;
    // What was done when the first step of several was.
    let mut begun: Option<Applied> = None;
    for _ in 0..ROUNDS {
        if options.stop.is_cancelled() && begun.is_none() {
            return Err(stopped());
        }
        let prepared = prepare(remote, surroundings, changes, options).await;
        let Prepared { applied, statements, around, room, found, as_of } = match prepared {
            Ok(prepared) => prepared,
            Err(error) if begun.is_some() => return Err(half_done(remote, error)),
            Err(error) => return Err(error),
        };
        let is_half_changed = found.is_half_changed();
        if statements.is_empty() && !is_half_changed {
            return Ok(begun.unwrap_or(applied));
        }
        let (mut packer, steps) = Packer::new(room);
        let composing = blocking(move || {
            // There is a step in any case, whose end removes the marker of one that was cut off.
            if statements.is_empty() {
                packer.add(NOTHING.to_owned())?;
            }
            statements.into_iter().try_for_each(|sql| packer.add(sql))?;
            packer.end()
        });
        let sending = Sending {
            remote,
            marker: Marker::Changed,
            token: token(remote, surroundings),
            start: Start::Unchanged { found, changes: as_of, per_request },
            around,
            is_one: false,
            stop: options.stop.clone(),
        };
        let (composed, sent) = tokio::join!(composing, sending.all(steps));
        match (composed, sent) {
            (Ok(()), Ok(Sent::Done)) => {
                let is_of_another = is_half_changed && begun.is_none();
                let mut applied = begun.unwrap_or(applied);
                if is_of_another {
                    applied
                        .notes
                        .push("an earlier change that was cut off has ended with this one".to_owned());
                }
                return Ok(applied);
            }
            (_, Ok(Sent::Moved { begun: is_begun })) => {
                tracing::info!("the database was changed since it was read: it is read again");
                if is_begun && begun.is_none() {
                    begun = Some(applied);
                }
            }
            (composed, Err(broken)) => {
                let is_begun = begun.is_some() || broken.begun;
                let error = broken.error.or(composed.err()).unwrap_or_else(|| never_still(remote));
                return Err(if is_begun { half_done(remote, error) } else { error });
            }
            (Err(error), Ok(Sent::Done)) => return Err(half_done(remote, error)),
        }
    }
    let error = never_still(remote);
    Err(if begun.is_some() { half_done(remote, error) } else { error })
}

/// A part was done, and the rest was not.
fn half_done(remote: &Remote, error: EngineError) -> EngineError {
    let message = format!(
        "{}: a part of the changes was made before this: the same restore again ends it, an undo by its safety snapshot takes it back",
        remote.shown()
    );
    EngineError::new(ErrorKind::OutcomeUnknown, message).with_source(error)
}

fn never_still(remote: &Remote) -> EngineError {
    let message = format!(
        "{}: it was changed each time between being read and being changed ({ROUNDS} times); nothing was changed: keep writers out for that time",
        remote.shown()
    );
    EngineError::new(ErrorKind::Busy, message)
}
