//! A few connections that are opened when they are needed and handed round.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::cancel_guard;
use super::server::Server;
use super::session::Session;
use crate::{EngineError, ErrorKind};

/// Connections to one server that were all prepared in the same way.
pub(crate) struct Pool {
    server: Server,
    sessions: Sessions,
    permits: Arc<Semaphore>,
    idle: Mutex<Vec<Session>>,
}

/// What the connections of a pool are.
enum Sessions {
    /// Opened when they are needed; this is run on each.
    Opened(String),
    /// One, with a transaction in which something is made: once it is cut there is no other.
    Transaction,
    /// One, with a transaction that only reads, and cannot be cut: what was not read to its end is given up, back to this
    /// savepoint.
    Shared(&'static str),
}

impl Pool {
    /// A pool of at most `size` connections; `prepare` is run on each when it is opened.
    pub(crate) fn new(server: Server, prepare: String, size: usize) -> Arc<Self> {
        let permits = Arc::new(Semaphore::new(size));
        Arc::new(Self { server, sessions: Sessions::Opened(prepare), permits, idle: Mutex::default() })
    }

    /// A pool of one connection, in which there is a transaction: once it is cut there is no other.
    pub(crate) fn of_one(server: Server, session: Session) -> Arc<Self> {
        Self::holding(server, session, Sessions::Transaction)
    }

    /// A pool of one connection, in which there is a transaction that only reads, with a savepoint.
    pub(crate) fn shared(server: Server, session: Session, savepoint: &'static str) -> Arc<Self> {
        Self::holding(server, session, Sessions::Shared(savepoint))
    }

    fn holding(server: Server, session: Session, sessions: Sessions) -> Arc<Self> {
        let permits = Arc::new(Semaphore::new(1));
        Arc::new(Self { server, sessions, permits, idle: Mutex::new(vec![session]) })
    }

    /// Lends a connection, waiting for one to come back when all are lent.
    pub(crate) async fn lend(self: &Arc<Self>) -> Result<Lent, EngineError> {
        loop {
            let permit = self.permits.clone().acquire_owned().await.map_err(|_| closed())?;
            match self.session().await {
                Ok(session) => return Ok(self.lent(session, permit)),
                // The server has no room for one more: get along with those that there are.
                Err(error) if error.kind() == ErrorKind::Busy && self.shrink(permit) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Closes every connection that is not lent, and lends no more.
    pub(crate) fn close(&self) {
        self.permits.close();
        self.idle().clear();
    }

    async fn session(&self) -> Result<Session, EngineError> {
        let idle = self.idle().pop();
        if let Some(session) = idle.filter(|session| !session.client.is_closed()) {
            return Ok(session);
        }
        let Sessions::Opened(prepare) = &self.sessions else {
            let message = "the connection was lost, and with it the transaction";
            return Err(EngineError::new(ErrorKind::Unreachable, message));
        };
        let session = self.server.connect().await?;
        session.settle(prepare).await?;
        Ok(session)
    }

    fn lent(self: &Arc<Self>, session: Session, permit: OwnedSemaphorePermit) -> Lent {
        Lent { session: Some(session), pool: self.clone(), permit: Some(permit) }
    }

    /// Makes the pool smaller by one for good, unless nothing would be left of it.
    fn shrink(&self, permit: OwnedSemaphorePermit) -> bool {
        let others = self.permits.available_permits() > 0 || Arc::strong_count(&self.permits) > 2;
        if others {
            permit.forget();
        }
        others
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Session>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn closed() -> EngineError {
    EngineError::new(ErrorKind::Other, "the connections are closed already")
}

/// A connection that was lent.
///
/// Dropped without being given back it is cut, because nobody knows what is still on its way on it. What a transaction
/// holds has to be free soon, so that of one the server is also told to stop. One that is shared cannot be cut, and is got ready
/// again.
pub(crate) struct Lent {
    session: Option<Session>,
    pool: Arc<Pool>,
    permit: Option<OwnedSemaphorePermit>,
}

impl Lent {
    /// Gives it back for others to use; nothing may be on its way on it.
    pub(crate) fn give_back(mut self) {
        if let Some(session) = self.session.take() {
            self.pool.idle().push(session);
        }
    }
}

impl std::ops::Deref for Lent {
    type Target = Session;

    fn deref(&self) -> &Session {
        self.session.as_ref().expect("a lent connection is there until it is given back")
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let Some(session) = self.session.take() else { return };
        match self.pool.sessions {
            Sessions::Opened(_) => session.kill(),
            Sessions::Transaction => cancel_guard::end(&self.pool.server, &session),
            Sessions::Shared(savepoint) => {
                if let (Ok(runtime), Some(permit)) = (Handle::try_current(), self.permit.take()) {
                    runtime.spawn(give_up(self.pool.clone(), session, permit, savepoint));
                }
            }
        }
    }
}

/// Has the server stop what it does on a shared connection, which then is lent again.
async fn give_up(pool: Arc<Pool>, session: Session, permit: OwnedSemaphorePermit, savepoint: &str) {
    let back = format!("ROLLBACK TO SAVEPOINT {savepoint}");
    match cancel_guard::cancel_until(&pool.server, &session, session.try_run(&back)).await {
        Some(Ok(())) => pool.idle().push(session),
        _ => session.kill(),
    }
    drop(permit);
}
