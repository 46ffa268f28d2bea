//! Drills: what they prove, what they say of damage, and that nothing of them stays.

use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::postgres::{Server, servers};
use crate::sandbox::{Ran, Sandbox, files_below, filled};

/// How long a condition is waited for.
const PATIENCE: Duration = Duration::from_secs(120);

/// Checks that hold of what `filled` makes.
const CHECKS: &str = "[databases.app]\nurl = 'app.db'\nmax_recovery_time = '1h'\nmax_data_loss = '1h'\n\
    [[databases.app.checks]]\ntable = 'events'\nmin_rows = 100\n\
    [[databases.app.checks]]\ntable = 'people'\nunique = 'email'\n";

/// A folder for scratch files, so that what stays can be seen.
fn scratch(sandbox: &Sandbox) -> PathBuf {
    let folder = sandbox.path("scratch");
    std::fs::create_dir_all(&folder).expect("it can be made");
    folder
}

fn drill(sandbox: &Sandbox, temporary: &Path, args: &[&str]) -> Ran {
    let mut command = sandbox.command(&[&["drill"], args].concat());
    Ran::of(&command.env("TMPDIR", temporary).output().expect("the command can be run"))
}

fn reports(ran: &Ran) -> Value {
    let json: Value =
        serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("no JSON: {error}: {ran:?}"));
    json["reports"].clone()
}

/// What was found under a title that begins so.
fn found<'r>(report: &'r Value, title: &str) -> &'r Value {
    let sections = report["sections"].as_array().expect("there are sections").iter();
    let mut all = sections.flat_map(|section| section["findings"].as_array().expect("there are findings"));
    let is_it = |found: &&Value| found["title"].as_str().is_some_and(|found| found.starts_with(title));
    all.find(is_it).unwrap_or_else(|| panic!("{title} is not in {report:#}"))
}

fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).expect("it can be read").next().is_none()
}

/// Kills a drill as soon as something is there.
fn kill_when(mut child: Child, is_there: impl Fn() -> bool) {
    let limit = Instant::now() + PATIENCE;
    while !is_there() {
        assert!(Instant::now() < limit, "the drill never got there");
        assert!(child.try_wait().expect("its state is known").is_none(), "the drill ended too early");
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().expect("it can be killed");
    child.wait().expect("it ends");
}

#[test]
fn a_drill_proves_a_snapshot_and_leaves_a_report() {
    let sandbox = Sandbox::new();
    sandbox.sql("app.db", &filled(500));
    std::fs::write(sandbox.path("rowkeep.toml"), CHECKS).expect("it is written");
    sandbox.done(&["backup", "--quiet"]);
    // The database is not needed for a drill.
    std::fs::remove_file(sandbox.path("app.db")).expect("it is removed");
    let temporary = scratch(&sandbox);
    let ran =
        drill(&sandbox, &temporary, &["--report", "drill.html", "--report", "drill.xml", "--json"]).expect(0);
    let report = &reports(&ran)[0];
    assert_eq!((&report["status"], &report["kind"]), (&"passed".into(), &"drill".into()));
    assert_eq!(found(report, "proven equal")["status"], "passed");
    assert_eq!(found(report, "events has at least 100 rows")["detail"], "500 rows");
    assert_eq!(found(report, "recovery time within 1 h")["status"], "passed");
    assert_eq!(found(report, "data loss within 1 h")["status"], "passed");
    assert_eq!(report["measures"]["rows"], 1000);
    assert!(report["measures"]["recovery_ms"].as_u64() > Some(0));
    assert!(is_empty(&temporary), "the scratch database is still there");
    assert!(
        std::fs::read_to_string(sandbox.path("drill.html")).is_ok_and(|page| page.contains("drill passed"))
    );
    assert!(
        std::fs::read_to_string(sandbox.path("drill.xml")).is_ok_and(|xml| xml.contains("failures=\"0\""))
    );
    let kept = files_below(&sandbox.path("rowkeep-reports"));
    assert_eq!(kept.len(), 1, "{kept:?}");
    let kept: Value =
        serde_json::from_slice(&std::fs::read(&kept[0]).expect("it is there")).expect("it is JSON");
    assert_eq!(&kept, report);
    let told = drill(&sandbox, &temporary, &["app"]).expect(0);
    assert!(told.out.contains("app: drill passed") && told.out.contains("recovery time"), "{told:?}");
}

#[test]
fn checks_and_objectives_fail_a_drill() {
    let sandbox = Sandbox::new();
    sandbox.sql("app.db", &filled(50));
    let strict = CHECKS.replace("max_data_loss = '1h'", "max_data_loss = '0s'");
    std::fs::write(sandbox.path("rowkeep.toml"), strict).expect("it is written");
    sandbox.done(&["backup", "--quiet", "--name", "first"]);
    sandbox.done(&["backup", "--quiet"]);
    let limit = Instant::now() + PATIENCE;
    let temporary = scratch(&sandbox);
    // The age is told in whole seconds.
    let ran = loop {
        let ran = drill(&sandbox, &temporary, &["--json"]).expect(3);
        if found(&reports(&ran)[0], "data loss within 0 s")["status"] == "failed" {
            break ran;
        }
        assert!(Instant::now() < limit, "the snapshot does not grow older");
    };
    assert_eq!(found(&reports(&ran)[0], "events has at least 100 rows")["detail"], "50 rows");
    let each = drill(&sandbox, &temporary, &["app", "--each", "--json"]).expect(3);
    assert_eq!(reports(&each).as_array().map(Vec::len), Some(2));
    let one = drill(&sandbox, &temporary, &["--snapshot", "first", "--json"]).expect(3);
    assert_eq!(reports(&one)[0]["snapshot"]["name"], "first");
    drill(&sandbox, &temporary, &["nothing"]).expect(2);
}

/// Flips a bit in the middle of the pack that the first backup made, which holds rows of `events` alone.
fn damaged(sandbox: &Sandbox) {
    sandbox.sql("app.db", &filled(3000));
    sandbox.done(&["backup", "app.db", "--tables", "events", "--quiet"]);
    let packs = files_below(&sandbox.path("rowkeep-repository/packs"));
    assert_eq!(packs.len(), 1, "{packs:?}");
    sandbox.done(&["backup", "app.db", "--quiet"]);
    let mut bytes = std::fs::read(&packs[0]).expect("it can be read");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&packs[0], bytes).expect("it can be written");
}

