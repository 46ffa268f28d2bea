//! Restores into databases that hold data, on random databases and random edits.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use rowkeep::apply::plan::{Mode, PlanOptions, Safety, plan};
use rowkeep::apply::{Executed, execute, last_applied, undo};
use rowkeep::engine::{ApplyOptions, ErrorKind};
use rowkeep::format::Counts;
use rowkeep::state::owner::Owner;
use rowkeep::state::snapshots::Snapshot;
use rowkeep::{Context, Error, State};

use crate::postgres::{Database, servers};
use crate::world::{World, asked_for};

/// Foreign keys with an action, a unique column whose values may trade places, and a table without any key.
const SCHEMA: &str = "
    CREATE TABLE parents (id INTEGER PRIMARY KEY, code TEXT UNIQUE, boss INTEGER REFERENCES parents (id));
    CREATE TABLE children (id INTEGER PRIMARY KEY, parent INTEGER NOT NULL REFERENCES parents (id) ON DELETE CASCADE, n TEXT);
    CREATE TABLE logs (t TEXT, n INTEGER);
    CREATE TABLE kept (id INTEGER PRIMARY KEY);";

/// Rows of the tables: parents by id with code and boss, children by id with parent and text, logs.
#[derive(Debug, Clone, Default)]
struct Rows {
    parents: BTreeMap<u8, (u8, Option<u8>)>,
    children: BTreeMap<u8, (u8, u8)>,
    logs: Vec<(u8, u8)>,
}

fn any_rows() -> impl Strategy<Value = Rows> {
    let parents = prop::collection::btree_map(0u8..30, (any::<u8>(), prop::option::of(any::<u8>())), 0..20);
    let children = prop::collection::btree_map(0u8..60, (any::<u8>(), 0u8..4), 0..30);
    let logs = prop::collection::vec((0u8..3, 0u8..3), 0..12);
    (parents, children, logs).prop_map(|(mut parents, mut children, logs)| {
        // Every code once, and references to what is there.
        let ids: Vec<u8> = parents.keys().copied().collect();
        let mut codes = BTreeSet::new();
        for (code, boss) in parents.values_mut() {
            *code %= 40;
            while !codes.insert(*code) {
                *code = (*code + 1) % 40;
            }
            *boss = boss.map(|boss| ids[usize::from(boss) % ids.len()]);
        }
        match ids.as_slice() {
            [] => children.clear(),
            ids => {
                children.values_mut().for_each(|(parent, _)| *parent = ids[usize::from(*parent) % ids.len()])
            }
        }
        Rows { parents, children, logs }
    })
}

impl Rows {
    fn sql(&self) -> String {
        let mut sql =
            "DELETE FROM children; UPDATE parents SET boss = NULL; DELETE FROM parents; DELETE FROM logs;"
                .to_owned();
        for (id, (code, _)) in &self.parents {
            let _ = write!(sql, "INSERT INTO parents VALUES ({id}, 'c{code}', NULL);");
        }
        for (id, (_, boss)) in &self.parents {
            if let Some(boss) = boss {
                let _ = write!(sql, "UPDATE parents SET boss = {boss} WHERE id = {id};");
            }
        }
        for (id, (parent, text)) in &self.children {
            let _ = write!(sql, "INSERT INTO children VALUES ({id}, {parent}, 'n{text}');");
        }
        for (text, number) in &self.logs {
            let _ = write!(sql, "INSERT INTO logs VALUES ('t{text}', {number});");
        }
        sql
    }
}

/// A live database, and a repository.
pub(crate) trait Live {
    fn world(&self) -> &World;
    fn url(&self) -> &str;
    fn sql(&self, sql: &str);
}

impl Live for Database {
    fn world(&self) -> &World {
        &self.world
    }

    fn url(&self) -> &str {
        &self.url
    }

    fn sql(&self, sql: &str) {
        Database::sql(self, sql);
    }
}

pub(crate) struct File {
    world: World,
    path: String,
    _folder: tempfile::TempDir,
}

impl File {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let path = folder.path().join("live.db").to_string_lossy().into_owned();
        Self { world: World::new(), path, _folder: folder }
    }
}

impl Live for File {
    fn world(&self) -> &World {
        &self.world
    }

    fn url(&self) -> &str {
        &self.path
    }

