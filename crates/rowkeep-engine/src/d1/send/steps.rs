//! Several steps, one after the other.
//!
//! Each step begins with a statement that fails unless what has to be so is so: the database is as it was looked at, or the step
//! before was the last that was done. So a step of which no answer came can be sent again: it is done once, or not at all. Which it
//! is, the marker tells (see [`Marker`]), or what the first step waits for where it is the only one.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::apply::stopped;
use crate::d1::catalog::changes::{Changes, PerRequest};
use crate::d1::catalog::marker::{Marker, is_unless, unless};
use crate::d1::catalog::objects::Found;
use crate::d1::compose::pack::{Handed, Step};
use crate::d1::connect::remote::{Remote, Statement, Written};
use crate::{Contents, EngineError, ErrorKind};

/// How often a step is sent, and how long it waits before the second time; twice as long each time after that.
const ATTEMPTS: u32 = 8;
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// Foreign keys wait for the end of the transaction.
const DEFERRED: &str = "PRAGMA defer_foreign_keys = on";

/// What has to be so for the first step, and how it is known that it was done where it is the only one.
pub(crate) enum Start {
    /// The database holds nothing.
    Empty,
    /// The database holds this, and is going to hold something else.
    Other(Found),
    /// Nothing was changed since it was looked at, and what is counted then.
    Unchanged { found: Found, changes: Changes, per_request: PerRequest },
}

/// How far it came.
#[derive(Debug)]
pub(crate) enum Sent {
    /// All was done.
    Done,
    /// The database was changed by somebody else: nothing was done from there on.
    Moved {
        /// Whether some steps were done.
        begun: bool,
    },
}

/// Why it came no further.
#[derive(Debug)]
pub(crate) struct Broken {
    /// Whether some steps were done; then the marker is there.
    pub(crate) begun: bool,
    /// Nothing where it was the composer that has ended early.
    pub(crate) error: Option<EngineError>,
}

/// Sends steps.
pub(crate) struct Sending<'r> {
    pub(crate) remote: &'r Remote,
    pub(crate) marker: Marker,
    /// Tells this sending from others.
    pub(crate) token: String,
    pub(crate) start: Start,
    /// What stands before the statements of each step, and after them.
    pub(crate) around: (Vec<String>, Vec<String>),
    /// Whether all has to be one step.
    pub(crate) is_one: bool,
    pub(crate) stop: CancellationToken,
}

