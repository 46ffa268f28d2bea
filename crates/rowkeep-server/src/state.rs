//! The state of the service: jobs, marks of schedules, tokens, users and their sessions, the audit, alerts. It is in a file of SQLite, or in
//! a schema of PostgreSQL.

#[macro_use]
mod value;

pub(crate) mod additions;
pub(crate) mod audit;
pub(crate) mod chain;
pub(crate) mod channels;
pub(crate) mod copy;
pub(crate) mod deliveries;
pub(crate) mod durations;
pub(crate) mod failure;
pub(crate) mod incidents;
pub(crate) mod jobs;
pub(crate) mod kept;
pub(crate) mod key;
pub(crate) mod marks;
pub(crate) mod period;
pub(crate) mod place;
mod postgres;
pub(crate) mod remembered;
pub(crate) mod runs;
pub(crate) mod sessions;
mod sqlite;
mod statements;
pub(crate) mod storage;
pub(crate) mod stored;
pub(crate) mod tokens;
pub(crate) mod transaction;
mod transfer;
pub(crate) mod trouble;
pub(crate) mod users;
pub(crate) mod version;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use secrecy::{ExposeSecret, SecretBox};

use crate::Error;
use copy::{Copy, Luggage};
use key::{KEY_BYTES, Key};
use place::{Of, StatePlace};
use postgres::OnServer;
use sqlite::InFile;
use transaction::Transaction;
use trouble::{Room, Trouble};

/// The state, shared by all who hold it.
#[derive(Clone)]
pub(crate) struct State {
    place: Arc<StatePlace>,
    kind: Kind,
    changes: Arc<AtomicU64>,
    room: Arc<Room>,
    key: Arc<Option<Key>>,
}

#[derive(Clone)]
enum Kind {
    File(Arc<InFile>),
    Server(Arc<OnServer>),
}

impl State {
    /// Opens the state, which is made where there is none, for this process alone. `fresh` becomes its key where there is none yet; `service`
    /// is a name that no other process has.
    pub(crate) async fn open(
        place: &StatePlace,
        fresh: [u8; KEY_BYTES],
        service: String,
    ) -> Result<Self, Error> {
        let kind = match &place.of {
            Of::File(path) => Kind::file(path, InFile::open).await?,
            Of::Database { database, clock } => {
                Kind::Server(Arc::new(OnServer::open(database, service, Arc::clone(clock)).await?))
            }
        };
        let (place, changes) = (Arc::new(place.clone()), Arc::default());
        let state = Self { place, kind, changes, room: Arc::default(), key: Arc::default() };
        let key = state.settled_key(fresh).await?;
        Ok(Self { key: Arc::new(Some(key)), ..state })
    }

    /// Opens the state of a service that does not run; nothing is made where there is none, and no secret in it can be read.
    pub(crate) async fn existing(place: &StatePlace) -> Result<Self, Error> {
        let kind = match &place.of {
            Of::File(path) => Kind::file(path, InFile::existing).await?,
            Of::Database { database, clock } => {
                Kind::Server(Arc::new(OnServer::existing(database, Arc::clone(clock)).await?))
            }
        };
        let place = Arc::new(place.clone());
        Ok(Self { place, kind, changes: Arc::default(), room: Arc::default(), key: Arc::default() })
    }

    /// Makes a state on a server out of the tables in a file of SQLite, all of it or nothing.
    pub(crate) async fn make_from(place: &StatePlace, file: &Path) -> Result<(), Error> {
        let Of::Database { database, clock } = &place.of else { return Ok(()) };
        let made = OnServer::vacant(database, Arc::clone(clock)).await?;
        let file = file.to_owned();
        waited_for(move || made.fill(|state| transfer::from_file(&file, state))).await
    }

    /// Fails where a state is already.
    pub(crate) async fn refuse_existing(place: &StatePlace) -> Result<(), Error> {
        match &place.of {
            Of::File(path) if path.exists() => Err(Error::StateExists { place: path.display().to_string() }),
            Of::File(_) => Ok(()),
            Of::Database { database, clock } => OnServer::vacant(database, Arc::clone(clock)).await.map(drop),
        }
    }

    /// The key in its file, which is made where there is none; that is an error where the state has secrets that another has sealed.
    async fn settled_key(&self, fresh: [u8; KEY_BYTES]) -> Result<Key, Error> {
        let path = self.place.key_file();
        let known = key::read(path)?;
        let is_there = known.is_some();
        let key = known.unwrap_or_else(|| SecretBox::new(Box::new(fresh)));
        let mark = key::mark(key.expose_secret());
        if !self.transaction(move |state| key::settle(state, mark)).await? {
            let (place, path) = (self.place.to_string(), path.to_owned());
            return Err(Error::OtherKey { place, path, is_there });
        }
        if !is_there {
            key::write(path, &key)?;
        }
        Ok(key)
    }

