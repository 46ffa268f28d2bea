//! Alerts: opened once, told once, over once.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use rowkeep_format::clock::TestClock;
use serde_json::{Value, json};

use super::sinks::{Received, Web};
use super::support::{Service, folder};

const ALERTS: &str = "/api/v1/alerts";
const BACK_UP: &str = "/api/v1/databases/orders/backups?wait=60s";
/// Thirty-two bytes.
const SECRET: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

fn clock(text: &str) -> Arc<TestClock> {
    Arc::new(TestClock::new(time(text)))
}

fn time(text: &str) -> Timestamp {
    text.parse().expect("it is a time")
}

fn webhook(name: &str, web: &Web, rest: &str) -> String {
    format!(
        "[[channels]]\nname = '{name}'\nkind = 'webhook'\nurl = '{}'\nsecret = '{SECRET}'\nprivate_network = true\n{rest}\n",
        web.at(&format!("/{name}"))
    )
}

/// Moves the file of a database away, or back.
fn away(service: &Service, name: &str, is_away: bool) {
    let (file, away) = (format!("{name}.db"), format!("{name}.away"));
    let (from, to) = if is_away { (file, away) } else { (away, file) };
    std::fs::rename(service.folder.path().join(from), service.folder.path().join(to)).expect("it is moved");
}

/// The alerts that are listed, but for that of the disk on which this test runs, which may be full.
fn alerts(listed: &Value) -> Vec<Value> {
    let alerts = listed["alerts"].as_array().expect("a list").iter();
    let is_of_disk = |alert: &Value| {
        alert["kind"] == "storage"
            && (alert["object"] == "repository" || alert["object"] == "state of the service")
    };
    alerts.filter(|alert| !is_of_disk(alert)).cloned().collect()
}

/// Whether an alert of a kind about an object is open, or was and is over.
fn is(kind: &str, object: &str, is_open: bool) -> impl Fn(&Value) -> bool {
    move |listed| {
        alerts(listed).iter().any(|alert| {
            alert["kind"] == kind && alert["object"] == object && alert["cleared"].is_null() == is_open
        })
    }
}

/// What is signed, checked as a receiver would: by another implementation.
fn check_signature(received: &Received) {
    let key: Vec<u8> = (0..32).collect();
    let signed =
        [received.header("webhook-id"), received.header("webhook-timestamp"), &received.body].join(".");
    let block =
        |fill: u8| -> Vec<u8> { (0..64).map(|at| key.get(at).copied().unwrap_or(0) ^ fill).collect() };
    let hash = |parts: &[&[u8]]| {
        let mut digest = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
        parts.iter().for_each(|part| digest.update(part));
        digest.finish()
    };
    let inner = hash(&[&block(0x36), signed.as_bytes()]);
    let outer = hash(&[&block(0x5c), inner.as_ref()]);
    let expected =
        format!("v1,{}", base64::Engine::encode(&base64::engine::general_purpose::STANDARD, outer));
    assert_eq!(received.header("webhook-signature"), expected);
}

