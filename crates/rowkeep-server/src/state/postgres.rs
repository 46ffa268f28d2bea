//! The state in a schema of PostgreSQL.
//!
//! A service has one connection, whose lock keeps every other process out for as long as it lasts. So nobody else writes, and transactions
//! need no stricter isolation than `READ COMMITTED`. When the connection is lost, nothing is done until the lock is held again; by then the
//! server has ended what the lost connection was doing, so that `written` says for certain whether a commit that was not answered
//! counts. It goes on only where no other service has had the state meanwhile.

mod link;
mod lock;
mod tables;

use std::sync::Arc;
use std::time::{Duration, Instant};

use rowkeep::clock::Clock;
use rowkeep::engine::postgres::OwnDatabase;
use rowkeep::engine::{EngineError, ErrorKind};
use tokio::runtime::Handle;
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::failure::{self, Failure};
use super::statements::Statements;
use super::transaction::Transaction;
use super::trouble::is_full;
use super::version::VERSION;
use crate::Error;
use link::{Link, Unlinked};
use lock::Backend;
use tables::Found;

/// For how long whoever wants something of the state waits for a connection that was lost.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long it is waited before it is connected again, at first; every time twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// The longest of these.
const LAST_PAUSE: Duration = Duration::from_secs(5);

/// For how long a server may let it wait.
const CONNECTING: Duration = Duration::from_secs(10);

/// The state of one service on a server.
pub(super) struct OnServer {
    database: OwnDatabase,
    /// The random name of the service; none of what only reads.
    service: String,
    linked: Mutex<Linked>,
    clock: Arc<dyn Clock>,
    runtime: Handle,
    /// Cancelled when the service ends, and waits for nothing any more.
    ending: CancellationToken,
}

/// Whether there is a connection.
enum Linked {
    Up(Box<Link>),
    Away(Away),
    /// For ever: another service has the state, or it is another.
    Lost(&'static str),
}

/// A connection that was lost.
struct Away {
    /// The process of the server that worked for it.
    backend: Backend,
    /// The number of the last transaction that wrote.
    written: i64,
    /// Not to be tried before.
    next: Instant,
    pause: Duration,
    problem: String,
}

impl OnServer {
    /// Takes the state for this process alone, and brings its tables to the newest version; where there are none, they are made.
    /// `service` is a name that no other service has.
    pub(super) async fn open(
        database: &OwnDatabase,
        service: String,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        let link = Self::linked(database).await?;
        let on_server = Self::new(database, service, clock, link);
        on_server.migrate("").await?;
        Ok(on_server)
    }

    /// The same of a state that has to be there, and of which nothing is changed.
    pub(super) async fn existing(database: &OwnDatabase, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        let link = Self::linked(database).await?;
        match link.found {
            Found::State { .. } => Ok(Self::new(database, link.service.clone(), clock, link)),
            _ => Err(Error::NoState { place: database.to_string() }),
        }
    }

    /// The same of one that is to be made, with nothing in it, where there is none yet.
    pub(super) async fn vacant(database: &OwnDatabase, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        let link = Self::linked(database).await?;
        match link.found {
            Found::Nothing => Ok(Self::new(database, String::new(), clock, link)),
            _ => Err(Error::StateExists { place: database.to_string() }),
        }
    }

    fn new(database: &OwnDatabase, service: String, clock: Arc<dyn Clock>, link: Link) -> Self {
        Self {
            database: database.clone(),
            service,
            linked: Mutex::new(Linked::Up(Box::new(link))),
            clock,
            runtime: Handle::current(),
            ending: CancellationToken::new(),
        }
    }

    async fn linked(database: &OwnDatabase) -> Result<Link, Error> {
        let place = || database.to_string();
        Link::make(database, None).await.map_err(|unlinked| match unlinked {
            Unlinked::InUse { .. } => Error::InUse { place: place() },
            Unlinked::Newer { version } => Error::NewerState { place: place(), version, known: VERSION },
            Unlinked::OtherSchema { schema } => Error::OtherSchema { place: place(), schema },
            Unlinked::Failed(error) => Error::State { place: place(), source: error.into() },
        })
    }

    /// Has nothing wait any longer for a server that is away.
    pub(super) fn give_up(&self) {
        self.ending.cancel();
    }

