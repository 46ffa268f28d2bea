//! Suspicion: a backup in which much is gone is said loudly, and what was before it stays.

use serde_json::Value;

use crate::sandbox::Sandbox;
use crate::subjects::on_each;

/// Three tables: one of 2,000 rows, one of 900, and one of few.
const TABLES: &str = "CREATE TABLE orders (id INTEGER PRIMARY KEY, v TEXT);
     CREATE TABLE people (id INTEGER PRIMARY KEY, v TEXT);
     CREATE TABLE colours (id INTEGER PRIMARY KEY, v TEXT);
     INSERT INTO orders WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
         SELECT i, 'order' FROM n;
     INSERT INTO people WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 900)
         SELECT i, 'person' FROM n;
     INSERT INTO colours VALUES (1, 'red')";

fn backup(sandbox: &Sandbox, args: &[&str]) -> Value {
    let made = sandbox.json(&[&["backup"], args].concat());
    made["snapshots"][0].clone()
}

fn id(snapshot: &Value) -> String {
    snapshot["id"].as_str().expect("it has one").to_owned()
}

/// The rules that keep each snapshot, if only the last is wanted.
fn kept(sandbox: &Sandbox) -> Vec<Vec<String>> {
    let outcome = sandbox.json(&["keep", "--keep-last", "1"]);
    let rules = |one: &Value| {
        let kept = one["decision"]["kept"].as_array().expect("a list").clone();
        kept.iter().map(|kept| kept["rule"].as_str().expect("a rule").to_owned()).collect()
    };
    outcome["databases"][0]["snapshots"].as_array().expect("a list").iter().map(rules).collect()
}

#[test]
fn much_that_is_gone_is_said_and_what_was_before_is_kept() {
    on_each("rowkeep_cli_suspicion", TABLES, |subject| {
        let (sandbox, url) = (&subject.sandbox, subject.url());
        assert!(backup(sandbox, &[&url]).get("suspicion").is_none());
        // Less than 30 %, and all of a table of few rows.
        subject.sql("DELETE FROM orders WHERE id <= 600; DELETE FROM people; UPDATE orders SET v = 'other'");
        let before = backup(sandbox, &[&url]);
        assert!(before.get("suspicion").is_none(), "{before}");
        subject.sql("DELETE FROM orders WHERE id <= 1100; DROP TABLE colours");
        let ran = sandbox.run(&["backup", &url]).expect(0);
        let listed = sandbox.json(&["snapshots"])["snapshots"].clone();
        let suspicious = id(&listed[2]);
        let (short, short_before) = (&suspicious[..8], &id(&before)[..8]);
        ran.says(&[
            "warning: snapshot ",
            "is SUSPICIOUS: since snapshot ",
            "colours is gone",
            "orders has 900 rows instead of 1,400",
            &format!("rowkeep release {short}"),
        ]);
        assert_eq!(listed[2]["suspicious_after"], id(&before), "{listed}");
        let told = sandbox.done(&["snapshots"]).out;
        assert!(
            told.contains(&format!("SUSPICIOUS snapshot {short}: much is gone since {short_before}")),
            "{told}"
        );
        let shown = sandbox.done(&["show", short]).out;
        assert!(shown.contains("orders has 900 rows instead of 1,400 since "), "{shown}");
        let json = sandbox.json(&["show", short]);
        assert_eq!(json["suspicion"]["rows_gone"][0]["before"], 1400, "{json}");
        assert_eq!(json["suspicion"]["tables_gone"][0]["name"], "colours");
        assert_eq!(json["looked_at"], false);
        // The same again is nothing new, and rules let neither it nor what was before go.
        assert!(backup(sandbox, &[&url]).get("suspicion").is_none());
        assert_eq!(
            kept(sandbox),
            [vec![], vec!["before_suspicious"], vec!["suspicious"], vec!["newest", "last"]]
        );
        let released = sandbox.done(&["release", short]).out;
        assert!(released.contains("counts as looked at"), "{released}");
        assert_eq!(kept(sandbox), [vec![], vec![], vec![], vec!["newest", "last"]]);
        assert_eq!(sandbox.json(&["show", short])["looked_at"], true);
        assert!(!sandbox.done(&["snapshots"]).out.contains("SUSPICIOUS"));
        sandbox.run(&["release", short]).expect(2);
        sandbox.done(&["check"]);
    });
}

