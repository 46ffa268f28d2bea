//! What a snapshot changed since an earlier one comes into a database that went on meanwhile: against an answer computed row by row and
//! column by column.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use rowkeep::apply::execute;
use rowkeep::apply::plan::{Base, Plan, PlanOptions, plan};
use rowkeep::diff::{ConflictKind, Prefer};
use rowkeep::engine::ApplyOptions;
use rowkeep::format::Value;
use rowkeep::merge::{Merging, capture_merged, merge};
use rowkeep::state::snapshots::Snapshot;
use rowkeep::{Context, Error, State};

use crate::apply::{File, Live, hashes, safety, take_back};
use crate::postgres::{Database, servers};
use crate::world::{World, asked_for};

/// How the tables are made: one with a key that is not its first column, one whose rows have none (SQLite's have hidden numbers, and
/// stay empty).
const SCHEMA: &str = "CREATE TABLE named (a text, b integer, id varchar(20) PRIMARY KEY); CREATE TABLE unnamed (a text, b integer);";

/// Rows by number with both columns, and rows without a name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Rows {
    named: BTreeMap<u8, (u8, Option<u8>)>,
    unnamed: BTreeSet<(u8, u8)>,
}

fn any_rows() -> impl Strategy<Value = Rows> {
    let named = prop::collection::btree_map(0u8..9, (0u8..3, prop::option::of(0u8..3)), 4..9);
    let unnamed = prop::collection::btree_set((0u8..2, 0u8..3), 0..5);
    (named, unnamed).prop_map(|(named, unnamed)| Rows { named, unnamed })
}

impl Rows {
    fn sql(&self) -> String {
        let mut sql = "DELETE FROM named; DELETE FROM unnamed;".to_owned();
        for (id, (a, b)) in &self.named {
            let b = b.map_or("NULL".to_owned(), |b| b.to_string());
            let _ = write!(sql, "INSERT INTO named VALUES ('a{a}', {b}, 'row {id}');");
        }
        for (a, b) in &self.unnamed {
            let _ = write!(sql, "INSERT INTO unnamed VALUES ('a{a}', {b});");
        }
        sql
    }
}

/// Which of two values counts, and whether they are in each other's way.
fn decided<T: Copy + PartialEq>(base: Option<T>, here: T, there: T, prefer: Prefer) -> (T, bool) {
    match (base == Some(here), base == Some(there)) {
        _ if here == there => (here, false),
        (true, _) => (there, false),
        (_, true) => (here, false),
        _ if prefer == Prefer::Snapshot => (there, true),
        _ => (here, true),
    }
}

/// The rows that are to be there, and how many were changed on both sides in different ways.
fn merged(base: &Rows, here: &Rows, there: &Rows, prefer: Prefer) -> (Rows, u64) {
    let (mut rows, mut conflicts) = (Rows::default(), 0);
    for id in 0u8..9 {
        let [of_base, of_here, of_there] = [base, here, there].map(|rows| rows.named.get(&id).copied());
        let row = match (of_here, of_there) {
            (Some(here), Some(there)) => {
                let (a, first) = decided(of_base.map(|base| base.0), here.0, there.0, prefer);
                let (b, second) = decided(of_base.map(|base| base.1), here.1, there.1, prefer);
                conflicts += u64::from(first || second);
                Some((a, b))
            }
            // A row is there or not, which is decided as a value is.
            _ => {
                let (row, is_conflict) = decided(Some(of_base), of_here, of_there, prefer);
                conflicts += u64::from(is_conflict);
                row
            }
        };
        rows.named.extend(row.map(|row| (id, row)));
    }
    let all: BTreeSet<_> = base.unnamed.iter().chain(&here.unnamed).chain(&there.unnamed).collect();
    for row in all {
        let [base, here, there] = [base, here, there].map(|rows| rows.unnamed.contains(row));
        if decided(Some(base), here, there, prefer).0 {
            rows.unnamed.insert(*row);
        }
    }
    (rows, conflicts)
}

