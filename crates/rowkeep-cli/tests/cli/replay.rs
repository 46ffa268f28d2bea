//! The state at a time, of a snapshot and the application's own log.

use std::process::Command;

use serde_json::{Value, json};

use crate::sandbox::Sandbox;

const LOG: &str = "table = 'audit'\ntime = 'at'\nof = 'entity'\ntables = { customer = 'customers' }\nkey = 'entity_id'\naction = 'action'\n\
    inserted = ['CREATE']\nupdated = ['UPDATE']\ndeleted = ['DELETE']\nafter = 'new_values'\nbefore = 'old_values'\n";

const SHOP: &str = "CREATE TABLE customers (id TEXT PRIMARY KEY, name TEXT NOT NULL, town TEXT);
    CREATE TABLE orders (id INTEGER PRIMARY KEY, customer TEXT REFERENCES customers (id));
    CREATE TABLE audit (n INTEGER PRIMARY KEY, at TEXT, entity TEXT, entity_id TEXT, action TEXT, old_values TEXT, new_values TEXT);
    INSERT INTO customers VALUES ('a', 'Ann', 'Oslo'), ('b', 'Ben', NULL);
    INSERT INTO audit VALUES (1, '2026-01-01T08:00:00Z', 'customer', 'b', 'CREATE', NULL, '{\"id\": \"b\", \"name\": \"Ben\", \"town\": null}');";

/// What happens to the shop afterwards: each a minute after the one before.
const LATER: [&str; 4] = [
    "UPDATE customers SET town = 'Bergen' WHERE id = 'b';
     INSERT INTO audit VALUES (2, '2026-01-01T09:01:00Z', 'customer', 'b', 'UPDATE', '{\"town\": null}', '{\"town\": \"Bergen\"}');",
    "INSERT INTO customers VALUES ('c', 'Cleo', NULL); INSERT INTO orders VALUES (7, 'c');
     INSERT INTO audit VALUES (3, '2026-01-01T09:02:00Z', 'customer', 'c', 'CREATE', NULL, '{\"id\": \"c\", \"name\": \"Cleo\", \"town\": null}');
     INSERT INTO audit VALUES (4, '2026-01-01T09:02:00Z', 'orders', '7', 'CREATE', NULL, '{\"id\": 7, \"customer\": \"c\"}');",
    "DELETE FROM customers WHERE id = 'a';
     INSERT INTO audit VALUES (5, '2026-01-01T09:03:00Z', 'customer', 'a', 'DELETE', '{\"name\": \"Ann\"}', NULL);",
    "UPDATE customers SET name = 'Zoe' WHERE id = 'c';
     INSERT INTO audit VALUES (6, '2026-01-01T09:04:00Z', 'customer', 'c', 'UPDATE', '{\"name\": \"Cleo\"}', '{\"name\": \"Zoe\"}'),
         (7, '2026-01-01T09:04:30Z', 'session', '12', 'LOGIN', NULL, NULL);",
];

const ALL: &str =
    "SELECT 'c', id, name, town FROM customers UNION ALL SELECT 'o', id, customer, NULL FROM orders
    UNION ALL SELECT 'l', n, at, action FROM audit ORDER BY 1, 2";

fn config(sandbox: &Sandbox, log: &str) {
    let text = format!(
        "[databases.shop]\nurl = 'shop.db'\n[databases.shop.log]\n{log}\n[[databases.shop.checks]]\nno_orphans = true\n"
    );
    std::fs::write(sandbox.path("rowkeep.toml"), text).expect("it is written");
}

/// A shop of which a base was backed up, and what it held after each later step.
fn shop() -> (Sandbox, Vec<String>) {
    let sandbox = Sandbox::new();
    config(&sandbox, LOG);
    sandbox.sql("shop.db", SHOP);
    sandbox.done(&["backup", "shop", "--name", "base"]);
    let states = LATER.map(|sql| {
        sandbox.sql("shop.db", sql);
        sandbox.query("shop.db", ALL)
    });
    sandbox.done(&["backup", "shop", "--name", "last"]);
    (sandbox, states.to_vec())
}

