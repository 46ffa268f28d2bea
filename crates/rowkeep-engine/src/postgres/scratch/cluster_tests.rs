use std::sync::Arc;
use std::time::Duration;

use secrecy::ExposeSecret;
use tokio_postgres::{Client, NoTls};

use super::*;
use crate::postgres::engine::Postgres;
use crate::{ChangeCount, Engine, View, ViewOptions};

/// Waits until the server is there again, in another run than one that it had.
async fn opened(engine: &dyn Engine, ended: &str) -> Arc<dyn View> {
    for _ in 0..600 {
        // For a moment it takes connections as if nothing had happened.
        match engine.open(&ViewOptions::default()).await {
            Ok(view) if view.horizon().is_some_and(|instant| run(&instant) != ended) => return view,
            Ok(_) | Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
    panic!("the server does not come back in another run");
}

/// What of an instant names the run of the server.
fn run(instant: &str) -> &str {
    instant.split_once('@').expect("a number and a run").1
}

async fn client(cluster: &Cluster) -> Client {
    let mut config = tokio_postgres::Config::new();
    config
        .host_path(&cluster.folder)
        .user("postgres")
        .password(cluster.password.expose_secret())
        .dbname("postgres");
    let (client, connection) = config.connect(NoTls).await.expect("the server answers");
    tokio::spawn(connection);
    client
}

#[test]
fn debug_forms_show_no_password() {
    let folder = PathBuf::from("/nowhere");
    let programs = Programs { folder: folder.clone(), major: 18 };
    let cluster =
        Cluster { programs, servant: None, folder, password: "s3cret".into(), withheld: Vec::new() };
    let shown = format!("{cluster:?}");
    assert!(cluster.url().expose_secret().contains("s3cret") && !shown.contains("s3cret"), "{shown}");
}

/// Numbers of transactions may be given again after a crash, and files be put back while a server is down.
#[test]
fn what_a_server_tells_ends_with_a_crash_and_with_a_restart() {
    let folders: Vec<PathBuf> =
        std::env::split_paths(&std::env::var_os("ROWKEEP_PG_BIN").unwrap_or_default()).collect();
    assert!(!folders.is_empty(), "ROWKEEP_PG_BIN is not set: run the tests with scripts/test");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    for folder in folders {
        let scratch = tempfile::tempdir().expect("a folder can be made");
        let surroundings = Surroundings { postgres_bin: vec![folder], ..Surroundings::default() };
        let cluster =
            Cluster::start(scratch.path(), &surroundings, 0, &"s3cret".into()).expect("a server starts");
        let engine = Postgres::new(cluster.url().expose_secret(), &Surroundings::default());
        let engine = engine.expect("it is a database");
        runtime.block_on(async {
            let first = client(&cluster).await;
            let made = "CREATE TABLE t (k integer PRIMARY KEY); INSERT INTO t VALUES (1), (2);";
            first.batch_execute(made).await.expect("the server obeys");
            // A scratch server does not wait for its log; these rows are to outlive the crash.
            first.batch_execute("CHECKPOINT").await.expect("the server obeys");
            let ends: [&dyn Fn(i32); 2] = [
                &|process| {
                    let killed = Command::new("sh").args(["-c", &format!("kill -9 {process}")]).status();
                    assert!(killed.expect("there is a shell").success());
                },
                &|_| {
                    cluster.run("pg_ctl", &["-w", "-m", "fast", "-l", "log", "restart"]).expect("it restarts")
                },
            ];
            for end in ends {
                let view = engine.open(&ViewOptions::default()).await.expect("the database opens");
                let instant = view.horizon().expect("the server tells");
                let table = view.schema().tables[0].clone();
                let told = view.changed_since(&table, &instant).await.expect("the server answers");
                assert_eq!(told, Some(ChangeCount { rows: 2, changed: 0 }));
                drop(view);

                let alive = client(&cluster).await;
                let process =
                    alive.query_one("SELECT pg_backend_pid()", &[]).await.expect("the server answers");
                end(process.get(0));
                let gone = async {
                    while !alive.is_closed() {
                        tokio::time::sleep(Duration::from_millis(20)).await
                    }
                };
                tokio::time::timeout(Duration::from_secs(60), gone).await.expect("the connection ends");
                let view = opened(&engine, run(&instant)).await;
                assert_eq!(view.changed_since(&table, &instant).await.expect("the server answers"), None);
            }
        });
    }
}
