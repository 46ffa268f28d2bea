//! Changesets and live databases that do not fit each other, and what others do meanwhile.

use std::sync::Arc;
use std::time::Duration;

use rowkeep_engine::{ApplyOptions, ErrorKind, OnConflict};
use rowkeep_format::Counts;

use super::changes::{Lists, Owned, apply, expect, table};
use super::server::{Server, chain};

super::on_every_server!(
    rows_that_changed_stop_everything,
    rows_that_changed_are_skipped,
    what_is_done_is_not_done_again,
    unnamed_rows_are_not_reached,
    demands_of_the_database_stop_everything,
    others_write_meanwhile,
    others_insert_meanwhile,
    connections_lost_change_nothing,
    dropped_futures_change_nothing,
    what_is_stopped_has_ended_on_the_server,
    hidden_rows_are_refused,
    who_does_not_own_is_told,
    triggers_act_when_they_should,
    sequences_move_on,
    columns_without_values,
    statements_run_in_the_transaction,
    connections_are_ended,
);

const SETUP: &str = "CREATE TABLE t (id integer PRIMARY KEY, v text); CREATE TABLE u (id integer PRIMARY KEY, v numeric);
    INSERT INTO t SELECT n, 'v' || n FROM generate_series(1, 9) n; INSERT INTO u SELECT n, n FROM generate_series(1, 9) n;";

/// Changes of which some fit `SETUP` and some do not.
async fn some_fit(owned: &Owned) -> Lists {
    let schema = owned.schema().await;
    Lists::default()
        .with(
            &table(&schema, "t"),
            &[
                (Some(&[Some("1"), Some("v1")]), Some(&[Some("1"), Some("new")])),
                (Some(&[Some("2"), Some("other")]), Some(&[Some("2"), Some("new")])),
                (Some(&[Some("3"), Some("v3")]), None),
                (Some(&[Some("4"), None]), None),
                (None, Some(&[Some("5"), Some("new")])),
                (None, Some(&[Some("10"), None])),
                (Some(&[Some("77"), Some("gone")]), Some(&[Some("77"), Some("new")])),
                (Some(&[Some("78"), Some("gone")]), None),
                (None, Some(&[Some("9"), Some("v9")])),
                (Some(&[Some("8"), Some("was")]), Some(&[Some("8"), Some("v8")])),
            ],
        )
        .with(
            &table(&schema, "u"),
            &[(Some(&[Some("1"), Some("1.0")]), None), (Some(&[Some("2"), Some("2")]), None)],
        )
}

async fn rows_that_changed_stop_everything(server: Server) {
    let owned = Owned::new(&server, SETUP).await;
    let changes = some_fit(&owned).await;
    let dump = owned.database.dump().await;
    let error = apply(&*owned.engine(), changes).await.expect_err("it stops");
    assert_eq!(error.kind(), ErrorKind::Conflict, "{}", chain(&error));
    assert_eq!(
        error.to_string(),
        "not as the changes say they were: 4 rows of table t (id = 2; id = 4; id = 5; ...), 1 row of table u (id = 1)"
    );
    assert_eq!(owned.database.dump().await, dump);
}

async fn rows_that_changed_are_skipped(server: Server) {
    let owned = Owned::new(&server, SETUP).await;
    let changes = some_fit(&owned).await;
    let options = ApplyOptions { on_conflict: OnConflict::Skip, ..ApplyOptions::default() };
    let applied = expect(owned.engine().apply(Arc::new(changes), &options).await);
    let t = &applied.tables[0];
    assert_eq!(t.done, Counts { inserted: 1, updated: 1, deleted: 1 });
    assert_eq!((t.already, t.skipped), (3, 4));
    let u = &applied.tables[1];
    assert_eq!((u.done, u.already, u.skipped), (Counts { deleted: 1, ..Counts::default() }, 0, 1));
    let rows = owned.database.value("SELECT string_agg(id || coalesce(v, ''), ' ' ORDER BY id) FROM t").await;
    assert_eq!(rows, "1new 2v2 4v4 5v5 6v6 7v7 8v8 9v9 10");
}