#[test]
fn the_state_at_a_time_is_a_snapshot_like_others() {
    let (sandbox, states) = shop();
    let replay = |until: &str, more: &[&str]| {
        let wanted = ["replay", "shop", "--base", "base", "--until", until];
        sandbox.json(&[&wanted, more].concat())
    };
    let listed = || sandbox.done(&["snapshots"]).out.lines().count();
    let before = listed();
    let planned = replay("2026-01-01 09:03", &["--dry-run"]);
    assert_eq!(planned["snapshot"], Value::Null);
    assert_eq!(
        planned["tables"],
        json!([
            { "name": "audit", "inserted": 4, "updated": 0, "deleted": 0 },
            { "name": "customers", "inserted": 1, "updated": 1, "deleted": 1 },
            { "name": "orders", "inserted": 1, "updated": 0, "deleted": 0 },
        ])
    );
    assert_eq!((&planned["entries"], &planned["later"]), (&json!(4), &json!(2)));
    assert_eq!(listed(), before);
    for (minute, state) in (1..).zip(&states) {
        let (until, name) = (format!("2026-01-01T09:0{minute}:30Z"), format!("then-{minute}"));
        let made = replay(&until, &["--name", &name]);
        assert_eq!(made["snapshot"]["name"], json!(name));
        let file = format!("{name}.db");
        sandbox.done(&["restore", &name, "--to", &file]);
        assert_eq!(sandbox.query(&file, ALL).trim(), state.trim(), "{until}");
        sandbox.done(&["verify", &name, "--against", &file]);
        sandbox.done(&["drill", "--snapshot", &name]);
    }
    let tags = &sandbox.json(&["show", "then-3"])["tags"];
    assert_eq!(tags["replayed"], "2026-01-01T09:03:30Z", "{tags}");
    assert!(tags["replayed-log"].as_str().is_some_and(|log| log.starts_with("snapshot ")), "{tags}");
    assert_eq!(tags["after"], sandbox.json(&["show", "base"])["id"], "{tags}");
    // Again it is the same snapshot, and under another name it is another.
    let again = replay("2026-01-01T09:03:30Z", &["--name", "then-3"]);
    assert_eq!(again["snapshot"]["id"], sandbox.json(&["show", "then-3"])["id"]);
    assert_eq!(listed(), before + states.len());
    let other = replay("2026-01-01T09:03:30Z", &["--name", "once-more"]);
    assert_ne!(other["snapshot"]["id"], again["snapshot"]["id"]);
    // The database itself goes back to it, and the next replay takes the log of what was captured, not of what was made.
    sandbox.done(&["restore", "then-2", "--to", "shop", "--yes"]);
    assert_eq!(sandbox.query("shop.db", ALL).trim(), states[1].trim());
    sandbox.done(&["undo", "shop", "--yes"]);
    let told = sandbox.done(&["replay", "shop", "--base", "base", "--until", "2026-01-01T09:04:00Z"]).out;
    for words in [
        "5 entries of the log",
        "customers       1       1       1",
        "entries that are later: 1",
        "snapshot ",
    ] {
        assert!(told.contains(words), "{words}: {told}");
    }
    // The live database has the log too, and a time after its newest entry is said.
    let live =
        ["replay", "shop", "--base", "base", "--log", "live:shop", "--until", "2026-02-01", "--dry-run"];
    let told = sandbox.done(&live).out;
    for words in ["of that time are about no rows: 1", "the newest entry is of 2026-01-01T09:04:30Z"] {
        assert!(told.contains(words), "{words}: {told}");
    }
}

#[test]
fn what_cannot_be_replayed_is_refused_in_words() {
    let (sandbox, _) = shop();
    let replay = |more: &[&str]| sandbox.run(&[&["replay", "shop", "--base", "base"], more].concat());
    sandbox.sql("shop.db", "INSERT INTO audit VALUES (8, '2026-01-01T09:05:00Z', 'customer', 'x', 'DELETE', NULL, NULL), (9, '2026-01-01T09:05:00Z', 'invoice', '1', 'DELETE', NULL, NULL), (10, '2026-01-01T09:05:00Z', 'customer', 'c', 'UPDATE', '{\"name\": \"Cleo\"}', '{\"name\": \"Cy\"}')");
    let until = ["--log", "live:shop", "--until", "2026-01-01T09:06Z"];
    let refused = replay(&until).expect(4);
    for words in [
        "customer: the row is not there: entry 8",
        "invoice: there is no such table with rows in the base: entry 9",
        "customer: the row was not as is said (name): entry 10",
        "--despite-problems",
        "no snapshot was made",
    ] {
        assert!(refused.out.contains(words), "{words}: {refused:?}");
    }
    let made = sandbox.json(
        &[&["replay", "shop", "--base", "base", "--despite-problems", "--name", "anyway"], until.as_slice()]
            .concat(),
    );
    assert_eq!(made["problems"].as_array().map(Vec::len), Some(3), "{made}");
    assert_eq!(sandbox.json(&["show", "anyway"])["tags"]["replayed-problems"], "3");
    sandbox.done(&["restore", "anyway", "--to", "anyway.db"]);
    assert_eq!(sandbox.query("anyway.db", "SELECT name FROM customers WHERE id = 'c'").trim(), "Cy");
    // Its entries of before are gone, or the time is before the base's last one.
    sandbox.sql("shop.db", "DELETE FROM audit WHERE n < 3");
    replay(&until).expect(4).says(&["table audit cannot be replayed", "no more in it", "--log"]);
    replay(&["--until", "2026-01-01T07:00Z"]).expect(4).says(&["later than that time", "--base"]);
    replay(&["--until", "soon"]).expect(2).says(&["soon", "2026-11-20T15:30Z"]);
    sandbox.run(&["replay", "shop", "--until", "2026-01-01"]).expect(2).says(&["no snapshot"]);
    sandbox.run(&["replay", "other", "--until", "2026-01-01"]).expect(2).says(&["no database other"]);
    config(&sandbox, &LOG.replace("'new_values'", "'became'"));
    replay(&["--until", "2026-01-02"]).expect(2).says(&["no column audit.became", "new_values"]);
    config(&sandbox, &LOG.replace("'audit'", "'journal'"));
    replay(&["--until", "2026-01-02"]).expect(2).says(&["does not hold the log"]);
    config(&sandbox, &LOG.replace("['CREATE']", "['UPDATE']"));
    replay(&["--until", "2026-01-02"]).expect(2).says(&["\"UPDATE\" is said to mean two actions"]);
    std::fs::write(sandbox.path("rowkeep.toml"), "[databases.shop]\nurl = 'shop.db'\n")
        .expect("it is written");
    replay(&["--until", "2026-01-02"])
        .expect(2)
        .says(&["nothing says in which table", "[databases.shop.log]"]);
}

