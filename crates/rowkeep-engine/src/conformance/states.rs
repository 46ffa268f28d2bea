//! Views: one instant, whatever others write and however many read.

use std::time::Duration;

use futures::{StreamExt, TryStreamExt};

use super::fixture::{Fixture, Sandbox};
use super::sandbox::{numbers, read, table};
use crate::{Consistency, Level, ViewOptions};

async fn two_tables(fixture: &dyn Fixture) -> Box<dyn Sandbox> {
    let sandbox = fixture.empty().await;
    let numbers = numbers(100_000);
    let sql = format!(
        "CREATE TABLE a (id integer PRIMARY KEY, v text NOT NULL);
         CREATE TABLE b (id integer PRIMARY KEY, v text NOT NULL);
         {numbers} INSERT INTO a SELECT n, 'before, and some more so that there are several batches' FROM numbers;
         INSERT INTO b SELECT id, v FROM a;"
    );
    sandbox.run(&sql).await;
    sandbox
}

/// What is written between and during reads of one view is not seen by it, and writing does not wait for it; of views that say so.
pub async fn views_are_of_one_instant(fixture: &dyn Fixture) {
    let sandbox = two_tables(fixture).await;
    let engine = sandbox.engine();
    let view = engine.open(&ViewOptions::default()).await.expect("the database opens");
    if view.consistency() == Consistency::Moving {
        return;
    }
    let before = read(&*view, table(view.schema(), "a")).await;

    let mut rows = view.rows(table(view.schema(), "b")).await.expect("the rows are read");
    let first = rows.try_next().await.expect("a batch is read").expect("there are rows");
    let write = sandbox.run(
        "UPDATE a SET v = 'after' WHERE id % 10 = 0; DELETE FROM b WHERE id % 2 = 1; INSERT INTO b VALUES (-1, 'after');
         CREATE TABLE c (id integer PRIMARY KEY);",
    );
    let written = tokio::time::timeout(Duration::from_secs(60), write).await;
    assert!(written.is_ok(), "writers are not held up by a view");
    let mut count = first.rows();
    while let Some(batch) = rows.try_next().await.expect("the rows are read") {
        count += batch.rows();
    }
    assert_eq!(count, 100_000, "the rest of a table that was changed meanwhile");
    drop(rows);

    let again = read(&*view, table(view.schema(), "a")).await;
    assert!(before == again, "a table that was changed between two readings");
    let b = read(&*view, table(view.schema(), "b")).await;
    assert_eq!(b.rows(), 100_000);
    drop(view);

    let view = engine.open(&ViewOptions::default()).await.expect("the database opens");
    let b = read(&*view, table(view.schema(), "b")).await;
    assert_eq!(b.rows(), 50_001, "another view sees what was written");
    assert!(read(&*view, table(view.schema(), "c")).await.is_empty());
}

/// All tables are read at once, more of them than the view cares to.
pub async fn reading_concurrently(fixture: &dyn Fixture) {
    let sandbox = two_tables(fixture).await;
    let view = sandbox.engine().open(&ViewOptions::default()).await.expect("the database opens");
    assert!(view.parallelism() >= 1);
    let names = ["a", "b", "a", "b", "a", "b"];
    let readings = names.map(|name| {
        let view = view.clone();
        async move { read(&*view, table(view.schema(), name)).await }
    });
    let all = futures::future::join_all(readings).await;
    assert!(all.windows(2).all(|pair| pair[0] == pair[1]));
    let estimate = view.estimate(&table(view.schema(), "a").name);
    assert!(estimate.rows < 100_000_000, "an estimate is not absurd: {estimate:?}");
}

/// A stream that is dropped in the middle gives back what it held.
pub async fn dropping_a_stream_lets_others_read(fixture: &dyn Fixture) {
    let sandbox = two_tables(fixture).await;
    let view = sandbox.engine().open(&ViewOptions::default()).await.expect("the database opens");
    for _ in 0..10 {
        let mut rows = view.rows(table(view.schema(), "a")).await.expect("the rows are read");
        assert!(rows.next().await.is_some_and(|batch| batch.is_ok()));
    }
    let all = tokio::time::timeout(Duration::from_secs(60), read(&*view, table(view.schema(), "b"))).await;
    assert_eq!(all.expect("nothing waits for dropped streams").rows(), 100_000);
    let rows = view.rows(table(view.schema(), "a")).await.expect("the rows are read");
    drop(view);
    drop(rows);
    sandbox.run("DROP TABLE a; DROP TABLE b;").await;
}

/// A database with nothing wrong has no finding that says so, and some facts.
pub async fn examining_a_sound_database(fixture: &dyn Fixture) {
    let sandbox = two_tables(fixture).await;
    let examination = sandbox.engine().examine().await.expect("the database is examined");
    assert!(!examination.facts.is_empty() && !examination.findings.is_empty());
    let wrong: Vec<_> = examination.findings.iter().filter(|finding| finding.level >= Level::Error).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    let view = sandbox.engine().open(&ViewOptions::default()).await.expect("the database opens");
    assert!(!view.environment().is_empty());
    assert_eq!(view.schema().engine, sandbox.engine().name());
}
