//! Restores into databases that others use at the same time, and restores that are killed.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::postgres::{Database, Server, servers};
use crate::sandbox::{Numbers, Sandbox, filled, signal};

/// A restore that runs this in its transaction waits there until the lock is let go.
const WAIT: &str = "SELECT pg_advisory_xact_lock(7)";
/// The same, and is not done when that is cancelled for the first time.
const STUBBORN: &str = "DO 'BEGIN PERFORM pg_advisory_xact_lock(7); \
    EXCEPTION WHEN query_canceled THEN PERFORM pg_sleep(1000); END'";
const HOLDERS: &str = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 7 AND granted \
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
const WAITERS: &str = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 7 AND NOT granted \
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
const OTHERS: &str = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
    AND backend_type = 'client backend' AND pid <> pg_backend_pid()";

/// Waits for what must come about, however slow the machine is.
#[track_caller]
fn until(what: &str, mut is: impl FnMut() -> bool) {
    let limit = Instant::now() + Duration::from_secs(120);
    while !is() {
        assert!(Instant::now() < limit, "{what}: not within two minutes");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn count(database: &Database<'_>, query: &str) -> u64 {
    database.sql(query).trim().parse().expect("a number")
}

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Holds the lock that [`WAIT`] waits for.
fn hold(server: &Server, database: &Database<'_>) -> Running {
    let sql = "SELECT pg_advisory_lock(7), pg_sleep(600)";
    let mut psql = server.program("psql");
    psql.args(["-X", "-q", "-d", &database.url(), "-c", sql]).stdout(Stdio::null()).stderr(Stdio::null());
    let running = Running(psql.spawn().expect("psql can be run"));
    until("the lock is held", || count(database, HOLDERS) == 1);
    running
}

fn let_go(database: &Database<'_>) {
    database.sql("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = 7 AND granted \
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())");
}

const CUSTOMERS: &str =
    "CREATE TABLE customers (id integer PRIMARY KEY, name text, visits integer NOT NULL DEFAULT 0);
    INSERT INTO customers SELECT n, 'Customer ' || n FROM generate_series(1, 5000) n";

/// Begins to restore the deleted customers, up to where all is done but the end of the transaction.
fn restore_and_wait(sandbox: &Sandbox, shop: &Database<'_>) -> Running {
    let arguments =
        ["restore", "first", "--to", &shop.url(), "--tables", "customers", "--also-run", WAIT, "--yes"];
    let mut command = sandbox.command(&arguments);
    let restore =
        Running(command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it can be run"));
    until("the restore is in its transaction", || count(shop, WAITERS) == 1);
    restore
}

#[test]
fn others_go_on_writing_while_rows_come_back() {
    for server in servers() {
        let sandbox = Sandbox::new();
        let shop = server.database("rowkeep_cli_busy");
        shop.sql(CUSTOMERS);
        let made = server.program("pgbench").args(["-i", "-q", "-s", "1", &shop.url()]).output();
        assert!(made.expect("pgbench can be run").status.success());
        sandbox.done(&["backup", &shop.url(), "--name", "first"]);
        shop.sql("DELETE FROM customers WHERE id % 10 = 0");

        let mut pgbench = server.program("pgbench");
        pgbench.args(["-n", "-c", "4", "-j", "2", "-T", "600", &shop.url()]);
        let writers =
            Running(pgbench.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("pgbench runs"));
        let written = || count(&shop, "SELECT count(*) FROM pgbench_history");
        until("pgbench writes", || written() > 0);
        let holder = hold(&server, &shop);
        let mut restore = restore_and_wait(&sandbox, &shop);

        // Everything is done but not committed, and nobody is held up who does not want the same rows.
        assert_eq!(count(&shop, "SELECT count(*) FROM customers"), 4500);
        let before = written();
        until("pgbench goes on", || written() > before + 100);
        shop.sql(
            "SET lock_timeout = '60s'; UPDATE customers SET visits = visits + 1 WHERE id = 1; \
            INSERT INTO customers VALUES (5001, 'new')",
        );

        let_go(&shop);
        assert!(restore.0.wait().expect("the restore ends").success());
        drop((holder, writers));
        until("pgbench is gone", || count(&shop, OTHERS) == 0);
        assert!(written() > before, "pgbench wrote while the restore was in its transaction");
        assert_eq!(count(&shop, "SELECT count(*) FROM customers WHERE name LIKE 'Customer %'"), 5000);
        assert_eq!(count(&shop, "SELECT visits FROM customers WHERE id = 1"), 1);
        assert_eq!(count(&shop, "SELECT count(*) FROM customers WHERE id = 5001"), 1);
        // Every transaction of pgbench adds the same to an account, a teller and a branch as to the history.
        let sums = shop.sql(
            "SELECT count(DISTINCT sum) FROM (SELECT sum(abalance) FROM pgbench_accounts UNION ALL SELECT sum(tbalance) FROM pgbench_tellers
             UNION ALL SELECT sum(bbalance) FROM pgbench_branches UNION ALL SELECT sum(delta) FROM pgbench_history) sums",
        );
        assert_eq!(sums.trim(), "1", "no committed write is lost");
    }
}

#[test]
fn a_restore_that_is_killed_in_its_transaction_changes_nothing() {
    for server in servers() {
        let sandbox = Sandbox::new();
        let shop = server.database("rowkeep_cli_killed");
        shop.sql(CUSTOMERS);
        sandbox.done(&["backup", &shop.url(), "--name", "first"]);
        shop.sql(
            "DELETE FROM customers WHERE id % 10 = 0; UPDATE customers SET visits = 3 WHERE id % 10 = 1",
        );
        sandbox.done(&["backup", &shop.url(), "--name", "harmed"]);
        let holder = hold(&server, &shop);
        let mut restore = restore_and_wait(&sandbox, &shop);
        restore.0.kill().expect("it can be killed");
        restore.0.wait().expect("it ends");
        let_go(&shop);
        drop(holder);
        until("its session is gone", || count(&shop, OTHERS) == 0);
        sandbox.done(&["verify", "harmed", "--against", &shop.url()]);
        sandbox.done(&["check", "--read-data"]);
        sandbox.done(&["restore", "first", "--to", &shop.url(), "--yes"]);
        sandbox.done(&["verify", "first", "--against", &shop.url()]);
    }
}

/// How many locks there are on the table.
const LOCKS: &str = "SELECT count(*) FROM pg_locks WHERE relation = 'customers'::regclass";

/// Configures the database with a hook that writes down how a restore ended and how many locks there were then.
fn tell_of_locks(server: &Server, sandbox: &Sandbox, shop: &Database<'_>) {
    let psql = server.program("psql");
    let config = format!(
        r#"[databases.shop]
url = "{url}"
[[databases.shop.hooks]]
when = "after-restore"
run = """echo "$ROWKEEP_OUTCOME $('{psql}' -XAtc "{LOCKS}" '{url}')" > seen"""
"#,
        url = shop.url(),
        psql = psql.get_program().to_string_lossy(),
    );
    std::fs::write(sandbox.path("rowkeep.toml"), config).expect("it is written");
}

/// Asks a restore to stop that waits in its transaction; the hook must see that it has ended on the server.
fn interrupt(sandbox: &Sandbox, shop: &Database<'_>, arguments: &[&str]) {
    let mut command = sandbox.command(arguments);
    let mut restore =
        Running(command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it can be run"));
    until("the restore is in its transaction", || count(shop, WAITERS) == 1);
    assert!(count(shop, LOCKS) > 0, "its locks can be seen");
    signal("TERM", &restore.0.id().to_string());
    assert_eq!(restore.0.wait().expect("it ends").code(), Some(1));
    let seen = std::fs::read_to_string(sandbox.path("seen")).expect("the hook ran");
    assert_eq!(seen.trim(), "interrupted 0");
}

/// A restore that is asked to stop has ended on the server before its hooks run, and leaves nothing.
#[test]
fn a_restore_that_is_interrupted_has_ended_before_its_hooks_run() {
    for server in servers() {
        let sandbox = Sandbox::new();
        let shop = server.database("rowkeep_cli_interrupted");
        shop.sql(CUSTOMERS);
        tell_of_locks(&server, &sandbox, &shop);
        sandbox.done(&["backup", "shop", "--name", "first"]);
        shop.sql("DELETE FROM customers WHERE id % 10 = 0");
        let harmed = sandbox.done(&["snapshots"]).out;
        let holder = hold(&server, &shop);
        let arguments = ["restore", "first", "--to", "shop", "--also-run", STUBBORN, "--yes"];
        interrupt(&sandbox, &shop, &arguments);
        assert_eq!(sandbox.done(&["snapshots"]).out, harmed, "its safety snapshot is gone");
        assert_eq!(count(&shop, "SELECT count(*) FROM customers"), 4500);
        let_go(&shop);
        drop(holder);
        sandbox.done(&["check", "--read-data"]);
    }
}

/// The same while the whole database is being replaced.
#[test]
fn a_replacement_that_is_interrupted_has_ended_before_its_hooks_run() {
    for server in servers() {
        let sandbox = Sandbox::new();
        let shop = server.database("rowkeep_cli_replaced");
        shop.sql(CUSTOMERS);
        shop.sql(
            "CREATE FUNCTION stubborn() RETURNS integer LANGUAGE plpgsql AS 'BEGIN PERFORM pg_advisory_xact_lock(7); RETURN 1; \
             EXCEPTION WHEN query_canceled THEN PERFORM pg_sleep(1000); RETURN 2; END'; \
             CREATE MATERIALIZED VIEW slow AS SELECT public.stubborn() AS n",
        );
        tell_of_locks(&server, &sandbox, &shop);
        sandbox.done(&["backup", "shop", "--name", "first"]);
        shop.sql("ALTER TABLE customers ADD COLUMN more text; DELETE FROM customers WHERE id % 10 = 0");
        sandbox.done(&["backup", "shop", "--name", "second"]);
        let before = sandbox.done(&["snapshots"]).out;
        let holder = hold(&server, &shop);
        let arguments = ["restore", "first", "--to", "shop", "--with-schema", "--yes"];
        interrupt(&sandbox, &shop, &arguments);
        assert_eq!(sandbox.done(&["snapshots"]).out, before, "its safety snapshot is gone");
        let_go(&shop);
        drop(holder);
        sandbox.done(&["verify", "second", "--against", "shop"]);
        assert_eq!(count(&shop, "SELECT count(more) FROM customers"), 0, "the column is still there");
    }
}

/// Kills restores at random moments; after each the database is as before or as after, never between.
fn kill_at_random(sandbox: &Sandbox, database: &str, harm: &mut dyn FnMut(), settled: &dyn Fn()) {
    const KILLS: u32 = 6;
    const ROUNDS_AT_MOST: u32 = 60;
    sandbox.done(&["backup", database, "--name", "good"]);
    harm();
    sandbox.done(&["backup", database, "--name", "harmed"]);
    let started = Instant::now();
    sandbox.done(&["restore", "good", "--to", database, "--yes"]);
    let mut whole = started.elapsed();
    let mut numbers = Numbers(20_261_121);
    let (mut killed, mut as_before) = (0, 0);
    for round in 0.. {
        if killed == KILLS {
            break;
        }
        assert!(round < ROUNDS_AT_MOST, "only {killed} of {round} restores still ran when they were killed");
        sandbox.done(&["restore", "harmed", "--to", database, "--yes", "--no-safety"]);
        let mut command = sandbox.command(&["restore", "good", "--to", database, "--yes"]);
        let mut restore =
            Running(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it runs"));
        let began = Instant::now();
        let moment = whole.mul_f64(0.3 + numbers.below(700) as f64 / 1000.0);
        while began.elapsed() < moment && restore.0.try_wait().expect("its state is known").is_none() {
            std::thread::sleep(Duration::from_millis(1));
        }
        if restore.0.try_wait().expect("its state is known").is_none() {
            restore.0.kill().expect("it can be killed");
            killed += 1;
        } else {
            // They take less time than the first did.
            whole = whole.mul_f64(0.8);
        }
        restore.0.wait().expect("it ends");
        settled();
        let good = sandbox.run(&["verify", "good", "--against", database]).status == 0;
        let harmed = sandbox.run(&["verify", "harmed", "--against", database]).status == 0;
        assert!(good != harmed, "round {round}: the database is neither as before nor as after");
        as_before += u32::from(harmed);
    }
    assert!(as_before > 0, "every restore was done before it was killed");
    sandbox.done(&["check"]);
}

#[test]
fn killed_restores_leave_sqlite_as_before_or_after() {
    let sandbox = Sandbox::new();
    sandbox.sql("app.db", &filled(20_000));
    let mut harm = || {
        sandbox.sql("app.db", "UPDATE events SET payload = randomblob(120) WHERE id % 3 = 0; DELETE FROM people WHERE balance > 1000");
    };
    kill_at_random(&sandbox, "app.db", &mut harm, &|| ());
}

#[test]
fn killed_restores_leave_postgresql_as_before_or_after() {
    for server in servers() {
        let sandbox = Sandbox::new();
        let shop = server.database("rowkeep_cli_kills");
        shop.sql(CUSTOMERS);
        shop.sql(
            "INSERT INTO customers SELECT n, repeat(md5(n::text), 4) FROM generate_series(5001, 30000) n",
        );
        let mut harm = || {
            shop.sql("UPDATE customers SET name = name || ' changed' WHERE id % 3 = 0; DELETE FROM customers WHERE id % 7 = 0");
        };
        let settled = || until("its session is gone", || count(&shop, OTHERS) == 0);
        kill_at_random(&sandbox, &shop.url(), &mut harm, &settled);
    }
}
