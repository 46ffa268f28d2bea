//! A database that is made again from the newest backup of another one, asked for over HTTP and on its page.

use reqwest::Method;
use rowkeep::clock::SystemClock;
use serde_json::json;

use super::pages::page;
use super::support::Service;

const CONFIG: &str = "[databases.staging]\nurl = 'staging.db'\nrefresh = { from = 'shop', mask = false }\n\
    [databases.guarded]\nurl = 'guarded.db'\nsecond_person = true\nrefresh = { from = 'shop', mask = false }\n";

fn count(service: &Service) -> i64 {
    let database = rusqlite::Connection::open(service.folder.path().join("staging.db")).expect("it opens");
    database.query_row("SELECT count(*) FROM customers", (), |row| row.get(0)).expect("it is answered")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_is_refreshed_by_who_confirms_it() {
    let service = Service::with(CONFIG, SystemClock::shared()).await;
    let refresh = "/api/v1/databases/staging/refreshes?wait=60s";
    let body = json!({ "confirm": "staging" });
    service.post("/api/v1/databases/orders/backups?wait=60s", json!({})).await.expect(200);
    let nothing = service.post(refresh, body.clone()).await.expect(200);
    assert!(
        nothing["error"].as_str().is_some_and(|error| error.contains("no snapshot of shop")),
        "{nothing}"
    );
    service.post("/api/v1/databases/shop/backups?wait=60s", json!({})).await.expect(200);
    for (body, status) in [(json!({ "confirm": "shop" }), 422), (json!({}), 422)] {
        service.post(refresh, body).await.expect(status);
    }
    let guarded = json!({ "confirm": "guarded" });
    let refused = service.post("/api/v1/databases/guarded/refreshes", guarded).await.expect(409);
    assert!(refused["detail"].as_str().is_some_and(|detail| detail.contains("second person")), "{refused}");
    let operator = service.token("operator", Some(&["staging"])).await;
    service.send(Method::POST, refresh, Some(&operator), Some(body.clone())).await.expect(403);
    let restorer = service.token("restorer", Some(&["staging"])).await;
    let path = refresh.split('?').next().expect("it has a path");
    let asked = service.send(Method::POST, path, Some(&restorer), Some(body)).await;
    let location = asked.location.clone().expect("it says where the job is");
    asked.expect(202);
    let job = service.until(&location, |job| job["ended"].is_string()).await;
    assert_eq!((&job["state"], count(&service)), (&json!("done"), 500), "{job}");
    let audit = service.get("/api/v1/audit?limit=500").await["entries"].to_string();
    assert!(audit.contains("refresh.execute") && audit.contains("refused"), "{audit}");

    // The same on the page, which tells of another database only who may see that.
    let database = rusqlite::Connection::open(service.folder.path().join("staging.db")).expect("it opens");
    database.execute("DELETE FROM customers WHERE id > 100", ()).expect("it is done");
    drop(database);
    let (cookie, csrf) = super::sessions::signed_in(&service).await;
    let (status, _, text) = page(&service, Method::GET, "/databases/staging", &cookie, "").await;
    assert!(
        status == 200 && text.contains("Refresh from shop") && text.contains("rowkeep refresh staging"),
        "{text}"
    );
    assert!(text.contains(location.rsplit('/').next().expect("it ends with an id")), "the last one: {text}");
    let form = |confirm: &str| format!("csrf={csrf}&confirm={confirm}");
    let send = async |confirm: &str| {
        page(&service, Method::POST, "/databases/staging/refreshes", &cookie, &form(confirm)).await
    };
    assert_eq!((send("shop").await.0, count(&service)), (422, 100));
    assert_eq!(send("staging").await.0, 200, "the job is shown");
    service.until("/api/v1/jobs?kind=refresh&limit=1", |jobs| jobs["jobs"][0]["ended"].is_string()).await;
    assert_eq!(count(&service), 500);
    let (status, _, text) = page(&service, Method::GET, "/databases/guarded", &cookie, "").await;
    assert!(status == 200 && text.contains("needs a second person") && text.contains("not run"), "{text}");
    let (cookie, _) = super::sessions::signed_in_as(&service, "vera", "viewer", &["staging"]).await;
    let (_, _, text) = page(&service, Method::GET, "/databases/staging", &cookie, "").await;
    assert!(text.contains("Refresh from another database") && !text.contains("shop"), "{text}");
    assert!(!text.contains("Replace staging"), "{text}");
}