async fn what_is_done_is_not_done_again(server: Server) {
    let owned = Owned::new(&server, SETUP).await;
    let (schema, first) = owned.state().await;
    owned
        .run("UPDATE t SET v = 'x' WHERE id < 4; DELETE FROM t WHERE id > 7; INSERT INTO u VALUES (20, 1)")
        .await;
    let (_, second) = owned.state().await;
    let changes = Lists::between(&schema, &first, &second);
    let applied = expect(apply(&*owned.engine(), changes.clone()).await);
    let already: u64 = applied.tables.iter().map(|table| table.already).sum();
    let done: u64 = applied.tables.iter().map(|table| table.done.total()).sum();
    assert_eq!((already, done), (changes.total(), 0));
}

async fn unnamed_rows_are_not_reached(server: Server) {
    for (action, partitioned) in [
        ("CASCADE", false),
        ("SET NULL", false),
        ("SET DEFAULT", true),
        ("CASCADE", true),
        ("RESTRICT", false),
        ("NO ACTION", true),
    ] {
        let by = if partitioned {
            "PARTITION BY LIST (id); CREATE TABLE c1 PARTITION OF child DEFAULT"
        } else {
            ""
        };
        let setup = format!(
            "CREATE TABLE parent (id integer PRIMARY KEY, code integer UNIQUE); INSERT INTO parent SELECT n, n FROM generate_series(1, 9) n;
             CREATE TABLE child (id integer, parent integer DEFAULT 1 REFERENCES parent ON DELETE {action},
                                 code integer REFERENCES parent (code) ON UPDATE {action}) {by};
             INSERT INTO child SELECT n, n, n + 1 FROM generate_series(1, 8) n;
             CREATE TABLE self (id integer PRIMARY KEY, up integer REFERENCES self ON DELETE {action});
             INSERT INTO self SELECT n, nullif(n / 2, 0) FROM generate_series(1, 9) n;"
        );
        let owned = Owned::new(&server, &setup).await;
        let schema = owned.schema().await;
        let dump = owned.database.dump().await;
        let parent = table(&schema, "parent");
        let deleted = Lists::default().with(&parent, &[(Some(&[Some("1"), Some("1")]), None)]);
        let updated = Lists::default()
            .with(&parent, &[(Some(&[Some("9"), Some("9")]), Some(&[Some("9"), Some("99")]))]);
        // 4 goes with 8, and 9 is not named.
        let selves = Lists::default().with(
            &table(&schema, "self"),
            &[(Some(&[Some("4"), Some("2")]), None), (Some(&[Some("8"), Some("4")]), None)],
        );
        for (changes, table) in [(deleted, "child"), (updated, "child"), (selves, "self")] {
            let error = apply(&*owned.engine(), changes).await.expect_err("a row would be reached");
            assert_eq!(error.kind(), ErrorKind::Dangling, "{action}: {}", chain(&error));
            assert!(chain(&error).contains(table), "{}", chain(&error));
            assert_eq!(owned.database.dump().await, dump);
        }
    }
}

async fn demands_of_the_database_stop_everything(server: Server) {
    let owned = Owned::new(
        &server,
        "CREATE TABLE t (id integer PRIMARY KEY, v integer CHECK (v > 0), w text UNIQUE, up integer REFERENCES t);
         INSERT INTO t VALUES (1, 1, 'a', 1), (2, 2, 'b', 1)",
    )
    .await;
    let t = table(&owned.schema().await, "t");
    let dump = owned.database.dump().await;
    let row: [[Option<&str>; 4]; 4] = [
        [Some("3"), Some("0"), None, None],
        [Some("3"), None, Some("a"), None],
        [Some("3"), None, None, Some("77")],
        [Some("2"), Some("2"), Some("a"), Some("1")],
    ];
    let second: [Option<&str>; 4] = [Some("2"), Some("2"), Some("b"), Some("1")];
    for (changes, words) in [
        ((None, Some(&row[0][..])), "t_v_check"),
        ((None, Some(&row[1][..])), "t_w_key"),
        ((None, Some(&row[2][..])), "t_up_fkey"),
        ((Some(&second[..]), Some(&row[3][..])), "(w)=(a)"),
        ((Some(&[Some("1"), Some("1"), Some("a"), Some("1")][..]), None), "t_up_fkey"),
    ] {
        let error = apply(&*owned.engine(), Lists::default().with(&t, &[changes])).await.expect_err(words);
        let kind = if words == "t_up_fkey" { ErrorKind::Dangling } else { ErrorKind::Constraint };
        assert_eq!(error.kind(), kind, "{}", chain(&error));
        let told = chain(&error).replace('"', "");
        assert!(told.contains(words) && told.contains("table t"), "{told}");
        assert_eq!(owned.database.dump().await, dump);
    }
}

