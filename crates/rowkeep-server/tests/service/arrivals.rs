//! States that are sent piece by piece, as a page does.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA256, digest};
use reqwest::Method;
use rowkeep::clock::SystemClock;
use serde_json::{Value, json};

use super::support::{Service, state};

/// A file of a state, as a page writes one.
const STATE: &str = include_str!("../../../rowkeep-cli/tests/cli/indexeddb/first.ndjson");

const CONFIGURATION: &str = "[databases.prn]\nurl = 'indexeddb:prn'\n[service]\nkeep_state = 'off'\n";

/// Sends a state as two pieces; gives their names.
async fn send_pieces(service: &Service) -> Vec<String> {
    let (first, second) = STATE.split_at(STATE.find('\n').expect("it has lines") + 1);
    let mut packed = Vec::new();
    for piece in [first, second] {
        let mut packer = flate2::write::GzEncoder::new(&mut packed, flate2::Compression::fast());
        packer.write_all(piece.as_bytes()).expect("it is packed");
        packer.finish().expect("it is packed");
    }
    let names = [first, second].map(|piece| hex::encode(digest(&SHA256, piece.as_bytes()))).to_vec();
    let path = "/api/v1/databases/prn/arrivals/pieces";
    let request = service.request(Method::POST, path).header("content-type", "application/octet-stream");
    assert_eq!(service.answer(request.body(packed)).await.expect(200), json!({ "kept": names }));
    names
}

/// The folder of what is sent.
fn arrivals(folder: &Path) -> PathBuf {
    let mut inside = std::fs::read_dir(folder).expect("it is read").flatten().map(|entry| entry.path());
    inside.find(|path| path.to_string_lossy().ends_with(".arrivals")).expect("it is there")
}

/// The files of states that no job has taken.
fn left(service: &Service) -> usize {
    let entries = std::fs::read_dir(arrivals(service.folder.path())).expect("it is read").flatten();
    entries.filter(|entry| entry.path().is_file()).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_that_is_sent_again_is_one_snapshot() {
    let service = Service::with(CONFIGURATION, SystemClock::shared()).await;
    let pieces = send_pieces(&service).await;
    let ask = async |key: Option<&str>, body: Value| {
        let request = service.request(Method::POST, "/api/v1/databases/prn/arrivals?wait=60s");
        let request = key.into_iter().fold(request, |request, key| request.header("idempotency-key", key));
        service.answer(request.json(&body)).await
    };
    let first = ask(Some("visit-1"), json!({ "pieces": pieces })).await.expect(200);
    assert_eq!(first["state"], "done", "{first}");
    let again = ask(Some("visit-1"), json!({ "pieces": pieces })).await.expect(200);
    assert_eq!(first["id"], again["id"]);
    ask(Some("visit-1"), json!({ "pieces": [pieces[0]] })).await.expect(422);
    ask(Some("visit-1"), json!({ "pieces": pieces, "device": "tablet" })).await.expect(422);
    assert_eq!(left(&service), 0);
    for key in [Some("visit-2"), None, None] {
        let other = ask(key, json!({ "pieces": pieces })).await.expect(200);
        assert_eq!(other["state"], "done", "{other}");
    }
    let snapshots = service.get("/api/v1/databases/prn/snapshots").await;
    assert_eq!(snapshots["snapshots"].as_array().map(Vec::len), Some(4), "{snapshots}");
    assert_eq!(left(&service), 0);
}

/// The snapshot of a job is there, and the process ends before the job says so.
#[tokio::test(flavor = "multi_thread")]
async fn a_state_whose_job_was_cut_off_is_one_snapshot() {
    let service = Service::with(CONFIGURATION, SystemClock::shared()).await;
    let token = service.token.clone();
    let pieces = send_pieces(&service).await;
    let path = "/api/v1/databases/prn/arrivals?wait=60s";
    let done = service.post(path, json!({ "pieces": pieces, "device": "tablet" })).await.expect(200);
    assert_eq!(done["state"], "done", "{done}");
    let folder = service.stop().await;
    let id = done["id"].as_str().expect("it has an id");
    let database = rusqlite::Connection::open(state(&folder)).expect("it opens");
    let cut_off =
        "UPDATE jobs SET state = 'running', outcome = NULL, ended = NULL WHERE id = ?1 RETURNING request";
    let request: String = database.query_row(cut_off, [id], |row| row.get(0)).expect("it is changed");
    drop(database);
    // Its file is there as well.
    let request: Value = serde_json::from_str(&request).expect("it is JSON");
    let file = Path::new(request["request"]["file"].as_str().expect("it has a file"));
    let arrivals = arrivals(folder.path());
    let kept = arrivals.join(hex::encode("prn"));
    let packed = pieces.iter().map(|piece| std::fs::read(kept.join(piece)).expect("it is read"));
    let name = file.file_name().expect("it has a name");
    std::fs::write(arrivals.join(name), packed.collect::<Vec<_>>().concat()).expect("it is written");
    let service = Service::again(folder, Some(token), CONFIGURATION, SystemClock::shared()).await;
    let job = service.get(&format!("/api/v1/jobs/{id}?wait=60s")).await;
    assert_eq!((&job["state"], &job["attempt"]), (&json!("done"), &json!(2)), "{job}");
    let made = |job: &Value| job["outcome"]["imported"][0]["snapshot"]["id"].clone();
    assert_eq!(made(&job), made(&done), "{job}");
    let snapshots = service.get("/api/v1/databases/prn/snapshots").await;
    assert_eq!(snapshots["snapshots"].as_array().map(Vec::len), Some(1), "{snapshots}");
    assert_eq!(left(&service), 0);
    let shown = service.get("/api/v1/databases/prn/snapshots/latest").await;
    assert_eq!(shown["job"], done["id"], "{shown}");
}

/// A list of the pieces of a large state is longer than what is sent else.
#[tokio::test(flavor = "multi_thread")]
async fn a_large_state_has_many_pieces() {
    let service = Service::with(CONFIGURATION, SystemClock::shared()).await;
    let pieces: Vec<String> = (0..20_000).map(|number| format!("{number:064x}")).collect();
    service.post("/api/v1/databases/prn/arrivals", json!({ "pieces": pieces })).await.expect(409);
}
