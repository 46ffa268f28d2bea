//! A database that is being made: first as a file, then all of it at once in D1.

use std::sync::Arc;

use async_trait::async_trait;
use rowkeep_format::{Schema, Table};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use super::clear::dropping;
use crate::d1::catalog::marker::{Marker, NOTHING, unless};
use crate::d1::catalog::objects::Found;
use crate::d1::compose::pack::Packer;
use crate::d1::compose::whole::compose;
use crate::d1::connect::remote::{Remote, Statement};
use crate::d1::send::steps::{Broken, Sending, Sent, Start};
use crate::d1::send::token::token;
use crate::sqlite::Sqlite;
use crate::sqlite::connect::blocking::blocking;
use crate::sqlite::dump_file::{Scratch, ScratchFile};
use crate::{
    Contents, CreateOptions, Engine, EngineError, ErrorKind, Finished, RowStream, Surroundings, Target,
};

/// A database that is being made.
pub(crate) struct D1Target {
    remote: Arc<Remote>,
    surroundings: Surroundings,
    /// The file, and where it is; nothing when it is finished or abandoned.
    made: Mutex<Option<(Arc<dyn Target>, ScratchFile)>>,
    inner: Arc<dyn Target>,
    goal: Goal,
    token: String,
    stop: CancellationToken,
}

/// What is to become of what is there.
enum Goal {
    /// There is no database.
    Missing,
    /// There is nothing in it.
    Empty,
    /// Its content is replaced.
    Replaced(Found),
}

impl D1Target {
    /// Begins a database where there is none, or one with nothing in it.
    pub(crate) async fn begin(
        remote: &Arc<Remote>,
        surroundings: &Surroundings,
        schema: &Schema,
        options: &CreateOptions,
    ) -> Result<Self, EngineError> {
        let goal = match found(remote).await? {
            None => {
                remote.check_creatable()?;
                Goal::Missing
            }
            Some(found) => match found.contents() {
                Contents::Unfinished => {
                    clear(remote, surroundings, found, None).await?;
                    Goal::Empty
                }
                Contents::Occupied(names) => {
                    let message = format!("{} is not empty, it holds {}", remote.shown(), names.join(", "));
                    return Err(EngineError::new(ErrorKind::NotEmpty, message));
                }
                Contents::Empty | Contents::Missing => Goal::Empty,
            },
        };
        Self::of(goal, remote, surroundings, schema, options).await
    }

    /// Begins a database that is to take the place of what there is.
    pub(crate) async fn begin_again(
        remote: &Arc<Remote>,
        surroundings: &Surroundings,
        schema: &Schema,
        options: &CreateOptions,
    ) -> Result<Self, EngineError> {
        match found(remote).await? {
            Some(found) if matches!(found.contents(), Contents::Occupied(_)) => {
                Self::of(Goal::Replaced(found), remote, surroundings, schema, options).await
            }
            _ => Self::begin(remote, surroundings, schema, options).await,
        }
    }

    async fn of(
        goal: Goal,
        remote: &Arc<Remote>,
        surroundings: &Surroundings,
        schema: &Schema,
        options: &CreateOptions,
    ) -> Result<Self, EngineError> {
        let temporary = surroundings.temporary.clone();
        let file = blocking(move || Scratch::new(temporary.as_deref())?.into_file()).await?;
        let path = file.beside("made.db");
        let inner = Sqlite::new(path, surroundings).create(schema, options).await?;
        let token = token(remote, surroundings);
        Ok(Self {
            remote: Arc::clone(remote),
            surroundings: surroundings.clone(),
            made: Mutex::new(Some((Arc::clone(&inner), file))),
            inner,
            goal,
            token,
            stop: options.stop.clone(),
        })
    }

    fn gone(&self) -> EngineError {
        let message = format!("{}: the restore was ended or has failed before", self.remote.shown());
        EngineError::new(ErrorKind::Other, message)
    }

    /// Has the statements composed and sent.
    async fn send(&self, file: &ScratchFile) -> Result<(Sent, Vec<String>), EngineError> {
        let (first, start) = match &self.goal {
            Goal::Missing | Goal::Empty => (Vec::new(), Start::Empty),
            Goal::Replaced(found) => {
                let dropped = dropping(found, self.surroundings.temporary.as_deref()).await?;
                (dropped, Start::Other(found.clone()))
            }
        };
        let (packer, steps) = Packer::new(self.remote.room());
        let path = file.beside("made.db");
        let composing = blocking(move || {
            let mut packer = packer;
            first.into_iter().try_for_each(|sql| packer.add(sql))?;
            let notes = compose(&path, &mut packer)?;
            packer.end()?;
            Ok(notes)
        });
        let sending = Sending {
            remote: &self.remote,
            marker: Marker::Made,
            token: self.token.clone(),
            start,
            around: (Vec::new(), Vec::new()),
            is_one: matches!(self.goal, Goal::Replaced(_)),
            stop: self.stop.clone(),
        };
        let (notes, sent) = tokio::join!(composing, sending.all(steps));
        match (notes, sent) {
            (Ok(notes), Ok(sent)) => Ok((sent, notes)),
            // The sender has stopped the composer.
            (Err(_), Ok(sent)) => Ok((sent, Vec::new())),
            (_, Err(Broken { error: Some(error), .. })) => Err(error),
            (Err(error), Err(_)) => Err(error),
            (Ok(_), Err(_)) => Err(self.gone()),
        }
    }

