//! Snapshots of one engine as databases of another.

mod to_postgres;
mod to_sqlite;

use std::collections::BTreeSet;
use std::path::Path;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use rowkeep::engine::translate::NoteKind;
use rowkeep::restore::translate::{Proof, TranslationPlan, execute, plan, prove};
use rowkeep::restore::{Restored, chosen};
use rowkeep::state::selection::Selection;
use rowkeep::state::snapshots::Snapshot;
use rowkeep::{Context, Error};
use rusqlite::{Connection, params};

use crate::postgres::{Database, servers};
use crate::world::World;

/// A restore into another engine, from its plan to its proof.
pub(crate) struct Crossing {
    pub(crate) plan: TranslationPlan,
    pub(crate) restored: Restored,
    pub(crate) proof: Proof,
}

impl World {
    pub(crate) fn plan_translation(
        &self,
        snapshot: &Snapshot,
        url: &str,
        selection: &Selection,
    ) -> Result<TranslationPlan, Error> {
        let tables = self.block_on(chosen(&self.repository, snapshot, selection))?;
        let engine = self.engine(url);
        self.block_on(plan(&Context::silent(), &self.repository, snapshot, engine.as_ref(), &tables))
    }

    pub(crate) fn prove(&self, plan: &TranslationPlan, url: &str) -> Proof {
        let engine = self.engine(url);
        let proof = self.block_on(prove(&Context::silent(), &self.repository, engine.as_ref(), plan));
        proof.expect("the database is read")
    }

    pub(crate) fn translate(&self, snapshot: &Snapshot, url: &str) -> Result<Crossing, Error> {
        self.translate_some(snapshot, url, &Selection::default())
    }

    pub(crate) fn translate_some(
        &self,
        snapshot: &Snapshot,
        url: &str,
        selection: &Selection,
    ) -> Result<Crossing, Error> {
        let plan = self.plan_translation(snapshot, url, selection)?;
        let engine = self.engine(url);
        let restored = self.block_on(execute(&Context::silent(), engine.as_ref(), &plan))?;
        let proof = self.prove(&plan, url);
        Ok(Crossing { plan, restored, proof })
    }
}

impl Crossing {
    /// The types that the columns of a table get.
    pub(crate) fn types(&self, table: &str) -> Vec<&str> {
        let table = self.plan.tables.iter().find(|planned| planned.table.name == table);
        table.expect("the table is planned").columns.iter().map(|column| column.to.as_str()).collect()
    }

    pub(crate) fn kinds(&self) -> BTreeSet<NoteKind> {
        self.plan.notes.iter().map(|note| note.kind).collect()
    }

    /// Whether some note has all of these words.
    #[track_caller]
    pub(crate) fn notes(&self, words: &[&str]) {
        let notes: Vec<String> = self.plan.notes.iter().map(ToString::to_string).collect();
        let found = notes.iter().any(|note| words.iter().all(|word| note.contains(word)));
        assert!(found, "{words:?} is not in {notes:#?}");
    }
}

pub(crate) fn sqlite(path: &Path, sql: &str) -> Connection {
    let database = Connection::open(path).expect("it opens");
    database.execute_batch(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    database
}

pub(crate) fn query(database: &Connection, sql: &str) -> String {
    let mut statement = database.prepare(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    let columns = statement.column_count();
    let lines = statement.query_map([], |row| {
        let values =
            (0..columns).map(|at| row.get::<_, rusqlite::types::Value>(at).map(|value| format!("{value:?}")));
        Ok(values.collect::<rusqlite::Result<Vec<_>>>()?.join("|"))
    });
    let lines = lines.expect("it is run").collect::<rusqlite::Result<Vec<_>>>().expect("rows are read");
    lines.join("\n")
}

type Row = (Option<i64>, Option<f64>, Option<String>, Option<Vec<u8>>, Option<bool>);

fn any_row() -> impl Strategy<Value = Row> {
    let real = any::<f64>().prop_filter("SQLite has no NaN", |real| !real.is_nan());
    let real = prop_oneof![real, Just(-0.0), Just(f64::INFINITY), Just(5e-324), Just(2f64.powi(-44))];
    // Text with NUL becomes bytea.
    let text = any::<String>().prop_map(|text| text.replace('\0', "\\N"));
    (
        proptest::option::of(any::<i64>()),
        proptest::option::of(real),
        proptest::option::of(text),
        proptest::option::of(any::<Vec<u8>>()),
        proptest::option::of(any::<bool>()),
    )
}

/// What both engines can hold goes there and back without a change.
#[test]
fn rows_go_there_and_back() {
    const TABLE: &str = "CREATE TABLE t (id INTEGER PRIMARY KEY, i BIGINT, r REAL, t TEXT, b BLOB, f BOOLEAN NOT NULL DEFAULT 0)";
    for server in servers() {
        let database = Database::new(&server, "rowkeep_test_there_and_back");
        let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(12) };
        let rows = proptest::collection::btree_map(any::<i64>(), any_row(), 0..30);
        let outcome = TestRunner::new(config).run(&rows, |rows| {
            let world = &database.world;
            let folder = tempfile::tempdir().expect("a folder can be made");
            let (first, back) = (folder.path().join("first.db"), folder.path().join("back.db"));
            let file = sqlite(&first, TABLE);
            for (id, (i, r, t, b, f)) in &rows {
                file.execute(
                    "INSERT INTO t VALUES (?, ?, ?, ?, ?, ?)",
                    params![id, i, r, t, b, f.unwrap_or(true)],
                )
                .expect("a row goes in");
            }
            database.sql("DROP TABLE IF EXISTS t");
            let (first, back) = (first.to_string_lossy(), back.to_string_lossy());
            let there = world.translate(&world.capture_whole(&first).expect("it is captured"), &database.url);
            let there = there.unwrap_or_else(|error| panic!("{error:?}"));
            prop_assert!(there.proof.is_equal(), "{:?}", there.proof);
            prop_assert!(there.plan.is_exact(), "{:?}", there.plan.notes);
            prop_assert_eq!(there.restored.rows, rows.len() as u64);
            let again = world.translate(&world.capture_whole(&database.url).expect("it is captured"), &back);
            let again = again.unwrap_or_else(|error| panic!("{error:?}"));
            prop_assert!(again.proof.is_equal(), "{:?}", again.proof);
            prop_assert!(again.plan.is_exact(), "{:?}", again.plan.notes);
            prop_assert_eq!(world.hash(&first, "t"), world.hash(&back, "t"));
            Ok(())
        });
        outcome.unwrap_or_else(|error| panic!("{error}"));
    }
}
