//! The audit: changed, cut, written anew, replaced, given to others.

use std::path::Path;
use std::sync::Arc;

use reqwest::header::{ACCEPT, CONTENT_TYPE};
use rowkeep::clock::SystemClock;
use rusqlite::Connection;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::support::{Service, state};

const VERIFICATION: &str = "/api/v1/audit/verification";

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn the_audit_tells_of_every_change() {
    let service = Service::new().await;
    let token = service.token.clone();
    service.post("/api/v1/databases/shop/backups?wait=60s", json!({})).await.expect(200);
    service.token("viewer", None).await;
    let head = service.get("/api/v1/audit/verification").await;
    assert_eq!((&head["intact"], &head["entries"]), (&json!(true), &json!(5)));
    let folder = service.stop().await;
    // An entry of another chain, which is right by itself.
    let other = Service::new().await;
    other.post("/api/v1/databases/shop/backups?wait=60s", json!({})).await.expect(200);
    let elsewhere = other.stop().await;
    let other = state(&elsewhere).display().to_string();
    let foreign = format!(
        "ATTACH '{other}' AS other; DELETE FROM main.audit WHERE number = 2; \
         INSERT INTO main.audit SELECT * FROM other.audit WHERE number = 2"
    );
    for (change, broken_at) in [
        (foreign.as_str(), 2),
        ("UPDATE audit SET who = 'token other' WHERE number = 2", 2),
        ("UPDATE audit SET time = time + 1 WHERE number = 1", 1),
        ("UPDATE audit SET outcome = object, object = outcome WHERE number = 3", 3),
        ("DELETE FROM audit WHERE number = 2", 3),
        ("DELETE FROM audit WHERE number = 1", 2),
        ("UPDATE audit SET number = number + 1", 2),
    ] {
        let path = state(&folder);
        let database = rusqlite::Connection::open(&path).expect("it opens");
        let kept = folder.path().join("kept.db");
        let _ = std::fs::remove_file(&kept);
        database.execute("VACUUM INTO ?1", [kept.to_str().expect("it is text")]).expect("it is kept");
        // From the end on, so that numbers stay apart.
        let change = change.replace("number + 1", "-number - 1");
        database.execute_batch(&change).expect("it is changed");
        database.execute("UPDATE audit SET number = -number WHERE number < 0", ()).expect("it is changed");
        drop(database);
        let service =
            Service::again(Arc::clone(&folder), Some(token.clone()), "", SystemClock::shared()).await;
        let verified = service.get("/api/v1/audit/verification").await;
        assert_eq!(
            (&verified["intact"], &verified["broken_at"]),
            (&json!(false), &json!(broken_at)),
            "{change}"
        );
        service.stop().await;
        std::fs::rename(&kept, &path).expect("it is put back");
    }
    let service = Service::again(folder, Some(token), "", SystemClock::shared()).await;
    assert_eq!(service.get("/api/v1/audit/verification").await["head"], head["head"]);
}

/// Writes the audit anew from an entry on, as whoever knows how could: every hash follows from the one before.
fn write_anew(path: &Path, from: i64) {
    let database = Connection::open(path).expect("it opens");
    database
        .execute("UPDATE audit SET who = 'token other' WHERE number = ?1", [from])
        .expect("it is changed");
    let mut before: Vec<u8> = database
        .query_row("SELECT hash FROM audit WHERE number = ?1", [from - 1], |row| row.get(0))
        .unwrap_or_default();
    let last: i64 =
        database.query_row("SELECT max(number) FROM audit", (), |row| row.get(0)).expect("a number");
    for number in from..=last {
        let query = "SELECT time, who, address, action, object, outcome FROM audit WHERE number = ?1";
        let (time, parts) = database
            .query_row(query, [number], |row| {
                let parts: [String; 5] = [row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?];
                Ok((row.get::<_, i64>(0)?, parts))
            })
            .expect("it is there");
        let mut hasher = blake3::Hasher::new_derive_key("rowkeep 2026-11-29 audit entry");
        hasher.update(&before).update(&number.to_le_bytes()).update(&time.to_le_bytes());
        for part in &parts {
            hasher.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
        }
        before = hasher.finalize().as_bytes().to_vec();
        database
            .execute("UPDATE audit SET hash = ?2 WHERE number = ?1", (number, &before))
            .expect("it is changed");
    }
}

