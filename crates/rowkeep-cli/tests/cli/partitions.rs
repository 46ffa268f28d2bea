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
