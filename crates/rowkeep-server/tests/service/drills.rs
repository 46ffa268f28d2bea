//! Drills and their reports.

use std::io::Write as _;

use aws_lc_rs::digest::{SHA256, digest};
use flate2::Compression;
use flate2::write::GzEncoder;
use reqwest::Method;
use rowkeep::clock::SystemClock;
use serde_json::{Value, json};

use super::sessions::signed_in;
use super::support::Service;

/// States of one database, two days of it, as the module for pages captures them.
const FIRST: &str = include_str!("../../../rowkeep-cli/tests/cli/indexeddb/first.ndjson");
const SECOND: &str = include_str!("../../../rowkeep-cli/tests/cli/indexeddb/second.ndjson");

/// Sends a state as a page does; gives the id of its snapshot.
async fn send(service: &Service, state: &str, device: &str) -> Value {
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(state.as_bytes()).expect("it is packed");
    let piece = hex::encode(digest(&SHA256, state.as_bytes()));
    let path = "/api/v1/databases/prn/arrivals/pieces";
    let sent = service.request(Method::POST, path).header("content-type", "application/octet-stream");
    service.answer(sent.body(packed.finish().expect("it is packed"))).await.expect(200);
    let state = json!({ "pieces": [piece], "device": device });
    let job = service.post("/api/v1/databases/prn/arrivals?wait=60s", state).await.expect(200);
    job["outcome"]["imported"][0]["snapshot"]["id"].clone()
}

/// What pages sent is drilled as the file that they would have back, of each device, and counts as checked and not as proven.
#[tokio::test(flavor = "multi_thread")]
async fn what_pages_sent_is_drilled_as_their_file() {
    let config = "[databases.prn]\nurl = 'indexeddb:prn'\npromise = { lose = '400000h', back_in = '1h' }\n\
        [[databases.prn.checks]]\ntable = 'phone_numbers'\nnot_null = 'number'\n";
    let service = Service::with(config, SystemClock::shared()).await;
    let (tablet, desk) = (send(&service, FIRST, "tablet").await, send(&service, SECOND, "desk").await);
    let schedules = service.get("/api/v1/schedules").await;
    let promised = schedules["schedules"].as_array().expect("they are listed");
    assert!(promised.iter().any(|one| one["work"] == "drill" && one["database"] == "prn"), "{schedules}");
    assert_eq!(schedules["broken_promises"], json!([]));
    let drills = "/api/v1/databases/prn/drills";
    let job = service.post(&format!("{drills}?wait=60s"), json!({})).await.expect(200);
    assert_eq!(job["state"], "done", "{job}");
    let listed = service.get(drills).await;
    let reports = listed["drills"][0]["reports"].as_array().expect("there are some");
    let of: Vec<&Value> = reports.iter().map(|report| &report["snapshot"]["id"]).collect();
    assert_eq!(of, [&tablet, &desk], "{listed}");
    assert!(
        reports
            .iter()
            .all(|report| report["status"] == "passed" && report["measures"]["is_page_file"] == true)
    );
    let snapshot = format!("/api/v1/databases/prn/snapshots/{}", desk.as_str().expect("it has an id"));
    assert_eq!(service.get(&snapshot).await["proven"], Value::Null);
    let (cookie, _) = signed_in(&service).await;
    for (page, word) in
        [("/databases/prn", "as the file that its page restores"), ("/databases/prn/drills", "checked")]
    {
        let shown = service.without_token(Method::GET, page).header("cookie", &cookie).send().await;
        let shown = shown.expect("it answers").text().await.expect("it is text");
        assert!(shown.contains(word) && shown.contains("Test a recovery"), "{page}: {shown}");
        assert!(!shown.contains(">proven</span>"), "{page}: {shown}");
    }
    // A drill says nothing of a device whose first state came later.
    let health = async || service.get("/api/v1/databases/prn").await;
    assert_eq!(health().await["standing"], "kept");
    let old = FIRST.replacen("\"time\":\"2026-11-03", "\"time\":\"1970-01-05", 1);
    assert_ne!(old, FIRST);
    let old = summed(&old);
    send(&service, &old, "phone").await;
    let told = health().await;
    assert_eq!(told["standing"], "at_risk", "{told}");
    let of: Vec<_> = told["devices"].as_array().expect("they are listed").iter().collect();
    let about = |what: &str| of.iter().map(|device| device[what].clone()).collect::<Vec<_>>();
    assert_eq!(about("device"), ["desk", "phone", "tablet"]);
    assert_eq!(about("drilled"), [true, false, true]);
    assert_eq!(about("is_older_than_promised"), [false, true, false]);
    for (page, words) in [
        ("/databases/prn", &["no state was ever drilled: phone", "may be lost: phone ("][..]),
        (
            "/databases/prn/devices",
            &["older than may be lost", "never drilled", "kept while any device sends"],
        ),
    ] {
        let shown = service.without_token(Method::GET, page).header("cookie", &cookie).send().await;
        let shown = shown.expect("it answers").text().await.expect("it is text");
        assert!(words.iter().all(|word| shown.contains(word)), "{page}: {shown}");
    }
}