    /// Leaves nothing of what was begun in D1, and says whether somebody else has put something there, which stays.
    async fn undo(&self, was_created: bool) -> bool {
        let undone = async {
            let Some(found) = found(&self.remote).await? else { return Ok(false) };
            let is_empty = matches!(found.contents(), Contents::Empty);
            let is_ours = found.is_unfinished() && {
                let asked = self.remote.read_one(&Statement::new(Marker::Made.ask(&self.token))).await?;
                asked.texts().is_ok_and(|rows| !rows.is_empty())
            };
            match (is_ours, was_created) {
                _ if !is_empty && !is_ours => return Ok(true),
                (_, true) => self.remote.delete().await?,
                (true, false) => {
                    clear(&self.remote, &self.surroundings, found, Some(&self.token)).await?;
                }
                (false, false) => {}
            }
            Ok(false)
        };
        undone.await.unwrap_or_else(|error: EngineError| {
            tracing::warn!(%error, "what a restore has left stays until the next one");
            false
        })
    }
}

#[async_trait]
impl Target for D1Target {
    fn parallelism(&self) -> usize {
        self.inner.parallelism()
    }

    async fn load(&self, table: &Table, rows: RowStream) -> Result<(), EngineError> {
        self.inner.load(table, rows).await
    }

    async fn finish(&self) -> Result<Finished, EngineError> {
        let (inner, file) = self.made.lock().await.take().ok_or_else(|| self.gone())?;
        let mut finished = inner.finish().await?;
        let is_created = matches!(self.goal, Goal::Missing);
        if is_created {
            self.remote.create().await?;
        }
        match self.send(&file).await {
            Ok((Sent::Done, more)) => {
                finished.notes.extend(more);
                Ok(finished)
            }
            Ok((Sent::Moved { .. }, _)) => {
                let is_left = self.undo(is_created).await;
                let message = match self.goal {
                    Goal::Replaced(_) => "its definitions were changed meanwhile; nothing was changed",
                    Goal::Missing | Goal::Empty => {
                        "something was put into it meanwhile; nothing was restored"
                    }
                };
                let is_left = is_left && !matches!(self.goal, Goal::Replaced(_));
                let left = if is_left { "; what is there is left as it is" } else { "" };
                let message = format!("{}: {message}{left}", self.remote.shown());
                Err(EngineError::new(ErrorKind::NotEmpty, message))
            }
            Err(error) => {
                let may_undo = error.kind() != ErrorKind::OutcomeUnknown;
                let is_left = may_undo && self.undo(is_created).await;
                // What was to be replaced was there before.
                if !is_left || matches!(self.goal, Goal::Replaced(_)) {
                    return Err(error);
                }
                let message = format!(
                    "{}: the restore has failed, and somebody else has put something into the database meanwhile: that is left as it is",
                    self.remote.shown()
                );
                Err(EngineError::new(error.kind(), message).with_source(error))
            }
        }
    }

    async fn abandon(&self) -> Result<(), EngineError> {
        let made = self.made.lock().await.take();
        match made {
            Some((inner, _file)) => inner.abandon().await,
            None => Ok(()),
        }
    }
}

/// What is in a database; nothing where there is none.
async fn found(remote: &Remote) -> Result<Option<Found>, EngineError> {
    match Found::read(remote).await {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Removes what a restore has left that was cut off: that of a token, or whichever it is. One that has ended meanwhile stays.
async fn clear(
    remote: &Arc<Remote>,
    surroundings: &Surroundings,
    found: Found,
    of: Option<&str>,
) -> Result<(), EngineError> {
    let guards: Vec<String> = Marker::Made.is_there(of).iter().map(|condition| unless(condition)).collect();
    let statements = dropping(&found, surroundings.temporary.as_deref()).await?;
    let (mut packer, steps) = Packer::new(remote.room());
    let composing = blocking(move || {
        guards.into_iter().chain(statements).try_for_each(|sql| packer.add(sql))?;
        // There is a step in any case, whose end removes the marker.
        packer.add(NOTHING.to_owned())?;
        packer.end()
    });
    let sending = Sending {
        remote,
        marker: Marker::Made,
        token: token(remote, surroundings),
        start: Start::Other(found),
        around: (Vec::new(), Vec::new()),
        is_one: false,
        stop: CancellationToken::new(),
    };
    let (composed, sent) = tokio::join!(composing, sending.all(steps));
    match (composed, sent) {
        (_, Err(Broken { error: Some(error), .. })) | (Err(error), Err(_) | Ok(Sent::Done)) => Err(error),
        (Ok(()), Ok(Sent::Done)) => Ok(()),
        (_, Ok(Sent::Moved { .. })) | (Ok(()), Err(_)) => {
            let message = format!("{}: somebody else is clearing it", remote.shown());
            Err(EngineError::new(ErrorKind::Busy, message))
        }
    }
}
