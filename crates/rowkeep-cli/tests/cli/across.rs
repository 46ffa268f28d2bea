//! A snapshot of one engine restored into another.

use crate::postgres::servers;
use crate::sandbox::Sandbox;

const SHOP: &str = "
    CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL, active BOOLEAN, score REAL);
    INSERT INTO users VALUES (1, 'Ömer', 1, 0.1), (2, '', 0, NULL);
";

#[test]
fn what_is_exact_is_made_and_proven_without_a_question() {
    for server in servers() {
        let sandbox = Sandbox::new();
        sandbox.sql("shop.db", SHOP);
        sandbox.done(&["backup", "shop.db", "--name", "first"]);
        let database = server.database("rowkeep_cli_across");
        let dry = sandbox.done(&["restore", "first", "--to", &database.url(), "--dry-run"]);
        for said in [
            "(postgresql)",
            "(sqlite)",
            "double precision",
            "everything is translated exactly",
            "nothing was changed",
        ] {
            assert!(dry.out.contains(said), "{said} is not in {dry:#?}");
        }
        assert_eq!(database.sql("SELECT count(*) FROM pg_class WHERE relname = 'users'").trim(), "0");
        let restored = sandbox.done(&["restore", "first", "--to", &database.url()]);
        assert!(
            restored.out.contains("equal: ") && restored.out.contains("1 table and 2 rows by hash"),
            "{restored:#?}"
        );
        assert_eq!(database.sql("SELECT * FROM users ORDER BY id"), "1|Ömer|t|0.1\n2||f|\n");
        assert_eq!(database.sql("INSERT INTO users (name) VALUES ('new') RETURNING id").trim(), "3");

        // It holds data now: rows are changed there, in the types of its columns.
        sandbox.sql("shop.db", "UPDATE users SET score = 1e300, active = NULL WHERE id = 2; INSERT INTO users VALUES (4, 'vier', 1, 2)");
        sandbox.done(&["backup", "shop.db", "--name", "changed"]);
        let told =
            sandbox.done(&["restore", "changed", "--to", &database.url(), "--mode", "update", "--yes"]);
        assert!(told.out.contains("1 inserted, 1 updated, 0 deleted"), "{told:#?}");
        assert_eq!(
            database.sql("SELECT * FROM users ORDER BY id"),
            "1|Ömer|t|0.1\n2|||1e+300\n3|new||\n4|vier|t|2\n"
        );
        sandbox.done(&["undo", &database.url(), "--yes"]);
        sandbox
            .run(&["restore", "changed", "--to", &database.url(), "--with-schema", "--yes"])
            .expect(4)
            .says(&["holds data", "another engine", "new or empty"]);

        // And back into a file, which equals the first but for the new row.
        sandbox.done(&["backup", &database.url(), "--name", "second"]);
        let back = sandbox.json(&["restore", "second", "--to", "back.db"]);
        assert_eq!(back["equal"], true, "{back}");
        assert_eq!(back["inexact"].as_array().map(Vec::len), Some(0), "{back}");
        assert_eq!(back["rows"], 3, "{back}");
        assert_eq!(
            sandbox.query("back.db", "SELECT id, name, active FROM users"),
            "1|Ömer|1\n2||0\n3|new|NULL"
        );
        sandbox.run(&["restore", "second", "--to", "back.db", "--yes"]).expect(4).says(&["another engine"]);
    }
}

#[test]
fn what_is_not_exact_is_listed_and_asked_for() {
    for server in servers() {
        let sandbox = Sandbox::new();
        sandbox.sql("shop.db", SHOP);
        sandbox.sql(
            "shop.db",
            "CREATE VIEW v AS SELECT 1; CREATE TABLE odd (n INTEGER); INSERT INTO odd VALUES ('x')",
        );
        sandbox.done(&["backup", "shop.db"]);
        let database = server.database("rowkeep_cli_across_asked");
        let url = database.url();
        let asked = sandbox
            .run(&["restore", "latest", "--to", &url])
            .expect(4)
            .says(&["no terminal to ask", "--yes"]);
        for said in ["! view v is left out", "! odd.n: declared INTEGER, holds 1 texts: becomes text"] {
            assert!(asked.out.contains(said), "{said} is not in {asked:#?}");
        }
        assert_eq!(database.sql("SELECT count(*) FROM pg_class WHERE relname = 'users'").trim(), "0");
        let plan = sandbox.json(&["restore", "latest", "--to", &url, "--dry-run"]);
        assert_eq!((&plan["from"], &plan["to"]), (&"sqlite".into(), &"postgresql".into()));
        let kinds: Vec<&str> = plan["inexact"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|note| note["kind"].as_str())
            .collect();
        assert!(kinds.contains(&"view") && kinds.contains(&"type"), "{plan}");
        assert!(plan["equal"].is_null(), "{plan}");
        for option in
            [&["--where", "id = 1"][..], &["--key", "users:1"], &["--also-run", "SELECT 1"], &["--mask"]]
        {
            let args = [&["restore", "latest", "--to", &url, "--yes"], option].concat();
            sandbox.run(&args).expect(2).says(&[option[0], "across engines"]);
        }
        let made = sandbox.json(&["restore", "latest", "--to", &url, "--yes"]);
        assert_eq!(made["equal"], true, "{made}");
        assert_eq!(database.sql("SELECT n FROM odd").trim(), "x");
    }
}
