//! States that are sent piece by piece, as a page does.

use std::io::Write as _;

use aws_lc_rs::digest::{SHA256, digest};
use reqwest::Method;
use rowkeep::clock::SystemClock;
use serde_json::{Value, json};

use super::support::Service;

/// A file of a state, as a page writes one.
const STATE: &str = include_str!("../../../rowkeep-cli/tests/cli/indexeddb/first.ndjson");

const CONFIGURATION: &str = "[databases.prn]\nurl = 'indexeddb:prn'\n[service]\nkeep_state = 'off'\n";

/// Sends a state as two pieces; gives their names.
async fn send_pieces(service: &Service) -> Vec<String> {
    let (first, second) = STATE.split_at(STATE.find('\n').expect("it has lines") + 1);
    let mut names = Vec::new();
    for piece in [first, second] {
        let name = hex::encode(digest(&SHA256, piece.as_bytes()));
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(piece.as_bytes()).expect("it is packed");
        let path = format!("/api/v1/databases/prn/arrivals/pieces/{name}");
        let request = service.request(Method::PUT, &path).header("content-type", "application/octet-stream");
        service.answer(request.body(packer.finish().expect("it is packed"))).await.expect(204);
        names.push(name);
    }
    names
}

/// The files of states that no job has taken.
fn left(service: &Service) -> usize {
    let folders = std::fs::read_dir(service.folder.path()).expect("it is read").flatten();
    let arrivals =
        folders.map(|entry| entry.path()).find(|path| path.to_string_lossy().ends_with(".arrivals"));
    let entries = std::fs::read_dir(arrivals.expect("it is there")).expect("it is read").flatten();
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
