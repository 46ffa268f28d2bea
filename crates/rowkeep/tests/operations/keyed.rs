//! Rows named by their keys: looked up, they give what reading the tables gives.

use std::fmt::Write;
use std::sync::Arc;

use futures::StreamExt;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use rowkeep::apply::execute;
use rowkeep::apply::plan::{Mode, PlanOptions, plan};
use rowkeep::diff::{DiffOptions, Filter, RowFilter, RowTest, WantedRows, diff};
use rowkeep::engine::ApplyOptions;
use rowkeep::engine::dialect::Dialect;
use rowkeep::format::{ContentKeys, Table};
use rowkeep::rows::condition::{Condition, parse_key};
use rowkeep::state::snapshots::Snapshot;
use rowkeep::{Context, Error, State};

use crate::apply::{File, Live, done, hashes, safety, take_back};
use crate::postgres::{Database, servers};
use crate::world::asked_for;

/// The same rows, without saying what keys they have, so that the tables are read.
struct Slow(WantedRows);

impl RowFilter for Slow {
    fn bind(&self, table: &Table, dialect: &'static dyn Dialect) -> Result<Option<RowTest>, Error> {
        self.0.bind(table, dialect)
    }
}

/// How a table is made before and after; `a` and `b` are in keys, `v` is not.
const SHAPES: [(&str, &str, usize); 6] = [
    ("a integer PRIMARY KEY, b text, v text", "a integer PRIMARY KEY, b text, v text", 1),
    (
        "a integer, b varchar(400), v text, PRIMARY KEY (b, a)",
        "a integer, b varchar(400), v text, PRIMARY KEY (b, a)",
        2,
    ),
    ("a numeric(9, 2) PRIMARY KEY, b text, v text", "v text, a numeric(9, 2) PRIMARY KEY, b text", 1),
    // Another key, another order of columns, another type, a column more.
    (
        "a integer PRIMARY KEY, b text NOT NULL, v text",
        "v text, b text NOT NULL, a integer NOT NULL, PRIMARY KEY (b, a)",
        1,
    ),
    (
        "b varchar(400), a integer, v text, PRIMARY KEY (a, b)",
        "w integer DEFAULT 7, a integer, b varchar(400) UNIQUE NOT NULL, v text",
        3,
    ),
    ("a integer PRIMARY KEY, b text, v text", "a text PRIMARY KEY, b text, v text", 1),
];

type Rows = Vec<(u8, u8)>;

/// Text so long that of two keys the same beginning is kept.
fn long(number: u8) -> String {
    format!("{}{number}", "k".repeat(if number.is_multiple_of(2) { 300 } else { 1 }))
}

fn fill(shape: &str, rows: &Rows) -> String {
    let mut sql = format!("DROP TABLE IF EXISTS t; CREATE TABLE t ({shape});");
    let mut seen = std::collections::BTreeSet::new();
    for (key, value) in rows.iter().filter(|(key, _)| seen.insert(*key)) {
        let _ = write!(sql, "INSERT INTO t (a, b, v) VALUES ({key}, '{}', 'v{value}');", long(*key));
    }
    sql
}

fn named(shape: usize, keys: &[u8]) -> WantedRows {
    let text = |key: &u8| match SHAPES[shape].2 {
        1 => format!("t:{key}"),
        2 => format!("t:{},{key}", long(*key)),
        _ => format!("t:{key},{}", long(*key)),
    };
    let keys = keys.iter().map(|key| parse_key(&text(key)).expect("it is a key")).collect();
    WantedRows { condition: None, keys }
}

/// Every change as it is encoded, and what else is known of the tables.
async fn changes(before: &State, after: &State, rows: Arc<dyn RowFilter>) -> Result<Vec<String>, String> {
    all_changes(before, after, Filter { rows: Some(rows), ..Filter::default() }).await
}