/// A folder of a service that made two snapshots and was stopped, and its token.
async fn stopped() -> (Arc<TempDir>, String) {
    let service = Service::new().await;
    let token = service.token.clone();
    for name in ["shop", "orders"] {
        let path = format!("/api/v1/databases/{name}/backups?wait=60s");
        service.post(&path, json!({})).await.expect(200);
    }
    let verified = service.get(VERIFICATION).await;
    assert_eq!((&verified["intact"], &verified["snapshots"]), (&json!(true), &json!(2)), "{verified}");
    (service.stop().await, token)
}

async fn verified(folder: &Arc<TempDir>, token: Option<&str>) -> Value {
    let token = token.map(str::to_owned);
    let service = Service::again(Arc::clone(folder), token, "", SystemClock::shared()).await;
    let verified = service.get(VERIFICATION).await;
    service.stop().await;
    verified
}

/// What is said of the snapshots that differ, in short.
fn reasons(verified: &Value) -> Vec<String> {
    let differing = verified["differing_snapshots"].as_array().map(Vec::as_slice).unwrap_or_default();
    differing.iter().map(|one| format!("{}: {}", one["database"], one["reason"])).collect()
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn snapshots_know_the_audit_of_their_time() {
    let (folder, token) = stopped().await;
    let service = Service::again(Arc::clone(&folder), Some(token.clone()), "", SystemClock::shared()).await;
    let listed = service.get("/api/v1/databases/orders/snapshots").await;
    let tag = listed["snapshots"][0]["tags"]["rowkeep-audit"].as_str().expect("it has the tag").to_owned();
    let (number, hash) = tag.split_once(':').expect("a number and a hash");
    let audit = service.get("/api/v1/audit?limit=500").await;
    let entries = audit["entries"].as_array().expect("a list");
    let entry =
        entries.iter().find(|entry| entry["number"].as_i64() == number.parse().ok()).expect("it is there");
    assert_eq!(entry["hash"], hash);
    // Nobody chooses it.
    let body = json!({ "tags": { "rowkeep-audit": "1:00" } });
    service.post("/api/v1/databases/shop/backups?wait=60s", body).await.expect(200);
    let listed = service.get("/api/v1/databases/shop/snapshots").await;
    assert_ne!(listed["snapshots"][0]["tags"]["rowkeep-audit"], "1:00");
    let verified = service.get(VERIFICATION).await;
    assert_eq!((&verified["intact"], &verified["snapshots"]), (&json!(true), &json!(3)), "{verified}");
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn an_audit_that_is_cut_at_its_end_is_noticed() {
    let (folder, token) = stopped().await;
    // What came after the last snapshot, nobody knows; what was there before the second is missed.
    let cut = "DELETE FROM audit WHERE number >= 4";
    Connection::open(state(&folder)).expect("it opens").execute(cut, ()).expect("it is changed");
    let verified = verified(&folder, Some(&token)).await;
    assert_eq!((&verified["intact"], &verified["broken_at"]), (&json!(false), &Value::Null), "{verified}");
    let reasons = reasons(&verified);
    assert_eq!(reasons.len(), 1, "{verified}");
    assert!(reasons[0].contains("orders") && reasons[0].contains("ends with entry 3"), "{reasons:?}");
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn an_audit_that_is_written_anew_is_noticed() {
    let (folder, token) = stopped().await;
    write_anew(&state(&folder), 4);
    let found = verified(&folder, Some(&token)).await;
    assert_eq!((&found["intact"], &found["broken_at"]), (&json!(false), &Value::Null), "{found}");
    assert_eq!(reasons(&found).len(), 1, "the first snapshot knows an entry before: {found}");
    write_anew(&state(&folder), 1);
    let found = verified(&folder, Some(&token)).await;
    assert_eq!((&found["intact"], &found["broken_at"]), (&json!(false), &Value::Null), "{found}");
    let reasons = reasons(&found);
    assert_eq!(reasons.len(), 2, "{found}");
    assert!(reasons.iter().all(|reason| reason.contains("rewritten")), "{reasons:?}");
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn a_state_that_is_replaced_is_noticed() {
    let (folder, _) = stopped().await;
    std::fs::remove_file(state(&folder)).expect("it is removed");
    let found = verified(&folder, None).await;
    assert_eq!((&found["intact"], &found["differing"]), (&json!(false), &json!(2)), "{found}");
    // Another that has as many entries.
    let (elsewhere, token) = stopped().await;
    std::fs::copy(state(&elsewhere), state(&folder)).expect("it is copied");
    let found = verified(&folder, Some(&token)).await;
    assert_eq!((&found["intact"], &found["differing"]), (&json!(false), &json!(2)), "{found}");
    assert_eq!(verified(&elsewhere, Some(&token)).await["intact"], true);
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn a_repository_that_is_away_is_named() {
    let (folder, token) = stopped().await;
    let (place, away) = (folder.path().join("repository"), folder.path().join("away"));
    std::fs::rename(&place, &away).expect("it is moved");
    let found = verified(&folder, Some(&token)).await;
    assert_eq!((&found["intact"], &found["snapshots"]), (&json!(true), &json!(0)), "{found}");
    let unseen = &found["unseen_repositories"][0];
    assert!(unseen["repository"].as_str().is_some_and(|name| name.ends_with("repository")), "{found}");
    std::fs::rename(&away, &place).expect("it is back");
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn the_whole_audit_is_given_to_others() {
    let service = Service::new().await;
    // More than one page, and names that a spreadsheet would take for something else.
    let body = json!({ "name": "=1+1,\"x\"", "role": "viewer" });
    service.post("/api/v1/tokens", body).await.expect(201);
    let (token, folder) = (service.token.clone(), service.stop().await);
    {
        let database = Connection::open(state(&folder)).expect("it opens");
        let many = "WITH RECURSIVE n(i) AS (SELECT 4 UNION ALL SELECT i + 1 FROM n WHERE i < 2500)
            INSERT INTO audit SELECT i, 0, 'token x', '', 'job.create', 'number ' || i, 'done', x'' FROM n";
        database.execute(many, ()).expect("they are added");
    }
    write_anew(&state(&folder), 4);
    let service = Service::again(folder, Some(token), "", SystemClock::shared()).await;
    let paths = [("?format=ndjson", "*/*"), ("", "application/x-ndjson"), ("", "text/plain, text/csv;q=0.5")];
    let mut texts = Vec::new();
    for (query, accept) in paths {
        let request = service.request(reqwest::Method::GET, &format!("/api/v1/audit{query}"));
        let response = request.header(ACCEPT, accept).send().await.expect("it answers");
        let content_type = response.headers()[CONTENT_TYPE].to_str().expect("it is text").to_owned();
        texts.push((content_type, response.text().await.expect("it comes whole")));
    }
    assert_eq!(texts[0], texts[1]);
    assert_eq!(texts[0].0, "application/x-ndjson");
    let lines: Vec<Value> =
        texts[0].1.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect();
    let numbers: Vec<i64> = lines.iter().filter_map(|line| line["number"].as_i64()).collect();
    assert_eq!(numbers, (1..=2500).collect::<Vec<_>>());
    assert_eq!(lines[2499], service.get("/api/v1/audit?limit=1").await["entries"][0]);
    let (content_type, csv) = &texts[2];
    assert!(content_type.starts_with("text/csv"), "{content_type}");
    let rows: Vec<&str> = csv.split("\r\n").collect();
    assert_eq!(rows[0], "number,time,who,address,action,object,outcome,hash");
    assert_eq!(rows.len(), 2502, "a head, the entries, and nothing after the last end of a line");
    let made = rows[3].to_owned();
    assert!(made.contains(",\"'=1+1,\"\"x\"\": "), "{made}");
    assert_eq!(rows[2500].split(',').nth(5), Some("number 2500"));
    for (refused, status) in
        [("?format=xml", 400), ("?format=csv&limit=3", 422), ("?format=ndjson&cursor=5", 422)]
    {
        let path = format!("/api/v1/audit{refused}");
        service.send(reqwest::Method::GET, &path, Some(&service.token), None).await.expect(status);
    }
    let viewer = service.token("viewer", None).await;
    let path = "/api/v1/audit?format=csv";
    service.send(reqwest::Method::GET, path, Some(&viewer), None).await.expect(403);
}