#[test]
fn of_a_damaged_snapshot_the_rest_is_restored() {
    let sandbox = Sandbox::new();
    damaged(&sandbox);
    let temporary = scratch(&sandbox);
    let ran = drill(&sandbox, &temporary, &["app", "--json"]).expect(3);
    let report = &reports(&ran)[0];
    let table = found(report, "table events");
    assert_eq!(table["status"], "failed");
    assert!(
        table["detail"].as_str().is_some_and(|detail| detail.contains("1 chunk is damaged")),
        "{table:#}"
    );
    assert!(table["samples"][0].as_str().is_some_and(|flaw| flaw.starts_with("chunk ")), "{table:#}");
    let rest = found(report, "the rest can be restored: people");
    assert_eq!(rest["status"], "passed", "{rest:#}");
    assert_eq!(rest["detail"], "1 table and 3,000 rows, restored and proven equal");
    assert!(is_empty(&temporary), "the scratch database is still there");

    // And so can everybody.
    sandbox.run(&["restore", "latest", "--to", "whole.db"]).expect(3);
    let restored = sandbox.done(&["restore", "latest", "--to", "rest.db", "--tables", "people"]);
    assert!(restored.out.contains("1 table, 3,000 rows") && restored.out.contains("equal: "), "{restored:?}");
    sandbox
        .run(&["restore", "latest", "--to", "x.db", "--tables", "peple"])
        .expect(2)
        .says(&["no table peple", "people"]);
}

#[test]
fn a_damaged_schema_fails_the_drill() {
    let sandbox = Sandbox::new();
    sandbox.sql("app.db", &filled(10));
    sandbox.done(&["backup", "app.db", "--schema-only", "--quiet"]);
    let packs = files_below(&sandbox.path("rowkeep-repository/packs"));
    assert_eq!(packs.len(), 1, "{packs:?}");
    sandbox.done(&["backup", "app.db", "--quiet"]);
    let mut bytes = std::fs::read(&packs[0]).expect("it can be read");
    for byte in &mut bytes {
        *byte ^= 1;
    }
    std::fs::write(&packs[0], bytes).expect("it can be written");
    let ran = drill(&sandbox, &scratch(&sandbox), &["app", "--json"]).expect(3);
    let schema = found(&reports(&ran)[0], "schema").clone();
    assert_eq!(schema["status"], "failed", "{schema:#}");
    assert!(
        schema["detail"].as_str().is_some_and(|told| told.contains("no database can be made")),
        "{schema:#}"
    );
}

