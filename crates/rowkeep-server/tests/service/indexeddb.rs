//! The module for IndexedDB, in the browser that it is for: its tests run in a page, and say what is wrong.

use std::path::{Path, PathBuf};

use axum::Router;
use axum::extract::{Path as RequestPath, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::Value;

use crate::browser::Browser;

/// A site with the module and the pages that try it; gives its address.
async fn site() -> String {
    let module = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../clients/indexeddb");
    let app = Router::new().route("/{*path}", get(file)).with_state(module);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = format!("http://{}", listener.local_addr().expect("it is bound"));
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

async fn file(State(module): State<PathBuf>, RequestPath(path): RequestPath<String>) -> Response {
    let kind = match path.rsplit_once('.') {
        Some((_, "js")) => "text/javascript",
        _ => "text/html",
    };
    match std::fs::read(module.join(path)) {
        Ok(content) => ([(header::CONTENT_TYPE, kind)], content).into_response(),
        Err(_) => StatusCode::NOT_FOUND.into_response(),
    }
}

/// Runs the tests of a file in a page; gives what they found.
async fn run(browser: &Browser, tests: &str, arguments: &str) -> Value {
    browser.go("/tests/page.html").await;
    let found = browser.evaluate(&format!("(await import('/tests/{tests}.js')).default({arguments})")).await;
    let wrong: Vec<&str> =
        found["wrong"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    assert!(wrong.is_empty(), "{tests}:\n{}", wrong.join("\n"));
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_page_keeps_goes_into_files_and_back() {
    let browser = Browser::open(&site().await).await;
    for (tests, checks) in [("values", 150), ("modes", 150), ("busy", 20), ("killed", 4)] {
        let found = run(&browser, tests, "").await;
        assert!(found["held"].as_u64() >= Some(checks), "{tests} checks next to nothing: {found}");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes: cargo test --test service -- --ignored pages_that_go"]
async fn pages_that_go_in_the_middle_of_a_restore_leave_one_of_two_states() {
    let browser = Browser::open(&site().await).await;
    let found = run(&browser, "killed", "50").await;
    assert_eq!(
        found["left"]["before"].as_u64().unwrap_or(0) + found["left"]["after"].as_u64().unwrap_or(0),
        50
    );
}
