//! Partitioned tables: to people they are tables.

use serde_json::json;

use crate::postgres::servers;
use crate::sandbox::Sandbox;

const EVENTS: &str = "
    CREATE TABLE ev (id int, at date, what text, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
    CREATE TABLE ev_01 PARTITION OF ev FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
    CREATE TABLE ev_def PARTITION OF ev DEFAULT;
    CREATE TABLE other (id int PRIMARY KEY);
    INSERT INTO ev VALUES (1, '2026-01-05', 'one'), (2, '2026-02-05', 'two'), (3, '2026-03-05', 'three');
    INSERT INTO other VALUES (1);";

#[test]
fn the_name_of_a_partitioned_table_means_its_partitions() {
    let servers = servers();
    let sandbox = Sandbox::new();
    let database = servers[0].database("rowkeep_cli_partitions");
    let url = &database.url();
    database.sql(EVENTS);
    sandbox.done(&["backup", url, "--name", "first"]);
    let back = |more: &[&str]| {
        database.sql("DELETE FROM ev; DELETE FROM other");
        sandbox.done(&[&["restore", "latest", "--to", url, "--yes"][..], more].concat());
        let ids = "SELECT coalesce((SELECT string_agg(id::text, ',' ORDER BY id) FROM ev), '') || '|' || (SELECT count(*) FROM other)";
        database.sql(ids).trim().to_owned()
    };
    assert_eq!(back(&["--tables", "ev"]), "1,2,3|0");
    assert_eq!(back(&["--tables", "ev", "--keep-tables", "ev_def"]), "1|0");
    assert_eq!(back(&["--keep-tables", "public.ev"]), "|1");
    assert_eq!(back(&["--tables", "ev", "--where", "id > 1"]), "2,3|0");
    assert_eq!(back(&["--key", "ev:2,2026-02-05"]), "2|0");
    let lacking = ["restore", "latest", "--to", url, "--key", "ev:9,2026-02-05", "--dry-run"];
    let lacking = sandbox.run(&lacking);
    let told = format!("{}{}", lacking.out, lacking.err);
    assert_eq!(told.matches("no row with key ev:9,2026-02-05 in table ev,").count(), 1, "{lacking:?}");
    let unknown = ["restore", "latest", "--to", url, "--tables", "evs", "--dry-run"];
    sandbox.run(&unknown).expect(2).says(&["no table evs; there are", "ev_def, other, ev"]);
    let rows = sandbox.done(&["export", "latest", "--to", "-", "--format", "ndjson", "--tables", "ev"]).out;
    assert_eq!(rows.matches("\"what\"").count(), 3, "{rows}");

    // A row's versions are found wherever it was.
    database.sql(
        "INSERT INTO ev VALUES (1, '2026-01-05', 'one'), (3, '2026-03-05', 'three'); INSERT INTO other VALUES (1);
         DELETE FROM ev_def WHERE id = 2; CREATE TABLE ev_02 PARTITION OF ev FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
         INSERT INTO ev VALUES (2, '2026-02-05', 'zwei')",
    );
    sandbox.done(&["backup", url]);
    let history = sandbox.json(&["history", "ev", "2,2026-02-05"]);
    assert_eq!(history["versions"][1]["what"], json!("changed"), "{history}");
    assert_eq!(history["notes"][0]["note"], json!("the table is ev_02 instead of ev_def"));

    // A backup leaves out, or takes alone, what may not even be read.
    sandbox.done(&["backup", url, "--exclude", "ev", "--name", "without"]);
    let tables = |name: &str| {
        let shown = sandbox.json(&["show", name]);
        let tables = shown["tables"].as_array().expect("a list").iter();
        tables.map(|table| table["name"].as_str().expect("a name").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(tables("without"), ["other"]);
    sandbox.done(&["backup", url, "--tables", "ev", "--name", "alone"]);
    assert_eq!(tables("alone"), ["ev_01", "ev_02", "ev_def"]);
    // A database that is made is given the rows of what the same names mean.
    let copy = servers[0].database("rowkeep_cli_partitions_copy");
    sandbox.done(&["restore", "first", "--to", &copy.url(), "--tables", "ev"]);
    assert_eq!(copy.sql("SELECT count(*) || '|' || (SELECT count(*) FROM other) FROM ev").trim(), "3|0");
}

/// The hash of an enumeration is that of its numbers, which every database gives anew.
#[test]
fn rows_go_to_the_partitions_that_take_them() {
    for server in servers() {
        let sandbox = Sandbox::new();
        let database = server.database("rowkeep_cli_partitions_hash");
        let partitioned = |name: &str, of: &str| {
            let parts = (0..4).map(|at| {
                format!(
                    "CREATE TABLE {name}{at} PARTITION OF {name} FOR VALUES WITH (MODULUS 4, REMAINDER {at});"
                )
            });
            format!(
                "CREATE TABLE {name} (id int, m {of}, PRIMARY KEY (id, m)) PARTITION BY HASH (m); {}",
                parts.collect::<String>()
            )
        };
        let tables = [("h", "mood"), ("d", "moody"), ("a", "mood[]"), ("n", "int")];
        let rows = "SELECT g, (enum_range(NULL::mood))[1 + g % 6] FROM generate_series(1, 60) g";
        database.sql(&format!(
            "CREATE TYPE mood AS ENUM ('a', 'b', 'c', 'd', 'e', 'f'); CREATE DOMAIN moody AS mood; {} \
             INSERT INTO h {rows}; INSERT INTO d {rows}; INSERT INTO n SELECT g, g FROM generate_series(1, 60) g; \
             INSERT INTO a SELECT g, ARRAY[m] FROM ({rows}) r (g, m)",
            tables.map(|(name, of)| partitioned(name, of)).concat()
        ));
        sandbox.done(&["backup", &database.url()]);
        let copy = server.database("rowkeep_cli_partitions_hash_copy");
        let restored = sandbox.done(&["restore", "latest", "--to", &copy.url()]);
        assert!(restored.out.contains("equal: "), "{restored:?}");
        for (name, _) in tables {
            let count = format!(
                "SELECT count(*) FROM {name} JOIN pg_partition_tree('{name}') t ON t.relid = {name}.tableoid"
            );
            assert_eq!(copy.sql(&count).trim(), "60", "{name}");
        }
        assert_eq!(database.schema(), copy.schema());
        sandbox.done(&["drill", &database.url(), "--to-server", &server.url, "--quiet"]);
        copy.sql("DELETE FROM h; DROP TABLE n");
        sandbox.done(&["restore", "latest", "--to", &copy.url(), "--with-schema", "--yes"]);
        assert_eq!(copy.sql("SELECT count(*) FROM h").trim(), "60");
        let verified = sandbox.done(&["verify", "latest", "--against", &copy.url()]);
        let told = format!("{}{}", verified.out, verified.err);
        assert!(told.contains("which partitions of h its rows are in"), "{verified:?}");
        assert!(!told.contains("which partitions of n "), "{verified:?}");
        // A row that differs is still found.
        copy.sql("UPDATE h SET id = -1 WHERE id = 1");
        let differs = sandbox.run(&["verify", "latest", "--against", &copy.url()]).expect(3);
        assert!(!differs.out.contains("which partitions of h "), "{differs:?}");
    }
}

#[test]
fn rows_that_maintenance_moved_are_the_same_rows_to_verify() {
    let servers = servers();
    let sandbox = Sandbox::new();
    let database = servers[0].database("rowkeep_cli_partitions_moved");
    database.sql(EVENTS);
    sandbox.done(&["backup", &database.url(), "--data-only"]);
    database.sql(
        "BEGIN; CREATE TABLE ev_02 (LIKE ev INCLUDING ALL);
         WITH moved AS (DELETE FROM ev_def WHERE at < '2026-03-01' RETURNING *) INSERT INTO ev_02 SELECT * FROM moved;
         ALTER TABLE ev ATTACH PARTITION ev_02 FOR VALUES FROM ('2026-02-01') TO ('2026-03-01'); COMMIT",
    );
    let verified = sandbox.done(&["verify", "latest", "--against", &database.url()]);
    let told = format!("{}{}", verified.out, verified.err);
    assert!(told.contains("which partitions of ev its rows are in"), "{verified:?}");
    database.sql("UPDATE ev SET what = 'zwei' WHERE id = 2");
    sandbox.run(&["verify", "latest", "--against", &database.url()]).expect(3);
}

/// Between which texts a text lies is another matter in every collation.
#[test]
fn texts_go_to_the_partitions_that_take_them() {
    for server in servers() {
        let sandbox = Sandbox::new();
        let database = server.database("rowkeep_cli_partitions_text");
        database.sql(
            "CREATE TABLE names (id int, name text, PRIMARY KEY (id, name)) PARTITION BY RANGE (name);
             CREATE TABLE names_a PARTITION OF names FOR VALUES FROM (MINVALUE) TO ('n');
             CREATE TABLE names_n PARTITION OF names FOR VALUES FROM ('n') TO (MAXVALUE) PARTITION BY LIST (name);
             CREATE TABLE names_nn PARTITION OF names_n DEFAULT;
             INSERT INTO names SELECT g, (ARRAY['Ann', 'anna', 'Zoe', 'zoe', 'Ört'])[1 + g % 5] FROM generate_series(1, 50) g",
        );
        sandbox.done(&["backup", &database.url()]);
        let (c, name) = ("TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'", "rowkeep_cli_partitions_text_c");
        let copy = server.database_with(name, c);
        let restored = sandbox.done(&["restore", "latest", "--to", &copy.url()]);
        assert!(format!("{restored:?}").contains("which partitions of names"), "{restored:?}");
        let placed = "SELECT string_agg(DISTINCT name || ' ' || tableoid::regclass, ',' ORDER BY name || ' ' || tableoid::regclass) FROM names";
        assert_eq!(copy.sql(placed).trim(), "Ann names_a,Zoe names_a,anna names_a,zoe names_nn,Ört names_nn");
        assert_ne!(database.sql(placed), copy.sql(placed));
        // In place too, and back.
        copy.sql(
            "DELETE FROM names WHERE id < 20; UPDATE names SET name = 'Max' WHERE name = 'Zoe' AND id < 40",
        );
        sandbox.done(&["restore", "latest", "--to", &copy.url(), "--yes"]);
        sandbox.done(&["verify", "latest", "--against", &copy.url()]);
        sandbox.done(&["undo", &copy.url(), "--yes"]);
        assert_eq!(copy.sql("SELECT count(*) FROM names WHERE name = 'Max'").trim(), "4");
    }
}