/// What the server cannot make, and what is not as it was in the end.
#[test]
fn restores_that_fail_or_differ_fail_the_drill() {
    let _alone = alone_on_the_servers();
    let servers = servers();
    let (older, newer) = (&servers[0], &servers[1]);
    let sandbox = Sandbox::new();
    let temporary = scratch(&sandbox);
    let shop = newer.database("rowkeep_cli_drill_newer");
    shop.sql("CREATE TABLE t (a integer PRIMARY KEY, b integer GENERATED ALWAYS AS (a * 2) VIRTUAL); INSERT INTO t VALUES (1)");
    sandbox.done(&["backup", &shop.url(), "--quiet"]);
    let name = shop.url().rsplit('/').next().expect("the URL names a database").to_owned();
    let ran = drill(&sandbox, &temporary, &[&name, "--to-server", &newer.url, "--json"]).expect(0);
    assert_eq!(found(&reports(&ran)[0], "restored")["status"], "passed");
    let ran = drill(&sandbox, &temporary, &[&name, "--to-server", &older.url, "--json"]).expect(3);
    assert_eq!(found(&reports(&ran)[0], "restored")["status"], "failed");

    shop.sql(
        "DROP TABLE t; CREATE TABLE log (t text);
         CREATE FUNCTION note() RETURNS int LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.log VALUES (1); RETURN 1; END';
         CREATE MATERIALIZED VIEW noted AS SELECT public.note()",
    );
    sandbox.done(&["backup", &shop.url(), "--quiet"]);
    let ran = drill(&sandbox, &temporary, &[&name, "--to-server", &newer.url, "--json"]).expect(3);
    let proof = found(&reports(&ran)[0], "proven equal").clone();
    assert_eq!((&proof["status"], &proof["detail"]), (&"failed".into(), &"log differ".into()), "{proof:#}");
    assert_eq!((drills(older), drills(newer)), (Vec::new(), Vec::new()));
}

#[test]
fn a_snapshot_that_cannot_be_opened_fails_the_drill() {
    let sandbox = Sandbox::new();
    sandbox.sql("app.db", &filled(10));
    sandbox.done(&["backup", "app.db", "--quiet"]);
    let first = files_below(&sandbox.path("rowkeep-repository/snapshots"));
    sandbox.done(&["backup", "app.db", "--quiet"]);
    std::fs::write(&first[0], "nothing").expect("it is written");
    let ran = drill(&sandbox, &scratch(&sandbox), &["app.db", "--json"]);
    // Whose it is nobody can tell, so the other one is tried too.
    assert_eq!(ran.status, 3, "{ran:?}");
    let reports = reports(&ran);
    assert_eq!(reports.as_array().map(Vec::len), Some(2), "{reports:#}");
    assert_eq!((&reports[0]["status"], &reports[1]["status"]), (&"failed".into(), &"passed".into()));
}

#[test]
fn what_a_killed_drill_leaves_is_removed_by_the_next() {
    let sandbox = Sandbox::new();
    sandbox.sql("app.db", &filled(100_000));
    sandbox.done(&["backup", "app.db", "--quiet"]);
    let temporary = scratch(&sandbox);
    let mut command = sandbox.command(&["drill", "app", "--quiet"]);
    let child = command.env("TMPDIR", &temporary).stdout(Stdio::null()).spawn().expect("it can be run");
    kill_when(child, || files_below_if_there(&temporary).len() > 1);
    assert!(!is_empty(&temporary), "the drill was over before it was killed");
    let ran = drill(&sandbox, &temporary, &["app", "--json"]).expect(0);
    assert!(
        found(&reports(&ran)[0], "remains removed")["detail"]
            .as_str()
            .is_some_and(|left| left.contains("rowkeep-drill-"))
    );
    assert!(is_empty(&temporary), "the scratch of the killed drill is still there");
}

