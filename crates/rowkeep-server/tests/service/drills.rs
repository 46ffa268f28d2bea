//! Drills and their reports.

use reqwest::Method;
use serde_json::json;

use super::support::Service;

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
