//! A state is rows and definitions: what is gone besides rows is named, and what a restore made again is equal.

use std::os::unix::fs::PermissionsExt;

use crate::postgres::{Database, servers, unique};
use crate::sandbox::Sandbox;
use crate::subjects::on_each;

const SHOP: &str = "
    CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT UNIQUE);
    CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER NOT NULL REFERENCES customers (id),
        state TEXT DEFAULT 'new', CONSTRAINT known CHECK (state IN ('new', 'paid')));
    CREATE INDEX orders_by_customer ON orders (customer);
    CREATE VIEW open AS SELECT id FROM orders WHERE state = 'new';
    INSERT INTO customers VALUES (1, 'Ada', 'a@example.org'), (2, 'Ben', NULL);
    INSERT INTO orders VALUES (10, 1, 'new'), (11, 2, 'paid');";

#[test]
fn what_is_gone_besides_rows_is_named() {
    on_each("rowkeep_cli_definitions", SHOP, |subject| {
        let sandbox = &subject.sandbox;
        sandbox.done(&["backup", &subject.url()]);
        let verify = |options: &[&str]| {
            let url = subject.url();
            let mut arguments = vec!["verify", "latest", "--against", &url];
            arguments.extend(options);
            sandbox.run(&arguments)
        };
        assert!(verify(&[]).expect(0).out.contains("2 tables and 4 rows by hash, and all definitions"));
        let mut losses = vec![
            (
                "DROP INDEX orders_by_customer",
                "CREATE INDEX orders_by_customer ON orders (customer)",
                "orders_by_customer",
            ),
            ("DROP VIEW open", "CREATE VIEW open AS SELECT id FROM orders WHERE state = 'new'", "open"),
        ];
        if !subject.is_file() {
            losses.extend([
                (
                    "ALTER TABLE orders DROP CONSTRAINT known",
                    "ALTER TABLE orders ADD CONSTRAINT known CHECK (state IN ('new', 'paid'))",
                    "CONSTRAINT known",
                ),
                (
                    "ALTER TABLE orders DROP CONSTRAINT orders_customer_fkey",
                    "ALTER TABLE orders ADD CONSTRAINT orders_customer_fkey FOREIGN KEY (customer) REFERENCES customers (id)",
                    "orders_customer_fkey",
                ),
                (
                    "ALTER TABLE customers DROP CONSTRAINT customers_email_key",
                    "ALTER TABLE customers ADD CONSTRAINT customers_email_key UNIQUE (email)",
                    "customers_email_key",
                ),
                (
                    "ALTER TABLE orders ALTER COLUMN state DROP DEFAULT",
                    "ALTER TABLE orders ALTER COLUMN state SET DEFAULT 'new'",
                    "DEFAULT 'new'",
                ),
                ("GRANT SELECT ON orders TO PUBLIC", "REVOKE SELECT ON orders FROM PUBLIC", "GRANT SELECT ON TABLE"),
                ("COMMENT ON TABLE orders IS 'x'", "COMMENT ON TABLE orders IS NULL", "COMMENT ON TABLE"),
            ]);
        }
        for (loss, remedy, name) in losses {
            subject.sql(loss);
            let found = verify(&[]).expect(3).out;
            assert!(found.contains(name) && found.contains("2 tables and 4 rows by hash"), "{loss}: {found}");
            verify(&["--rows-only"]).expect(0);
            let difference = sandbox.run(&["diff", "latest", &subject.url()]).expect(3);
            assert!(difference.out.contains(name), "{loss}: {difference:#?}");
            sandbox.run(&["diff", "latest", &subject.url(), "--rows-only"]).expect(0);
            let json = sandbox.json_of(3, &["verify", "latest", "--against", &subject.url()]);
            assert!(
                json["definitions"].as_array().is_some_and(|changes| !changes.is_empty()),
                "{loss}: {json}"
            );
            subject.sql(remedy);
            verify(&[]).expect(0);
        }
    });
}