const SHOP: &str = "
    CREATE TABLE customers (id serial PRIMARY KEY, email text UNIQUE);
    CREATE TABLE orders (id int PRIMARY KEY, customer int NOT NULL REFERENCES customers, note text);
    INSERT INTO customers (email) SELECT 'c' || i || '@example.org' FROM generate_series(1, 2000) i;
    INSERT INTO orders SELECT i, 1 + i % 2000, repeat(md5(i::text), 8) FROM generate_series(1, 200000) i;
";

/// The scratch databases on a server.
fn drills(server: &Server) -> Vec<String> {
    let list =
        server.psql("postgres", "SELECT datname FROM pg_database WHERE datname LIKE 'rowkeep\\_drill\\_%'");
    list.lines().map(str::to_owned).collect()
}

/// Held while something drills on a server that the tests share: its scratch databases are counted.
pub(crate) fn alone_on_the_servers() -> MutexGuard<'static, ()> {
    static DRILLS: Mutex<()> = Mutex::new(());
    DRILLS.lock().unwrap_or_else(PoisonError::into_inner)
}

#[test]
fn on_the_server_that_is_named() {
    let _alone = alone_on_the_servers();
    for server in servers() {
        let sandbox = Sandbox::new();
        let shop = server.database("rowkeep_cli_drill");
        shop.sql(SHOP);
        std::fs::write(
            sandbox.path("checks.toml"),
            "[[checks]]\nno_orphans = true\n[[checks]]\ntable = 'orders'\nmin_rows = 200000",
        )
        .expect("it is written");
        sandbox.done(&["backup", &shop.url(), "--quiet"]);
        let name = shop.url().rsplit('/').next().expect("the URL names a database").to_owned();
        let temporary = scratch(&sandbox);
        let args = [name.as_str(), "--to-server", &server.url, "--checks", "checks.toml", "--json"];
        let ran = drill(&sandbox, &temporary, &args).expect(0);
        let report = &reports(&ran)[0];
        assert_eq!(found(report, "no orphans: orders (customer)")["status"], "passed");
        assert_eq!(found(report, "proven equal")["status"], "passed");
        assert_eq!(drills(&server), Vec::<String>::new());

        let mut command = sandbox.command(&["drill", &name, "--to-server", &server.url, "--quiet"]);
        let child = command.stdout(Stdio::null()).spawn().expect("it can be run");
        let marked = "SELECT count(*) FROM pg_database WHERE datname LIKE 'rowkeep\\_drill\\_%' \
                      AND shobj_description(oid, 'pg_database') IS NOT NULL";
        kill_when(child, || server.psql("postgres", marked).trim() == "1");
        let left = drills(&server);
        assert_eq!(left.len(), 1, "the drill was over before it was killed");
        // The server needs a moment to notice that nobody is there any more.
        let connected = format!("SELECT count(*) FROM pg_stat_activity WHERE datname = '{}'", left[0]);
        let limit = Instant::now() + PATIENCE;
        while server.psql("postgres", &connected).trim() != "0" {
            assert!(Instant::now() < limit, "the server does not notice");
        }
        let ran = drill(&sandbox, &temporary, &args).expect(0);
        let removed = found(&reports(&ran)[0], "remains removed")["detail"].to_string();
        assert!(removed.contains(&left[0]), "{removed}");
        assert_eq!(drills(&server), Vec::<String>::new());
    }
}

/// What the copy of a database would act on, were it more than a copy.
const REACHING_OUT: &str = "
    CREATE TABLE t (id int PRIMARY KEY);
    INSERT INTO t VALUES (1);
    CREATE SUBSCRIPTION sub1 CONNECTION 'host=127.0.0.1 port=1 dbname=none' PUBLICATION foo
        WITH (connect = false, slot_name = 'a_slot');
    CREATE FOREIGN DATA WRAPPER w;
    CREATE SERVER far FOREIGN DATA WRAPPER w;
    CREATE USER MAPPING FOR PUBLIC SERVER far OPTIONS (password 's3cret');
    CREATE FOREIGN TABLE ft (id int) SERVER far;
    CREATE VIEW v AS SELECT id FROM t;
    CREATE MATERIALIZED VIEW near AS SELECT id FROM v;
    CREATE VIEW u AS SELECT id FROM t;
    CREATE MATERIALIZED VIEW far_away AS SELECT id FROM u;
    CREATE OR REPLACE VIEW u AS SELECT id FROM ft;
    CREATE TABLE log (what text);
    CREATE FUNCTION note() RETURNS event_trigger LANGUAGE plpgsql
        AS 'BEGIN INSERT INTO public.log VALUES (tg_tag); END';
    CREATE EVENT TRIGGER noted ON ddl_command_end EXECUTE FUNCTION note();
    ALTER EVENT TRIGGER noted ENABLE ALWAYS;";

