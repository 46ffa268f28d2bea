//! A service with a database and a repository of its own.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Method, StatusCode};
use rowkeep::clock::{Clock, SystemClock};
use rowkeep::jobs::workspace::{Circumstances, Secrets, Workspace};
use rowkeep::repository::SystemRandomness;
use rowkeep_server::{Configuration, Reloading, Server, ServerOptions};
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
    Arc::new(folder)
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
        let text = format!(
            "repository = 'repository'\ncreate = true\n{config}\n{quiet}[databases.shop]\nurl = 'shop.db'\n[databases.orders]\nurl = 'orders.db'\n"
        );
        let path = folder.path().join("rowkeep.toml");
        std::fs::write(&path, &text).expect("it is written");
        Self::start(folder, token, Some("a passphrase"), clock).await
    }

    /// A service in a folder with whatever it has of a configuration.
    pub(crate) async fn start(
        folder: Arc<TempDir>,
        token: Option<String>,
        passphrase: Option<&'static str>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let reports = folder.path().join("reports");
        let make = move |config| {
            let passphrase = passphrase.map(|passphrase| passphrase.to_owned().into());
            let circumstances = Circumstances {
                secrets: Secrets { passphrase, ..Secrets::default() },
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
            state: state(&folder),
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
        let client =
            reqwest::Client::builder().timeout(Duration::from_secs(100)).build().expect("it is made");
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
        let cookie = header("set-cookie");
        let bytes = response.bytes().await.expect("the body comes");
        Answer {
            status,
            location,
            content_type,
            cookie,
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