#[test]
fn triggers_and_virtual_tables_of_a_file_are_named() {
    let sandbox = Sandbox::new();
    sandbox.sql("a.db", SHOP);
    sandbox.sql(
        "a.db",
        "CREATE VIRTUAL TABLE texts USING fts5(body);
         CREATE TRIGGER stamp AFTER INSERT ON orders BEGIN UPDATE orders SET state = 'new' WHERE id = new.id; END;",
    );
    sandbox.done(&["backup", "a.db"]);
    for (loss, name) in [("DROP TRIGGER stamp", "TRIGGER stamp"), ("DROP TABLE texts", "VIRTUAL TABLE texts")]
    {
        sandbox.done(&["restore", "latest", "--to", "b.db", "--yes"]);
        sandbox.done(&["verify", "latest", "--against", "b.db"]);
        sandbox.sql("b.db", loss);
        let found = sandbox.run(&["verify", "latest", "--against", "b.db"]).expect(3);
        assert!(found.out.contains(name), "{found:#?}");
        std::fs::remove_file(sandbox.path("b.db")).expect("the file goes");
    }
}

/// What a server prints otherwise once it was loaded is equal, and so are the rows of a child whose columns come back in
/// another order.
#[test]
fn a_restore_is_equal_however_the_server_prints_it() {
    for server in servers() {
        let sandbox = Sandbox::new();
        let (first, second) =
            (server.database("rowkeep_cli_printed"), server.database("rowkeep_cli_reprinted"));
        first.sql(
            "CREATE TABLE par (id int, a int); CREATE TABLE chi (b int) INHERITS (par); ALTER TABLE par ADD d int;
             INSERT INTO chi SELECT i, i, 3, i % 3 FROM generate_series(1, 500) i;
             INSERT INTO chi SELECT 7, 7, 7, 7 FROM generate_series(1, 3);
             CREATE TABLE keyed (k int PRIMARY KEY) INHERITS (par); ALTER TABLE par ADD e text;
             INSERT INTO keyed (id, k, e) SELECT i, i, 'e' || i FROM generate_series(1, 50) i;
             CREATE TABLE states (state varchar(10) CHECK (state IN ('new', 'paid')), n numeric(10, 2)
                 CHECK (n IN (1, 2.5)), c char(3) CHECK (c IN ('a', 'b')));
             CREATE VIEW few_states AS SELECT state FROM states WHERE state IN ('new', 'x') OR state NOT IN ('y', 'z');
             CREATE INDEX few ON states (n) WHERE state IN ('new', 'gone');
             CREATE TABLE parts (at date, v varchar) PARTITION BY RANGE (at);
             CREATE TABLE part_1 PARTITION OF parts FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
             ALTER TABLE parts ADD CHECK (v IN ('a', 'b'));
             INSERT INTO parts VALUES ('2026-05-05', 'a');",
        );
        sandbox.done(&["backup", &first.url(), "--name", "first"]);
        let restored = sandbox.json(&["restore", "first", "--to", &second.url(), "--yes"]);
        assert_eq!(restored["equal"], true, "{restored}");
        sandbox.done(&["verify", "first", "--against", &second.url()]);
        sandbox.done(&["diff", "first", &second.url()]);
        sandbox.done(&["diff", &first.url(), &second.url()]);
        // What differs in such tables is still found.
        second
            .sql("UPDATE chi SET d = 100 WHERE id = 4; DELETE FROM ONLY par; DELETE FROM keyed WHERE k = 3");
        let found = sandbox.run(&["verify", "first", "--against", &second.url()]).expect(3).out;
        assert!(found.contains("chi") && found.contains("keyed") && !found.contains("par "), "{found}");
        sandbox.done(&["restore", "first", "--to", &second.url(), "--mode", "replace", "--yes"]);
        sandbox.done(&["verify", "first", "--against", &second.url()]);
    }
}

