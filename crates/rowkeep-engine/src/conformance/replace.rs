//! Databases made again in place of what they hold: the old until the end, then the new.

use std::sync::Arc;

use futures::{StreamExt, stream};
use rowkeep_format::RowBatch;

use super::fixture::{Fixture, Sandbox};
use super::sandbox::{assert_same_rows, read, read_all, table};
use crate::{
    Contents, CreateOptions, Engine, EngineError, ErrorKind, Finished, RowStream, Target, View, ViewOptions,
};

const NEW: &str = "
    CREATE TABLE parents (id integer PRIMARY KEY, v text);
    CREATE TABLE children (id integer PRIMARY KEY, parent integer NOT NULL REFERENCES parents (id), n integer CHECK (n > 0));
    CREATE TABLE same (id integer PRIMARY KEY, v text);
    CREATE INDEX by_value ON parents (v);
    CREATE VIEW family AS SELECT p.v, c.n FROM parents p JOIN children c ON c.parent = p.id;
    INSERT INTO parents VALUES (1, 'new'), (2, NULL);
    INSERT INTO children VALUES (1, 1, 5), (2, 1, 6);
    INSERT INTO same VALUES (1, 'new');";

/// Names in common, but for other things, and things that depend on each other in another way.
const OLD: &str = "
    CREATE TABLE children (id integer PRIMARY KEY, gone text);
    CREATE TABLE parents (v integer, child integer REFERENCES children (id), PRIMARY KEY (v));
    CREATE TABLE same (id integer PRIMARY KEY, v text);
    CREATE TABLE by_value (id integer PRIMARY KEY);
    CREATE VIEW old_view AS SELECT v FROM parents;
    CREATE INDEX by_child ON parents (child);
    INSERT INTO children VALUES (7, 'old');
    INSERT INTO parents VALUES (3, 7);
    INSERT INTO same VALUES (1, 'old'), (2, 'old');";

/// A database of each content.
async fn old_and_new(fixture: &dyn Fixture) -> (Box<dyn Sandbox>, Box<dyn Sandbox>) {
    let (old, new) = (fixture.empty().await, fixture.empty().await);
    old.run(OLD).await;
    new.run(NEW).await;
    (old, new)
}

async fn view(sandbox: &dyn Sandbox) -> Arc<dyn View> {
    sandbox.engine().open(&ViewOptions { with_ddl: true }).await.expect("the database opens")
}

/// Begins to put what a view shows in the place of what a database holds; all rows are loaded, several tables at once.
async fn loaded(view: &Arc<dyn View>, engine: &dyn Engine) -> Arc<dyn Target> {
    loaded_with(view, engine, &CreateOptions::default()).await
}

async fn loaded_with(view: &Arc<dyn View>, engine: &dyn Engine, options: &CreateOptions) -> Arc<dyn Target> {
    let target = engine.replace(view.schema(), options).await.expect("it is begun");
    let tables = &view.schema().tables;
    futures::future::join_all(tables.iter().map(async |table| {
        let rows = view.rows(table).await.expect("the rows are read");
        target.load(table, rows).await.unwrap_or_else(|error| panic!("loading {}: {error:?}", table.name));
    }))
    .await;
    target
}

async fn assert_same(a: &dyn Sandbox, b: &dyn Sandbox) {
    let ((schema, rows), (other_schema, other_rows)) =
        (read_all(&*a.engine()).await, read_all(&*b.engine()).await);
    assert_eq!(schema, other_schema);
    assert_same_rows(&rows, &other_rows);
    assert!(a.dump().await == b.dump().await, "the databases' own dumps are the same");
}

/// What was replaced is as what it was replaced by, whatever it was before: also nothing, or the same.
pub async fn databases_are_replaced(fixture: &dyn Fixture) {
    let (old, new) = old_and_new(fixture).await;
    let new_view = view(&*new).await;
    for at in [&*old, &*old, &*fixture.empty().await] {
        let notes = loaded(&new_view, &*at.engine()).await.finish().await.expect("it is finished");
        assert_eq!(notes, Finished::default(), "everything is restored exactly");
        assert_same(at, &*new).await;
    }
    old.run("INSERT INTO parents VALUES (3, 'later'); INSERT INTO children VALUES (3, 3, 1)").await;
}

