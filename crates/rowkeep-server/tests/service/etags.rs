//! What is not sent again to whoever has it.

use reqwest::Method;
use serde_json::json;

use super::support::Service;

/// The tag of an answer, and what else says how long it may be kept.
async fn tag(service: &Service, path: &str, token: &str) -> String {
    let request = service.without_token(Method::GET, path).bearer_auth(token);
    let answer = request.send().await.expect("it is answered");
    assert_eq!(answer.status(), 200, "{path}");
    let header = |name| answer.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    assert_eq!((header("cache-control"), header("vary")), ("private, no-cache", "authorization, cookie"));
    let tag = header("etag").to_owned();
    assert!(tag.starts_with('"') && tag.len() > 2, "it is a strong tag: {tag}");
    tag
}

async fn status(service: &Service, path: &str, token: &str, shown: &str) -> (u16, Vec<u8>) {
    let request = service.without_token(Method::GET, path).bearer_auth(token).header("if-none-match", shown);
    let answer = request.send().await.expect("it is answered");
    let status = answer.status().as_u16();
    assert_eq!(answer.headers().get("etag").is_some(), matches!(status, 200 | 304), "{path}");
    (status, answer.bytes().await.expect("the body comes").to_vec())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_did_not_change_is_not_sent_again() {
    let service = Service::new().await;
    let job = service.post("/api/v1/databases/shop/backups?wait=60s", json!({})).await.expect(200);
    let job = format!("/api/v1/jobs/{}", job["id"].as_str().expect("it has an id"));
    let snapshots = "/api/v1/databases/shop/snapshots";
    let admin = service.token.clone();
    for path in ["/api/v1/openapi.json", snapshots, "/api/v1/plans", &job] {
        let has = tag(&service, path, &admin).await;
        assert_eq!(status(&service, path, &admin, &has).await, (304, Vec::new()), "{path}");
        assert_eq!(status(&service, path, &admin, &format!("\"0\", W/{has}")).await.0, 304, "{path}");
        assert_eq!(status(&service, path, &admin, "\"0\"").await.0, 200, "{path}");
    }
    let has = tag(&service, snapshots, &admin).await;
    let database = rusqlite::Connection::open(service.folder.path().join("shop.db")).expect("it opens");
    database.execute("DELETE FROM customers WHERE id = 1", ()).expect("it is done");
    service.post("/api/v1/databases/shop/backups?wait=60s", json!({})).await.expect(200);
    assert_eq!(status(&service, snapshots, &admin, &has).await.0, 200, "there is another snapshot");

    // Who may not see it does not learn by a tag that it is as it was.
    let has = tag(&service, snapshots, &admin).await;
    let other = service.token("admin", Some(&["orders"])).await;
    assert_eq!(status(&service, snapshots, &other, &has).await.0, 404);
    let plans = tag(&service, "/api/v1/plans", &admin).await;
    database.execute("DELETE FROM customers WHERE id = 2", ()).expect("it is done");
    service
        .post("/api/v1/databases/shop/restores?wait=60s", json!({ "snapshot": "latest" }))
        .await
        .expect(200);
    assert_eq!(tag(&service, "/api/v1/plans", &other).await, plans, "he sees no plan, as nobody did before");
    assert_ne!(tag(&service, "/api/v1/plans", &admin).await, plans);
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_and_rows_are_kept_by_nobody() {
    let service = Service::new().await;
    service.post("/api/v1/databases/shop/backups?wait=60s", json!({})).await.expect(200);
    let rows = "/api/v1/databases/shop/differences?before=latest&table=customers";
    for request in [
        service.request(Method::GET, rows),
        service.request(Method::GET, "/api/v1/tokens"),
        service.request(Method::GET, "/api/v1/audit"),
        service.request(Method::POST, "/api/v1/tokens").json(&json!({ "name": "a", "role": "viewer" })),
        service.request(Method::GET, "/api/v1/jobs/none"),
        service.without_token(Method::GET, "/sign-in"),
    ] {
        let answer = request.send().await.expect("it is answered");
        assert_eq!(answer.headers()["cache-control"], "no-store", "{}", answer.url());
        assert!(answer.headers().get("etag").is_none(), "{}", answer.url());
    }
}
