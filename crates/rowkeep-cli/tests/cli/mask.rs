//! Rows without what is personal in them.

use crate::postgres::servers;
use crate::sandbox::{Ran, Sandbox};

const CLINIC: &str = "
    CREATE TABLE patients (email VARCHAR(80) PRIMARY KEY NOT NULL, full_name TEXT, born DATE, phone TEXT, weight INTEGER);
    CREATE TABLE visits (id INTEGER PRIMARY KEY, patient VARCHAR(80) REFERENCES patients (email), remarks TEXT, seen DATE);";

fn rows(count: u32) -> String {
    let patient = |i: u32| {
        format!(
            "('p{i}@clinic.example', 'Patient {i}', '1980-01-{:02}', '+49 30 12345{i:03}', {})",
            i % 28 + 1,
            50 + i % 60
        )
    };
    let visit =
        |i: u32| format!("({i}, 'p{}@clinic.example', 'coughs {i}', '2026-02-{:02}')", i % count, i % 28 + 1);
    let patients: Vec<String> = (0..count).map(patient).collect();
    let visits: Vec<String> = (0..3 * count).map(visit).collect();
    format!(
        "INSERT INTO patients VALUES {}; INSERT INTO visits VALUES {}",
        patients.join(","),
        visits.join(",")
    )
}

const RULES: &str = "
    'patients.email' = 'fake-email'
    'patients.full_name' = 'fake-name'
    'patients.born' = { rule = 'days', days = 90 }
    'patients.phone' = 'hash'
    'patients.weight' = { rule = 'range', bucket = 10 }
    'visits.remarks' = { rule = 'fixed', value = 'masked' }
";

const PERSONAL: [&str; 4] = ["clinic.example", "Patient ", "+49 30 123", "coughs"];

#[test]
fn a_masked_backup_holds_nothing_personal_and_restores() {
    let sandbox = Sandbox::new();
    sandbox.sql("clinic.db", &format!("{CLINIC}{}", rows(200)));
    // So long that rows come in several batches.
    sandbox.sql("clinic.db", "UPDATE visits SET remarks = printf('%.*c', 1000, 'x') || remarks");
    let config = format!("[databases.clinic]\nurl = 'clinic.db'\n[databases.clinic.mask]\n{RULES}");
    std::fs::write(sandbox.path("rowkeep.toml"), config).expect("the file can be written");
    sandbox.done(&["backup", "clinic", "--mask", "--name", "masked"]);
    assert_eq!(sandbox.json(&["show", "masked"])["environment"]["masked"], "true");
    sandbox.done(&["restore", "masked", "--to", "copy.db"]);
    sandbox.sql(
        "copy.db",
        "PRAGMA foreign_keys = on; PRAGMA foreign_key_check; UPDATE visits SET patient = patient",
    );
    let copy = std::fs::read(sandbox.path("copy.db")).expect("it was made");
    for personal in PERSONAL {
        assert!(!contains(&copy, personal), "{personal} is in the masked copy");
    }
    let count = |sql: &str| {
        let database = rusqlite::Connection::open(sandbox.path("copy.db")).expect("it opens");
        database.query_row(sql, [], |row| row.get::<_, i64>(0)).expect(sql)
    };
    assert_eq!(count("SELECT count(*) FROM patients JOIN visits ON email = patient"), 600);
    assert_eq!(
        count("SELECT count(*) FROM patients WHERE weight % 10 = 0 AND email LIKE '%@example.org'"),
        200
    );

    // The same rows masked again are the same rows.
    let hashes = |name: &str| sandbox.json(&["show", name])["tables"].clone();
    sandbox.done(&["backup", "clinic", "--mask", "--name", "again"]);
    assert_eq!(hashes("masked"), hashes("again"));
    sandbox.done(&["backup", "clinic", "--name", "plain"]);
    assert_ne!(hashes("masked"), hashes("plain"));
    let history = sandbox.json(&["history", "patients", "p7@clinic.example"]);
    assert_eq!(history["versions"].as_array().map(Vec::len), Some(1));
    assert_eq!(history["notes"][0]["note"], "its rows are masked");
}

