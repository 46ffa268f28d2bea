//! Databases made again in place of what they hold, in one transaction.

use std::sync::Arc;

use futures::StreamExt;
use rowkeep_engine::{CreateOptions, Engine, EngineError, ErrorKind, View, ViewOptions};

use super::awkward::awkward;
use super::server::{Server, assert_same_text, chain};

super::on_every_server!(
    anything_takes_the_place_of_anything,
    owners_of_tables_replace_them,
    what_may_not_be_dropped_is_named,
    who_holds_a_lock_is_waited_for_or_ended,
    lost_connections_leave_the_old,
    whatever_is_there_is_dropped,
    extensions_stay,
    remains_of_a_restore_are_replaced,
);

async fn view(engine: &dyn Engine) -> Arc<dyn View> {
    engine.open(&ViewOptions { with_ddl: true }).await.expect("the database opens")
}

/// Puts what a view shows in the place of what a database holds.
async fn replace(
    view: &dyn View,
    engine: &dyn Engine,
    options: &CreateOptions,
) -> Result<Vec<String>, EngineError> {
    let target = engine.replace(view.schema(), options).await?;
    for table in &view.schema().tables {
        target.load(table, view.rows(table).await.expect("the rows are read")).await?;
    }
    target.finish().await.map(|finished| finished.notes)
}

const SIMPLE: &str = "
    CREATE SCHEMA app; CREATE TABLE app.parents (id serial PRIMARY KEY, v text UNIQUE);
    CREATE TABLE children (id integer PRIMARY KEY, parent integer REFERENCES app.parents DEFERRABLE INITIALLY DEFERRED);
    INSERT INTO app.parents (v) SELECT repeat('x', 200) || n FROM generate_series(1, 10000) n;
    INSERT INTO children SELECT n, n FROM generate_series(1, 10000) n;
    CREATE MATERIALIZED VIEW counted AS SELECT count(*) FROM children; SELECT lo_from_bytea(77, 'content');
    CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
    CREATE TRIGGER t BEFORE INSERT ON children FOR EACH ROW EXECUTE FUNCTION f();
    GRANT SELECT ON children TO PUBLIC; GRANT CREATE ON SCHEMA public TO PUBLIC; COMMENT ON SCHEMA public IS 'ours';";

async fn anything_takes_the_place_of_anything(server: Server) {
    let (everything, simple) = (awkward(&server).await, server.database().await);
    simple.run(SIMPLE).await;
    let empty = server.database().await;
    let at = server.database().await;
    at.run("CREATE TABLE t (id integer)").await;
    let engine = server.engine(&at.name);
    for from in [&everything, &simple, &everything, &everything, &empty, &simple] {
        let view = view(&*server.engine(&from.name)).await;
        let notes = replace(&*view, &*engine, &CreateOptions::default())
            .await
            .unwrap_or_else(|error| panic!("{}", chain(&error)));
        assert_eq!(notes, Vec::<String>::new());
        assert_same_text(&from.dump().await, &at.dump().await);
    }
}

async fn owners_of_tables_replace_them(server: Server) {
    let (original, at) = (server.database().await, server.database().await);
    let role = server.role("").await;
    let grant = format!("GRANT CREATE ON SCHEMA public TO {role}; GRANT CREATE ON DATABASE");
    for database in [&original, &at] {
        database.run(&format!("{grant} {} TO {role}", database.name)).await;
    }
    let run = async |name: &str, sql: &str| {
        super::server::connect(&server.url_as(&role, name))
            .await
            .batch_execute(sql)
            .await
            .expect("it is run");
    };
    run(
        &original.name,
        &SIMPLE.replace("GRANT CREATE ON SCHEMA public TO PUBLIC; COMMENT ON SCHEMA public IS 'ours';", ""),
    )
    .await;
    run(&at.name, "CREATE TABLE children (old integer); CREATE TYPE odd AS ENUM ('a'); CREATE SCHEMA gone; SELECT lo_create(5)").await;
    let engine = server.engine_at(&server.url_as(&role, &at.name));
    let view = view(&*server.engine_at(&server.url_as(&role, &original.name))).await;
    let notes = replace(&*view, &*engine, &CreateOptions::default())
        .await
        .unwrap_or_else(|error| panic!("{}", chain(&error)));
    assert!(notes.iter().all(|note| note.contains("schema public")), "{notes:?}");
    assert_same_text(&original.dump().await, &at.dump().await);
}

