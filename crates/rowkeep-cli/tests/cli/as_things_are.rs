//! Databases that changed since the snapshot so that not every row of it can come back: the plan says so, with what helps.

use crate::postgres::servers;
use crate::sandbox::Sandbox;

#[test]
fn plans_say_which_rows_tables_do_not_take_any_more() {
    for server in servers() {
        let sandbox = Sandbox::new();
        let database = server.database("rowkeep_cli_as_things_are");
        let url = &database.url();
        database.sql(
            "CREATE TYPE mood AS ENUM ('low', 'middle', 'high'); CREATE DOMAIN mood_of_all AS mood;
             CREATE TABLE t (id int PRIMARY KEY, m mood, d mood_of_all, n int, \"C c\" int);
             INSERT INTO t VALUES (1, 'low', 'low', 1, -1), (2, 'middle', 'high', 2, 5), (3, 'high', NULL, 3, 7);
             ALTER TABLE t ADD CONSTRAINT pos CHECK (\"C c\" > 0) NOT VALID",
        );
        sandbox.done(&["backup", url]);
        let planned = || {
            let plan = sandbox.done(&["restore", "latest", "--to", url, "--dry-run"]);
            plan.out.split_whitespace().collect::<Vec<_>>().join(" ")
        };
        let refused = |why: &str| {
            let before = database.sql("TABLE t");
            let refused = sandbox.run(&["restore", "latest", "--to", url, "--yes"]);
            assert!(refused.status != 0 && refused.err.contains(why), "{refused:?}");
            assert!(refused.err.contains("--with-schema brings back"), "{refused:?}");
            assert_eq!(database.sql("TABLE t"), before);
        };
        assert!(!planned().contains("cannot come back"));

        // A check that is NOT VALID refuses what it left alone.
        database.sql("DELETE FROM t WHERE id IN (1, 2)");
        let plan = planned();
        assert!(
            plan.contains("1 row of table t cannot come back as things are: constraint pos refuses them"),
            "{plan}"
        );
        refused("pos");
        sandbox.done(&["restore", "latest", "--to", url, "--yes", "--where", "\"C c\" > 0", "--tables", "t"]);
        assert_eq!(database.sql("SELECT count(*) FROM t").trim(), "2");
        database.sql("ALTER TABLE t DROP CONSTRAINT pos");
        sandbox.done(&["restore", "latest", "--to", url, "--yes"]);

        // Labels that are called otherwise now, of the type and of a domain.
        database.sql("ALTER TYPE mood RENAME VALUE 'low' TO 'lowest'; UPDATE t SET n = 9 WHERE id < 3");
        let plan = planned();
        for column in ["m", "d"] {
            let told = format!("type mood of column {column} has no label 'low' now");
            assert!(plan.contains("1 row of table t cannot come back") && plan.contains(&told), "{plan}");
        }
        refused("low");
        database.sql("ALTER TYPE mood RENAME VALUE 'lowest' TO 'low'");
        sandbox.done(&["restore", "latest", "--to", url, "--yes"]);

        // A column of another type takes what it can; what it cannot is told with what helps.
        database.sql("ALTER TABLE t ALTER n TYPE text USING 'n' || n");
        sandbox.done(&["restore", "latest", "--to", url, "--yes"]);
        assert_eq!(database.sql("SELECT string_agg(n, ',' ORDER BY id) FROM t").trim(), "1,2,3");
        database.sql("ALTER TABLE t ALTER n TYPE date USING NULL");
        refused("invalid input syntax for type date");
    }
}

/// What a database keeps beside its tables may be gone wholly.
#[test]
fn large_objects_and_sequences_may_all_be_gone() {
    for server in servers() {
        let sandbox = Sandbox::new();
        let database = server.database("rowkeep_cli_all_gone");
        let url = &database.url();
        database.sql(
            "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1); CREATE SEQUENCE one; CREATE SEQUENCE two START 7;
             SELECT lo_from_bytea(5000, 'contents'); GRANT SELECT ON LARGE OBJECT 5000 TO PUBLIC",
        );
        sandbox.done(&["backup", url]);
        database.sql("SELECT lo_unlink(5000)");
        sandbox.done(&["restore", "latest", "--to", url, "--yes"]);
        assert_eq!(database.sql("SELECT encode(lo_get(5000), 'escape')").trim(), "contents");
        sandbox.done(&["verify", "latest", "--against", url]);
        sandbox.done(&["undo", url, "--yes"]);
        assert_eq!(database.sql("SELECT count(*) FROM pg_largeobject_metadata").trim(), "0");

        // Of one that is gone, and of both: the rows come back.
        for (gone, told) in [
            ("one", "sequence one is not in the database"),
            ("two", "sequences one, two are not in the database"),
        ] {
            database.sql(&format!("DROP SEQUENCE {gone}; DELETE FROM t"));
            let restored = sandbox.done(&["restore", "latest", "--to", url, "--yes"]);
            let all = format!("{} {}", restored.out, restored.err);
            let said = all.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(said.contains(told) && said.contains("--with-schema makes"), "{restored:?}");
            assert_eq!(database.sql("SELECT count(*) FROM t").trim(), "1");
            sandbox.done(&["undo", url, "--yes"]);
            assert_eq!(database.sql("SELECT count(*) FROM t").trim(), "0");
        }
        sandbox.done(&["restore", "latest", "--to", url, "--with-schema", "--yes"]);
        assert_eq!(database.sql("SELECT nextval('two')").trim(), "7");
    }
}