#[test]
fn a_restore_can_mask_by_a_file() {
    let sandbox = Sandbox::new();
    sandbox.sql("clinic.db", &format!("{CLINIC}{}", rows(50)));
    sandbox.done(&["backup", "clinic.db"]);
    std::fs::write(sandbox.path("rules.toml"), format!("key = '${{MASK_KEY}}'\n{RULES}"))
        .expect("it is written");
    sandbox
        .run(&["restore", "latest", "--to", "copy.db", "--mask=rules.toml"])
        .expect(2)
        .says(&["MASK_KEY is not set"]);
    let restored = sandbox
        .command(&["restore", "latest", "--to", "copy.db", "--mask=rules.toml"])
        .env("MASK_KEY", "of the developers")
        .output()
        .expect("it runs");
    let restored = Ran::of(&restored).expect(0);
    assert!(restored.out.contains("once they are masked") && restored.out.contains("equal"), "{restored:?}");
    let copy = std::fs::read(sandbox.path("copy.db")).expect("it was made");
    for personal in PERSONAL {
        assert!(!contains(&copy, personal), "{personal} is in the masked copy");
    }
    sandbox
        .run(&["restore", "latest", "--to", "other.db", "--mask"])
        .expect(2)
        .says(&["no mask rules", "mask suggest"]);
    std::fs::write(sandbox.path("rules.toml"), "'patients.mail' = 'hash'").expect("it is written");
    let wrong = sandbox.run(&["restore", "latest", "--to", "other.db", "--mask=rules.toml"]).expect(2);
    wrong.says(&["no column mail", "email, full_name"]);
    sandbox.run(&["backup", "clinic.db", "--mask=rules.toml"]).expect(2).says(&["no column mail"]);
    assert!(!sandbox.path("other.db").exists());
}

#[test]
fn rules_are_suggested_without_showing_values() {
    let sandbox = Sandbox::new();
    sandbox.sql("clinic.db", &format!("{CLINIC}{}", rows(50)));
    sandbox.sql("clinic.db", "CREATE TABLE \"odd \"\"name\" (id INTEGER PRIMARY KEY, x TEXT, card TEXT, lastIp TEXT, token TEXT);
        INSERT INTO \"odd \"\"name\" VALUES (1, 'DE89370400440532013000', '4111 1111 1111 1111', '203.0.113.7', 'abcdef')");
    let suggested = sandbox.done(&["mask", "suggest", "clinic.db"]);
    for line in [
        "[databases.clinic.mask]",
        "\"patients.email\" = \"fake-email\"",
        "\"patients.full_name\" = \"fake-name\"",
        "\"patients.phone\" = \"fake-phone\"",
        "\"patients.born\" = { rule = \"days\", days = 180 }",
        "\"visits.remarks\" = ",
        "\"odd \\\"name.x\" = \"hash\"",
        "\"odd \\\"name.card\" = \"hash\"",
        "\"odd \\\"name.lastIp\" = { rule = \"fixed\", value = \"192.0.2.1\" }",
        "\"odd \\\"name.token\" = \"null\"",
    ] {
        assert!(suggested.out.contains(line), "{line:?} is not in {}", suggested.out);
    }
    for personal in [&PERSONAL[..], &["DE89", "4111", "203.0", "abcdef"]].concat() {
        assert!(!suggested.out.contains(personal), "{personal} is shown");
    }
    let config = format!("[databases.clinic]\nurl = 'clinic.db'\n{}", suggested.out);
    std::fs::write(sandbox.path("rowkeep.toml"), config).expect("the file can be written");
    sandbox.done(&["backup", "clinic", "--mask"]);
}