#[test]
fn each_kind_is_compared_with_its_own() {
    let sandbox = Sandbox::new();
    sandbox.sql("app.db", TABLES);
    let whole = backup(&sandbox, &["app.db"]);
    // Nothing is gone in what was not asked for.
    for args in
        [&["app.db", "--tables", "people"][..], &["app.db", "--schema-only"], &["app.db", "--data-only"]]
    {
        assert!(backup(&sandbox, args).get("suspicion").is_none(), "{args:?}");
    }
    assert!(backup(&sandbox, &["app.db", "--exclude", "orders"]).get("suspicion").is_none());
    sandbox.sql("app.db", "DROP TABLE orders");
    let gone = backup(&sandbox, &["app.db"]);
    assert_eq!(gone["suspicion"][0], "table orders is gone", "{gone}");
    assert_eq!(gone["suspicious_after"], whole["id"]);
    // A safety snapshot is none that somebody has to look at.
    sandbox.done(&["restore", &id(&whole), "--to", "app.db", "--with-schema", "--yes"]);
    let listed = sandbox.json(&["snapshots"]);
    let safety = listed["snapshots"].as_array().and_then(|all| all.last()).cloned().expect("there is one");
    assert!(safety.get("before").is_some() && safety.get("suspicious_after").is_none(), "{safety}");
}

#[test]
fn what_is_suspicious_can_be_configured() {
    let sandbox = Sandbox::new();
    sandbox.sql("app.db", TABLES);
    let config = |suspicion: &str| {
        let text = format!("[databases.app]\nurl = 'app.db'\n{suspicion}");
        std::fs::write(sandbox.path("rowkeep.toml"), text).expect("it can be written");
    };
    config("");
    backup(&sandbox, &["app"]);
    let mut left = 2000;
    let mut fewer = |percent: u32, suspicion: &str| {
        config(suspicion);
        left -= left * percent / 100;
        sandbox.sql("app.db", &format!("DELETE FROM orders WHERE id > {left}"));
        backup(&sandbox, &["app"]).get("suspicion").is_some()
    };
    assert!(!fewer(10, "[suspicion]\nrows = '10%'"));
    assert!(fewer(11, "[suspicion]\nrows = '10%'"));
    assert!(!fewer(11, "[suspicion]\nrows = '5%'\n[databases.app.suspicion]\nrows = '20%'"));
    assert!(!fewer(29, "[suspicion]\nrows = 'off'"));
    config("[databases.app.suspicion]\ntables = false");
    sandbox.sql("app.db", "DROP TABLE colours");
    assert!(backup(&sandbox, &["app"]).get("suspicion").is_none());
    for wrong in ["rows = '30'", "rows = '0%'", "rows = '100%'", "rows = 'many'", "row = '30%'", "rows = 30"]
    {
        config(&format!("[suspicion]\n{wrong}"));
        sandbox.run(&["backup", "app"]).expect(2).says(&["rowkeep.toml: "]);
    }
}

#[test]
fn hooks_are_told() {
    let sandbox = Sandbox::new();
    sandbox.sql("app.db", TABLES);
    let config = "[databases.app]\nurl = 'app.db'\n[[hooks]]\nwhen = 'after-backup'\n\
                  run = 'echo \"$ROWKEEP_SUSPICION|$ROWKEEP_TEXT\" >> said.txt'";
    std::fs::write(sandbox.path("rowkeep.toml"), config).expect("it can be written");
    backup(&sandbox, &["app"]);
    sandbox.sql("app.db", "DROP TABLE colours");
    backup(&sandbox, &["app"]);
    let said = std::fs::read_to_string(sandbox.path("said.txt")).expect("it is written");
    assert_eq!(
        said,
        "|backup of app is done\ntable colours is gone|backup of app is done, and SUSPICIOUS: table colours is gone\n"
    );
}
