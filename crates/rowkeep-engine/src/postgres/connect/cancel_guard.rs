//! Connections whose work on the server ends when nobody waits for it any more.

use std::ops::Deref;
use std::time::Duration;

use tokio::runtime::Handle;

use super::server::Server;
use super::session::Session;
use super::transport;

/// How long a server may take to end what it was asked to cancel.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long it is waited before the server is asked again.
const AGAIN: Duration = Duration::from_millis(200);

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
    let cancelling = async {
        loop {
            request_cancel(server, session).await;
            // A statement that the server had not begun yet was not cancelled.
            tokio::time::sleep(AGAIN).await;
        }
    };
    let ended = async {
        tokio::select! {
            ended = ended => Some(ended),
            () = cancelling => None,
        }
    };
    tokio::time::timeout(PATIENCE, ended).await.ok().flatten()
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
    async move {
        let _ = match intercepted {
            Some((_, connector, _)) => cancel.cancel_query(connector).await,
            None => cancel.cancel_query(tls).await,
        };
    }
}
