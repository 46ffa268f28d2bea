//! Errors: the right kind, and nothing left behind.

use futures::{StreamExt, stream};

use super::fixture::Fixture;
use crate::{Contents, CreateOptions, EngineError, ErrorKind, RowStream, ViewOptions};

/// A database that does not exist is not found, and can be created.
pub async fn databases_that_are_not_there_are_not_found(fixture: &dyn Fixture) {
    let engine = fixture.missing().await;
    let error = engine.open(&ViewOptions::default()).await.err().expect("nothing is opened");
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    let error = engine.examine().await.expect_err("nothing is examined");
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    assert_eq!(engine.contents().await.expect("what is missing can be looked at"), Contents::Missing);

    let sandbox = fixture.empty().await;
    sandbox.run("CREATE TABLE t (id integer PRIMARY KEY); INSERT INTO t VALUES (1);").await;
    super::sandbox::copy(&*sandbox.engine(), &*engine).await;
    assert!(matches!(engine.contents().await.expect("the database is looked at"), Contents::Occupied(_)));
    let (_, rows) = super::sandbox::read_all(&*engine).await;
    assert!(rows.iter().any(|(table, rows)| table.name == "t" && rows.rows() == 1));
}

/// When the rows end with an error, so does the load; the target can be abandoned.
pub async fn errors_of_streams_end_the_load(fixture: &dyn Fixture) {
    let original = fixture.empty().await;
    original.run("CREATE TABLE t (id integer PRIMARY KEY); INSERT INTO t VALUES (1);").await;
    let view = original.engine().open(&ViewOptions { with_ddl: true }).await.expect("the database opens");
    let table = view.schema().tables.iter().find(|table| table.name.name == "t").expect("there is a table t");

    let sandbox = fixture.empty().await;
    let engine = sandbox.engine();
    let target =
        engine.create(view.schema(), &CreateOptions::default()).await.expect("the target is created");
    let broken = stream::iter([Err(EngineError::new(ErrorKind::Unreachable, "the line is cut"))]);
    let rows: RowStream = view.rows(table).await.expect("the rows are read").chain(broken).boxed();
    let error = target.load(table, rows).await.expect_err("the load fails");
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    target.abandon().await.expect("the target is abandoned");
    assert_eq!(engine.contents().await.expect("the database is looked at"), Contents::Empty);
}
