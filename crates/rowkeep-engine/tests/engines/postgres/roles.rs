//! Roles without special rights: what they can do, and what is said of what they cannot.

use rowkeep_engine::conformance::{assert_same_rows, copy, read_all};
use rowkeep_engine::{Contents, CreateOptions, ErrorKind, Level, ViewOptions};

use super::awkward::awkward;
use super::server::{Server, assert_same_text, chain};

super::on_every_server!(
    readers_need_no_more_than_to_read,
    what_may_not_be_read_is_named,
    hidden_rows_are_not_left_out,
    damaged_pages_are_not_passed_over,
    owners_of_databases_restore,
    simple_databases_are_restored_exactly_by_their_owners,
);

async fn readers_need_no_more_than_to_read(server: Server) {
    let database = server.database().await;
    let role = server.role("").await;
    database
        .run(&format!(
            "CREATE SCHEMA s; CREATE TABLE s.t (id serial PRIMARY KEY, v text); INSERT INTO s.t (v) VALUES ('x');
             SELECT lo_from_bytea(77, 'content'); GRANT SELECT ON LARGE OBJECT 77 TO {role};
             GRANT USAGE ON SCHEMA s TO {role}; GRANT SELECT ON s.t, s.t_id_seq TO {role};"
        ))
        .await;
    let engine = server.engine_at(&server.url_as(&role, &database.name));
    let (_, theirs) = read_all(&*engine).await;
    let (_, all) = read_all(&*server.engine(&database.name)).await;
    assert_same_rows(&theirs, &all);
    assert_eq!(all.len(), 4, "a table, sequences, large objects and their contents");
    let examination = engine.examine().await.expect("the database is examined");
    assert!(
        examination.findings.iter().all(|finding| finding.level != Level::Error),
        "{:?}",
        examination.findings
    );
}

async fn what_may_not_be_read_is_named(server: Server) {
    let database = server.database().await;
    let role = server.role("").await;
    database
        .run(&format!(
            "CREATE TABLE open (id integer); CREATE TABLE \"se cret\" (id integer); CREATE TABLE other (id integer);
             CREATE SEQUENCE counter; SELECT lo_create(78); GRANT SELECT ON open, other TO {role};"
        ))
        .await;
    let engine = server.engine_at(&server.url_as(&role, &database.name));
    let error = engine.open(&ViewOptions::default()).await.err().expect("nothing is opened");
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    let said = error.to_string();
    assert!(
        said.ends_with(": permission denied for table se cret") && said.contains(&database.name),
        "{said}"
    );

    let examination = engine.examine().await.expect("the database is examined");
    let wrong: Vec<_> = examination.findings.iter().filter(|finding| finding.level == Level::Error).collect();
    for (what, name) in [
        ("read every table", "se cret"),
        ("read every sequence", "counter"),
        ("read every large object", "78"),
    ] {
        let found =
            wrong.iter().find(|finding| finding.what == what).unwrap_or_else(|| panic!("{what}: {wrong:?}"));
        assert!(found.detail.contains(name), "{}", found.detail);
    }
    assert_eq!(wrong.len(), 3);

    database.run(&format!("GRANT SELECT ON \"se cret\" TO {role}")).await;
    let error = engine.open(&ViewOptions::default()).await.err().expect("nothing is opened");
    assert!(error.to_string().ends_with(": permission denied for sequence counter"), "{error}");
}

async fn hidden_rows_are_not_left_out(server: Server) {
    let database = server.database().await;
    let role = server.role("").await;
    database
        .run(&format!(
            "CREATE TABLE t (id integer); INSERT INTO t VALUES (1), (2); GRANT SELECT ON t TO {role};
             ALTER TABLE t ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON t USING (id = 1);"
        ))
        .await;
    let engine = server.engine_at(&server.url_as(&role, &database.name));
    let error = engine.open(&ViewOptions::default()).await.err().expect("nothing is opened");
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    assert!(error.to_string().contains("hide rows of t"), "{error}");
    let examination = engine.examine().await.expect("the database is examined");
    assert!(
        examination
            .findings
            .iter()
            .any(|finding| finding.what == "see every row" && finding.level == Level::Error)
    );
}

