//! A row in the application's own log for each restore, in the transaction that restores.

use crate::postgres::servers;
use crate::sandbox::Sandbox;

const SHOP: &str = "CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT);
    CREATE TABLE \"activity \"\"log\" (\"what's\" TEXT NOT NULL, detail TEXT, \"by\" TEXT, n INTEGER, ok BOOLEAN, at TIMESTAMP);
    CREATE TABLE orders (id INTEGER PRIMARY KEY);
    INSERT INTO customers VALUES (1, 'Ada'), (2, 'Ben'), (3, 'Cleo'); INSERT INTO orders VALUES (1), (2);";
/// Other numbers of rows come back, change back and go, in two tables.
const HARM: &str = "DELETE FROM customers WHERE id = 2; UPDATE customers SET name = 'Adam' WHERE id = 1;
    UPDATE customers SET name = 'C' WHERE id = 3; INSERT INTO customers VALUES (4, 'Dan'); DELETE FROM orders";
const COUNTS: &str = "{6} = 3+2+1 in customers, orders of o'shop from ";

/// A configuration whose names, texts and placeholders hold quotes.
fn configure(sandbox: &Sandbox, url: &str, table: &str) {
    let config = format!(
        "[databases.\"o'shop\"]\nurl = '{url}'\n[databases.\"o'shop\".activity]\ntable = '{table}'\n\
         [databases.\"o'shop\".activity.values]\n\"what's\" = \"{{operation}} '; DROP TABLE customers; --\"\n\
         detail = '''{{{{{{rows}}}}}} = {{inserted}}+{{updated}}+{{deleted}} in {{tables}} of {{database}} from {{snapshot}} \\ ''' \n\
         by = '{{user}}'\nn = '{{rows}}'\nok = true\nat = '{{now}}'\n"
    );
    std::fs::write(sandbox.path("rowkeep.toml"), config).expect("it is written");
}

fn run(sandbox: &Sandbox, arguments: &[&str]) {
    let output = sandbox.command(arguments).env("USER", "Mary \"M\" O'Neil\\").output().expect("it runs");
    assert!(output.status.success(), "{output:?}");
}

const RESTORE: [&str; 7] =
    ["restore", "latest", "--to", "o'shop", "--yes", "--keep-tables", "activity \"log"];

#[test]
fn a_restore_and_its_undo_are_written_down_in_sqlite() {
    let sandbox = Sandbox::new();
    sandbox.sql("shop.db", SHOP);
    configure(&sandbox, "shop.db", "activity \"log");
    run(&sandbox, &["backup", "o'shop"]);
    sandbox.sql("shop.db", HARM);
    sandbox.done(&["restore", "latest", "--to", "o'shop", "--dry-run"]);
    let log = |columns: &str| {
        sandbox.query("shop.db", &format!("SELECT {columns} FROM \"activity \"\"log\" ORDER BY rowid"))
    };
    assert_eq!(log("1"), "");
    let snapshot = sandbox.json(&["show", "latest"])["id"].as_str().expect("it has an id")[..8].to_owned();
    run(&sandbox, &RESTORE);
    assert_eq!(sandbox.query("shop.db", "SELECT name FROM customers ORDER BY id"), "Ada\nBen\nCleo");
    assert_eq!(
        log("\"what's\", detail, \"by\", typeof(n), n, ok"),
        format!("restore '; DROP TABLE customers; --|{COUNTS}{snapshot} \\ |Mary \"M\" O'Neil\\|integer|6|1")
    );
    assert_eq!(log("at LIKE '____-__-__T__:__:__.______Z'"), "1");
    // Nothing to do is no activity.
    run(&sandbox, &RESTORE);
    run(&sandbox, &["undo", "o'shop", "--yes"]);
    assert_eq!(log("substr(\"what's\", 1, 7)"), "restore\nundo ';");
    sandbox.done(&[&RESTORE[..], &["--no-activity"]].concat());
    sandbox.done(&["undo", "o'shop", "--yes", "--no-activity"]);
    assert_eq!(log("1"), "1\n1");
    let doctor = sandbox.done(&["doctor", "o'shop"]);
    assert!(doctor.out.contains("ok       table for activity rows: activity \"log"), "{doctor:?}");
}

#[test]
fn a_row_that_cannot_be_written_is_noticed_before_anything_changes() {
    let sandbox = Sandbox::new();
    sandbox.sql("shop.db", SHOP);
    sandbox.done(&["backup", "shop.db"]);
    sandbox.sql("shop.db", HARM);
    for (activity, says) in [
        ("table = 'nothing'\nvalues = { what = 'x' }", "no such table: nothing"),
        ("table = 'customers'\nvalues = { nme = 'x' }", "no such column: t.nme"),
        ("table = 'customers'\nvalues = { name = '{nobody}' }", "{nobody}; there are {operation}"),
        // Found by the database itself, and everything is taken back.
        ("table = 'customers'\nvalues = { id = 2, name = 'x' }", "UNIQUE constraint failed"),
        ("table = '''activity \"log'''\nvalues = { detail = 'x' }", "NOT NULL constraint failed"),
    ] {
        let config = format!("[databases.shop]\nurl = 'shop.db'\n[databases.shop.activity]\n{activity}\n");
        std::fs::write(sandbox.path("rowkeep.toml"), config).expect("it is written");
        let refused = sandbox.run(&["restore", "latest", "--to", "shop.db", "--yes"]);
        assert!([2, 4].contains(&refused.status) && refused.err.contains(says), "{refused:?}");
        assert_eq!(sandbox.query("shop.db", "SELECT name FROM customers ORDER BY id"), "Adam\nC\nDan");
    }
}

#[test]
fn a_restore_is_written_down_in_postgres() {
    for server in servers() {
        let sandbox = Sandbox::new();
        let shop = server.database("rowkeep_cli_activity");
        shop.sql(SHOP);
        shop.sql("CREATE SCHEMA \"my audit\"; ALTER TABLE \"activity \"\"log\" SET SCHEMA \"my audit\"");
        configure(&sandbox, &shop.url(), "my audit.activity \"log");
        run(&sandbox, &["backup", "o'shop"]);
        shop.sql(HARM);
        run(&sandbox, &RESTORE);
        let log =
            |columns: &str| shop.sql(&format!("SELECT {columns} FROM \"my audit\".\"activity \"\"log\""));
        assert_eq!(
            log("\"what's\", \"by\", n, ok, at > now() AT TIME ZONE 'UTC' - interval '1 hour'").trim(),
            "restore '; DROP TABLE customers; --|Mary \"M\" O'Neil\\|6|t|t"
        );
        assert!(log("detail").starts_with(COUNTS), "{}", log("detail"));
        shop.sql("ALTER TABLE \"my audit\".\"activity \"\"log\" RENAME COLUMN detail TO details");
        shop.sql(HARM.split(';').next().expect("it has statements"));
        sandbox.run(&RESTORE).expect(2).says(&["detail does not exist", "[databases.NAME.activity]"]);
        assert_eq!(shop.sql("SELECT count(*) FROM customers").trim(), "2");
    }
}