/// A login that is refused everywhere but here.
const REFUSING: &str = "
    CREATE FUNCTION refuse() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN
        IF current_database() LIKE ''rowkeep\\_drill\\_%'' THEN RAISE EXCEPTION ''no logins''; END IF;
    END';
    CREATE EVENT TRIGGER refusing ON login EXECUTE FUNCTION refuse();";

#[test]
fn a_scratch_database_acts_on_nothing_and_goes() {
    for (server, has_logins) in servers().into_iter().zip([false, true]) {
        let sandbox = Sandbox::new();
        let shop = server.database("rowkeep_cli_reaching");
        shop.sql(REACHING_OUT);
        if has_logins {
            shop.sql(REFUSING);
        }
        sandbox.done(&["backup", &shop.url(), "--quiet"]);
        let name = shop.url().rsplit('/').next().expect("the URL names a database").to_owned();
        let args = [name.as_str(), "--to-server", &server.url, "--json"];
        let ran = drill(&sandbox, &scratch(&sandbox), &args).expect(0);
        let report = &reports(&ran)[0];
        assert_eq!(found(report, "proven equal")["status"], "passed");
        let note = found(report, "restored exactly")["detail"].to_string();
        assert!(note.contains("other servers") && note.contains("far_away"), "{note}");
        assert!(!report.to_string().contains("scratch removed"), "{report:#}");
        assert_eq!(drills(&server), Vec::<String>::new());
        const SUBSCRIPTIONS: &str = "SELECT count(*) FROM pg_subscription WHERE subname = 'sub1' AND subdbid <> \
            (SELECT oid FROM pg_database WHERE datname = current_database())";
        assert_eq!(shop.sql(SUBSCRIPTIONS).trim(), "0");
        shop.sql("ALTER SUBSCRIPTION sub1 SET (slot_name = NONE); DROP SUBSCRIPTION sub1");
    }
}

#[test]
fn on_a_server_of_its_own() {
    use std::os::unix::fs::PermissionsExt as _;
    for server in servers() {
        let sandbox = Sandbox::new();
        let shop = server.database("rowkeep_cli_own");
        shop.sql(SHOP);
        sandbox.done(&["backup", &shop.url(), "--quiet"]);
        let name = shop.url().rsplit('/').next().expect("the URL names a database").to_owned();
        let temporary = scratch(&sandbox);
        // As root the server runs as another user, who has to get there.
        std::fs::set_permissions(sandbox.path(""), std::fs::Permissions::from_mode(0o755))
            .expect("it is ours");
        let ran = drill(&sandbox, &temporary, &[&name, "--json"]).expect(0);
        assert_eq!(found(&reports(&ran)[0], "proven equal")["status"], "passed");
        assert!(is_empty(&temporary), "the server is still there");

        let mut command = sandbox.command(&["drill", &name, "--quiet"]);
        let child = command.env("TMPDIR", &temporary).stdout(Stdio::null()).spawn().expect("it can be run");
        let log_says = |words: &str| {
            let logs =
                files_below_if_there(&temporary).into_iter().filter(|file| file.ends_with("server/log"));
            logs.filter_map(|log| std::fs::read_to_string(log).ok()).any(|log| log.contains(words))
        };
        kill_when(child, || log_says("ready to accept connections"));
        assert!(!is_empty(&temporary), "the drill was over before it was killed");
        let ran = drill(&sandbox, &temporary, &[&name, "--json"]).expect(0);
        assert_eq!(found(&reports(&ran)[0], "remains removed")["status"], "passed");
        assert!(is_empty(&temporary), "the server of the killed drill is still there");
    }
}

/// Every file below a folder whose contents come and go.
fn files_below_if_there(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files
}
