//! What a database tells of rows that were written since a snapshot: it has to come to the same as reading all rows.

use std::fmt::Write;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use rowkeep::apply::execute;
use rowkeep::apply::plan::{Mode, PlanOptions, plan};
use rowkeep::diff::Filter;
use rowkeep::engine::ApplyOptions;
use rowkeep::state::selection::Selection;
use rowkeep::state::snapshots::Snapshot;
use rowkeep::{Context, State};
use tokio_postgres::Client;

use crate::apply::{hashes, safety, take_back};
use crate::keyed::all_changes;
use crate::postgres::{Database, on_every_server, servers};
use crate::world::asked_for;

/// Numbers; text whose order is not the server's; several columns; a key that the server cannot sort by; none at all.
const SCHEMA: &str = "
    DROP SCHEMA public CASCADE; CREATE SCHEMA public;
    CREATE TYPE mood AS ENUM ('sad', 'glad');
    CREATE TABLE numbers (k integer PRIMARY KEY, v text, w text);
    CREATE TABLE texts (k text PRIMARY KEY, v text, w text);
    CREATE TABLE pairs (a text COLLATE \"C\", b bigint, v mood DEFAULT 'sad', w text, PRIMARY KEY (b, a));
    CREATE TABLE precise (k float8 PRIMARY KEY, v text, w regclass DEFAULT 'numbers');
    CREATE TABLE bare (k integer, v text, w text);
    CREATE TABLE twin (LIKE numbers INCLUDING ALL);
    INSERT INTO numbers SELECT n, 'v' || n, 'w' FROM generate_series(1, 40) n;
    INSERT INTO twin SELECT n, 'twin' || n, 'w' FROM generate_series(1, 40) n;
    INSERT INTO texts SELECT chr(65 + n) || n, 'v' || n FROM generate_series(1, 40) n;
    INSERT INTO pairs SELECT chr(65 + n), n % 3, 'sad', 'w' || n FROM generate_series(1, 40) n;
    INSERT INTO precise SELECT n / 4.0, 'v' || n FROM generate_series(1, 40) n;
    INSERT INTO bare SELECT n % 5, 'v' FROM generate_series(1, 20) n;";

/// Something that happens to the database.
#[derive(Debug, Clone)]
enum Event {
    /// Statements in a transaction that is committed, or not.
    Written(Vec<Statement>, Ended),
    /// Statements in a transaction that stays open beside the others for a while.
    Begun(Vec<Statement>),
    /// That one is committed, or not.
    Settled(bool),
    /// Something that rows or their form are not changed by, or all of them.
    Altered(usize),
    /// A snapshot is taken.
    Captured,
}

#[derive(Debug, Clone, Copy)]
enum Ended {
    Committed,
    RolledBack,
    /// Half of it in a subtransaction that is kept, and half in one that is not.
    InParts,
}

/// A kind of statement, and the row that it is about.
type Statement = (usize, u8);

const STATEMENTS: [fn(u8) -> String; 14] = [
    |n| format!("INSERT INTO numbers VALUES ({}, 'new', 'w') ON CONFLICT DO NOTHING", 30 + n),
    |n| format!("UPDATE numbers SET v = v || 'x' WHERE k = {n}"),
    |n| format!("UPDATE numbers SET k = k + 1000 WHERE k = {n}"),
    |n| format!("DELETE FROM numbers WHERE k = {n}"),
    |n| format!("DELETE FROM numbers WHERE k BETWEEN {n} AND {}", n + 5),
    |n| format!("UPDATE numbers SET w = w WHERE k = {n}"),
    |n| {
        format!(
            "INSERT INTO texts VALUES (chr({}) || {n}, 'new') ON CONFLICT (k) DO UPDATE SET v = 'again'",
            65 + n
        )
    },
    |n| format!("DELETE FROM texts WHERE k = chr({0}) || {n}", 65 + n),
    |n| format!("UPDATE pairs SET v = 'glad' WHERE a = chr({})", 65 + n),
    |n| format!("DELETE FROM pairs WHERE a = chr({})", 65 + n),
    |n| format!("UPDATE precise SET v = 'y' WHERE k = {n} / 4.0"),
    |n| format!("DELETE FROM precise WHERE k = {n} / 4.0"),
    |n| format!("DELETE FROM bare WHERE k = {n}; INSERT INTO bare VALUES ({n}, 'b')"),
    |n| format!("SELECT * FROM numbers WHERE k = {n} FOR UPDATE"),
];

const ALTERATIONS: [&str; 17] = [
    "VACUUM",
    "VACUUM FREEZE numbers",
    // Not of all: that would be of the catalogs too that databases share, and keep everybody from connecting.
    "VACUUM FULL numbers, twin, texts, pairs, precise, bare",
    "DO $$ BEGIN EXECUTE (SELECT format('CLUSTER numbers USING %I', relname) FROM pg_index JOIN pg_class ON oid = indexrelid \
     WHERE indrelid = 'numbers'::regclass AND indisprimary); END $$",
    "ANALYZE",
    "CREATE INDEX ON numbers (v)",
    "ALTER TABLE numbers RENAME TO other;\nALTER TABLE twin RENAME TO numbers;\nALTER TABLE other RENAME TO twin",
    "ALTER TABLE numbers RENAME v TO x;\nALTER TABLE numbers RENAME w TO v;\nALTER TABLE numbers RENAME x TO w",
    "ALTER TABLE texts ADD COLUMN IF NOT EXISTS d integer DEFAULT 7",
    "ALTER TABLE texts DROP COLUMN IF EXISTS d",
    "ALTER TABLE texts ALTER v TYPE varchar(90)",
    "DO $$ BEGIN ALTER TYPE mood RENAME VALUE 'sad' TO 'blue'; EXCEPTION WHEN OTHERS THEN NULL; END $$",
    "ALTER TABLE precise RENAME TO exact;\nALTER TABLE exact RENAME TO precise",
    "CREATE SCHEMA s;\nALTER TABLE numbers SET SCHEMA s;\nALTER TABLE s.numbers SET SCHEMA public;\nDROP SCHEMA s",
    "BEGIN; TRUNCATE numbers; INSERT INTO numbers SELECT n, 'v' || n, 'w' FROM generate_series(1, 40) n; COMMIT",
    "TRUNCATE texts",
    "ALTER TABLE pairs REPLICA IDENTITY FULL",
];

fn any_events() -> impl Strategy<Value = Vec<Event>> {
    let statements = || prop::collection::vec((0..STATEMENTS.len(), 0u8..45), 1..5);
    let ended = prop_oneof![Just(Ended::Committed), Just(Ended::RolledBack), Just(Ended::InParts)];
    let event = prop_oneof![
        5 => (statements(), ended).prop_map(|(statements, ended)| Event::Written(statements, ended)),
        2 => statements().prop_map(Event::Begun),
        2 => any::<bool>().prop_map(Event::Settled),
        2 => (0..ALTERATIONS.len()).prop_map(Event::Altered),
        4 => Just(Event::Captured),
    ];
    prop::collection::vec(event, 1..14)
}

/// The database, and a transaction that is open beside.
struct Play<'d> {
    database: &'d Database,
    beside: &'d Client,
    open: bool,
}

