//! What a doctor finds beforehand of what a restore would meet.

use serde_json::Value;

use crate::postgres::{servers, unique};
use crate::sandbox::Sandbox;

/// The findings of the only database, each in a line.
fn findings(examined: &Value) -> Vec<String> {
    let findings = examined["databases"][0]["findings"].as_array().unwrap_or_else(|| panic!("{examined:#}"));
    let line = |found: &Value| {
        format!("{}: {}: {}", found["level"], found["what"], found["detail"]).replace('"', "")
    };
    findings.iter().map(line).collect()
}

#[track_caller]
fn assert_found(findings: &[String], beginning: &str, parts: &[&str]) {
    let found = findings.iter().find(|line| line.starts_with(beginning));
    let found = found.unwrap_or_else(|| panic!("{beginning} is not in {findings:#?}"));
    for part in parts {
        assert!(found.contains(part), "{part} is not in {found}");
    }
}

/// Rows that break what is said of them, one kind each, and tables that have nothing wrong.
#[test]
fn rows_that_do_not_conform_are_counted() {
    for server in servers() {
        let (sandbox, shop) = (Sandbox::new(), server.database("rowkeep_cli_doctor"));
        shop.sql(
            r#"CREATE TABLE parent (id int PRIMARY KEY, b int, UNIQUE (id, b)); INSERT INTO parent VALUES (1, 1), (2, NULL);
             CREATE TABLE "Child r" (id int PRIMARY KEY, parent int REFERENCES parent, b int NOT NULL,
                 FOREIGN KEY (parent, b) REFERENCES parent (id, b), self int REFERENCES "Child r", CHECK ("Child r" IS NOT NULL OR true));
             CREATE TABLE part (id int, parent int REFERENCES parent, PRIMARY KEY (id)) PARTITION BY RANGE (id);
             CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM (0) TO (10);
             CREATE TABLE onto (id int PRIMARY KEY, part int REFERENCES part);
             INSERT INTO part VALUES (1, 1); INSERT INTO onto VALUES (1, 1);
             CREATE FUNCTION is_even(n int) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT n % 2 = 0';
             CREATE TABLE evens (n int CONSTRAINT even CHECK (public.is_even(n)), m int CONSTRAINT low CHECK (m < 5));
             INSERT INTO evens VALUES (2, 1), (4, NULL), (NULL, 1);
             CREATE OR REPLACE FUNCTION is_even(n int) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT n % 4 = 0';
             INSERT INTO evens VALUES (4, 2); ALTER TABLE evens DROP CONSTRAINT low; INSERT INTO evens VALUES (8, 9);
             ALTER TABLE evens ADD CONSTRAINT low CHECK (m < 5) NOT VALID;
             CREATE FUNCTION folded(t text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT t';
             CREATE TABLE names (t text, gone bool); INSERT INTO names VALUES ('a', NULL), ('A', NULL), ('A', true), (NULL, NULL), (NULL, NULL);
             CREATE UNIQUE INDEX one_name ON names (public.folded(t)) WHERE gone IS NULL;
             CREATE OR REPLACE FUNCTION folded(t text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT lower(t)';
             CREATE FUNCTION plain(t text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT folded(t)';
             CREATE TABLE words (w text CHECK (plain(w) <> '')); INSERT INTO words VALUES ('x');
             CREATE TABLE strange (id int CONSTRAINT odd CHECK (10 / id > 0)); INSERT INTO strange VALUES (1);
             ALTER TABLE strange DROP CONSTRAINT odd; INSERT INTO strange VALUES (0);
             ALTER TABLE strange ADD CONSTRAINT odd CHECK (10 / id > 0) NOT VALID;
             SET session_replication_role = replica;
             INSERT INTO "Child r" VALUES (1, 1, 1, 1), (2, 99, 1, 1), (3, 98, 1, 97), (4, NULL, 1, NULL);
             SET session_replication_role = origin"#,
        );
        let plain = findings(&sandbox.json(&["doctor", &shop.url()]));
        assert!(
            !plain.iter().any(|line| line.contains("check even") || line.contains("one_name")),
            "{plain:#?}"
        );

        let deep = findings(&sandbox.json(&["doctor", "--deep", &shop.url()]));
        let of = |line: &&String| {
            ["foreign key", "check", "unique", "not null", "functions", "rows that"]
                .iter()
                .any(|kind| line.split(": ").nth(1).is_some_and(|what| what.starts_with(kind)))
        };
        assert_eq!(deep.iter().filter(of).count(), 8, "{deep:#?}");
        assert_found(
            &deep,
            "warning: foreign key Child r_parent_fkey of",
            &["2 rows", "VALIDATE CONSTRAINT"],
        );
        assert_found(&deep, "warning: foreign key Child r_parent_b_fkey of", &["2 rows"]);
        assert_found(&deep, "warning: foreign key Child r_self_fkey of", &["1 row "]);
        assert_found(&deep, "warning: check even of evens", &["1 row "]);
        assert_found(&deep, "warning: check low of evens", &["1 row "]);
        assert_found(&deep, "warning: unique one_name of names", &["1 row "]);
        assert_found(&deep, "warning: check odd of strange", &["division by zero"]);
        assert_found(&deep, "warning: functions of words", &["folded", "search_path"]);
    }
}

/// A healthy database is said to be, and what is left out is not read.
#[test]
fn rows_that_conform_are_said_to() {
    let server = servers().swap_remove(0);
    let (sandbox, shop) = (Sandbox::new(), server.database("rowkeep_cli_doctor_well"));
    shop.sql(
        "CREATE TYPE pair AS (a int, b int); CREATE TABLE t (id int PRIMARY KEY, p pair NOT NULL, b bytea);
         INSERT INTO t VALUES (1, ROW(NULL, NULL), ''); CREATE TABLE nothing ()",
    );
    let deep = findings(&sandbox.json(&["doctor", "--deep", &shop.url()]));
    assert_found(&deep, "ok: rows that conform", &["2 constraints of 1 table hold"]);
    shop.sql("INSERT INTO t VALUES (2, ROW(1, 1), decode(repeat('00', 40000000), 'hex'))");
    let deep = findings(&sandbox.json(&["doctor", "--deep", &shop.url()]));
    assert_found(&deep, "warning: largest row of t", &["76 MiB"]);
}

/// What a server lacks is known before a restore begins, also where the database is not there yet.
#[test]
fn what_a_target_lacks_is_told_before() {
    let servers = servers();
    let (older, newer) = (&servers[0], &servers[1]);
    let (sandbox, shop) = (Sandbox::new(), older.database("rowkeep_cli_doctor_source"));
    let role = unique("rowkeep_gone");
    older.psql("postgres", &format!("DROP ROLE IF EXISTS {role}; CREATE ROLE {role}"));
    shop.sql(&format!(
        "CREATE EXTENSION hstore; UPDATE pg_extension SET extname = 'rowkeep_absent' WHERE extname = 'hstore';
         CREATE COLLATION pg_catalog.rowkeep_absent (LOCALE = 'C');
         CREATE TABLE t (id int PRIMARY KEY, v text COLLATE pg_catalog.rowkeep_absent); GRANT SELECT ON t TO {role};
         CREATE FUNCTION plus(int, int) RETURNS int LANGUAGE internal IMMUTABLE AS 'int4pl'"
    ));
    sandbox.done(&["backup", &shop.url(), "--name", "all"]);
    shop.sql(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
    let absent = newer.url_of(&unique("rowkeep_absent"));
    let found = findings(&sandbox.json(&["doctor", "--target", &absent, "all"]));
    assert_found(&found, "warning: extensions: extension rowkeep_absent is not available", &[]);
    assert_found(&found, &format!("warning: roles: {role} (1 statement) do not exist"), &[]);
    assert_found(&found, "warning: collations: rowkeep_absent", &[]);
    assert!(!found.iter().any(|line| line.contains("superuser")), "{found:#?}");

    let typist = unique("rowkeep_doctor");
    newer.psql(
        "postgres",
        &format!("DROP ROLE IF EXISTS {typist}; CREATE ROLE {typist} LOGIN PASSWORD 'right' CREATEDB"),
    );
    let url = absent.replace("postgres@", &format!("{typist}:right@"));
    let found = findings(&sandbox.json(&["doctor", "--target", &url, "all"]));
    newer.psql("postgres", &format!("DROP ROLE {typist}"));
    assert_found(&found, "warning: rights of the role: CREATE FUNCTION public.plus", &["superuser"]);

    let young = newer.database("rowkeep_cli_doctor_young");
    young.sql("CREATE TABLE t (id int PRIMARY KEY)");
    sandbox.done(&["backup", &young.url(), "--name", "young"]);
    let found = findings(&sandbox.json(&["doctor", "--target", &shop.url(), "young"]));
    assert_found(&found, "warning: server version", &["newer"]);
    let found = findings(&sandbox.json(&["doctor", "--target", &young.url(), "young"]));
    assert_eq!(found.len(), 2, "{found:#?}");
    assert_found(&found, "ok: the schema: nothing", &[]);
}

/// The same of an SQLite database, by its own checks.
#[test]
fn rows_of_sqlite_are_checked() {
    let sandbox = Sandbox::new();
    sandbox.sql(
        "well.db",
        "CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT NOT NULL); INSERT INTO t VALUES (1, 'x')",
    );
    assert_found(&findings(&sandbox.json(&["doctor", "--deep", "well.db"])), "ok: rows that conform", &[]);
    sandbox.sql(
        "odd.db",
        "PRAGMA foreign_keys = OFF; CREATE TABLE parent (id INTEGER PRIMARY KEY);
         CREATE TABLE child (id INTEGER PRIMARY KEY, parent REFERENCES parent); INSERT INTO child VALUES (1, 7), (2, 8);
         CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT, c INT); INSERT INTO t VALUES (1, NULL, 9);
         PRAGMA writable_schema = ON;
         UPDATE sqlite_schema SET sql = 'CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT NOT NULL, c INT CHECK (c < 5))' WHERE name = 't'",
    );
    let found = findings(&sandbox.json(&["doctor", "--deep", "odd.db"]));
    assert_found(&found, "warning: foreign keys: rows of child without its parent: 2", &[]);
    assert_found(&found, "warning: rows that do not conform: NULL value in t.b", &[]);
    assert_found(&found, "warning: rows that do not conform: CHECK constraint failed in t", &[]);
    assert!(!findings(&sandbox.json(&["doctor", "odd.db"])).iter().any(|line| line.contains("conform")));
}
