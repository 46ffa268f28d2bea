//! A service with a database and a repository of its own.

use std::cell::Cell;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use reqwest::{Method, StatusCode};
use rowkeep::clock::{Clock, SystemClock};
use rowkeep::engine::Surroundings;
use rowkeep::jobs::workspace::{Circumstances, Secrets, Workspace};
use rowkeep::repository::SystemRandomness;
use rowkeep_server::{Configuration, Reloading, Server, ServerOptions, StatePlace};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A service that runs until it is dropped, or stopped.
pub(crate) struct Service {
    pub(crate) folder: Arc<TempDir>,
    pub(crate) token: String,
    /// That of the user admin for the first sign-in, where he was just made.
    pub(crate) password: Option<String>,
    base: String,
    client: reqwest::Client,
    stop: CancellationToken,
    running: Option<JoinHandle<()>>,
    pub(crate) reloading: Reloading,
}

/// What a request was answered with.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) location: Option<String>,
    pub(crate) content_type: String,
    pub(crate) cookie: Option<String>,
    pub(crate) retry_after: Option<String>,
    pub(crate) json: Value,
}

impl Answer {
    /// Fails where it has another status.
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.json);
        self.json
    }
}

/// A folder with the SQLite databases `shop` and `orders`.
pub(crate) fn folder() -> Arc<TempDir> {
    let folder = tempfile::tempdir().expect("a folder is made");
    for name in ["shop", "orders"] {
        let database =
            rusqlite::Connection::open(folder.path().join(format!("{name}.db"))).expect("it opens");
        let rows = "CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
            INSERT INTO customers SELECT i, 'name ' || i FROM n";
        database.execute_batch(rows).expect("rows are written");
    }
    if ON_POSTGRES.get() {
        let url = a_schema();
        std::fs::write(folder.path().join(URL), url).expect("it is written");
    }
    Arc::new(folder)
}

/// What opens the repository of a folder: a key file, for a passphrase takes a second each time.
pub(crate) fn opening(folder: &TempDir) -> Secrets {
    Secrets { key_file: Some(folder.path().join("repository.key")), ..Secrets::default() }
}

/// The file of a folder that says where the state is, where that is no file.
const URL: &str = "state.url";

thread_local! {
    /// Whether services of this test have their state on a server.
    static ON_POSTGRES: Cell<bool> = const { Cell::new(false) };
}

/// Does a test whose services have their state in PostgreSQL.
pub(crate) fn on_postgres(test: impl FnOnce()) {
    ON_POSTGRES.set(true);
    test();
    ON_POSTGRES.set(false);
}

/// A schema for a state, as a URL, in the first database that `ROWKEEP_TEST_POSTGRES` names.
pub(crate) fn a_schema() -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let servers = std::env::var("ROWKEEP_TEST_POSTGRES")
        .unwrap_or_else(|_| panic!("ROWKEEP_TEST_POSTGRES is not set: run the tests with scripts/test"));
    // One test after the other has another server.
    let urls: Vec<&str> =
        servers.split_whitespace().filter_map(|one| one.split_once('=')).map(|one| one.1).collect();
    let url = urls[number as usize % urls.len()];
    format!("{url}?options=-csearch_path%3Dstate_{}_{number}", std::process::id())
}

/// Where the state of a service in a folder is.
pub(crate) fn place(folder: &TempDir) -> StatePlace {
    match url(folder) {
        Some(url) => {
            let key = folder.path().join("state.db.key");
            StatePlace::database(&url, key, &Surroundings::default()).expect("the URL is well formed")
        }
        None => StatePlace::file(state(folder)),
    }
}

/// The URL of the state, where it is on a server.
pub(crate) fn url(folder: &TempDir) -> Option<String> {
    std::fs::read_to_string(folder.path().join(URL)).ok()
}

/// A connection to the database of a state, in its schema.
pub(crate) async fn client(url: &str) -> tokio_postgres::Client {
    let (client, connection) =
        tokio_postgres::connect(url, tokio_postgres::NoTls).await.expect("it connects");
    tokio::spawn(connection);
    client
}

/// All that a state holds, as bytes.
pub(crate) async fn whole_state(folder: &TempDir) -> Vec<u8> {
    let Some(url) = url(folder) else { return std::fs::read(state(folder)).expect("the state is there") };
    let client = client(&url).await;
    let mut text = String::new();
    for table in ["jobs", "tokens", "audit", "users", "sessions", "incidents", "deliveries", "channels"] {
        let rows = client.query(&format!("SELECT t::text FROM {table} t"), &[]).await.expect("it is read");
        rows.iter().for_each(|row| text.push_str(&row.get::<_, String>(0)));
    }
    assert!(!text.is_empty());
    text.into_bytes()
}

impl Service {
    /// A service without schedules.
    pub(crate) async fn new() -> Self {
        Self::with("", SystemClock::shared()).await
    }

    /// A service with more in its configuration, by a clock.
    pub(crate) async fn with(config: &str, clock: Arc<dyn Clock>) -> Self {
        Self::again(folder(), None, config, clock).await
    }

