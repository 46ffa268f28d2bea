//! Databases that are made or replaced when that is stopped: it has ended on the server before anybody hears of it.

use std::time::Duration;

use rowkeep_engine::{Contents, CreateOptions, ErrorKind, View, ViewOptions};
use tokio::net::{TcpListener, TcpStream};

use super::server::{Database, Server, assert_same_text, chain};

super::on_every_server!(
    replacements_that_are_stopped_have_ended,
    databases_in_the_making_are_gone_when_stopped,
    what_waits_before_anything_is_made_is_stopped,
    tables_that_are_just_being_made_are_gone,
    a_database_that_others_use_at_once_is_not_dropped,
    a_process_that_misses_a_question_is_asked_again,
);

/// How long a stop may take at most: it must not wait for who holds the lock.
const BOUND: Duration = Duration::from_secs(60);

/// A view that waits for a lock while it is filled, and is not done when that is cancelled for the first time.
const STUBBORN: &str = "
    CREATE TABLE t (id integer PRIMARY KEY, v text);
    INSERT INTO t SELECT n, 'v' || n FROM generate_series(1, 9) n;
    CREATE FUNCTION stubborn() RETURNS integer LANGUAGE plpgsql AS $$ BEGIN
      PERFORM pg_advisory_xact_lock(9); RETURN 1;
      EXCEPTION WHEN query_canceled THEN PERFORM pg_sleep(1000); RETURN 2; END $$;
    CREATE MATERIALIZED VIEW slow AS SELECT public.stubborn() AS n;";

const WAITERS: &str =
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 9 AND NOT granted";

/// Sessions of rowkeep in other databases than the one that is asked.
fn sessions(database: &Database) -> String {
    format!(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = '{}' AND application_name = 'rowkeep'",
        database.name
    )
}

/// The view of a database with [`STUBBORN`], which is to be restored.
async fn original(server: &Server) -> (Database, std::sync::Arc<dyn View>) {
    let original = server.database().await;
    original.run(STUBBORN).await;
    let view = server.engine(&original.name).open(&ViewOptions { with_ddl: true }).await;
    (original, view.expect("the database opens"))
}

/// Loads a target, stops it while it is being finished and waits for a lock, and gives up.
async fn stop_at_the_end(
    view: &dyn View,
    target: std::sync::Arc<dyn rowkeep_engine::Target>,
    options: &CreateOptions,
    at: &Database,
) {
    for table in &view.schema().tables {
        target.load(table, view.rows(table).await.expect("the rows are read")).await.expect("it is loaded");
    }
    let holder = at.client().await;
    holder.batch_execute("SELECT pg_advisory_lock(9)").await.expect("it is locked");
    let waiting =
        format!("{WAITERS} AND database = (SELECT oid FROM pg_database WHERE datname = '{}')", at.name);
    let (stopped, ()) = tokio::join!(tokio::time::timeout(BOUND, target.finish()), async {
        at.until(&waiting, |count| count == "1").await;
        options.stop.cancel();
    });
    let error = stopped.expect("it does not wait for the holder").expect_err("it was stopped");
    assert_eq!(error.kind(), ErrorKind::Stopped, "{}", chain(&error));
    let abandoned = tokio::time::timeout(BOUND, target.abandon()).await;
    abandoned.expect("it does not wait for the holder").expect("it is abandoned");
}

async fn replacements_that_are_stopped_have_ended(server: Server) {
    let (_original, view) = original(&server).await;
    let at = server.database().await;
    at.run("CREATE TABLE old (id integer); INSERT INTO old VALUES (1)").await;
    let before = at.dump().await;
    let options = CreateOptions::default();
    let engine = server.engine(&at.name);
    let target = engine.replace(view.schema(), &options).await.expect("it is begun");
    stop_at_the_end(&*view, target, &options, &at).await;
    // At once, and not when the server has noticed.
    let locks = "SELECT count(*) FROM pg_locks WHERE relation = 'old'::regclass \
                 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    assert_eq!(at.value(locks).await, "0");
    assert_same_text(&before, &at.dump().await);
}

async fn databases_in_the_making_are_gone_when_stopped(server: Server) {
    let (_original, view) = original(&server).await;
    let (empty, absent) = (server.database().await, server.absent());
    for at in [&empty, &absent] {
        let options = CreateOptions::default();
        let engine = server.engine(&at.name);
        let target = engine.create(view.schema(), &options).await.expect("it is begun");
        stop_at_the_end(&*view, target, &options, at).await;
        let left = engine.contents().await.expect("it is looked at");
        let expected = if at.name == empty.name { Contents::Empty } else { Contents::Missing };
        assert_eq!(left, expected);
    }
    empty.until(&sessions(&empty), |count| count == "0").await;
}

async fn what_waits_before_anything_is_made_is_stopped(server: Server) {
    let (_original, view) = original(&server).await;
    let (empty, absent) = (server.database().await, server.absent());
    let holder = empty.client().await;
    holder.batch_execute("BEGIN; LOCK TABLE pg_catalog.pg_extension").await.expect("it is locked");
    let engine = server.engine(&empty.name);
    let options = CreateOptions::default();
    let waiting = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = '{}' AND wait_event_type = 'Lock'",
        empty.name
    );
    let (stopped, ()) =
        tokio::join!(tokio::time::timeout(BOUND, engine.create(view.schema(), &options)), async {
            empty.until(&waiting, |count| count != "0").await;
            options.stop.cancel();
        });
    let error = stopped.expect("it does not wait for the holder").err().expect("it was stopped");
    assert_eq!(error.kind(), ErrorKind::Stopped, "{}", chain(&error));
    assert_eq!(empty.value(&waiting).await, "0", "the server has ended what it did");
    holder.batch_execute("COMMIT").await.expect("it ends");
    assert_eq!(engine.contents().await.expect("it is looked at"), Contents::Empty);

    // A database that cannot be begun is not left behind.
    let mut schema = view.schema().clone();
    schema.ddl.iter_mut().for_each(|part| part.sql = part.sql.replace("CREATE TABLE", "CREATE NO TABLE"));
    let engine = server.engine(&absent.name);
    engine.create(&schema, &CreateOptions::default()).await.err().expect("the statements are wrong");
    assert_eq!(engine.contents().await.expect("it is looked for"), Contents::Missing);
}