/// The same of all rows that a filter lets through.
pub(crate) async fn all_changes(
    before: &State,
    after: &State,
    filter: Filter,
) -> Result<Vec<String>, String> {
    let options = DiffOptions { filter, ..DiffOptions::default() };
    let difference = diff(&Context::silent(), &ContentKeys::derive(&[0; 32]), before, after, &options).await;
    let difference = difference.map_err(|error| error.to_string())?;
    let mut all = Vec::new();
    for (at, table) in difference.changes.tables().iter().enumerate() {
        all.push(format!("{:?} {:?}", table.counts, table.updated_columns));
        let mut runs = std::pin::pin!(difference.changes.changes(at));
        while let Some(run) = runs.next().await {
            let run = run.expect("changes are read");
            for change in run.iter() {
                let row = |batch: &rowkeep::format::RowBatch, row: usize| {
                    batch.row(row).map(|value| format!("{value:?}")).collect::<Vec<_>>().join(" ")
                };
                use rowkeep::format::Change;
                all.push(match change {
                    Change::Insert { after } => format!("+ {}", row(run.after(), after)),
                    Change::Update { before, after } => {
                        format!("~ {} > {}", row(run.before(), before), row(run.after(), after))
                    }
                    Change::Delete { before } => format!("- {}", row(run.before(), before)),
                });
            }
        }
    }
    Ok(all)
}

/// Two databases and their snapshots, each with each, by looking rows up and by reading the tables.
fn check(
    first: &dyn Live,
    second: &dyn Live,
    shape: usize,
    rows: (&Rows, &Rows),
    keys: &[u8],
) -> Result<(), TestCaseError> {
    let world = first.world();
    first.sql(&fill(SHAPES[shape].0, rows.0));
    second.sql(&fill(SHAPES[shape].1, rows.1));
    let stored = |live: &dyn Live| -> Snapshot { world.capture(live.url()).expect("it is captured") };
    let (old, new) = (stored(first), stored(second));
    world.block_on(async {
        let open = async |snapshot: &Snapshot, live: &dyn Live, is_live: bool| match is_live {
            true => State::live(world.engine(live.url()).as_ref()).await.expect("it opens"),
            false => State::snapshot(&world.repository, snapshot.clone()).await.expect("it opens"),
        };
        for (live_before, live_after) in [(true, true), (true, false), (false, true), (false, false)] {
            let before = open(&old, first, live_before).await;
            let after = open(&new, second, live_after).await;
            for condition in [None, Some("v = 'v1'")] {
                let mut wanted = named(shape, keys);
                wanted.condition = condition.map(|text| Condition::parse(text).expect("it is a condition"));
                let slow = changes(&before, &after, Arc::new(Slow(wanted.clone()))).await;
                let fast = changes(&before, &after, Arc::new(wanted)).await;
                prop_assert_eq!(fast, slow, "live: {} {}", live_before, live_after);
            }
        }
        Ok(())
    })
}

fn run(first: &dyn Live, second: &dyn Live, cases: u32) {
    let config = ProptestConfig {
        failure_persistence: None,
        max_shrink_iters: 40,
        ..ProptestConfig::with_cases(asked_for(cases))
    };
    let rows = || prop::collection::vec((0u8..40, 0u8..3), 0..40);
    let keys = prop::collection::vec(0u8..45, 1..8);
    let outcome = TestRunner::new(config)
        .run(&(0..SHAPES.len(), rows(), rows(), keys), |(shape, old, new, keys)| {
            check(first, second, shape, (&old, &new), &keys)
        });
    outcome.unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn looking_rows_up_gives_what_reading_tables_gives_on_sqlite() {
    run(&File::new(), &File::new(), 60);
}

#[test]
fn looking_rows_up_gives_what_reading_tables_gives_on_postgresql() {
    for server in servers() {
        let (first, second) =
            (Database::new(&server, "rowkeep_test_keyed_a"), Database::new(&server, "rowkeep_test_keyed_b"));
        run(&first, &second, 4);
    }
}

const NUMBERS: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40000)";

