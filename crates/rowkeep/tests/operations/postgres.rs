use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use rowkeep::state::snapshots::Snapshot;
use rowkeep::{Context, Event, Observer};
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};
use tokio_util::sync::CancellationToken;

use crate::hashes::{Rows, any_edits, any_rows, edited, shuffled};
use crate::world::{World, asked_for};

const TABLES: [&str; 4] = [
    "CREATE TABLE t (id bigint PRIMARY KEY, v text)",
    "CREATE TABLE t (id numeric(20, 3) PRIMARY KEY, v text)",
    "CREATE TABLE t (v text, id bigint, UNIQUE (id))",
    "CREATE TABLE t (id bigint NOT NULL, v varchar, PRIMARY KEY (id)) PARTITION BY HASH (id);
     CREATE TABLE t0 PARTITION OF t FOR VALUES WITH (MODULUS 1, REMAINDER 0)",
];

/// The rows of a partitioned table are its partitions'.
const HASHED: [&str; 4] = ["t", "t", "t", "t0"];

pub(crate) struct Database {
    pub(crate) world: World,
    client: Client,
    pub(crate) url: String,
}

impl Database {
    pub(crate) fn new(server: &str, name: &str) -> Self {
        let world = World::new();
        let admin = world.connect(server);
        let sql = |text: String| world.block_on(admin.batch_execute(&text)).expect("the server obeys");
        sql(format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
        sql(format!("CREATE DATABASE {name}"));
        let url = format!("{}/{name}", server.rsplit_once('/').expect("the URL names a database").0);
        Self::opened(world, url)
    }

    /// A database that is there.
    pub(crate) fn opened(world: World, url: String) -> Self {
        let client = world.connect(&url);
        Self { world, client, url }
    }

    pub(crate) fn sql(&self, text: &str) {
        self.world
            .block_on(self.client.batch_execute(text))
            .unwrap_or_else(|error| panic!("{text}: {error:?}"));
    }

    /// What a query gives: a line a row, values divided by `|`.
    pub(crate) fn query(&self, sql: &str) -> String {
        let rows = self.world.block_on(self.client.simple_query(sql));
        let rows = rows.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
        let lines = rows.iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => {
                let values = (0..row.len()).map(|at| row.get(at).unwrap_or("NULL"));
                Some(values.collect::<Vec<_>>().join("|"))
            }
            _ => None,
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    /// Whether the server refuses a statement, with its state.
    pub(crate) fn refusal(&self, sql: &str) -> Option<String> {
        let error = self.world.block_on(self.client.batch_execute(sql)).err()?;
        error.code().map(|code| code.code().to_owned())
    }

    fn make(&self, table: usize) {
        self.sql("DROP TABLE IF EXISTS t CASCADE");
        self.sql(TABLES[table]);
    }

    fn fill(&self, rows: &[(i64, Option<String>)]) {
        for (key, value) in rows {
            self.put("INSERT INTO t (v, id) VALUES ($1, ($2::text)::bigint)", *key, value.as_ref());
        }
    }

    fn put(&self, sql: &str, key: i64, value: Option<&String>) {
        // PostgreSQL's text has no NUL.
        let value = value.map(|text| text.replace('\0', ""));
        let done = self.world.block_on(self.client.execute(sql, &[&value, &key.to_string()]));
        done.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    }

    fn change(&self, from: &Rows, to: &Rows) {
        for key in from.keys().filter(|key| !to.contains_key(key)) {
            self.sql(&format!("DELETE FROM t WHERE id = {key}"));
        }
        for (key, value) in to.iter().filter(|(key, value)| from.get(key) != Some(value)) {
            let sql = match from.contains_key(key) {
                true => "UPDATE t SET v = $1 WHERE id = ($2::text)::bigint",
                false => "INSERT INTO t (v, id) VALUES ($1, ($2::text)::bigint)",
            };
            self.put(sql, *key, value.as_ref());
        }
    }

    fn hash(&self, table: usize) -> String {
        self.world.hash(&self.url, HASHED[table])
    }
}

impl World {
    pub(crate) fn connect(&self, url: &str) -> Client {
        self.block_on(async {
            let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("the server answers");
            tokio::spawn(connection);
            client
        })
    }
}

/// Does the same on every server, on all at once.
pub(crate) fn on_every_server(work: impl Fn(&str) + Sync) {
    std::thread::scope(|scope| {
        for server in servers() {
            let work = &work;
            scope.spawn(move || work(&server));
        }
    });
}

pub(crate) fn servers() -> Vec<String> {
    let servers = std::env::var("ROWKEEP_TEST_POSTGRES")
        .unwrap_or_else(|_| panic!("ROWKEEP_TEST_POSTGRES is not set: run the tests with scripts/test"));
    servers.split_whitespace().map(|named| named.split_once('=').expect("MAJOR=URL").1.to_owned()).collect()
}

#[test]
fn any_order_gives_the_same_hash() {
    for server in servers() {
        let database = Database::new(&server, "rowkeep_test_order");
        let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(asked_for(6)) };
        let outcome = TestRunner::new(config).run(
            &(any_rows(), any::<u64>(), 0..TABLES.len()),
            |(rows, seed, table)| {
                let hashes = [0, seed].map(|seed| {
                    database.make(table);
                    database.fill(&shuffled(&rows, seed));
                    database.hash(table)
                });
                prop_assert_eq!(&hashes[0], &hashes[1]);
                Ok(())
            },
        );
        outcome.unwrap_or_else(|error| panic!("{error}"));
    }
}

#[test]
fn edits_and_their_reversal_give_the_first_hash() {
    for server in servers() {
        let database = Database::new(&server, "rowkeep_test_edits");
        let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(asked_for(6)) };
        let outcome = TestRunner::new(config).run(
            &(any_rows(), any_edits(), 0..TABLES.len()),
            |(rows, edits, table)| {
                database.make(table);
                database.fill(&shuffled(&rows, 7));
                let first = database.hash(table);
                let other = edited(&rows, &edits);
                database.change(&rows, &other);
                prop_assert_eq!(database.hash(table) == first, rows == other);
                database.change(&other, &rows);
                prop_assert_eq!(database.hash(table), first);
                Ok(())
            },
        );
        outcome.unwrap_or_else(|error| panic!("{error}"));
    }
}