#[test]
fn extensions_come_back_in_the_version_that_they_had() {
    let mut known = 0;
    for server in servers() {
        let sandbox = Sandbox::new();
        let (first, second) =
            (server.database("rowkeep_cli_extension"), server.database("rowkeep_cli_extended"));
        let (name, version) = ("rk_versions", "1.0");
        let extensions = Extensions::new(&sandbox, name);
        if !extensions.are_known_to(&[&first, &second]) {
            continue;
        }
        known += 1;
        first.sql(&format!(
            "CREATE EXTENSION {name} VERSION '{version}'; CREATE TABLE t (id int PRIMARY KEY); INSERT INTO settings VALUES ('a')"
        ));
        sandbox.done(&["backup", &first.url()]);
        sandbox.done(&["restore", "latest", "--to", &second.url(), "--yes"]);
        let is_version = format!("SELECT extversion FROM pg_extension WHERE extname = '{name}'");
        assert_eq!(second.sql(&is_version).trim(), version);
        // One that is of another version by now is made again.
        second.sql(&format!("ALTER EXTENSION {name} UPDATE"));
        assert_ne!(second.sql(&is_version).trim(), version);
        sandbox.done(&["restore", "latest", "--to", &second.url(), "--with-schema", "--yes"]);
        assert_eq!(second.sql(&is_version).trim(), version);
        sandbox.done(&["verify", "latest", "--against", &second.url()]);
    }
    assert!(known > 0, "there is a server that takes extensions from a folder of the test");
}

/// An extension whose default version has another table than the one before.
struct Extensions {
    folder: std::path::PathBuf,
}

impl Extensions {
    fn new(sandbox: &Sandbox, name: &str) -> Self {
        let folder = sandbox.path("share");
        let files = folder.join("extension");
        std::fs::create_dir_all(&files).expect("the folder is made");
        // The server is another user's.
        let readable = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(sandbox.path(""), readable).expect("the folder may be read");
        let write =
            |file: String, text: &str| std::fs::write(files.join(file), text).expect("the file is written");
        write(format!("{name}.control"), "default_version = '1.1'\ncomment = 'of a test'\n");
        write(
            format!("{name}--1.0.sql"),
            "CREATE TABLE settings (k text); SELECT pg_extension_config_dump('settings', '');",
        );
        write(
            format!("{name}--1.0--1.1.sql"),
            "ALTER TABLE settings ADD v text; CREATE TABLE more (id int);",
        );
        Self { folder }
    }

