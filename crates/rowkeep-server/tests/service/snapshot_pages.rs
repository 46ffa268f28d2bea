//! Pages of a snapshot, of rows, of a row's history, of exports and of drills, in a browser.

use reqwest::Method;
use rowkeep::clock::SystemClock;
use serde_json::json;

use super::pages::{first_sign_in, page};
use super::support::Service;

fn sql(service: &Service, statements: &str) {
    let database = rusqlite::Connection::open(service.folder.path().join("shop.db")).expect("it opens");
    database.execute_batch(statements).expect("it is done");
}

async fn back_up(service: &Service, database: &str) -> String {
    let path = format!("/api/v1/databases/{database}/backups?wait=60s");
    let job = service
        .post(&path, json!({ "tags": { "release": "v2.4.1", "device": "front desk" } }))
        .await
        .expect(200);
    job["outcome"]["snapshots"][0]["id"].as_str().expect("it has an id").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_finds_a_row_and_brings_a_version_of_it_back() {
    let configuration = "[keep]\nlast = 30\ndaily = 30\n[databases.prn]\nurl = 'indexeddb:prn'";
    let service = Service::with(configuration, SystemClock::shared()).await;
    let wide: Vec<String> = (1..=24).map(|at| format!("column_{at} TEXT DEFAULT 'value {at}'")).collect();
    sql(&service, &format!(
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER, note TEXT, paid REAL, scan BLOB, {});
        INSERT INTO orders (id, customer, note, paid, scan) VALUES (1, 42, NULL, 19.5, x'89504e470d0a1a0a'), (2, 42, '', 0.1, NULL),
            (3, 7, 'NULL', 5, x''), (4, 7, '<script>alert(1)</script>', 5, zeroblob(5000)), (5, 7, '{}', 1e300, NULL)",
        wide.join(", "),
        "a long note that does not end, ".repeat(60),
    ));
    let first = back_up(&service, "shop").await;
    sql(&service, "UPDATE customers SET name = 'somebody else' WHERE id = 42");
    back_up(&service, "shop").await;
    sql(&service, "DELETE FROM customers WHERE id = 42");
    let last = back_up(&service, "shop").await;
    service.post("/api/v1/databases/shop/drills?wait=60s", json!({})).await.expect(200);
    service.post("/api/v1/repository/checks?wait=60s", json!({ "read_percent": 100 })).await.expect(200);
    let browser = first_sign_in(&service, "databases are protected").await;
    browser.go("/databases/prn").await;
    browser.until("when a page sends it").await;
    assert!(!browser.text().await.contains("Back up now"), "its states arrive");
    browser.press("Devices").await;
    browser.until("None has sent a state yet.").await;
    browser.go("/databases/shop").await;
    browser.press("Devices").await;
    browser.until("front desk").await;
    browser.look("devices").await;
    browser.press(&last[..8]).await;
    browser.until("restored in").await;
    browser.until("every byte of the repository").await;
    browser.until("release: v2.4.1").await;
    browser.press("Hold it").await;
    browser.fill("Why", "the audit of 2026").await;
    browser.look("snapshot").await;
    browser.press("Hold").await;
    browser.until("the audit of 2026").await;
    browser.press("Release it").await;
    let address = format!("/api/v1/databases/shop/snapshots/{last}");
    service.until(&address, |found| found["snapshot"]["holds"].is_null()).await;
    browser.go(&format!("/databases/shop/snapshots/{first}")).await;
    browser.press("orders").await;
    browser.until("<script>alert(1)</script>").await;
    browser.look("table-wide").await;
    browser.press("4").await;
    browser.until("History of this row").await;
    browser.until("5.0 kB").await;
    browser.look("row").await;
    browser.go(&format!("/databases/shop/snapshots/{first}")).await;
    browser.press("customers").await;
    browser.until("shown: 1 to 50").await;
    browser.press("More rows").await;
    browser.until("shown: 51 to 100").await;
    browser.press("Last").await;
    browser.until("shown: 451 to 500").await;
    browser.fill("Find by id", "42").await;
    browser.press("Find").await;
    browser.until("The row with the key 42 is the first.").await;
    browser.look("table").await;
    browser.press("42").await;
    browser.press("History of this row").await;
    browser.until("3 changes in 3 snapshots").await;
    browser.look("history").await;
    browser.press(&format!("Bring it back as it was in {}…", &first[..8])).await;
    browser.until("1 row of shop changes").await;
    browser.fill("Type shop", "shop").await;
    browser.press("Change shop").await;
    browser.until("1 inserted, 0 updated, 0 deleted").await;
    let database = rusqlite::Connection::open(service.folder.path().join("shop.db")).expect("it opens");
    let name: String = database
        .query_row("SELECT name FROM customers WHERE id = 42", (), |row| row.get(0))
        .expect("it is back");
    assert_eq!(name, "name 42");

    browser.go(&format!("/databases/shop/snapshots/{first}")).await;
    browser.press("Export").await;
    browser.until("tick the tables").await;
    browser.forget_console().await;
    browser.back().await;
    browser.press("All of them").await;
    browser.press("NDJSON").await;
    browser.press("Export").await;
    browser.until("customers.ndjson").await;
    browser.look("export").await;
    browser.press("Exports").await;
    browser.until("all exports of the service may take").await;
    browser.look("exports").await;
    browser.back().await;
    browser.press("Its job").await;
    browser.until("The files").await;
    browser.go("/databases/shop").await;
    browser.press("Drills").await;
    browser.until("Recovery took").await;
    browser.look("drills").await;
    browser.go(&format!("/databases/shop/snapshots/{}", "0123456789abcdef".repeat(4))).await;
    browser.until("it was deleted").await;
    browser.forget_console().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_and_values_of_others_are_shown_as_text() {
    let service = Service::new().await;
    sql(
        &service,
        "CREATE TABLE \"<img src=x onerror=alert(1)>/../%2e#?\" (\"id\"\"'><b>\" TEXT PRIMARY KEY, v TEXT);
        INSERT INTO \"<img src=x onerror=alert(1)>/../%2e#?\" VALUES ('../..', '\"><b>'), ('<i>/?#%', char(27) || '[2J'), (char(10), 'line')",
    );
    let id = back_up(&service, "shop").await;
    let browser = first_sign_in(&service, "databases are protected").await;
    browser.go(&format!("/databases/shop/snapshots/{id}")).await;
    browser.until("<img src=x onerror=alert(1)>").await;
    browser.press("<img src=x onerror=alert(1)>/../%2e#?").await;
    for (key, value) in [("'../..'", "\"><b>"), ("'<i>/?#%'", "\\u{1b}[2J"), ("'\\n'", "line")] {
        browser.until("Find by").await;
        browser.press(key).await;
        browser.until("History of this row").await;
        browser.until(value).await;
        browser.look("row-hostile").await;
        browser.press("History of this row").await;
        browser.until("was there").await;
        browser.look("history-hostile").await;
        browser.back().await;
        browser.until("History of this row").await;
        browser.back().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_for_those_who_may() {
    let service = Service::new().await;
    let id = back_up(&service, "shop").await;
    let theirs = back_up(&service, "orders").await;
    let export = json!({ "snapshot": "latest", "format": "csv" });
    let export = service.post("/api/v1/databases/shop/exports?wait=60s", export).await.expect(200);
    let export = export["id"].as_str().expect("it has an id").to_owned();
    let snapshot = format!("/databases/shop/snapshots/{id}");
    let pages = [
        (snapshot.clone(), [200, 200, 200]),
        ("/databases/shop/drills".to_owned(), [200, 200, 200]),
        ("/databases/shop/devices".to_owned(), [200, 200, 200]),
        (format!("{snapshot}/tables/customers"), [403, 200, 200]),
        (format!("{snapshot}/tables/customers/rows/42"), [403, 200, 200]),
        (format!("{snapshot}/tables/customers/rows/501"), [403, 404, 404]),
        (format!("{snapshot}/tables/nothing"), [403, 404, 404]),
        (format!("{snapshot}/tables/customers?after=x"), [400, 400, 400]),
        ("/databases/shop/history".to_owned(), [403, 200, 200]),
        ("/databases/shop/history?row=customers:42".to_owned(), [403, 200, 200]),
        (format!("/databases/shop/exports/{export}"), [200, 200, 200]),
        (format!("/databases/shop/exports/{export}/files/customers.csv"), [403, 403, 200]),
        (format!("/databases/shop/snapshots/{theirs}"), [404, 404, 404]),
        (format!("/databases/shop/snapshots/{theirs}/tables/customers"), [403, 404, 404]),
        (format!("/databases/orders/snapshots/{theirs}"), [404, 404, 404]),
        (format!("/databases/orders/snapshots/{theirs}/tables/customers"), [404, 404, 404]),
        ("/databases/orders/drills".to_owned(), [404, 404, 404]),
        ("/databases/orders/devices".to_owned(), [404, 404, 404]),
        ("/databases/orders/history?row=customers:42".to_owned(), [404, 404, 404]),
    ];
    for (at, role) in ["viewer", "operator", "restorer"].into_iter().enumerate() {
        let (cookie, csrf) =
            super::sessions::signed_in_as(&service, &format!("user-{role}"), role, &["shop"]).await;
        for (path, statuses) in &pages {
            let (status, _, text) = page(&service, Method::GET, path, &cookie, "").await;
            assert_eq!(status, statuses[at], "{path} as {role}: {text}");
            assert!(role == "restorer" || !text.contains("Export tables"), "{path} offers {role} an export");
        }
        let body = format!("csrf={csrf}&snapshot={id}&format=csv&all=yes");
        for (path, statuses) in [
            (format!("{snapshot}/hold"), [403, 200, 200]),
            (format!("{snapshot}/release"), [403, 403, 403]),
            ("/databases/shop/exports".to_owned(), [403, 403, 200]),
            ("/databases/orders/exports".to_owned(), [404, 404, 404]),
        ] {
            let (status, _, text) = page(&service, Method::POST, &path, &cookie, &body).await;
            assert_eq!(status, statuses[at], "{path} as {role}: {text}");
            let (status, _, _) = page(&service, Method::POST, &path, &cookie, "csrf=x").await;
            assert_eq!(status, 403, "{path} without what its form has");
        }
    }
}