    fn sql(&self, sql: &str) {
        let database = rusqlite::Connection::open(&self.path).expect("it opens");
        database.execute_batch(&format!("BEGIN; {sql}; COMMIT")).expect("the statements run");
    }
}

pub(crate) fn hashes(snapshot: &Snapshot) -> Vec<(String, String)> {
    let tables = snapshot.manifest.tables.iter();
    tables.map(|table| (table.name.to_string(), table.root.hash.to_string())).collect()
}

/// The rows of a table as lines of JSON, by what a comparison with nothing says of them.
fn keys_and_rows(live: &dyn Live, table: &str) -> BTreeMap<String, Vec<String>> {
    let engine = live.world().engine(live.url());
    let rows =
        live.world().block_on(engine.query(&format!("SELECT * FROM {table}"), 10_000)).expect("it is read");
    let mut found = BTreeMap::<String, Vec<String>>::new();
    for row in 0..rows.rows.rows() {
        let values: Vec<String> = rows.rows.row(row).map(|value| format!("{value:?}")).collect();
        found.entry(values[0].clone()).or_default().push(values.join(" "));
    }
    found
}

pub(crate) fn safety() -> Safety {
    Safety { database: "test".to_owned(), configured: false, program: "test".to_owned() }
}

/// Plans without touching anything, then restores; the counts of both.
fn restore(live: &dyn Live, snapshot: &Snapshot, mode: Mode) -> (Counts, Result<Executed, Error>) {
    let world = live.world();
    let (engine, context) = (world.engine(live.url()), Context::silent());
    world.block_on(async {
        let target = State::snapshot(&world.repository, snapshot.clone()).await.expect("it opens");
        let dry = PlanOptions { mode, ..PlanOptions::default() };
        let dry =
            plan(&context, &world.repository, engine.as_ref(), &target, &dry).await.expect("a plan is made");
        let options = PlanOptions { mode, safety: Some(safety()), ..PlanOptions::default() };
        let real = plan(&context, &world.repository, engine.as_ref(), &target, &options)
            .await
            .expect("a plan is made");
        assert_eq!(dry.tables(), real.tables(), "by reading the database and by its safety snapshot");
        let done =
            execute(&context, &world.repository, engine.as_ref(), real, &ApplyOptions::default()).await;
        (dry.counts(), done)
    })
}

pub(crate) fn done(outcome: &Executed) -> Counts {
    let mut counts = Counts::default();
    outcome.applied.tables.iter().for_each(|table| counts += table.done);
    counts
}

pub(crate) fn take_back(live: &dyn Live) {
    let world = live.world();
    let (engine, context) = (world.engine(live.url()), Context::silent());
    world.block_on(async {
        let last = last_applied(&context, &world.repository, engine.as_ref(), &Owner::named("test"))
            .await
            .expect("something was restored");
        let plan = undo(&context, &world.repository, engine.as_ref(), &last, Some(&safety())).await;
        let plan = plan.expect("a plan is made");
        execute(&context, &world.repository, engine.as_ref(), plan, &ApplyOptions::default())
            .await
            .expect("it is taken back");
    });
}

