//! What few databases have, and a server's own dump brings back.

use crate::postgres::servers;
use crate::sandbox::Sandbox;

/// Functions that name others without their schema, in everything that a server looks at when it plans or computes. They are
/// replaced last, because a newer server refuses to make an index with such a one.
const FUNCTIONS_WITHOUT_SCHEMA: &str = "
    CREATE FUNCTION k(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 + 1';
    CREATE FUNCTION kk(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT public.k($1)';
    CREATE TABLE by_expression (id int PRIMARY KEY, x int);
    CREATE INDEX expressed ON by_expression (kk(x));
    CREATE TABLE by_condition (id int PRIMARY KEY, x int);
    CREATE INDEX conditioned ON by_condition (x) WHERE kk(x) > 1;
    CREATE TABLE by_statistics (id int PRIMARY KEY, x int);
    CREATE STATISTICS counted ON (kk(x)), x FROM by_statistics;
    CREATE FUNCTION computed(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN public.k($1); END';
    CREATE TABLE checked (id int PRIMARY KEY, x int CHECK (computed(x) > 0));
    CREATE TABLE generated (id int PRIMARY KEY, x int, y int GENERATED ALWAYS AS (computed(x)) STORED);
    CREATE DOMAIN measured AS int CHECK (computed(VALUE) > 0);
    CREATE TABLE of_domain (id int PRIMARY KEY, x measured);
    CREATE TABLE referring (id int PRIMARY KEY REFERENCES by_expression, x int REFERENCES by_condition DEFERRABLE);
    CREATE INDEX referred ON referring (kk(x));
    CREATE TABLE keyless (x int);
    CREATE INDEX ON keyless (kk(x));
    INSERT INTO by_expression VALUES (2, 20), (1, 10), (3, 30);
    INSERT INTO by_condition SELECT * FROM by_expression; INSERT INTO by_statistics SELECT * FROM by_expression;
    INSERT INTO checked SELECT * FROM by_expression; INSERT INTO generated SELECT * FROM by_expression;
    INSERT INTO of_domain SELECT * FROM by_expression; INSERT INTO referring VALUES (2, 3), (3, 2);
    INSERT INTO keyless VALUES (2), (1), (1);
    CREATE OR REPLACE FUNCTION kk(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT k($1)';
    CREATE OR REPLACE FUNCTION computed(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN k($1); END';";

const TABLES: [&str; 6] =
    ["by_expression", "by_condition", "by_statistics", "checked", "generated", "of_domain"];

#[test]
fn functions_that_name_others_without_schema_are_no_obstacle() {
    for server in servers() {
        let (sandbox, shop) = (Sandbox::new(), server.database("rowkeep_cli_path"));
        shop.sql(FUNCTIONS_WITHOUT_SCHEMA);
        sandbox.done(&["backup", &shop.url(), "--name", "first"]);
        sandbox.done(&["verify", "first", "--against", &shop.url()]);

        for table in TABLES {
            shop.sql(&format!("DELETE FROM {table} WHERE id = 1; UPDATE {table} SET x = 21 WHERE id = 2"));
        }
        shop.sql("DELETE FROM keyless WHERE x = 1");
        sandbox.done(&["backup", &shop.url(), "--name", "second"]);
        sandbox.run(&["verify", "first", "--against", &shop.url()]).expect(3);
        sandbox.done(&["restore", "first", "--to", &shop.url(), "--key", "by_expression:1", "--yes"]);
        assert_eq!(shop.sql("SELECT x FROM by_expression ORDER BY id").trim(), "10\n21\n30");
        sandbox.done(&["restore", "first", "--to", &shop.url(), "--yes"]);
        sandbox.done(&["verify", "first", "--against", &shop.url()]);
        sandbox.done(&["undo", &shop.url(), "--yes"]);
        sandbox.done(&["restore", "second", "--to", &shop.url(), "--yes"]);
        sandbox.done(&["verify", "second", "--against", &shop.url()]);

        // A new server computes indexes by the path that only its own objects are in, whatever the path is.
        let major: u32 = shop.sql("SHOW server_version_num").trim()[..2].parse().expect("it is a number");
        let new = format!("{}_back", shop.name());
        let ran = sandbox.run(&["restore", "second", "--to", &server.url_of(&new)]);
        let ran = ran.expect(if major < 17 { 0 } else { 3 });
        if major >= 17 {
            for part in ["expressed", "conditioned", "function k(integer) does not exist"] {
                assert!(ran.out.contains(part), "{ran:?}");
            }
        }
        for table in TABLES.iter().chain(&["referring"]) {
            let rows = format!("SELECT * FROM {table} ORDER BY id");
            assert_eq!(server.psql(&new, &rows), shop.sql(&rows), "{table}");
        }
        let valid = "SELECT count(*) FROM pg_constraint WHERE contype IN ('f', 'c') AND convalidated";
        assert_eq!(server.psql(&new, valid), shop.sql(valid));
        server.psql("postgres", &format!("DROP DATABASE {new} WITH (FORCE)"));
    }
}

/// As many columns as a table can have, which leaves none for anything else in a table beside it.
#[test]
fn tables_of_1600_columns_are_changed() {
    let server = &servers()[0];
    let (sandbox, shop) = (Sandbox::new(), server.database("rowkeep_cli_wide"));
    shop.sql(
        "DO $$ BEGIN EXECUTE 'CREATE TABLE wide (' || (SELECT string_agg('c' || n || ' text', ', ') FROM generate_series(1, 1599) n)
            || ', id int PRIMARY KEY)'; END $$;
         INSERT INTO wide (id, c1, c1595, c1599) VALUES (1, 'a', 'b', E'\\\\ \"{,}\\t'), (2, 'x', NULL, 'NULL'), (3, '', '', '')",
    );
    sandbox.done(&["backup", &shop.url(), "--name", "first"]);
    shop.sql(
        "DELETE FROM wide WHERE id = 1; UPDATE wide SET c1 = 'y', c1595 = 'z', c1599 = NULL WHERE id = 2;
         INSERT INTO wide (id, c1598) VALUES (4, 'new')",
    );
    sandbox.done(&["backup", &shop.url(), "--name", "second"]);
    sandbox.done(&["restore", "first", "--to", &shop.url(), "--yes"]);
    sandbox.done(&["verify", "first", "--against", &shop.url()]);
    assert_eq!(
        shop.sql("SELECT id, c1, c1595, c1599 FROM wide WHERE id < 3 ORDER BY id").trim(),
        "1|a|b|\\ \"{,}\t\n2|x||NULL"
    );
    sandbox.done(&["undo", &shop.url(), "--yes"]);
    sandbox.done(&["verify", "second", "--against", &shop.url()]);
}
