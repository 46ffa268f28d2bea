//! One connection to a server.

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::AbortHandle;
use tokio_postgres::{Client, Connection, SimpleQueryMessage};

use super::copy_interceptor::CopyInterceptor;
use super::failure;
use super::row::Row;
use crate::{EngineError, ErrorKind};

/// One connection.
///
/// Dropped, it says goodbye once the server has answered what it was asked; [`kill`](Self::kill) does not wait.
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
    driver: AbortHandle,
}

impl Session {
    /// Lets the connection work in a task of its own.
    pub(crate) fn begin<S, T>(
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
        let driver = tokio::spawn(async move {
            let _ = connection.await;
        });
        let driver = driver.abort_handle();
        Ok(Self { client, version, major, encoding, interceptor, driver })
    }

    /// Runs statements that prepare the connection for its work.
    pub(crate) async fn prepare(&self, sql: &str) -> Result<(), EngineError> {
        self.try_run(sql).await.map_err(|error| failure::failed("cannot prepare the connection", error))
    }

    /// Runs statements whose results do not matter; the server's error is given as it is.
    pub(crate) async fn try_run(&self, sql: &str) -> Result<(), tokio_postgres::Error> {
        self.client.batch_execute(sql).await
    }

    /// Reads a small result; `what` says for an error what was being done.
    pub(crate) async fn rows(&self, what: &str, sql: &str) -> Result<Vec<Row>, EngineError> {
        self.try_rows(sql).await.map_err(|error| failure::failed(what, error))
    }

    /// The same, with the server's error as it is.
    pub(crate) async fn try_rows(&self, sql: &str) -> Result<Vec<Row>, tokio_postgres::Error> {
        let mut rows = Vec::new();
        for message in self.client.simple_query(sql).await? {
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