fn sql_of(statements: &[Statement]) -> String {
    let mut sql = String::new();
    statements
        .iter()
        .for_each(|(kind, row)| write!(sql, "{};", STATEMENTS[*kind](*row)).expect("it is text"));
    sql
}

impl Play<'_> {
    fn happen(&mut self, event: &Event) {
        match event {
            Event::Written(statements, ended) => {
                self.settle(true);
                let (first, second) = statements.split_at(statements.len() / 2);
                self.database.sql(&match ended {
                    Ended::Committed => format!("BEGIN; {} COMMIT", sql_of(statements)),
                    Ended::RolledBack => format!("BEGIN; {} ROLLBACK", sql_of(statements)),
                    Ended::InParts => format!(
                        "BEGIN; SAVEPOINT a; {} RELEASE a; SAVEPOINT b; {} ROLLBACK TO b; COMMIT",
                        sql_of(first),
                        sql_of(second)
                    ),
                });
            }
            Event::Begun(statements) => {
                self.settle(true);
                self.in_beside(&format!("BEGIN; SAVEPOINT a; {}", sql_of(statements)));
                // Numbers that are given meanwhile are higher than its own.
                self.database.sql("SELECT txid_current()");
                self.open = true;
            }
            Event::Settled(commit) => self.settle(*commit),
            Event::Altered(alteration) => {
                self.settle(true);
                // One by one, for not all of them may stand in a transaction that statements together are.
                ALTERATIONS[*alteration].lines().for_each(|statement| self.database.sql(statement));
            }
            Event::Captured => {}
        }
    }

    fn settle(&mut self, commit: bool) {
        if std::mem::take(&mut self.open) {
            self.in_beside(if commit { "COMMIT" } else { "ROLLBACK" });
        }
    }

    fn in_beside(&self, sql: &str) {
        let done = self.database.world.block_on(self.beside.batch_execute(sql));
        done.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    }
}

