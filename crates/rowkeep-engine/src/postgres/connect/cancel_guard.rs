//! Connections whose work on the server ends when nobody waits for it any more.

use std::ops::Deref;

use tokio::runtime::Handle;

use super::server::Server;
use super::session::Session;
use super::transport;

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

    /// Ends the connection in peace, because nothing is on its way on it.
    pub(crate) fn finish(mut self) {
        self.session = None;
    }
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
    let cancel = session.client.cancel_token();
    session.kill();
    // A server that computes does not look whether anybody is still there.
    if let Ok(runtime) = Handle::try_current() {
        let tls = server.tls.connector();
        // As the connection itself was made: its settings say how the stream is opened.
        match transport::intercepted(&server.config, tls.clone()) {
            Some((_, connector, _)) => runtime.spawn(async move {
                let _ = cancel.cancel_query(connector).await;
            }),
            None => runtime.spawn(async move {
                let _ = cancel.cancel_query(tls).await;
            }),
        };
    }
}
