//! Connections whose work on the server ends when nobody waits for it any more.

use std::ops::Deref;
use std::time::Duration;

use tokio::net::UnixStream;
use tokio::runtime::Handle;
use tokio::time::timeout;
use tokio_postgres::NoTls;
use tokio_postgres::config::Host;

use super::server::Server;
use super::session::Session;
use super::transport::{self, UntilClosed};

/// How long a server may take to end what it was asked to cancel.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long it is waited before the server is asked again.
const AGAIN: Duration = Duration::from_millis(200);

/// How long it is waited until the server has taken such a request.
const ASKING: Duration = Duration::from_secs(5);

/// A connection for one piece of work.
///
/// Dropped before [`finish`](Self::finish), as a future is that nobody wants any more, it has the server cancel what it
/// is doing and is cut; what its transaction did is undone.
pub(crate) struct CancelGuard {
    session: Option<Session>,
    server: Server,
}

impl CancelGuard {
    /// Watches over a connection to a server.
    pub(crate) fn new(server: Server, session: Session) -> Self {
        Self { session: Some(session), server }
    }

    /// The server that the connection is to.
    pub(crate) fn server(&self) -> &Server {
        &self.server
    }

    /// Ends the connection in peace, because nothing is on its way on it.
    pub(crate) fn finish(mut self) {
        self.session = None;
    }

    /// Has the server cancel what it is doing and undo its transaction, and waits for that; a server that does not answer is
    /// left after [`PATIENCE`], and the connection cut.
    pub(crate) async fn cancel_and_roll_back(self) {
        if cancel_until(&self.server, &self, self.end("ROLLBACK")).await.is_some() {
            self.finish();
        }
    }
}

/// Has the server cancel what it is doing for a connection until that has ended, and gives what came of it; nothing when
/// the server does not answer within [`PATIENCE`].
pub(crate) async fn cancel_until<T>(
    server: &Server,
    session: &Session,
    ended: impl Future<Output = T>,
) -> Option<T> {
    let cancelled = async {
        tokio::pin!(ended);
        loop {
            let asking = request_cancel(server, session);
            tokio::pin!(asking);
            let (result, asked) = tokio::select! {
                result = &mut ended => (Some(result), false),
                () = &mut asking => (None, true),
            };
            if !asked {
                // A pooler may go wrong that is left in the middle of a request.
                asking.await;
            }
            if result.is_some() {
                return result;
            }
            // A statement that the server had not begun yet was not cancelled.
            tokio::select! {
                result = &mut ended => return Some(result),
                () = tokio::time::sleep(AGAIN) => {}
            }
        }
    };
    timeout(PATIENCE, cancelled).await.ok().flatten()
}

impl Deref for CancelGuard {
    type Target = Session;

    fn deref(&self) -> &Session {
        self.session.as_ref().expect("the connection is there until it is finished")
    }
}

impl Drop for CancelGuard {
    fn drop(&mut self) {
        if let Some(session) = self.session.take() {
            end(&self.server, &session);
        }
    }
}

/// Has the server cancel what it is doing for a connection, and cuts that.
pub(crate) fn end(server: &Server, session: &Session) {
    let cancelling = request_cancel(server, session);
    session.kill();
    // A server that computes does not look whether anybody is still there.
    if let Ok(runtime) = Handle::try_current() {
        runtime.spawn(cancelling);
    }
}

/// Asks the server to cancel what it is doing for a connection. It may not have begun with that yet, and then goes on.
fn request_cancel(server: &Server, session: &Session) -> impl Future<Output = ()> + Send + use<> {
    let cancel = session.client.cancel_token();
    let tls = server.tls.connector();
    // As the connection itself was made: its settings say how the stream is opened.
    let intercepted = transport::intercepted(&server.config, tls.clone());
    let port = server.config.get_ports().first().copied().unwrap_or(5432);
    let socket = match server.config.get_hosts() {
        [Host::Unix(folder)] => Some(folder.join(format!(".s.PGSQL.{port}"))),
        _ => None,
    };
    let asking = async move {
        match (intercepted, socket) {
            (Some((_, connector, _)), _) => cancel.cancel_query(connector.until_closed()).await,
            (None, Some(socket)) => match UnixStream::connect(socket).await {
                Ok(stream) => cancel.cancel_query_raw(UntilClosed { stream, waits: true }, NoTls).await,
                Err(_) => Ok(()),
            },
            (None, None) => cancel.cancel_query(tls).await,
        }
    };
    async move {
        let _ = timeout(ASKING, asking).await;
    }
}