async fn others_write_meanwhile(server: Server) {
    let owned = Owned::new(&server, SETUP).await;
    let t = table(&owned.schema().await, "t");
    let changes = Lists::default().with(
        &t,
        &[
            (Some(&[Some("1"), Some("v1")]), Some(&[Some("1"), Some("ours")])),
            (Some(&[Some("2"), Some("v2")]), None),
        ],
    );
    for (theirs, ends, done) in [
        ("UPDATE t SET v = 'theirs' WHERE id = 1", "COMMIT", false),
        ("UPDATE t SET v = 'theirs' WHERE id = 2", "COMMIT", false),
        ("DELETE FROM t WHERE id = 1", "COMMIT", false),
        ("UPDATE t SET v = 'theirs' WHERE id IN (1, 2)", "ROLLBACK", true),
    ] {
        owned.run("DELETE FROM t WHERE id < 3; INSERT INTO t VALUES (1, 'v1'), (2, 'v2')").await;
        let writer = owned.client().await;
        writer.batch_execute(&format!("BEGIN; {theirs}")).await.expect("they write");
        let (engine, ours) = (owned.engine(), changes.clone());
        let applying = tokio::spawn(async move { apply(&*engine, ours).await });
        owned.until_somebody_waits().await;
        writer.batch_execute(ends).await.expect("they end");
        let applied = applying.await.expect("no panic");
        if done {
            assert_eq!(expect(applied).tables[0].done, Counts { inserted: 0, updated: 1, deleted: 1 });
        } else {
            let error = applied.expect_err("rows are not as they were");
            assert_eq!(error.kind(), ErrorKind::Conflict, "{}", chain(&error));
            assert_eq!(owned.database.value("SELECT count(*) FROM t WHERE v = 'ours'").await, "0");
        }
    }
}

async fn others_insert_meanwhile(server: Server) {
    let owned = Owned::new(&server, SETUP).await;
    let t = table(&owned.schema().await, "t");
    let changes = Lists::default()
        .with(&t, &[(None, Some(&[Some("20"), Some("ours")])), (None, Some(&[Some("21"), Some("ours")]))]);
    for on_conflict in [OnConflict::Stop, OnConflict::Skip] {
        owned.run("DELETE FROM t WHERE id >= 20").await;
        let writer = owned.client().await;
        writer.batch_execute("BEGIN; INSERT INTO t VALUES (20, 'theirs')").await.expect("they write");
        let (engine, ours) = (owned.engine(), Arc::new(changes.clone()));
        let options = ApplyOptions { on_conflict, ..ApplyOptions::default() };
        let applying = tokio::spawn(async move { engine.apply(ours, &options).await });
        owned.until_somebody_waits().await;
        writer.batch_execute("COMMIT").await.expect("they end");
        let applied = applying.await.expect("no panic");
        if on_conflict == OnConflict::Skip {
            let applied = expect(applied);
            assert_eq!((applied.tables[0].done.inserted, applied.tables[0].skipped), (1, 1));
        } else {
            let error = applied.expect_err("a row is there");
            assert_eq!(error.kind(), ErrorKind::Conflict, "{}", chain(&error));
            assert!(chain(&error).contains("(id)=(20)"), "{}", chain(&error));
            assert_eq!(owned.database.value("SELECT count(*) FROM t WHERE id = 21").await, "0");
        }
    }
}

/// A changeset that waits in its middle for a lock that the returned session holds: `t` is changed before `u`.
async fn stuck(owned: &Owned) -> (Lists, tokio_postgres::Client) {
    owned.run("CREATE TABLE late (id integer PRIMARY KEY DEFERRABLE, v integer UNIQUE)").await;
    let schema = owned.schema().await;
    let changes = Lists::default()
        .with(&table(&schema, "late"), &[(None, Some(&[Some("1"), Some("1")]))])
        .with(&table(&schema, "t"), &[(Some(&[Some("1"), Some("v1")]), None)]);
    let holder = owned.client().await;
    holder.batch_execute("BEGIN; INSERT INTO late VALUES (2, 1)").await.expect("they write");
    (changes, holder)
}

async fn connections_lost_change_nothing(server: Server) {
    let owned = Owned::new(&server, SETUP).await;
    let (changes, holder) = stuck(&owned).await;
    let engine = owned.engine();
    let applying = tokio::spawn(async move { apply(&*engine, changes).await });
    owned.until_somebody_waits().await;
    owned.database.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()").await;
    let error = applying.await.expect("no panic").expect_err("the connection is lost");
    assert_eq!(error.kind(), ErrorKind::Unreachable, "{}", chain(&error));
    drop(holder);
    assert_eq!(owned.database.value("SELECT count(*) FROM t").await, "9");
}

