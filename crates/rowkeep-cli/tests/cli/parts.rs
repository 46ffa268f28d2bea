//! Snapshots of a part of a database: they are not taken for the whole.

use crate::sandbox::Sandbox;
use crate::subjects::on_each;

const TABLES: &str = "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'x'), (2, 'y'); \
                      CREATE TABLE u (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO u VALUES (1, 'x')";
const ROWS: &str = "SELECT v FROM t ORDER BY id";

/// The id of the newest snapshot, as people see it.
fn newest(sandbox: &Sandbox) -> String {
    let list = sandbox.json(&["snapshots"]);
    let newest = list["snapshots"].as_array().and_then(|all| all.last().cloned()).expect("there is one");
    newest["id"].as_str().expect("it has an id")[..8].to_owned()
}

#[test]
fn a_whole_database_is_made_of_the_newest_that_is_whole() {
    let parts: [&[&str]; 3] = [&["--schema-only"], &["--tables", "t"], &["--data-only"]];
    on_each("rowkeep_cli_parts", TABLES, |subject| {
        let (sandbox, url) = (&subject.sandbox, subject.url());
        sandbox.done(&["backup", &url]);
        let whole = newest(sandbox);
        subject.sql("DELETE FROM t WHERE id = 1");
        for part in parts {
            sandbox.done(&[&["backup", url.as_str()], part].concat());
            let part = newest(sandbox);
            let restored = sandbox.done(&["restore", "latest", "--to", &url, "--with-schema", "--yes"]);
            let passed_over = format!("snapshot {part} of ");
            assert!(restored.err.contains(&passed_over), "{passed_over}: {restored:?}");
            assert!(restored.out.contains(&whole), "{whole}: {restored:?}");
            assert_eq!(subject.query(ROWS), "x\ny");
            // Who names it means it.
            sandbox.run(&["restore", &part, "--to", &url, "--with-schema", "--yes"]).expect(2);
        }
    });
}

#[test]
fn what_the_configuration_leaves_out_is_not_looked_for_in_older_snapshots() {
    let sandbox = Sandbox::new();
    sandbox.sql("shop.db", TABLES);
    sandbox.done(&["backup", "shop.db"]);
    let exclude = "[databases.shop]\nurl = 'shop.db'\nexclude = ['u']\n";
    let config = std::fs::read_to_string(sandbox.path("rowkeep.toml")).unwrap_or_default();
    std::fs::write(sandbox.path("rowkeep.toml"), config + exclude).expect("it is written");
    sandbox.sql("shop.db", "INSERT INTO t VALUES (3, 'z')");
    sandbox.done(&["backup", "shop"]);
    let newest = newest(&sandbox);
    let restored = sandbox.done(&["restore", "latest", "--to", "copy.db"]);
    assert!(restored.out.contains(&newest) && !restored.err.contains("is newer"), "{restored:?}");
}

#[test]
fn new_databases_and_drills_pass_over_parts_and_comparisons_say_what_is_lacking() {
    let sandbox = Sandbox::new();
    sandbox.sql("shop.db", TABLES);
    sandbox.done(&["backup", "shop.db"]);
    let whole = newest(&sandbox);
    sandbox.done(&["backup", "shop.db", "--data-only"]);
    for (number, state) in ["latest", "latest:shop", "shop@-0s"].iter().enumerate() {
        let restored = sandbox.done(&["restore", state, "--to", &format!("copy{number}.db")]);
        assert!(restored.err.contains("but holds rows without a schema"), "{restored:?}");
        assert!(restored.out.contains(&whole), "{restored:?}");
    }
    let drilled = sandbox.done(&["drill", "--snapshot", "latest:shop"]);
    assert!(drilled.err.contains("but holds rows without a schema"), "{drilled:?}");
    assert!(sandbox.done(&["diff", "latest", "live:shop.db"]).out.contains("equal: "));
    sandbox.done(&["backup", "shop.db", "--tables", "t"]);
    let part = newest(&sandbox);
    // The tables that are asked for are in it, so it can serve.
    let only = sandbox.done(&["restore", "latest", "--to", "only.db", "--tables", "t"]);
    assert!(only.out.contains(&part) && !only.err.contains("is newer"), "{only:?}");
    let lacking = format!("snapshot {part} has no rows of u");
    let diff = sandbox.done(&["diff", "latest", "live:shop.db"]);
    assert!(format!("{}{}", diff.out, diff.err).contains(&lacking), "{diff:?}");
    sandbox.sql("shop.db", "DELETE FROM t; DELETE FROM u");
    for command in [
        &["restore", "latest", "--to", "shop.db", "--yes"][..],
        &["verify", "latest", "--against", "shop.db"],
    ] {
        let done = sandbox.done(command);
        assert!(done.err.contains(&lacking), "{done:?}");
    }
    assert_eq!(sandbox.query("shop.db", "SELECT (SELECT count(*) FROM t), (SELECT count(*) FROM u)"), "2|0");
    // Where there is no whole one, the schema has to do.
    let sandbox = Sandbox::new();
    sandbox.sql("shop.db", TABLES);
    sandbox.done(&["backup", "shop.db", "--schema-only"]);
    sandbox.done(&["backup", "shop.db", "--data-only"]);
    sandbox.done(&["restore", "latest", "--to", "copy.db"]);
    assert_eq!(sandbox.query("copy.db", "SELECT count(*) FROM u"), "0");
}
