//! The service as a process: killed, stopped, started where it cannot be.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::postgres::servers;
use crate::sandbox::{Numbers, Sandbox, filled, signal};
use crate::web::Web;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A service, killed when it is dropped.
pub(crate) struct Service {
    child: Child,
    pub(crate) address: String,
    /// The password of the first user, where it is the first start.
    password: Option<String>,
}

impl Service {
    /// Starts it, and waits until it serves.
    pub(crate) fn start(sandbox: &Sandbox) -> Self {
        Self::start_with(sandbox, &[])
    }

    /// The same with more arguments.
    pub(crate) fn start_with(sandbox: &Sandbox, arguments: &[&str]) -> Self {
        let mut command = sandbox.command(&["serve", "--json", "--listen", "127.0.0.1:0"]);
        command.args(arguments);
        if !sandbox.path("token").exists() {
            command.arg("--new-token");
        }
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it can be run");
        let printed = child.stdout.take().expect("it is piped");
        let told = serde_json::Deserializer::from_reader(printed).into_iter::<Value>().next();
        let told = told.expect("it says where it serves").expect("it is JSON");
        let address =
            told["address"].as_str().and_then(|url| url.strip_prefix("http://")).expect("it is a URL");
        if let Some(token) = told["token"].as_str() {
            std::fs::write(sandbox.path("token"), token).expect("it is written");
        }
        Self { child, address: address.to_owned(), password: told["password"].as_str().map(str::to_owned) }
    }

    /// Sends a request; nothing when it was not answered.
    pub(crate) fn ask(&self, token: &str, method: &str, path: &str, more: &str) -> Option<(u16, Value)> {
        self.exchange(token, method, path, more, "")
    }

    /// The same with JSON; fails where the answer has another status.
    pub(crate) fn post(&self, token: &str, path: &str, body: &Value, expected: u16) -> Value {
        let kind = "Content-Type: application/json\r\n";
        let (status, answer) =
            self.exchange(token, "POST", path, kind, &body.to_string()).expect("it is answered");
        assert_eq!(status, expected, "{path}: {answer}");
        answer
    }