/// Rows gone through, less those that were gone through in vain, and how often a table was begun again.
#[derive(Debug, Default, PartialEq, Eq)]
struct Progress {
    rows: u64,
    again: u64,
}

fn watched(database: &Database) -> (Snapshot, Progress) {
    let progress = Arc::new(Mutex::new(Progress::default()));
    let watcher = Arc::clone(&progress);
    let observer: Observer = Arc::new(move |event| {
        let mut progress = watcher.lock().expect("nobody panics holding it");
        match event {
            Event::Advanced { rows, .. } => progress.rows += rows,
            Event::TableAgain { rows, .. } => {
                progress.rows -= rows;
                progress.again += 1;
            }
            _ => {}
        }
    });
    let context = Context::new(observer, CancellationToken::new());
    let snapshot = database.world.capture_all_in(&context, &database.url).expect("the database is captured");
    (snapshot, std::mem::take(&mut progress.lock().expect("nobody panics holding it")))
}

/// Statistics that are out of date cost a second reading and nothing else.
#[test]
fn rows_that_moved_are_read_in_order_again() {
    const ROWS: u64 = 200_000;
    for server in servers() {
        let database = Database::new(&server, "rowkeep_test_moved");
        database.sql("CREATE TABLE t (id bigint PRIMARY KEY, v text) WITH (autovacuum_enabled = off)");
        database.sql(&format!("INSERT INTO t SELECT n, md5(n::text) FROM generate_series(1, {ROWS}) n"));
        let (before, progress) = watched(&database);
        assert_eq!(progress, Progress { rows: ROWS, again: 0 });
        database.sql("ANALYZE t");
        let (analyzed, progress) = watched(&database);
        assert_eq!(progress, Progress { rows: ROWS, again: 0 });
        assert_eq!(analyzed.manifest.tables, before.manifest.tables);

        // Row 3 moves to the end, and what the server counts is forgotten, as after a crash.
        database.sql("DELETE FROM t WHERE id = 3");
        database.sql("INSERT INTO t VALUES (3, md5('3'))");
        let forgotten = (0..300).any(|_| {
            database.sql("SELECT pg_stat_reset()");
            let (moved, progress) = watched(&database);
            assert_eq!(moved.manifest.tables, before.manifest.tables);
            assert_eq!(moved.manifest.cost.read_bytes, before.manifest.cost.read_bytes);
            assert_eq!(progress.rows, ROWS);
            progress.again == 1
        });
        assert!(forgotten, "the statistics are believed");
        assert!(database.world.verify(&before, &database.url).expect("the database is read"));

        // The same into an empty repository, where every chunk of the reading in vain is a new one.
        let fresh = Database { world: World::new(), ..database };
        let (stored, progress) = watched(&fresh);
        assert_eq!(progress, Progress { rows: ROWS, again: 1 });
        assert_eq!(stored.manifest.tables[0].root.rows, ROWS);
        assert!(fresh.world.verify(&stored, &fresh.url).expect("the database is read"));
    }
}