/// Both ways from a snapshot to the database and back give the same changes.
fn compare(database: &Database, snapshot: &Snapshot) -> Result<(), TestCaseError> {
    let world = &database.world;
    let [told, read] = [world.engine(&database.url), world.engine_that_reads_all(&database.url)];
    let [told, read] = world.block_on(async {
        let stored = State::snapshot(&world.repository, snapshot.clone()).await.expect("it opens");
        let mut both = [const { Vec::new() }; 2];
        for (engine, changes) in [told, read].iter().zip(&mut both) {
            let live = State::live(engine.as_ref()).await.expect("it opens");
            changes.push(all_changes(&live, &stored, Filter::default()).await);
            changes.push(all_changes(&stored, &live, Filter::default()).await);
        }
        both
    });
    prop_assert_eq!(told, read);
    Ok(())
}

fn check(database: &Database, beside: &Client, events: &[Event]) -> Result<(), TestCaseError> {
    database.sql(SCHEMA);
    let mut play = Play { database, beside, open: false };
    let capture = || database.world.capture(&database.url).expect("it is captured");
    let mut snapshots = vec![capture()];
    for event in events {
        play.happen(event);
        if matches!(event, Event::Captured) {
            let taken = capture();
            let read = database.world.capture_all(&database.url).expect("it is captured");
            prop_assert_eq!(hashes(&taken), hashes(&read));
            snapshots.push(taken);
        }
    }
    let compared = snapshots.iter().try_for_each(|snapshot| compare(database, snapshot));
    play.settle(false);
    compared?;
    snapshots.iter().try_for_each(|snapshot| compare(database, snapshot))
}

#[test]
fn what_the_server_tells_is_what_its_rows_say() {
    on_every_server(|server| {
        let database = Database::new(server, "rowkeep_test_written");
        let beside = database.world.connect(&database.url);
        let config = ProptestConfig {
            failure_persistence: None,
            max_shrink_iters: 40,
            ..ProptestConfig::with_cases(asked_for(4))
        };
        let outcome = TestRunner::new(config).run(&any_events(), |events| check(&database, &beside, &events));
        outcome.unwrap_or_else(|error| panic!("{error}"));
    });
}

/// Waits until every transaction of the server that has begun has ended, those of other tests too: the rows that they
/// wrote, and all before, are then below the horizon of the next snapshot.
fn wait_for_transactions(database: &Database) {
    let begun = database.query("SELECT pg_snapshot_xmax(pg_current_snapshot())");
    let begun: u64 = begun.parse().expect("it is a number");
    let ended = (0..1200).any(|_| {
        let ended = database.query("SELECT pg_snapshot_xmin(pg_current_snapshot()) FROM pg_sleep(0.1)");
        ended.parse::<u64>().expect("it is a number") >= begun
    });
    assert!(ended, "every other transaction ends");
}

