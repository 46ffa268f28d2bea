//! Plans that are made now and executed later, by another process.

use crate::sandbox::Sandbox;

/// A shop that lost two of its three customers.
fn harmed() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.sql(
        "shop.db",
        "CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT);
         INSERT INTO customers VALUES (1, 'Ada'), (2, 'Ben'), (3, 'Cleo')",
    );
    sandbox.done(&["backup", "shop.db"]);
    sandbox.sql("shop.db", "DELETE FROM customers WHERE id > 1");
    sandbox
}

fn customers(sandbox: &Sandbox) -> String {
    sandbox.query("shop.db", "SELECT count(*) FROM customers").trim().to_owned()
}

/// Makes a plan and gives its id.
fn plan(sandbox: &Sandbox, arguments: &[&str]) -> String {
    let plan = sandbox.json(&[arguments, &["--dry-run"]].concat());
    plan["plan"].as_str().unwrap_or_else(|| panic!("{plan}")).to_owned()
}

#[test]
fn a_plan_that_was_kept_is_executed_once() {
    let sandbox = harmed();
    let restore = ["restore", "latest", "--to", "shop.db"];
    let told = sandbox.done(&[&restore[..], &["--dry-run"]].concat()).out;
    assert!(told.contains("run it with `rowkeep apply"), "{told}");
    let id = plan(&sandbox, &restore);
    assert_eq!(customers(&sandbox), "1");
    let listed = sandbox.done(&["plans"]).out;
    assert!([&id[..8], "restore from ", "no"].iter().all(|said| listed.contains(said)), "{listed}");

    sandbox.run(&["apply", &id]).expect(4).says(&["no terminal to ask", "--yes"]);
    let applied = sandbox.done(&["apply", &id[..8], "--yes"]).out;
    assert!(applied.contains("2 inserted") && applied.contains("safety snapshot"), "{applied}");
    assert_eq!(customers(&sandbox), "3");
    sandbox.run(&["apply", &id, "--yes"]).expect(4).says(&["was already executed", "--dry-run"]);
    sandbox.done(&["undo", "shop.db", "--yes"]);
    assert_eq!(customers(&sandbox), "1");
    assert!(sandbox.json(&["check", "--read-data"])["clean"].as_bool().is_some_and(|clean| clean));
}

#[test]
fn a_plan_is_refused_where_rows_were_changed_since() {
    let sandbox = harmed();
    let id = plan(&sandbox, &["restore", "latest", "--to", "shop.db"]);
    sandbox.sql("shop.db", "INSERT INTO customers VALUES (2, 'Bea')");
    sandbox.run(&["apply", &id, "--yes"]).expect(4).says(&["customers", "nothing was changed"]);
    assert_eq!(customers(&sandbox), "2");
    let snapshots = sandbox.json(&["snapshots"])["snapshots"].as_array().map(Vec::len);
    assert_eq!(snapshots, Some(1), "the safety snapshot is gone with its reason");
    sandbox.sql("shop.db", "DELETE FROM customers WHERE id = 2");
    sandbox.done(&["apply", &id, "--yes"]);
    assert_eq!(customers(&sandbox), "3");
}

#[test]
fn a_damaged_plan_does_not_hide_the_others() {
    let sandbox = harmed();
    let restore = ["restore", "latest", "--to", "shop.db"];
    let (whole, damaged) = (plan(&sandbox, &restore), plan(&sandbox, &restore));
    let path = sandbox.path("rowkeep-repository/plans").join(&damaged);
    let mut bytes = std::fs::read(&path).expect("it is there");
    *bytes.last_mut().expect("it is not empty") ^= 1;
    std::fs::write(&path, bytes).expect("it is written");

    let listed = sandbox.done(&["plans"]).says(&[&damaged[..8], "is skipped"]).out;
    assert!(listed.contains(&whole[..8]) && !listed.contains(&damaged[..8]), "{listed}");
    sandbox.run(&["apply", &damaged, "--yes"]).expect(3);
    assert_eq!(customers(&sandbox), "1");
    sandbox.run(&["check"]).expect(3);
    sandbox.done(&["plans", "--delete", &damaged]);
    sandbox.done(&["check", "--read-data"]);
    sandbox.done(&["apply", &whole, "--yes"]);
    assert_eq!(customers(&sandbox), "3");
}

#[test]
fn plans_are_found_and_deleted_by_their_ids() {
    let sandbox = harmed();
    assert!(sandbox.done(&["plans"]).out.contains("no plans"));
    let id = plan(&sandbox, &["restore", "latest", "--to", "shop.db", "--with-schema"]);
    assert_eq!(sandbox.json(&["plans"])["plans"][0]["id"], id);
    sandbox.run(&["plans", "--delete", &id, "0000ffff"]).expect(2).says(&["no plan 0000ffff"]);
    assert!(sandbox.done(&["plans", "--delete", &id[..6]]).out.contains("deleted plan"));
    sandbox.run(&["apply", &id, "--yes"]).expect(2).says(&["no plan", "rowkeep plans"]);
}
