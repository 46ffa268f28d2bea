//! Servers to test on, and databases on them.

use std::hash::{BuildHasher, RandomState};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use rowkeep_engine::postgres::Postgres;
use rowkeep_engine::{Engine, Surroundings};
use tokio_postgres::{Client, NoTls};

/// A server with a superuser who needs no password.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    pub(crate) major: u32,
    /// `user@host:port`
    authority: String,
    bin: Vec<PathBuf>,
}

impl Server {
    /// The server of a major version.
    pub(crate) fn of(major: u32) -> Self {
        let servers = variable("ROWKEEP_TEST_POSTGRES");
        let url = servers
            .split_whitespace()
            .find_map(|server| server.strip_prefix(&format!("{major}=")))
            .unwrap_or_else(|| panic!("ROWKEEP_TEST_POSTGRES names a server of version {major}"));
        let authority = url.strip_prefix("postgres://").and_then(|rest| rest.split('/').next());
        let bin = variable("ROWKEEP_PG_BIN").split(':').map(PathBuf::from).collect();
        Self { major, authority: authority.expect("a URL has a host").to_owned(), bin }
    }

    /// `host:port`
    pub(crate) fn address(&self) -> &str {
        self.authority.split('@').next_back().expect("a URL has a host")
    }

    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres://{}/{database}", self.authority)
    }

    /// The URL for another role, with its password, which is its name.
    pub(crate) fn url_as(&self, role: &str, database: &str) -> String {
        format!("postgres://{role}:{role}@{}/{database}", self.address())
    }

    pub(crate) fn engine(&self, database: &str) -> Arc<dyn Engine> {
        self.engine_at(&self.url(database))
    }

    pub(crate) fn engine_at(&self, url: &str) -> Arc<dyn Engine> {
        Arc::new(Postgres::new(url, &self.surroundings()).expect("the URL is well formed"))
    }

    pub(crate) fn surroundings(&self) -> Surroundings {
        Surroundings { postgres_bin: self.bin.clone(), ..Surroundings::default() }
    }

    /// A name that nobody else uses on this server.
    pub(crate) fn new_name(&self) -> String {
        // Not the process's number, which comes again while roles of the process before are still there.
        static PROCESS: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(()));
        static LAST: AtomicU32 = AtomicU32::new(0);
        format!("rowkeep_{:x}_{}", *PROCESS, LAST.fetch_add(1, Ordering::Relaxed))
    }

    /// A new database.
    pub(crate) async fn database(&self) -> Database {
        self.database_with("").await
    }

    /// A new database with options of `CREATE DATABASE`.
    pub(crate) async fn database_with(&self, options: &str) -> Database {
        let database = self.absent();
        let create = format!("CREATE DATABASE {} TEMPLATE template0 {options}", database.name);
        connect(&self.url("postgres")).await.batch_execute(&create).await.expect("the database is created");
        database
    }

    /// The name of a database that is not there, and is dropped if it is there in the end.
    pub(crate) fn absent(&self) -> Database {
        Database { server: self.clone(), name: self.new_name() }
    }

    /// A new role that may log in with its name as password, dropped by nobody.
    pub(crate) async fn role(&self, attributes: &str) -> String {
        let name = self.new_name();
        let create = format!("CREATE ROLE {name} LOGIN PASSWORD '{name}' {attributes}");
        connect(&self.url("postgres")).await.batch_execute(&create).await.expect("the role is created");
        name
    }

    /// Everything of a database as text: what `pg_dump` prints, but for its random tokens, with rows in order.
    async fn dump(&self, database: &str) -> String {
        let folder = self.bin.iter().find(|folder| {
            let version = Command::new(folder.join("pg_dump")).arg("--version").output();
            let version = version.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
            version.is_ok_and(|version| version.contains(&format!(" {}.", self.major)))
        });
        let program = folder.expect("ROWKEEP_PG_BIN has a pg_dump of each server").join("pg_dump");
        let mut command = tokio::process::Command::new(program);
        command.env("PGTZ", "UTC").args(["--dbname", &self.url(database)]).stdin(Stdio::null());
        let output = command.output().await.expect("pg_dump runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        sort_rows(&String::from_utf8_lossy(&output.stdout))
    }
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is set, as scripts/with-servers does"))
}

