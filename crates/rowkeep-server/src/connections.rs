//! Connections: each is served until it is closed, or sends nothing for too long.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::tls::Certificate;

/// How long a connection may take to agree on TLS.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// How long a connection may take to send the headers of a request, or be silent between two.
const HEADERS: Duration = Duration::from_secs(30);

/// How long requests that have begun are waited for in the end.
const FAREWELL: Duration = Duration::from_secs(10);

/// How long it is waited when no connection can be taken, because there are too many.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves everybody who connects, until that is to stop; then what has begun, for a while. With a certificate over TLS alone.
pub(crate) async fn serve(
    listener: TcpListener,
    app: Router,
    certificate: Option<Certificate>,
    stop: CancellationToken,
) {
    let renewing = async {
        if let Some(certificate) = &certificate {
            certificate.renew(&stop).await;
        }
    };
    tokio::join!(renewing, accept(listener, &app, certificate.as_ref(), &stop));
}

async fn accept(
    listener: TcpListener,
    app: &Router,
    certificate: Option<&Certificate>,
    stop: &CancellationToken,
) {
    let open = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
        };
        let (stream, address) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!("cannot take a connection: {error}");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let (app, watcher) = (app.clone(), open.watcher());
        match certificate.map(Certificate::acceptor) {
            None => drop(tokio::spawn(converse(stream, address, app, watcher))),
            Some(acceptor) => {
                let stop = stop.clone();
                tokio::spawn(async move {
                    if let Some(stream) = shake_hands(&acceptor, stream, &stop).await {
                        converse(stream, address, app, watcher).await;
                    }
                });
            }
        }
    }
    drop(listener);
    let _ = tokio::time::timeout(FAREWELL, open.shutdown()).await;
}

/// Agrees on TLS with somebody; nothing where he speaks something else, takes too long, or does not trust the certificate.
async fn shake_hands(
    acceptor: &TlsAcceptor,
    stream: TcpStream,
    stop: &CancellationToken,
) -> Option<tokio_rustls::server::TlsStream<TcpStream>> {
    tokio::select! {
        agreed = tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)) => agreed.ok()?.ok(),
        () = stop.cancelled() => None,
    }
}

/// Answers the requests of one connection.
async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    address: SocketAddr,
    app: Router,
    watcher: Watcher,
) {
    let service = service_fn(move |request: Request<Incoming>| answer(app.clone(), request, address));
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS)
        .serve_connection(TokioIo::new(stream), service);
    // Who hangs up in the middle is nobody's concern.
    let _ = watcher.watch(connection).await;
}

async fn answer(
    app: Router,
    mut request: Request<Incoming>,
    address: SocketAddr,
) -> Result<Response<Body>, Infallible> {
    request.extensions_mut().insert(ConnectInfo(address));
    app.oneshot(request.map(Body::new)).await
}