async fn what_may_not_be_dropped_is_named(server: Server) {
    let (original, at) = (server.database().await, server.database().await);
    let role = server.role("").await;
    original.run("CREATE TABLE t (id integer)").await;
    at.run(&format!(
        "GRANT CREATE ON SCHEMA public TO {role}; CREATE TABLE mine (id integer); ALTER TABLE mine OWNER TO {role};
         CREATE TABLE \"some one's\" (id integer)"
    ))
    .await;
    let before = at.dump().await;
    let view = view(&*server.engine(&original.name)).await;
    let engine = server.engine_at(&server.url_as(&role, &at.name));
    let error = replace(&*view, &*engine, &CreateOptions::default()).await.expect_err("it is refused");
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{}", chain(&error));
    assert!(chain(&error).contains("must be owner of table some one's"), "{}", chain(&error));
    assert_same_text(&before, &at.dump().await);
}

async fn who_holds_a_lock_is_waited_for_or_ended(server: Server) {
    let (original, at) = (server.database().await, server.database().await);
    original.run(SIMPLE).await;
    at.run("CREATE TABLE \"in use\" (id integer)").await;
    let before = at.dump().await;
    let reader = at.client().await;
    reader.batch_execute("BEGIN; SELECT * FROM \"in use\"").await.expect("a reader");
    let view = view(&*server.engine(&original.name)).await;
    let engine = server.engine(&at.name);
    let error =
        replace(&*view, &*engine, &CreateOptions::default()).await.expect_err("a reader is in the way");
    assert_eq!(error.kind(), ErrorKind::Busy, "{}", chain(&error));
    assert!(chain(&error).contains("\"in use\""), "{}", chain(&error));
    assert_same_text(&before, &at.dump().await);

    // What failed has closed its connections, and so has what looked at the database; the server may not have noticed.
    let left = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = '{}' AND usesysid IS NOT NULL",
        at.name
    );
    original.until(&left, |count| count == "1").await;
    let options = CreateOptions { end_connections: true, ..CreateOptions::default() };
    let notes = replace(&*view, &*engine, &options).await.expect("nobody is in the way");
    assert_eq!(notes, ["1 other connection was ended"]);
    assert!(reader.batch_execute("COMMIT").await.is_err(), "the reader was ended");
    assert_same_text(&original.dump().await, &at.dump().await);
}

async fn lost_connections_leave_the_old(server: Server) {
    let (original, at) = (server.database().await, server.database().await);
    original.run(SIMPLE).await;
    at.run("CREATE TABLE old (id integer); INSERT INTO old VALUES (1)").await;
    let (before, engine) = (at.dump().await, server.engine(&at.name));
    let view = view(&*server.engine(&original.name)).await;
    // The connection of the transaction is the one in the middle of a load.
    const END: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE 'COPY%'";
    let target = engine.replace(view.schema(), &CreateOptions::default()).await.expect("it is begun");
    let table = view.schema().tables.iter().find(|table| table.name.name == "parents").expect("it is there");
    let (url, mut batches) = (at.url(), 0);
    let rows = view.rows(table).await.expect("the rows are read").then(move |batch| {
        batches += 1;
        let (url, cut) = (url.clone(), batches == 7);
        async move {
            if cut {
                super::server::connect(&url).await.batch_execute(END).await.expect("it is ended");
            }
            batch
        }
    });
    let error = target.load(table, rows.boxed()).await.expect_err("the connection was lost");
    assert_eq!(error.kind(), ErrorKind::Unreachable, "{}", chain(&error));
    let error = target.finish().await.expect_err("what was lost cannot be finished");
    assert!(chain(&error).contains("transaction"), "{}", chain(&error));
    target.abandon().await.expect("nothing is left to be undone");
    assert_same_text(&before, &at.dump().await);
}