    /// A service in a folder where one was before, whose token is known.
    pub(crate) async fn again(
        folder: Arc<TempDir>,
        token: Option<String>,
        config: &str,
        clock: Arc<dyn Clock>,
    ) -> Self {
        // What tests say of snapshots and of the audit is then the same every time.
        let quiet = if config.contains("[service]") { "" } else { "[service]\nkeep_state = 'off'\n" };
        let one = "repository = 'repository'\ncreate = true\n";
        let repository = if config.contains("[[repositories]]") { "" } else { one };
        let text = format!(
            "{repository}{config}\n{quiet}[databases.shop]\nurl = 'shop.db'\n[databases.orders]\nurl = 'orders.db'\n"
        );
        let path = folder.path().join("rowkeep.toml");
        std::fs::write(&path, &text).expect("it is written");
        Self::start(folder, token, true, clock).await
    }

    /// A service in a folder with whatever it has of a configuration, and with what opens its repository or without.
    pub(crate) async fn start(
        folder: Arc<TempDir>,
        token: Option<String>,
        opens: bool,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let (reports, secrets) = (folder.path().join("reports"), opening(&folder));
        let make = move |config| {
            let circumstances = Circumstances {
                secrets: if opens { secrets.clone() } else { Secrets::default() },
                program: "rowkeep test".to_owned(),
                reports: reports.clone(),
                ..Circumstances::default()
            };
            Workspace::new(config, circumstances)
        };
        let path = folder.path().join("rowkeep.toml");
        let configuration = Configuration::new(path, Arc::new(|_: &str| None), make);
        let options = ServerOptions {
            listen: "127.0.0.1:0".to_owned(),
            state: place(&folder),
            new_token: token.is_none(),
            new_password: None,
        };
        let server = Server::open(&options, configuration, clock, SystemRandomness::shared()).await;
        let server = server.expect("it is opened");
        let made = |secret: &SecretString| secret.expose_secret().to_owned();
        let token = token.unwrap_or_else(|| server.made().token.as_ref().map(made).expect("it is wanted"));
        let password = server.made().user.as_ref().map(|(_, password)| made(password));
        let (base, reloading) = (server.url(), server.reloading());
        let stop = CancellationToken::new();
        let stopping = stop.clone();
        let running = Some(tokio::spawn(async move {
            server.run(stopping).await;
        }));
        // The service closes what is idle for 30 seconds: nothing is sent on what it may be closing.
        let client = reqwest::Client::builder().pool_idle_timeout(Duration::from_secs(20));
        let client = client.timeout(Duration::from_secs(100)).build().expect("it is made");
        Self { folder, token, password, base, client, stop, running, reloading }
    }

    /// Where it serves.
    pub(crate) fn address(&self) -> String {
        self.base.clone()
    }

    /// Stops it, and waits for its end.
    pub(crate) async fn stop(mut self) -> Arc<TempDir> {
        self.stop.cancel();
        let running = self.running.take().expect("it runs");
        tokio::time::timeout(Duration::from_secs(60), running)
            .await
            .expect("it ends")
            .expect("it does not panic");
        Arc::clone(&self.folder)
    }

    /// Sends a request with a token, or with none.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Option<Value>,
    ) -> Answer {
        let mut request = self.client.request(method, format!("{}{path}", self.base));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        self.answer(request).await
    }

    /// A request to be sent with more.
    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base)).bearer_auth(&self.token)
    }

    /// A request of somebody who shows no token.
    pub(crate) fn without_token(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base))
    }

    /// Sends such a request.
    pub(crate) async fn answer(&self, request: reqwest::RequestBuilder) -> Answer {
        let response = request.send().await.expect("it is answered");
        let header = |name: &str| {
            response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
        };
        let (status, location) = (response.status(), header("location"));
        let content_type = header("content-type").unwrap_or_default();
        let (cookie, retry_after) = (header("set-cookie"), header("retry-after"));
        let bytes = response.bytes().await.expect("the body comes");
        Answer {
            status,
            location,
            content_type,
            cookie,
            retry_after,
            json: serde_json::from_slice(&bytes).unwrap_or_default(),
        }
    }

    /// What a path says.
    pub(crate) async fn get(&self, path: &str) -> Value {
        self.send(Method::GET, path, Some(&self.token), None).await.expect(200)
    }

    /// Sends something that is to be done.
    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, Some(&self.token), Some(body)).await
    }

    /// A token with a role, for some databases or for all.
    pub(crate) async fn token(&self, role: &str, databases: Option<&[&str]>) -> String {
        let body = serde_json::json!({ "name": role, "role": role, "databases": databases });
        let made = self.post("/api/v1/tokens", body).await.expect(201);
        made["secret"].as_str().expect("it is shown once").to_owned()
    }

    /// Waits until something holds, however slow the machine is.
    pub(crate) async fn until(&self, path: &str, holds: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..3_000 {
            let value = self.get(path).await;
            if holds(&value) {
                return value;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{path} still says {}", self.get(path).await);
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// The file of a service's state.
pub(crate) fn state(folder: &TempDir) -> PathBuf {
    folder.path().join("state.db")
}