    fn exchange(
        &self,
        token: &str,
        method: &str,
        path: &str,
        more: &str,
        body: &str,
    ) -> Option<(u16, Value)> {
        let mut stream = TcpStream::connect(&self.address).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\
             {more}Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).ok()?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).ok()?;
        let answer = String::from_utf8(answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        let status = head.split(' ').nth(1)?.parse().ok()?;
        Some((status, serde_json::from_str(body).unwrap_or_default()))
    }

    /// Kills it, so that it can do nothing more.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it is killed");
        self.child.wait().expect("it has ended");
    }

    /// Asks it to stop, and waits for its end.
    pub(crate) fn stop(mut self) {
        signal("TERM", &self.child.id().to_string());
        let status = self.child.wait().expect("it has ended");
        assert!(status.success(), "{status}");
    }

    /// Waits until it has ended.
    pub(crate) fn wait(&mut self) {
        self.child.wait().expect("it has ended");
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, name: &str) {
        signal(name, &self.child.id().to_string());
    }

    pub(crate) fn get(&self, token: &str, path: &str) -> Value {
        let (status, body) = self.ask(token, "GET", path, "").expect("it answers");
        assert_eq!(status, 200, "{path}: {body}");
        body
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn token(sandbox: &Sandbox) -> String {
    std::fs::read_to_string(sandbox.path("token")).expect("it was asked for")
}

pub(crate) fn write(sandbox: &Sandbox, config: &str) {
    std::fs::write(sandbox.path("rowkeep.toml"), config).expect("it is written");
}

pub(crate) const CONFIG: &str = "[databases.a]\nurl = 'a.db'\n[databases.b]\nurl = 'b.db'\n";

/// Clients ask for backups and ask again until they are answered, while the service is killed; `ROWKEEP_SERVICE_KILLS` says how often.
#[test]
fn a_service_that_is_killed_at_random_does_what_was_asked_for_once() {
    killed_at_random("");
}

#[test]
fn a_service_that_is_killed_with_its_state_in_postgresql_does_what_was_asked_for_once() {
    let servers = servers();
    let database = servers[0].database("killed");
    killed_at_random(&format!("[service]\nstate = '{}'\nstate_key = 'the.key'\n", database.url()));
}

/// Kills services of a configuration that says this of the service.
fn killed_at_random(of_service: &str) {
    let kills: u64 = std::env::var("ROWKEEP_SERVICE_KILLS").map_or(7, |text| text.parse().expect("a number"));
    let sandbox = Sandbox::new();
    write(&sandbox, &format!("{of_service}{CONFIG}"));
    for name in ["a", "b"] {
        sandbox.sql(&format!("{name}.db"), &filled(3_000));
    }
    let mut numbers = Numbers(20_261_129);
    let (mut asked, mut answered) = (0, Vec::new());
    for _ in 0..kills {
        let mut service = Service::start(&sandbox);
        let token = token(&sandbox);
        let until = Instant::now() + Duration::from_millis(20 + numbers.below(400));
        while Instant::now() < until {
            let name = if numbers.below(2) == 0 { "a" } else { "b" };
            let key = format!("Idempotency-Key: {asked}\r\n");
            let path = format!("/api/v1/databases/{name}/backups");
            let (status, job) = service.ask(&token, "POST", &path, &key).expect("it was not killed yet");
            assert!(status == 202 || status == 200, "{status}: {job}");
            answered.push((name, asked, job["id"].as_str().expect("it has an id").to_owned()));
            asked += 1;
            std::thread::sleep(Duration::from_millis(numbers.below(60)));
        }
        service.child.kill().expect("it is killed");
    }
    let service = Service::start(&sandbox);
    let token = token(&sandbox);
    for (name, key, id) in &answered {
        // What is sent again is the same job.
        let again = format!("Idempotency-Key: {key}\r\n");
        let path = format!("/api/v1/databases/{name}/backups?wait=60s");
        let (status, job) = service.ask(&token, "POST", &path, &again).expect("it answers");
        assert_eq!(
            (status, job["id"].as_str(), job["state"].as_str()),
            (200, Some(&**id), Some("done")),
            "{job}"
        );
    }
    let (mut jobs, mut cursor) = (0, String::new());
    loop {
        let page = service.get(&token, &format!("/api/v1/jobs?limit=500{cursor}"));
        jobs += page["jobs"].as_array().map_or(0, Vec::len);
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(jobs, answered.len(), "no other job came to be");
    let verified = service.get(&token, "/api/v1/audit/verification");
    assert_eq!(verified["intact"], true, "{verified}");
    drop(service);
    let listed = sandbox.json(&["snapshots"]);
    let mut made: Vec<&str> = listed["snapshots"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|one| one["tags"]["rowkeep-job"].as_str())
        .collect();
    let mut wanted: Vec<&str> = answered.iter().map(|(_, _, id)| &**id).collect();
    made.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(made, wanted, "each job made one snapshot");
    let checked = sandbox.done(&["check", "--read-data"]);
    assert!(checked.out.contains("no damage"), "{checked:?}");
    assert_eq!(sandbox.path("rowkeep-state.db").exists(), of_service.is_empty());
    assert_eq!(sandbox.path("the.key").exists(), !of_service.is_empty());
}

#[test]
fn a_service_stops_when_it_is_asked_to() {
    let sandbox = Sandbox::new();
    write(&sandbox, CONFIG);
    sandbox.sql("a.db", &filled(20));
    sandbox.sql("b.db", &filled(60_000));
    let mut service = Service::start(&sandbox);
    assert!(service.password.is_some(), "the first start shows a password");
    let (status, job) = service
        .ask(&token(&sandbox), "POST", "/api/v1/databases/a/backups?wait=60s", "")
        .expect("it answers");
    assert_eq!((status, job["state"].as_str()), (200, Some("done")), "{job}");
    // Nobody keeps it: neither who sends half a request, nor a job that was just begun.
    let mut half = TcpStream::connect(&service.address).expect("it connects");
    half.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX").expect("it is sent");
    let (status, cut_off) =
        service.ask(&token(&sandbox), "POST", "/api/v1/databases/b/backups", "").expect("it answers");
    assert_eq!(status, 202, "{cut_off}");
    signal("TERM", &service.child.id().to_string());
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = service.child.try_wait().expect("it is waited for") {
            break status;
        }
        assert!(begun.elapsed() < PATIENCE, "it does not end");
        std::thread::sleep(Duration::from_millis(10));
    };
    assert!(status.success(), "{status}");
    let again = Service::start(&sandbox);
    assert!(again.password.is_none(), "it is shown once");
    let cut_off = format!("/api/v1/jobs/{}?wait=60s", cut_off["id"].as_str().expect("it has an id"));
    assert_eq!(again.get(&token(&sandbox), &cut_off)["state"], "done");
    let other = sandbox.run(&["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(other.status, 1);
    assert!(other.err.contains("another process serves with the state"), "{other:?}");
    let taken = sandbox.run(&["serve", "--listen", &again.address, "--state", "other.db"]);
    assert!(taken.err.contains(&format!("cannot listen on {}", again.address)), "{taken:?}");
    let malformed = sandbox.run(&["serve", "--listen", "http://localhost", "--state", "other.db"]);
    assert_eq!(malformed.status, 2, "{malformed:?}");
    assert!(malformed.err.contains("such as 127.0.0.1:8470"), "{malformed:?}");
    assert!(!sandbox.path("other.db").exists(), "nothing half done stays");
}

#[test]
fn a_configuration_is_checked_before_it_is_used() {
    let sandbox = Sandbox::new();
    write(&sandbox, &format!("{CONFIG}promise = {{ lose = '6h' }}\n[schedule]\nbackup = 'daily at 02:00'\n"));
    let holds = sandbox.done(&["config", "check"]);
    assert!(holds.out.contains("the configuration holds: 2 databases, 2 schedules"), "{holds:?}");
    assert!(holds.out.contains("every 3 hours (promise)"), "{holds:?}");
    let instead = "every 3 hours, by its promise, instead of \"daily at 02:00\" in [schedule]";
    assert!(holds.out.contains(instead), "{holds:?}");
    let text = "[databases.a]\nurl = 'a.db'\npromise = { lose = '6h' }\nschedule = { backup = 'daily' }\n\
        [databases.b]\nurl = 'postgres://${NOT_SET}/b'\n";
    write(&sandbox, text);
    let broken = sandbox.run(&["config", "check"]);
    assert_eq!(broken.status, 2, "{broken:?}");
    assert!(broken.out.contains("broken promise of a: at most 6 h may be lost"), "{broken:?}");
    assert!(
        broken.out.contains("b cannot be reached: the environment variable NOT_SET is not set"),
        "{broken:?}"
    );
}

#[test]
fn a_certificate_is_checked_before_it_is_used() {
    let sandbox = Sandbox::new();
    write(&sandbox, &format!("[service]\ncertificate = 'cert.pem'\nkey = 'key.pem'\n{CONFIG}"));
    let missing = sandbox.run(&["config", "check"]);
    assert_eq!(missing.status, 2, "{missing:?}");
    assert!(missing.out.contains("the configuration does not hold"), "{missing:?}");
    assert!(missing.out.contains("cert.pem: No such file"), "{missing:?}");
    std::fs::write(sandbox.path("cert.pem"), "").expect("it is written");
    std::fs::write(sandbox.path("key.pem"), "").expect("it is written");
    let refused = sandbox.run(&["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(refused.status, 1, "{refused:?}");
    assert!(refused.err.contains("cert.pem: there is no certificate in it"), "{refused:?}");
    assert!(!sandbox.path("rowkeep-state.db").exists(), "nothing half done stays");

    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate is made");
    std::fs::write(sandbox.path("cert.pem"), made.cert.pem()).expect("it is written");
    std::fs::write(sandbox.path("key.pem"), made.signing_key.serialize_pem()).expect("it is written");
    let mode = |mode| {
        let permissions = std::os::unix::fs::PermissionsExt::from_mode(mode);
        std::fs::set_permissions(sandbox.path("key.pem"), permissions).expect("they are set");
        sandbox.done(&["config", "check"])
    };
    let open = mode(0o644);
    assert!(open.err.contains("everybody on this machine can use the private key"), "{open:?}");
    assert!(open.out.contains("the configuration holds"), "{open:?}");
    let closed = mode(0o640);
    assert_eq!(closed.err, "", "{closed:?}");

    let mut command = sandbox.command(&["serve", "--json", "--listen", "127.0.0.1:0"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it can be run");
    let printed = child.stdout.take().expect("it is piped");
    let told = serde_json::Deserializer::from_reader(printed).into_iter::<Value>().next();
    let told = told.expect("it says where it serves").expect("it is JSON");
    child.kill().and_then(|()| child.wait()).expect("it is ended");
    let address = told["address"].as_str().expect("it is a URL");
    assert!(address.starts_with("https://127.0.0.1:"), "{told}");
}

/// A database comes and goes, and the service is killed meanwhile.
#[test]
fn a_service_that_is_killed_at_random_tells_each_alert_once() {
    let kills: u64 = std::env::var("ROWKEEP_SERVICE_KILLS").map_or(7, |text| text.parse().expect("a number"));
    let sandbox = Sandbox::new();
    let web = Web::answering(&["200 OK"]);
    let channel = format!(
        "[[channels]]\nname = 'hook'\nkind = 'webhook'\nurl = '{}'\nsecret = 'whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8='\n\
         private_network = true\nalerts = ['backup_failed']\n",
        web.url("hook")
    );
    write(&sandbox, &format!("{channel}{CONFIG}"));
    sandbox.sql("a.db", &filled(300));
    let (file, away) = (sandbox.path("a.db"), sandbox.path("a.away"));
    let mut numbers = Numbers(20_261_130);
    let backup = "/api/v1/databases/a/backups?wait=60s";
    for round in 0..kills {
        let mut service = Service::start(&sandbox);
        let token = token(&sandbox);
        let (from, to) = if round % 2 == 0 { (&file, &away) } else { (&away, &file) };
        std::fs::rename(from, to).expect("it is moved");
        service.ask(&token, "POST", backup, "").expect("it was not killed yet");
        std::thread::sleep(Duration::from_millis(numbers.below(120)));
        service.child.kill().expect("it is killed");
    }
    let service = Service::start(&sandbox);
    let token = token(&sandbox);
    if away.exists() {
        std::fs::rename(&away, &file).expect("it is moved");
    }
    service.ask(&token, "POST", backup, "").expect("it answers");
    let until = Instant::now() + PATIENCE;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    loop {
        let listed = service.get(&token, "/api/v1/alerts");
        let alerts = listed["alerts"].as_array().expect("a list").iter();
        // Others are of the machine: its disk may be full.
        let alerts: Vec<&Value> = alerts.filter(|alert| alert["kind"] == "backup_failed").collect();
        let mut wanted: Vec<(String, String)> = Vec::new();
        for alert in &alerts {
            wanted.push((text(&alert["id"]), "alert.opened".to_owned()));
            wanted.push((text(&alert["id"]), "alert.cleared".to_owned()));
        }
        // What was sent again after a kill has the same id.
        let mut told = std::collections::BTreeMap::new();
        for request in web.received() {
            let id = request.head.lines().find_map(|line| line.strip_prefix("webhook-id: "));
            // A kill cuts off what is being sent.
            let (Some(id), Ok(body)) = (id, serde_json::from_str::<Value>(&request.body)) else { continue };
            let said = (text(&body["data"]["incident"]), text(&body["type"]));
            let known = told.entry(id.to_owned()).or_insert_with(|| said.clone());
            assert_eq!(known, &said, "one id is of one message");
        }
        let mut told: Vec<(String, String)> = told.into_values().collect();
        wanted.sort();
        told.sort();
        let is_over = alerts.iter().all(|alert| !alert["cleared"].is_null());
        if is_over && told == wanted && !wanted.is_empty() {
            break;
        }
        assert!(Instant::now() < until, "{told:#?}, and not {wanted:#?}");
        std::thread::sleep(Duration::from_millis(100));
    }
}
