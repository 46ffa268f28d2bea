//! What counts as empty, and what a restore that fails clears away.

use rowkeep_engine::{Contents, CreateOptions, Engine, ErrorKind, ViewOptions};
use rowkeep_format::Schema;

use super::server::{Server, assert_same_text, chain};

super::on_every_server!(
    whatever_somebody_made_is_not_empty,
    what_a_new_database_has_is_empty,
    a_failed_restore_clears_what_it_made,
    a_schema_of_the_name_of_the_marker_is_somebodys,
);

/// One thing each, and a word of its name.
const THINGS: &[(&str, &str)] = &[
    ("CREATE TABLE thing (k integer) PARTITION BY RANGE (k)", "thing"),
    ("CREATE TABLE thing (k integer, l text) PARTITION BY RANGE ((lower(l)), k)", "thing"),
    ("CREATE UNLOGGED TABLE thing (a integer)", "thing"),
    ("CREATE TABLE thing ()", "thing"),
    ("CREATE VIEW thing AS SELECT 1 AS a", "thing"),
    ("CREATE MATERIALIZED VIEW thing AS SELECT 1 AS a WITH NO DATA", "thing"),
    (
        "CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w; \
      CREATE FOREIGN TABLE thing (a integer) SERVER s",
        "thing",
    ),
    ("CREATE SEQUENCE thing", "thing"),
    ("CREATE TYPE thing AS ENUM ('a')", "thing"),
    ("CREATE DOMAIN thing AS integer", "thing"),
    ("CREATE TYPE thing AS (a integer)", "thing"),
    ("CREATE TYPE thing AS RANGE (subtype = integer)", "thing"),
    ("CREATE TYPE thing", "thing"),
    ("CREATE FUNCTION thing() RETURNS integer LANGUAGE sql AS 'SELECT 1'", "thing"),
    ("CREATE PROCEDURE thing() LANGUAGE sql AS 'SELECT 1'", "thing"),
    ("CREATE AGGREGATE thing(integer) (SFUNC = int4pl, STYPE = integer)", "thing"),
    ("CREATE COLLATION thing FROM \"C\"", "thing"),
    ("CREATE TEXT SEARCH CONFIGURATION thing (COPY = simple)", "thing"),
    ("CREATE TEXT SEARCH DICTIONARY thing (TEMPLATE = simple)", "thing"),
    ("CREATE OPERATOR === (FUNCTION = int4eq, LEFTARG = integer, RIGHTARG = integer)", "==="),
    ("CREATE OPERATOR FAMILY thing USING btree", "thing"),
    ("CREATE CONVERSION thing FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8", "thing"),
    ("CREATE ACCESS METHOD thing TYPE TABLE HANDLER heap_tableam_handler", "thing"),
    ("CREATE LANGUAGE thing HANDLER plpgsql_call_handler", "thing"),
    ("CREATE FOREIGN DATA WRAPPER w; CREATE SERVER thing FOREIGN DATA WRAPPER w", "thing"),
    ("CREATE SCHEMA thing", "thing"),
    ("CREATE PUBLICATION thing", "thing"),
    (
        "CREATE SUBSCRIPTION thing CONNECTION 'host=127.0.0.1 port=1 dbname=none' PUBLICATION p \
      WITH (connect = false, slot_name = NONE)",
        "thing",
    ),
    (
        "CREATE EVENT TRIGGER thing ON ddl_command_end WHEN TAG IN ('CREATE RULE') \
      EXECUTE FUNCTION thing_f()",
        "thing",
    ),
    ("CREATE CAST (integer AS date) WITH FUNCTION thing_c(integer)", "cast"),
    ("SELECT lo_from_bytea(4711, 'x')", "4711"),
    ("CREATE TABLE information_schema.thing (a integer)", "thing"),
    (
        "CREATE SCHEMA made; ALTER EXTENSION plpgsql ADD SCHEMA made; CREATE TABLE made.thing (a integer)",
        "thing",
    ),
    (
        "CREATE SCHEMA made; ALTER EXTENSION plpgsql ADD SCHEMA made; CREATE TYPE made.thing AS ENUM ('a')",
        "thing",
    ),
    (
        "CREATE TABLE thing (a integer, own boolean); ALTER EXTENSION plpgsql ADD TABLE thing; \
      UPDATE pg_extension SET extconfig = ARRAY['thing'::regclass::oid], extcondition = ARRAY['WHERE NOT own'] \
      WHERE extname = 'plpgsql'; INSERT INTO thing VALUES (1, true), (2, false)",
        "thing",
    ),
];

async fn schema(server: &Server) -> Schema {
    let original = server.database().await;
    original.run("CREATE TABLE original (id integer PRIMARY KEY)").await;
    let options = ViewOptions { with_ddl: true };
    let view = server.engine(&original.name).open(&options).await.expect("the database opens");
    view.schema().clone()
}