impl Sending<'_> {
    /// Sends all steps as they come.
    pub(crate) async fn all(mut self, mut steps: mpsc::Receiver<Handed>) -> Result<Sent, Broken> {
        let mut number = 0;
        let broken = |number: u64, error| Broken { begun: number > 0, error };
        let mut step = match next(&mut steps).await {
            Ok(Some(step)) => step,
            Ok(None) => return Ok(Sent::Done),
            Err(Early) => return Err(broken(0, None)),
        };
        loop {
            let following = next(&mut steps).await.map_err(|Early| broken(number, None))?;
            if number == 0 {
                self.check(following.is_some()).map_err(|error| broken(0, Some(error)))?;
            } else if self.marker == Marker::Made && self.stop.is_cancelled() {
                // What is being made can be removed; a change is ended.
                return Err(broken(number, Some(stopped())));
            }
            let sent = self.one(number, &step, following.is_none()).await;
            match sent.map_err(|error| broken(number, Some(error)))? {
                One::Done => {}
                One::Unwatched => return Ok(Sent::Moved { begun: true }),
                One::NotDone => return Ok(Sent::Moved { begun: number > 0 }),
            }
            match following {
                Some(following) => (step, number) = (following, number + 1),
                None => break,
            }
        }
        if number == 0 && matches!(self.start, Start::Unchanged { .. }) {
            // It stands for nothing any more, and whoever comes next removes it where this does not.
            if let Err(error) = self.remote.write(&[Marker::Done.remove()]).await {
                tracing::info!(%error, "a table of rowkeep's own stays");
            }
        }
        Ok(Sent::Done)
    }

    /// Whether it may begin.
    fn check(&self, are_several: bool) -> Result<(), EngineError> {
        if self.stop.is_cancelled() {
            return Err(stopped());
        }
        if self.is_one && are_several {
            let message = format!("{}: it is more than D1 does in one transaction", self.remote.shown());
            return Err(EngineError::new(ErrorKind::Unsupported, message));
        }
        Ok(())
    }

    /// Sends a step until it is done, unless what has to be so is not.
    async fn one(&mut self, number: u64, step: &[String], is_last: bool) -> Result<One, EngineError> {
        let (mut was_unknown, mut cannot_succeed) = (None, false);
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                tokio::time::sleep(FIRST_PAUSE * 2_u32.pow(attempt - 1)).await;
            }
            let statements = self.statements(number, step, is_last);
            match self.remote.write(&statements).await {
                Ok(Written::Done(answer)) => {
                    if is_last {
                        return Ok(One::Done);
                    }
                    return Ok(match Changes::of(&answer, self.remote) {
                        Ok(now) => {
                            self.moved_on(now);
                            One::Done
                        }
                        Err(error) => {
                            tracing::info!(%error, number, "it was done, and what was counted is not known");
                            self.late(is_last)
                        }
                    });
                }
                Ok(Written::Unknown(error)) => {
                    tracing::info!(%error, number, "no answer: whether it was done is looked at");
                    was_unknown = Some(error);
                }
                Err(error) if is_unless(&error.to_string()) => {
                    if was_unknown.is_none() {
                        return Ok(One::NotDone);
                    }
                    // What fails now cannot succeed later: so much for one of which no answer came, too.
                    cannot_succeed = true;
                }
                Err(error) if was_unknown.is_none() => return Err(error),
                // This one has done nothing; of the one before nobody knows.
                Err(error) => tracing::info!(%error, number, "it is refused after one without an answer"),
            }
            match self.is_done(number, is_last).await {
                Ok(true) => return Ok(self.late(is_last)),
                Ok(false) if cannot_succeed => return Ok(One::NotDone),
                Ok(false) => {}
                Err(error) => tracing::info!(%error, "the database does not answer"),
            }
        }
        let message = format!(
            "{}: no answer came to a change, so nobody knows whether it was done: look at the database before the next attempt",
            self.remote.shown()
        );
        let error = EngineError::new(ErrorKind::OutcomeUnknown, message);
        Err(match was_unknown {
            Some(source) => error.with_source(source),
            None => error,
        })
    }

    /// A step of which it was found out later that it was done: before that others may have changed something.
    fn late(&self, is_last: bool) -> One {
        if is_last || !matches!(self.start, Start::Unchanged { .. }) { One::Done } else { One::Unwatched }
    }

    fn statements(&self, number: u64, step: &[String], is_last: bool) -> Vec<String> {
        let mut all = vec![DEFERRED.to_owned()];
        match &self.start {
            Start::Empty if number == 0 => all.push(unless(&nothing())),
            Start::Other(found) if number == 0 => all.push(unless(&found.condition())),
            Start::Unchanged { found, changes, per_request } => {
                all.push(unless(&format!(
                    "{} AND {}",
                    changes.condition(self.remote, *per_request),
                    found.condition()
                )));
            }
            Start::Empty | Start::Other(_) => {}
        }
        if number > 0 {
            all.push(unless(&self.marker.condition(&self.token, number)));
        }
        if number == 0 {
            // What stands for nothing any more.
            all.extend([Marker::Done, Marker::Parts].map(Marker::remove));
        }
        let (before, after) = &self.around;
        all.extend(before.iter().chain(step).chain(after).cloned());
        match (number, is_last) {
            (0, true) if matches!(self.start, Start::Unchanged { .. }) => {
                // It tells that this step was done.
                all.push(self.marker.remove());
                all.extend(Marker::Done.set(&self.token));
            }
            (_, true) => all.push(self.marker.remove()),
            (0, false) => all.extend(self.marker.set(&self.token)),
            (_, false) => all.push(self.marker.advance()),
        }
        if !is_last {
            all.push(Changes::statement().sql);
        }
        all
    }

    /// The next step begins where this one has ended.
    fn moved_on(&mut self, now: Changes) {
        if let Start::Unchanged { changes, .. } = &mut self.start {
            *changes = now;
        }
    }

    /// Whether a step without an answer was done.
    async fn is_done(&self, number: u64, is_last: bool) -> Result<bool, EngineError> {
        let found = Found::read(self.remote).await?;
        let has_marker = found.left.contains(&self.marker);
        if !is_last || number > 0 {
            if !has_marker {
                // The last step removes it; before the first it is not there, or another's.
                return Ok(is_last);
            }
            return Ok(self.next(self.marker).await? == Some(number + 1));
        }
        match &self.start {
            Start::Empty => Ok(matches!(found.contents(), Contents::Occupied(_))),
            Start::Other(before) => Ok(found != *before),
            Start::Unchanged { .. } if !found.left.contains(&Marker::Done) => Ok(false),
            Start::Unchanged { .. } => Ok(self.next(Marker::Done).await?.is_some()),
        }
    }

    /// The step that a marker of this sending says is next.
    async fn next(&self, marker: Marker) -> Result<Option<u64>, EngineError> {
        let asked = self.remote.read_one(&Statement::new(marker.ask(&self.token))).await?;
        let rows = asked.texts().map_err(|error| self.remote.not_understood("a step").with_source(error))?;
        Ok(rows.first().and_then(|row| row.first()?.as_ref()?.parse().ok()))
    }
}

/// What became of a step.
enum One {
    Done,
    /// It was done, but nobody knows what others did after it.
    Unwatched,
    NotDone,
}

/// The composer has ended before its end.
struct Early;

/// The next step; nothing after the last.
async fn next(steps: &mut mpsc::Receiver<Handed>) -> Result<Option<Step>, Early> {
    match steps.recv().await {
        Some(Handed::Step(step)) => Ok(Some(step)),
        Some(Handed::End) => Ok(None),
        None => Err(Early),
    }
}

/// The condition that a database holds nothing of anybody's.
fn nothing() -> String {
    format!(
        "NOT EXISTS (SELECT 1 FROM main.sqlite_schema WHERE sql IS NOT NULL AND lower(substr(tbl_name, 1, 4)) <> '_cf_' \
         AND name <> 'sqlite_sequence' AND tbl_name NOT IN ({}))",
        Marker::names()
    )
}
