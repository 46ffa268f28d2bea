//! Poolers between us and the server, which lend its connections to their clients.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf, duplex};
use tokio::time::timeout;
use tokio_postgres::tls::{ChannelBinding, TlsConnect, TlsStream};

use super::failure::failed;
use super::session::Session;
use crate::{EngineError, ErrorKind};

/// For how long a connection of the server's is lent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pooling {
    /// There is no pooler.
    None,
    /// For as long as we are connected.
    Session,
    /// For a transaction.
    Transaction,
}

/// How often it is looked which connections of the server two of ours are given. Beside a busy application, each may be given
/// its own for some time by chance.
const LOOKS: usize = 20;

/// How long a second connection is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

const PROCESS: &str = "SELECT pg_catalog.pg_backend_pid()";

/// Finds out whether there is a pooler, and how it works.
///
/// A server tells a client the number of the process that serves it, for cancelling; a pooler tells a number of its own. With
/// one, two connections are given the same process of the server, or one of them another than before, only when they are
/// given one for each transaction. What cannot be found out in time is taken for that. `other` opens the second one.
pub(crate) async fn find(
    session: &Session,
    other: impl Future<Output = Result<Session, EngineError>>,
) -> Result<Pooling, EngineError> {
    let what = "cannot ask which process of the server this is";
    let process = session.value(what, PROCESS).await?;
    if told_process(session).await.is_some_and(|told| process.as_deref() == Some(&told.to_string())) {
        return Ok(Pooling::None);
    }
    let looking = async {
        let other = other.await?;
        let first = process_of_transaction(session).await?;
        for _ in 0..LOOKS {
            // Twice in a row, for a pooler that lends them in turn could give each of ours its own for ever.
            let one = process_of_transaction(session).await?;
            let again = process_of_transaction(session).await?;
            let two = process_of_transaction(&other).await?;
            if one != first || again != first || two == first {
                return Ok(Pooling::Transaction);
            }
        }
        Ok(Pooling::Session)
    };
    match timeout(PATIENCE, looking).await {
        Ok(found) => found,
        Err(_) => {
            session.end("ROLLBACK").await.map_err(|error| failed(what, error))?;
            Ok(Pooling::Transaction)
        }
    }
}

async fn process_of_transaction(session: &Session) -> Result<Option<String>, EngineError> {
    let what = "cannot begin a transaction through the pooler";
    let asked = async {
        session.try_begin("READ ONLY", "").await?;
        let rows = session.try_rows(PROCESS).await?;
        session.end("ROLLBACK").await?;
        Ok(rows.into_iter().flatten().next().flatten())
    };
    asked.await.map_err(|error: tokio_postgres::Error| match error.as_db_error() {
        Some(said) if said.message().contains("statement pooling") => EngineError::new(
            ErrorKind::Unsupported,
            "the pooler gives its clients a connection of the server's for each statement (pool_mode = statement), and rowkeep needs \
             transactions: name the server itself, or a pool in transaction or session mode",
        ),
        _ => failed(what, error),
    })
}

/// What needs a lock that lasts longer than a transaction, and several transactions at once.
pub(crate) const MAKING: &str = "making a database, or its schema again,";

/// The process that a connection was told to be served by: what a request to cancel it would name.
async fn told_process(session: &Session) -> Option<i32> {
    let (near, mut far) = duplex(64);
    // Should it be asked for TLS first, there is none.
    far.write_all(b"N").await.ok()?;
    session.client.cancel_token().cancel_query_raw(near, Passing).await.ok()?;
    let mut asked = Vec::new();
    far.read_to_end(&mut asked).await.ok()?;
    // The length, the code of the request, the process, its secret (PostgreSQL manual, "Message Formats", CancelRequest).
    let [.., a, b, c, d, _, _, _, _] = asked[..] else { return None };
    Some(i32::from_be_bytes([a, b, c, d]))
}

/// TLS in name alone, for a stream that leads nowhere.
struct Passing;

impl TlsConnect<DuplexStream> for Passing {
    type Stream = Passed;
    type Error = io::Error;
    type Future = std::future::Ready<io::Result<Passed>>;

    fn connect(self, stream: DuplexStream) -> Self::Future {
        std::future::ready(Ok(Passed(stream)))
    }
}

struct Passed(DuplexStream);

impl AsyncRead for Passed {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, out)
    }
}

impl AsyncWrite for Passed {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

impl TlsStream for Passed {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}