async fn dropped_futures_change_nothing(server: Server) {
    let owned = Owned::new(&server, SETUP).await;
    let (changes, holder) = stuck(&owned).await;
    let engine = owned.engine();
    let applying = tokio::spawn(async move { apply(&*engine, changes).await.map(|_| ()) });
    owned.until_somebody_waits().await;
    applying.abort();
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    owned.database.until(waiting, |count| count == "0").await;
    holder.batch_execute("COMMIT").await.expect("they end");
    assert_eq!(owned.database.value("SELECT count(*) FROM t").await, "9");
    owned.run("DROP TABLE t, u, late").await;
}

/// A statement that waits for a lock, and is not done when that is cancelled for the first time.
const STUBBORN: &str = "DO 'BEGIN PERFORM pg_advisory_xact_lock(9); \
                        EXCEPTION WHEN query_canceled THEN PERFORM pg_sleep(1000); END'";

/// Unlike a future that is dropped, one that is stopped returns when nobody has to wait for its locks any more.
async fn what_is_stopped_has_ended_on_the_server(server: Server) {
    let owned = Owned::new(&server, SETUP).await;
    let t = table(&owned.schema().await, "t");
    let changes = || Lists::default().with(&t, &[(Some(&[Some("1"), Some("v1")]), None)]);
    let holder = owned.client().await;
    holder.batch_execute("SELECT pg_advisory_lock(9)").await.expect("it is locked");
    let options = ApplyOptions { statements: vec![STUBBORN.to_owned()], ..ApplyOptions::default() };
    let stop = options.stop.clone();
    let (engine, stuck) = (owned.engine(), changes());
    let applying = tokio::spawn(async move { engine.apply(Arc::new(stuck), &options).await });
    owned.until_somebody_waits().await;
    let locks = "SELECT count(*) FROM pg_locks WHERE relation = 't'::regclass AND \
                 database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    assert_ne!(owned.database.value(locks).await, "0", "its locks can be seen");
    stop.cancel();
    let bound = Duration::from_secs(60);
    let stopped = tokio::time::timeout(bound, applying).await.expect("it does not wait for the holder");
    let error = stopped.expect("no panic").expect_err("it was stopped");
    assert_eq!(owned.database.value(locks).await, "0");
    assert_eq!(error.kind(), ErrorKind::Stopped, "{}", chain(&error));
    assert_eq!(owned.database.value("SELECT count(*) FROM t").await, "9");

    // Before there is a connection at all.
    let options = ApplyOptions::default();
    options.stop.cancel();
    let error = owned.engine().apply(Arc::new(changes()), &options).await.expect_err("it was stopped");
    assert_eq!(error.kind(), ErrorKind::Stopped, "{}", chain(&error));
}

async fn hidden_rows_are_refused(server: Server) {
    let owned = Owned::new(&server, SETUP).await;
    let changes = some_fit(&owned).await;
    owned
        .run("ALTER TABLE t ENABLE ROW LEVEL SECURITY; ALTER TABLE t FORCE ROW LEVEL SECURITY; CREATE POLICY p ON t USING (id = 1)")
        .await;
    let error = apply(&*owned.engine(), changes.clone()).await.expect_err("rows are hidden");
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{}", chain(&error));
    assert!(error.to_string().contains("hide rows of t"), "{error}");
    // Not forced on the owner, nothing is hidden from it.
    owned.run("ALTER TABLE t NO FORCE ROW LEVEL SECURITY").await;
    let error = apply(&*owned.engine(), changes).await.expect_err("some do not fit");
    assert_eq!(error.kind(), ErrorKind::Conflict, "{}", chain(&error));
}

