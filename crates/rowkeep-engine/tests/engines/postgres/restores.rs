//! Restores: one at a time, into a database that is empty or becomes so, on another server too.

use rowkeep_engine::conformance::{assert_same_rows, copy, read_all};
use rowkeep_engine::{Contents, CreateOptions, ErrorKind, ViewOptions};

use super::server::{Server, assert_same_text, chain};

super::on_every_server!(
    one_restore_at_a_time,
    unfinished_restores_are_not_backed_up,
    databases_that_were_made_are_dropped_again,
    locales_that_are_not_there,
    schemas_without_public,
    extensions_that_were_there_stay,
    tables_need_others_that_are_made_at_the_same_time,
);

async fn one_restore_at_a_time(server: Server) {
    let original = server.database().await;
    original.run("CREATE TABLE t (id integer)").await;
    let view = server
        .engine(&original.name)
        .open(&ViewOptions { with_ddl: true })
        .await
        .expect("the database opens");
    let database = server.database().await;
    let engine = server.engine(&database.name);
    let target =
        engine.create(view.schema(), &CreateOptions::default()).await.expect("the target is created");
    let error =
        engine.create(view.schema(), &CreateOptions::default()).await.err().expect("there is one already");
    assert_eq!(error.kind(), ErrorKind::Busy, "{}", chain(&error));
    target.finish().await.expect("the first goes on");
    assert!(target.finish().await.is_err(), "and ends once");
    target.abandon().await.expect("what is finished stays");
    assert_same_text(&original.dump().await, &database.dump().await);
}

async fn unfinished_restores_are_not_backed_up(server: Server) {
    let original = server.database().await;
    original.run("CREATE TABLE t (id integer)").await;
    let view = server
        .engine(&original.name)
        .open(&ViewOptions { with_ddl: true })
        .await
        .expect("the database opens");
    let database = server.database().await;
    let engine = server.engine(&database.name);
    drop(engine.create(view.schema(), &CreateOptions::default()).await.expect("the target is created"));
    assert_eq!(engine.contents().await.expect("the database is looked at"), Contents::Unfinished);
    let error = engine.open(&ViewOptions::default()).await.err().expect("it is not a state of anything");
    assert!(error.to_string().contains("not finished"), "{error}");
    let examination = engine.examine().await.expect("the database is examined");
    assert!(examination.findings.iter().any(|finding| finding.what == "state of the database"));
}

async fn databases_that_were_made_are_dropped_again(server: Server) {
    let original = server.database().await;
    original.run("CREATE TABLE t (id integer)").await;
    let view = server
        .engine(&original.name)
        .open(&ViewOptions { with_ddl: true })
        .await
        .expect("the database opens");
    let database = server.absent();
    let engine = server.engine(&database.name);
    let target =
        engine.create(view.schema(), &CreateOptions::default()).await.expect("the target is created");
    target.abandon().await.expect("the target is abandoned");
    assert_eq!(engine.contents().await.expect("the server is asked"), Contents::Missing);
}

async fn locales_that_are_not_there(server: Server) {
    let original = server.database().await;
    original.run("CREATE TABLE t (id integer)").await;
    let view = server
        .engine(&original.name)
        .open(&ViewOptions { with_ddl: true })
        .await
        .expect("the database opens");
    let mut schema = view.schema().clone();
    for part in &mut schema.ddl {
        part.sql = part.sql.replace("LC_COLLATE = 'en_US.UTF-8'", "LC_COLLATE = 'tlh_QO.UTF-8'");
    }
    let database = server.absent();
    let engine = server.engine(&database.name);
    let target = engine.create(&schema, &CreateOptions::default()).await.expect("the target is created");
    let notes = target.finish().await.expect("the target is finished").notes;
    assert!(notes.iter().any(|note| note.contains("locale") && note.contains("tlh_QO")), "{notes:?}");
}

async fn schemas_without_public(server: Server) {
    let original = server.database().await;
    original.run("CREATE SCHEMA s; CREATE TABLE s.t (id integer); DROP SCHEMA public").await;
    let copied = server.database().await;
    let notes = copy(&*server.engine(&original.name), &*server.engine(&copied.name)).await;
    assert_eq!(notes, Vec::<String>::new());
    assert_same_text(&original.dump().await, &copied.dump().await);

    let database = server.database().await;
    let before = database.dump().await;
    let view = server
        .engine(&original.name)
        .open(&ViewOptions { with_ddl: true })
        .await
        .expect("the database opens");
    let engine = server.engine(&database.name);
    let target =
        engine.create(view.schema(), &CreateOptions::default()).await.expect("the target is created");
    target.abandon().await.expect("the target is abandoned");
    assert_same_text(&before, &database.dump().await);
}