/// The rows that are there; where they have hidden numbers, these may be others.
fn told(live: &dyn Live) -> Vec<String> {
    let sql = "SELECT id || ' ' || a || ' ' || coalesce(CAST(b AS text), '-') AS told FROM named
        UNION ALL SELECT a || ' ' || CAST(b AS text) FROM unnamed ORDER BY told";
    let read =
        live.world().block_on(live.world().engine(live.url()).query(sql, 100)).expect("it is read").rows;
    (0..read.rows()).map(|row| format!("{:?}", read.value(row, 0))).collect()
}

fn planned(live: &dyn Live, base: &Snapshot, there: &Snapshot, prefer: Prefer, with_safety: bool) -> Plan {
    let world = live.world();
    world.block_on(async {
        let state = async |snapshot: &Snapshot| {
            State::snapshot(&world.repository, snapshot.clone()).await.expect("it opens")
        };
        let options = PlanOptions {
            base: Some(Base { state: state(base).await, prefer }),
            safety: with_safety.then(safety),
            ..PlanOptions::default()
        };
        let engine = world.engine(live.url());
        let made =
            plan(&Context::silent(), &world.repository, engine.as_ref(), &state(there).await, &options).await;
        made.expect("a plan is made")
    })
}

fn check(live: &dyn Live, base: &Rows, here: &Rows, there: &Rows) -> Result<(), TestCaseError> {
    let world = live.world();
    let capture = || world.capture_all(live.url()).expect("it is captured");
    let stored = |rows: &Rows| {
        live.sql(&rows.sql());
        capture()
    };
    let (base_stored, there_stored) = (stored(base), stored(there));
    let before = hashes(&stored(here));
    for prefer in [Prefer::Neither, Prefer::Database, Prefer::Snapshot] {
        let (to_be, conflicts) = merged(base, here, there, prefer);
        let dry = planned(live, &base_stored, &there_stored, prefer, false);
        let plan = planned(live, &base_stored, &there_stored, prefer, true);
        prop_assert_eq!(dry.tables(), plan.tables(), "by reading the database and by its safety snapshot");
        prop_assert_eq!(&dry.conflicts, &plan.conflicts);
        prop_assert_eq!(
            (plan.conflicts.rows, plan.conflicts.listed.len() as u64),
            (conflicts, conflicts),
            "{:?}",
            prefer
        );
        if prefer == Prefer::Neither && conflicts > 0 {
            let is_refused = matches!(plan.check(), Err(Error::ChangedInBoth { .. }));
            prop_assert!(is_refused && !plan.is_settled());
            continue;
        }
        prop_assert!(plan.check().is_ok());
        let is_empty = plan.is_empty();
        let (engine, context) = (world.engine(live.url()), Context::silent());
        let done = world.block_on(execute(
            &context,
            &world.repository,
            engine.as_ref(),
            plan,
            &ApplyOptions::default(),
        ));
        prop_assert!(done.is_ok(), "{:?}", done.err());
        let made = told(live);
        if !is_empty {
            take_back(live);
        }
        prop_assert_eq!(&hashes(&capture()), &before, "taken back");
        live.sql(&to_be.sql());
        prop_assert_eq!(made, told(live), "{:?}: {:?}", prefer, to_be);
        live.sql(&here.sql());
    }
    Ok(())
}