/// Every mode on one pair of states.
fn check(live: &dyn Live, first: &Rows, second: &Rows) -> Result<(), TestCaseError> {
    let world = live.world();
    live.sql(&first.sql());
    let snapshot = world.capture(live.url()).expect("it is captured");
    live.sql(&second.sql());
    let before = world.capture(live.url()).expect("it is captured");

    let (planned, outcome) = restore(live, &snapshot, Mode::Replace);
    let outcome = outcome.map_err(|error| TestCaseError::fail(format!("{error:?}")))?;
    prop_assert_eq!(planned, done(&outcome));
    prop_assert!(world.verify(&snapshot, live.url()).expect("it is read"), "replace makes it equal");
    if planned.total() > 0 {
        take_back(live);
    }
    prop_assert_eq!(hashes(&world.capture_all(live.url()).expect("it is captured")), hashes(&before));

    for mode in [Mode::Merge, Mode::Update] {
        let tables = ["parents", "children", "logs"];
        let old = tables.map(|table| keys_and_rows(live, table));
        let (planned, outcome) = restore(live, &snapshot, mode);
        let outcome = match outcome {
            Ok(outcome) => outcome,
            // The code of a row that comes may be that of one that stays.
            Err(Error::Engine(error))
                if matches!(
                    error.kind(),
                    ErrorKind::Constraint | ErrorKind::Dangling | ErrorKind::Conflict
                ) =>
            {
                prop_assert_eq!(
                    hashes(&world.capture_all(live.url()).expect("it is captured")),
                    hashes(&before)
                );
                continue;
            }
            Err(error) => return Err(TestCaseError::fail(format!("{error:?}"))),
        };
        prop_assert_eq!(planned, done(&outcome));
        prop_assert_eq!(planned.deleted, 0);
        for (table, old) in tables.iter().zip(&old) {
            let new = keys_and_rows(live, table);
            let count = |rows: &BTreeMap<String, Vec<String>>| rows.values().map(Vec::len).sum::<usize>();
            prop_assert!(count(&new) >= count(old), "rows of {} went", table);
            // Rows without a key of the application's are known by SQLite's rowid, so one may become another there.
            for (key, rows) in old.iter().filter(|_| *table != "logs") {
                let now = new.get(key);
                prop_assert!(now.is_some(), "{} {} went", table, key);
                if mode == Mode::Merge {
                    prop_assert_eq!(now, Some(rows), "merge changed a row of {}", table);
                }
            }
        }
        if planned.total() > 0 {
            take_back(live);
        }
        prop_assert_eq!(hashes(&world.capture_all(live.url()).expect("it is captured")), hashes(&before));
    }
    Ok(())
}

