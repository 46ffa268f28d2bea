//! The server of all tests (`server.mjs`) and its databases.

use std::ffi::CString;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use rowkeep_engine::conformance::{Sandbox, read_all};
use rowkeep_engine::{CloudflareEnvironment, DatabaseUrl, Engine, EngineError, Surroundings, connect};
use serde_json::json;
use tempfile::TempDir;

/// How many databases there are; each test takes its own.
const DATABASES: usize = 180;

struct Server {
    workers: String,
    front: String,
    folder: TempDir,
    next: AtomicUsize,
    /// Ends with its standard input, which ends with this process.
    _child: Child,
}

fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| {
        let tools = std::env::var("ROWKEEP_TEST_MINIFLARE").expect("run by scripts/with-servers");
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let folder = TempDir::new().expect("a folder");
        let mut child = Command::new("node")
            .arg(here.join("tests/engines/d1/server.mjs"))
            .arg(Path::new(&tools).join("node_modules/miniflare/dist/src/index.js"))
            .arg(here.join("../../clients/d1-worker/worker.js"))
            .arg(folder.path())
            .arg(DATABASES.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node runs");
        let mut line = String::new();
        let mut output = BufReader::new(child.stdout.take().expect("it is piped"));
        output.read_line(&mut line).expect("it says where it is");
        let said: serde_json::Value =
            serde_json::from_str(&line).unwrap_or_else(|_| panic!("it has said {line:?}"));
        let address = |name: &str| said[name].as_str().expect("an address").to_owned();
        let (workers, front) = (address("workers"), address("front"));
        Server { workers, front, folder, next: AtomicUsize::new(0), _child: child }
    })
}

/// A database in workerd.
pub(super) struct Database {
    number: usize,
}

impl Database {
    /// Takes one that nobody has used.
    pub(super) fn new() -> Self {
        let number = server().next.fetch_add(1, Ordering::Relaxed);
        assert!(number < DATABASES, "there are more tests than databases");
        Self { number }
    }

    /// The URL of the shipped Worker, reached as it is.
    pub(super) fn worker_url(&self) -> String {
        format!("d1+worker://{}{}", rest(&server().workers), self.number)
    }

    /// The same, through faults.
    pub(super) fn faulty_worker_url(&self) -> String {
        format!("d1+worker://{}{}", rest(&server().front), self.number)
    }

    /// The URL of something else that answers.
    pub(super) fn not_a_worker_url() -> String {
        format!("d1+worker://{}client/v4", rest(&server().front))
    }

    /// The URL for the REST API.
    pub(super) fn api_url(&self) -> String {
        format!("d1://account/shop-{}", self.number)
    }

    pub(super) fn over_worker(&self) -> Arc<dyn Engine> {
        engine(&self.worker_url()).expect("an engine")
    }

    pub(super) fn over_api(&self) -> Arc<dyn Engine> {
        engine(&self.api_url()).expect("an engine")
    }

    /// How the next answers are to fail.
    pub(super) async fn fail(&self, faults: serde_json::Value) {
        let sent = reqwest::Client::new().post(format!("{}faults/{}", server().front, self.number));
        sent.body(faults.to_string()).send().await.expect("it is taken");
    }

    /// Runs statements as one batch.
    pub(super) async fn batch(&self, statements: &[String]) -> Result<(), String> {
        let sent = reqwest::Client::new().post(format!("{}run/{}", server().front, self.number));
        let answer = sent.body(json!(statements).to_string()).send().await.expect("it answers");
        match answer.status().is_success() {
            true => Ok(()),
            false => Err(answer.text().await.expect("it says why")),
        }
    }

    /// The file in which workerd keeps the database, found by a table that is in no other.
    pub(super) fn file(&self, table: &str) -> PathBuf {
        let folder = server().folder.path().join("miniflare-D1DatabaseObject");
        let files =
            std::fs::read_dir(&folder).expect("it is there").map(|entry| entry.expect("a file").path());
        let mut sqlite = files.filter(|path| path.extension().is_some_and(|extension| extension == "sqlite"));
        let has_it = |path: &PathBuf| {
            let connection = rusqlite::Connection::open(path).expect("it opens");
            let sql = "SELECT count(*) FROM sqlite_schema WHERE name = ?1";
            connection.query_row(sql, [table], |row| row.get(0)).unwrap_or(0) == 1
        };
        sqlite.find(has_it).expect("the file of the database")
    }
}

#[async_trait]
impl Sandbox for Database {
    fn engine(&self) -> Arc<dyn Engine> {
        self.over_worker()
    }

    async fn run(&self, sql: &str) {
        for statement in statements(sql) {
            let begin = statement.chars().take(300).collect::<String>();
            self.batch(&[statement]).await.unwrap_or_else(|error| panic!("{error}: {begin}"));
        }
    }

    async fn dump(&self) -> String {
        let (schema, rows) = read_all(&*self.over_worker()).await;
        format!("{schema:?} {rows:?}")
    }
}

/// The engine of a URL, with the secrets that the server wants.
pub(super) fn engine(url: &str) -> Result<Arc<dyn Engine>, EngineError> {
    connect(&DatabaseUrl::parse(url)?, &surroundings())
}

pub(super) fn surroundings() -> Surroundings {
    let cloudflare = CloudflareEnvironment {
        token: Some("a-token-of-tests".into()),
        api: Some(format!("{}client/v4", server().front)),
        worker_secret: Some("a-secret-of-tests-that-is-long-enough".into()),
    };
    Surroundings { cloudflare, ..Surroundings::default() }
}

/// The statements of a text, as SQLite divides them.
fn statements(sql: &str) -> Vec<String> {
    let (mut found, mut from) = (Vec::new(), 0);
    for (at, _) in sql.match_indices(';').map(|(at, _)| (at + 1, ())).chain([(sql.len(), ())]) {
        let part = CString::new(&sql[from..at]).expect("no zero");
        // SAFETY: it ends with a zero and lives as long as the call.
        #[expect(unsafe_code, reason = "SQLite alone knows where a trigger ends")]
        let is_complete = unsafe { rusqlite::ffi::sqlite3_complete(part.as_ptr()) } != 0;
        if is_complete || at == sql.len() {
            found.push(sql[from..at].trim().to_owned());
            from = at;
        }
    }
    found.retain(|statement| !statement.is_empty());
    found
}

fn rest(url: &str) -> &str {
    url.split_once("://").expect("a URL").1
}
