//! Rows come back over HTTP: compared, planned, confirmed, executed once, undone.

use serde_json::{Value, json};

use super::support::Service;

/// Runs statements in the database shop.
fn sql(service: &Service, sql: &str) {
    let database = rusqlite::Connection::open(service.folder.path().join("shop.db")).expect("it opens");
    database.execute_batch(sql).expect("it is done");
}

fn count(service: &Service, condition: &str) -> i64 {
    let database = rusqlite::Connection::open(service.folder.path().join("shop.db")).expect("it opens");
    let query = format!("SELECT count(*) FROM customers WHERE {condition}");
    database.query_row(&query, (), |row| row.get(0)).expect("it is answered")
}

async fn done(service: &Service, path: &str, body: Value) -> Value {
    let job = service.post(&format!("{path}?wait=60s"), body).await.expect(200);
    assert_eq!(job["state"], "done", "{job}");
    job["outcome"].clone()
}

/// Has a plan made, and gives its id.
async fn planned(service: &Service, path: &str, body: Value) -> String {
    let outcome = done(service, path, body).await;
    let plans = service.get("/api/v1/plans").await;
    let id = plans["plans"].as_array().and_then(|plans| plans.last()).map(|plan| plan["id"].clone());
    let id = id.and_then(|id| id.as_str().map(str::to_owned)).expect("a plan is kept");
    assert!(outcome.to_string().contains(&id), "{outcome}");
    id
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn two_rows_come_back_and_go_again() {
    let service = Service::new().await;
    done(&service, "/api/v1/databases/shop/backups", json!({ "name": "good" })).await;
    sql(
        &service,
        "DELETE FROM customers WHERE id IN (3, 4, 5); UPDATE customers SET name = 'new' WHERE id = 6",
    );
    let compare = "/api/v1/databases/shop/comparisons?wait=60s";
    let job = service.post(compare, json!({ "before": "good" })).await.expect(200);
    assert_eq!(job["state"], "differences");
    assert_eq!(job["outcome"]["tables"][0]["table"]["name"], "customers", "{job}");

    let body = json!({ "snapshot": "good", "wanted": { "keys": ["customers:3", "customers:4"] } });
    let plan = planned(&service, "/api/v1/databases/shop/restores", body).await;
    assert_eq!(count(&service, "id IN (3, 4, 5)"), 0, "a plan changes nothing");
    let execution = format!("/api/v1/plans/{plan}/executions");
    let refused = service.post(&execution, json!({ "confirm": "orders" })).await.expect(422);
    assert!(refused["detail"].as_str().is_some_and(|detail| detail.contains("confirm")));
    service.post(&execution, json!({})).await.expect(422);
    done(&service, &execution, json!({ "confirm": "shop" })).await;
    assert_eq!((count(&service, "id IN (3, 4, 5)"), count(&service, "name = 'new'")), (2, 1));
    let again = service.post(&execution, json!({ "confirm": "shop" })).await.expect(409);
    assert!(again["detail"].as_str().is_some_and(|detail| detail.contains("was begun")), "{again}");

    let plan = planned(&service, "/api/v1/databases/shop/undos", json!({})).await;
    assert_eq!(count(&service, "id IN (3, 4, 5)"), 2);
    // Rows that nobody has are named, and those that are as they should be are not.
    let keys = ["customers:5", "customers:7", "customers:4711"];
    let body = json!({ "snapshot": "good", "wanted": { "keys": keys } });
    let outcome = done(&service, "/api/v1/databases/shop/restores", body).await;
    assert_eq!(outcome["plan"]["rows"]["inserted"], 1, "{outcome}");
    let unmatched = outcome["plan"]["unmatched"].as_array().expect("it is a list");
    let told = unmatched[0].as_str().expect("it is in words");
    assert!(told.starts_with("no row with key customers:4711 in table customers"), "{outcome}");
    assert_eq!(unmatched.len(), 1, "{outcome}");
    done(&service, &format!("/api/v1/plans/{plan}/executions"), json!({ "confirm": "shop" })).await;
    assert_eq!(count(&service, "id IN (3, 4, 5)"), 0);
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn a_row_that_was_changed_since_the_plan_stops_it() {
    let service = Service::new().await;
    done(&service, "/api/v1/databases/shop/backups", json!({})).await;
    sql(&service, "UPDATE customers SET name = 'wrong' WHERE id IN (7, 8)");
    let plan = planned(&service, "/api/v1/databases/shop/restores", json!({ "snapshot": "latest" })).await;
    sql(&service, "UPDATE customers SET name = 'changed again' WHERE id = 8");
    let path = format!("/api/v1/plans/{plan}/executions?wait=60s");
    let job = service.post(&path, json!({ "confirm": "shop" })).await.expect(200);
    assert_eq!(job["state"], "failed", "{job}");
    assert!(job["error"].as_str().is_some_and(|error| error.contains("customers")), "{job}");
    assert_eq!((count(&service, "name = 'wrong'"), count(&service, "name = 'changed again'")), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn a_second_person_executes_where_that_is_wanted() {
    let config = "[databases.shop2]\nurl = 'shop.db'\nsecond_person = true";
    let service = Service::with(config, rowkeep::clock::SystemClock::shared()).await;
    done(&service, "/api/v1/databases/shop2/backups", json!({})).await;
    sql(&service, "DELETE FROM customers WHERE id < 10");
    let plan = planned(&service, "/api/v1/databases/shop2/restores", json!({ "snapshot": "latest" })).await;
    let execution = format!("/api/v1/plans/{plan}/executions?wait=60s");
    let confirm = json!({ "confirm": "shop2" });
    let own = service.post(&execution, confirm.clone()).await.expect(409);
    assert!(own["detail"].as_str().is_some_and(|detail| detail.contains("somebody else")), "{own}");
    assert_eq!(count(&service, "id < 10"), 0);
    let other = service.token("restorer", Some(&["shop2"])).await;
    let send = |token: String| {
        service.send(reqwest::Method::POST, &execution, Some(token.leak()), Some(confirm.clone()))
    };
    let job = send(other).await.expect(200);
    assert_eq!((&job["state"], count(&service, "id < 10")), (&json!("done"), 9), "{job}");
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn only_its_own_snapshots_stand_for_a_database() {
    let service = Service::new().await;
    done(&service, "/api/v1/databases/shop/backups", json!({ "name": "good" })).await;
    done(&service, "/api/v1/databases/orders/backups", json!({ "name": "theirs" })).await;
    let theirs = service.get("/api/v1/databases/orders/snapshots").await["snapshots"][0]["id"].clone();
    let theirs = theirs.as_str().expect("it has an id");
    for named in [
        theirs,
        &theirs[..8],
        "theirs",
        "latest:orders",
        "orders",
        "sqlite:/etc/passwd",
        "/etc/passwd",
        "",
        "a",
    ] {
        let body = json!({ "snapshot": named });
        let restore = service.post("/api/v1/databases/shop/restores", body.clone()).await;
        assert_eq!(restore.status.as_u16(), 404, "{named}: {}", restore.json);
        let compare = service.post("/api/v1/databases/shop/comparisons", json!({ "before": named })).await;
        assert_eq!(compare.status.as_u16(), 404, "{named}: {}", compare.json);
        service.post("/api/v1/databases/shop/undos", body).await.expect(404);
    }
    let typo = json!({ "snapshot": "good", "wanted": { "key": ["customers:3"] } });
    service.post("/api/v1/databases/shop/restores", typo).await.expect(422);
    service
        .post("/api/v1/databases/shop/restores", json!({ "snapshot": "good", "mode": "wipe" }))
        .await
        .expect(422);
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn what_is_held_stays() {
    let service = Service::with("keep = { last = 1 }", rowkeep::clock::SystemClock::shared()).await;
    for name in ["first", "second", "third"] {
        done(&service, "/api/v1/databases/shop/backups", json!({ "name": name })).await;
    }
    let hold = "/api/v1/databases/shop/snapshots/first/hold?wait=60s";
    let send = |method, body| service.send(method, hold, Some(&service.token), body);
    send(reqwest::Method::PUT, Some(json!({ "until": "30d", "reason": "an audit" }))).await.expect(200);
    let left = async |service: &Service| {
        done(service, "/api/v1/repository/prunes", json!({})).await;
        let listed = service.get("/api/v1/databases/shop/snapshots").await;
        let names = listed["snapshots"].as_array().expect("a list").iter().map(|one| one["name"].clone());
        names.collect::<Vec<_>>()
    };
    assert_eq!(left(&service).await, ["third", "first"]);
    send(reqwest::Method::DELETE, None).await.expect(200);
    assert_eq!(left(&service).await, ["third"]);
}
