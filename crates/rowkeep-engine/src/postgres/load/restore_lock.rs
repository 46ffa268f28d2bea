//! The beginning of a restore: the database is there, and no other restore into it is under way.

use std::sync::Arc;

use rowkeep_format::Schema;
use tokio_util::sync::CancellationToken;

use super::notes::Notes;
use super::{database, marker};
use crate::apply::stopped;
use crate::postgres::catalog::facts::Database;
use crate::postgres::connect::address::Address;
use crate::postgres::connect::cancel_guard;
use crate::postgres::connect::server::Server;
use crate::postgres::connect::session::Session;
use crate::postgres::connect::{pooling, settings};
use crate::postgres::schema::ddl;
use crate::{Contents, EngineError, ErrorKind};

/// A database that nobody else restores into, before anything is done with it.
pub(crate) struct RestoreLock {
    /// The machine that answered.
    pub(crate) server: Server,
    /// Holds the lock that says that a restore is under way.
    pub(crate) control: Session,
    /// What is not as it was, so far.
    pub(crate) notes: Notes,
    /// Whether the database was not there.
    pub(crate) made: bool,
}

impl RestoreLock {
    /// Connects to the database, which is made where it is missing, and keeps other restores away. When that fails or it
    /// is to stop, the database is as it was; one to which there is no connection after it was made stays, empty.
    pub(crate) async fn new(
        address: &Arc<Address>,
        schema: &Schema,
        stop: &CancellationToken,
    ) -> Result<Self, EngineError> {
        if schema.engine != ddl::ENGINE {
            return Err(EngineError::new(
                ErrorKind::Unsupported,
                format!("a PostgreSQL database cannot be made from the schema of {}", schema.engine),
            ));
        }
        if schema.ddl(ddl::BEFORE).is_empty() {
            return Err(EngineError::new(
                ErrorKind::Unsupported,
                "a database cannot be made from a backup of data alone: it has no schema",
            ));
        }
        let notes = Notes::default();
        let (server, control, made) = reach_or_make(address, schema.ddl(ddl::DATABASE), &notes, stop).await?;
        server.refuse_pooler(pooling::MAKING)?;
        let lock = Self { server, control, notes, made };
        match stop.run_until_cancelled(lock.take(address)).await.unwrap_or_else(|| Err(stopped())) {
            Ok(()) => Ok(lock),
            Err(error) => {
                lock.undo().await;
                Err(error)
            }
        }
    }

    async fn take(&self, address: &Address) -> Result<(), EngineError> {
        self.control.settle(&settings::to_load(self.control.major)).await?;
        match marker::lock(&self.control).await? {
            true => Ok(()),
            false => {
                let message = format!("another restore into {address} is under way");
                Err(EngineError::new(ErrorKind::Busy, message))
            }
        }
    }

    /// Gives the lock up before anything was done with it, and drops a database that was made. What goes wrong then matters
    /// less than why it is given up.
    pub(crate) async fn undo(self) {
        // It may have been in the middle of something.
        let _ =
            cancel_guard::cancel_until(&self.server, &self.control, self.control.try_run("ROLLBACK")).await;
        if self.made && self.is_untouched().await.unwrap_or(false) {
            // Ends the session as well, which keeps others away until then.
            let _ = database::drop(&self.server).await;
        }
    }

    /// Whether nobody else does anything with a database that was just made, or has.
    async fn is_untouched(&self) -> Result<bool, EngineError> {
        if !marker::try_lock(&self.control).await? {
            return Ok(false);
        }
        Ok(!matches!(database::contents(&self.control).await?, Contents::Occupied(_)))
    }
}

async fn reach_or_make(
    address: &Arc<Address>,
    options: &str,
    notes: &Notes,
    stop: &CancellationToken,
) -> Result<(Server, Session, bool), EngineError> {
    match stop.run_until_cancelled(Server::reach(address)).await.ok_or_else(stopped)? {
        Ok((server, session)) => return Ok((server, session, false)),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let (server, note) = database::make(address, options, stop).await?;
    if let Some(note) = note {
        notes.add(note);
    }
    let session = server.connect().await?;
    Ok((server, session, true))
}

/// Notes when the database, which was there before, has another encoding than the one that was backed up.
pub(crate) async fn compare_encoding(
    session: &Session,
    wanted: &str,
    notes: &Notes,
) -> Result<(), EngineError> {
    let has = Database::read(session).await?.options();
    let encoding = |options: &str| options.split(" L").next().unwrap_or_default().to_owned();
    if !wanted.is_empty() && encoding(wanted) != encoding(&has) {
        notes.add(format!(
            "the database has {}, and the one that was backed up had {}",
            encoding(&has),
            encoding(wanted)
        ));
    }
    Ok(())
}