#[test]
fn masked_rows_fit_their_types_in_postgres() {
    for server in servers() {
        let sandbox = Sandbox::new();
        let clinic = server.database("rowkeep_cli_mask");
        clinic.sql(CLINIC);
        clinic.sql(
            "CREATE TABLE accounts (id integer PRIMARY KEY, token uuid UNIQUE, amount numeric(12,2), ratio double precision,
                 seen timestamptz, code char(6), parent integer REFERENCES accounts, secret bytea, ip inet);
             INSERT INTO accounts SELECT i, gen_random_uuid(), i * 1.25, i / 3.0, now() - i * interval '1 hour', 'c' || i,
                 nullif(i / 2, 0), decode(md5(i::text), 'hex'), '203.0.113.9' FROM generate_series(1, 500) i",
        );
        clinic.sql(&rows(200));
        let rules = "
            'accounts.id' = 'hash'\n'accounts.token' = 'hash'\n'accounts.amount' = 'hash'
            'accounts.ratio' = { rule = 'range', bucket = 10 }\n'accounts.seen' = { rule = 'days', days = 10 }
            'accounts.code' = 'hash'\n'accounts.secret' = 'hash'\n'accounts.ip' = { rule = 'fixed', value = '192.0.2.1' }";
        std::fs::write(sandbox.path("rules.toml"), format!("{RULES}{rules}")).expect("it is written");
        sandbox.done(&["backup", &clinic.url(), "--mask=rules.toml", "--name", "masked"]);
        let copy = server.database("rowkeep_cli_mask_copy");
        let restored = sandbox.done(&["restore", "masked", "--to", &copy.url()]);
        assert!(restored.out.contains("equal: "), "{restored:?}");
        let one = |sql: &str| copy.sql(sql).trim().to_owned();
        assert_eq!(
            one(
                "SELECT count(*) FROM patients JOIN visits ON email = patient WHERE email LIKE '%@example.org'"
            ),
            "600"
        );
        assert_eq!(one("SELECT count(*) FROM accounts a JOIN accounts b ON a.parent = b.id"), "499");
        assert_eq!(one("SELECT count(DISTINCT id) || ' ' || count(DISTINCT token) FROM accounts"), "500 500");
        assert_eq!(
            one("SELECT count(*) FROM accounts WHERE mod(ratio::int, 10) = 0 AND host(ip) = '192.0.2.1'"),
            "500"
        );
        let suggested = sandbox.done(&["mask", "suggest", &clinic.url()]);
        assert!(suggested.out.contains("\"public.patients.email\" = \"fake-email\""), "{suggested:?}");
    }
}

/// What looks personal and has no rule stops everything that masks, before anything is stored or made.
#[test]
fn a_column_that_was_forgotten_stops_a_masked_backup() {
    let sandbox = Sandbox::new();
    sandbox.sql("clinic.db", &format!("{CLINIC}{}", rows(20)));
    sandbox.sql("clinic.db", "CREATE TABLE staff (id INTEGER PRIMARY KEY, lastName TEXT, role TEXT)");
    sandbox.done(&["backup", "clinic.db", "--name", "plain"]);
    std::fs::write(sandbox.path("rules.toml"), RULES).expect("it is written");
    let refused = ["no mask rule for staff.lastName, which looks personal", "mask suggest", "keep"];
    for args in [
        &["backup", "clinic.db"][..],
        &["restore", "plain", "--to", "copy.db"],
        &["export", "plain", "--to", "out"],
    ] {
        sandbox.run(&[args, &["--mask=rules.toml"]].concat()).expect(4).says(&refused);
    }
    assert!(!sandbox.path("copy.db").exists() && !sandbox.path("out").exists());
    assert_eq!(sandbox.json(&["snapshots"])["snapshots"].as_array().map(Vec::len), Some(1));
    let check = ["mask", "check", "clinic.db", "--mask", "rules.toml"];
    let told = sandbox.run(&check).expect(3).out;
    assert!(
        told.contains("7 columns masked") && told.contains("1 column without a rule looks personal:"),
        "{told}"
    );
    assert_eq!(sandbox.json_of(3, &check)["databases"][0]["unruled"], serde_json::json!(["staff.lastName"]));

    // Without its table it is not stored, and it may be said to be no secret.
    sandbox.done(&["backup", "clinic.db", "--mask=rules.toml", "--exclude", "staff"]);
    std::fs::write(sandbox.path("rules.toml"), format!("{RULES}'staff.lastName' = 'keep'"))
        .expect("it is written");
    sandbox.done(&check);
    sandbox.sql("clinic.db", "INSERT INTO staff VALUES (1, 'Known', 'doctor')");
    sandbox.done(&["backup", "clinic.db", "--mask=rules.toml", "--name", "kept"]);
    sandbox.done(&["restore", "kept", "--to", "kept.db"]);
    assert_eq!(sandbox.query("kept.db", "SELECT lastName FROM staff"), "Known");
}

