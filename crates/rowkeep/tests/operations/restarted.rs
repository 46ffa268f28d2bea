//! Backups of a server that was restarted in between.

use std::num::NonZeroU64;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use rowkeep::Context;
use rowkeep::capture::{CaptureOptions, capture};
use rowkeep::engine::{
    DatabaseUrl, Engine, ScratchWanted, Surroundings, View, ViewOptions, connect, kind_of,
};
use rowkeep::repository::{Protection, Repository, create_store};
use rowkeep::state::selection::Selection;

use tokio_postgres::{Client, NoTls};

/// The password of the server.
const SECRET: &str = "0123456789abcdef";

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

async fn client(server: &Path) -> Client {
    let mut config = tokio_postgres::Config::new();
    config.host_path(server).user("postgres").password(SECRET).dbname("postgres");
    let (client, connection) = config.connect(NoTls).await.expect("the server answers");
    tokio::spawn(connection);
    client
}

/// Restarts the server in a folder, as the user that it runs as.
fn restart(programs: &Path, server: &Path) {
    let owner = std::fs::metadata(server).expect("it is there");
    let ourselves = std::fs::metadata("/proc/self").expect("it is there");
    let mut command = Command::new(programs.join("pg_ctl"));
    command.current_dir(server).env("PGDATA", "data").env("LC_ALL", "C").env_remove("PGPORT");
    if ourselves.uid() == 0 {
        command.uid(owner.uid()).gid(owner.gid());
    }
    let log = std::fs::File::create(server.join("restart.out")).expect("it can be written");
    let ended = command.args(["-w", "-m", "fast", "-l", "log", "restart"]).stdout(log).status();
    assert!(ended.expect("it runs").success(), "it restarts");
}

/// A snapshot of an earlier run of the server is none that a later one can go by, however large a table is.
#[test]
fn large_tables_are_backed_up_after_a_restart() {
    let folders = std::env::var_os("ROWKEEP_PG_BIN").unwrap_or_default();
    assert!(!folders.is_empty(), "ROWKEEP_PG_BIN is not set: run the tests with scripts/test");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    for folder in std::env::split_paths(&folders) {
        let scratch = tempfile::tempdir().expect("a folder can be made");
        let surroundings = Surroundings { postgres_bin: vec![folder.clone()], ..Surroundings::default() };
        let kind = kind_of("postgresql").expect("it is known");
        let wanted = ScratchWanted { server_version: None, secret: SECRET.into() };
        let place = kind.scratch_in(scratch.path(), &wanted, &surroundings).expect("a server starts");
        let server = scratch.path().join("server");
        let host = server.display().to_string().replace('/', "%2F");
        let url = format!("postgres://postgres:{SECRET}@{host}:5432/postgres");
        let url = DatabaseUrl::parse(&url).expect("it is a URL");
        let engine = connect(&url, &Surroundings::default()).expect("it is a database");
        runtime.block_on(async {
            let made = "CREATE TABLE t (k integer PRIMARY KEY, v text);
                        ALTER TABLE t ALTER v SET STORAGE EXTERNAL;
                        INSERT INTO t SELECT n, repeat(md5(n::text), 25000) FROM generate_series(1, 50) n; CHECKPOINT";
            for statement in made.split(';') {
                client(&server).await.batch_execute(statement).await.expect("the server obeys");
            }
            let store = create_store("memory://", &[]).expect("it needs nothing");
            let repository =
                Repository::init(store, Protection::Unencrypted).await.expect("a repository is made");
            let options = CaptureOptions {
                database: "test".to_owned(),
                configured: false,
                name: None,
                tags: Default::default(),
                environment: None,
                selection: Selection::default(),
                mask: None,
                with_schema: false,
                with_data: true,
                trusts_marks: false,
                suspicion: None,
                program: "test".to_owned(),
                repository_folder: None,
            };
            let context = Context::silent();
            let captured = || capture(&context, &repository, engine.as_ref(), &options);
            let first = captured().await.expect("it is captured").manifest;
            let ended = run(first.instant.as_deref().expect("the server tells")).to_owned();
            restart(&folder, &server);
            opened(engine.as_ref(), &ended).await;
            let second = captured().await.expect("it is captured").manifest;
            assert!(second.parent.is_some(), "{second:?}");
            assert_eq!(second.tables[0].root, first.tables[0].root);
            assert_eq!(second.tables[0].read, None, "all of it was read");
            // Whoever wants to read all rows gets them at every pace.
            let all = Surroundings { read_all: true, ..Surroundings::default() };
            let (context, engine) = (
                Context::silent().reading_at(NonZeroU64::new(10_000_000_000)),
                connect(&url, &all).expect("it is a database"),
            );
            let third = capture(&context, &repository, engine.as_ref(), &options).await;
            assert_eq!(third.expect("it is captured").manifest.tables[0].read, None);
        });
        drop(place);
    }
}
