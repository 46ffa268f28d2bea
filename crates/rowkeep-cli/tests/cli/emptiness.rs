//! Databases that a restore takes for new, and those that it does not.

use crate::postgres::servers;
use crate::sandbox::Sandbox;

/// Tables that are partitioned hold no rows themselves, and are all that many a live database has by name.
#[test]
fn a_live_database_of_partitioned_tables_is_changed_and_not_made_anew() {
    for server in servers() {
        let sandbox = Sandbox::new();
        let parted = server.database("rowkeep_cli_parted");
        parted.sql(
            "CREATE TABLE p (k int PRIMARY KEY) PARTITION BY RANGE (k);
             CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);
             INSERT INTO p VALUES (1), (2)",
        );
        sandbox.done(&["backup", &parted.url()]);
        parted.sql("DELETE FROM p WHERE k = 2");
        parted.sql("INSERT INTO p VALUES (7)");
        let plan = sandbox.done(&["restore", "latest", "--to", &parted.url(), "--dry-run"]);
        assert!(plan.out.contains("p1") && !plan.out.contains("new or empty"), "{plan:?}");
        sandbox.done(&["restore", "latest", "--to", &parted.url(), "--yes"]);
        assert_eq!(parted.sql("SELECT string_agg(k::text, ',' ORDER BY k) FROM p").trim(), "1,2");
        sandbox.done(&["undo", &parted.url(), "--yes"]);
        assert_eq!(parted.sql("SELECT string_agg(k::text, ',' ORDER BY k) FROM p").trim(), "1,7");
    }
}

#[cfg(unix)]
#[test]
fn a_restored_file_has_the_permissions_of_its_source() {
    use std::os::unix::fs::PermissionsExt;
    let sandbox = Sandbox::new();
    sandbox.sql("a.db", "CREATE TABLE t (a); INSERT INTO t VALUES (1)");
    let mode =
        |name: &str| std::fs::metadata(sandbox.path(name)).expect("it is there").permissions().mode() & 0o777;
    for wanted in [0o640, 0o600, 0o664] {
        std::fs::set_permissions(sandbox.path("a.db"), std::fs::Permissions::from_mode(wanted))
            .expect("a mode");
        sandbox.done(&["backup", "a.db"]);
        let copy = format!("copy-{wanted:o}.db");
        sandbox.done(&["restore", "latest", "--to", &copy]);
        assert_eq!(mode(&copy), wanted);
    }
    let refused = sandbox.run(&["restore", "latest", "--to", "/dev/null", "--yes"]);
    assert!(refused.status != 0 && refused.err.contains("device, pipe or socket"), "{refused:?}");
}
