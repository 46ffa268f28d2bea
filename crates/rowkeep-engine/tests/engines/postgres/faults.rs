//! Errors: of the right kind, naming what they are about, in the server's own words.

use futures::{StreamExt, TryStreamExt, stream};
use rowkeep_engine::{Contents, CreateOptions, EngineError, ErrorKind, RowStream, ViewOptions};
use rowkeep_format::{RowBatch, Value};

use super::server::{Server, chain};

super::on_every_server!(
    passwords_are_checked_and_not_shown,
    nobody_answers,
    connections_lost_while_reading,
    connections_lost_while_loading,
    rows_that_are_refused,
    statements_that_fail_are_shown,
    a_server_without_room_for_a_view_ends_the_restore,
    waiting_writers_do_not_stop_a_reading,
    rows_that_are_too_large,
);

const MANY_ROWS: &str = "CREATE TABLE \"big one\" (id integer PRIMARY KEY, v text);
    INSERT INTO \"big one\" SELECT n, repeat('x', 1000) FROM generate_series(1, 50000) n;";

async fn passwords_are_checked_and_not_shown(server: Server) {
    let role = server.role("").await;
    for url in [
        format!("postgres://{role}:wrong-s3cret@{}/postgres", server.address()),
        format!("postgres://{role}@{}/postgres", server.address()),
    ] {
        let engine = server.engine_at(&url);
        let error = engine.open(&ViewOptions::default()).await.err().expect("nothing is opened");
        assert_eq!(error.kind(), ErrorKind::Authentication, "{}", chain(&error));
        let shown = format!("{} {error:?} {}", chain(&error), engine.describe());
        assert!(!shown.contains("s3cret"), "{shown}");
    }
}

async fn nobody_answers(server: Server) {
    for url in ["postgres://postgres@127.0.0.1:1/x", "postgres://postgres@no.such.host.invalid/x"] {
        let error = server.engine_at(url).contents().await.expect_err("nobody answers");
        assert_eq!(error.kind(), ErrorKind::Unreachable, "{}", chain(&error));
        assert!(chain(&error).contains("/x: "), "names the database and the reason: {}", chain(&error));
    }
}