/// A rule for a table is one for what inherits its columns.
#[test]
fn rules_for_parents_reach_partitions_and_children() {
    for server in servers() {
        let sandbox = Sandbox::new();
        let database = server.database("rowkeep_cli_mask_parents");
        database.sql(
            "CREATE TABLE par (id int PRIMARY KEY, email text);
             CREATE TABLE chi (x int) INHERITS (par); CREATE TABLE grand (y int) INHERITS (chi);
             INSERT INTO par VALUES (1, 'secret1@x.org'); INSERT INTO chi VALUES (2, 'secret2@x.org', 1);
             INSERT INTO grand VALUES (3, 'secret3@x.org', 1, 1);
             CREATE TABLE ev (id int, email text) PARTITION BY RANGE (id);
             CREATE TABLE ev_1 PARTITION OF ev FOR VALUES FROM (0) TO (10) PARTITION BY RANGE (id);
             CREATE TABLE ev_1a PARTITION OF ev_1 FOR VALUES FROM (0) TO (5);
             INSERT INTO ev VALUES (1, 'secret4@x.org')",
        );
        let suggested = sandbox.done(&["mask", "suggest", &database.url()]).out;
        let rules: Vec<&str> = suggested.lines().filter(|line| line.starts_with('"')).collect();
        assert!(
            rules.len() == 2
                && rules[0].starts_with("\"public.par.email\" = \"fake-email\"")
                && rules[1].starts_with("\"public.ev.email\" = \"fake-email\""),
            "{suggested}"
        );
        // What has no rule is called as a rule should call it, which covers what is made later.
        std::fs::write(sandbox.path("rules.toml"), "\"par.email\" = \"fake-email\"").expect("it is written");
        let refused = sandbox.run(&["backup", &database.url(), "--mask=rules.toml"]);
        refused.expect(4).says(&["no mask rule for ev.email, which looks personal"]);
        let checked = sandbox.json_of(3, &["mask", "check", &database.url(), "--mask", "rules.toml"]);
        assert_eq!(checked["databases"][0]["unruled"], serde_json::json!(["ev.email"]));
        std::fs::write(
            sandbox.path("rules.toml"),
            "\"par.email\" = \"fake-email\"\n\"ev.email\" = \"fake-email\"",
        )
        .expect("it is written");
        let stored = || {
            sandbox.done(&["backup", &database.url(), "--mask=rules.toml"]);
            sandbox.done(&["export", "latest", "--to", "-", "--format", "ndjson"]).out
        };
        let rows = stored();
        assert!(rows.matches("@example.org").count() == 4 && !rows.contains("secret"), "{rows}");
        // What is made later is covered, and so is what is restored from a snapshot in the clear.
        database.sql(
            "CREATE TABLE ev_2 PARTITION OF ev FOR VALUES FROM (10) TO (20); INSERT INTO ev VALUES (11, 'secret5@x.org')",
        );
        let rows = stored();
        assert!(rows.matches("@example.org").count() == 5 && !rows.contains("secret"), "{rows}");
        sandbox.done(&["backup", &database.url(), "--name", "plain"]);
        let copy = server.database("rowkeep_cli_mask_parents_copy");
        sandbox.done(&["restore", "plain", "--to", &copy.url(), "--mask=rules.toml"]);
        let count = "SELECT (SELECT count(*) FROM par WHERE email LIKE '%@example.org'), \
             (SELECT count(*) FROM ev WHERE email LIKE '%@example.org')";
        assert_eq!(copy.sql(count), "3|2\n");
        // A rule of its own is stronger.
        std::fs::write(
            sandbox.path("rules.toml"),
            "\"par.email\" = \"fake-email\"\n\"chi.email\" = \"null\"\n\"ev.email\" = \"fake-email\"\n\"ev_2.email\" = \"keep\"",
        )
        .expect("it is written");
        let rows = stored();
        assert!(rows.contains("secret5") && !rows.contains("secret2") && !rows.contains("secret3"), "{rows}");
        assert_eq!(rows.matches("@example.org").count(), 2, "{rows}");
    }
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}
