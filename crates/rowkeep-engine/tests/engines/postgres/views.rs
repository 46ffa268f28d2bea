//! Views: of one instant among writers of every sort, and the same whatever the settings are.

use futures::TryStreamExt;
use rowkeep_engine::conformance::{assert_same_rows, read, read_all};
use rowkeep_engine::{ErrorKind, ViewOptions};

use super::server::Server;

super::on_every_server!(
    tables_come_and_go,
    names_change_hands,
    rewritten_tables_are_not_empty,
    settings_change_nothing,
    facts_are_kept,
    sockets_of_unix_give_the_same_rows,
);

/// Opening works while others create and drop tables all the time.
async fn tables_come_and_go(server: Server) {
    let database = server.database().await;
    database.run("CREATE TABLE steady (id integer PRIMARY KEY); INSERT INTO steady VALUES (1)").await;
    let client = database.client().await;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let churning = tokio::spawn(async move {
        let mut rounds = 0u64;
        while !stop.is_closed() {
            client.batch_execute("CREATE TABLE passing (a integer)").await.expect("a table is made");
            client.batch_execute("DROP TABLE passing").await.expect("nobody holds it for long");
            rounds += 1;
        }
        rounds
    });
    let engine = server.engine(&database.name);
    for _ in 0..30 {
        let view = engine.open(&ViewOptions::default()).await.expect("the database opens");
        for table in &view.schema().tables {
            read(&*view, table).await;
        }
    }
    drop(stopped);
    assert!(churning.await.expect("the other session goes on") > 0);
}

/// A table that goes while its lock is waited for is no error, whatever its name means by then.
async fn names_change_hands(server: Server) {
    let changes = [
        ("DROP TABLE s.t; CREATE TABLE s.other (a integer); CREATE INDEX t ON s.other (a)", "other"),
        ("DROP TABLE s.t; CREATE SEQUENCE s.t", "steady"),
        ("DROP SCHEMA s CASCADE", "steady"),
    ];
    for (change, expected) in changes {
        let database = server.database().await;
        database.run("CREATE TABLE steady (a integer); CREATE SCHEMA s; CREATE TABLE s.t (a integer)").await;
        let client = database.client().await;
        client.batch_execute("BEGIN; LOCK TABLE s.t IN ACCESS EXCLUSIVE MODE").await.expect("it is locked");
        let engine = server.engine(&database.name);
        let opening = tokio::spawn(async move { engine.open(&ViewOptions::default()).await });
        let waiting = "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database \
                       WHERE d.datname = current_database() AND NOT l.granted";
        database.until(waiting, |count| count != "0").await;
        client.batch_execute(&format!("{change}; COMMIT")).await.expect("it is changed");
        let view = opening.await.expect("no panic").expect("the database opens");
        let tables: Vec<&str> = view.schema().tables.iter().map(|table| &*table.name.name).collect();
        assert!(tables.contains(&expected) && !tables.contains(&"t"), "{change}: {tables:?}");
    }
}

/// A table that is rewritten while a view is being opened is there before or after, never empty.
async fn rewritten_tables_are_not_empty(server: Server) {
    let database = server.database().await;
    database
        .run("CREATE TABLE t (id integer PRIMARY KEY); INSERT INTO t SELECT generate_series(1, 100)")
        .await;
    let client = database.client().await;
    let rewriting = tokio::spawn(async move {
        let mut bigger = true;
        loop {
            let kind = if bigger { "bigint" } else { "integer" };
            if client.batch_execute(&format!("ALTER TABLE t ALTER COLUMN id TYPE {kind}")).await.is_err() {
                return;
            }
            bigger = !bigger;
        }
    });
    let engine = server.engine(&database.name);
    for _ in 0..30 {
        let view = engine.open(&ViewOptions::default()).await.expect("the database opens");
        assert_eq!(read(&*view, &view.schema().tables[0]).await.rows(), 100);
    }
    rewriting.abort();
}