/// How many bytes of values were read for a snapshot.
fn bytes_read(snapshot: &Snapshot) -> u64 {
    snapshot.manifest.cost.read_bytes
}

/// Nothing would be gained by all this if tables were read all the same.
#[test]
fn tables_that_nobody_wrote_to_are_not_read() {
    for server in servers() {
        let database = Database::new(&server, "rowkeep_test_unwritten");
        let world = &database.world;
        database.sql("CREATE TABLE a (k integer PRIMARY KEY, v text); CREATE TABLE b (LIKE a INCLUDING ALL)");
        database.sql(
            "INSERT INTO a SELECT n, md5(n::text) FROM generate_series(1, 20000) n; INSERT INTO b TABLE a",
        );
        wait_for_transactions(&database);
        let first = world.capture(&database.url).expect("it is captured");
        assert!(
            bytes_read(&first) > 1_000_000 && first.manifest.tables.iter().all(|table| table.read.is_none())
        );

        let second = world.capture(&database.url).expect("it is captured");
        assert_eq!((hashes(&second), bytes_read(&second)), (hashes(&first), 0));
        let read =
            |snapshot: &Snapshot| snapshot.manifest.tables.iter().map(|table| table.read).collect::<Vec<_>>();
        assert_eq!(read(&second), vec![Some(first.manifest.time); 2]);

        database.sql("UPDATE a SET v = 'x' WHERE k = 7");
        let third = world.capture(&database.url).expect("it is captured");
        assert_eq!(read(&third), vec![Some(first.manifest.time); 2]);
        assert_eq!(bytes_read(&third), 2, "of the table that was written to only the row that was");
        let all = world.capture_all(&database.url).expect("it is captured");
        assert_eq!(hashes(&all), hashes(&third));
        assert_eq!(bytes_read(&all), bytes_read(&first) - 31, "one value has one byte instead of 32");
    }
}

