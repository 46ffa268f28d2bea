//! Which row is which: random tables with text, composite, UUID and no keys, whose rowids are given to other rows, in every
//! way to restore, against an answer that is computed from the two states alone.

mod cases;
mod model;

use std::fmt::Write;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use rowkeep::apply::plan::{Mode, Plan, PlanOptions, Safety, plan};
use rowkeep::apply::{Executed, execute};
use rowkeep::diff::{RowFilter, WantedRows};
use rowkeep::engine::{ApplyOptions, ErrorKind};
use rowkeep::format::{Counts, Value};
use rowkeep::rows::condition::{Condition, parse_key};
use rowkeep::state::snapshots::Snapshot;
use rowkeep::{Context, Error, State};

use crate::apply::{File, Live, done, hashes, safety, take_back};
use crate::postgres::{Database, on_every_server};
use crate::world::asked_for;
use model::{Expected, Meant, Shape, Table, Told, any_table, expected};

/// What is to be restored, planned without touching anything and by a safety snapshot.
pub(super) fn restore(
    live: &dyn Live,
    snapshot: &Snapshot,
    mode: Mode,
    rows: Option<WantedRows>,
) -> (Counts, Result<Executed, Error>) {
    let world = live.world();
    let (engine, context) = (world.engine(live.url()), Context::silent());
    world.block_on(async {
        let target = State::snapshot(&world.repository, snapshot.clone()).await.expect("it opens");
        let planned = async |safety: Option<Safety>| -> Plan {
            let rows = rows.clone().map(|rows| Arc::new(rows) as Arc<dyn RowFilter>);
            let options = PlanOptions { mode, rows, safety, ..PlanOptions::default() };
            let made = plan(&context, &world.repository, engine.as_ref(), &target, &options).await;
            made.expect("a plan is made")
        };
        let dry = planned(None).await;
        let real = planned(Some(safety())).await;
        assert_eq!(dry.tables(), real.tables(), "by reading the database and by its safety snapshot");
        let done =
            execute(&context, &world.repository, engine.as_ref(), real, &ApplyOptions::default()).await;
        (dry.counts(), done)
    })
}

/// The rows that are there, as the shape tells them.
fn told(live: &dyn Live, shape: &Shape) -> Vec<Told> {
    let engine = live.world().engine(live.url());
    let read = live.world().block_on(engine.query(shape.select, 1000)).expect("it is read").rows;
    let text = |row, column| match read.value(row, column) {
        Value::Text(text) => String::from_utf8_lossy(text).into_owned(),
        Value::Integer(integer) => integer.to_string(),
        other => format!("{other:?}"),
    };
    let row = |row| Told {
        rowid: shape.has_rowids.then(|| text(row, 0).parse().expect("a number")),
        id: text(row, 1),
        value: text(row, 2),
    };
    (0..read.rows()).map(row).collect()
}

/// Holds what is there against what is to be.
fn check_rows(found: Vec<Told>, expected: &Expected) -> Result<(), TestCaseError> {
    let mut left = found.clone();
    let (known, fresh): (Vec<_>, Vec<_>) = expected.rows.iter().partition(|row| row.rowid.is_some());
    for row in known.into_iter().chain(fresh) {
        let is = |found: &Told| {
            let same = (&found.id, &found.value) == (&row.id, &row.value);
            same && (row.rowid.is_none() || found.rowid == row.rowid)
        };
        let at = left.iter().position(is);
        prop_assert!(at.is_some(), "{:?} is not among {:?}", row, found);
        at.map(|at| left.remove(at));
    }
    prop_assert!(left.is_empty(), "{:?} are there too", left);
    Ok(())
}

fn wanted(meant: &Meant, shape: &Shape) -> Option<WantedRows> {
    match meant {
        Meant::All => None,
        Meant::Value(value) => Some(WantedRows {
            condition: Some(Condition::parse(&format!("v = 'v{value}'")).expect("it is a condition")),
            keys: Vec::new(),
        }),
        Meant::Keys(keys) => {
            let text = |key: &u8| format!("t:{}", (shape.key)(*key));
            let keys = keys.iter().map(|key| parse_key(&text(key)).expect("it is a key")).collect();
            Some(WantedRows { condition: None, keys })
        }
    }
}