async fn refused(engine: &dyn Engine, schema: &Schema) -> String {
    let error = engine.create(schema, &CreateOptions::default()).await.err().expect("it is refused");
    assert_eq!(error.kind(), ErrorKind::NotEmpty, "{}", chain(&error));
    chain(&error)
}

async fn whatever_somebody_made_is_not_empty(server: Server) {
    let schema = schema(&server).await;
    for (sql, word) in THINGS {
        let database = server.database().await;
        // What it needs, which would be something by itself, goes again where the server lets it.
        if sql.contains("thing_f") {
            database
                .run("CREATE FUNCTION thing_f() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'")
                .await;
        }
        if sql.contains("thing_c") {
            database
                .run("CREATE FUNCTION thing_c(integer) RETURNS date LANGUAGE sql AS 'SELECT now()::date'")
                .await;
        }
        database.run(sql).await;
        let before = database.dump().await;
        let engine = server.engine(&database.name);
        let contents = engine.contents().await.expect("the database is looked at");
        let Contents::Occupied(names) = &contents else { panic!("{sql}: {contents:?}") };
        assert!(names.iter().any(|name| name.contains(word)), "{sql}: {names:?}");
        assert!(refused(&*engine, &schema).await.contains("is not empty"), "{sql}");
        assert_same_text(&before, &database.dump().await);
        if sql.contains("SUBSCRIPTION") {
            database.run("DROP SUBSCRIPTION thing").await;
        }
    }
}

async fn what_a_new_database_has_is_empty(server: Server) {
    let extension = if server.major == 15 { "hstore" } else { "vector" };
    for sql in [
        "SELECT 1".to_owned(),
        format!("CREATE EXTENSION {extension}"),
        "DROP SCHEMA public".to_owned(),
        "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC".to_owned(),
        "CREATE TABLE thing (own boolean); ALTER EXTENSION plpgsql ADD TABLE thing; \
         UPDATE pg_extension SET extconfig = ARRAY['thing'::regclass::oid], extcondition = ARRAY['WHERE NOT own'] \
         WHERE extname = 'plpgsql'; INSERT INTO thing VALUES (true)"
            .to_owned(),
    ] {
        let database = server.database().await;
        database.run(&sql).await;
        let contents = server.engine(&database.name).contents().await.expect("the database is looked at");
        assert_eq!(contents, Contents::Empty, "{sql}");
    }
}

/// What was there and is no part of anybody's data stays: default privileges, and how schema `public` was.
async fn a_failed_restore_clears_what_it_made(server: Server) {
    let reader = server.role("").await;
    let original = server.database().await;
    original
        .run(&format!(
            "CREATE TABLE p (k integer PRIMARY KEY) PARTITION BY RANGE (k); \
             CREATE TABLE p1 PARTITION OF p DEFAULT; CREATE SCHEMA s; CREATE TABLE s.t (a text); \
             ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO {reader}; \
             ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC; \
             GRANT CREATE ON SCHEMA public TO {reader}"
        ))
        .await;
    let options = ViewOptions { with_ddl: true };
    let view = server.engine(&original.name).open(&options).await.expect("the database opens");
    let database = server.database().await;
    database
        .run(&format!(
            "COMMENT ON SCHEMA public IS 'ours'; \
             ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO {reader} WITH GRANT OPTION; \
             ALTER DEFAULT PRIVILEGES GRANT USAGE ON SEQUENCES TO {reader}"
        ))
        .await;
    let before = database.dump().await;
    let engine = server.engine(&database.name);
    let create = async || engine.create(view.schema(), &CreateOptions::default()).await.expect("it is begun");
    create().await.abandon().await.expect("it is abandoned");
    assert_same_text(&before, &database.dump().await);
    // Left behind, it is cleared by the next one, which makes the database and leaves no marker.
    drop(create().await);
    assert_eq!(engine.contents().await.expect("it is looked at"), Contents::Unfinished);
    create().await.finish().await.expect("it is finished");
    assert_eq!(database.value("SELECT count(*) FROM pg_namespace WHERE nspname ~ 'rowkeep'").await, "0");
    for name in [&database.name, &original.name] {
        let owned = format!("DROP OWNED BY {reader}");
        super::server::connect(&server.url(name)).await.batch_execute(&owned).await.expect("it has nothing");
    }
}

async fn a_schema_of_the_name_of_the_marker_is_somebodys(server: Server) {
    let schema = schema(&server).await;
    let database = server.database().await;
    database.run("CREATE SCHEMA rowkeep_unfinished; CREATE TABLE rowkeep_unfinished.mine (a integer)").await;
    let engine = server.engine(&database.name);
    let contents = engine.contents().await.expect("the database is looked at");
    assert_eq!(contents, Contents::Occupied(vec!["schema rowkeep_unfinished".to_owned()]));
    refused(&*engine, &schema).await;
    assert_eq!(database.value("SELECT count(*) FROM rowkeep_unfinished.mine").await, "0");
}
