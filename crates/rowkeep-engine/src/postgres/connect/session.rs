//! One connection to a server.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::AbortHandle;
use tokio::time::timeout;
use tokio_postgres::{Client, Connection, SimpleQueryMessage};
use tokio_util::task::TaskTracker;

use super::copy_interceptor::CopyInterceptor;
use super::row::Row;
use super::{failure, settings};
use crate::postgres::copy_text::charset::Charset;
use crate::{EngineError, ErrorKind};

/// How long it is waited at the end for connections to say goodbye.
const PATIENCE: Duration = Duration::from_secs(2);

/// The tasks in which connections work.
static WORKING: LazyLock<TaskTracker> = LazyLock::new(TaskTracker::new);

/// Waits until connections that are not used any more have undone what they left open and said goodbye: a pooler would
/// throw away a connection of the server's that was cut in a transaction, and with it what applications keep there.
pub async fn farewell() {
    WORKING.close();
    let _ = timeout(PATIENCE, WORKING.wait()).await;
}

/// One connection.
///
/// What is run outside of a transaction of ours brings the settings that it needs, and they end with it: the connection may
/// be an application's next. [`settle`](Self::settle) makes it ours.
///
/// Dropped, it undoes a transaction that was not ended and says goodbye once the server has answered what it was asked;
/// [`kill`](Self::kill) does not wait.
pub(crate) struct Session {
    /// The client library's half.
    pub(crate) client: Client,
    /// The server's version as it prints it.
    pub(crate) version: String,
    /// Its major version.
    pub(crate) major: u32,
    /// The encoding of the database.
    pub(crate) encoding: String,
    /// Where rows can be caught before the client library sees them.
    pub(crate) interceptor: Option<CopyInterceptor>,
    /// Whether a pooler lends us a connection of the server's for each transaction.
    is_lent: bool,
    /// What is sent before statements outside of a transaction.
    settings: String,
    /// Whether what is sent needs no settings: in a transaction, or on a connection that is ours.
    is_set: AtomicBool,
    /// Statements that were prepared by name in the transaction that is open, and would stay.
    prepared: Mutex<Vec<String>>,
    driver: AbortHandle,
}