fn kinds(received: &[Received]) -> Vec<String> {
    let told = received.iter().map(|received| {
        let json = received.json();
        let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        format!("{} {} {}", text(&json["type"]), text(&json["data"]["kind"]), text(&json["data"]["object"]))
    });
    told.collect()
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn an_alert_is_told_once_and_is_over_once() {
    let (web, clock) = (Web::new().await, clock("2026-11-29T12:00:00Z"));
    let config = webhook("hook", &web, "alerts = ['backup_failed']");
    let service = Service::with(&config, clock.clone()).await;
    away(&service, "orders", true);
    web.answer(&[500, 503]);
    assert_eq!(service.post(BACK_UP, json!({})).await.expect(200)["state"], "failed");
    web.until("/hook", 1).await;
    service.until(ALERTS, is("backup_failed", "orders", true)).await;
    // It fails again: that is the same.
    service.post(BACK_UP, json!({})).await.expect(200);
    // The next process goes on with what did not arrive.
    let failed = |count: u64| move |listed: &Value| listed["channels"][0]["failures"] == count;
    service.until("/api/v1/channels", failed(1)).await;
    let (token, folder) = (service.token.clone(), service.stop().await);
    let service = Service::again(folder, Some(token), &config, clock.clone()).await;
    clock.jump(SignedDuration::from_secs(10));
    web.until("/hook", 2).await;
    service.until("/api/v1/channels", failed(2)).await;
    clock.jump(SignedDuration::from_secs(30));
    let received = web.until("/hook", 3).await;
    assert_eq!(received.iter().map(|received| received.status).collect::<Vec<_>>(), [500, 503, 200]);
    received.iter().for_each(check_signature);
    assert!(received.iter().all(|each| each.header("webhook-id") == received[0].header("webhook-id")));
    assert_eq!(kinds(&received[2..]), ["alert.opened backup_failed orders"]);
    assert!(received[2].json()["data"]["text"].as_str().is_some_and(|text| text.contains("orders.db")));
    service.until("/api/v1/channels", failed(0)).await;
    let (token, folder) = (service.token.clone(), service.stop().await);
    let service = Service::again(folder, Some(token), &config, clock.clone()).await;
    let metrics = async |service: &Service| {
        let request = service.request(Method::GET, "/metrics");
        request.send().await.expect("it is answered").text().await.expect("it is text")
    };
    assert!(metrics(&service).await.contains("rowkeep_alerts_firing{kind=\"backup_failed\"} 1"));
    away(&service, "orders", false);
    assert_eq!(service.post(BACK_UP, json!({})).await.expect(200)["state"], "done");
    let received = web.until("/hook", 4).await;
    assert_eq!(kinds(&received[3..]), ["alert.cleared backup_failed orders"]);
    check_signature(&received[3]);
    assert_ne!(received[3].header("webhook-id"), received[0].header("webhook-id"));
    assert_eq!(received[3].json()["data"]["incident"], received[0].json()["data"]["incident"]);
    let listed = service.until(ALERTS, is("backup_failed", "orders", false)).await;
    assert_eq!(alerts(&listed).len(), 1, "{listed}");
    assert!(metrics(&service).await.contains("rowkeep_alerts_firing{kind=\"backup_failed\"} 0"));
    let (token, folder) = (service.token.clone(), service.stop().await);
    let service = Service::again(folder, Some(token), &config, clock.clone()).await;
    clock.jump(SignedDuration::from_hours(2));
    // What is sent by hand comes after everything that waited.
    service.post("/api/v1/channels/hook/tests", json!({})).await.expect(200);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(kinds(&web.until("/hook", 5).await[4..]), ["test - -"]);
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn quiet_hours_hold_back_what_can_wait() {
    let (web, clock) = (Web::new().await, clock("2026-11-29T23:00:00Z"));
    let config =
        webhook("hook", &web, "quiet = '22:00 to 07:00'\nalerts = ['backup_failed', 'unauthorised']");
    let service = Service::with(&config, clock.clone()).await;
    away(&service, "orders", true);
    away(&service, "shop", true);
    let shop = "/api/v1/databases/shop/backups?wait=60s";
    for path in [BACK_UP, shop] {
        service.post(path, json!({})).await.expect(200);
    }
    service.until(ALERTS, is("backup_failed", "orders", true)).await;
    service.until(ALERTS, is("backup_failed", "shop", true)).await;
    away(&service, "shop", false);
    assert_eq!(service.post(shop, json!({})).await.expect(200)["state"], "done");
    service.until(ALERTS, is("backup_failed", "shop", false)).await;
    // What is critical does not wait.
    for _ in 0..25 {
        service.send(Method::GET, "/api/v1/jobs", Some("rowkeep_guess"), None).await;
    }
    assert_eq!(kinds(&web.until("/hook", 1).await), ["alert.opened unauthorised requests"]);
    clock.set(time("2026-11-30T06:59:59Z"));
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(!kinds(&web.received("/hook")).iter().any(|told| told.contains("backup_failed")));
    clock.set(time("2026-11-30T07:00:00Z"));
    for _ in 0..1_000 {
        if kinds(&web.received("/hook")).contains(&"alert.opened backup_failed orders".to_owned()) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let mut told = kinds(&web.received("/hook"));
    told.sort();
    assert_eq!(
        told,
        [
            "alert.cleared unauthorised requests",
            "alert.opened backup_failed orders",
            "alert.opened unauthorised requests"
        ],
        "what was over in the night is not told"
    );
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn a_promise_is_told_of_before_it_is_broken() {
    let (web, clock) = (Web::new().await, clock("2026-11-29T12:00:00Z"));
    let folder = folder();
    std::fs::copy(folder.path().join("shop.db"), folder.path().join("third.db")).expect("it is copied");
    let config = webhook("hook", &web, "databases = ['third']")
        + "[databases.third]\nurl = 'third.db'\npromise = { lose = '1h' }\n";
    let service = Service::again(folder, None, &config, clock.clone()).await;
    let jobs = "/api/v1/jobs?kind=backup&database=third";
    service.until(jobs, |jobs| jobs["jobs"][0]["state"] == "done").await;
    away(&service, "third", true);
    clock.set(time("2026-11-29T12:30:00Z"));
    // The first that fails is no reason to alert anybody: there is time for others.
    for (attempt, next) in [(1, "12:31:00"), (2, "12:36:00"), (3, "12:51:00")] {
        service
            .until(jobs, |jobs| {
                jobs["jobs"][0]["attempt"] == attempt && jobs["jobs"][0]["state"] == "waiting"
            })
            .await;
        assert_eq!(alerts(&service.get(ALERTS).await), [] as [Value; 0], "after attempt {attempt}");
        clock.set(time(&format!("2026-11-29T{next}Z")));
    }
    // The next would come after an hour.
    let listed = service.until(ALERTS, is("at_risk", "third", true)).await;
    assert_eq!(alerts(&listed).len(), 1, "{listed}");
    assert_eq!(kinds(&web.until("/hook", 1).await), ["alert.opened at_risk third"]);
    clock.set(time("2026-11-29T13:00:00Z"));
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(!is("overdue", "third", true)(&service.get(ALERTS).await), "an hour is allowed");
    clock.set(time("2026-11-29T13:01:00Z"));
    let listed = service.until(ALERTS, is("overdue", "third", true)).await;
    let found = alerts(&listed);
    assert_eq!((&found[0]["severity"], &found[1]["kind"]), (&json!("critical"), &json!("at_risk")));
    web.until("/hook", 2).await;
    away(&service, "third", false);
    clock.set(time("2026-11-29T13:51:00Z"));
    service
        .until(ALERTS, |listed| {
            is("overdue", "third", false)(listed) && is("at_risk", "third", false)(listed)
        })
        .await;
    let mut told = kinds(&web.until("/hook", 4).await);
    told[2..].sort();
    let over = ["alert.cleared at_risk third", "alert.cleared overdue third"];
    assert_eq!(told[..2], ["alert.opened at_risk third", "alert.opened overdue third"]);
    assert_eq!(told[2..], over);
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn what_was_missed_while_nothing_ran_is_caught_up_without_an_alert() {
    let clock = clock("2026-11-29T12:00:00Z");
    let config = "[databases.third]\nurl = 'third.db'\npromise = { lose = '1h' }\n";
    let folder = folder();
    std::fs::copy(folder.path().join("shop.db"), folder.path().join("third.db")).expect("it is copied");
    let service = Service::again(folder, None, config, clock.clone()).await;
    let jobs = "/api/v1/jobs?kind=backup&database=third&state=done";
    service.until(jobs, |jobs| !jobs["jobs"][0].is_null()).await;
    let (token, folder) = (service.token.clone(), service.stop().await);
    clock.set(time("2026-12-01T12:00:00Z"));
    let service = Service::again(folder, Some(token), config, clock.clone()).await;
    service.until(jobs, |jobs| jobs["jobs"].as_array().map(Vec::len) == Some(2)).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(alerts(&service.get(ALERTS).await), [] as [Value; 0]);
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn a_suspicious_backup_is_told_of_until_somebody_looked() {
    let service = Service::new().await;
    let path = "/api/v1/databases/shop/backups?wait=60s";
    let database = rusqlite::Connection::open(service.folder.path().join("shop.db")).expect("it opens");
    database.execute("CREATE TABLE orders AS SELECT * FROM customers", ()).expect("it is made");
    service.post(path, json!({})).await.expect(200);
    database.execute("DROP TABLE orders", ()).expect("it is dropped");
    service.post(path, json!({})).await.expect(200);
    let listed = service.until(ALERTS, is("suspicious", "shop", true)).await;
    let found = alerts(&listed);
    assert_eq!((&found[0]["severity"], &found[0]["database"]), (&json!("critical"), &json!("shop")));
    // Others do not learn of it.
    let token = service.token("viewer", Some(&["orders"])).await;
    let theirs = service.send(Method::GET, ALERTS, Some(&token), None).await.expect(200);
    assert_eq!(theirs["alerts"], json!([]));
    let hold = "/api/v1/databases/shop/snapshots/latest/hold?wait=60s";
    service.send(Method::DELETE, hold, Some(&service.token), None).await.expect(200);
    service.until(ALERTS, is("suspicious", "shop", false)).await;
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn damage_and_a_full_store_are_told_of() {
    let service = Service::with("capacity = '1kB'", clock("2026-11-29T12:00:00Z")).await;
    service.post("/api/v1/databases/shop/backups?wait=60s", json!({})).await.expect(200);
    let path = "/api/v1/repository/checks?wait=60s";
    assert_eq!(service.post(path, json!({ "read_percent": 100 })).await.expect(200)["state"], "done");
    let packs = service.folder.path().join("repository").join("packs");
    let mut files = Vec::new();
    let mut folders = vec![packs];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("it is there") {
            let path = entry.expect("it is there").path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    let kept: Vec<_> = files.iter().map(|file| (file, std::fs::read(file).expect("it is there"))).collect();
    assert!(!kept.is_empty());
    for (file, bytes) in &kept {
        let mut bytes = bytes.clone();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(file, bytes).expect("it is written");
    }
    service.post(path, json!({ "read_percent": 100 })).await.expect(200);
    let listed = service.until(ALERTS, is("damage", "repository", true)).await;
    let words = listed["alerts"].as_array().expect("a list").iter().find(|alert| alert["kind"] == "damage");
    assert!(
        words.is_some_and(|alert| alert["words"]
            .as_str()
            .is_some_and(|words| words.contains("damaged object")))
    );
    for (file, bytes) in &kept {
        std::fs::write(file, bytes).expect("it is put back");
    }
    service.post(path, json!({ "read_percent": 100 })).await.expect(200);
    service.until(ALERTS, is("damage", "repository", false)).await;
    let (token, folder) = (service.token.clone(), service.stop().await);
    // A backup was made since it was looked the last time.
    let service =
        Service::again(folder, Some(token), "capacity = '1kB'", clock("2026-11-29T12:00:00Z")).await;
    service.until(ALERTS, is("storage", "capacity of the repository", true)).await;
    let (token, folder) = (service.token.clone(), service.stop().await);
    // What is no longer configured is not left open for ever.
    let service = Service::again(folder, Some(token), "", clock("2026-11-29T12:00:00Z")).await;
    service.until(ALERTS, is("storage", "capacity of the repository", false)).await;
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn pages_have_each_alert_once() {
    let service = Service::new().await;
    let path = "/api/v1/databases/shop/backups?wait=60s";
    for _ in 0..3 {
        away(&service, "shop", true);
        service.post(path, json!({})).await.expect(200);
        service.until(ALERTS, is("backup_failed", "shop", true)).await;
        away(&service, "shop", false);
        service.post(path, json!({})).await.expect(200);
        service.until(ALERTS, |listed| !is("backup_failed", "shop", true)(listed)).await;
    }
    away(&service, "orders", true);
    service.post(BACK_UP, json!({})).await.expect(200);
    service.until(ALERTS, is("backup_failed", "orders", true)).await;
    let whole = alerts(&service.get(ALERTS).await);
    assert_eq!(whole.len(), 4);
    assert_eq!(whole[0]["object"], "orders", "what is open comes first");
    let mut paged = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = service.get(&format!("{ALERTS}?limit=1{cursor}")).await;
        paged.extend(alerts(&page).iter().map(|alert| alert["id"].clone()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(paged, whole.iter().map(|alert| alert["id"].clone()).collect::<Vec<_>>());
    for cursor in ["x", "open", "open-x", "other-1"] {
        service
            .send(Method::GET, &format!("{ALERTS}?cursor={cursor}"), Some(&service.token), None)
            .await
            .expect(400);
    }
}