async fn settings_change_nothing(server: Server) {
    let database = server.database().await;
    database
        .run(
            "CREATE TABLE t (id timestamptz PRIMARY KEY, d date, i interval, f float8, r real, b bytea, m money, x text[]);
             INSERT INTO t SELECT timestamptz '2026-01-01 00:00:00+00' + n * interval '1 hour', date '2026-02-01' + n,
               n * interval '1 day 2 hours', 1.0 / n, 1.0 / n, '\\x00ff', n, ARRAY['a', NULL] FROM generate_series(1, 50) n;",
        )
        .await;
    let (_, plain) = read_all(&*server.engine(&database.name)).await;
    let name = &database.name;
    for (setting, value) in [
        ("DateStyle", "'German, DMY'"),
        ("TimeZone", "'Asia/Kathmandu'"),
        ("IntervalStyle", "iso_8601"),
        ("extra_float_digits", "-5"),
        ("bytea_output", "escape"),
        ("lc_monetary", "'en_US.utf8'"),
        ("search_path", "nowhere"),
        ("default_transaction_isolation", "'read committed'"),
        ("row_security", "on"),
        ("enable_indexscan", "off"),
        ("quote_all_identifiers", "on"),
    ] {
        database.run(&format!("ALTER DATABASE {name} SET {setting} = {value}")).await;
    }
    let (_, unusual) = read_all(&*server.engine(&database.name)).await;
    assert_same_rows(&plain, &unusual);
}

async fn facts_are_kept(server: Server) {
    let database = server.database().await;
    database.run(&format!("COMMENT ON DATABASE {} IS 'of a test'; CREATE TABLE t ()", database.name)).await;
    database.run(&format!("ALTER DATABASE {} SET work_mem = '5MB'", database.name)).await;
    let view = server.engine(&database.name).open(&ViewOptions::default()).await.expect("the database opens");
    let environment = view.environment();
    let fact = |name: &str| {
        environment.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str())
    };
    assert!(fact("server_version").starts_with(&format!("{}.", server.major)), "{environment:?}");
    assert_eq!((fact("encoding"), fact("database_comment")), ("UTF8", "of a test"));
    assert_eq!(fact("database_settings"), "SET work_mem=5MB");
    assert!(fact("extensions").contains("plpgsql 1.0"));
    assert!(fact("database_size").parse::<u64>().is_ok_and(|bytes| bytes > 1_000_000));
    assert!(view.position().is_some_and(|position| position.contains('/')), "{:?}", view.position());
    assert!(view.schema().ddl.is_empty(), "DDL only when it is wanted");
    let mut stranger = view.schema().tables[0].clone();
    stranger.name.name = "stranger".to_owned();
    assert_eq!(view.rows(&stranger).await.err().map(|error| error.kind()), Some(ErrorKind::NotFound));
    let mut rows = view.rows(&view.schema().tables[0]).await.expect("the rows are read");
    assert!(rows.try_next().await.expect("the rows are read").is_none());
}

/// There the client library hands on every row itself.
async fn sockets_of_unix_give_the_same_rows(server: Server) {
    let database = server.database().await;
    database
        .run(
            "CREATE TABLE t (id integer PRIMARY KEY, v text);
             INSERT INTO t SELECT n, nullif(repeat(E'\\t\\\\x', n % 50), '') FROM generate_series(1, 30000) n;
             CREATE TABLE u (v bytea); INSERT INTO u VALUES ('\\x0009'), (NULL);",
        )
        .await;
    let folder = database.value("SHOW unix_socket_directories").await.replace('/', "%2F");
    let port = database.value("SHOW port").await;
    let url = format!("postgres://postgres@{folder}:{port}/{}", database.name);
    let (_, by_socket) = read_all(&*server.engine_at(&url)).await;
    let (_, by_network) = read_all(&*server.engine(&database.name)).await;
    assert_same_rows(&by_network, &by_socket);
}