/// A state of a database in a browser, as the module for pages writes it: its stores, with key paths and records.
pub(crate) fn state(sandbox: &Sandbox, time: &str, stores: &[(&str, &str, Vec<String>)]) -> String {
    let sum = |text: &str| {
        std::fs::write(sandbox.path("summed"), text).expect("it is written");
        let ran = Command::new("sha256sum").arg(sandbox.path("summed")).output().expect("it can be run");
        String::from_utf8_lossy(&ran.stdout)[..64].to_owned()
    };
    let about: Vec<String> = stores
        .iter()
        .map(|(name, key, _)| {
            format!("{{\"name\":\"{name}\",\"keyPath\":{key},\"autoIncrement\":false,\"indexes\":[]}}")
        })
        .collect();
    let header = format!(
        "{{\"format\":\"rowkeep-indexeddb\",\"version\":1,\"database\":\"prn\",\"databaseVersion\":4,\"time\":\"{time}\",\"program\":\"test\",\"stores\":[{}]}}\n",
        about.join(",")
    );
    let (mut out, mut said, mut count) = (header.clone(), header, 0);
    for (name, _, records) in stores {
        let lines: String =
            records.iter().map(|record| format!("{{\"store\":\"{name}\",{record}}}\n")).collect();
        let end =
            format!("{{\"end\":\"{name}\",\"records\":{},\"sha256\":\"{}\"}}\n", records.len(), sum(&lines));
        out += &(lines + &end);
        said += &end;
        count += records.len();
    }
    out + &format!("{{\"complete\":true,\"records\":{count},\"sha256\":\"{}\"}}\n", sum(&said))
}

pub(crate) fn date(time: &str) -> String {
    format!("{{\"$\":\"date\",\"value\":\"2026-11-03T{time}:00.000Z\"}}")
}

