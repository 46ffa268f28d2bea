//! A state that cannot be relied on any more: that is said wherever somebody looks.

use reqwest::Method;

use super::support::{Service, state};

/// What the service says of itself to those who need no token.
async fn ready(service: &Service) -> (u16, String) {
    let answer = service.without_token(Method::GET, "/readyz").send().await.expect("it is answered");
    (answer.status().as_u16(), answer.text().await.expect("it is text"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_removed_or_replaced_is_noticed() {
    let service = Service::new().await;
    assert_eq!(ready(&service).await, (200, "ok\n".to_owned()));
    assert!(service.get("/api/v1/health").await.get("state_problem").is_none());
    let (path, kept) = (state(&service.folder), service.folder.path().join("kept.db"));
    std::fs::rename(&path, &kept).expect("it is moved");
    let (status, told) = ready(&service).await;
    assert!(status == 503 && told.contains("was removed"), "{told}");
    std::fs::write(&path, "").expect("it is written");
    let (status, told) = ready(&service).await;
    assert!(status == 503 && told.contains("another file"), "{told}");
    assert!(!told.contains("state.db"), "where it is is nobody's business: {told}");
    let health = service.get("/api/v1/health").await;
    assert!(health["state_problem"].as_str().is_some_and(|told| told.contains("another file")), "{health}");
    let of_state = |alerts: &serde_json::Value, name: &str| {
        let all = alerts[name].as_array().cloned().unwrap_or_default();
        all.iter().any(|alert| alert["kind"] == "state")
    };
    let listed = service.until("/api/v1/alerts", |alerts| of_state(alerts, "alerts")).await;
    let alert = listed["alerts"].as_array().and_then(|all| all.iter().find(|one| one["kind"] == "state"));
    assert_eq!(alert.expect("it is listed")["severity"], "critical", "{listed}");
    let (cookie, _) = super::sessions::signed_in(&service).await;
    let (_, _, text) = super::pages::page(&service, Method::GET, "/", &cookie, "").await;
    assert!(text.contains("The state of the service cannot be relied on"), "{text}");
    std::fs::rename(&kept, &path).expect("it is moved");
    assert_eq!(ready(&service).await.0, 200);
    let is_over = |alerts: &serde_json::Value| {
        let all = alerts["alerts"].as_array().cloned().unwrap_or_default();
        all.iter().any(|alert| alert["kind"] == "state" && alert["cleared"].is_string())
    };
    service.until("/api/v1/alerts", is_over).await;
}