/// Many chunks, several levels of nodes: rows at all places are found, and what is not there is not.
fn many(live: &dyn Live) {
    live.sql(&format!(
        "CREATE TABLE t (a integer PRIMARY KEY, v text);
         {NUMBERS} INSERT INTO t SELECT i * 2, '{} ' || i FROM n",
        "value".repeat(50)
    ));
    let world = live.world();
    let snapshot = world.capture(live.url()).expect("it is captured");
    // Where chunks end depends on the repository's key, but none is larger than 6 MiB.
    assert!(snapshot.manifest.tables.iter().any(|table| table.root.chunks > 1), "{snapshot:?}");
    live.sql("UPDATE t SET v = 'other' WHERE a % 1000 = 0; DELETE FROM t WHERE a % 1000 = 2");
    live.sql("INSERT INTO t VALUES (-5, 'new'), (40001, 'new'), (90000, 'new')");
    let numbers = [-5, 0, 1, 2, 4, 1000, 1002, 40_000, 40_001, 40_002, 79_998, 80_000, 80_002, 90_000];
    let keys = numbers.iter().map(|key| parse_key(&format!("t:{key}")).expect("it is a key"));
    let wanted = WantedRows { condition: None, keys: keys.collect() };
    world.block_on(async {
        let target = State::snapshot(&world.repository, snapshot).await.expect("it opens");
        let present = State::live(world.engine(live.url()).as_ref()).await.expect("it opens");
        let fast = changes(&present, &target, Arc::new(wanted.clone())).await;
        assert_eq!(fast, changes(&present, &target, Arc::new(Slow(wanted))).await);
        let changed = fast.expect("they are compared");
        assert_eq!(changed.iter().filter(|line| !line.starts_with("Counts")).count(), 9, "{changed:?}");
    });
}

#[test]
fn rows_are_found_wherever_they_are() {
    many(&File::new());
    many(&Database::new(&servers()[0], "rowkeep_test_many"));
}

/// What is restored row by row is kept as changes alone, and taken back by them; and that can be taken back in turn.
fn kept_as_changes(live: &dyn Live) {
    live.sql(
        "CREATE TABLE t (a integer PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c')",
    );
    let world = live.world();
    let snapshot = world.capture(live.url()).expect("it is captured");
    live.sql("UPDATE t SET v = 'x' WHERE a = 1; DELETE FROM t WHERE a = 2; DELETE FROM t WHERE a = 3");
    let harmed = hashes(&world.capture_all(live.url()).expect("it is captured"));
    let keys = ["t:1", "t:2"].map(|key| parse_key(key).expect("it is a key"));
    let rows = Arc::new(WantedRows { condition: None, keys: keys.to_vec() });
    let options = PlanOptions {
        mode: Mode::Replace,
        rows: Some(rows),
        safety: Some(safety()),
        ..PlanOptions::default()
    };
    let (engine, context) = (world.engine(live.url()), Context::silent());
    let outcome = world.block_on(async {
        let target = State::snapshot(&world.repository, snapshot).await.expect("it opens");
        let plan =
            plan(&context, &world.repository, engine.as_ref(), &target, &options).await.expect("a plan");
        assert_eq!((plan.counts().inserted, plan.counts().updated), (1, 1));
        execute(&context, &world.repository, engine.as_ref(), plan, &ApplyOptions::default())
            .await
            .expect("it is restored")
    });
    assert_eq!(done(&outcome).total(), 2);
    let kept = outcome.safety.expect("it can be undone");
    assert!(kept.is_changes_alone());
    let restored = hashes(&world.capture_all(live.url()).expect("it is captured"));
    let check = world.block_on(rowkeep::jobs::repository_check::check(
        &context,
        &world.repository,
        Default::default(),
    ));
    assert!(check.expect("it is checked").is_clean());
    take_back(live);
    assert_eq!(hashes(&world.capture_all(live.url()).expect("it is captured")), harmed);
    let undone = world.block_on(rowkeep::state::snapshots::list(&world.repository, None)).expect("listed");
    let undone = undone.iter().filter(|snapshot| snapshot.is_changes_alone()).count();
    assert_eq!(undone, 2, "the undo is kept the same way");
    assert_ne!(harmed, restored);
    take_back(live);
    assert_eq!(
        hashes(&world.capture_all(live.url()).expect("it is captured")),
        restored,
        "the undo is undone"
    );
}

#[test]
fn single_rows_are_kept_as_changes_alone() {
    kept_as_changes(&File::new());
    kept_as_changes(&Database::new(&servers()[0], "rowkeep_test_kept"));
}