    /// Makes or changes the tables, runs more statements, and notes whose the state is, all or nothing.
    async fn migrate(&self, more: &str) -> Result<(), Error> {
        let mut linked = self.linked.lock().await;
        let Linked::Up(link) = &mut *linked else { return Err(self.lost("the connection was lost")) };
        let from = match link.found {
            Found::State { version } => version,
            _ => 0,
        };
        let migration = match from < VERSION {
            true => tables::migration(&link.schema, from),
            false => String::new(),
        };
        // Hexadecimal digits.
        let service = &self.service;
        let statements =
            format!("BEGIN; {migration} {more} UPDATE rowkeep_state SET service = '{service}'; COMMIT");
        let done = link.connection.client().batch_execute(&statements).await;
        done.map_err(|error| {
            let error = link.connection.failed("the tables of the state cannot be made", error);
            Error::State { place: self.database.to_string(), source: error.into() }
        })?;
        (link.found, link.service) = (Found::State { version: VERSION }, service.clone());
        Ok(())
    }

    /// Makes the tables, and fills them, all or nothing.
    pub(super) fn fill(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> failure::Result<()>,
    ) -> Result<(), Error> {
        let mut linked = self.runtime.block_on(self.linked.lock());
        let Linked::Up(link) = &mut *linked else { return Err(self.lost("the connection was lost")) };
        let statements = Statements::new(&link.connection, &link.prepared, self.runtime.clone());
        let fill = || -> failure::Result<()> {
            statements.run(&format!("BEGIN; {}", tables::migration(&link.schema, 0)))?;
            work(&Transaction::of_postgres(&statements))?;
            Ok(statements.run("COMMIT")?)
        };
        // What was not committed is undone with the connection.
        fill().map_err(|failure| self.failed(failure))
    }

    /// Does something in one transaction, which counts when it gives no error. To be called where threads may wait.
    pub(super) fn transaction<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> failure::Result<T>,
    ) -> Result<T, Error> {
        let mut linked = self.runtime.block_on(self.reached())?;
        let Linked::Up(link) = &mut *linked else { return Err(self.lost("the connection was lost")) };
        let statements = Statements::new(&link.connection, &link.prepared, self.runtime.clone());
        let written = link.written + 1;
        let done = statements
            .run("BEGIN")
            .map_err(Failure::from)
            .and_then(|()| work(&Transaction::of_postgres(&statements)));
        let (done, failure) = match done {
            Ok(done) if !statements.has_written.get() => (Some(done), statements.run("COMMIT").err()),
            Ok(done) => {
                let commit = format!("UPDATE rowkeep_state SET written = {written}; COMMIT");
                match statements.run(&commit) {
                    Ok(()) => {
                        link.written = written;
                        (Some(done), None)
                    }
                    Err(error) if is_refused(&statements, &error) => return Err(self.failed(error.into())),
                    Err(error) => {
                        self.lose(&mut linked, &error);
                        // Whoever asked has to know whether it counts.
                        return self.runtime.block_on(self.settled(&mut linked, written)).map(|()| done);
                    }
                }
            }
            Err(failure) => {
                let undone = statements.run("ROLLBACK");
                return match (failure, undone) {
                    (_, Err(error)) => {
                        self.lose(&mut linked, &error);
                        Err(self.away(&rowkeep::format::in_one_line(&error)))
                    }
                    (failure, Ok(())) => Err(self.failed(failure)),
                };
            }
        };
        // What was read is what it was, whatever came then.
        if let Some(error) = failure {
            self.lose(&mut linked, &error);
        }
        done.ok_or_else(|| self.away("the connection was lost"))
    }

    /// Notes that the connection was lost.
    fn lose(&self, linked: &mut Linked, error: &EngineError) {
        let Linked::Up(link) = &*linked else { return };
        link.connection.cut();
        let problem = rowkeep::format::in_one_line(error);
        tracing::warn!("the state {} is away: {problem}; nothing is begun until it is back", self.database);
        *linked = Linked::Away(Away {
            backend: link.backend.clone(),
            written: link.written,
            next: self.clock.instant(),
            pause: FIRST_PAUSE,
            problem,
        });
    }

