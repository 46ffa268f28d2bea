//! The whole loop on PostgreSQL, on every server that the tests have.

use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::sandbox::{Sandbox, files_below};

/// A server of the test script.
pub(crate) struct Server {
    pub(crate) url: String,
    bin: std::path::PathBuf,
}

/// The servers; a missing one fails the test rather than skipping it.
pub(crate) fn servers() -> Vec<Server> {
    let variable = |name: &str| {
        std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run the tests with scripts/test"))
    };
    let urls = variable("ROWKEEP_TEST_POSTGRES");
    let bins = variable("ROWKEEP_PG_BIN");
    let servers: Vec<Server> = urls
        .split_whitespace()
        .zip(std::env::split_paths(&bins))
        .map(|(named, bin)| Server { url: named.split_once('=').expect("MAJOR=URL").1.to_owned(), bin })
        .collect();
    assert!(servers.len() >= 2, "there are two servers of different majors");
    servers
}

/// A name that begins so and that no other test has, of a database, a role or a tablespace.
pub(crate) fn unique(name: &str) -> String {
    static LAST: AtomicU32 = AtomicU32::new(0);
    format!("{name}_{}_{}", std::process::id(), LAST.fetch_add(1, Ordering::Relaxed))
}

impl Server {
    /// Another server, with the programs of this one.
    pub(crate) fn at(url: &str, programs: &Server) -> Self {
        Self { url: url.to_owned(), bin: programs.bin.clone() }
    }

    pub(crate) fn url_of(&self, database: &str) -> String {
        format!("{}/{database}", self.url.rsplit_once('/').expect("the URL names a database").0)
    }

    /// A program that came with the server.
    pub(crate) fn program(&self, name: &str) -> Command {
        Command::new(self.bin.join(name))
    }

    pub(crate) fn psql(&self, database: &str, sql: &str) -> String {
        let output = self
            .program("psql")
            .args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", &self.url_of(database), "-c", sql])
            .output()
            .expect("psql can be run");
        assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// The schema of a database as `pg_dump` prints it, without what is random.
    pub(crate) fn schema(&self, database: &str) -> String {
        let output = self
            .program("pg_dump")
            .args(["--schema-only", "-d", &self.url_of(database)])
            .output()
            .expect("pg_dump can be run");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let dump = String::from_utf8_lossy(&output.stdout).into_owned();
        let random = |line: &&str| line.starts_with("\\restrict") || line.starts_with("\\unrestrict");
        dump.lines().filter(|line| !random(line)).collect::<Vec<_>>().join("\n")
    }

    /// A new database whose name begins so, and what drops it.
    pub(crate) fn database(&self, name: &str) -> Database<'_> {
        self.database_with(name, "")
    }

    /// The same with options of `CREATE DATABASE`.
    pub(crate) fn database_with(&self, name: &str, options: &str) -> Database<'_> {
        let name = unique(name);
        self.psql("postgres", &format!("CREATE DATABASE {name} {options}"));
        Database { server: self, name }
    }

    /// The same with just that name, which no other test has.
    pub(crate) fn database_called(&self, name: &str) -> Database<'_> {
        self.psql("postgres", &format!("CREATE DATABASE {name}"));
        Database { server: self, name: name.to_owned() }
    }
}

pub(crate) struct Database<'a> {
    server: &'a Server,
    name: String,
}