fn run(live: &dyn Live, cases: u32) {
    live.sql(SCHEMA);
    let config = ProptestConfig {
        failure_persistence: None,
        max_shrink_iters: 60,
        ..ProptestConfig::with_cases(asked_for(cases))
    };
    let outcome = TestRunner::new(config)
        .run(&(any_rows(), any_rows()), |(first, second)| check(live, &first, &second));
    outcome.unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn every_mode_keeps_its_promise_on_sqlite() {
    run(&File::new(), 24);
}

#[test]
fn every_mode_keeps_its_promise_on_postgresql() {
    for server in servers() {
        run(&Database::new(&server, "rowkeep_test_modes"), 4);
    }
}

/// What was changed again since is noticed, and nothing of the rest happens either.
#[test]
fn undo_notices_rows_that_were_changed_since() {
    let live = File::new();
    live.sql(SCHEMA);
    live.sql("INSERT INTO kept VALUES (1), (2); INSERT INTO parents VALUES (1, 'a', NULL), (2, 'b', NULL)");
    let snapshot = live.world.capture(live.url()).expect("it is captured");
    live.sql("DELETE FROM parents WHERE id = 1; UPDATE parents SET code = 'x' WHERE id = 2");
    restore(&live, &snapshot, Mode::Replace).1.expect("it is restored");
    live.sql("UPDATE parents SET code = 'later' WHERE id = 2");
    let engine = live.world.engine(live.url());
    let context = Context::silent();
    live.world.block_on(async {
        let repository = &live.world.repository;
        let last = last_applied(&context, repository, engine.as_ref(), &Owner::named("test"))
            .await
            .expect("something was restored");
        let plan = undo(&context, repository, engine.as_ref(), &last, None).await.expect("a plan is made");
        let refused = execute(&context, repository, engine.as_ref(), plan, &ApplyOptions::default()).await;
        let error = refused.expect_err("a row was changed since");
        assert!(matches!(&error, Error::Engine(error) if error.kind() == ErrorKind::Conflict), "{error:?}");
    });
    let rows = keys_and_rows(&live, "parents");
    assert_eq!(rows.len(), 2, "the row that came back stays");
}

/// A number that was given out since is not given out again.
#[test]
fn undo_does_not_take_counters_back_that_went_on() {
    let live = File::new();
    let counter = || keys_and_rows(&live, "sqlite_sequence").into_values().flatten().collect::<Vec<_>>();
    live.sql("CREATE TABLE n (id INTEGER PRIMARY KEY AUTOINCREMENT, v TEXT); INSERT INTO n (v) VALUES ('a'), ('b')");
    let snapshot = live.world.capture(live.url()).expect("it is captured");
    for harm in ["INSERT INTO n (v) VALUES ('c')", "DELETE FROM n; DELETE FROM sqlite_sequence"] {
        live.sql(harm);
        restore(&live, &snapshot, Mode::Replace).1.expect("it is restored");
        assert!(counter().concat().ends_with("Integer(2)"), "{harm}: {:?}", counter());
        live.sql("INSERT INTO n (v) VALUES ('x'), ('y'); DELETE FROM n WHERE v IN ('x', 'y')");
        take_back(&live);
        assert!(counter().concat().ends_with("Integer(4)"), "{harm}: {:?}", counter());
        live.sql(
            "DELETE FROM n; INSERT INTO n VALUES (1, 'a'), (2, 'b'); UPDATE sqlite_sequence SET seq = 2",
        );
    }

    for server in servers() {
        let live = Database::new(&server, "rowkeep_test_counters");
        live.sql("CREATE TABLE n (id serial PRIMARY KEY, v text); INSERT INTO n (v) VALUES ('a'), ('b')");
        let snapshot = live.world.capture(live.url()).expect("it is captured");
        live.sql("INSERT INTO n (v) VALUES ('c')");
        restore(&live, &snapshot, Mode::Replace).1.expect("it is restored");
        live.sql("SELECT nextval('n_id_seq'), nextval('n_id_seq')");
        let (engine, context) = (live.world.engine(live.url()), Context::silent());
        live.world.block_on(async {
            let repository = &live.world.repository;
            let last = last_applied(&context, repository, engine.as_ref(), &Owner::named("test"))
                .await
                .expect("something was restored");
            let plan =
                undo(&context, repository, engine.as_ref(), &last, None).await.expect("a plan is made");
            let refused =
                execute(&context, repository, engine.as_ref(), plan, &ApplyOptions::default()).await;
            let error = refused.expect_err("the sequence went on");
            assert!(
                matches!(&error, Error::Engine(error) if error.kind() == ErrorKind::Conflict),
                "{error:?}"
            );
        });
        assert_eq!(keys_and_rows(&live, "n").len(), 2, "nothing is changed");
        let last = keys_and_rows(&live, "n_id_seq");
        assert!(format!("{last:?}").contains("52"), "the byte of 4: {last:?}");
    }
}

/// Changes that are stored in several parts are taken back with all of them.
fn much_is_taken_back(live: &dyn Live) {
    let text = "text".repeat(400);
    live.sql(&format!(
        "CREATE TABLE t (id integer PRIMARY KEY, v text);
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) INSERT INTO t SELECT i, '{text}' FROM n"
    ));
    let world = live.world();
    let snapshot = world.capture(live.url()).expect("it is captured");
    live.sql("UPDATE t SET v = 'x' || v WHERE id % 3 = 0; DELETE FROM t WHERE id % 3 = 1");
    let before = hashes(&world.capture(live.url()).expect("it is captured"));
    restore(live, &snapshot, Mode::Replace).1.expect("it is restored");
    assert!(world.verify(&snapshot, live.url()).expect("it is read"));
    take_back(live);
    assert_eq!(hashes(&world.capture(live.url()).expect("it is captured")), before);
}

#[test]
fn undo_takes_back_much() {
    much_is_taken_back(&File::new());
    much_is_taken_back(&Database::new(&servers()[0], "rowkeep_test_much"));
}

/// A restore that is refused leaves no safety snapshot, and `latest` never means one.
#[test]
fn safety_snapshots_stay_in_the_background() {
    let live = File::new();
    live.sql(SCHEMA);
    live.sql("INSERT INTO parents VALUES (1, 'a', NULL)");
    let snapshot = live.world.capture(live.url()).expect("it is captured");
    live.sql("DELETE FROM parents; INSERT INTO parents VALUES (2, 'a', NULL)");
    let count = || {
        live.world
            .block_on(rowkeep::state::snapshots::list(&live.world.repository, None))
            .expect("listed")
            .len()
    };
    let refused = restore(&live, &snapshot, Mode::Merge).1.expect_err("the code is taken");
    assert!(matches!(&refused, Error::Engine(_)), "{refused:?}");
    assert_eq!(count(), 1);
    restore(&live, &snapshot, Mode::Replace).1.expect("it is restored");
    assert_eq!(count(), 2);
    let latest =
        live.world.block_on(rowkeep::state::snapshots::latest(&live.world.repository, None)).expect("listed");
    assert_eq!(latest.map(|latest| latest.id), Some(snapshot.id));
}
