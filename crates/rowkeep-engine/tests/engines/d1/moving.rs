//! Writers beside a reading: it is one state, or it says that it is none.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rowkeep_engine::conformance::{Sandbox, read_all};
use rowkeep_engine::{DatabaseUrl, Engine, ErrorKind, Surroundings, ViewOptions, connect};
use rowkeep_format::Value;

use super::server::{Database, surroundings};

const ACCOUNTS: i64 = 3_000;

/// Accounts in two tables, whose balances make nothing together.
async fn ledger() -> Arc<Database> {
    let database = Database::new();
    database
        .run(&format!(
            "CREATE TABLE ledger_a (id INTEGER PRIMARY KEY, balance INTEGER NOT NULL);
             WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {ACCOUNTS} - 1) INSERT INTO ledger_a SELECT i, 0 FROM n;
             CREATE TABLE ledger_b (id INTEGER PRIMARY KEY, balance INTEGER NOT NULL);
             INSERT INTO ledger_b SELECT * FROM ledger_a;"
        ))
        .await;
    Arc::new(database)
}

/// Moves money until it is told to stop, each time in one transaction, with a pause that lets readers come to an end now and then.
fn writer(database: &Arc<Database>, stop: &Arc<AtomicBool>, pause_ms: u64) -> tokio::task::JoinHandle<u64> {
    let (database, stop) = (Arc::clone(database), Arc::clone(stop));
    tokio::spawn(async move {
        let mut done = 0;
        while !stop.load(Ordering::Relaxed) {
            let (from, to) = (done * 7919 % ACCOUNTS as u64, done * 104_729 % ACCOUNTS as u64);
            let transfer = [
                format!("UPDATE ledger_a SET balance = balance - 1 WHERE id = {from}"),
                format!("UPDATE ledger_b SET balance = balance + 1 WHERE id = {to}"),
            ];
            database.batch(&transfer).await.expect("it is moved");
            done += 1;
            tokio::time::sleep(std::time::Duration::from_millis(pause_ms)).await;
        }
        done
    })
}

/// The sum of all balances of a state, and how many of them are not zero.
async fn sum(engine: &dyn Engine) -> (i64, usize) {
    let (_, rows) = read_all(engine).await;
    let balances = rows.iter().filter(|(name, _)| name.name.starts_with("ledger")).flat_map(|(_, rows)| {
        (0..rows.rows()).map(|row| match rows.value(row, 1) {
            Value::Integer(balance) => balance,
            other => panic!("{other:?} is no balance"),
        })
    });
    let balances: Vec<i64> = balances.collect();
    (balances.iter().sum(), balances.iter().filter(|balance| **balance != 0).count())
}

/// Reads over both ways beside a writer, and returns how often each gave a state.
async fn race(rounds: usize, pause_ms: u64) -> (usize, usize) {
    let (database, stop) = (ledger().await, Arc::new(AtomicBool::new(false)));
    let writing = writer(&database, &stop, pause_ms);
    let (mut over_worker, mut over_api) = (0, 0);
    for _ in 0..rounds {
        assert_eq!(sum(&*database.over_worker()).await.0, 0, "one transaction is one state");
        over_worker += 1;
        match database.over_api().open(&ViewOptions::default()).await {
            Ok(view) => {
                let mut total = 0;
                for table in view.schema().tables.iter().filter(|table| table.name.name.starts_with("ledger"))
                {
                    let rows = rowkeep_engine::conformance::read(&*view, table).await;
                    for row in 0..rows.rows() {
                        let Value::Integer(balance) = rows.value(row, 1) else { panic!("no balance") };
                        total += balance;
                    }
                }
                assert_eq!(total, 0, "what is said to be unchanged is one state");
                over_api += 1;
            }
            Err(error) => assert_eq!(error.kind(), ErrorKind::Busy, "{error:?}"),
        }
    }
    stop.store(true, Ordering::Relaxed);
    assert!(writing.await.expect("it ends") > 0);
    (over_worker, over_api)
}

/// What is called one state is one, whoever writes meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn states_are_of_one_moment() {
    let (over_worker, _) = race(5, 0).await;
    assert_eq!(over_worker, 5, "a small database is read in one transaction, whoever writes");
    let (_, over_api) = race(3, 300).await;
    assert!(over_api > 0, "what moved is read again, and comes to an end between two writes");
}

/// The same a thousand times. Takes minutes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes"]
async fn a_thousand_states_are_of_one_moment() {
    let (over_worker, over_api) = race(1_000, 40).await;
    println!("{over_worker} states over the Worker, {over_api} over the API");
}

/// Who allows it gets what was read, and is told that it is no state.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_state_is_refused_or_said_to_be_none() {
    let (database, stop) = (ledger().await, Arc::new(AtomicBool::new(false)));
    let writing = writer(&database, &stop, 0);
    let url = DatabaseUrl::parse(&database.api_url()).expect("a URL");
    let refused =
        database.over_api().open(&ViewOptions::default()).await.err().expect("it moves all the time");
    assert_eq!(refused.kind(), ErrorKind::Busy);
    assert!(refused.to_string().contains("--allow-moving"), "{refused}");
    let allowed = connect(&url, &Surroundings { allow_moving: true, ..surroundings() }).expect("an engine");
    let view = allowed.open(&ViewOptions::default()).await.expect("it is taken as it is");
    assert_eq!(view.notes().len(), 1, "{:?}", view.notes());
    assert!(view.environment().contains(&("read_as".into(), "not one state".into())));
    stop.store(true, Ordering::Relaxed);
    writing.await.expect("it ends");

    let view = allowed.open(&ViewOptions::default()).await.expect("nobody writes now");
    assert!(view.notes().is_empty());
    assert!(view.environment().contains(&("read_as".into(), "unchanged while it was read".into())));
    assert_eq!(sum(&*database.over_api()).await.0, 0);
}
