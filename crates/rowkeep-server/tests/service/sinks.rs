//! Other sides: a web server and a mail server of this machine that keep what they get.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use serde_json::Value;

/// What a web server got.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) method: Method,
    /// With the query.
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
    /// As what it was answered.
    pub(crate) status: u16,
}

impl Received {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

#[derive(Default)]
struct Kept {
    received: Mutex<Vec<Received>>,
    /// What is answered next; 200 when nothing is said.
    answers: Mutex<VecDeque<u16>>,
    /// What begins with this is answered so, whatever else is said.
    refused: Mutex<Option<(String, u16)>>,
}

/// A web server that keeps what it gets.
pub(crate) struct Web {
    pub(crate) port: u16,
    kept: Arc<Kept>,
}

impl Web {
    pub(crate) async fn new() -> Self {
        let kept = Arc::new(Kept::default());
        let app = Router::new().fallback(take).with_state(Arc::clone(&kept));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("it listens");
        let port = listener.local_addr().expect("it has an address").port();
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { port, kept }
    }

    /// An address of it.
    pub(crate) fn at(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Answers the next requests so.
    pub(crate) fn answer(&self, statuses: &[u16]) {
        self.kept.answers.lock().expect("nobody panics").extend(statuses);
    }

    /// Answers all requests for what begins with a path so, or no longer.
    pub(crate) fn refuse(&self, path: &str, status: Option<u16>) {
        *self.kept.refused.lock().expect("nobody panics") = status.map(|status| (path.to_owned(), status));
    }

    /// What it got for paths that begin so.
    pub(crate) fn received(&self, path: &str) -> Vec<Received> {
        let received = self.kept.received.lock().expect("nobody panics");
        received.iter().filter(|received| received.path.starts_with(path)).cloned().collect()
    }

    /// Waits until it got so many, however slow the machine is.
    pub(crate) async fn until(&self, path: &str, count: usize) -> Vec<Received> {
        for _ in 0..3_000 {
            let received = self.received(path);
            if received.len() >= count {
                assert_eq!(received.len(), count, "{received:#?}");
                return received;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{path} got {:#?}", self.received(path));
    }
}

async fn take(
    State(kept): State<Arc<Kept>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, [(&'static str, &'static str); 1], &'static str) {
    let path = uri.to_string();
    let refused = kept.refused.lock().expect("nobody panics").clone();
    let refused = refused.filter(|(refused, _)| path.starts_with(refused)).map(|(_, status)| status);
    let status = refused.or_else(|| kept.answers.lock().expect("nobody panics").pop_front()).unwrap_or(200);
    let body = String::from_utf8(body.to_vec()).expect("it is text");
    kept.received.lock().expect("nobody panics").push(Received { method, path, headers, body, status });
    (StatusCode::from_u16(status).expect("it is a status"), [("location", "/elsewhere")], "taken")
}

/// A mail server that keeps what it gets.
pub(crate) struct MailServer {
    pub(crate) port: u16,
    letters: Arc<Mutex<Vec<Value>>>,
    process: Child,
    /// It ends when this is closed.
    _input: ChildStdin,
}

impl MailServer {
    /// Starts it, from the modules that `scripts/with-servers` names.
    pub(crate) fn new() -> Self {
        let modules = std::env::var_os("ROWKEEP_TEST_SMTP").expect("run this with scripts/with-servers");
        let mut process = Command::new("python3")
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/service/smtp_sink.py"))
            .env("PYTHONPATH", modules)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // It warns of passwords without TLS, which is what is tried.
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let input = process.stdin.take().expect("it has an input");
        let mut output = BufReader::new(process.stdout.take().expect("it has an output")).lines();
        let port = output.next().expect("it says its port").expect("it is text");
        let letters = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&letters);
        std::thread::spawn(move || {
            for line in output.map_while(Result::ok) {
                let letter = serde_json::from_str(&line).expect("it is JSON");
                kept.lock().expect("nobody panics").push(letter);
            }
        });
        Self { port: port.trim().parse().expect("it is a port"), letters, process, _input: input }
    }

    /// Waits until so many letters came.
    pub(crate) async fn until(&self, count: usize) -> Vec<Value> {
        for _ in 0..3_000 {
            let letters = self.letters.lock().expect("nobody panics").clone();
            if letters.len() >= count {
                assert_eq!(letters.len(), count, "{letters:#?}");
                return letters;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("only these letters came: {:#?}", self.letters.lock());
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