    /// What seals the secrets in it.
    pub(crate) fn key(&self) -> Result<&[u8; KEY_BYTES], Error> {
        let key = self.key.as_ref().as_ref();
        key.map(|key| key.expose_secret()).ok_or_else(|| Error::Content("its key was not read".to_owned()))
    }

    /// Does something in one transaction, which counts when it gives no error; where it gives one, nothing of it counts.
    pub(crate) async fn transaction<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> failure::Result<T> + Send + 'static,
    ) -> Result<T, Error> {
        let (kind, changes, room) = (self.kind.clone(), Arc::clone(&self.changes), Arc::clone(&self.room));
        waited_for(move || {
            let has_changed = AtomicBool::new(false);
            let noted = |state: &Transaction<'_>| {
                let done = work(state);
                has_changed.store(state.has_changed(), Ordering::SeqCst);
                done
            };
            let done = match kind {
                Kind::File(file) => file.transaction(noted),
                Kind::Server(server) => server.transaction(noted),
            };
            if has_changed.load(Ordering::SeqCst) {
                changes.fetch_add(1, Ordering::SeqCst);
            }
            match &done {
                Ok(_) if has_changed.load(Ordering::SeqCst) => room.note_written(),
                Err(Error::StateFull { .. }) => room.note_full(),
                _ => {}
            }
            done
        })
        .await
    }

    /// Another number after each change. No other process has the state, so what was read at a number holds as long as that is the
    /// number: what changes it is answered only after the number changed. Of a state on a server it is another each time: whoever
    /// has it may have lost it to another service.
    pub(crate) fn changes(&self) -> u64 {
        match &self.kind {
            Kind::File(_) => self.changes.load(Ordering::SeqCst),
            Kind::Server(_) => self.changes.fetch_add(1, Ordering::SeqCst) + 1,
        }
    }

    /// What is wrong with it, as far as that is known: that its file is another one, or that its disk was full when something was to be written.
    pub(crate) fn trouble(&self) -> Option<Trouble> {
        let displaced = match &self.kind {
            Kind::File(file) => file.displaced(),
            Kind::Server(_) => None,
        };
        displaced.or_else(|| self.room.is_full().then_some(Trouble::Full))
    }

    /// The folder of its file, where it is in one.
    pub(crate) fn folder(&self) -> Option<&Path> {
        match &self.place.of {
            Of::File(path) => path.parent(),
            Of::Database { .. } => None,
        }
    }

    /// Copies all of it but sessions, with what is taken along, into a file beside it.
    pub(crate) async fn copy(&self, luggage: Luggage) -> Result<Copy, Error> {
        let path = self.place.beside(".copy");
        let kind = self.kind.clone();
        waited_for(move || match kind {
            Kind::File(file) => {
                let made = copy::of_file(&file.connection(), path.clone(), &luggage);
                made.map_err(|failure| Error::State {
                    place: path.display().to_string(),
                    source: failure.into(),
                })
            }
            Kind::Server(server) => {
                server.transaction(move |state| transfer::into_file(state, path, &luggage))
            }
        })
        .await
    }

    /// Has nothing wait any longer for a state that is away.
    pub(crate) fn give_up(&self) {
        if let Kind::Server(server) = &self.kind {
            server.give_up();
        }
    }
}

impl Kind {
    async fn file(path: &Path, open: fn(&Path) -> Result<InFile, Error>) -> Result<Self, Error> {
        let path = path.to_owned();
        Ok(Self::File(Arc::new(waited_for(move || open(&path)).await?)))
    }
}

/// Does something for which a thread has to wait.
async fn waited_for<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(work).await;
    match done {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The process ends. A job that waited for ever would keep it from that, for its thread is waited for.
            Err(_) => Err(rowkeep::Error::Cancelled.into()),
        },
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[test]
    fn nobody_waits_for_a_thread_that_does_not_begin_any_more() {
        let runtime = tokio::runtime::Runtime::new().expect("it is made");
        let handle = runtime.handle().clone();
        runtime.shutdown_background();
        let _within = handle.enter();
        let ended = waited_for(|| Ok(())).now_or_never();
        assert!(matches!(ended, Some(Err(Error::Job(rowkeep::Error::Cancelled)))), "{ended:?}");
    }
}
