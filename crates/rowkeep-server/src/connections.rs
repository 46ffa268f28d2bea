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
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

/// How long a connection may take to send the headers of a request, or be silent between two.
const HEADERS: Duration = Duration::from_secs(30);

/// How long requests that have begun are waited for in the end.
const FAREWELL: Duration = Duration::from_secs(10);

/// How long it is waited when no connection can be taken, because there are too many.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves everybody who connects, until that is to stop; then what has begun, for a while.
pub(crate) async fn serve(listener: TcpListener, app: Router, stop: CancellationToken) {
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
        let app = app.clone();
        let service = service_fn(move |request: Request<Incoming>| answer(app.clone(), request, address));
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADERS)
            .serve_connection(TokioIo::new(stream), service);
        let connection = open.watch(connection);
        tokio::spawn(async move {
            // Who hangs up in the middle is nobody's concern.
            let _ = connection.await;
        });
    }
    drop(listener);
    let _ = tokio::time::timeout(FAREWELL, open.shutdown()).await;
}

async fn answer(
    app: Router,
    mut request: Request<Incoming>,
    address: SocketAddr,
) -> Result<Response<Body>, Infallible> {
    request.extensions_mut().insert(ConnectInfo(address));
    app.oneshot(request.map(Body::new)).await
}