fn sort_rows(dump: &str) -> String {
    let mut out = String::new();
    let mut rows: Option<Vec<&str>> = None;
    for line in dump.lines() {
        if let Some(so_far) = &mut rows {
            if line == "\\." {
                so_far.sort_unstable();
                out.extend(so_far.iter().flat_map(|row| [row, "\n"]));
                rows = None;
            } else {
                so_far.push(line);
                continue;
            }
        }
        if line.starts_with("\\restrict ") || line.starts_with("\\unrestrict ") {
            continue;
        }
        // The name of a table or column may break the line.
        if line.ends_with(" FROM stdin;") {
            rows = Some(Vec::new());
        }
        out.push_str(line);
        out.push('\n');
    }
    out
}

/// A connection of the test's own.
pub(crate) async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("the server answers");
    tokio::spawn(connection);
    client.batch_execute("SET lock_timeout = '20s'").await.expect("a setting is set");
    client
}

pub(crate) async fn one_value(client: &Client, query: &str) -> String {
    let rows = client.simple_query(query).await.expect("the query is answered");
    let value = rows.iter().find_map(|message| match message {
        tokio_postgres::SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap_or_default().to_owned()),
        _ => None,
    });
    value.unwrap_or_default()
}

/// One database, dropped with the value.
pub(crate) struct Database {
    pub(crate) server: Server,
    pub(crate) name: String,
}

impl Database {
    pub(crate) fn url(&self) -> String {
        self.server.url(&self.name)
    }

    pub(crate) async fn client(&self) -> Client {
        connect(&self.url()).await
    }

    pub(crate) async fn run(&self, sql: &str) {
        if let Err(error) = self.client().await.batch_execute(sql).await {
            panic!("{error:?}: {}", sql.chars().take(500).collect::<String>());
        }
    }

    /// One value as text, empty for null.
    pub(crate) async fn value(&self, query: &str) -> String {
        one_value(&self.client().await, query).await
    }

    /// Waits until a query gives a value that is as it has to be, however slow the machine is.
    ///
    /// # Panics
    /// When that takes more than two minutes.
    pub(crate) async fn until(&self, query: &str, is: impl Fn(&str) -> bool) {
        let client = self.client().await;
        let limit = Instant::now() + Duration::from_secs(120);
        loop {
            let value = one_value(&client, query).await;
            if is(&value) {
                return;
            }
            assert!(Instant::now() < limit, "{query} still gives {value:?}");
            // Not at once, for what is waited for may need the processor.
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub(crate) async fn dump(&self) -> String {
        self.server.dump(&self.name).await
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let (url, name) = (self.server.url("postgres"), self.name.clone());
        // A runtime of its own, because dropping cannot wait on the test's.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime starts").block_on(async {
                let drop = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
                let _ = connect(&url).await.batch_execute(&drop).await;
            });
        });
        let _ = dropping.join();
    }
}

/// Panics at the first line that differs, with what is around it.
pub(crate) fn assert_same_text(left: &str, right: &str) {
    if left == right {
        return;
    }
    let (a, b): (Vec<&str>, Vec<&str>) = (left.lines().collect(), right.lines().collect());
    let at = a.iter().zip(&b).position(|(a, b)| a != b).unwrap_or(a.len().min(b.len()));
    let around = |lines: &[&str]| lines[at.saturating_sub(6)..(at + 6).min(lines.len())].join("\n");
    panic!("line {at} differs:\n{}\n--- and ---\n{}", around(&a), around(&b));
}

/// An error with all its causes.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}