/// Tables of several chunks, in which rows are written, moved and deleted here and there: what is made of the chunks that are there
/// and of the rows that were written is what reading all rows gives.
#[test]
fn what_was_written_is_merged_into_the_table_before() {
    const KEYS: [&str; 4] = ["n", "lpad(n::text, 9, '0')", "n / 4.0", "-n"];
    for server in servers() {
        let database = Database::new(&server, "rowkeep_test_merged");
        let world = &database.world;
        let types = ["integer", "text", "numeric", "bigint"];
        for (at, (key, of)) in KEYS.iter().zip(types).enumerate() {
            database.sql(&format!("CREATE TABLE t{at} (k {of} PRIMARY KEY, n integer, v text)"));
            database.sql(&format!(
                "INSERT INTO t{at} SELECT {key}, n, repeat(md5(n::text), 10) FROM generate_series(1, 12000) n"
            ));
        }
        database.sql("CREATE TABLE pairs (a integer, b text, n integer, v text, PRIMARY KEY (a, b))");
        database.sql(
            "INSERT INTO pairs SELECT n / 7, 'b' || n, n, repeat('x', 300) FROM generate_series(1, 12000) n",
        );
        wait_for_transactions(&database);
        let first = world.capture(&database.url).expect("it is captured");
        assert!(first.manifest.tables.iter().all(|table| table.root.chunks > 1), "{first:?}");
        let tables = ["t0", "t1", "t2", "t3", "pairs"];
        let changes: [&dyn Fn(&str) -> String; 7] = [
            &|table| format!("UPDATE {table} SET v = v || 'x' WHERE n % 500 = 3"),
            &|table| format!("UPDATE {table} SET v = 'short' WHERE n BETWEEN 3000 AND 3100"),
            &|table| format!("DELETE FROM {table} WHERE n % 1000 = 7 OR n BETWEEN 7000 AND 7300"),
            &|table| match table {
                "pairs" => "UPDATE pairs SET b = 'moved' || n WHERE n % 900 = 5".to_owned(),
                "t1" => "UPDATE t1 SET k = 'moved' || k WHERE n % 900 = 5".to_owned(),
                _ => format!("UPDATE {table} SET k = k + 50000 WHERE n % 900 = 5"),
            },
            &|table| format!("DELETE FROM {table} WHERE n > 11000"),
            &|table| format!("UPDATE {table} SET n = n WHERE n < 100"),
            // As many as are gone.
            &|table| {
                let key = if table == "pairs" {
                    "70000 + a, b"
                } else if table == "t1" {
                    "'z' || k"
                } else {
                    "k + 90000"
                };
                let names = if table == "pairs" { "a, b" } else { "k" };
                format!(
                    "WITH gone AS (DELETE FROM {table} WHERE n % 400 = 9 RETURNING *) \
                     INSERT INTO {table} ({names}, n, v) SELECT {key}, n, v FROM gone"
                )
            },
        ];
        for change in changes {
            wait_for_transactions(&database);
            world.capture(&database.url).expect("it is captured");
            tables.iter().for_each(|table| database.sql(&change(table)));
            let taken = world.capture(&database.url).expect("it is captured");
            let read = world.capture_all(&database.url).expect("it is captured");
            assert_eq!(hashes(&taken), hashes(&read), "{}", change("t"));
            assert!(bytes_read(&taken) * 4 < bytes_read(&read), "{}: {}", change("t"), bytes_read(&taken));
            assert!(world.verify(&taken, &database.url).expect("the database is read"));
        }
    }
}

/// The written rows of a large table are read while they are counted.
#[test]
fn the_written_rows_of_a_large_table_are_read_ahead() {
    for server in servers() {
        let database = Database::new(&server, "rowkeep_test_large");
        let world = &database.world;
        database.sql(
            "CREATE TABLE t (k integer PRIMARY KEY, v text); ALTER TABLE t ALTER v SET STORAGE EXTERNAL;
             INSERT INTO t SELECT n, repeat(md5(n::text), 25000) FROM generate_series(1, 50) n",
        );
        wait_for_transactions(&database);
        world.capture(&database.url).expect("it is captured");
        // As much as fits through what is on the way, and more; rows that come back, and that do not; all rows.
        for change in [
            "UPDATE t SET v = 'x' || v WHERE k = 7",
            "DELETE FROM t WHERE k = 8; UPDATE t SET v = 'x' || v WHERE k % 7 = 1",
            "UPDATE t SET v = 'y' || v",
        ] {
            database.sql(change);
            let taken = world.capture(&database.url).expect("it is captured");
            let read = world.capture_all(&database.url).expect("it is captured");
            assert_eq!(hashes(&taken), hashes(&read), "{change}");
            assert_eq!(read.manifest.tables[0].read, None, "{change}");
            wait_for_transactions(&database);
            world.capture_all(&database.url).expect("it is captured");
        }
    }
}

