//! The rows that differ between two states, page by page.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

use super::support::Service;

/// Runs statements in the database shop.
fn sql(service: &Service, sql: &str) {
    let database = rusqlite::Connection::open(service.folder.path().join("shop.db")).expect("it opens");
    database.execute_batch(sql).expect("it is done");
}

async fn back_up(service: &Service, database: &str, name: &str) {
    let path = format!("/api/v1/databases/{database}/backups?wait=60s");
    let job = service.post(&path, json!({ "name": name })).await.expect(200);
    assert_eq!(job["state"], "done", "{job}");
}

/// What is answered to a query, all of whose values are given as they are.
async fn ask(service: &Service, database: &str, query: &[(&str, &str)]) -> super::support::Answer {
    let escaped = |text: &str| text.bytes().map(|byte| format!("%{byte:02x}")).collect::<String>();
    let query: Vec<_> = query.iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect();
    let path = format!("/api/v1/databases/{database}/differences?{}", query.join("&"));
    service.answer(service.request(Method::GET, &path)).await
}

/// The rows of all pages, which all say the same of the whole.
async fn all(service: &Service, query: &[(&str, &str)]) -> (Value, Vec<Value>) {
    let (mut rows, mut cursor, mut counts) = (Vec::new(), None::<String>, None);
    loop {
        let mut query = query.to_vec();
        query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let page = ask(service, "shop", &query).await.expect(200);
        assert_eq!(counts.get_or_insert_with(|| page["counts"].clone()), &page["counts"]);
        rows.extend(page["rows"].as_array().expect("a list").iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = Some(next.to_owned()),
            None => return (counts.expect("there is a page"), rows),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_have_each_change_once() {
    let service = Service::new().await;
    back_up(&service, "shop", "first").await;
    sql(
        &service,
        "DELETE FROM customers WHERE id <= 20; UPDATE customers SET name = 'new' WHERE id BETWEEN 100 AND 119;
         INSERT INTO customers SELECT id + 1000, name FROM customers WHERE id BETWEEN 30 AND 49",
    );
    back_up(&service, "shop", "second").await;
    let changed: BTreeMap<i64, &str> = (1..=20)
        .map(|id| (id, "delete"))
        .chain((100..120).map(|id| (id, "update")))
        .chain((1030..1050).map(|id| (id, "insert")))
        .collect();
    let live: &[(&str, &str)] = &[("before", "first"), ("table", "customers")];
    let stored: &[(&str, &str)] = &[("before", "first"), ("after", "second"), ("table", "customers")];
    for (query, limit) in [(live, "7"), (stored, "7"), (stored, "60"), (stored, "1")] {
        let query = [query, &[("limit", limit)]].concat();
        let (counts, rows) = all(&service, &query).await;
        assert_eq!(counts, json!({ "inserted": 20, "updated": 20, "deleted": 20 }));
        let found: Vec<(i64, &str)> = rows
            .iter()
            .map(|row| {
                let id = row["key"]["id"].as_i64().expect("a number");
                assert_eq!(row["restore_key"], format!("customers:{id}"));
                (id, row["change"].as_str().expect("text"))
            })
            .collect();
        assert_eq!(found, changed.clone().into_iter().collect::<Vec<_>>(), "{query:?}");
    }
    let page = ask(&service, "shop", &[stored, &[("limit", "500")]].concat()).await.expect(200);
    assert_eq!(page["columns"], json!(["id", "name"]));
    assert_eq!((&page["table"]["name"], &page["next_cursor"]), (&json!("customers"), &Value::Null));
    assert_eq!(page["rows"][20]["before"], json!({ "id": 100, "name": "name 100" }));
    assert_eq!(page["rows"][20]["after"], json!({ "id": 100, "name": "new" }));
    let same = ask(&service, "shop", &[("before", "second"), ("table", "customers")]).await.expect(200);
    assert_eq!((&same["rows"], &same["counts"]["updated"]), (&json!([]), &json!(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_all_kinds_name_rows_for_a_restore() {
    let service = Service::new().await;
    sql(
        &service,
        "CREATE TABLE \"odd.ta:ble\" (a TEXT, b BLOB, v, PRIMARY KEY (a, b)) WITHOUT ROWID;
         INSERT INTO \"odd.ta:ble\" VALUES ('x,y', x'00ff', 1), ('it''s', 'text', 2), ('', '7', 3), ('*', 7, 4), ('kept', 0, 5);
         CREATE TABLE plain (v TEXT); INSERT INTO plain VALUES ('a'), ('a'), ('b')",
    );
    back_up(&service, "shop", "good").await;
    sql(
        &service,
        "DELETE FROM \"odd.ta:ble\" WHERE a <> 'kept'; UPDATE \"odd.ta:ble\" SET v = 6; DELETE FROM plain",
    );
    let odd = [("before", "live"), ("after", "good"), ("table", "\"odd.ta:ble\""), ("limit", "2")];
    let (counts, rows) = all(&service, &odd).await;
    assert_eq!(counts, json!({ "inserted": 4, "updated": 1, "deleted": 0 }));
    let inserted = rows.iter().filter(|row| row["change"] == "insert");
    let keys: Vec<Value> = inserted.map(|row| row["restore_key"].clone()).collect();
    assert_eq!(keys.len(), 4);
    let body = json!({ "snapshot": "good", "wanted": { "keys": keys } });
    service.post("/api/v1/databases/shop/restores?wait=60s", body).await.expect(200);
    let plans = service.get("/api/v1/plans").await;
    let execution = format!(
        "/api/v1/plans/{}/executions?wait=60s",
        plans["plans"][0]["id"].as_str().expect("it has an id")
    );
    let job = service.post(&execution, json!({ "confirm": "shop" })).await.expect(200);
    assert_eq!(job["state"], "done", "{job}");
    let (counts, left) = all(&service, &odd).await;
    assert_eq!((&counts["inserted"], &counts["updated"]), (&json!(0), &json!(1)), "{left:?}");
    let (_, rows) = all(&service, &[("before", "good"), ("table", "plain")]).await;
    assert_eq!(rows.len(), 3);
    assert!(rows.iter().all(|row| row.get("restore_key").is_none()), "no key names them: {rows:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_is_of_one_comparison() {
    let service = Service::new().await;
    for database in ["shop", "orders"] {
        back_up(&service, database, &format!("of-{database}")).await;
    }
    sql(&service, "DELETE FROM customers; CREATE TABLE other (id INTEGER PRIMARY KEY)");
    back_up(&service, "shop", "empty").await;
    let of = |before: &'static str, cursor: &str| {
        [("before", before), ("table", "customers"), ("limit", "10"), ("cursor", cursor)]
            .map(|(name, value)| (name, value.to_owned()))
    };
    let asked = async |database: &str, query: [(&'static str, String); 4]| {
        let query: Vec<_> = query.iter().map(|(name, value)| (*name, value.as_str())).collect();
        ask(&service, database, &query).await
    };
    let first = [("before", "of-shop"), ("table", "customers"), ("limit", "10")];
    let first_page = ask(&service, "shop", &first).await.expect(200);
    let cursor = first_page["next_cursor"].as_str().expect("there is more").to_owned();
    let page = asked("shop", of("of-shop", &cursor)).await.expect(200);
    assert_eq!(page["rows"][0]["key"]["id"], 11);
    let gone = asked("orders", of("of-shop", &cursor)).await.expect(409);
    assert!(
        gone["detail"].as_str().is_some_and(|detail| detail.contains("ask again without cursor")),
        "{gone}"
    );
    asked("shop", of("empty", &cursor)).await.expect(409);
    let theirs = service.token("operator", Some(&["orders"])).await;
    let path = format!("/api/v1/databases/shop/differences?before=of-shop&table=customers&cursor={cursor}");
    service.send(Method::GET, &path, Some(&theirs), None).await.expect(404);
    let guessed = format!("{}-0-0", "0".repeat(32));
    asked("shop", of("of-shop", &guessed)).await.expect(409);
    for malformed in ["", "x", "a-b-c", "a-0-0-0", "a-0--1", "é"] {
        asked("shop", of("of-shop", malformed)).await.expect(400);
    }
    let beyond = format!("{}-999-999", cursor.split('-').next().expect("it has an id"));
    assert_eq!(asked("shop", of("of-shop", &beyond)).await.expect(200)["rows"], json!([]));
    // Only so many comparisons are kept.
    for _ in 0..8 {
        ask(&service, "shop", &first).await.expect(200);
    }
    asked("shop", of("of-shop", &cursor)).await.expect(409);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_compared_is_told() {
    let service = Service::new().await;
    back_up(&service, "shop", "good").await;
    sql(&service, "CREATE TABLE customs (id INTEGER PRIMARY KEY)");
    for (query, status, told) in [
        (&[("before", "good"), ("table", "nothing")][..], 404, "no table nothing"),
        (&[("before", "good"), ("table", "customs")], 404, "only the second state"),
        (&[("before", "live"), ("after", "live"), ("table", "cust*")], 400, "could be any of 2"),
        (&[("before", "bad"), ("table", "customers")], 404, "no snapshot bad"),
        (&[("before", "sqlite:/etc/passwd"), ("table", "customers")], 404, "no snapshot"),
        (&[("before", "good")], 400, "table"),
        (&[("before", "good"), ("table", "customers"), ("limit", "0")], 400, "limit"),
        (&[("before", "good"), ("table", "customers"), ("colour", "red")], 400, "colour"),
    ] {
        let problem = ask(&service, "shop", query).await.expect(status);
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains(told)), "{problem}");
    }
    let audit = service.get("/api/v1/audit?limit=500").await["entries"].to_string();
    assert!(!audit.contains("difference.read"), "nobody has read a row: {audit}");
    ask(&service, "shop", &[("before", "good"), ("table", "customers")]).await.expect(200);
    let audit = service.get("/api/v1/audit?limit=500").await["entries"].to_string();
    assert!(audit.contains("difference.read") && audit.contains("table customers of shop"), "{audit}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_goes_away_gives_the_comparison_up() {
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("it listens");
    let address = silent.local_addr().expect("it has one");
    let url = format!("postgres://u:p@{address}/x?connect_timeout=600&sslmode=disable");
    let config = format!("[databases.silent]\nurl = '{url}'");
    let service = Arc::new(Service::with(&config, rowkeep::clock::SystemClock::shared()).await);
    let live = [("before", "live"), ("after", "live"), ("table", "customers")];
    // As many as are made at once.
    let mut asked = Vec::new();
    for _ in 0..2 {
        let service = Arc::clone(&service);
        let asking = tokio::spawn(async move { ask(&service, "silent", &live).await });
        let (mut connected, _) = silent.accept().await.expect("it is asked");
        connected.read_u8().await.expect("something is sent");
        asked.push((asking, connected));
    }
    for (asking, mut connected) in asked {
        asking.abort();
        let mut rest = Vec::new();
        let closed = tokio::time::timeout(Duration::from_secs(60), connected.read_to_end(&mut rest)).await;
        closed.expect("nobody waits for the database any more").expect("it is closed");
    }
    let page = ask(&service, "orders", &live).await.expect(200);
    assert_eq!(page["rows"], json!([]));
}