async fn tables_that_are_just_being_made_are_gone(server: Server) {
    let original = server.database().await;
    let tables = (0..600).map(|number| format!("CREATE TABLE t{number} (id integer PRIMARY KEY, v text);"));
    original.run(&tables.collect::<String>()).await;
    let view = server.engine(&original.name).open(&ViewOptions { with_ddl: true }).await.expect("it opens");
    let empty = server.database().await;
    let engine = server.engine(&empty.name);
    for round in 0..6 {
        let options = CreateOptions::default();
        let made = "SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relname LIKE 't%' AND oid >= 16384";
        let (created, ()) = tokio::join!(engine.create(view.schema(), &options), async {
            empty.until(made, |count| count.parse::<u32>().is_ok_and(|count| count > 60 * round)).await;
            options.stop.cancel();
        });
        match created {
            Ok(target) => target.abandon().await.expect("it is abandoned"),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Stopped, "{}", chain(&error)),
        }
        let left = engine.contents().await.expect("it is looked at");
        assert_eq!(left, Contents::Empty, "round {round}");
    }
}

/// The number of the lock that a restore holds.
const LOCK: i64 = i64::from_be_bytes(*b"rowkeep\0");

/// Between making a database and locking it somebody else may have got hold of it.
async fn a_database_that_others_use_at_once_is_not_dropped(server: Server) {
    let (_original, view) = original(&server).await;
    for (sql, kind) in [("", ErrorKind::NotEmpty), ("SELECT pg_advisory_lock", ErrorKind::Busy)] {
        let absent = server.absent();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("it has an address").to_string();
        let url = format!("{}?sslmode=disable", absent.url().replace(server.address(), &address));
        let (theirs, to) = (absent.url(), server.address().to_owned());
        let lock = if sql.is_empty() { String::new() } else { format!("{sql}({LOCK})") };
        let (keep, kept) = tokio::sync::oneshot::channel();
        let relaying = tokio::spawn(async move {
            let mut keep = Some(keep);
            // One finds no database, one makes it, and the next is the first to it but for the other.
            for number in 1.. {
                let (mut near, _) = listener.accept().await.expect("somebody connects");
                if number == 3 {
                    let other = super::server::connect(&theirs).await;
                    let use_it = format!("CREATE TABLE theirs (id integer); {lock}");
                    other.batch_execute(&use_it).await.expect("it is there");
                    keep.take().map(|keep| keep.send(other).ok());
                }
                let mut far = TcpStream::connect(&to).await.expect("the server answers");
                tokio::spawn(async move { tokio::io::copy_bidirectional(&mut near, &mut far).await });
            }
        });
        let engine = server.engine_at(&url);
        let error = engine.create(view.schema(), &CreateOptions::default()).await.err();
        let error = error.expect("the database is another's");
        assert_eq!(error.kind(), kind, "{}", chain(&error));
        let other = kept.await.expect("the other got hold of it");
        other.batch_execute("INSERT INTO theirs VALUES (1)").await.expect("it is still connected");
        assert_eq!(absent.value("SELECT count(*) FROM theirs").await, "1");
        relaying.abort();
    }
}

/// A server deletes a database when all of its processes have closed its files. One that does not answer, here because it is stopped, is asked
/// again and again.
async fn a_process_that_misses_a_question_is_asked_again(server: Server) {
    let (original, view) = original(&server).await;
    let absent = server.absent();
    let mut schema = view.schema().clone();
    schema.ddl.iter_mut().for_each(|part| part.sql = part.sql.replace("CREATE TABLE", "CREATE NO TABLE"));
    let engine = server.engine(&absent.name);
    let silent = original.client().await;
    let process = super::server::one_value(&silent, "SELECT pg_backend_pid()").await;
    let began = format!(
        "SELECT query_start FROM pg_stat_activity WHERE wait_event = 'ProcSignalBarrier' AND query LIKE 'DROP DATABASE%{}%'",
        absent.name
    );
    let stopped = StoppedProcess::new(process);
    let options = CreateOptions::default();
    let (created, ()) = tokio::join!(engine.create(&schema, &options), async {
        original.until(&began, |time| !time.is_empty()).await;
        let first = original.value(&began).await;
        original.until(&began, |time| !time.is_empty() && time != first).await;
        drop(stopped);
    });
    created.err().expect("the statements are wrong");
    assert_eq!(engine.contents().await.expect("it is looked for"), Contents::Missing);
    silent.batch_execute("SELECT 1").await.expect("nobody ended the other connection");
}

/// A process that does nothing as long as this lives.
struct StoppedProcess(String);

impl StoppedProcess {
    fn new(process: String) -> Self {
        signal("STOP", &process);
        Self(process)
    }
}

impl Drop for StoppedProcess {
    fn drop(&mut self) {
        signal("CONT", &self.0);
    }
}

/// Sends a signal to a process: by the shell's own `kill`, for not every machine has the program.
fn signal(name: &str, process: &str) {
    let status = std::process::Command::new("sh").args(["-c", &format!("kill -{name} {process}")]).status();
    assert!(status.expect("a shell runs").success(), "process {process} is signalled");
}
