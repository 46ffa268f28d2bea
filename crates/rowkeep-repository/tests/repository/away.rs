//! A store that is away for a while.

use std::net::SocketAddr;
use std::time::Duration;

use rowkeep_repository::ErrorKind;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::stores::{open_s3, serve_s3};
use crate::support::*;

/// A way to a server, which can be cut.
struct Line {
    to: SocketAddr,
    here: SocketAddr,
    passing: Option<JoinHandle<()>>,
}

impl Line {
    async fn to(endpoint: &str) -> Self {
        let to = endpoint.trim_start_matches("http://").parse().expect("an address");
        let mut line = Self { to, here: SocketAddr::from(([127, 0, 0, 1], 0)), passing: None };
        line.mend().await;
        line
    }

    fn endpoint(&self) -> String {
        format!("http://{}", self.here)
    }

    async fn mend(&mut self) {
        let listener = TcpListener::bind(self.here).await.expect("the port is free");
        self.here = listener.local_addr().expect("an address");
        let to = self.to;
        self.passing = Some(tokio::spawn(async move {
            // Connections end with the line.
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((mut from, _)) = listener.accept().await {
                connections.spawn(async move {
                    if let Ok(mut server) = TcpStream::connect(to).await {
                        let _ = tokio::io::copy_bidirectional(&mut from, &mut server).await;
                    }
                });
            }
        }));
    }

    async fn cut(&mut self) {
        if let Some(passing) = self.passing.take() {
            passing.abort();
            let _ = passing.await;
        }
    }
}

/// Longer than the ten tries of the client library last, which it makes within some two seconds.
const AWAY: Duration = Duration::from_secs(6);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_is_away_for_seconds_is_waited_for() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("bucket")).expect("a bucket");
    let mut line = Line::to(&serve_s3(folder.path()).await).await;
    let store = open_s3(&line.endpoint());
    let repository = init(&store).await;
    let (first, _) = backup(&repository, &chunks(0..10)).await.expect("stored");

    line.cut().await;
    let more = chunks(10..20);
    let writing = backup(&repository, &more);
    let mending = async {
        tokio::time::sleep(AWAY).await;
        line.mend().await;
    };
    let (second, ()) = tokio::join!(writing, mending);
    let (second, _) = second.expect("it was waited for");
    assert_eq!(restore(&repository, &second).await.expect("restored"), more);
    restore(&repository, &first).await.expect("restored");
    assert_clean(&repository, "after the store was away").await;
}

/// An address at which nothing is gives up, and says why.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_was_never_there_is_given_up_with_the_cause() {
    let mut line = Line::to("http://127.0.0.1:1").await;
    let endpoint = line.endpoint();
    line.cut().await;
    let error = error_of(try_open(&open_s3(&endpoint)).await);
    assert_eq!(error.kind(), ErrorKind::Store);
    let mut told = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        told = format!("{told}: {error}");
        cause = error.source();
    }
    assert!(told.contains("Connection refused"), "{told}");
}
