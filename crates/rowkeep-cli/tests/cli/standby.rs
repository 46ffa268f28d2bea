//! What a standby has not, or has otherwise, and what a role may not read: it is left out, said, and left alone.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use crate::postgres::{Database, Server, servers, unique};
use crate::sandbox::{Ran, Sandbox};

/// How long a standby may take to replay what its primary has written.
const PATIENCE: Duration = Duration::from_secs(120);

/// A streaming standby of a server; it is stopped when this is dropped.
struct Standby<'s> {
    server: &'s Server,
    folder: tempfile::TempDir,
    port: u16,
}

impl<'s> Standby<'s> {
    fn of(server: &'s Server) -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|free| free.local_addr())
            .expect("a port is free")
            .port();
        let standby = Self { server, folder, port };
        let data = standby.data().display().to_string();
        let url = server.url_of("postgres");
        let copied = server
            .program("pg_basebackup")
            .args(["-R", "-X", "stream", "-c", "fast", "--no-sync", "-D", &data, "-d", &url])
            .output();
        succeeded(&copied.expect("pg_basebackup can be run"));
        // PostgreSQL refuses root, and has to get to its folder.
        if is_root() {
            let given = Command::new("chown").args(["-R", "nobody:", &data]).output();
            succeeded(&given.expect("chown can be run"));
            std::fs::set_permissions(standby.folder.path(), std::fs::Permissions::from_mode(0o711))
                .expect("it is ours");
        }
        // Other tests may have tablespaces on the server, which are copied with the rest.
        let options = format!("-p {port} -c allow_in_place_tablespaces=on");
        let log = standby.data().join("log").display().to_string();
        // Its output goes to a file: a server that holds our pipe would keep us waiting.
        let started = standby.pg_ctl(&["-w", "-t", "60", "-l", &log, "-o", &options, "start"]).status();
        assert!(started.expect("pg_ctl can be run").success(), "{:?}", std::fs::read_to_string(&log));
        standby
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn pg_ctl(&self, arguments: &[&str]) -> Command {
        let program = self.server.program("pg_ctl").get_program().to_owned();
        let mut command = match is_root() {
            true => {
                let mut command = Command::new("runuser");
                command.args(["-u", "nobody", "--"]).arg(program);
                command
            }
            false => Command::new(program),
        };
        command.current_dir("/").arg("-D").arg(self.data()).args(arguments);
        command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        command
    }

    /// The URL of a database of it, once it has all that the primary has written.
    fn url_of(&self, database: &Database<'_>) -> String {
        let position = database.sql("SELECT pg_current_wal_insert_lsn()");
        let url = database.url();
        let (_, place) = url.rsplit_once(':').expect("the URL has a port");
        let (_, name) = place.split_once('/').expect("the URL names a database");
        let url = format!("postgres://postgres@127.0.0.1:{}/{name}", self.port);
        let limit = Instant::now() + PATIENCE;
        loop {
            let sql = format!("SELECT pg_last_wal_replay_lsn() >= '{}'", position.trim());
            let asked = self.server.program("psql").args(["-X", "-A", "-t", "-d", &url, "-c", &sql]).output();
            let asked = asked.expect("psql can be run");
            if String::from_utf8_lossy(&asked.stdout).trim() == "t" {
                return url;
            }
            assert!(Instant::now() < limit, "the standby does not follow: {asked:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Standby<'_> {
    fn drop(&mut self) {
        let _ = self.pg_ctl(&["-w", "-m", "immediate", "stop"]).status();
    }
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().expect("id can be run");
    String::from_utf8_lossy(&id.stdout).trim() == "0"
}

#[track_caller]
fn succeeded(output: &Output) {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[track_caller]
fn says(ran: &Ran, words: &[&str]) {
    for word in words {
        assert!(ran.out.contains(word) || ran.err.contains(word), "{word:?} is not in {ran:#?}");
    }
}

const UNLOGGED: &str = "
    CREATE UNLOGGED TABLE u (id int PRIMARY KEY);
    INSERT INTO u VALUES (1), (2);
    CREATE UNLOGGED TABLE numbered (id serial PRIMARY KEY, at int);
    INSERT INTO numbered (at) VALUES (1), (2), (3);
    CREATE TABLE parts (id int) PARTITION BY LIST (id);
    CREATE TABLE part1 PARTITION OF parts FOR VALUES IN (1);
    CREATE UNLOGGED TABLE part2 PARTITION OF parts FOR VALUES IN (2);
    INSERT INTO parts VALUES (1), (2);
    CREATE TABLE t (id int PRIMARY KEY);
    INSERT INTO t VALUES (1);";

const ROWS: &str = "SELECT (SELECT count(*) FROM u), (SELECT count(*) FROM numbered), \
    (SELECT count(*) FROM parts), (SELECT last_value FROM numbered_id_seq), (SELECT count(*) FROM t)";

#[test]
fn what_a_standby_does_not_have_is_left_out_and_left_alone() {
    for server in &servers() {
        let sandbox = Sandbox::new();
        let database = server.database("rowkeep_cli_standby");
        database.sql(UNLOGGED);
        let before = database.sql(ROWS);
        let standby = Standby::of(server);
        let looked = sandbox.done(&["doctor", "--deep", &standby.url_of(&database)]);
        says(&looked, &["unlogged tables: a standby has no rows of 3 unlogged tables", "rows that conform"]);
        let made = sandbox.done(&["backup", &standby.url_of(&database)]);
        says(
            &made,
            &["warning: not in the backup: rows of u", "not in it: rows of numbered", "rows of part2"],
        );
        says(&sandbox.done(&["show", "latest"]), &["not in it", "rows of u: it is unlogged, and a standby"]);
        let shown = sandbox.json(&["show", "latest"]);
        let names: Vec<_> =
            shown["tables"].as_array().expect("a list").iter().map(|table| &table["name"]).collect();
        assert!(!names.iter().any(|name| **name == "u" || **name == "numbered"), "{shown}");
        assert_eq!(shown["unread"][0]["why"], "unlogged", "{shown}");

        let url = database.url();
        says(
            &sandbox.done(&["verify", "latest", "--against", &url]),
            &["not compared: rows of u", "equal: "],
        );
        says(&sandbox.done(&["diff", "latest", &url]), &["not compared: rows of u", "equal: "]);
        database.sql("INSERT INTO t VALUES (7); DELETE FROM parts WHERE id = 1");
        let planned = sandbox.done(&["restore", "latest", "--to", &url, "--dry-run"]);
        says(&planned, &["left alone: rows of u", "left alone: rows of numbered"]);
        sandbox.done(&["restore", "latest", "--to", &url, "--yes"]);
        assert_eq!(database.sql(ROWS), before);
        sandbox.done(&["undo", &url, "--yes"]);
        assert_eq!(database.sql("SELECT count(*) FROM t").trim(), "2");
        sandbox.done(&["undo", &url, "--yes"]);
        assert_eq!(database.sql(ROWS), before);

        // The other way round: the primary's snapshot against the standby.
        sandbox.done(&["backup", &url, "--name", "whole"]);
        let equal = sandbox.done(&["verify", "whole", "--against", &standby.url_of(&database)]);
        says(&equal, &["not compared: rows of u", "equal: "]);
        let there = standby.url_of(&database);
        says(&sandbox.done(&["diff", &url, &there]), &["not compared: rows of u", "equal: "]);
        says(&sandbox.done(&["export", &there, "--to", "out"]), &["has no rows of", "part2"]);
        assert!(sandbox.path("out/t.csv").exists() && !sandbox.path("out/u.csv").exists());
        let copy = unique("rowkeep_cli_standby_copy");
        let restored = sandbox.done(&[
            "restore",
            &shown["id"].to_string().replace('"', ""),
            "--to",
            &server.url_of(&copy),
        ]);
        says(&restored, &["note: not in the snapshot: rows of u", "equal: "]);
        assert_eq!(
            server.psql(&copy, "SELECT (SELECT count(*) FROM u), (SELECT count(*) FROM t)").trim(),
            "0|1"
        );
        server.psql("postgres", &format!("DROP DATABASE {copy}"));
        sandbox.run(&["backup", &standby.url_of(&database), "--tables", "u"]).expect(1).says(&["rows of u"]);
    }
}

const COUNTED: &str = "
    CREATE TABLE t (id serial PRIMARY KEY, n int);
    INSERT INTO t (n) VALUES (1), (2);
    CREATE SEQUENCE tens INCREMENT 10;
    CREATE SEQUENCE down INCREMENT -1;
    CREATE SEQUENCE cached CACHE 5;
    CREATE SEQUENCE unused;
    SELECT nextval('tens'), nextval('down'), nextval('cached'), nextval('tens');";

const VALUES: &str = "SELECT t.last_value, tens.last_value, down.last_value, cached.last_value, unused.is_called \
    FROM t_id_seq t, tens, down, cached, unused";

#[test]
fn sequences_that_a_standby_shows_ahead_are_not_different() {
    for server in &servers() {
        let sandbox = Sandbox::new();
        let database = server.database("rowkeep_cli_sequences");
        database.sql(COUNTED);
        let standby = Standby::of(server);
        // What was copied is as the primary had it; what is replayed is ahead.
        database
            .sql("INSERT INTO t (n) VALUES (3); SELECT nextval('tens'), nextval('down'), nextval('cached')");
        let values = database.sql(VALUES);
        assert_eq!(values.trim(), "3|21|-2|10|f");
        let there = standby.url_of(&database);
        sandbox.done(&["backup", &there, "--name", "standby"]);
        let ahead = server.program("psql").args(["-X", "-A", "-t", "-d", &there, "-c", VALUES]).output();
        let ahead = String::from_utf8_lossy(&ahead.expect("psql can be run").stdout).into_owned();
        assert_eq!(ahead.trim(), "35|341|-34|42|f", "what a standby shows");

        let url = database.url();
        sandbox.done(&["verify", "standby", "--against", &url]);
        sandbox.done(&["diff", "standby", &url]);
        let nothing = sandbox.done(&["restore", "standby", "--to", &url, "--yes"]);
        says(&nothing, &["already up to date"]);
        assert_eq!(database.sql(VALUES), values);
        sandbox.done(&["backup", &url, "--name", "primary"]);
        sandbox.done(&["verify", "primary", "--against", &there]);
        sandbox.done(&["diff", "primary", "standby"]);
        sandbox.done(&["diff", &there, &url]);

        // What cannot be what the standby showed is a difference, and then the higher value counts.
        database.sql("SELECT setval('tens', 5000), setval('down', -5000), setval('unused', 7)");
        sandbox.run(&["verify", "standby", "--against", &url]).expect(3);
        sandbox.done(&["restore", "standby", "--to", &url, "--yes"]);
        assert_eq!(database.sql(VALUES).trim(), "3|341|-34|10|f");
        sandbox.done(&["verify", "standby", "--against", &url]);

        // Sequences that the snapshot does not know stay as they are.
        sandbox.done(&["backup", &url, "--name", "again"]);
        database.sql("CREATE SEQUENCE later; SELECT nextval('later')");
        let nothing = sandbox.done(&["restore", "again", "--to", &url, "--yes"]);
        says(&nothing, &["already up to date"]);
        database.sql("DELETE FROM t; SELECT setval('tens', 1)");
        sandbox.done(&["restore", "again", "--to", &url, "--yes"]);
        assert_eq!(database.sql(VALUES).trim(), "3|341|-34|10|f");
        assert_eq!(database.sql("SELECT last_value, is_called FROM later").trim(), "1|t");
    }
}

#[test]
fn foreign_tables_are_named_and_left_alone() {
    for server in &servers() {
        let sandbox = Sandbox::new();
        let database = server.database("rowkeep_cli_foreign");
        database.sql(
            "CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w; CREATE TABLE t (id int PRIMARY KEY);
             CREATE FOREIGN TABLE far (id int) SERVER s; CREATE TABLE parts (id int) PARTITION BY LIST (id);
             CREATE FOREIGN TABLE part PARTITION OF parts FOR VALUES IN (1) SERVER s; INSERT INTO t VALUES (1)",
        );
        let url = database.url();
        let made = sandbox.done(&["backup", &url]);
        says(&made, &["not in it: rows of far: they are on another server", "not in it: rows of part:"]);
        says(&sandbox.done(&["show", "latest"]), &["rows of far: they are on another server"]);
        says(&sandbox.done(&["verify", "latest", "--against", &url]), &["equal: "]);
        database.sql("DELETE FROM t");
        sandbox.done(&["restore", "latest", "--to", &url, "--yes"]);
        assert_eq!(database.sql("SELECT count(*) FROM t").trim(), "1");
        let without = sandbox.done(&["backup", &url, "--exclude", "far"]);
        assert!(!without.out.contains("rows of far"), "{without:?}");
    }
}

/// Tables that a role may read, may not read, and may read in part.
fn shared(database: &Database<'_>, role: &str) {
    database.sql(&format!(
        "DROP ROLE IF EXISTS {role}; CREATE ROLE {role} LOGIN PASSWORD 'right';
         CREATE TABLE secret (id serial PRIMARY KEY, word text); INSERT INTO secret (word) VALUES ('x');
         CREATE TABLE open (id serial PRIMARY KEY, secret int REFERENCES secret); INSERT INTO open (secret) VALUES (1);
         CREATE VIEW words AS SELECT word FROM secret; CREATE VIEW more AS SELECT * FROM words;
         CREATE TABLE hiding (id int PRIMARY KEY, owner text); INSERT INTO hiding VALUES (1, 'x'), (2, '{role}');
         ALTER TABLE hiding ENABLE ROW LEVEL SECURITY;
         CREATE POLICY own ON hiding USING (owner = current_user);
         CREATE SCHEMA closed; CREATE TABLE closed.t (id int PRIMARY KEY); INSERT INTO closed.t VALUES (1);
         CREATE MATERIALIZED VIEW closed.words AS SELECT word FROM secret;
         CREATE TABLE \"Odd \"\"name\" (id int); CREATE TABLE parts (id int) PARTITION BY LIST (id);
         CREATE TABLE part PARTITION OF parts FOR VALUES IN (1); INSERT INTO parts VALUES (1);
         CREATE FUNCTION first_of(secret) RETURNS int LANGUAGE sql AS 'SELECT 1';
         CREATE FUNCTION after_it(int) RETURNS int LANGUAGE sql AS 'SELECT 2';
         GRANT SELECT ON open, hiding TO {role}; GRANT SELECT ON open_id_seq TO {role}"
    ));
}

#[test]
fn what_a_role_may_not_read_is_done_without_when_it_is_not_wanted() {
    for server in &servers() {
        let sandbox = Sandbox::new();
        let database = server.database("rowkeep_cli_shared");
        let role = unique("rowkeep_shared");
        shared(&database, &role);
        let url = database.url().replace("postgres@", &format!("{role}:right@"));
        sandbox.run(&["backup", &url]).expect(4).says(&["secret", "hiding"]);
        sandbox.run(&["backup", &url, "--exclude", "secret"]).expect(4).says(&["hiding"]);
        let excluded = "secret,hiding,closed.*,Odd*,part";
        let made = sandbox.done(&["backup", &url, "--exclude", excluded]);
        says(
            &made,
            &["not in it: rows and definition of secret: permission denied", "closed.t", "Odd \"name"],
        );
        says(&sandbox.done(&["backup", &url, "--tables", "open"]), &["1 row"]);
        sandbox.done(&["backup", &url, "--tables", "open", "--data-only"]);
        let unknown = format!("{excluded},nowhere");
        sandbox.run(&["backup", &url, "--exclude", &unknown]).expect(2).says(&["no table nowhere"]);
        sandbox.done(&["backup", &url, "--exclude", excluded]);
        says(&sandbox.done(&["show", "latest"]), &["rows and definition of secret"]);

        // By whoever may see all, and by the role itself.
        for url in [&database.url(), &url] {
            let verified = sandbox.done(&["verify", "latest", "--against", url]);
            says(&verified, &["equal: ", "not compared: rows and definition of secret"]);
        }
        // Also where the repository is made by the first backup.
        let first = Sandbox::bare();
        let config = format!("create = true\n[databases.shared]\nurl = '{url}'\ntables = ['open']\n");
        std::fs::write(first.path("rowkeep.toml"), config).expect("it can be written");
        says(&first.done(&["backup", "shared"]), &["1 table, 1 row"]);
        says(&first.done(&["doctor", "shared"]), &["read every table"]);
        first.done(&["export", "shared", "--to", "out", "--tables", "open"]);

        // What cannot be defined without a table is refused, unless definitions are not wanted.
        database.sql(&format!("CREATE TABLE heir (n int) INHERITS (secret); GRANT SELECT ON heir TO {role}"));
        sandbox
            .run(&["backup", &url, "--exclude", excluded])
            .expect(1)
            .says(&["heir inherits from public.secret"]);
        sandbox.done(&["backup", &url, "--exclude", excluded, "--data-only"]);
        database.sql("DROP TABLE heir");

        // Large objects are wanted unless tables are named.
        database.sql("SELECT lo_create(4711)");
        sandbox.done(&["backup", &url, "--tables", "open"]);
        sandbox.run(&["backup", &url, "--exclude", excluded]).expect(4).says(&["every large object"]);
        database.sql("SELECT lo_unlink(4711)");

        database.sql("DELETE FROM open; INSERT INTO secret (word) VALUES ('y')");
        sandbox.done(&["restore", "latest", "--to", &database.url(), "--yes"]);
        assert_eq!(
            database.sql("SELECT (SELECT count(*) FROM open), (SELECT count(*) FROM secret)").trim(),
            "1|2"
        );
        let copy = unique("rowkeep_cli_shared_copy");
        // A function of a row that nobody knows cannot be made, which the proof says.
        let restored = sandbox.run(&["restore", "latest", "--to", &server.url_of(&copy)]).expect(3);
        says(&restored, &["not in the snapshot: rows and definition of secret", "left out", "first_of"]);
        assert_eq!(server.psql(&copy, "SELECT after_it(1)").trim(), "2");
        assert_eq!(server.psql(&copy, "SELECT count(*) FROM open").trim(), "1");
        server.psql("postgres", &format!("DROP DATABASE {copy}"));
        database.sql(&format!("DROP OWNED BY {role}"));
        server.psql("postgres", &format!("DROP ROLE {role}"));
    }
}