impl Session {
    /// The encoding in which rows cross the connection, where not all of them can as UTF-8.
    pub(crate) fn charset(&self) -> Option<&'static Charset> {
        Charset::of(&self.encoding)
    }

    /// Lets the connection work in a task of its own.
    pub(crate) fn start<S, T>(
        client: Client,
        connection: Connection<S, T>,
        interceptor: Option<CopyInterceptor>,
    ) -> Result<Self, EngineError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let told = |name: &str| match connection.parameter(name) {
            Some(value) => Ok(value.to_owned()),
            None => {
                Err(EngineError::new(ErrorKind::Unsupported, format!("the server does not give its {name}")))
            }
        };
        let (version, encoding) = (told("server_version")?, told("server_encoding")?);
        let major = major(&version)?;
        let driver = tokio::spawn(WORKING.track_future(async move {
            let _ = connection.await;
        }));
        let driver = driver.abort_handle();
        // A stricter level, which a role may have by default, is refused on a standby.
        let level = "SET TRANSACTION ISOLATION LEVEL READ COMMITTED; ";
        let settings = format!("{level}{}", settings::local(&settings::asking(major)));
        Ok(Self {
            is_lent: false,
            client,
            version,
            major,
            encoding,
            interceptor,
            settings,
            is_set: AtomicBool::new(false),
            prepared: Mutex::default(),
            driver,
        })
    }

    /// Says that a pooler lends us a connection of the server's for each transaction.
    pub(crate) fn lent(mut self) -> Self {
        self.is_lent = true;
        // What is caught can only be left by cutting the connection, and the pooler would throw away the server's with it.
        self.interceptor = None;
        self
    }

    /// In a transaction on a connection that is lent, keeps clear of statements that an application has prepared on it.
    ///
    /// The client library names its own `s0`, `s1`, ... as long as the process lives, and takes a name before it looks whether the
    /// statement can be sent at all. Each is closed again within the transaction.
    pub(crate) async fn avoid_prepared(&self) -> Result<(), EngineError> {
        if !self.is_lent {
            return Ok(());
        }
        let last = "SELECT max(substr(name, 2)::int) FROM pg_catalog.pg_prepared_statements WHERE name ~ '^s[0-9]{1,6}$'";
        let last = self.value("cannot list the prepared statements", last).await?;
        for _ in 0..=last.and_then(|last| last.parse::<u32>().ok()).map_or(0, |last| last + 1) {
            let unsendable = "\0";
            let _ = self.client.prepare(unsendable).await;
        }
        Ok(())
    }

    /// Makes the connection ours for as long as it lasts, with these settings.
    pub(crate) async fn settle(&self, settings: &str) -> Result<(), EngineError> {
        self.enter(settings).await.map_err(cannot_prepare)
    }

    /// Begins a transaction, in which these settings are made; `mode` is its isolation and so on.
    pub(crate) async fn begin(&self, mode: &str, settings: &str) -> Result<(), EngineError> {
        self.try_begin(mode, settings).await.map_err(cannot_prepare)
    }

    /// The same, with the server's error as it is.
    pub(crate) async fn try_begin(&self, mode: &str, settings: &str) -> Result<(), tokio_postgres::Error> {
        self.enter(&format!("BEGIN {mode}; {settings}")).await
    }

    async fn enter(&self, sql: &str) -> Result<(), tokio_postgres::Error> {
        self.is_set.store(true, Ordering::Relaxed);
        self.client.batch_execute(sql).await
    }

    /// Notes that a statement is being prepared by name in a transaction, to be taken back with it.
    pub(crate) fn note_prepared(&self, name: String) {
        self.prepared().push(name);
    }

    /// Takes back the statements that were noted.
    pub(crate) async fn forget_prepared(&self) -> Result<(), EngineError> {
        let forget = deallocations(&std::mem::take(&mut *self.prepared()));
        self.prepare(&forget).await
    }

    fn prepared(&self) -> MutexGuard<'_, Vec<String>> {
        self.prepared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends a transaction by `COMMIT` or `ROLLBACK`.
    pub(crate) async fn end(&self, how: &str) -> Result<(), tokio_postgres::Error> {
        let ended = self.client.batch_execute(how).await;
        self.is_set.store(false, Ordering::Relaxed);
        ended
    }

    /// Runs statements that prepare a transaction for its work.
    pub(crate) async fn prepare(&self, sql: &str) -> Result<(), EngineError> {
        self.try_run(sql).await.map_err(cannot_prepare)
    }

    /// Runs statements whose results do not matter; the server's error is given as it is.
    pub(crate) async fn try_run(&self, sql: &str) -> Result<(), tokio_postgres::Error> {
        self.client.batch_execute(&self.with_settings(sql)).await
    }

    fn with_settings<'a>(&self, sql: &'a str) -> Cow<'a, str> {
        match self.is_set.load(Ordering::Relaxed) {
            true => Cow::Borrowed(sql),
            false => Cow::Owned(format!("{}{sql}", self.settings)),
        }
    }

    /// Reads a small result; `what` says for an error what was being done.
    pub(crate) async fn rows(&self, what: &str, sql: &str) -> Result<Vec<Row>, EngineError> {
        self.try_rows(sql).await.map_err(|error| failure::failed(what, error))
    }

    /// The same, with the server's error as it is.
    pub(crate) async fn try_rows(&self, sql: &str) -> Result<Vec<Row>, tokio_postgres::Error> {
        let mut rows = Vec::new();
        for message in self.client.simple_query(&self.with_settings(sql)).await? {
            if let SimpleQueryMessage::Row(row) = message {
                let values = (0..row.len()).map(|at| Ok(row.try_get(at)?.map(str::to_owned)));
                rows.push(values.collect::<Result<Row, tokio_postgres::Error>>()?);
            }
        }
        Ok(rows)
    }

    /// Reads one value, which is null when there is no row.
    pub(crate) async fn value(&self, what: &str, sql: &str) -> Result<Option<String>, EngineError> {
        let mut rows = self.rows(what, sql).await?;
        Ok(rows.first_mut().and_then(|row| row.first_mut()).and_then(Option::take))
    }

    /// Cuts the connection, whatever is on its way.
    pub(crate) fn kill(&self) {
        self.driver.abort();
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if self.is_set.load(Ordering::Relaxed) {
            // Asked for at once, answered before the goodbye.
            let undo = format!("ROLLBACK; {}", deallocations(&self.prepared()));
            let _ = self.client.batch_execute(&undo).now_or_never();
        }
    }
}

fn deallocations(names: &[String]) -> String {
    names.iter().map(|name| format!("DEALLOCATE {name}; ")).collect()
}

fn cannot_prepare(error: tokio_postgres::Error) -> EngineError {
    failure::failed("cannot prepare the connection", error)
}

/// The major version in what a server says of its version: `15.4 (Debian 15.4-1)`, `19beta1`.
fn major(version: &str) -> Result<u32, EngineError> {
    let digits = version.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
    digits.parse().map_err(|_| {
        EngineError::new(
            ErrorKind::Unsupported,
            format!("the server says that its version is {version:?}, which names no major version"),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_or_refused() {
        for (version, expected) in
            [("15.4 (Debian 15.4-1)", 15), ("18.0", 18), ("19beta1", 19), ("9.6.24", 9)]
        {
            assert_eq!(major(version).expect("a version"), expected, "{version}");
        }
        for version in ["", "PostgreSQL 15", ".5", "99999999999"] {
            let error = major(version).expect_err("no version");
            assert_eq!(error.kind(), ErrorKind::Unsupported);
            assert!(error.to_string().contains(&format!("{version:?}")), "{error}");
        }
    }
}