#[test]
fn documents_of_browsers_come_back_as_they_were() {
    let sandbox = Sandbox::new();
    let log = "table = 'audit_log'\ntime = 'at'\nof = 'store'\ntables = { phone = 'phone_numbers' }\nkey = 'record'\naction = 'did'\n\
        inserted = ['create']\nupdated = ['update']\ndeleted = ['delete']\nafter = 'now'\nbefore = 'was'\n";
    let text = format!("[databases.prn]\nurl = 'indexeddb:prn'\n[databases.prn.log]\n{log}");
    std::fs::write(sandbox.path("rowkeep.toml"), text).expect("it is written");
    let seen = date("01:00");
    let value = |text: String| format!("\"value\":{text}");
    let entry = |id: u32, time: &str, store: &str, record: &str, did: &str, was: &str, now: &str| {
        let values = match (was, now) {
            ("", "") => String::new(),
            ("", now) => format!(",\"now\":{now}"),
            (was, "") => format!(",\"was\":{was}"),
            (was, now) => format!(",\"was\":{was},\"now\":{now}"),
        };
        let at = date(time);
        value(format!(
            "{{\"id\":{id},\"at\":{at},\"store\":\"{store}\",\"record\":{record},\"did\":\"{did}\"{values}}}"
        ))
    };
    let one = format!("{{\"id\":1,\"number\":\"+44 1\",\"status\":\"available\",\"seen\":{seen}}}");
    let two = "{\"id\":2,\"number\":\"+44 2\",\"status\":\"aging\",\"note\":\"=1+1\"}";
    let entries = [
        entry(1, "01:30", "phone", "1", "create", "", &one),
        entry(
            2,
            "10:00",
            "phone",
            "1",
            "update",
            "{\"status\":\"available\",\"to\":{\"$\":\"undefined\"}}",
            "{\"status\":\"assigned\",\"to\":\"Ann\"}",
        ),
        entry(
            3,
            "10:05",
            "phone",
            "\"3\"",
            "create",
            "",
            &format!("{{\"id\":3,\"number\":\"+44 3\",\"seen\":{seen}}}"),
        ),
        entry(
            4,
            "10:10",
            "phone",
            "2",
            "update",
            "{\"status\":\"aging\",\"note\":\"=1+1\"}",
            "{\"status\":\"blocked\"}",
        ),
        entry(5, "10:15", "settings", "\"limit\"", "update", "5", "7"),
        entry(6, "10:20", "phone", "\"1\"", "delete", "", ""),
        entry(7, "10:25", "phone", "4", "create", "", "{\"number\":\"+44 4\",\"id\":4}"),
        entry(
            8,
            "10:30",
            "phone",
            "3",
            "update",
            &format!("{{\"seen\":{seen}}}"),
            &format!("{{\"seen\":{}}}", date("10:30")),
        ),
        entry(9, "10:30", "settings", "\"mode\"", "create", "", "{\"dark\":true}"),
        entry(10, "10:35", "phone", "3", "sign-in", "", ""),
    ];
    let stores = |time: &str, phones: &[String], settings: &[&str], entries: &[String]| {
        let setting = |text: &&str| (*text).to_owned();
        let phones = phones.iter().cloned().map(value).collect();
        let settings = settings.iter().map(setting).collect();
        let all = [
            ("audit_log", "\"id\"", entries.to_vec()),
            ("phone_numbers", "\"id\"", phones),
            ("settings", "null", settings),
        ];
        state(&sandbox, &format!("2026-11-03T{time}:00.000Z"), &all)
    };
    let limit = |number: u8| format!("\"key\":\"limit\",\"value\":{number}");
    let mode = "\"key\":\"mode\",\"value\":{\"dark\":true}";
    let three = |seen: String| format!("{{\"id\":3,\"number\":\"+44 3\",\"seen\":{seen}}}");
    let assigned =
        format!("{{\"id\":1,\"number\":\"+44 1\",\"status\":\"assigned\",\"seen\":{seen},\"to\":\"Ann\"}}");
    let blocked = "{\"id\":2,\"number\":\"+44 2\",\"status\":\"blocked\"}".to_owned();
    let four = "{\"number\":\"+44 4\",\"id\":4}".to_owned();
    let base = stores("02:00", &[one, two.to_owned()], &[&limit(5)], &entries[..1]);
    let last =
        stores("23:00", &[blocked.clone(), three(date("10:30")), four.clone()], &[&limit(7), mode], &entries);
    for (name, text) in [("base", &base), ("last", &last)] {
        std::fs::write(sandbox.path("state.ndjson"), text).expect("it is written");
        sandbox.done(&["import", "state.ndjson", "--as", "prn", "--name", name]);
    }
    let lines = |text: &str| -> Vec<String> {
        let records = text.lines().filter(|line| line.starts_with("{\"store\""));
        records.map(str::to_owned).collect()
    };
    for (time, phones, settings, known) in [
        ("10:05", vec![assigned.clone(), two.to_owned(), three(seen.clone())], vec![limit(5)], 3),
        ("10:15", vec![assigned, blocked.clone(), three(seen.clone())], vec![limit(7)], 5),
        ("10:29", vec![blocked.clone(), three(seen), four.clone()], vec![limit(7)], 7),
        ("22:00", vec![blocked, three(date("10:30")), four], vec![limit(7), mode.to_owned()], 10),
    ] {
        let (until, name) = (format!("2026-11-03T{time}:00Z"), time.replace(':', "-"));
        let made = sandbox.json(&["replay", "prn", "--until", &until, "--name", &name]);
        assert_eq!(made["base"], sandbox.json(&["show", "base"])["id"], "{made}");
        let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
        let wanted = stores(time, &phones, &settings, &entries[..known]);
        let out = sandbox.done(&["export", &name, "--format", "own", "-o", "-"]).out;
        assert_eq!(lines(&out), lines(&wanted), "{until}");
    }
    // What is there at the end is equal, whatever order its columns have.
    std::fs::write(sandbox.path("last.ndjson"), &last).expect("it is written");
    sandbox.done(&["export", "22-00", "--format", "own", "-o", "again.ndjson"]);
    sandbox.done(&["import", "again.ndjson", "--as", "again", "--name", "again"]);
}