async fn owners_of_databases_restore(server: Server) {
    let original = awkward(&server).await;
    let role = server.role("CREATEDB").await;
    let copied = server.absent();
    let engine = server.engine_at(&server.url_as(&role, &copied.name));
    let notes = copy(&*server.engine(&original.name), &*engine).await;
    let told = |text: &str| assert!(notes.iter().any(|note| note.contains(text)), "{text}: {notes:#?}");
    told("EVENT TRIGGER");
    told("FOREIGN DATA WRAPPER");
    told("OWNER TO");
    told("PUBLICATION");
    assert!(!notes.concat().contains("s3cret"), "{notes:#?}");

    let (_, rows) = read_all(&*server.engine(&original.name)).await;
    let (_, mut copied_rows) = read_all(&*server.engine(&copied.name)).await;
    // Of large objects the owners differ, which are part of their rows.
    for (name, rows) in &rows {
        if name.schema.is_none() && name.name == "large_objects" {
            copied_rows.insert(name.clone(), rows.clone());
        }
    }
    assert_same_rows(&rows, &copied_rows);
}

async fn simple_databases_are_restored_exactly_by_their_owners(server: Server) {
    let role = server.role("CREATEDB").await;
    let original = server.absent();
    let url = server.url_as(&role, &original.name);
    let create = format!("CREATE DATABASE {} TEMPLATE template0", original.name);
    super::server::connect(&server.url_as(&role, "postgres"))
        .await
        .batch_execute(&create)
        .await
        .expect("it is created");
    let script = "CREATE SCHEMA s; CREATE TYPE s.e AS ENUM ('a'); CREATE TABLE s.t (id serial PRIMARY KEY, e s.e);
        INSERT INTO s.t (e) VALUES ('a'); CREATE TABLE u (t integer REFERENCES s.t); INSERT INTO u VALUES (1);
        CREATE FUNCTION f() RETURNS integer LANGUAGE sql AS 'SELECT 1'; CREATE MATERIALIZED VIEW m AS SELECT * FROM u;
        SELECT lo_from_bytea(0, 'x'); CREATE PUBLICATION p FOR TABLE u; GRANT SELECT ON u TO PUBLIC;";
    super::server::connect(&url).await.batch_execute(script).await.expect("it is filled");
    let copied = server.absent();
    let notes = copy(&*server.engine_at(&url), &*server.engine_at(&server.url_as(&role, &copied.name))).await;
    assert_eq!(notes, Vec::<String>::new());
    assert_same_text(&original.dump().await, &copied.dump().await);

    // Once more into one that a killed restore has left.
    let left = server.absent();
    let engine = server.engine_at(&server.url_as(&role, &left.name));
    let view = server.engine_at(&url).open(&ViewOptions { with_ddl: true }).await.expect("it opens");
    drop(engine.create(view.schema(), &CreateOptions::default()).await.expect("it is begun"));
    assert_eq!(engine.contents().await.expect("it is looked at"), Contents::Unfinished);
    let notes = copy(&*server.engine_at(&url), &*engine).await;
    assert_eq!(notes, Vec::<String>::new());
    assert_same_text(&original.dump().await, &left.dump().await);
    let error = server.engine_at(&server.url_as(&role, "postgres")).contents().await;
    assert!(error.is_ok(), "{}", error.err().map(|error| chain(&error)).unwrap_or_default());
}

/// Only a superuser may have damaged pages refused where they would be read as empty ones.
async fn damaged_pages_are_not_passed_over(server: Server) {
    let database = server.database().await;
    let role = server.role("").await;
    let name = &database.name;
    database.run(&format!("CREATE TABLE t (id int PRIMARY KEY); GRANT SELECT ON t TO {role}")).await;
    database.run(&format!("ALTER DATABASE {name} SET zero_damaged_pages = on")).await;
    let engine = server.engine_at(&server.url_as(&role, name));
    let opened = engine.open(&ViewOptions::default()).await;
    for error in [opened.err(), engine.query("SELECT 1", 1).await.err()] {
        let error = error.expect("pages may be passed over");
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
        assert!(chain(&error).contains("zero_damaged_pages"), "{}", chain(&error));
    }
    read_all(&*server.engine(name)).await;
}