impl Database<'_> {
    pub(crate) fn url(&self) -> String {
        self.server.url_of(&self.name)
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn sql(&self, sql: &str) -> String {
        self.server.psql(&self.name, sql)
    }

    /// Runs a script; the first error fails the test.
    pub(crate) fn file(&self, script: &std::path::Path) {
        let output = self
            .server
            .program("psql")
            .args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", &self.url(), "-f"])
            .arg(script)
            .output()
            .expect("psql can be run");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    pub(crate) fn schema(&self) -> String {
        self.server.schema(&self.name)
    }
}

impl Drop for Database<'_> {
    fn drop(&mut self) {
        self.server.psql("postgres", &format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
    }
}

const SHOP: &str = "
    CREATE SCHEMA audit;
    CREATE TYPE state AS ENUM ('new', 'paid', 'gone');
    CREATE TABLE customers (id serial PRIMARY KEY, name text NOT NULL, email text UNIQUE, born date);
    CREATE TABLE orders (
        id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
        customer int NOT NULL REFERENCES customers,
        state state NOT NULL DEFAULT 'new',
        price numeric(12,2),
        tags text[],
        placed timestamptz DEFAULT now()
    );
    CREATE INDEX ON orders (customer);
    CREATE TABLE audit.\"Log entries\" (at timestamptz, what jsonb);
    CREATE MATERIALIZED VIEW revenue AS SELECT customer, sum(price) AS price FROM orders GROUP BY customer;
    INSERT INTO customers (name, email, born)
        SELECT 'Customer ' || i, 'c' || i || '@example.org', date '1950-01-01' + i FROM generate_series(1, 5000) i;
    INSERT INTO orders (customer, state, price, tags)
        SELECT 1 + i % 5000, (ARRAY['new','paid','gone'])[1 + i % 3]::state, i / 7.0, ARRAY['a', NULL, '\"' || i]
        FROM generate_series(1, 20000) i;
    INSERT INTO audit.\"Log entries\" SELECT now(), jsonb_build_object('n', i % 3) FROM generate_series(1, 300) i;
    REFRESH MATERIALIZED VIEW revenue;
    SELECT lo_from_bytea(0, convert_to('a large object', 'UTF8'));
";

#[test]
fn back_up_restore_and_prove() {
    for server in servers() {
        let sandbox = Sandbox::new();
        let shop = server.database("rowkeep_cli_shop");
        shop.sql(SHOP);
        sandbox.done(&["doctor", &shop.url()]);
        sandbox.done(&["backup", &shop.url(), "--name", "first"]);
        let copy = server.url_of("rowkeep_cli_copy");
        server.psql("postgres", "DROP DATABASE IF EXISTS rowkeep_cli_copy WITH (FORCE)");
        // The database does not exist: the restore makes it.
        let restored = sandbox.done(&["restore", "first", "--to", &copy]);
        assert!(restored.out.contains("equal: "), "{restored:?}");
        assert_eq!(server.psql("rowkeep_cli_copy", "SELECT count(*) FROM revenue").trim(), "5000");
        let equal = sandbox.done(&["restore", "first", "--to", &copy]);
        assert!(equal.out.contains("already up to date"), "{equal:?}");

        server.psql("rowkeep_cli_copy", "UPDATE orders SET price = price + 0.01 WHERE customer = 42");
        let differs = sandbox.run(&["verify", "first", "--against", &copy]).expect(3);
        assert!(differs.out.contains("orders") && !differs.out.contains("customers"), "{differs:?}");

        let rows = sandbox.run(&["diff", "first", &copy, "--rows"]).expect(3).out;
        assert!(rows.lines().all(|line| line.starts_with("~ orders ") && line.contains("price: ")), "{rows}");
        sandbox.run(&["restore", "first", "--to", &copy]).expect(4).says(&["no terminal to ask"]);
        sandbox.done(&["restore", "first", "--to", &copy, "--yes"]);
        sandbox.done(&["verify", "first", "--against", &copy]);
        sandbox.done(&["undo", &copy, "--yes"]);
        let again = sandbox.run(&["diff", "first", &copy, "--rows"]).expect(3).out;
        assert_eq!(again, rows, "undo brings the changed rows back");
        server.psql("rowkeep_cli_copy", "UPDATE orders SET price = price - 0.01 WHERE customer = 42");
        sandbox.done(&["verify", "first", "--against", &copy]);
        server.psql("postgres", "DROP DATABASE rowkeep_cli_copy WITH (FORCE)");

        let again = sandbox.json(&["backup", &shop.url()])["snapshots"][0]["new_bytes"].as_u64();
        assert!(again < Some(2000), "{again:?} bytes for nothing new");
    }
}

/// A table that nobody wrote to is read all the same where the repository lost some of it, or all of the last snapshot.
#[test]
fn what_a_repository_lost_is_read_again() {
    let servers = servers();
    let server = &servers[0];
    let sandbox = Sandbox::new();
    let shop = server.database("rowkeep_cli_lost");
    shop.sql(SHOP);
    let stored = || {
        let folders = ["index", "packs"].map(|folder| sandbox.path("rowkeep-repository").join(folder));
        folders.iter().flat_map(|folder| files_below(folder)).collect::<Vec<_>>()
    };
    sandbox.done(&["backup", &shop.url()]);
    let first = stored();
    shop.sql("UPDATE customers SET name = 'Eve' WHERE id = 7");
    sandbox.done(&["backup", &shop.url()]);
    let second: Vec<_> = stored().into_iter().filter(|file| !first.contains(file)).collect();
    assert!(second.len() >= 2, "{second:?}");
    let lose = |files: Vec<std::path::PathBuf>| {
        files.iter().for_each(|file| std::fs::remove_file(file).expect("it is there"));
        sandbox.run(&["check"]).expect(3);
        sandbox.done(&["backup", &shop.url()]);
    };
    lose(second);
    sandbox.done(&["check", "--read-data"]);
    // Of the first snapshot a row is lost that the database does not have any more; the newest has all of its own.
    lose(first);
    let checked = sandbox.json_of(3, &["check", "--read-data"]);
    let newest = sandbox.json(&["show", "latest"])["id"].as_str().expect("it has an id").to_owned();
    assert!(!checked.to_string().contains(&newest), "{checked}");
}

/// What a backup takes over without reading it from the database is looked at in the repository.
#[test]
fn what_is_taken_over_unread_is_not_built_upon_where_it_is_damaged() {
    for server in servers() {
        let sandbox = Sandbox::new();
        let shop = server.database("rowkeep_cli_taken_over");
        shop.sql("CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT i, md5(i::text) FROM generate_series(1, 5000) i");
        sandbox.done(&["backup", &shop.url()]);
        let pack = files_below(&sandbox.path("rowkeep-repository/packs")).remove(0);
        let mut bytes = std::fs::read(&pack).expect("it can be read");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(&pack, bytes).expect("it can be written");
        sandbox.done(&["backup", &shop.url()]).says(&["the repository is damaged", "rowkeep repair"]);
        let copy = server.database("rowkeep_cli_taken_back");
        sandbox.done(&["restore", "latest", "--to", &copy.url(), "--yes"]);
        sandbox.done(&["verify", "latest", "--against", &shop.url()]);
        sandbox.done(&["repair", "--yes"]);
        sandbox.done(&["check", "--read-data"]);
    }
}

#[test]
fn what_cannot_be_read_is_named_and_nothing_is_left() {
    for server in servers() {
        let sandbox = Sandbox::new();
        let shop = server.database("rowkeep_cli_denied");
        shop.sql(SHOP);
        let role = unique("rowkeep_reader");
        shop.sql(&format!(
            "DROP ROLE IF EXISTS {role}; CREATE ROLE {role} LOGIN PASSWORD 'right';
             GRANT USAGE ON SCHEMA audit TO {role}; GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role};
             GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO {role}"
        ));
        let url = |password: &str| shop.url().replace("postgres@", &format!("{role}:{password}@"));
        let denied = sandbox.run(&["backup", &url("right")]).expect(4).says(&["Log entries"]);
        assert!(!denied.err.contains("right@"), "the password is shown: {denied:?}");
        let wrong = sandbox.run(&["backup", &url("wrong")]).expect(4);
        assert!(!wrong.err.contains("wrong@"), "the password is shown: {wrong:?}");
        assert_eq!(sandbox.json(&["snapshots"])["snapshots"].as_array().map(Vec::len), Some(0));
        sandbox.run(&["backup", &server.url_of("no_such_database")]).expect(1).says(&["no_such_database"]);
        drop(shop);
        server.psql("postgres", &format!("DROP ROLE {role}"));
    }
}
