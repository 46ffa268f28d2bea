//! Targets: made from nothing, all or nothing.

use rowkeep_format::Schema;

use super::fixture::{Fixture, Sandbox};
use super::sandbox::{read_all, round_trip, table};
use crate::{Contents, CreateOptions, Engine, ErrorKind, Target, ViewOptions};

const TWO_TABLES: &str =
    "CREATE TABLE t (id integer PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'x'), (2, 'y');
     CREATE TABLE u (id integer PRIMARY KEY, t integer REFERENCES t (id)); INSERT INTO u VALUES (1, 1);
     CREATE INDEX i ON t (v); CREATE VIEW w AS SELECT v FROM t;";

async fn schema(sandbox: &dyn Sandbox) -> Schema {
    let view = sandbox.engine().open(&ViewOptions { with_ddl: true }).await.expect("the database opens");
    view.schema().clone()
}

/// A target with one table of an original loaded and another not.
async fn half_done(
    engine: &dyn Engine,
    original: &dyn Sandbox,
    options: &CreateOptions,
) -> std::sync::Arc<dyn Target> {
    let view = original.engine().open(&ViewOptions { with_ddl: true }).await.expect("the database opens");
    let target = engine.create(view.schema(), options).await.expect("the target is created");
    let table = table(view.schema(), "t");
    let rows = view.rows(table).await.expect("the rows are read");
    target.load(table, rows).await.expect("rows are loaded");
    target
}

/// A database of nothing is a database.
pub async fn an_empty_schema_is_restored(fixture: &dyn Fixture) {
    let done = round_trip(fixture, "").await;
    assert!(!done.schema.tables.iter().any(|table| table.kind.is_user_table()));
    assert_eq!(done.original.engine().contents().await.expect("the database is looked at"), Contents::Empty);
}

/// Tables that are in the schema but not to be loaded are there, empty.
pub async fn tables_without_rows_are_created(fixture: &dyn Fixture) {
    let original = fixture.empty().await;
    original.run(TWO_TABLES).await;
    let schema = schema(&*original).await;
    let copied = fixture.empty().await;
    let u = schema.tables.iter().find(|table| table.name.name == "u").expect("there is a table u");
    let options = CreateOptions { loaded: Some(vec![u.name.clone()]), ..CreateOptions::default() };
    let target = copied.engine().create(&schema, &options).await.expect("the target is created");
    let view = original.engine().open(&ViewOptions::default()).await.expect("the database opens");
    target.load(u, view.rows(u).await.expect("the rows are read")).await.expect("rows are loaded");
    // There may be notes: the row of u refers to one of t.
    target.finish().await.expect("the target is finished");
    let (_, rows) = read_all(&*copied.engine()).await;
    let counts = |name: &str| rows.iter().find(|(table, _)| table.name == name).map(|(_, rows)| rows.rows());
    assert_eq!((counts("t"), counts("u")), (Some(0), Some(1)));
}

/// A database that holds something is neither changed nor made.
pub async fn occupied_targets_are_refused(fixture: &dyn Fixture) {
    let sandbox = fixture.empty().await;
    sandbox.run(TWO_TABLES).await;
    let (engine, before) = (sandbox.engine(), sandbox.dump().await);
    let schema = schema(&*sandbox).await;
    let Contents::Occupied(names) = engine.contents().await.expect("the database is looked at") else {
        panic!("the database is occupied");
    };
    assert!(names.iter().any(|name| name.contains('t')), "{names:?}");
    let refused =
        engine.create(&schema, &CreateOptions::default()).await.err().expect("the target is refused");
    assert_eq!(refused.kind(), ErrorKind::NotEmpty);
    assert!(refused.to_string().contains('t'), "names what is there: {refused}");
    assert!(before == sandbox.dump().await, "nothing has changed");
}

/// After `abandon` everything is as before `create`.
pub async fn abandoned_targets_leave_nothing(fixture: &dyn Fixture) {
    let original = fixture.empty().await;
    original.run(TWO_TABLES).await;
    let sandbox = fixture.empty().await;
    let before = sandbox.dump().await;
    let target = half_done(&*sandbox.engine(), &*original, &CreateOptions::default()).await;
    target.abandon().await.expect("the target is abandoned");
    drop(target);
    assert_eq!(sandbox.engine().contents().await.expect("the database is looked at"), Contents::Empty);
    assert!(before == sandbox.dump().await, "nothing has changed");
}

/// A target that is dropped unfinished does not stop the next attempt.
pub async fn dropped_targets_do_not_stop_the_next(fixture: &dyn Fixture) {
    let original = fixture.empty().await;
    original.run(TWO_TABLES).await;
    let sandbox = fixture.empty().await;
    drop(half_done(&*sandbox.engine(), &*original, &CreateOptions::default()).await);
    let contents = sandbox.engine().contents().await.expect("the database is looked at");
    assert!(matches!(contents, Contents::Empty | Contents::Unfinished), "{contents:?}");
    super::sandbox::copy(&*original.engine(), &*sandbox.engine()).await;
    assert!(original.dump().await == sandbox.dump().await, "the next attempt succeeds");
}

/// A target that is asked to stop before its last step is not finished, and leaves nothing when it is abandoned.
pub async fn stopped_targets_leave_nothing(fixture: &dyn Fixture) {
    let original = fixture.empty().await;
    original.run(TWO_TABLES).await;
    let (sandbox, missing) = (fixture.empty().await, fixture.missing().await);
    let (before, schema) = (sandbox.dump().await, schema(&*original).await);
    let options = CreateOptions::default();
    let target = half_done(&*sandbox.engine(), &*original, &options).await;
    let unmade = half_done(&*missing, &*original, &options).await;
    options.stop.cancel();
    for target in [target, unmade] {
        let error = target.finish().await.expect_err("it is stopped");
        assert_eq!(error.kind(), ErrorKind::Stopped, "{error}");
        target.abandon().await.expect("the target is abandoned");
    }
    assert!(before == sandbox.dump().await, "nothing has changed");
    // Before anything was done at all.
    for engine in [&*sandbox.engine(), &*missing] {
        let error = engine.create(&schema, &options).await.err();
        assert_eq!(error.map(|error| error.kind()), Some(ErrorKind::Stopped));
    }
    assert_eq!(sandbox.engine().contents().await.expect("the database is looked at"), Contents::Empty);
    assert_eq!(missing.contents().await.expect("it is looked for"), Contents::Missing);
}
