//! A real pooler between rowkeep and the server, which has two connections for an application and us: the application finds
//! them as it left them.

use std::fs::{self, File, Permissions};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

use crate::postgres::{Server, servers};
use crate::sandbox::{Ran, Sandbox, signal};

/// How long the pooler may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// Debian's pgbouncer in front of a server.
struct Pooler {
    process: Child,
    port: u16,
    folder: tempfile::TempDir,
}

impl Pooler {
    fn start(server: &Server, mode: &str, connections: usize) -> Self {
        let (_, place) = server.url.split_once('@').expect("the URL names a user");
        let place = place.split('/').next().expect("it names a host");
        let (host, port) = place.rsplit_once(':').expect("it names a port");
        for _ in 0..20 {
            let folder = tempfile::tempdir().expect("a folder is made");
            fs::set_permissions(folder.path(), Permissions::from_mode(0o777)).expect("it is opened");
            let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
            let own = free.expect("a port is free").port();
            let users = folder.path().join("users");
            fs::write(&users, "\"postgres\" \"\"\n").expect("it is written");
            let configuration = folder.path().join("pgbouncer.ini");
            let text = format!(
                "[databases]\n* = host={host} port={port}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {own}\n\
                 unix_socket_dir = {}\nauth_type = trust\nauth_file = {}\npool_mode = {mode}\ndefault_pool_size = {connections}\n\
                 query_wait_timeout = 20\n",
                folder.path().display(),
                users.display()
            );
            fs::write(&configuration, text).expect("it is written");
            let log = File::create(folder.path().join("log")).expect("it is made");
            let program = std::env::var("ROWKEEP_TEST_PGBOUNCER").expect("scripts/with-servers names it");
            let mut command = Command::new(program);
            if rustix::process::geteuid().is_root() {
                // It refuses to run as root.
                command.args(["-u", "nobody"]);
            }
            let process =
                command.arg(&configuration).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn();
            let mut pooler = Self { process: process.expect("pgbouncer is installed"), port: own, folder };
            if pooler.answers() {
                return pooler;
            }
        }
        panic!("pgbouncer does not start");
    }

    /// The same by its socket.
    fn socket(&self, database: &str) -> String {
        let folder = self.folder.path().display().to_string().replace('/', "%2F");
        format!("postgres://postgres@{folder}:{}/{database}", self.port)
    }

