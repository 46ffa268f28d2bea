//! Connections that are lost at the commit: what became of the transaction is asked for, never guessed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use rowkeep_engine::{ApplyOptions, CreateOptions, Engine, ErrorKind, ViewOptions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::changes::{Lists, Owned, table};
use super::server::{Server, chain};

super::on_every_server!(
    changes_that_were_committed_are_done,
    a_database_that_was_replaced_is_done,
    commits_that_did_not_arrive_changed_nothing,
    who_cannot_ask_says_that_nobody_knows,
);

/// What a relay does with a `COMMIT`.
#[derive(Clone, Copy, PartialEq)]
enum Fault {
    /// It arrives, and the answer is lost with the connection.
    AnswerLost = 1,
    /// It is lost with the connection.
    Lost = 2,
    /// The answer is lost, and so is every connection after it.
    NobodyAnswers = 3,
}

/// Passes bytes on to a server until a `COMMIT` comes; then things go wrong, once.
struct Relay {
    address: String,
    ended: Arc<AtomicU8>,
}

impl Relay {
    async fn to(server: &Server, fault: Fault) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("it has an address").to_string();
        let (ended, to) = (Arc::new(AtomicU8::new(0)), server.address().to_owned());
        let seen = Arc::clone(&ended);
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                if seen.load(Ordering::SeqCst) == Fault::NobodyAnswers as u8 {
                    continue;
                }
                let far = TcpStream::connect(&to).await.expect("the server answers");
                tokio::spawn(relay(near, far, fault, Arc::clone(&seen)));
            }
        });
        Self { address, ended }
    }

    /// The engine of a database behind it; unencrypted, for it has to see what it passes on.
    fn engine(&self, server: &Server, url: &str) -> Arc<dyn Engine> {
        let url = url.replace(server.address(), &self.address);
        server.engine_at(&format!("{url}?sslmode=disable"))
    }

    fn went_wrong(&self) -> bool {
        self.ended.load(Ordering::SeqCst) != 0
    }
}

async fn relay(near: TcpStream, far: TcpStream, fault: Fault, seen: Arc<AtomicU8>) {
    let (mut near_in, mut near_out) = near.into_split();
    let (mut far_in, mut far_out) = far.into_split();
    let mut bytes = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    let mut is_last = false;
    loop {
        tokio::select! {
            count = near_in.read(&mut bytes.0) => {
                let Ok(count @ 1..) = count else { return };
                // A message of the simple protocol.
                is_last = bytes.0[..count].ends_with(b"COMMIT\0")
                    && seen.compare_exchange(0, fault as u8, Ordering::SeqCst, Ordering::SeqCst).is_ok();
                if is_last && fault == Fault::Lost {
                    return;
                }
                far_out.write_all(&bytes.0[..count]).await.expect("the server is there");
            }
            count = far_in.read(&mut bytes.1) => {
                let Ok(count @ 1..) = count else { return };
                if is_last || near_out.write_all(&bytes.1[..count]).await.is_err() {
                    return;
                }
            }
        }
    }
}

const SETUP: &str =
    "CREATE TABLE t (id integer PRIMARY KEY); INSERT INTO t SELECT n FROM generate_series(1, 9) n";

/// Deletes a row through a relay.
async fn delete(owned: &Owned, relay: &Relay) -> Result<(), rowkeep_engine::EngineError> {
    let changes = Lists::default().with(&table(&owned.schema().await, "t"), &[(Some(&[Some("1")]), None)]);
    let engine = relay.engine(&owned.database.server, &owned.url());
    let done = engine.apply(Arc::new(changes), &ApplyOptions::default()).await;
    assert!(relay.went_wrong(), "the relay saw the commit");
    done.map(|_| ())
}

async fn changes_that_were_committed_are_done(server: Server) {
    let owned = Owned::new(&server, SETUP).await;
    let relay = Relay::to(&server, Fault::AnswerLost).await;
    delete(&owned, &relay).await.unwrap_or_else(|error| panic!("{}", chain(&error)));
    assert_eq!(owned.database.value("SELECT count(*) FROM t").await, "8");
}

async fn commits_that_did_not_arrive_changed_nothing(server: Server) {
    let owned = Owned::new(&server, SETUP).await;
    let relay = Relay::to(&server, Fault::Lost).await;
    let error = delete(&owned, &relay).await.expect_err("it did not arrive");
    assert_eq!(error.kind(), ErrorKind::Unreachable, "{}", chain(&error));
    assert_eq!(owned.database.value("SELECT count(*) FROM t").await, "9");
}

async fn who_cannot_ask_says_that_nobody_knows(server: Server) {
    let owned = Owned::new(&server, SETUP).await;
    let relay = Relay::to(&server, Fault::NobodyAnswers).await;
    let error = delete(&owned, &relay).await.expect_err("nobody knows");
    assert_eq!(error.kind(), ErrorKind::OutcomeUnknown, "{}", chain(&error));
    let said = error.to_string();
    let ask = said.find("SELECT").map(|at| &said[at..]).and_then(|rest| rest.split_inclusive(')').next());
    let status = owned.database.value(ask.expect("it says how to find out")).await;
    let left = owned.database.value("SELECT count(*) FROM t").await;
    assert!(matches!((&*status, &*left), ("committed", "8") | ("aborted", "9")), "{status}, {left}");
}

async fn a_database_that_was_replaced_is_done(server: Server) {
    let original = server.database().await;
    original.run("CREATE TABLE new (id integer); INSERT INTO new VALUES (7)").await;
    let view = server.engine(&original.name).open(&ViewOptions { with_ddl: true }).await.expect("it opens");
    let at = server.database().await;
    at.run("CREATE TABLE old (id integer)").await;
    let relay = Relay::to(&server, Fault::AnswerLost).await;
    let engine = relay.engine(&server, &at.url());
    let target = engine.replace(view.schema(), &CreateOptions::default()).await.expect("it is begun");
    for table in &view.schema().tables {
        target.load(table, view.rows(table).await.expect("rows")).await.expect("it is loaded");
    }
    target.finish().await.unwrap_or_else(|error| panic!("{}", chain(&error)));
    assert!(relay.went_wrong(), "the relay saw the commit");
    assert_eq!(at.value("SELECT id FROM new").await, "7");
}