    /// Whether the server takes extensions from the folder, in these databases.
    fn are_known_to(&self, databases: &[&Database<'_>]) -> bool {
        let setting = "SELECT count(*) FROM pg_settings WHERE name = 'extension_control_path'";
        databases.iter().all(|database| {
            let has_setting = database.sql(setting).trim() == "1";
            if has_setting {
                let path = format!("{}:$system", self.folder.display());
                database.sql(&format!(
                    "DO $do$ BEGIN EXECUTE format('ALTER DATABASE %I SET extension_control_path = %L', current_database(), '{path}'); END $do$"
                ));
            }
            has_setting
        })
    }
}

/// Servers of two versions print the same views otherwise; owners that one of them does not know cannot be compared.
#[test]
fn between_servers_the_names_of_definitions_are_compared() {
    let servers = servers();
    let (old, new) = (&servers[0], &servers[1]);
    let sandbox = Sandbox::new();
    let (first, second) = (old.database("rowkeep_cli_older"), new.database("rowkeep_cli_newer"));
    first.sql(SHOP);
    sandbox.done(&["backup", &first.url()]);
    sandbox.done(&["restore", "latest", "--to", &second.url(), "--yes"]);
    let equal = sandbox.run(&["verify", "latest", "--against", &second.url()]).expect(0).out;
    assert!(equal.contains("note: of definitions only the names are compared"), "{equal}");
    second.sql("DROP VIEW open");
    let found = sandbox.run(&["verify", "latest", "--against", &second.url()]).expect(3).out;
    assert!(found.contains("CREATE VIEW public.open"), "{found}");
}

#[test]
fn owners_that_the_server_does_not_know_are_not_compared() {
    for server in servers() {
        let sandbox = Sandbox::new();
        let (first, second) = (server.database("rowkeep_cli_owned"), server.database("rowkeep_cli_disowned"));
        let role = unique("rowkeep_owner");
        first.sql(SHOP);
        first.sql(&format!(
            "CREATE ROLE {role}; ALTER TABLE orders OWNER TO {role}; GRANT SELECT ON customers TO {role}"
        ));
        sandbox.done(&["backup", &first.url()]);
        sandbox.done(&["restore", "latest", "--to", &second.url(), "--yes"]);
        sandbox.done(&["verify", "latest", "--against", &second.url()]);
        second.sql("ALTER TABLE orders OWNER TO CURRENT_USER");
        let found = sandbox.run(&["verify", "latest", "--against", &second.url()]).expect(3).out;
        assert!(found.contains(&format!("OWNER TO {role}")), "{found}");
        for database in [&first, &second] {
            database.sql(&format!("REASSIGN OWNED BY {role} TO CURRENT_USER; DROP OWNED BY {role}"));
        }
        first.sql(&format!("DROP ROLE {role}"));
        let equal = sandbox.run(&["verify", "latest", "--against", &second.url()]).expect(0).out;
        assert!(equal.contains("note: owners and privileges are not compared"), "{equal}");
    }
}

/// Privileges that are granted and revoked again are written out in the catalog for ever, and the usual ones all the same.
#[test]
fn privileges_of_large_objects_come_back() {
    for server in servers() {
        let sandbox = Sandbox::new();
        let database = server.database("rowkeep_cli_object_acl");
        let role = unique("rowkeep_reader");
        database.sql(&format!("CREATE ROLE {role}; CREATE TABLE t (id int PRIMARY KEY)"));
        let cases = [
            ("", "GRANT SELECT ON LARGE OBJECT 1 TO PUBLIC"),
            ("GRANT SELECT ON LARGE OBJECT 1 TO PUBLIC", "REVOKE ALL ON LARGE OBJECT 1 FROM PUBLIC"),
            ("", "GRANT ALL ON LARGE OBJECT 1 TO ROLE WITH GRANT OPTION"),
            ("", "REVOKE ALL ON LARGE OBJECT 1 FROM CURRENT_USER"),
            (
                "REVOKE UPDATE ON LARGE OBJECT 1 FROM CURRENT_USER",
                "GRANT ALL ON LARGE OBJECT 1 TO CURRENT_USER",
            ),
            ("", "ALTER LARGE OBJECT 1 OWNER TO ROLE"),
            ("GRANT SELECT ON LARGE OBJECT 1 TO PUBLIC", "ALTER LARGE OBJECT 1 OWNER TO ROLE"),
            ("ALTER LARGE OBJECT 1 OWNER TO ROLE", "GRANT SELECT ON LARGE OBJECT 1 TO PUBLIC"),
        ];
        // Each with an object of its own; every other one is empty.
        let of = |case: usize, sql: &str| {
            database.sql(&sql.replace("ROLE", &role).replace("OBJECT 1", &format!("OBJECT {}", 5001 + case)));
        };
        for (case, (before, _)) in cases.iter().enumerate() {
            let content = if case % 2 == 0 { "a" } else { "" };
            database.sql(&format!("SELECT lo_from_bytea({}, '{content}')", 5001 + case));
            of(case, before);
        }
        sandbox.done(&["backup", &database.url(), "--name", "before"]);
        cases.iter().enumerate().for_each(|(case, (_, after))| of(case, after));
        sandbox.done(&["backup", &database.url(), "--name", "after"]);
        let acls = || database.sql("SELECT oid, lomowner, lomacl FROM pg_largeobject_metadata ORDER BY oid");
        let verify = |name| sandbox.run(&["verify", name, "--against", &database.url()]);
        let after = acls();
        sandbox.done(&["restore", "before", "--to", &database.url(), "--yes"]);
        assert_eq!(verify("before").status, 0, "{:#?}", verify("before"));
        let changed = acls().lines().zip(after.lines()).filter(|(one, other)| one != other).count();
        assert_eq!(changed, cases.len(), "{after}");
        sandbox.done(&["undo", &database.url(), "--yes"]);
        assert_eq!(verify("after").status, 0, "{:#?}", verify("after"));
        database.sql(&format!(
            "REASSIGN OWNED BY {role} TO CURRENT_USER; DROP OWNED BY {role}; DROP ROLE {role}"
        ));
    }
}