/// What is told apart by more than its name, or is called otherwise by the server than by who drops it.
const OVERLOADED: &str = "
    CREATE AGGREGATE counted(*) (sfunc = int8inc, stype = int8, initcond = '0');
    CREATE AGGREGATE counted(integer) (sfunc = int4pl, stype = integer);
    CREATE AGGREGATE share(float8 ORDER BY anyelement) (
        sfunc = ordered_set_transition, stype = internal, finalfunc = percentile_disc_final, finalfunc_extra);
    CREATE AGGREGATE place(VARIADIC \"any\" ORDER BY VARIADIC \"any\") (
        sfunc = ordered_set_transition_multi, stype = internal, finalfunc = rank_final, hypothetical);
    CREATE PROCEDURE p(IN a integer, OUT b integer) LANGUAGE plpgsql AS 'BEGIN b := a; END';
    CREATE PROCEDURE p(IN a integer, IN b integer) LANGUAGE plpgsql AS 'BEGIN END';
    CREATE PROCEDURE q(IN \"in\" integer, INOUT b integer, VARIADIC c integer[]) LANGUAGE plpgsql AS 'BEGIN END';
    CREATE FUNCTION f(OUT a integer, b integer DEFAULT 1) LANGUAGE sql AS 'SELECT 1';
    CREATE FUNCTION f(b text) RETURNS TABLE (a integer) LANGUAGE sql AS 'SELECT 1';
    CREATE TYPE shell; CREATE OPERATOR !! (FUNCTION = int4um, RIGHTARG = integer);
    CREATE TRANSFORM FOR integer LANGUAGE plpgsql (FROM SQL WITH FUNCTION prsd_lextype(internal));";

async fn whatever_is_there_is_dropped(server: Server) {
    let (original, at) = (server.database().await, server.database().await);
    original.run("CREATE TABLE t (id integer)").await;
    at.run(OVERLOADED).await;
    let (from, to) = (server.engine(&original.name), server.engine(&at.name));
    let overloaded = view(&*to).await;
    let notes = replace(&*view(&*from).await, &*to, &CreateOptions::default())
        .await
        .unwrap_or_else(|error| panic!("{}", chain(&error)));
    assert_eq!(notes, Vec::<String>::new());
    assert_same_text(&original.dump().await, &at.dump().await);

    // A restore that fails drops them one by one, too.
    let target = server.database().await;
    let before = target.dump().await;
    let making = server.engine(&target.name).create(overloaded.schema(), &CreateOptions::default()).await;
    making.expect("it is begun").abandon().await.unwrap_or_else(|error| panic!("{}", chain(&error)));
    assert_same_text(&before, &target.dump().await);
}

async fn extensions_stay(server: Server) {
    // The extension that each server has besides the one that every database has.
    let extension = if server.major == 15 { "hstore" } else { "vector" };
    let original = server.database().await;
    original
        .run(&format!("CREATE SCHEMA tools; CREATE EXTENSION {extension} SCHEMA tools; CREATE TABLE t (v tools.{extension})"))
        .await;
    let at = server.database().await;
    at.run(&format!(
        "CREATE SCHEMA tools; CREATE EXTENSION {extension} SCHEMA tools; CREATE TABLE tools.extra (v tools.{extension});
         CREATE FUNCTION tools.f() RETURNS integer LANGUAGE sql AS 'SELECT 1'"
    ))
    .await;
    let number = format!("SELECT oid FROM pg_extension WHERE extname = '{extension}'");
    let (before, engine) = (at.value(&number).await, server.engine(&at.name));
    let with = view(&*server.engine(&original.name)).await;
    assert_eq!(
        replace(&*with, &*engine, &CreateOptions::default()).await.expect("it is replaced"),
        Vec::<String>::new()
    );
    assert_eq!(at.value(&number).await, before, "it was not made again");
    assert_same_text(&original.dump().await, &at.dump().await);

    let without = server.database().await;
    without.run("CREATE TABLE t (id integer)").await;
    replace(&*view(&*server.engine(&without.name)).await, &*engine, &CreateOptions::default())
        .await
        .expect("it is replaced");
    assert_same_text(&without.dump().await, &at.dump().await);
    replace(&*with, &*engine, &CreateOptions::default()).await.expect("it is replaced");
    assert_same_text(&original.dump().await, &at.dump().await);
}

async fn remains_of_a_restore_are_replaced(server: Server) {
    let (original, at) = (server.database().await, server.database().await);
    original.run(SIMPLE).await;
    let (view, engine) = (view(&*server.engine(&original.name)).await, server.engine(&at.name));
    drop(engine.create(view.schema(), &CreateOptions::default()).await.expect("it is begun"));
    let notes = replace(&*view, &*engine, &CreateOptions::default()).await.expect("it is replaced");
    assert_eq!(notes, Vec::<String>::new());
    assert_same_text(&original.dump().await, &at.dump().await);
}
