//! Commands and webhooks around operations.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::sandbox::{Ran, Sandbox, signal};
use crate::web::Web;

const SHOP: &str = "CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT);
    INSERT INTO customers VALUES (1, 'Ada'), (2, 'Ben');";
const HARM: &str = "DELETE FROM customers WHERE id = 2; UPDATE customers SET name = 'Adam'";

/// A database that was backed up and harmed, with a configuration that names it.
fn harmed(hooks: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.sql("shop.db", SHOP);
    sandbox.done(&["backup", "shop.db"]);
    sandbox.sql("shop.db", HARM);
    configure(&sandbox, hooks);
    sandbox
}

fn configure(sandbox: &Sandbox, hooks: &str) {
    let config = format!("[databases.shop]\nurl = 'shop.db'\n{hooks}");
    std::fs::write(sandbox.path("rowkeep.toml"), config).expect("the file can be written");
}

/// A hook that writes a line into the file `log`.
fn logging(section: &str, when: &str, line: &str) -> String {
    format!("[[{section}]]\nwhen = '{when}'\nrun = 'echo \"{line}\" >> log'\n")
}

fn log(sandbox: &Sandbox) -> Vec<String> {
    let text = std::fs::read_to_string(sandbox.path("log")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

fn names(sandbox: &Sandbox) -> String {
    sandbox.query("shop.db", "SELECT name FROM customers ORDER BY id").replace('\n', ",")
}

const RESTORE: [&str; 5] = ["restore", "latest", "--to", "shop", "--yes"];

#[test]
fn hooks_run_in_order_and_know_what_happens() {
    let facts = "$ROWKEEP_WHEN $ROWKEEP_OPERATION $ROWKEEP_DATABASE ${ROWKEEP_OUTCOME:-begins} \
                 $ROWKEEP_ROWS_INSERTED/$ROWKEEP_ROWS_UPDATED/$ROWKEEP_ROWS_DELETED";
    let sandbox = harmed(
        &[
            logging("databases.shop.hooks", "before-restore", &format!("own {facts}")),
            logging("databases.shop.hooks", "after-restore", &format!("own {facts}")),
            logging("databases.shop.hooks", "after-undo", "$ROWKEEP_OPERATION $ROWKEEP_OUTCOME"),
            logging("databases.shop.hooks", "after-backup", "$ROWKEEP_SNAPSHOT"),
        ]
        .concat(),
    );
    let all = std::fs::read_to_string(sandbox.path("rowkeep.toml")).expect("it was written");
    let global = [
        logging("hooks", "before-restore", "all $ROWKEEP_SNAPSHOT"),
        logging("hooks", "after-restore", "all $ROWKEEP_SAFETY"),
    ];
    std::fs::write(sandbox.path("rowkeep.toml"), global.concat() + &all).expect("it is written");

    let snapshot = sandbox.json(&["show", "latest"])["id"].as_str().expect("it has an id").to_owned();
    let done = sandbox.json(&RESTORE);
    assert_eq!(
        log(&sandbox),
        [
            format!("all {snapshot}"),
            "own before-restore restore shop begins 1/1/0".to_owned(),
            "own after-restore restore shop ok 1/1/0".to_owned(),
            format!("all {}", done["safety"].as_str().expect("a safety snapshot was taken")),
        ]
    );
    std::fs::remove_file(sandbox.path("log")).expect("it is there");
    sandbox.done(&["undo", "shop", "--yes"]);
    let made = sandbox.json(&["backup", "shop"])["snapshots"][0]["id"].clone();
    assert_eq!(log(&sandbox), ["undo ok", made.as_str().expect("it has an id")]);
    // The same database by its path; but not another file of the same name.
    sandbox.done(&["backup", "./shop.db"]);
    assert_eq!(log(&sandbox).len(), 3);
    std::fs::create_dir(sandbox.path("other")).expect("it can be made");
    sandbox.sql("other/shop.db", SHOP);
    sandbox.done(&["backup", "other/shop.db"]);
    assert_eq!(log(&sandbox).len(), 3);
}

#[test]
fn hooks_stand_around_migrations_and_restores_of_the_schema_too() {
    let facts =
        "$ROWKEEP_OPERATION ${ROWKEEP_OUTCOME:-begins} $ROWKEEP_ROWS_DELETED $ROWKEEP_ERROR$ROWKEEP_SAFETY";
    let sandbox = harmed(
        &[
            logging("databases.shop.hooks", "before-migrate", facts),
            logging("databases.shop.hooks", "after-migrate", facts),
            logging("databases.shop.hooks", "after-restore", facts),
            logging("databases.shop.hooks", "after-undo", facts),
        ]
        .concat(),
    );
    let first = sandbox.json(&["show", "latest"])["id"].as_str().expect("it has an id").to_owned();
    sandbox.run(&["migrate", "shop", "--", "sh", "-c", "exit 3"]).expect(1);
    let lines = log(&sandbox);
    assert_eq!(lines[0].trim(), "migrate begins");
    assert!(lines[1].starts_with("migrate failed 0 ") && lines[1].contains('3'), "{lines:?}");
    let restore = ["restore", &first, "--to", "shop", "--with-schema", "--yes"];
    let restored = sandbox.json(&restore)["safety"].clone();
    let undone = sandbox.json(&["undo", "shop", "--yes"])["safety"].clone();
    let told = |operation: &str, safety: &Value| {
        format!("{operation} ok 0 {}", safety.as_str().expect("a safety snapshot was taken"))
    };
    assert_eq!(log(&sandbox)[2..], [told("restore", &restored), told("undo", &undone)]);
    sandbox.done(&[&restore[..], &["--no-hooks"]].concat());
    sandbox.done(&["undo", "shop", "--yes", "--no-hooks"]);
    sandbox.run(&["migrate", "shop", "--no-hooks", "--", "sh", "-c", "exit 3"]).expect(1);
    assert_eq!(log(&sandbox).len(), 4);
}

#[test]
fn a_failing_hook_before_stops_everything_and_those_after_run_all_the_same() {
    let sandbox = harmed(&[
        "[[databases.shop.hooks]]\nwhen = 'before-restore'\nrun = 'echo no service; exit 7'\nname = 'gate'\n",
        &logging("databases.shop.hooks", "before-restore", "never"),
        "[[databases.shop.hooks]]\nwhen = 'after-restore'\nrun = 'exit 1'\n",
        &logging("databases.shop.hooks", "after-restore", "$ROWKEEP_OUTCOME: $ROWKEEP_ERROR"),
    ]
    .concat());
    let stopped = sandbox.run(&RESTORE).expect(1).says(&[
        "[gate] no service",
        "error: after-restore hook exit ended with exit status: 1",
        "error: before-restore hook gate ended with exit status: 7: no service",
        "--no-hooks",
    ]);
    assert_eq!(names(&sandbox), "Adam", "{stopped:?}");
    assert_eq!(log(&sandbox), ["failed: before-restore hook gate ended with exit status: 7: no service"]);
    assert_eq!(sandbox.json(&["snapshots"])["snapshots"].as_array().map(Vec::len), Some(1));

    // What changes nothing runs nothing, and so does who asks for nothing.
    sandbox.done(&["restore", "latest", "--to", "shop", "--dry-run"]);
    sandbox.run(&["restore", "latest", "--to", "shop"]).expect(4).says(&["no terminal to ask"]);
    sandbox.done(&[&RESTORE[..], &["--no-hooks"]].concat());
    assert_eq!((log(&sandbox).len(), names(&sandbox).as_str()), (1, "Ada,Ben"));
    sandbox.done(&[&RESTORE[..], &["--quiet"]].concat());
    assert_eq!(log(&sandbox).len(), 1, "nothing was to be changed");
}

#[test]
fn a_failing_hook_after_is_told_and_takes_nothing_back() {
    let sandbox = harmed("[[databases.shop.hooks]]\nwhen = 'after-restore'\nrun = './missing off'\n");
    sandbox
        .run(&RESTORE)
        .expect(1)
        .says(&["after-restore hook missing ended with", "the restore itself is done"]);
    assert_eq!(names(&sandbox), "Ada,Ben");
    sandbox.sql("shop.db", HARM);
    configure(&sandbox, &logging("databases.shop.hooks", "after-restore", "$ROWKEEP_OUTCOME"));
    let taken = "INSERT INTO customers VALUES (1, 'twice')";
    sandbox.run(&[&RESTORE[..], &["--also-run", taken]].concat()).expect(4).says(&["UNIQUE"]);
    assert_eq!((log(&sandbox).concat().as_str(), names(&sandbox).as_str()), ("refused", "Adam"));
    configure(&sandbox, "[[databases.shop.hooks]]\nwhen = 'after-restore'\nrun = './missing off'\n");
    sandbox.run(&RESTORE).expect(1);
    // The status of an operation that failed by itself stays its own.
    sandbox.run(&["restore", "latest", "--to", "shop", "--yes", "--also-run", "nonsense"]).expect(0);
    sandbox.sql("shop.db", HARM);
    let failed = sandbox.run(&["restore", "latest", "--to", "shop", "--yes", "--also-run", "nonsense"]);
    failed.expect(2).says(&["after-restore hook missing", "nonsense"]);
}

#[test]
fn hooks_stand_around_a_restore_into_a_new_database_too() {
    let sandbox = harmed(
        &[
            logging("hooks", "before-restore", "$ROWKEEP_WHEN"),
            logging("hooks", "after-restore", "$ROWKEEP_OUTCOME $ROWKEEP_ROWS_INSERTED"),
        ]
        .concat(),
    );
    std::fs::write(
        sandbox.path("rowkeep.toml"),
        [
            logging("hooks", "before-restore", "$ROWKEEP_WHEN"),
            logging("hooks", "after-restore", "$ROWKEEP_OUTCOME $ROWKEEP_ROWS_INSERTED"),
        ]
        .concat(),
    )
    .expect("it is written");
    sandbox.run(&["restore", "latest", "--to", "new.db", "--tables", "nothing"]).expect(2);
    sandbox.done(&["restore", "latest", "--to", "new.db"]);
    assert_eq!(log(&sandbox), ["before-restore", "ok 2"]);
}

#[test]
fn webhooks_are_sent_until_they_are_taken() {
    let web = Web::answering(&["503 Service Unavailable", "200 OK"]);
    let sandbox = harmed(&format!(
        "[[databases.shop.hooks]]\nwhen = ['before-restore', 'after-restore']\nurl = '{}?key=${{KEY}}'\n\
         headers = {{ Authorization = 'Bearer ${{KEY}}' }}\n",
        web.url("hook")
    ));
    // Commands without hooks need nothing of that.
    sandbox.done(&["snapshots"]);
    sandbox.run(&RESTORE).expect(1).says(&["the environment variable KEY is not set"]);
    assert_eq!((names(&sandbox).as_str(), web.received().len()), ("Adam", 0));

    let output = sandbox.command(&RESTORE).env("KEY", "s3cret").output().expect("it runs");
    let ran = Ran::of(&output).expect(0);
    assert!(!format!("{}{}", ran.out, ran.err).contains("s3cret"), "{ran:?}");
    let received = web.received();
    assert_eq!(received.len(), 3, "{received:?}");
    assert!(received[0].head.starts_with("POST /hook?key=s3cret HTTP/1.1"), "{received:?}");
    assert!(received[0].head.to_lowercase().contains("authorization: bearer s3cret"), "{received:?}");
    let bodies: Vec<Value> =
        received.iter().map(|request| serde_json::from_str(&request.body).expect("it is JSON")).collect();
    assert_eq!(bodies[0], bodies[1], "the same is sent again");
    assert_eq!(bodies[1]["when"], "before-restore");
    assert_eq!(bodies[1]["outcome"], Value::Null);
    assert_eq!(bodies[2]["outcome"], "ok");
    assert_eq!(bodies[2]["database"], "shop");
    assert_eq!(bodies[2]["rows"], json!({ "inserted": 1, "updated": 1, "deleted": 0 }));
    assert_eq!(names(&sandbox), "Ada,Ben");
}

#[test]
fn a_webhook_that_is_refused_stops_the_operation_and_shows_no_secret() {
    for status in [&["403 Forbidden"], &["302 Found"]] {
        let web = Web::answering(status);
        let url = web.url("services/T0/s3cret");
        let sandbox = harmed(&format!("[[hooks]]\nwhen = 'before-restore'\nurl = '{url}'\n"));
        std::fs::write(
            sandbox.path("rowkeep.toml"),
            format!("[[hooks]]\nwhen = 'before-restore'\nurl = '{url}'\n[databases.shop]\nurl = 'shop.db'\n"),
        )
        .expect("it is written");
        let refused = sandbox.run(&RESTORE).expect(1).says(&["hook 127.0.0.1 was answered", &status[0][..3]]);
        assert!(!refused.err.contains("s3cret"), "{refused:?}");
        assert_eq!((web.received().len(), names(&sandbox).as_str()), (1, "Adam"));
    }
    // Nobody listens there: the port was free a moment ago.
    let port =
        std::net::TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port").port();
    let sandbox = harmed(&format!(
        "[[databases.shop.hooks]]\nwhen = 'before-restore'\nurl = 'http://127.0.0.1:{port}/s3cret'\ntimeout = '1s'\n"
    ));
    let refused = sandbox.run(&RESTORE).expect(1).says(&["hook 127.0.0.1 failed", "refused"]);
    assert!(!refused.err.contains("s3cret"), "{refused:?}");
}

#[test]
fn a_command_that_takes_too_long_is_ended_with_its_children() {
    let sandbox = harmed(
        "[[databases.shop.hooks]]\nwhen = 'before-restore'\ntimeout = '1s'\n\
         run = '(trap \"\" TERM; while :; do sleep 1000; done) & echo $! > child; wait'\n",
    );
    sandbox.run(&RESTORE).expect(1).says(&["took longer than 1 s and was ended"]);
    assert_eq!(names(&sandbox), "Adam");
    let child = std::fs::read_to_string(sandbox.path("child")).expect("it was started");
    until(&format!("process {} is gone", child.trim()), || !is_running(child.trim()));
}

/// Whether a process runs; one that has ended and was not yet waited for does not.
fn is_running(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with(['Z', 'X']))
}

#[track_caller]
fn until(what: &str, holds: impl Fn() -> bool) {
    let limit = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < limit, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Runs a restore until a line with these words is on stderr, interrupts it, and gives its status and the rest of stderr.
fn interrupted(sandbox: &Sandbox, words: &str) -> (Option<i32>, String) {
    let mut child =
        sandbox.command(&RESTORE).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it runs");
    let mut errors = BufReader::new(child.stderr.take().expect("it is piped"));
    let mut text = String::new();
    while !text.contains(words) {
        assert!(errors.read_line(&mut text).expect("it is text") > 0, "no {words:?} in {text}");
    }
    signal("INT", &child.id().to_string());
    std::io::Read::read_to_string(&mut errors, &mut text).expect("it is text");
    (child.wait().expect("it ends").code(), text)
}

#[test]
fn an_interrupted_restore_ends_what_was_begun() {
    let after = logging("databases.shop.hooks", "after-restore", "$ROWKEEP_OUTCOME");
    let web = Web::answering(&["200 OK"]);
    let sent = format!("[[databases.shop.hooks]]\nwhen = 'after-restore'\nurl = '{}'\n", web.url("hook"));
    let sandbox = harmed(&[after.as_str(), &sent].concat());
    let writer = rusqlite::Connection::open(sandbox.path("shop.db")).expect("it opens");
    writer.execute_batch("BEGIN IMMEDIATE").expect("nobody else writes");
    let (status, text) = interrupted(&sandbox, "changing rows");
    assert_eq!((status, log(&sandbox)), (Some(1), vec!["interrupted".to_owned()]), "{text}");
    writer.execute_batch("ROLLBACK").expect("it was begun");
    assert_eq!((names(&sandbox).as_str(), web.received().len()), ("Adam", 1), "{text}");

    // In a hook before it, which is ended too, though it would go on for long.
    let sandbox = harmed(&format!(
        "[[databases.shop.hooks]]\nwhen = 'before-restore'\nrun = 'sleep 1000 & echo $! > child; echo waiting; wait'\n{after}"
    ));
    let (status, text) = interrupted(&sandbox, "waiting");
    assert_eq!((status, log(&sandbox)), (Some(1), vec!["interrupted".to_owned()]), "{text}");
    assert_eq!(names(&sandbox), "Adam");
    let child = std::fs::read_to_string(sandbox.path("child")).expect("it was started");
    until(&format!("process {} is gone", child.trim()), || !is_running(child.trim()));
}