async fn who_does_not_own_is_told(server: Server) {
    let owned = Owned::new(
        &server,
        "CREATE TABLE t (id integer PRIMARY KEY, v text); CREATE TABLE log (id integer);
         CREATE FUNCTION acts() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS
           'BEGIN INSERT INTO log VALUES (NEW.id); RETURN NEW; END';
         CREATE TRIGGER acts AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION acts();",
    )
    .await;
    let t = table(&owned.schema().await, "t");
    let changes = Lists::default().with(&t, &[(None, Some(&[Some("1"), Some("x")]))]);
    let role = server.role("").await;
    owned.run(&format!("GRANT SELECT, INSERT ON t TO {role}")).await;
    let engine = server.engine_at(&server.url_as(&role, &owned.database.name));
    let error = apply(&*engine, changes.clone()).await.expect_err("it does not own the table");
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{}", chain(&error));
    assert!(
        error.to_string().contains("trigger acts") && error.to_string().contains("--fire-triggers"),
        "{error}"
    );
    let options = ApplyOptions { fire_triggers: true, ..ApplyOptions::default() };
    expect(engine.apply(Arc::new(changes), &options).await);
    assert_eq!(owned.database.value("SELECT count(*) FROM log").await, "1");
    let deletes = Lists::default().with(&t, &[(Some(&[Some("1"), Some("x")]), None)]);
    let error = engine.apply(Arc::new(deletes), &options).await.expect_err("it may not delete");
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{}", chain(&error));
}

async fn triggers_act_when_they_should(server: Server) {
    let owned = Owned::new(
        &server,
        "CREATE TABLE t (id integer PRIMARY KEY, v text); CREATE TABLE total (id integer PRIMARY KEY, n integer);
         INSERT INTO t SELECT n, 'v' FROM generate_series(1, 5) n; INSERT INTO total VALUES (1, 5);
         CREATE FUNCTION acts() RETURNS trigger LANGUAGE plpgsql AS
           'BEGIN IF OLD.id = 3 THEN RETURN NULL; END IF; UPDATE total SET n = n - 1; RETURN OLD; END';
         CREATE TRIGGER acts BEFORE DELETE ON t FOR EACH ROW EXECUTE FUNCTION acts();",
    )
    .await;
    let schema = owned.schema().await;
    let changes = Lists::default()
        .with(
            &table(&schema, "t"),
            &[(Some(&[Some("3"), Some("v")]), None), (Some(&[Some("4"), Some("v")]), None)],
        )
        // A row that a trigger has changed before.
        .with(&table(&schema, "total"), &[(Some(&[Some("1"), Some("5")]), Some(&[Some("1"), Some("33")]))]);
    let options = ApplyOptions { fire_triggers: true, ..ApplyOptions::default() };
    let applied = expect(owned.engine().apply(Arc::new(changes), &options).await);
    assert_eq!(applied.tables[0].done.deleted, 1);
    assert_eq!(applied.notes, ["1 of 2 rows of table t were changed; its triggers kept the others from it"]);
    assert_eq!(owned.database.value("SELECT count(*) FROM t").await, "4");
    assert_eq!(owned.database.value("SELECT n FROM total").await, "33");
}

async fn sequences_move_on(server: Server) {
    let owned = Owned::new(
        &server,
        "CREATE SEQUENCE shared; CREATE SEQUENCE down INCREMENT -5;
         CREATE TABLE t (id serial PRIMARY KEY, i bigint GENERATED ALWAYS AS IDENTITY, s integer DEFAULT nextval('shared'),
                         d integer DEFAULT nextval('down'));
         CREATE TABLE p (id bigint GENERATED BY DEFAULT AS IDENTITY, at integer) PARTITION BY LIST (at);
         CREATE TABLE p1 PARTITION OF p DEFAULT; SELECT setval('shared', 1000);",
    )
    .await;
    let schema = owned.schema().await;
    let t = [Some("70"), Some("71"), Some("72"), Some("-73")];
    let changes = Lists::default()
        .with(&table(&schema, "t"), &[(None, Some(&t))])
        .with(&table(&schema, "p1"), &[(None, Some(&[Some("500"), None]))]);
    // Undone with the transaction.
    let options = ApplyOptions { statements: vec!["SELECT 1 / 0".to_owned()], ..ApplyOptions::default() };
    owned.engine().apply(Arc::new(changes.clone()), &options).await.expect_err("it fails in the end");
    assert_eq!(owned.database.value("SELECT last_value FROM t_id_seq").await, "1");
    let applied = expect(apply(&*owned.engine(), changes).await);
    assert_eq!(applied.notes.len(), 4, "{:?}", applied.notes);
    assert!(
        applied.notes.iter().any(|note| note == "sequence public.t_id_seq was moved on to 70"),
        "{:?}",
        applied.notes
    );
    owned.run("INSERT INTO t (id) VALUES (DEFAULT); INSERT INTO p VALUES (DEFAULT, 1)").await;
    assert_eq!(
        owned.database.value("SELECT id || ' ' || i || ' ' || s || ' ' || d FROM t WHERE id <> 70").await,
        "71 72 1001 -78"
    );
    assert_eq!(owned.database.value("SELECT max(id) FROM p").await, "501");
}

