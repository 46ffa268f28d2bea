//! Jobs are watched as they go.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use rowkeep::clock::SystemClock;
use serde_json::{Value, json};

use super::support::{Service, folder};

/// A service whose backups of the database shop begin when the file `go` is there.
async fn gated() -> Service {
    let folder = folder();
    let gate = folder.path().join("go");
    let config = format!(
        "[[hooks]]\nwhen = 'before-backup'\nrun = \"while [ ! -e '{}' ]; do sleep 0.02; done\"",
        gate.display()
    );
    Service::again(folder, None, &config, SystemClock::shared()).await
}

fn open_gate(service: &Service) {
    std::fs::write(service.folder.path().join("go"), "").expect("it is written");
}

async fn ask_for_backup(service: &Service) -> String {
    let job = service.post("/api/v1/databases/shop/backups", json!({})).await.expect(202);
    job["id"].as_str().expect("it has an id").to_owned()
}

/// Events as they come.
struct Events {
    response: reqwest::Response,
    text: String,
}

impl Events {
    async fn of(service: &Service, job: &str) -> Self {
        let request = service.request(Method::GET, &format!("/api/v1/jobs/{job}/events"));
        let response = request.send().await.expect("it is answered");
        assert_eq!(response.status().as_u16(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { response, text: String::new() }
    }

    /// The next event with what it says; none when the answer is over.
    async fn next(&mut self) -> Option<(String, Value)> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let field = |name: &str| {
                    event
                        .lines()
                        .find_map(|line| line.strip_prefix(name))
                        .map(|value| value.trim().to_owned())
                };
                let read = field("event:").zip(field("data:"));
                self.text = rest.to_owned();
                // A comment is none.
                let Some((name, data)) = read else { continue };
                return Some((name, serde_json::from_str(&data).expect("it is JSON")));
            }
            let chunk = tokio::time::timeout(Duration::from_secs(60), self.response.chunk()).await;
            match chunk.expect("something comes").expect("it can be read") {
                Some(chunk) => self.text.push_str(std::str::from_utf8(&chunk).expect("it is text")),
                None => return None,
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn progress_is_told_until_the_end() {
    let service = gated().await;
    let job = ask_for_backup(&service).await;
    let mut events = Events::of(&service, &job).await;
    let (name, progress) = events.next().await.expect("it has begun");
    assert_eq!((name.as_str(), &progress["rows"]), ("progress", &json!(0)), "{progress}");
    open_gate(&service);
    let (mut told, mut end) = (vec![progress], None);
    while let Some((name, data)) = events.next().await {
        assert!(end.is_none(), "{name} comes after the end: {data}");
        match name.as_str() {
            "progress" => told.push(data),
            "end" => end = Some(data),
            other => panic!("{other}: {data}"),
        }
    }
    let end = end.expect("the end is told");
    assert_eq!((&end["state"], &end["outcome"]["snapshots"][0]["rows"]), (&json!("done"), &json!(500)));
    assert_eq!(end, service.get(&format!("/api/v1/jobs/{job}")).await);
    assert!(told.windows(2).all(|pair| pair[0] != pair[1]), "only what is new is told: {told:?}");
    let mut again = Events::of(&service, &job).await;
    assert_eq!(again.next().await, Some(("end".to_owned(), end)));
    assert_eq!(again.next().await, None);
    let theirs = service.token("admin", Some(&["orders"])).await;
    service.send(Method::GET, &format!("/api/v1/jobs/{job}/events"), Some(&theirs), None).await.expect(404);
    service.send(Method::GET, "/api/v1/jobs/none/events", Some(&service.token), None).await.expect(404);
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn a_job_that_is_stopped_ends() {
    let service = gated().await;
    let running = ask_for_backup(&service).await;
    let waiting = ask_for_backup(&service).await;
    let (mut of_running, mut of_waiting) =
        (Events::of(&service, &running).await, Events::of(&service, &waiting).await);
    of_running.next().await.expect("it has begun");
    service.post(&format!("/api/v1/jobs/{waiting}/stop"), json!({})).await.expect(202);
    let (name, job) = of_waiting.next().await.expect("it is told");
    assert_eq!((name.as_str(), &job["state"]), ("end", &json!("stopped")));
    service.post(&format!("/api/v1/jobs/{running}/stop"), json!({})).await.expect(202);
    let mut last = None;
    while let Some(event) = of_running.next().await {
        last = Some(event);
    }
    let (name, job) = last.expect("it is told");
    assert_eq!((name.as_str(), &job["state"]), ("end", &json!("stopped")));
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn the_end_of_the_service_ends_the_events() {
    let service = gated().await;
    let running = ask_for_backup(&service).await;
    let mut events = Events::of(&service, &running).await;
    events.next().await.expect("it has begun");
    let folder = Arc::clone(&service.folder);
    let stopping = tokio::spawn(service.stop());
    while let Some((name, data)) = events.next().await {
        assert_eq!(name, "progress", "what is cut off is not over: {data}");
    }
    stopping.await.expect("it has stopped");
    drop(folder);
}