fn run(live: &dyn Live, has_unnamed: bool, cases: u32) {
    live.sql(SCHEMA);
    let config = ProptestConfig {
        failure_persistence: None,
        max_shrink_iters: 60,
        ..ProptestConfig::with_cases(asked_for(cases))
    };
    let states = (any_rows(), any_rows(), any_rows());
    let outcome = TestRunner::new(config).run(&states, |(base, here, there)| {
        let [base, here, there] = [base, here, there].map(|mut rows| {
            rows.unnamed.retain(|_| has_unnamed);
            rows
        });
        check(live, &base, &here, &there)
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn what_both_changed_is_merged_in_sqlite() {
    run(&File::new(), false, 24);
}

#[test]
fn what_both_changed_is_merged_in_postgres() {
    run(&Database::new(&servers()[0], "rowkeep_test_three_way"), true, 6);
}

/// The conflicts are named by row and column, with all three values; a column that came since keeps its values.
#[test]
fn conflicts_are_listed_by_row_and_column() {
    let live = File::new();
    live.sql("CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b TEXT)");
    let capture = || live.world().capture_all(live.url()).expect("it is captured");
    live.sql("INSERT INTO t VALUES (1, 'x', 'y'), (2, 'x', 'y'), (3, 'x', 'y')");
    let base = capture();
    live.sql("UPDATE t SET a = 'there' WHERE id = 1; UPDATE t SET b = 'there' WHERE id = 2; DELETE FROM t WHERE id = 3");
    live.sql("INSERT INTO t VALUES (4, 'there', 'y')");
    let there = capture();
    live.sql("DELETE FROM t; INSERT INTO t VALUES (1, 'here', 'here'), (3, 'here', 'y'), (4, 'here', 'y')");
    live.sql("ALTER TABLE t ADD COLUMN c TEXT; UPDATE t SET c = 'new'");
    let plan = planned(&live, &base, &there, Prefer::Neither, false);
    let told: Vec<_> = plan.conflicts.listed.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            r#"t (id 1): a was "x", is "here", becomes "there""#,
            "t (id 2): deleted here, changed in the snapshot",
            "t (id 3): changed here, deleted in the snapshot",
            r#"t (id 4): a is "here", becomes "there""#,
        ]
    );
    let kinds: Vec<_> = plan.conflicts.listed.iter().map(|conflict| conflict.kind).collect();
    use ConflictKind::{ChangedInBoth, DeletedInDatabase, DeletedInSnapshot, InsertedInBoth};
    assert_eq!(kinds, [ChangedInBoth, DeletedInDatabase, DeletedInSnapshot, InsertedInBoth]);
    let plan = planned(&live, &base, &there, Prefer::Snapshot, true);
    let (engine, context) = (live.world().engine(live.url()), Context::silent());
    let done = live.world().block_on(execute(
        &context,
        &live.world().repository,
        engine.as_ref(),
        plan,
        &ApplyOptions::default(),
    ));
    done.expect("it is done");
    let sql = "SELECT id || ' ' || a || ' ' || b || ' ' || coalesce(c, '-') FROM t ORDER BY id";
    let rows = live.world().block_on(engine.query(sql, 10)).expect("it is read").rows;
    let rows: Vec<_> = (0..rows.rows()).map(|row| rows.value(row, 0)).collect();
    let expected = ["1 there here new", "2 x there -", "4 there y new"];
    assert_eq!(rows, expected.map(|row| Value::Text(row.as_bytes())));
}

/// Two snapshots become one, which has what was expected, and knows what it comes from.
#[test]
fn two_snapshots_become_one() {
    let live = Database::new(&servers()[0], "rowkeep_test_merge");
    live.sql(SCHEMA);
    let rows = |named: &[(u8, (u8, Option<u8>))], unnamed: &[(u8, u8)]| Rows {
        named: named.iter().copied().collect(),
        unnamed: unnamed.iter().copied().collect(),
    };
    let base = rows(&[(0, (0, None)), (1, (0, Some(1))), (2, (0, None)), (3, (0, None))], &[(0, 0), (0, 1)]);
    let here =
        rows(&[(0, (1, None)), (1, (0, Some(1))), (2, (0, Some(1))), (4, (1, None))], &[(0, 1), (1, 1)]);
    let there =
        rows(&[(0, (0, Some(2))), (2, (0, Some(2))), (3, (0, None)), (5, (2, None))], &[(0, 0), (1, 2)]);
    let [base_stored, here_stored, there_stored] = [&base, &here, &there].map(|rows| {
        live.sql(&rows.sql());
        live.world.capture_all(&live.url).expect("it is captured")
    });
    let world = &live.world;
    for prefer in [Prefer::Database, Prefer::Snapshot] {
        let (to_be, conflicts) = merged(&base, &here, &there, prefer);
        let (made, found) = world.block_on(async {
            let merging = Merging { base: &base_stored, into: &here_stored, from: &there_stored, prefer };
            let merged =
                merge(&Context::silent(), &world.repository, &merging).await.expect("they are merged");
            let made =
                capture_merged(&Context::silent(), &world.repository, &merged, &World::options(false)).await;
            (made.expect("a snapshot is made"), merged.conflicts.rows)
        });
        assert_eq!(found, conflicts);
        live.sql(&to_be.sql());
        let wanted = world.capture_all(&live.url).expect("it is captured");
        assert_eq!(hashes(&made), hashes(&wanted), "{prefer:?}");
    }
}
