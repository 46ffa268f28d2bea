//! Replacements that are stopped at any moment: what is said of them is what has happened.

use std::sync::Arc;
use std::time::Duration;

use rowkeep::apply::plan::Safety;
use rowkeep::restore::replace::{Replaced, plan_replacement, replace};
use rowkeep::state::snapshots;
use rowkeep::{Context, Error, Event, Phase};
use tokio_util::sync::CancellationToken;

use crate::postgres::{Database, servers};
use crate::world::World;

const NEW: &str = "CREATE TABLE t (id integer PRIMARY KEY, v text); CREATE INDEX i ON t (v);
    INSERT INTO t WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) SELECT i, 'new ' || i FROM n;";
const OLD: &str = "DROP TABLE t; CREATE TABLE old (id integer PRIMARY KEY); INSERT INTO old VALUES (1), (2)";

/// When the last part of a replacement begins, and then how many milliseconds later, it is asked to stop.
const DELAYS: [u64; 8] = [0, 1, 2, 3, 5, 8, 13, 21];

/// A context that is cancelled so long after the last part has begun.
fn stopping(delay: Duration) -> Context {
    let cancel = CancellationToken::new();
    let stop = cancel.clone();
    let observer = move |event: Event<'_>| {
        if matches!(event, Event::Phase { phase: Phase::Finish, .. }) {
            if delay.is_zero() {
                stop.cancel();
            } else {
                let stop = stop.clone();
                std::thread::spawn(move || {
                    std::thread::sleep(delay);
                    stop.cancel();
                });
            }
        }
    };
    Context::new(Arc::new(observer), cancel)
}

/// Replaces a database, and asks to stop at different moments.
fn stop_at_every_moment(world: &World, url: &str, sql: &dyn Fn(&str)) {
    sql(NEW);
    let new = world.capture_whole(url).expect("it is captured");
    let engine = world.engine(url);
    let safety = Safety { database: "test".to_owned(), configured: false, program: "test".to_owned() };
    sql(OLD);
    for (round, delay) in DELAYS.into_iter().enumerate() {
        if round > 0 {
            sql(
                "DROP TABLE IF EXISTS t; DROP TABLE IF EXISTS old; CREATE TABLE old (id integer PRIMARY KEY); INSERT INTO old VALUES (1), (2)",
            );
        }
        let old = world.capture_whole(url).expect("it is captured");
        let before = world.block_on(snapshots::list(&world.repository, None)).expect("they are listed").len();
        let replaced: Result<Replaced, Error> = world.block_on(async {
            let context = Context::silent();
            let plan =
                plan_replacement(&context, &world.repository, engine.as_ref(), &new, None, Some(&safety))
                    .await?;
            let context = stopping(Duration::from_millis(delay));
            replace(&context, &world.repository, engine.as_ref(), plan, false).await
        });
        let (now, kept) = match replaced {
            Ok(_) => (&new, 1),
            Err(Error::Cancelled) => (&old, 0),
            Err(error) => panic!("{delay} ms: {error:?}"),
        };
        let said = if kept == 1 { "done" } else { "stopped" };
        assert!(kept == 0 || delay > 0, "who asks before the last step stops it");
        assert!(world.verify(now, url).expect("it is read"), "{delay} ms: it said that it was {said}");
        let after = world.block_on(snapshots::list(&world.repository, None)).expect("they are listed").len();
        assert_eq!(after - before, kept, "{delay} ms: the safety snapshot of what was {said}");
    }
}

#[test]
fn a_stopped_replacement_of_sqlite_is_as_it_says() {
    let world = World::new();
    let folder = tempfile::tempdir().expect("a folder can be made");
    let path = folder.path().join("t.db");
    let sql = |text: &str| {
        let connection = rusqlite::Connection::open(&path).expect("it opens");
        connection.busy_timeout(Duration::from_secs(20)).expect("a timeout");
        connection.execute_batch(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    };
    stop_at_every_moment(&world, &path.to_string_lossy(), &sql);
}

#[test]
fn a_stopped_replacement_of_postgresql_is_as_it_says() {
    for server in servers() {
        let database = Database::new(&server, "rowkeep_stopped");
        stop_at_every_moment(&database.world, &database.url, &|text| database.sql(text));
    }
}