    /// The connection, or that it is away for longer than anybody waits.
    async fn reached(&self) -> Result<MutexGuard<'_, Linked>, Error> {
        let Ok(mut linked) = timeout(PATIENCE, self.linked.lock()).await else {
            return Err(self.away("what was asked before waits for it"));
        };
        let mut waited = Duration::ZERO;
        loop {
            self.link_again(&mut linked).await;
            match &*linked {
                Linked::Up(_) => return Ok(linked),
                Linked::Lost(why) => return Err(self.lost(why)),
                Linked::Away(away) if waited + away.pause > PATIENCE => return Err(self.away(&away.problem)),
                Linked::Away(away) => {
                    let pause = away.next.saturating_duration_since(self.clock.instant()).min(away.pause);
                    waited += pause;
                    sleep(pause).await;
                }
            }
        }
    }

    /// Whether the transaction counts whose commit was not answered: waits until the server says so.
    async fn settled(&self, linked: &mut Linked, number: i64) -> Result<(), Error> {
        loop {
            self.link_again(linked).await;
            let (pause, problem) = match &*linked {
                Linked::Up(link) if link.written == number => return Ok(()),
                Linked::Up(_) => return Err(self.away("the connection was lost before anything was written")),
                Linked::Lost(why) => return Err(self.lost(why)),
                Linked::Away(away) => (away.pause, &away.problem),
            };
            tokio::select! {
                () = sleep(pause) => {}
                () = self.ending.cancelled() => {
                    return Err(self.away(&format!("{problem}; the next start looks what was written")));
                }
            }
        }
    }

    /// Connects again where the connection was lost and it is time to.
    async fn link_again(&self, linked: &mut Linked) {
        let Linked::Away(away) = &mut *linked else { return };
        if self.clock.instant() < away.next {
            return;
        }
        let made = timeout(CONNECTING, Link::make(&self.database, Some(&away.backend))).await;
        let problem = match made {
            Ok(Ok(link)) if link.service != self.service => {
                return self.lose_for_ever(linked, "another service has had it meanwhile");
            }
            Ok(Ok(link)) if link.written != away.written && link.written != away.written + 1 => {
                return self.lose_for_ever(
                    linked,
                    "it is older than it was: the server has lost what it had committed",
                );
            }
            Ok(Ok(link)) => {
                tracing::info!("the state {} is back", self.database);
                *linked = Linked::Up(Box::new(link));
                return;
            }
            Ok(Err(Unlinked::InUse { service: Some(service) })) if service != self.service => {
                return self.lose_for_ever(linked, "another service has it");
            }
            Ok(Err(Unlinked::InUse { .. })) => "another process holds its lock".to_owned(),
            Ok(Err(Unlinked::Newer { .. })) => {
                return self.lose_for_ever(linked, "a newer version has changed its tables");
            }
            Ok(Err(Unlinked::OtherSchema { .. })) => {
                return self.lose_for_ever(linked, "its tables are not there any more");
            }
            Ok(Err(Unlinked::Failed(error))) => rowkeep::format::in_one_line(&error),
            Err(_) => format!("the server does not answer within {} seconds", CONNECTING.as_secs()),
        };
        away.problem = problem;
        away.pause = (away.pause * 2).min(LAST_PAUSE);
        away.next = self.clock.instant() + away.pause;
    }

    fn lose_for_ever(&self, linked: &mut Linked, why: &'static str) {
        tracing::error!(
            "the state {} is lost to this service: {why}; nothing is done any more until it is started again",
            self.database
        );
        *linked = Linked::Lost(why);
    }

    fn lost(&self, why: &str) -> Error {
        Error::StateLost { place: self.database.to_string(), why: why.to_owned() }
    }

    fn away(&self, why: &str) -> Error {
        Error::StateAway { place: self.database.to_string(), why: why.to_owned() }
    }

    fn failed(&self, failure: Failure) -> Error {
        let place = self.database.to_string();
        match is_full(&failure) {
            true => Error::StateFull { place },
            false => Error::State { place, source: failure.into() },
        }
    }
}

/// Whether the server has refused to commit, and is still there.
fn is_refused(statements: &Statements<'_>, error: &EngineError) -> bool {
    error.kind() != ErrorKind::Unreachable && statements.run("ROLLBACK").is_ok()
}