    /// Whether it takes connections; not if another program has its port.
    fn answers(&mut self) -> bool {
        let limit = Instant::now() + PATIENCE;
        while Instant::now() < limit && self.process.try_wait().is_ok_and(|ended| ended.is_none()) {
            if TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return true;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        false
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", fs::read_to_string(self.folder.path().join("log")).unwrap_or_default());
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What the application keeps on each connection of the server's, as text.
type Kept = Vec<String>;

/// All that a connection of the server's has of an application. What the pooler itself sets is not among it.
const KEPT: &str = "SELECT concat_ws(' | ', \
    (SELECT string_agg(name || '=' || setting, ', ' ORDER BY name) FROM pg_catalog.pg_settings \
     WHERE name NOT LIKE 'transaction%' AND name <> 'application_name'), \
    (SELECT string_agg(name || ': ' || statement, ', ' ORDER BY name) FROM pg_catalog.pg_prepared_statements), \
    (SELECT string_agg(relname, ', ' ORDER BY relname) FROM pg_catalog.pg_class \
     WHERE relnamespace = pg_catalog.pg_my_temp_schema() AND relkind = 'r'), \
    (SELECT count(*) FROM pg_catalog.pg_locks WHERE pid = pg_catalog.pg_backend_pid() AND locktype = 'advisory'), \
    (SELECT count(*) FROM pg_catalog.pg_listening_channels()), pg_catalog.pg_backend_pid())";

/// An application of two clients, by which it has both connections at once.
struct Application {
    runtime: tokio::runtime::Runtime,
    clients: Vec<Client>,
}

impl Application {
    /// Connects, and leaves something of every kind on both connections of the server's.
    fn new(url: &str) -> Self {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
        let clients = runtime.block_on(async {
            let mut clients = Vec::new();
            for _ in 0..2 {
                let (client, connection) =
                    tokio_postgres::connect(url, NoTls).await.expect("the pooler answers");
                tokio::spawn(async move {
                    if let Err(error) = connection.await {
                        eprintln!("the application lost its connection: {error:?}");
                    }
                });
                clients.push(client);
            }
            clients
        });
        let application = Self { runtime, clients };
        application.on_both(
            "SET search_path = app; SET lock_timeout = '7s'; SET work_mem = '5MB'; SET statement_timeout = '70s'; \
             SET bytea_output = escape; SET array_nulls = off; SET IntervalStyle = iso_8601; SET row_security = off; \
             SET extra_float_digits = 0; SET enable_hashjoin = off; PREPARE things AS SELECT * FROM app.t; \
             PREPARE s0 AS SELECT 'the application''s'; CREATE TEMPORARY TABLE basket (a int); \
             CREATE TEMPORARY TABLE pg_class (oid int); SELECT pg_advisory_lock(pg_backend_pid()); LISTEN news",
        );
        application
    }

    /// Runs something on each connection of the server's, and gives what it answers.
    fn on_both(&self, sql: &str) -> Kept {
        self.runtime.block_on(async {
            for client in &self.clients {
                client.batch_execute("BEGIN").await.expect("a connection is free");
            }
            let mut answers = Vec::new();
            for client in &self.clients {
                for message in client.simple_query(sql).await.expect("it can be asked") {
                    if let SimpleQueryMessage::Row(row) = message {
                        answers.push(row.get(0).unwrap_or_default().to_owned());
                    }
                }
            }
            for client in &self.clients {
                client.batch_execute("COMMIT").await.expect("it goes on");
            }
            answers.sort();
            answers
        })
    }

    fn kept(&self) -> Kept {
        self.on_both(KEPT)
    }

    /// Does what applications do, over and over, until that is enough, and says how often it could.
    fn work(&self, enough: &AtomicBool) -> usize {
        self.runtime.block_on(async {
            let mut rounds = 0;
            while !enough.load(Ordering::Relaxed) {
                let work = "BEGIN; UPDATE t SET v = v + 1 WHERE id = 1; SELECT count(*) FROM t; EXECUTE things; \
                            INSERT INTO basket VALUES (1); ROLLBACK";
                if let Err(error) = self.clients[0].simple_query(work).await {
                    panic!("the application cannot work any more: {error:?}");
                }
                rounds += 1;
                tokio::time::sleep(Duration::from_millis(3)).await;
            }
            rounds
        })
    }
}

const SCHEMA: &str = "
    CREATE SCHEMA app;
    CREATE TYPE app.mood AS ENUM ('good', 'bad');
    CREATE TABLE app.t (id int PRIMARY KEY, v int CHECK (v < 1000), texts text[], bytes bytea, mood app.mood, email text);
    CREATE TABLE app.keyless (a text);
    CREATE TABLE app.refers (id serial PRIMARY KEY, t int REFERENCES app.t);
    CREATE FUNCTION app.double(int) RETURNS int LANGUAGE sql AS 'SELECT $1 * 2';
    CREATE VIEW app.many AS SELECT app.double(v) AS d FROM app.t;
    INSERT INTO app.t SELECT n, n, ARRAY['a', NULL, 'NULL'], '\\x00ff', 'good', n || '@example.org' FROM generate_series(1, 500) n;
    INSERT INTO app.keyless SELECT 'k' || n % 50 FROM generate_series(1, 500) n;
    INSERT INTO app.refers (t) SELECT n FROM generate_series(1, 500) n;
    SELECT lo_from_bytea(4711, '\\x00ff10');";

const EDITS: &str = "DELETE FROM app.refers WHERE t > 490; DELETE FROM app.t WHERE id > 490; UPDATE app.t SET v = 0 WHERE id = 7; \
    DELETE FROM app.keyless WHERE a = 'k3'";

#[test]
fn an_application_behind_a_pooler_notices_nothing() {
    for (server, order) in servers().into_iter().zip(["", "\nserver_round_robin = 1"]) {
        let database = server.database("rowkeep_cli_pooler");
        database.sql(SCHEMA);
        let nothing = server.database("rowkeep_cli_pooler_new");
        let nothing = nothing.url();
        let (_, empty) = nothing.rsplit_once('/').expect("the URL names a database");
        let pooler = Pooler::start(&server, &format!("transaction{order}"), 2);
        let direct = database.url();
        let (_, name) = direct.rsplit_once('/').expect("the URL names a database");
        let url = pooler.url(name);
        let sandbox = Sandbox::new();
        let write = |name: &str, text: &str| fs::write(sandbox.path(name), text).expect("it is written");
        let checks = "[[checks]]\nsql = \"select count(*) > 0 from app.t\"\nexpect = \"true\"\n\
                      [[checks]]\ntable = \"app.t\"\nmin_rows = 1\n[[checks]]\nno_orphans = true\n";
        write("checks.toml", checks);
        write("masks.toml", "\"app.t.email\" = { rule = \"fixed\", value = \"masked\" }\n");
        let application = Arc::new(Application::new(&url));
        let kept = application.kept();
        assert_eq!(kept.len(), 2);
        let beside = |status: i32, arguments: &[&str]| -> Ran {
            let enough = Arc::new(AtomicBool::new(false));
            let working = {
                let (application, enough) = (Arc::clone(&application), Arc::clone(&enough));
                std::thread::spawn(move || application.work(&enough))
            };
            let ran = sandbox.run(arguments);
            enough.store(true, Ordering::Relaxed);
            let rounds = working.join().unwrap_or_else(|_| panic!("{arguments:?}: {ran:#?}"));
            assert!(rounds > 0, "{arguments:?}: the application did nothing");
            let ran = ran.expect(status);
            for (now, before) in application.kept().iter().zip(&kept) {
                let differs = now.split(", ").zip(before.split(", ")).find(|(now, before)| now != before);
                assert_eq!(differs, None, "{arguments:?}: {ran:#?}");
                assert_eq!(now, before, "{arguments:?}");
            }
            ran
        };
        let edited = || database.sql(EDITS);

        let found = beside(0, &["doctor", &url]);
        assert!(found.out.contains("through a pooler in transaction mode"), "{found:#?}");
        beside(0, &["backup", &url, "--name", "first"]);
        sandbox.done(&["verify", "first", "--against", &direct]);
        beside(0, &["verify", "first", "--against", &url]);
        beside(0, &["check-data", &url, "--checks", "checks.toml"]);
        beside(0, &["diff", "first", &url]);
        edited();
        beside(3, &["diff", "first", &url]);
        beside(0, &["history", "app.t", "7", name]);
        beside(0, &["export", &url, "--to", "-", "--format", "ndjson"]);
        let planned = beside(0, &["restore", "first", "--to", &url, "--dry-run", "--json"]);
        let planned: serde_json::Value = serde_json::from_str(&planned.out).expect("it is JSON");
        beside(0, &["apply", planned["plan"].as_str().expect("a plan has an id"), "--yes"]);
        sandbox.done(&["verify", "first", "--against", &direct]);
        beside(0, &["undo", &url, "--yes"]);
        beside(0, &["restore", "first", "--to", &url, "--key", "app.t:7", "--yes"]);
        beside(0, &["restore", "first", "--to", &url, "--key", "app.refers:495", "--with-related", "--yes"]);
        beside(0, &["restore", "first", "--to", &url, "--yes"]);
        beside(0, &["mask", "suggest", &url]);
        beside(0, &["mask", "check", &url, "--mask", "masks.toml"]);
        beside(0, &["backup", &url, "--name", "masked", "--mask=masks.toml"]);
        beside(0, &["backup", &url]);
        beside(0, &["drill", name]);
        beside(0, &["around", &url, "--", "true"]);
        sandbox.done(&["verify", "first", "--against", &direct]);

        // What the database demands refuses a restore.
        edited();
        database.sql("ALTER TABLE app.t ADD CHECK (v < 490) NOT VALID");
        beside(4, &["restore", "first", "--to", &url, "--yes"]);
        database.sql("ALTER TABLE app.t DROP CONSTRAINT t_v_check1");
        // What needs the server itself is refused before anything has changed.
        for arguments in [
            &["restore", "first", "--to", &url, "--with-schema", "--yes"][..],
            &["migrate", &url, "--", "true"],
            &["drill", name, "--to-server", &url],
            &["restore", "first", "--to", &pooler.url(empty), "--yes"],
        ] {
            beside(1, arguments).says(&["through a pooler in transaction mode"]);
        }
        beside(0, &["restore", "first", "--to", &url, "--yes"]);
        sandbox.done(&["verify", "first", "--against", &direct]);
    }
}

/// Who is stopped in the middle of a restore has the right connection of the server's stop, and leaves it as it was.
#[test]
fn a_restore_that_is_stopped_leaves_the_connection() {
    for server in servers() {
        let database = server.database("rowkeep_cli_pooler_stop");
        database.sql(SCHEMA);
        let pooler = Pooler::start(&server, "transaction", 2);
        let direct = database.url();
        let (_, name) = direct.rsplit_once('/').expect("the URL names a database");
        let (url, sandbox) = (pooler.url(name), Sandbox::new());
        sandbox.done(&["backup", &url, "--name", "first"]);
        database.sql(EDITS);
        let application = Application::new(&url);
        let kept = application.kept();
        let blocker = application.runtime.block_on(async {
            let (client, connection) =
                tokio_postgres::connect(&direct, NoTls).await.expect("the server answers");
            tokio::spawn(connection);
            client
                .batch_execute("BEGIN; SELECT FROM app.t WHERE id = 7 FOR UPDATE")
                .await
                .expect("a row is locked");
            client
        });
        let mut restore = sandbox.command(&["restore", "first", "--to", &url, "--yes"]);
        let running =
            restore.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the command can be run");
        let limit = Instant::now() + PATIENCE;
        let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted";
        while database.sql(waiting).trim() == "0" {
            assert!(Instant::now() < limit, "the restore does not wait for the row");
        }
        signal("INT", &running.id().to_string());
        let ran = Ran::of(&running.wait_with_output().expect("it ends"));
        assert_ne!(ran.status, 0, "{ran:?}");
        assert_eq!(database.sql(waiting).trim(), "0", "{ran:?}");
        assert_eq!(application.kept(), kept, "{ran:?}");
        drop(blocker);
        sandbox.done(&["restore", "first", "--to", &url, "--yes"]);
        assert_eq!(application.kept(), kept);
    }
}

/// One connection is enough for all that works at all; what is asked for meanwhile waits.
#[test]
fn one_connection_is_enough() {
    for server in servers() {
        let database = server.database("rowkeep_cli_pooler_one");
        database.sql(SCHEMA);
        let pooler = Pooler::start(&server, "transaction", 1);
        let direct = database.url();
        let (_, name) = direct.rsplit_once('/').expect("the URL names a database");
        let (url, sandbox) = (pooler.url(name), Sandbox::new());
        sandbox.done(&["doctor", &url]);
        sandbox.done(&["backup", &url, "--name", "first"]);
        database.sql(EDITS);
        sandbox.done(&["restore", "first", "--to", &url, "--yes"]);
        sandbox.done(&["verify", "first", "--against", &url]);
        sandbox.done(&["undo", &url, "--yes"]);
        sandbox.done(&["export", &url, "--to", "-", "--format", "sql"]);
        let by_socket = pooler.socket(name);
        assert!(sandbox.done(&["doctor", &by_socket]).out.contains("through a pooler in transaction mode"));
        sandbox.run(&["verify", "first", "--against", &by_socket]).expect(3);
    }
}

/// Rows are gone that nothing tells but the keys of all others, and more was written than waits on the way: both are read over the
/// one connection, one after the other.
#[test]
fn what_was_written_and_what_is_gone_is_read_over_one_connection() {
    for server in servers() {
        let database = server.database("rowkeep_cli_pooler_written");
        database.sql(
            "CREATE TABLE t (k int PRIMARY KEY, v text); INSERT INTO t SELECT n, 'v' || n FROM generate_series(1, 400) n",
        );
        let pooler = Pooler::start(&server, "transaction", 1);
        let direct = database.url();
        let (_, name) = direct.rsplit_once('/').expect("the URL names a database");
        let (url, sandbox) = (pooler.url(name), Sandbox::new());
        sandbox.done(&["backup", &url]);
        database.sql(
            "DELETE FROM t WHERE k % 4 = 0; \
             INSERT INTO t SELECT n, repeat(md5(n::text), 6000) FROM generate_series(1001, 1090) n",
        );
        sandbox.done(&["backup", &url, "--name", "written"]);
        sandbox.done(&["verify", "written", "--against", &url]);
    }
}

/// In session mode a connection is ours until we close it, and everything works; a statement's is too short for anything.
#[test]
fn other_modes_work_or_are_refused() {
    for server in servers() {
        let database = server.database("rowkeep_cli_pooler_modes");
        database.sql(SCHEMA);
        let direct = database.url();
        let (_, name) = direct.rsplit_once('/').expect("the URL names a database");
        let sandbox = Sandbox::new();
        let (_, place) = direct.split_once("@127.0.0.1:").expect("the URL names a port");
        let (port, _) = place.split_once('/').expect("it names a database");
        let without_name =
            format!("postgres://postgres@/{name}?hostaddr=127.0.0.1&port={port}&sslmode=disable");
        for url in [&direct, &without_name] {
            assert!(!sandbox.done(&["doctor", url]).out.contains("through a pooler"), "{url}");
        }
        let by_session = Pooler::start(&server, "session", 20);
        let url = by_session.url(name);
        assert!(sandbox.done(&["doctor", &url]).out.contains("through a pooler, in session mode"));
        sandbox.done(&["backup", &url, "--name", "first"]);
        database.sql("ALTER TABLE app.t ADD COLUMN more int; DELETE FROM app.refers");
        sandbox.done(&["restore", "first", "--to", &url, "--with-schema", "--yes"]);
        sandbox.done(&["verify", "first", "--against", &direct]);

        fs::write(sandbox.path("checks.toml"), "[[checks]]\ntable = \"app.t\"\nmin_rows = 1\n")
            .expect("it is written");
        let by_statement = Pooler::start(&server, "statement", 2);
        let url = by_statement.url(name);
        for arguments in [
            &["doctor", &url][..],
            &["backup", &url],
            &["verify", "first", "--against", &url],
            &["restore", "first", "--to", &url, "--yes"],
            &["check-data", &url, "--checks", "checks.toml"],
        ] {
            sandbox.run(arguments).expect(1).says(&["pool_mode = statement"]);
        }
        sandbox.done(&["verify", "first", "--against", &direct]);
    }
}
