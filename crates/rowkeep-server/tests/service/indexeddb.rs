//! The module for IndexedDB, in the browser that it is for: its tests run in a page, and say what is wrong.

use std::path::{Path, PathBuf};

use axum::Router;
use axum::extract::{Path as RequestPath, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures::TryStreamExt as _;
use rowkeep::clock::SystemClock;
use rowkeep::engine::{Engine as _, FileEngine, Surroundings, ViewOptions};
use rowkeep::format::{RowBatch, TableName};
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::support::Service;

fn module_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../clients/indexeddb")
}

/// The files of a folder and those below it, by where they are in it.
fn files(folder: &Path, below: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder.join(below)).expect("it is a folder").flatten() {
        let name = entry.file_name().into_string().expect("it is text");
        let place = if below.is_empty() { name } else { format!("{below}/{name}") };
        match entry.path().is_dir() {
            true => found.extend(files(folder, &place)),
            false => found.push(place),
        }
    }
    found
}

/// A site with the module and the pages that try it; gives its address.
async fn site() -> String {
    let app = Router::new().route("/{*path}", get(file)).with_state(module_folder());
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
    for (tests, checks) in [("values", 200), ("modes", 90), ("busy", 15), ("killed", 5), ("protected", 12)] {
        let found = run(&browser, tests, "").await;
        assert!(found["held"].as_u64() >= Some(checks), "{tests} checks next to nothing: {found}");
    }
}

/// A page of another site loads the module from the service, whose files are those of the module.
#[tokio::test(flavor = "multi_thread")]
async fn pages_of_sites_that_are_named_load_the_module_from_the_service() {
    let site = site().await;
    let service =
        Service::with(&format!("[service]\nkeep_state = 'off'\nsites = ['{site}']\n"), SystemClock::shared())
            .await;
    let mut served = 0;
    for file in files(&module_folder(), "") {
        let content = std::fs::read_to_string(module_folder().join(&file)).expect("it is text");
        let address = format!("{}/clients/indexeddb/{file}", service.address());
        let answer = reqwest::get(&address).await.expect("it answers");
        let is_module = file.ends_with(".js") && !file.starts_with("tests/");
        assert_eq!(answer.status().is_success(), is_module, "{file}");
        if is_module {
            assert_eq!(
                answer.headers().get("access-control-allow-origin"),
                None,
                "for a site that is not named"
            );
            assert_eq!(answer.text().await.expect("it is text"), content, "{file}");
            served += 1;
        }
    }
    assert!(served > 20, "{served}");
    let browser = Browser::open(&site).await;
    browser.go("/tests/page.html").await;
    let address = service.address();
    let captured = browser
        .evaluate(&format!(
            "(async () => {{
                const {{ capture, restore }} = await import('{address}/clients/indexeddb.js');
                const {{ newDatabase }} = await import('/tests/databases.js');
                const db = await newDatabase('elsewhere', (made) => made.createObjectStore('s'), (all) => all.objectStore('s').put(new Date(5), 1));
                const {{ file, stores }} = await capture(db);
                return [stores.s.records, (await restore('elsewhere', file, {{ dryRun: true }})).stores.s.same];
            }})()"
        ))
        .await;
    assert_eq!(captured, json!([1, 1]));
    // The form of an application is a state to rowkeep, which holds it against the checksums that the page wrote.
    let text = browser
        .evaluate(&format!(
            "(async () => {{
                const {{ capture }} = await import('{address}/clients/indexeddb.js');
                const {{ newDatabase }} = await import('/tests/databases.js');
                const db = await newDatabase('numbers', (made) => made.createObjectStore('phone_numbers', {{ keyPath: 'id' }}), (all) => {{
                    for (let id = 1; id <= 9; id += 1) all.objectStore('phone_numbers').put({{ id, status: 'aging', note: 'a \"b\"\\n' }});
                }});
                return (await capture(db, {{ format: 'prn', compression: null }})).file.text();
            }})()"
        ))
        .await;
    let folder = tempfile::tempdir().expect("a folder is made");
    let path = folder.path().join("backup.json");
    std::fs::write(&path, text.as_str().expect("it is text")).expect("it is written");
    let file = FileEngine::find(&path, &Surroundings::default()).expect("it is read").expect("it is known");
    assert_eq!(file.what(), "a full backup of Phone Range Nexus");
    let view = file.open(&ViewOptions::default()).await.expect("it is whole");
    let table = view.schema().table(&TableName::plain("phone_numbers")).expect("it is there");
    let rows: Vec<RowBatch> =
        view.rows(table).await.expect("it opens").try_collect().await.expect("it is read");
    assert_eq!((rows.iter().map(RowBatch::rows).sum::<usize>(), view.notes()), (9, &[][..]));
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