/// Whatever happens before the end, the database is as it was, and can be used at once and replaced later.
pub async fn replacements_that_do_not_end_leave_the_old(fixture: &dyn Fixture) {
    let (old, new) = old_and_new(fixture).await;
    let (before, view, engine) = (old.dump().await, view(&*new).await, old.engine());
    let unchanged = async |when: &str| {
        assert!(before == old.dump().await, "{when}, nothing has changed");
        let contents = engine.contents().await.expect("the database is looked at");
        assert!(matches!(contents, Contents::Occupied(_)), "{when}: {contents:?}");
        old.run("INSERT INTO same VALUES (5, 'x'); DELETE FROM same WHERE id = 5").await;
    };
    let target = loaded(&view, &*engine).await;
    target.abandon().await.expect("it is abandoned");
    unchanged("abandoned").await;
    target.finish().await.expect_err("what is abandoned cannot be finished");

    drop(loaded(&view, &*engine).await);
    unchanged("dropped").await;

    let options = CreateOptions::default();
    let target = loaded_with(&view, &*engine, &options).await;
    options.stop.cancel();
    let error = target.finish().await.expect_err("it is stopped");
    assert_eq!(error.kind(), ErrorKind::Stopped, "{error}");
    target.abandon().await.expect("it is abandoned");
    unchanged("stopped").await;
    let error = engine.replace(view.schema(), &options).await.err();
    assert_eq!(error.map(|error| error.kind()), Some(ErrorKind::Stopped));
    unchanged("stopped at once").await;

    let target = engine.replace(view.schema(), &CreateOptions::default()).await.expect("it is begun");
    let children = table(view.schema(), "children");
    let mut row = RowBatch::new(children.columns.len());
    row.extend(&read(&*view, children).await, 0..1);
    let lost = || EngineError::new(ErrorKind::Unreachable, "the source was lost");
    let broken: RowStream = stream::iter([Ok(row.clone()), Err(lost())]).boxed();
    target.load(children, broken).await.expect_err("the rows end in an error");
    target.finish().await.expect_err("what failed cannot be finished");
    target.abandon().await.expect("it is abandoned");
    unchanged("after an error").await;

    let mut schema = view.schema().clone();
    schema.ddl.clear();
    let refused = engine.replace(&schema, &CreateOptions::default()).await;
    assert!(refused.is_err(), "a backup of data alone makes no database");
    unchanged("refused").await;

    loaded(&view, &*engine).await.finish().await.expect("nothing is in the way later");
    assert_same(&*old, &*new).await;
}

/// Who reads while a database is replaced sees all of the old or all of the new.
pub async fn readers_see_the_old_or_the_new(fixture: &dyn Fixture) {
    let (old, new) = old_and_new(fixture).await;
    let engine = old.engine();
    let (before, after) = (read_all(&*engine).await, read_all(&*new.engine()).await);
    let target = loaded(&view(&*new).await, &*engine).await;
    // Engines that hold readers up let them go on in the end.
    let (seen, finished) = tokio::join!(read_all(&*engine), target.finish());
    finished.expect("it is finished");
    assert!(seen == before || seen == after, "tables of {:?}", seen.1.keys());
    assert!(read_all(&*engine).await == after, "later all is new");
}

/// A database that is not there is made.
pub async fn what_is_missing_is_made(fixture: &dyn Fixture) {
    let (_, new) = old_and_new(fixture).await;
    let (missing, view) = (fixture.missing().await, view(&*new).await);
    loaded(&view, &*missing).await.abandon().await.expect("it is abandoned");
    assert_eq!(missing.contents().await.expect("it is looked for"), Contents::Missing);
    loaded(&view, &*missing).await.finish().await.expect("it is finished");
    let ((schema, rows), (made_schema, made_rows)) =
        (read_all(&*new.engine()).await, read_all(&*missing).await);
    assert_eq!(schema, made_schema);
    assert_same_rows(&rows, &made_rows);
}
