//! Exports: asked for, downloaded, bounded, removed.

use std::sync::Arc;

use reqwest::Method;
use rowkeep::clock::{Clock, SystemClock};
use rowkeep_format::clock::TestClock;
use serde_json::{Value, json};

use super::support::{Service, folder};

/// Exports of shop are here.
const EXPORTS: &str = "/api/v1/databases/shop/exports";

async fn backed_up(config: &str, clock: Arc<dyn Clock>) -> Service {
    let folder = folder();
    let database = rusqlite::Connection::open(folder.path().join("shop.db")).expect("it opens");
    let odd = "CREATE TABLE \"../ü \"\"b\" (id INTEGER PRIMARY KEY, v); INSERT INTO \"../ü \"\"b\" VALUES (1, 'x,y')";
    database.execute_batch(odd).expect("it is done");
    let service = Service::again(folder, None, config, clock).await;
    service.post("/api/v1/databases/shop/backups?wait=60s", json!({})).await.expect(200);
    service
}

async fn export(service: &Service, body: Value) -> Value {
    service.post(&format!("{EXPORTS}?wait=60s"), body).await.expect(200)
}

/// A download: its status, headers and text.
async fn download(service: &Service, path: &str) -> (u16, Value, String) {
    let answer = service.request(Method::GET, path).send().await.expect("it is answered");
    let header = |name: &str| {
        let value = answer.headers().get(name).and_then(|value| value.to_str().ok());
        (name.to_owned(), json!(value))
    };
    let names =
        ["content-type", "content-length", "content-disposition", "x-content-type-options", "cache-control"];
    let headers = Value::Object(names.into_iter().map(header).collect());
    (answer.status().as_u16(), headers, answer.text().await.expect("it is text"))
}