async fn columns_without_values(server: Server) {
    let owned = Owned::new(
        &server,
        "CREATE TABLE t (id integer PRIMARY KEY, v text, n integer NOT NULL DEFAULT 7);
         CREATE TABLE w (v text, n integer DEFAULT 7); INSERT INTO w VALUES ('x', 1), ('x', 2), ('y', 3);",
    )
    .await;
    let schema = owned.schema().await;
    let mut changes = Lists::default()
        .with(&table(&schema, "t"), &[(None, Some(&[Some("1"), Some("x"), None]))])
        .with(&table(&schema, "w"), &[(None, Some(&[Some("z"), None]))]);
    changes.tables[0].insert_defaults = vec![2];
    changes.tables[1].insert_defaults = vec![1];
    expect(apply(&*owned.engine(), changes.clone()).await);
    assert_eq!(owned.database.value("SELECT n FROM t WHERE id = 1").await, "7");
    assert_eq!(owned.database.value("SELECT n FROM w WHERE v = 'z'").await, "7");
    let applied = expect(apply(&*owned.engine(), changes.clone()).await);
    assert_eq!(applied.tables[0].already, 1, "the unknown value is not compared");

    let undone = expect(apply(&*owned.engine(), changes.reversed()).await);
    assert_eq!((undone.tables[0].done.deleted, undone.tables[1].done.deleted), (1, 1));
    assert_eq!(owned.database.value("SELECT count(*) FROM t").await, "0");
    assert_eq!(
        owned.database.value("SELECT count(*) FROM w WHERE v = 'z'").await,
        "1",
        "one of two equal rows"
    );
}

async fn statements_run_in_the_transaction(server: Server) {
    let owned = Owned::new(&server, SETUP).await;
    let t = table(&owned.schema().await, "t");
    let changes = Arc::new(Lists::default().with(&t, &[(Some(&[Some("1"), Some("v1")]), None)]));
    let options = |statements: &[&str]| ApplyOptions {
        statements: statements.iter().map(|sql| (*sql).to_owned()).collect(),
        ..ApplyOptions::default()
    };
    for bad in ["INSERT INTO nowhere VALUES (1)", "DELETE FROM u; COMMIT", "SELECT 1 / 0"] {
        let error =
            owned.engine().apply(changes.clone(), &options(&["DELETE FROM u", bad])).await.expect_err(bad);
        assert_eq!(error.kind(), ErrorKind::Statement, "{}", chain(&error));
        assert_eq!(
            owned.database.value("SELECT (SELECT count(*) FROM t) + (SELECT count(*) FROM u)").await,
            "18"
        );
    }
    let good = options(&[
        "UPDATE u SET v = (SELECT count(*) FROM t); -- the rest",
        "DELETE FROM u WHERE id > 1; DELETE FROM t WHERE id = 2",
    ]);
    expect(owned.engine().apply(changes, &good).await);
    assert_eq!(owned.database.value("SELECT v || ' ' || (SELECT count(*) FROM t) FROM u").await, "8 7");
}

async fn connections_are_ended(server: Server) {
    let owned = Owned::new(&server, SETUP).await;
    let t = table(&owned.schema().await, "t");
    let holder = owned.client().await;
    holder.batch_execute("BEGIN; UPDATE t SET v = 'theirs'").await.expect("they write");
    // What looked at the table has closed its connections; the server may not have noticed.
    let of_the_role = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename <> current_user";
    owned.database.until(of_the_role, |count| count == "1").await;
    let superuser = owned.database.client().await;
    let changes = Lists::default().with(&t, &[(Some(&[Some("1"), Some("v1")]), None)]);
    let options = ApplyOptions { end_connections: true, ..ApplyOptions::default() };
    let applied = expect(owned.engine().apply(Arc::new(changes), &options).await);
    assert_eq!(applied.tables[0].done.deleted, 1);
    assert_eq!(applied.notes[0], "1 other connection was ended");
    assert!(applied.notes[1].ends_with(" could not be ended by this role"), "{:?}", applied.notes);
    assert!(holder.batch_execute("COMMIT").await.is_err());
    superuser.batch_execute("SELECT 1").await.expect("a superuser's goes on");
}
