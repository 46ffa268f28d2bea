//! Writers beside a reading: it is one state, or it says that it is none.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

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

/// Moves money until it is told to stop, each time in one transaction, with the pause that follows each.
fn writer(
    database: &Arc<Database>,
    stop: &Arc<AtomicBool>,
    pause: impl Fn(u64) -> Duration + Send + 'static,
) -> tokio::task::JoinHandle<u64> {
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
            tokio::time::sleep(pause(done)).await;
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

/// What a reading over the Worker gave: always one state, for a small database is read in one transaction.
async fn over_the_worker(database: &Database) {
    assert_eq!(sum(&*database.over_worker()).await.0, 0, "one transaction is one state");
}

/// Whether a reading over the API gave a state, which is one then, or said that it did not come to an end.
async fn over_the_api(database: &Database) -> bool {
    let view = match database.over_api().open(&ViewOptions::default()).await {
        Ok(view) => view,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Busy, "{error:?}");
            return false;
        }
    };
    let mut total = 0;
    for table in view.schema().tables.iter().filter(|table| table.name.name.starts_with("ledger")) {
        let rows = rowkeep_engine::conformance::read(&*view, table).await;
        for row in 0..rows.rows() {
            let Value::Integer(balance) = rows.value(row, 1) else { panic!("no balance") };
            total += balance;
        }
    }
    assert_eq!(total, 0, "what is said to be unchanged is one state");
    true
}

/// What is called one state is one, whoever writes meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn states_are_of_one_moment() {
    let (database, stop) = (ledger().await, Arc::new(AtomicBool::new(false)));
    let writing = writer(&database, &stop, |_| Duration::ZERO);
    for _ in 0..5 {
        over_the_worker(&database).await;
    }
    stop.store(true, Ordering::Relaxed);
    assert!(writing.await.expect("it ends") > 0);

    // However long a reading takes here, the pauses grow past it.
    let (database, stop) = (ledger().await, Arc::new(AtomicBool::new(false)));
    let writing =
        writer(&database, &stop, |done| Duration::from_millis(30).mul_f64(1.2_f64.powi(done.min(40) as i32)));
    let (mut states, mut readings) = (0, 0);
    while states < 3 {
        readings += 1;
        assert!(readings <= 200, "what moved is read again, and comes to an end between two writes");
        states += usize::from(over_the_api(&database).await);
    }
    stop.store(true, Ordering::Relaxed);
    assert!(writing.await.expect("it ends") > 0);
}

/// The same a thousand times. Takes minutes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes"]
async fn a_thousand_states_are_of_one_moment() {
    let (database, stop) = (ledger().await, Arc::new(AtomicBool::new(false)));
    let writing = writer(&database, &stop, |_| Duration::from_millis(40));
    let mut states = 0;
    for _ in 0..1_000 {
        over_the_worker(&database).await;
        states += usize::from(over_the_api(&database).await);
    }
    stop.store(true, Ordering::Relaxed);
    println!(
        "1000 states over the Worker, {states} over the API, {} writes",
        writing.await.expect("it ends")
    );
}

/// Who allows it gets what was read, and is told that it is no state.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_state_is_refused_or_said_to_be_none() {
    let (database, stop) = (ledger().await, Arc::new(AtomicBool::new(false)));
    let writing = writer(&database, &stop, |_| Duration::ZERO);
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