/// Tables come to have the same rows, and so the same chunks: of some they are held back and then not wanted, of one they are
/// wanted, and one that is new is read. Whoever gives up a chunk does not take it from the others.
#[test]
fn what_one_table_gives_up_others_have() {
    for server in servers() {
        let database = Database::new(&server, "rowkeep_test_twins");
        let world = &database.world;
        let fill = |table: &str, from: u32| {
            database.sql(&format!(
                "CREATE TABLE {table} (k integer PRIMARY KEY, v text);
                 INSERT INTO {table} SELECT n, repeat(md5(n::text), 20) FROM generate_series({from}, 6000) n"
            ));
        };
        ["a", "b", "c"].iter().for_each(|table| fill(table, 1));
        for round in 1..6 {
            let (first, new) = (round * 100, format!("new{round}"));
            database.sql(&format!("UPDATE b SET v = '' WHERE k BETWEEN {first} AND {first} + 9"));
            // Of what is gone of these, nothing is written again, which is seen at the end.
            database.sql(
                "DELETE FROM a WHERE k > 10000; DELETE FROM c WHERE k > 10000; DELETE FROM b WHERE k > 10000",
            );
            database.sql(&format!(
                "INSERT INTO a SELECT n, 'old' FROM generate_series(20001, 20010) n; INSERT INTO c TABLE a EXCEPT TABLE c;
                 INSERT INTO b SELECT 30000 + n, {round}::text FROM generate_series(1, 10) n"
            ));
            wait_for_transactions(&database);
            world.capture(&database.url).expect("it is captured");
            for table in ["a", "c"] {
                database.sql(&format!(
                    "DELETE FROM {table} WHERE k > 20000;
                     INSERT INTO {table} SELECT 30000 + n, 'x' FROM generate_series(1, 10) n;
                     UPDATE {table} SET v = {round}::text WHERE k BETWEEN {first} AND {first} + 9"
                ));
            }
            database.sql(&format!(
                "UPDATE b SET v = 'x' WHERE k > 30000; UPDATE b SET v = {round}::text WHERE k BETWEEN {first} AND {first} + 9;
                 CREATE TABLE {new} (LIKE a INCLUDING ALL); INSERT INTO {new} TABLE a"
            ));
            let taken = world.capture(&database.url).expect("it is captured");
            let hash = |table: &str| {
                let mut entries = taken.manifest.tables.iter();
                entries.find(|entry| entry.name.name == table).expect("it is there").root.hash
            };
            assert_eq!([hash("a"), hash("c"), hash(&new)], [hash("b"); 3], "{round}");
            let carried = taken.manifest.tables.iter().filter(|entry| entry.read.is_some()).count();
            assert_eq!(carried, taken.manifest.tables.len() - 1, "all but the new one");
            let read = world.capture_all(&database.url).expect("it is captured");
            assert_eq!(hashes(&taken), hashes(&read), "{round}");
        }
    }
}

/// The rows of a part of the database come back, and go again, without reading the table; what is kept for that are the
/// changes.
#[test]
fn rows_that_are_gone_come_back_without_reading_their_table() {
    for server in servers() {
        let database = Database::new(&server, "rowkeep_test_gone");
        let world = &database.world;
        database.sql("CREATE TABLE t (k integer PRIMARY KEY, v text); CREATE TABLE u (LIKE t INCLUDING ALL)");
        database.sql("INSERT INTO t SELECT n, repeat(md5(n::text), 3) FROM generate_series(1, 100000) n");
        wait_for_transactions(&database);
        let snapshot = world.capture(&database.url).expect("it is captured");
        // Where chunks end depends on the repository's key, but none is larger than 6 MiB.
        assert!(snapshot.manifest.tables.iter().any(|table| table.root.chunks > 1), "{snapshot:?}");
        database
            .sql("DELETE FROM t WHERE k % 1000 = 0 OR k > 50000; UPDATE t SET v = 'x' WHERE k % 1000 = 1");
        database.sql("INSERT INTO t VALUES (200000, 'new')");
        let harmed = hashes(&world.capture_all(&database.url).expect("it is captured"));

        let selection = Selection { include: vec!["t".to_owned()], ..Selection::default() };
        let options =
            PlanOptions { selection, safety: Some(safety()), mode: Mode::Replace, ..PlanOptions::default() };
        let (engine, context) = (world.engine(&database.url), Context::silent());
        let outcome = world.block_on(async {
            let target = State::snapshot(&world.repository, snapshot.clone()).await.expect("it opens");
            let plan =
                plan(&context, &world.repository, engine.as_ref(), &target, &options).await.expect("a plan");
            let counts = plan.counts();
            assert_eq!((counts.inserted, counts.updated, counts.deleted), (50_050, 50, 1));
            execute(&context, &world.repository, engine.as_ref(), plan, &ApplyOptions::default()).await
        });
        let kept = outcome.expect("it is restored").safety.expect("it can be undone");
        assert!(kept.is_changes_alone());
        assert!(world.verify(&snapshot, &database.url).expect("the database is read"));
        take_back(&database);
        assert_eq!(hashes(&world.capture_all(&database.url).expect("it is captured")), harmed);
    }
}

