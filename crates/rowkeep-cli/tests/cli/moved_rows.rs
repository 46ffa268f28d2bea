//! Rows of partitioned tables that maintenance moved to other partitions are the same rows: to comparing, restoring and taking back.

mod random;

use serde_json::json;

use crate::postgres::{Database, servers};
use crate::sandbox::{Ran, Sandbox};

/// A table whose default partition has rows of several months.
const EVENTS: &str = "
    CREATE TABLE ev (id int, at date, what text, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
    CREATE TABLE ev_01 PARTITION OF ev FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
    CREATE TABLE ev_def PARTITION OF ev DEFAULT;
    INSERT INTO ev SELECT g, date '2026-01-15' + g % 60, 'w' || g FROM generate_series(1, 1000) g;
    CREATE TABLE other (id int PRIMARY KEY);";

/// Gives February a partition of its own, whose columns stand otherwise.
const SPLIT: &str = "
    BEGIN; CREATE TABLE ev_02 (what text, at date NOT NULL, id int NOT NULL, PRIMARY KEY (id, at));
    WITH moved AS (DELETE FROM ev_def WHERE at >= '2026-02-01' AND at < '2026-03-01' RETURNING id, at, what)
        INSERT INTO ev_02 (id, at, what) SELECT id, at, what FROM moved;
    ALTER TABLE ev ATTACH PARTITION ev_02 FOR VALUES FROM ('2026-02-01') TO ('2026-03-01'); COMMIT";

/// Puts them back into the default partition.
const UNITE: &str = "
    BEGIN; ALTER TABLE ev DETACH PARTITION ev_02; INSERT INTO ev (id, at, what) SELECT id, at, what FROM ev_02;
    DROP TABLE ev_02; COMMIT";

/// All rows of the table.
fn rows(database: &Database<'_>) -> String {
    let rows = "SELECT count(*) || ' ' || md5(string_agg(id || ' ' || at || ' ' || coalesce(what, '-'), ',' ORDER BY id, at)) FROM ev";
    database.sql(rows).trim().to_owned()
}

/// The changes of a plan as it is printed: table, inserted, updated, deleted.
fn planned(sandbox: &Sandbox, arguments: &[&str]) -> Vec<(String, u64, u64, u64)> {
    let plan = sandbox.json(&[&["restore", "latest", "--dry-run"][..], arguments].concat());
    let tables = plan["tables"].as_array().unwrap_or_else(|| panic!("{plan}"));
    let number = |table: &serde_json::Value, what: &str| table[what].as_u64().expect("a number");
    let of = |table: &serde_json::Value| {
        let name = table["name"].as_str().expect("a name").to_owned();
        (name, number(table, "inserted"), number(table, "updated"), number(table, "deleted"))
    };
    tables.iter().map(of).collect()
}

fn only(inserted: u64, updated: u64, deleted: u64) -> Vec<(String, u64, u64, u64)> {
    vec![("ev".to_owned(), inserted, updated, deleted)]
}

#[test]
fn what_is_missing_comes_back_to_the_partition_that_takes_it() {
    for server in servers() {
        let sandbox = Sandbox::new();
        let database = server.database("rowkeep_cli_moved");
        let url = &database.url();
        database.sql(EVENTS);
        sandbox.done(&["backup", url, "--name", "united"]);
        let original = rows(&database);
        database.sql(SPLIT);
        assert_eq!(rows(&database), original);
        let differs = sandbox.run(&["diff", "latest", url]);
        assert!(!differs.out.contains("INSERTED"), "{differs:?}");
        assert_eq!(planned(&sandbox, &["--to", url]), []);

        database.sql("DELETE FROM ev WHERE id <= 11");
        let lacking = rows(&database);
        assert_eq!(planned(&sandbox, &["--to", url]), only(11, 0, 0));
        assert_eq!(planned(&sandbox, &["--to", url, "--tables", "ev"]), only(11, 0, 0));
        assert_eq!(planned(&sandbox, &["--to", url, "--where", "id < 4", "--tables", "ev"]), only(3, 0, 0));
        let plan = sandbox.done(&["restore", "latest", "--to", url, "--dry-run"]);
        assert!(plan.out.contains("\nev         11 "), "{plan:?}");
        sandbox.done(&["restore", "latest", "--to", url, "--yes"]);
        assert_eq!(rows(&database), original);
        let misplaced = "SELECT count(*) FROM ev WHERE tableoid::regclass::text <> CASE to_char(at, 'MM') \
            WHEN '01' THEN 'ev_01' WHEN '02' THEN 'ev_02' ELSE 'ev_def' END";
        assert_eq!(database.sql(misplaced).trim(), "0");
        sandbox.done(&["undo", url, "--yes"]);
        assert_eq!(rows(&database), lacking);
        sandbox.done(&["undo", url, "--yes"]);
        assert_eq!(rows(&database), original);

        // Rows that changed, went and came, in partitions old and new.
        database.sql(
            "UPDATE ev SET what = 'changed' WHERE id IN (1, 30, 50); DELETE FROM ev WHERE id BETWEEN 60 AND 70; \
             INSERT INTO ev SELECT g, date '2026-02-03', 'new' FROM generate_series(2001, 2005) g",
        );
        let changed = rows(&database);
        assert_eq!(planned(&sandbox, &["--to", url]), only(11, 3, 5));
        assert_eq!(planned(&sandbox, &["--to", url, "--mode", "merge"]), only(11, 0, 0));
        assert_eq!(planned(&sandbox, &["--to", url, "--mode", "update"]), only(11, 3, 0));
        let at = database.sql("SELECT to_char(at, 'YYYY-MM-DD') FROM ev WHERE id = 30");
        let key = format!("ev:30,{}", at.trim());
        assert_eq!(planned(&sandbox, &["--to", url, "--key", &key]), only(0, 1, 0));
        sandbox.done(&["restore", "latest", "--to", url, "--key", &key, "--yes"]);
        assert_eq!(database.sql("SELECT what FROM ev WHERE id = 30").trim(), "w30");
        sandbox.done(&["undo", url, "--yes"]);
        assert_eq!(rows(&database), changed);
        sandbox.done(&["restore", "latest", "--to", url, "--yes"]);
        assert_eq!(rows(&database), original);
        sandbox.done(&["undo", url, "--yes"]);
        assert_eq!(rows(&database), changed);

        // The way back: the partition is gone.
        sandbox.done(&["backup", url, "--name", "split"]);
        database.sql(UNITE);
        assert_eq!(rows(&database), changed);
        assert_eq!(planned(&sandbox, &["--to", url]), []);
        database.sql("DELETE FROM ev WHERE id IN (1, 20, 100)");
        assert_eq!(planned(&sandbox, &["--to", url]), only(3, 0, 0));
        sandbox.done(&["restore", "latest", "--to", url, "--yes"]);
        assert_eq!(rows(&database), changed);
        // Of two snapshots too.
        let between = sandbox.run(&["diff", "united", "split", "--json"]).expect(3);
        let between: serde_json::Value = serde_json::from_str(&between.out).expect("JSON");
        let counts: Vec<_> = between["tables"].as_array().expect("a list").iter().collect();
        let of_ev = counts.iter().find(|table| table["table"]["name"] == json!("ev"));
        let of_ev = of_ev.unwrap_or_else(|| panic!("{between}"));
        assert_eq!(of_ev["rows"], json!({ "inserted": 5, "updated": 3, "deleted": 11 }), "{between}");
    }
}

/// Without a key, equal rows are counted.
#[test]
fn rows_without_a_key_are_followed_too() {
    for server in servers() {
        let sandbox = Sandbox::new();
        let database = server.database("rowkeep_cli_moved_keyless");
        let url = &database.url();
        database.sql(&EVENTS.replace(", PRIMARY KEY (id, at)", ""));
        database.sql("INSERT INTO ev SELECT 1, date '2026-02-10', NULL FROM generate_series(1, 4)");
        sandbox.done(&["backup", url]);
        let original = rows(&database);
        database.sql(&SPLIT.replace(", PRIMARY KEY (id, at)", ""));
        assert_eq!(planned(&sandbox, &["--to", url]), []);
        database.sql(
            "DELETE FROM ev WHERE ctid IN (SELECT ctid FROM ev_02 WHERE what IS NULL LIMIT 2) AND what IS NULL; \
             DELETE FROM ev WHERE id BETWEEN 5 AND 9; INSERT INTO ev VALUES (7000, '2026-02-11', 'x'), (7000, '2026-02-11', 'x')",
        );
        let changed = rows(&database);
        assert_eq!(planned(&sandbox, &["--to", url]), only(7, 0, 2));
        sandbox.done(&["restore", "latest", "--to", url, "--yes"]);
        assert_eq!(rows(&database), original);
        sandbox.done(&["undo", url, "--yes"]);
        assert_eq!(rows(&database), changed);
    }
}

/// What hangs on the rows: references from and to them, triggers of the whole and of a partition, numbers that no update may set.
#[test]
fn references_and_triggers_are_those_of_the_whole_table() {
    for server in servers() {
        let sandbox = Sandbox::new();
        let database = server.database("rowkeep_cli_moved_around");
        let url = &database.url();
        database.sql(
            "CREATE TABLE kinds (kind text PRIMARY KEY); INSERT INTO kinds VALUES ('a'), ('b');
             CREATE TABLE ev (id int, at date, what text REFERENCES kinds, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
             CREATE TABLE ev_q1 PARTITION OF ev FOR VALUES FROM ('2026-01-01') TO ('2026-04-01') PARTITION BY RANGE (id);
             CREATE TABLE ev_q1a PARTITION OF ev_q1 FOR VALUES FROM (MINVALUE) TO (50);
             CREATE TABLE ev_q1b PARTITION OF ev_q1 FOR VALUES FROM (50) TO (MAXVALUE);
             CREATE TABLE ev_def PARTITION OF ev DEFAULT;
             INSERT INTO ev SELECT g, date '2026-01-01' + g, CASE g % 2 WHEN 0 THEN 'a' ELSE 'b' END FROM generate_series(1, 200) g;
             CREATE TABLE seen (n int PRIMARY KEY, id int, at date, FOREIGN KEY (id, at) REFERENCES ev ON DELETE CASCADE);
             INSERT INTO seen SELECT id, id, at FROM ev WHERE id % 10 = 0;
             CREATE TABLE told (what text);
             CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO told VALUES (TG_TABLE_NAME); RETURN NULL; END $$;
             CREATE TRIGGER whole AFTER INSERT OR UPDATE OR DELETE ON ev FOR EACH ROW EXECUTE FUNCTION tell();
             CREATE TRIGGER part AFTER INSERT OR UPDATE OR DELETE ON ev_def FOR EACH ROW EXECUTE FUNCTION tell();
             CREATE FUNCTION one(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 + 1';
             CREATE FUNCTION other(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT public.one($1)';
             CREATE INDEX ON ev (other(id))",
        );
        sandbox.done(&["backup", url]);
        let original = rows(&database);
        database.sql(
            "BEGIN; CREATE TABLE ev_q2 (LIKE ev INCLUDING ALL); ALTER TABLE ev_def DISABLE TRIGGER ALL;
             INSERT INTO ev_q2 SELECT * FROM ev_def WHERE at < '2026-07-01'; DELETE FROM ev_def WHERE at < '2026-07-01';
             ALTER TABLE ev_def ENABLE TRIGGER ALL;
             ALTER TABLE ev ATTACH PARTITION ev_q2 FOR VALUES FROM ('2026-04-01') TO ('2026-07-01'); COMMIT;
             CREATE TRIGGER second AFTER INSERT OR UPDATE OR DELETE ON ev_q2 FOR EACH ROW EXECUTE FUNCTION tell();
             CREATE OR REPLACE FUNCTION other(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT one($1)'",
        );
        assert_eq!(planned(&sandbox, &["--to", url]), []);
        // With the kind every row of it goes, and what refers to these.
        database.sql(
            "DELETE FROM seen WHERE id > 150; DELETE FROM ev WHERE id BETWEEN 150 AND 155; DELETE FROM seen WHERE id = 40; \
             DELETE FROM ev WHERE id = 40; UPDATE ev SET what = 'a' WHERE id = 31; UPDATE ev SET what = 'b' WHERE id = 190; \
             INSERT INTO kinds VALUES ('c'); INSERT INTO ev VALUES (900, '2026-04-07', 'c'), (901, '2026-08-07', 'c'); \
             INSERT INTO seen VALUES (900, 900, '2026-04-07'); DELETE FROM told",
        );
        let changed = format!("{}{}", rows(&database), database.sql("TABLE seen"));
        sandbox.done(&["restore", "latest", "--to", url, "--yes", "--tables", "ev,seen,kinds"]);
        assert_eq!(rows(&database), original);
        assert_eq!(database.sql("SELECT count(*) FROM seen").trim(), "20");
        assert_eq!(database.sql("SELECT count(*) FROM told").trim(), "0");
        sandbox.done(&["undo", url, "--yes"]);
        assert_eq!(format!("{}{}", rows(&database), database.sql("TABLE seen")), changed);
        assert_eq!(database.sql("SELECT count(*) FROM told").trim(), "0");
        let off = "SELECT count(*) FROM pg_trigger WHERE tgenabled <> 'O'";
        assert_eq!(database.sql(off).trim(), "0");
        sandbox.done(&[
            "restore",
            "latest",
            "--to",
            url,
            "--yes",
            "--fire-triggers",
            "--tables",
            "ev,seen,kinds",
        ]);
        assert_eq!(rows(&database), original);
        assert_ne!(database.sql("SELECT count(*) FROM told").trim(), "0");
        // What others refer to cannot go alone.
        database.sql("INSERT INTO ev VALUES (950, '2026-04-08', 'a'); INSERT INTO seen VALUES (950, 950, '2026-04-08')");
        let before = rows(&database);
        let refused: Ran = sandbox.run(&["restore", "latest", "--to", url, "--yes", "--tables", "ev"]);
        assert_ne!(refused.status, 0, "{refused:?}");
        assert!(refused.err.contains("seen"), "{refused:?}");
        assert_eq!(rows(&database), before);
    }
}

/// Where no partition takes a row, nothing is changed.
#[test]
fn a_row_that_no_partition_takes_changes_nothing() {
    for server in servers() {
        let sandbox = Sandbox::new();
        let database = server.database("rowkeep_cli_moved_nowhere");
        let url = &database.url();
        database.sql(EVENTS);
        sandbox.done(&["backup", url]);
        database.sql(SPLIT);
        database
            .sql("ALTER TABLE ev DETACH PARTITION ev_def; DROP TABLE ev_def; DELETE FROM ev WHERE id = 20");
        let before = rows(&database);
        let refused = sandbox.run(&["restore", "latest", "--to", url, "--yes"]);
        assert_ne!(refused.status, 0, "{refused:?}");
        assert!(refused.err.contains("no partition"), "{refused:?}");
        assert_eq!(rows(&database), before);
        sandbox.done(&[
            "restore",
            "latest",
            "--to",
            url,
            "--yes",
            "--tables",
            "ev",
            "--where",
            "at < '2026-03-01'",
        ]);
        assert_eq!(database.sql("SELECT count(*) FROM ev WHERE id = 20").trim(), "1");
    }
}

/// A migration that moves rows and fails leaves them as they were.
#[test]
fn a_migration_that_moved_rows_is_taken_back() {
    let servers = servers();
    let sandbox = Sandbox::new();
    let database = servers[0].database("rowkeep_cli_moved_migrate");
    let url = &database.url();
    database.sql(EVENTS);
    let original = rows(&database);
    let script = sandbox.path("split.sql");
    std::fs::write(&script, format!("{SPLIT};\nDELETE FROM ev WHERE id < 20;\nSELECT 1/0;\n"))
        .expect("it is written");
    let psql = servers[0].program("psql").get_program().to_owned();
    let psql = psql.to_str().expect("a path");
    let migrated = sandbox.run(&[
        "migrate",
        url,
        "--",
        psql,
        "-X",
        "-v",
        "ON_ERROR_STOP=1",
        "-d",
        url,
        "-f",
        script.to_str().expect("a path"),
    ]);
    assert_ne!(migrated.status, 0, "{migrated:?}");
    assert_eq!(rows(&database), original, "{migrated:?}");
    assert_eq!(database.sql("SELECT to_regclass('ev_02') IS NULL").trim(), "t", "{migrated:?}");
}