/// A state with the last sum that its lines have.
fn summed(state: &str) -> String {
    let (rest, last) = state.trim_end().rsplit_once('\n').expect("it has lines");
    let of_sum = |line: &&str| line.starts_with("{\"end\"") || line.starts_with("{\"format\"");
    let lines: String = rest.lines().filter(of_sum).map(|line| format!("{line}\n")).collect();
    let begin = last.rsplit_once("\"sha256\":").expect("it has a sum").0;
    format!("{rest}\n{begin}\"sha256\":\"{}\"}}\n", hex::encode(digest(&SHA256, lines.as_bytes())))
}

#[tokio::test(flavor = "multi_thread")]
async fn drills_are_listed_and_their_reports_downloaded() {
    let service = Service::new().await;
    let drills = "/api/v1/databases/shop/drills";
    assert_eq!(service.get(drills).await, json!({ "drills": [] }));
    let failed = service.post(&format!("{drills}?wait=60s"), json!({})).await.expect(200);
    let failed = failed["id"].as_str().expect("it has an id").to_owned();
    service.post("/api/v1/databases/shop/backups?wait=60s", json!({})).await.expect(200);
    let drill = service.post(&format!("{drills}?wait=60s"), json!({})).await.expect(200);
    let id = drill["id"].as_str().expect("it has an id").to_owned();
    service.post("/api/v1/databases/orders/backups?wait=60s", json!({})).await.expect(200);
    let other = service.post("/api/v1/databases/orders/drills?wait=60s", json!({})).await.expect(200);
    let other = other["id"].as_str().expect("it has an id").to_owned();
    let first = service.get(&format!("{drills}?limit=1")).await;
    assert_eq!(
        (&first["drills"][0]["id"], &first["drills"][0]["reports"][0]["status"]),
        (&json!(id), &json!("passed"))
    );
    let cursor = first["next_cursor"].as_str().expect("there is another");
    let second = service.get(&format!("{drills}?limit=1&cursor={cursor}")).await;
    assert_eq!((&second["drills"][0]["id"], &second["next_cursor"]), (&json!(failed), &json!(null)));
    for (format, kind, told) in [
        ("", "text/html; charset=utf-8", "<!doctype html>"),
        ("?format=json", "application/json", "\"passed\": true"),
        ("?format=markdown", "text/markdown; charset=utf-8", "shop"),
        ("?format=junit", "application/xml", "<testsuite"),
        ("?format=text", "text/plain; charset=utf-8", "drill passed"),
    ] {
        let answer = service.request(Method::GET, &format!("{drills}/{id}/report{format}")).send().await;
        let answer = answer.expect("it is answered");
        assert_eq!(answer.status(), 200, "{format}");
        assert_eq!(answer.headers()["content-type"], kind);
        let disposition = answer.headers()["content-disposition"].to_str().expect("it is text").to_owned();
        assert!(disposition.starts_with("attachment; filename=\"drill-"), "{disposition}");
        let text = answer.text().await.expect("it is text");
        assert!(text.contains(told), "{format}: {text}");
    }
    for (path, status) in [
        (format!("{drills}/{id}/report?format=pdf"), 422),
        (format!("{drills}/{id}/report?colour=red"), 400),
        (format!("{drills}/{failed}/report"), 404),
        (format!("{drills}/{other}/report"), 404),
        (format!("{drills}/0/report"), 404),
    ] {
        service.send(Method::GET, &path, Some(&service.token), None).await.expect(status);
    }
}
