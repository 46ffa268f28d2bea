//! A database that is made again from the newest backup of another one: staging from production.

use serde_json::json;

use crate::postgres::servers;
use crate::sandbox::Sandbox;

const SHOP: &str = "
    CREATE TABLE customers (id INTEGER PRIMARY KEY, email VARCHAR(80) NOT NULL UNIQUE, city TEXT);
    CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER NOT NULL REFERENCES customers (id), amount NUMERIC);";

fn rows(from: u32, to: u32) -> String {
    let customers: Vec<String> =
        (from..to).map(|i| format!("({i}, 'someone{i}@shop.example', 'city {}')", i % 7)).collect();
    let orders: Vec<String> = (from..to).map(|i| format!("({i}, {i}, {i}.50)")).collect();
    format!(
        "INSERT INTO customers VALUES {}; INSERT INTO orders VALUES {};",
        customers.join(","),
        orders.join(",")
    )
}

/// What is configured of a production and a staging database.
fn config(shop: &str, staging: &str) -> String {
    format!(
        "[databases.shop]\nurl = '{shop}'\n[databases.shop.mask]\n'customers.email' = 'fake-email'\n\
         [databases.staging]\nurl = '{staging}'\nrefresh = {{ from = 'shop' }}\n"
    )
}

/// The way of a staging database from nothing to a second refresh and back, by what runs SQL in either.
fn story(sandbox: &Sandbox, shop: &dyn Fn(&str) -> String, staging: &dyn Fn(&str) -> String) {
    let emails = "SELECT count(*) FROM customers WHERE email LIKE '%@shop.example'";
    let count = "SELECT count(*) FROM orders JOIN customers ON customers.id = orders.customer";
    let nothing = sandbox.run(&["refresh", "staging", "--yes"]).expect(2);
    nothing.says(&["no snapshot of shop", "rowkeep backup shop"]);
    sandbox.done(&["backup", "shop"]);
    let first = sandbox.done(&["refresh", "staging", "--yes"]);
    assert!(first.out.contains("equal"), "{first:?}");
    assert_eq!((staging(count), staging(emails)), ("300".to_owned(), "0".to_owned()));

    // Nothing has changed, so nothing is done.
    let again = sandbox.json(&["refresh", "staging", "--yes"]);
    assert_eq!(again["safety"], json!(null), "{again}");

    // Somebody tries something in staging, and production goes on.
    staging("ALTER TABLE orders ADD COLUMN tried TEXT");
    staging("DELETE FROM orders WHERE id < 100");
    shop(&rows(300, 400));
    sandbox.done(&["backup", "shop"]);
    // A masked backup is nothing to begin with: its rows would be masked twice.
    sandbox.done(&["backup", "shop", "--mask"]);
    let planned = sandbox.done(&["refresh", "staging", "--dry-run"]);
    assert!(!planned.out.contains("rowkeep apply"), "such a plan is not kept: {planned:?}");
    assert_eq!(staging("SELECT count(*) FROM orders"), "200");
    let second = sandbox.done(&["refresh", "staging", "--yes"]);
    assert!(second.out.contains("equal"), "{second:?}");
    assert_eq!((staging(count), staging(emails)), ("400".to_owned(), "0".to_owned()));
    assert_eq!(
        staging("SELECT count(DISTINCT email) FROM customers WHERE email LIKE '%@example.org'"),
        "400"
    );
    // And back to what somebody tried.
    sandbox.done(&["undo", "staging", "--yes"]);
    assert_eq!(staging("SELECT count(*) || coalesce(max(tried), '') FROM orders"), "200");
}

#[test]
fn staging_becomes_a_masked_production_in_sqlite() {
    let sandbox = Sandbox::new();
    sandbox.sql("shop.db", &format!("{SHOP}{}", rows(0, 300)));
    std::fs::write(sandbox.path("rowkeep.toml"), config("shop.db", "staging.db")).expect("it is written");
    let run = |file: &str, sql: &str| match sql.starts_with("SELECT") {
        true => sandbox.query(file, sql),
        false => {
            sandbox.sql(file, sql);
            String::new()
        }
    };
    story(&sandbox, &|sql| run("shop.db", sql), &|sql| run("staging.db", sql));
}

#[test]
fn staging_becomes_a_masked_production_in_postgres() {
    for server in servers() {
        let sandbox = Sandbox::new();
        let (shop, staging) =
            (server.database("rowkeep_cli_refresh_shop"), server.database("rowkeep_cli_refresh_staging"));
        shop.sql(&format!("{SHOP}{}", rows(0, 300)));
        std::fs::write(sandbox.path("rowkeep.toml"), config(&shop.url(), &staging.url()))
            .expect("it is written");
        let one = |database: &crate::postgres::Database, sql: &str| database.sql(sql).trim().to_owned();
        story(&sandbox, &|sql| one(&shop, sql), &|sql| one(&staging, sql));
    }
}

/// What would be replaced by its own backup, or shown unmasked, is not touched.
#[test]
fn a_database_is_not_refreshed_from_itself_or_with_what_is_personal() {
    let sandbox = Sandbox::new();
    sandbox.sql("shop.db", &format!("{SHOP}{}", rows(0, 10)));
    std::os::unix::fs::symlink(sandbox.path("shop.db"), sandbox.path("linked.db")).expect("it is linked");
    std::fs::write(sandbox.path("rowkeep.toml"), config("shop.db", "linked.db")).expect("it is written");
    sandbox.done(&["backup", "shop"]);
    let refused = sandbox.run(&["refresh", "staging", "--yes"]).expect(4);
    refused.says(&["staging and shop are one database", "rowkeep.toml"]);
    sandbox.run(&["refresh", "shop", "--yes"]).expect(2).says(&["from which database shop is refreshed"]);

    // A column that nobody thought of stops it, and staging stays as it was.
    std::fs::write(sandbox.path("rowkeep.toml"), config("shop.db", "staging.db")).expect("it is written");
    sandbox.done(&["refresh", "staging", "--yes"]);
    sandbox.sql("shop.db", "ALTER TABLE customers ADD COLUMN phone TEXT");
    sandbox.done(&["backup", "shop"]);
    let refused = sandbox.run(&["refresh", "staging", "--yes"]).expect(4);
    refused.says(&["no mask rule for customers.phone"]);
    assert_eq!(sandbox.query("staging.db", "SELECT count(*) FROM customers"), "10");
}