/// Every way to restore one state into the other, each taken back.
fn check(
    live: &dyn Live,
    shape: &Shape,
    first: &Table,
    second: &Table,
    keys: &[u8],
) -> Result<(), TestCaseError> {
    let world = live.world();
    live.sql(&shape.sql(first));
    let snapshot = world.capture(live.url()).expect("it is captured");
    live.sql(&shape.sql(second));
    let before = hashes(&world.capture_all(live.url()).expect("it is captured"));
    let mut ways = vec![
        (Mode::Replace, Meant::All),
        (Mode::Update, Meant::All),
        (Mode::Merge, Meant::All),
        (Mode::Replace, Meant::Value(1)),
    ];
    if shape.is_keyed {
        ways.push((Mode::Replace, Meant::Keys(keys.to_vec())));
        ways.push((Mode::Merge, Meant::Keys(keys.to_vec())));
    }
    for (mode, meant) in ways {
        let to_be = expected(shape, second, first, mode, &meant);
        let (planned, outcome) = restore(live, &snapshot, mode, wanted(&meant, shape));
        let way = format!("{mode:?} {meant:?}");
        prop_assert_eq!(planned, to_be.counts, "planned, {}", way);
        let outcome = match outcome {
            Ok(outcome) => outcome,
            Err(Error::Engine(error)) if to_be.is_refused && error.kind() == ErrorKind::Constraint => {
                prop_assert_eq!(&hashes(&world.capture_all(live.url()).expect("it is captured")), &before);
                continue;
            }
            Err(error) => return Err(TestCaseError::fail(format!("{way}: {error:?}"))),
        };
        prop_assert!(!to_be.is_refused, "{} was not refused", way);
        prop_assert_eq!(done(&outcome), planned, "done, {}", way);
        check_rows(told(live, shape), &to_be)
            .map_err(|error| TestCaseError::fail(format!("{way}: {error}")))?;
        if (mode, &meant) == (Mode::Replace, &Meant::All) {
            prop_assert!(world.verify(&snapshot, live.url()).expect("it is read"), "replace makes it equal");
        }
        let (again, _) = restore(live, &snapshot, mode, wanted(&meant, shape));
        prop_assert_eq!(again, Counts::default(), "nothing is left to do, {}", way);
        if planned.total() > 0 {
            take_back(live);
        }
        prop_assert_eq!(
            &hashes(&world.capture_all(live.url()).expect("it is captured")),
            &before,
            "taken back, {}",
            way
        );
    }
    Ok(())
}

fn run(live: &dyn Live, shapes: &[Shape], cases: u32) {
    let config = ProptestConfig {
        failure_persistence: None,
        max_shrink_iters: 60,
        ..ProptestConfig::with_cases(asked_for(cases))
    };
    for shape in shapes {
        live.sql(&format!("DROP TABLE IF EXISTS t; {}", shape.create));
        let keys = prop::collection::vec(0u8..10, 1..4);
        let states = (any_table(shape), any_table(shape), keys);
        let outcome = TestRunner::new(config.clone())
            .run(&states, |(first, second, keys)| check(live, shape, &first, &second, &keys));
        outcome.unwrap_or_else(|error| panic!("{}: {error}", shape.create));
    }
}

#[test]
fn rows_are_who_they_are_on_sqlite() {
    run(&File::new(), &model::sqlite(), 5);
}

#[test]
fn rows_are_who_they_are_on_postgresql() {
    on_every_server(|server| {
        let database = Database::new(server, "rowkeep_test_identity");
        let mut shapes = model::postgres();
        if database.query("SELECT 1 FROM pg_available_extensions WHERE name = 'citext'") == "1" {
            database.sql("CREATE EXTENSION citext");
            shapes.push(model::citext());
        }
        run(&database, &shapes, 1);
    });
}

impl Shape {
    fn sql(&self, table: &Table) -> String {
        let mut sql = "DELETE FROM t;".to_owned();
        for (rowid, row) in &table.0 {
            let values = format!("{}, 'v{}'", (self.literal)(row), row.value);
            let _ = match self.has_rowids {
                true => write!(sql, "INSERT INTO t (rowid, {}, v) VALUES ({rowid}, {values});", self.columns),
                false => write!(sql, "INSERT INTO t ({}, v) VALUES ({values});", self.columns),
            };
        }
        sql
    }
}
