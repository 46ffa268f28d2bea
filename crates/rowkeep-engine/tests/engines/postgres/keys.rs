//! Which columns become the key of a table.

use rowkeep_engine::ViewOptions;
use rowkeep_engine::conformance::read_all;
use rowkeep_format::Table;

use super::server::Server;

super::on_every_server!(keys_are_chosen_well, standing_for_nothing_but_themselves);

fn described(table: &Table) -> String {
    let columns: Vec<String> = table
        .key
        .columns
        .iter()
        .map(|key| format!("{} {:?}", table.columns[key.column].name, key.form))
        .collect();
    format!("{}: {}{}", table.name, columns.join(", "), if table.key.unique { "" } else { " (whole row)" })
}

async fn keys_are_chosen_well(server: Server) {
    let database = server.database().await;
    database
        .run(
            "CREATE DOMAIN d AS bigint;
             CREATE TABLE a (x integer, y integer NOT NULL UNIQUE, z text PRIMARY KEY);
             CREATE TABLE b (x integer NOT NULL, y numeric NOT NULL, z date NOT NULL, UNIQUE (x, y), UNIQUE (z));
             CREATE TABLE c (x integer UNIQUE, y integer NOT NULL);
             CREATE UNIQUE INDEX ON c (y) WHERE y > 0; CREATE UNIQUE INDEX ON c ((y + 1));
             CREATE TABLE e (x integer NOT NULL UNIQUE DEFERRABLE);
             CREATE TABLE f (x d PRIMARY KEY, y timestamptz);
             CREATE TABLE g (x integer, y integer GENERATED ALWAYS AS (x + 1) STORED PRIMARY KEY);
             CREATE TABLE h (x regprocedure PRIMARY KEY, y uuid);
             CREATE TABLE i (x uuid, y integer PRIMARY KEY DEFERRABLE) ;
             CREATE TABLE j (x integer NOT NULL, y integer); CREATE UNIQUE INDEX ON j (x) INCLUDE (y);",
        )
        .await;
    let view = server.engine(&database.name).open(&ViewOptions::default()).await.expect("the database opens");
    let keys: Vec<String> = view.schema().tables.iter().map(described).collect();
    assert_eq!(
        keys,
        [
            "a: z Native",
            "b: z Date",
            "c: x Native, y Native (whole row)",
            "e: x Native (whole row)",
            "f: x Integer",
            "g: x Native (whole row)",
            "h: x Native, y Native (whole row)",
            "i: y Integer",
            "j: x Integer",
        ]
    );
}

/// Temporary and foreign tables, views and system tables are no tables; of extensions what they mark is.
async fn standing_for_nothing_but_themselves(server: Server) {
    let database = server.database().await;
    let client = database.client().await;
    client
        .batch_execute(
            "CREATE TABLE t (a integer, b integer GENERATED ALWAYS AS (1) STORED, c integer NOT NULL); CREATE VIEW v AS SELECT 1;
             CREATE TEMPORARY TABLE passing (a integer); CREATE MATERIALIZED VIEW m AS SELECT 1;
             CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w; CREATE FOREIGN TABLE f (a integer) SERVER s;",
        )
        .await
        .expect("things are made");
    let (schema, _) = read_all(&*server.engine(&database.name)).await;
    let names: Vec<String> = schema.tables.iter().map(|table| table.name.to_string()).collect();
    assert_eq!(names, ["t"]);
    let columns: Vec<_> =
        schema.tables[0].columns.iter().map(|column| (column.name.as_str(), column.not_null)).collect();
    assert_eq!(columns, [("a", false), ("c", true)]);
}