async fn connections_lost_while_reading(server: Server) {
    let database = server.database().await;
    database.run(MANY_ROWS).await;
    let view = server.engine(&database.name).open(&ViewOptions::default()).await.expect("the database opens");
    let mut rows = view.rows(&view.schema().tables[0]).await.expect("the rows are read");
    rows.try_next().await.expect("a batch is read").expect("there are rows");
    let others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                  WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE 'COPY%'";
    database.run(others).await;
    let error = loop {
        match rows.try_next().await {
            Ok(batch) => assert!(batch.is_some(), "the stream does not end as if it were complete"),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::Unreachable, "{}", chain(&error));
    assert!(error.to_string().contains("table big one"), "{error}");
}

async fn connections_lost_while_loading(server: Server) {
    let original = server.database().await;
    original.run(MANY_ROWS).await;
    let view = server
        .engine(&original.name)
        .open(&ViewOptions { with_ddl: true })
        .await
        .expect("the database opens");
    let database = server.database().await;
    let engine = server.engine(&database.name);
    let target =
        engine.create(view.schema(), &CreateOptions::default()).await.expect("the target is created");
    let table = &view.schema().tables[0];
    let (url, others) = (
        database.url(),
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
         WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE 'COPY%'",
    );
    let mut batches = 0;
    let rows = view.rows(table).await.expect("the rows are read").then(move |batch| {
        batches += 1;
        let (url, cut) = (url.clone(), batches == 100);
        async move {
            if cut {
                super::server::connect(&url).await.batch_execute(others).await.expect("sessions are ended");
            }
            batch
        }
    });
    let error = target.load(table, rows.boxed()).await.expect_err("the load fails");
    assert_eq!(error.kind(), ErrorKind::Unreachable, "{}", chain(&error));
    assert!(error.to_string().contains("table big one"), "{error}");
    target.abandon().await.expect("the target is abandoned");
    assert_eq!(engine.contents().await.expect("the database is looked at"), Contents::Empty);
}

async fn rows_that_are_refused(server: Server) {
    let original = server.database().await;
    original.run("CREATE TABLE t (id integer PRIMARY KEY, v integer CHECK (v > 0))").await;
    let view = server
        .engine(&original.name)
        .open(&ViewOptions { with_ddl: true })
        .await
        .expect("the database opens");
    let table = &view.schema().tables[0];
    for (bad, words) in [("-5", "check constraint"), ("x", "invalid input syntax"), ("\u{0}", "invalid")] {
        let database = server.database().await;
        let engine = server.engine(&database.name);
        let target =
            engine.create(view.schema(), &CreateOptions::default()).await.expect("the target is created");
        // Far more rows after the bad one than anybody wants to send in vain.
        let rows = stream::iter(0..1_000_000u32).map(move |batch| {
            let mut rows = RowBatch::new(2);
            for row in 0..1000 {
                let id = format!("{}", batch * 1000 + row);
                let v = if batch == 1 && row == 1 { bad } else { "1" };
                rows.push_row([Value::Text(id.as_bytes()), Value::Text(v.as_bytes())]);
            }
            Ok::<_, EngineError>(rows)
        });
        let rows: RowStream = rows.boxed();
        let error = target.load(table, rows).await.expect_err("the load fails");
        assert!(error.to_string().contains("table t") && chain(&error).contains(words), "{}", chain(&error));
        target.abandon().await.expect("the target is abandoned");
    }
}

async fn statements_that_fail_are_shown(server: Server) {
    let original = server.database().await;
    original.run("CREATE TABLE t (id integer PRIMARY KEY); CREATE VIEW v AS SELECT id FROM t").await;
    let view = server
        .engine(&original.name)
        .open(&ViewOptions { with_ddl: true })
        .await
        .expect("the database opens");
    let mut schema = view.schema().clone();
    for part in &mut schema.ddl {
        part.sql = part.sql.replace("FROM public.t", "FROM public.elsewhere");
    }
    let database = server.database().await;
    let engine = server.engine(&database.name);
    let error =
        engine.create(&schema, &CreateOptions::default()).await.err().expect("the view cannot be made");
    assert!(error.to_string().contains("CREATE VIEW public.v"), "{error}");
    assert!(chain(&error).contains("relation \"public.elsewhere\" does not exist"), "{}", chain(&error));
    assert_eq!(engine.contents().await.expect("the database is looked at"), Contents::Empty);

    schema.ddl.retain(|part| part.part != "pre-data");
    let error = engine.create(&schema, &CreateOptions::default()).await.err().expect("there is no schema");
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

/// What is wrong with a view is noted; what is wrong with the server is not the view's.
async fn a_server_without_room_for_a_view_ends_the_restore(server: Server) {
    for (state, kind) in [("disk_full", Some(ErrorKind::DiskFull)), ("division_by_zero", None)] {
        let original = server.database().await;
        original
            .run(&format!(
                "CREATE FUNCTION f() RETURNS integer LANGUAGE plpgsql AS $$ BEGIN
                   IF current_setting('application_name') = 'rowkeep' THEN RAISE 'no' USING ERRCODE = '{state}'; END IF;
                   RETURN 1; END $$; CREATE MATERIALIZED VIEW m AS SELECT public.f() AS n"
            ))
            .await;
        let view = server.engine(&original.name).open(&ViewOptions { with_ddl: true }).await;
        let view = view.expect("the database opens");
        let restored = server.database().await;
        let engine = server.engine(&restored.name);
        let target = engine.create(view.schema(), &CreateOptions::default()).await.expect("it is created");
        match (kind, target.finish().await) {
            (Some(kind), Err(error)) => assert_eq!(error.kind(), kind, "{}", chain(&error)),
            (None, Ok(finished)) => assert_eq!(finished.notes.len(), 1, "{finished:?}"),
            (_, done) => panic!("{state}: {done:?}"),
        }
    }
}

async fn waiting_writers_do_not_stop_a_reading(server: Server) {
    let database = server.database().await;
    database.run(MANY_ROWS).await;
    let view = server.engine(&database.name).open(&ViewOptions::default()).await.expect("the database opens");
    // It waits for the view, and everybody who comes later waits for it.
    let client = database.client().await;
    let altering = tokio::spawn(async move {
        client.batch_execute("SET lock_timeout = 0; ALTER TABLE \"big one\" ADD COLUMN more integer").await
    });
    let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock' \
                   AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    database.until(waiting, |count| count == "1").await;
    let mut rows = view.rows(&view.schema().tables[0]).await.expect("the rows are read");
    let mut count = 0;
    while let Some(batch) = rows.try_next().await.expect("the rows are read") {
        count += batch.rows();
    }
    assert_eq!(count, 50_000);
    drop((rows, view));
    altering.await.expect("the other session goes on").expect("the table is altered once nobody reads it");
}

async fn rows_that_are_too_large(server: Server) {
    let database = server.database().await;
    database.run("CREATE TABLE t (id integer PRIMARY KEY, v text); INSERT INTO t VALUES (1, repeat('x', 270000000))").await;
    let view = server.engine(&database.name).open(&ViewOptions::default()).await.expect("the database opens");
    let mut rows = view.rows(&view.schema().tables[0]).await.expect("the rows are read");
    let error = rows.try_next().await.expect_err("the row is too large");
    assert_eq!(error.kind(), ErrorKind::Unstorable);
    assert!(error.to_string().contains("table t"), "{error}");
}