async fn extensions_that_were_there_stay(server: Server) {
    // The extension that each server has besides the one that every database has.
    let extension = if server.major == 15 { "hstore" } else { "vector" };
    let original = server.database().await;
    original.run("CREATE TABLE t (id integer)").await;
    let view = server
        .engine(&original.name)
        .open(&ViewOptions { with_ddl: true })
        .await
        .expect("the database opens");
    let database = server.database().await;
    database.run(&format!("CREATE EXTENSION {extension}")).await;
    let engine = server.engine(&database.name);
    assert_eq!(engine.contents().await.expect("the database is looked at"), Contents::Empty);
    let target =
        engine.create(view.schema(), &CreateOptions::default()).await.expect("the target is created");
    target.abandon().await.expect("the target is abandoned");
    let count = format!("SELECT count(*) FROM pg_extension WHERE extname = '{extension}'");
    assert_eq!(database.value(&count).await, "1");
}

/// From one server to a newer one, which does not know the roles.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn newer_servers_take_what_older_ones_had() {
    let (old, new) = (Server::of(15), Server::of(18));
    let (owner, reader) = (old.role("").await, old.role("").await);
    let original = old.database().await;
    original
        .run(&format!(
            "CREATE TABLE t (id serial PRIMARY KEY, v numeric); INSERT INTO t (v) SELECT n / 3.0 FROM generate_series(1, 1000) n;
             CREATE TABLE u (t integer REFERENCES t); INSERT INTO u VALUES (5); CREATE MATERIALIZED VIEW m AS SELECT sum(v) FROM t;
             ALTER TABLE u OWNER TO {owner}; GRANT SELECT ON t, u TO {reader}; SELECT lo_from_bytea(5, 'x');
             ALTER LARGE OBJECT 5 OWNER TO {owner};"
        ))
        .await;
    let copied = new.absent();
    let notes = copy(&*old.engine(&original.name), &*new.engine(&copied.name)).await;
    let of = |role: &str| {
        notes.iter().filter(|note| note.contains(&format!("role \"{role}\" does not exist here"))).count()
    };
    assert_eq!(
        (of(&owner), of(&reader), notes.len()),
        (1, 1, 2),
        "each missing role is told once: {notes:#?}"
    );
    let (_, mut rows) = read_all(&*old.engine(&original.name)).await;
    let (_, mut copied_rows) = read_all(&*new.engine(&copied.name)).await;
    rows.retain(|table, _| table.name != "large_objects");
    copied_rows.retain(|table, _| table.name != "large_objects");
    assert_same_rows(&rows, &copied_rows);
    assert_eq!(copied.value("SELECT count(*) FROM m").await, "1");
}

async fn tables_need_others_that_are_made_at_the_same_time(server: Server) {
    let original = server.database().await;
    let mut sql = String::new();
    for number in 0..150 {
        // Such tables are far from those that they need, which are the first and the last of others.
        let table = match number % 3 {
            1 if number > 3 => format!("CREATE TABLE t{number:03} (own serial) INHERITS (t000)"),
            2 => format!("CREATE TABLE t{number:03} (id bigint GENERATED ALWAYS AS IDENTITY, whole t149[])"),
            _ => format!("CREATE TABLE t{number:03} (id serial PRIMARY KEY, v text DEFAULT 'x')"),
        };
        let table = if number == 149 { "CREATE TABLE t149 (id integer)".to_owned() } else { table };
        let at = if number == 149 { 0 } else { sql.len() };
        sql.insert_str(at, &format!("{table}; COMMENT ON TABLE t{number:03} IS 'number {number}';\n"));
    }
    original.run(&sql).await;
    original
        .run("INSERT INTO t000 SELECT FROM generate_series(1, 9); INSERT INTO t004 (v) VALUES ('y');")
        .await;
    let restored = server.database().await;
    let notes = copy(&*server.engine(&original.name), &*server.engine(&restored.name)).await;
    assert_eq!(notes, Vec::<String>::new());
    assert_same_text(&original.dump().await, &restored.dump().await);
    let (_, rows) = read_all(&*server.engine(&original.name)).await;
    let (_, restored_rows) = read_all(&*server.engine(&restored.name)).await;
    assert_same_rows(&rows, &restored_rows);
}