/// A transaction that stays open keeps the lowest number where it is, and a state that was opened before a snapshot was taken is
/// held against it all the same.
#[test]
fn a_snapshot_of_a_later_state_tells_nothing_of_an_earlier_one() {
    for server in servers() {
        let database = Database::new(&server, "rowkeep_test_later");
        let world = &database.world;
        database.sql("CREATE TABLE t (k integer PRIMARY KEY, v text)");
        database.sql("INSERT INTO t SELECT n, 'v' FROM generate_series(1, 40) n");
        let beside = world.connect(&database.url);
        let begun = "BEGIN; SELECT txid_current()";
        world.block_on(beside.batch_execute(begun)).expect("a transaction begins");
        let engine = world.engine(&database.url);
        let live = world.block_on(State::live(engine.as_ref())).expect("it opens");
        database.sql(
            "UPDATE t SET v = 'x' WHERE k = 7; DELETE FROM t WHERE k = 8; INSERT INTO t VALUES (90, 'new')",
        );
        let snapshot = world.capture(&database.url).expect("it is captured");
        let changes = world.block_on(async {
            let stored = State::snapshot(&world.repository, snapshot).await.expect("it opens");
            all_changes(&live, &stored, Filter::default()).await.expect("they are compared")
        });
        let kinds: String = changes.iter().filter_map(|line| line.chars().next()).collect();
        let count = |kind: char| kinds.chars().filter(|found| *found == kind).count();
        assert_eq!((count('~'), count('+'), count('-')), (1, 1, 1), "{changes:?}");
    }
}

/// An instant means nothing to another database, though it be a copy whose row versions carry the same numbers.
#[test]
fn a_copy_of_a_database_is_another() {
    let server = &servers()[0];
    let database = Database::new(server, "rowkeep_test_original");
    database.sql("CREATE TABLE t (k integer PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'a'), (2, 'b')");
    let Database { world, url, .. } = database;
    let admin = world.connect(server);
    let sql = |text: &str| world.block_on(admin.batch_execute(text));
    sql("DROP DATABASE IF EXISTS rowkeep_test_copied WITH (FORCE)").expect("the server obeys");
    // The connection that was closed may take a moment to go.
    let copied = (0..600).any(|_| {
        let gone = "SELECT pg_terminate_backend(pid, 100) FROM pg_stat_activity WHERE datname = 'rowkeep_test_original'";
        sql(gone).expect("the server obeys");
        sql("CREATE DATABASE rowkeep_test_copied TEMPLATE rowkeep_test_original").is_ok()
    });
    assert!(copied, "nobody uses the original");
    let copy = Database::opened(world, url.replace("original", "copied"));
    copy.sql("UPDATE t SET v = 'x' WHERE k = 1");
    // So by its number the changed row would be an old one.
    wait_for_transactions(&copy);
    let world = &copy.world;
    let snapshot = world.capture(&url).expect("it is captured");
    let engine = world.engine(&copy.url);
    let changes = world.block_on(async {
        let stored = State::snapshot(&world.repository, snapshot).await.expect("it opens");
        let live = State::live(engine.as_ref()).await.expect("it opens");
        all_changes(&live, &stored, Filter::default()).await.expect("they are compared")
    });
    assert_eq!(changes.iter().filter(|line| line.starts_with('~')).count(), 1, "{changes:?}");
}