fn in_folder(service: &Service) -> Vec<String> {
    let folder = service.folder.path().join("state.db.exports");
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    entries.map(|entry| entry.expect("it is read").file_name().to_string_lossy().into_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_written_and_downloaded() {
    let service = backed_up("", SystemClock::shared()).await;
    let job = export(&service, json!({ "snapshot": "latest", "format": "csv" })).await;
    let outcome = job["outcome"].to_string();
    let place = service.folder.path().to_string_lossy().into_owned();
    assert!(!outcome.contains(&place), "where it is on the machine is nobody's business: {outcome}");
    let id = job["id"].as_str().expect("it has an id").to_owned();
    let shown = service.get(&format!("{EXPORTS}/{id}")).await;
    let names: Vec<&str> = shown["files"]
        .as_array()
        .expect("files")
        .iter()
        .map(|file| file["name"].as_str().expect("a name"))
        .collect();
    assert_eq!(names.len(), 2, "{shown}");
    assert_eq!((&shown["expired"], &shown["masked"]), (&json!(false), &json!(false)));
    let (status, headers, text) = download(&service, &format!("{EXPORTS}/{id}/files/customers.csv")).await;
    assert_eq!((status, text.lines().count(), text.lines().next()), (200, 501, Some("id,name")), "{text}");
    assert_eq!(headers["content-type"], "text/csv; charset=utf-8");
    assert_eq!(headers["content-length"], json!(text.len().to_string()));
    assert_eq!(
        headers["content-disposition"],
        "attachment; filename=\"customers.csv\"; filename*=UTF-8''customers.csv"
    );
    assert_eq!(
        (&headers["x-content-type-options"], &headers["cache-control"]),
        (&json!("nosniff"), &json!("no-store"))
    );
    let odd = names.iter().find(|name| **name != "customers.csv").expect("there is another");
    let mut path = service.without_token(Method::GET, "/").build().expect("it is one").url().clone();
    path.set_path(&format!("{EXPORTS}/{id}/files"));
    path.path_segments_mut().expect("it has segments").push(odd);
    let (status, headers, text) = download(&service, path.path()).await;
    assert_eq!((status, &*text), (200, "id,v\r\n1,\"x,y\"\r\n"), "{odd}");
    assert!(
        headers["content-disposition"]
            .as_str()
            .is_some_and(|stated| !stated.contains("..%2F") && stated.is_ascii()),
        "{headers}"
    );
    let outside = ["nothing.csv", "..%2F..%2Fstate.db", "%2Fetc%2Fpasswd", "..", ".", "%00", "..%5Cstate.db"];
    for name in outside {
        let (status, _, text) = download(&service, &format!("{EXPORTS}/{id}/files/{name}")).await;
        assert_eq!(status, 404, "{name}: {text}");
    }
    let theirs = service.token("admin", Some(&["orders"])).await;
    let file = format!("{EXPORTS}/{id}/files/customers.csv");
    service.send(Method::GET, &file, Some(&theirs), None).await.expect(404);
    let by_orders = file.replace("/shop/", "/orders/");
    service.send(Method::GET, &by_orders, Some(&theirs), None).await.expect(404);
    service.send(Method::GET, &by_orders, Some(&service.token), None).await.expect(404);
    let audit = service.get("/api/v1/audit?limit=500").await["entries"].to_string();
    assert!(audit.contains("export.create") && audit.contains("export.download"), "{audit}");
    for (format, first, kind) in [
        ("ndjson", "{\"id\":1,", "application/x-ndjson"),
        ("sql", "", "application/sql"),
        ("prn", "{\"metadata\":{\"version\":\"4.0\"", "application/json"),
        ("dino", "{\"data\":{\n\"customers\":[\n{\"id\":1,", "application/json"),
        ("num", "{\"timestamp\":\"", "application/json"),
    ] {
        let body = json!({ "snapshot": "latest", "tables": ["customers"], "format": format });
        let job = export(&service, body).await;
        let id = job["id"].as_str().expect("it has an id");
        let shown = service.get(&format!("{EXPORTS}/{id}")).await;
        let name = shown["files"][0]["name"].as_str().expect("it has a name");
        assert_eq!(shown["files"].as_array().map(Vec::len), Some(1), "{shown}");
        assert_eq!(shown["files"][0]["sha256"].as_str().map(str::len), Some(64), "{shown}");
        let (status, headers, text) = download(&service, &format!("{EXPORTS}/{id}/files/{name}")).await;
        assert_eq!((status, &headers["content-type"]), (200, &json!(kind)), "{text}");
        assert!(text.starts_with(first) && text.contains("name 500"), "{text}");
    }
    let id = shown["snapshot"].as_str().expect("it has a snapshot").to_owned();
    let body = json!({ "snapshot": "latest", "since": id, "format": "prn", "compression": "gzip" });
    let job = export(&service, body).await;
    let shown = service.get(&format!("{EXPORTS}/{}", job["id"].as_str().expect("an id"))).await;
    assert_eq!(shown["since"], id);
    let name = shown["files"][0]["name"].as_str().expect("it has a name");
    assert!(name.starts_with("backup-incremental-") && name.ends_with(".json.gz"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn exports_that_are_wrong_are_refused() {
    let service = backed_up("", SystemClock::shared()).await;
    for (body, status, told) in [
        (json!({ "snapshot": "latest", "format": "xlsx" }), 422, "csv, ndjson, sql, own, prn, dino, num"),
        (json!({ "snapshot": "latest", "format": "csv", "compression": "rar" }), 422, "none, gzip, zstd"),
        (json!({ "snapshot": "nothing", "format": "csv" }), 404, "no snapshot nothing"),
        (json!({ "snapshot": "latest", "format": "csv", "masked": true }), 422, "no rules say"),
        (json!({ "snapshot": "latest" }), 422, "format"),
    ] {
        let problem = service.post(EXPORTS, body).await.expect(status);
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains(told)), "{problem}");
    }
    let job = export(&service, json!({ "snapshot": "latest", "format": "csv", "tables": ["nothing"] })).await;
    assert_eq!(job["state"], "failed", "{job}");
    let shown = service.get(&format!("{EXPORTS}/{}", job["id"].as_str().expect("it has an id"))).await;
    assert!(shown["error"].as_str().is_some_and(|error| error.contains("no table nothing")), "{shown}");
    assert_eq!((&shown["files"], &shown["expired"]), (&json!([]), &json!(false)));
    let backup =
        service.get("/api/v1/jobs?kind=backup").await["jobs"][0]["id"].as_str().expect("an id").to_owned();
    service.send(Method::GET, &format!("{EXPORTS}/{backup}"), Some(&service.token), None).await.expect(404);
    let off = backed_up("[service]\nkeep_state = 'off'\nexports = 'off'", SystemClock::shared()).await;
    let problem = off.post(EXPORTS, json!({ "snapshot": "latest", "format": "csv" })).await.expect(409);
    assert!(
        problem["detail"].as_str().is_some_and(|detail| detail.contains("exports of [service]")),
        "{problem}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn exports_take_no_more_room_than_they_may() {
    let config = "[service]\nkeep_state = 'off'\nexports = '10kB'";
    let service = backed_up(config, SystemClock::shared()).await;
    let body = json!({ "snapshot": "latest", "format": "csv", "tables": ["customers"] });
    let first = export(&service, body.clone()).await;
    assert_eq!(first["state"], "done", "{first}");
    let second = export(&service, body).await;
    let error = second["error"].as_str().unwrap_or_default();
    assert!(
        second["state"] == "failed" && error.contains("need more than") && error.contains("fewer tables"),
        "{second}"
    );
    let kept = in_folder(&service);
    let id = first["id"].as_str().expect("it has an id");
    assert_eq!(kept, [id], "what failed leaves nothing");

    // What is deleted makes room at once.
    let listed = service.get("/api/v1/exports").await;
    assert_eq!(listed["exports"].as_array().map(Vec::len), Some(1), "{listed}");
    let there = &listed["exports"][0];
    let by = there["asked_by"].as_str().expect("somebody has asked for it");
    assert!(there["id"] == first["id"] && by.starts_with("token first"), "{listed}");
    assert!(there["expires"].is_string() && listed["at_most_bytes"] == 10_000, "{listed}");
    assert_eq!(listed["bytes"], there["files"][0]["bytes"], "{listed}");
    let theirs = service.token("admin", Some(&["orders"])).await;
    let nothing = service.send(Method::GET, "/api/v1/exports", Some(&theirs), None).await.expect(200);
    assert_eq!(nothing["exports"], json!([]), "{nothing}");
    let one = format!("{EXPORTS}/{id}");
    service.send(Method::DELETE, &one, Some(&theirs), None).await.expect(404);
    let viewer = service.token("viewer", None).await;
    service.send(Method::DELETE, &one, Some(&viewer), None).await.expect(403);
    service.send(Method::DELETE, &one, Some(&service.token), None).await.expect(204);
    service.send(Method::DELETE, &one, Some(&service.token), None).await.expect(404);
    assert_eq!(in_folder(&service), Vec::<String>::new());
    assert_eq!(service.get("/api/v1/exports").await["exports"], json!([]));
    assert_eq!(service.get(&one).await["expired"], true);
    let body = json!({ "snapshot": "latest", "format": "csv", "tables": ["customers"] });
    let third = export_again(&service, body).await;
    let audit = service.get("/api/v1/audit?limit=500").await["entries"].to_string();
    assert!(audit.contains("export.delete"), "{audit}");
    let (cookie, csrf) = super::sessions::signed_in(&service).await;
    let (_, _, text) = super::pages::page(&service, Method::GET, "/exports", &cookie, "").await;
    assert!(text.contains(&third) && text.contains("all exports of the service may take 10 kB"), "{text}");
    let removal = format!("/databases/shop/exports/{third}/removal");
    let form = format!("csrf={csrf}");
    let (status, _, text) = super::pages::page(&service, Method::POST, &removal, &cookie, &form).await;
    assert!(status == 200 && text.contains("None is there"), "{text}");
}

/// Exports, which succeeds, and gives the id.
async fn export_again(service: &Service, body: Value) -> String {
    let job = export(service, body).await;
    assert_eq!(job["state"], "done", "{job}");
    job["id"].as_str().expect("it has an id").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_removed_after_a_day_and_what_was_cut_off_at_the_next_start() {
    let clock = Arc::new(TestClock::new("2026-11-29T12:00:00Z".parse().expect("it is a time")));
    let service = backed_up("", Arc::clone(&clock) as Arc<dyn Clock>).await;
    let job = export(&service, json!({ "snapshot": "latest", "format": "csv" })).await;
    let id = job["id"].as_str().expect("it has an id").to_owned();
    let exports = service.folder.path().join("state.db.exports");
    std::fs::create_dir(exports.join(".0123abcd.x.partial")).expect("it is made");
    let token = service.token.clone();
    let folder = service.stop().await;
    let service = Service::again(folder, Some(token), "", Arc::clone(&clock) as Arc<dyn Clock>).await;
    for _ in 0..600 {
        if in_folder(&service) == [&*id] {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(in_folder(&service), [&*id], "what was cut off is gone, what is kept is not");
    let file = format!("{EXPORTS}/{id}/files/customers.csv");
    assert_eq!(download(&service, &file).await.0, 200);
    clock.advance(std::time::Duration::from_secs(24 * 3600 + 1));
    let (status, _, text) = download(&service, &file).await;
    assert!(status == 404 && text.contains("kept for a day"), "{text}");
    let shown = service.get(&format!("{EXPORTS}/{id}")).await;
    assert_eq!((&shown["expired"], &shown["files"]), (&json!(true), &json!([])));
    let token = service.token.clone();
    let folder = service.stop().await;
    let service = Service::again(folder, Some(token), "", clock).await;
    for _ in 0..600 {
        if in_folder(&service).is_empty() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(in_folder(&service), Vec::<String>::new(), "after a day its files are removed");
}
