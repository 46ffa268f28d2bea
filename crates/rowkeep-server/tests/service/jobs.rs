//! Jobs: asked for, waited for, sent again, stopped, cut off.

use std::sync::Arc;

use reqwest::Method;
use rowkeep::clock::SystemClock;
use serde_json::json;

use super::support::{Service, state};

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn a_backup_is_made_and_waited_for() {
    let service = Service::new().await;
    let body = json!({ "name": "before", "tags": { "release": "v2" } });
    let answer = service.post("/api/v1/databases/shop/backups", body).await;
    let location = answer.location.clone().expect("it says where the job is");
    let asked = answer.expect(202);
    assert_eq!(location, format!("/api/v1/jobs/{}", asked["id"].as_str().expect("it has an id")));
    let job = service.get(&format!("{location}?wait=60s")).await;
    assert_eq!(
        (&job["state"], &job["kind"], &job["database"]),
        (&json!("done"), &json!("backup"), &json!("shop"))
    );
    assert_eq!(job["outcome"]["snapshots"][0]["rows"], 500);
    let listed = service.get("/api/v1/databases/shop/snapshots").await;
    assert_eq!(listed["snapshots"][0]["name"], "before");
    assert_eq!(listed["snapshots"][0]["tags"]["release"], "v2");
    assert_eq!(service.get("/api/v1/databases/orders/snapshots").await["snapshots"], json!([]));
    let event = json!({ "event": "before-migration", "tags": { "release": "v3" } });
    service.post("/api/v1/databases/shop/events?wait=60s", event).await.expect(200);
    let listed = service.get("/api/v1/databases/shop/snapshots").await;
    let tags = &listed["snapshots"][0]["tags"];
    assert_eq!((&tags["event"], &tags["release"]), (&json!("before-migration"), &json!("v3")));
    let audit = service.get("/api/v1/audit").await["entries"].clone();
    let announced = audit.as_array().expect("a list").iter().find(|entry| entry["action"] == "event.create");
    let object = announced.expect("it is noted")["object"].as_str().expect("text").to_owned();
    assert!(
        object.starts_with("backup of shop: ") && object.ends_with(", for event before-migration"),
        "{object}"
    );
    let health = service.get("/api/v1/health").await;
    assert_eq!(health["summary"], "1 of 2 databases are protected");
    assert_eq!(health["others"][0]["standing"], "unprotected");
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn pages_of_lists_have_each_entry_once() {
    let service = Service::new().await;
    for _ in 0..7 {
        service.post("/api/v1/databases/shop/backups?wait=60s", json!({})).await.expect(200);
    }
    for (list, path) in [
        ("jobs", "/api/v1/jobs"),
        ("snapshots", "/api/v1/databases/shop/snapshots"),
        ("entries", "/api/v1/audit"),
    ] {
        let whole = service.get(&format!("{path}?limit=500")).await[list].as_array().expect("a list").clone();
        let mut paged = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = service.get(&format!("{path}?limit=3{cursor}")).await;
            paged.extend(page[list].as_array().expect("a list").iter().cloned());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert!(whole.len() >= 7);
        assert_eq!(paged, whole, "{list}");
    }
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn a_request_that_is_sent_again_is_done_once() {
    let service = Service::new().await;
    let send = async |key: &str, body| {
        let request = service.request(Method::POST, "/api/v1/databases/shop/backups?wait=60s");
        service.answer(request.header("idempotency-key", key).json(&body)).await
    };
    let first = send("deploy-7", json!({})).await.expect(200);
    let again = send("deploy-7", json!({})).await.expect(200);
    assert_eq!(first["id"], again["id"]);
    let other = send("deploy-7", json!({ "name": "other" })).await.expect(422);
    assert!(other["detail"].as_str().is_some_and(|detail| detail.contains("Idempotency-Key")));
    assert_ne!(send("deploy-8", json!({})).await.expect(200)["id"], first["id"]);
    assert_eq!(
        service.get("/api/v1/databases/shop/snapshots").await["snapshots"].as_array().map(Vec::len),
        Some(2)
    );
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn what_failed_says_why() {
    let service = Service::new().await;
    std::fs::remove_file(service.folder.path().join("orders.db")).expect("it is removed");
    let job = service.post("/api/v1/databases/orders/backups?wait=60s", json!({})).await.expect(200);
    assert_eq!(job["state"], "failed");
    assert!(job["error"].as_str().is_some_and(|error| error.contains("orders.db")), "{job}");
    let job = service.post("/api/v1/databases/orders/drills?wait=60s", json!({})).await.expect(200);
    assert_eq!(job["state"], "failed", "{job}");
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn a_service_that_ends_goes_on_where_it_was() {
    let service = Service::new().await;
    let token = service.token.clone();
    let done = service.post("/api/v1/databases/shop/backups?wait=60s", json!({})).await.expect(200);
    let folder = service.stop().await;
    // Two that were cut off: one of which the snapshot is there, and one that has changed a database.
    let id = done["id"].as_str().expect("it has an id");
    let database = rusqlite::Connection::open(state(&folder)).expect("it opens");
    let cut_off = "UPDATE jobs SET state = 'running', outcome = NULL, ended = NULL WHERE id = ?1";
    assert_eq!(database.execute(cut_off, [id]).expect("it is changed"), 1);
    let other = "INSERT INTO jobs (id, kind, database, request, state, asked_by, created, due) \
        VALUES ('undone', 'undo', 'shop', '{}', 'running', 'token first', 0, 0)";
    database.execute(other, ()).expect("it is added");
    drop(database);
    let service = Service::again(folder, Some(token), "", SystemClock::shared()).await;
    let job = service.get(&format!("/api/v1/jobs/{id}?wait=60s")).await;
    assert_eq!((&job["state"], &job["attempt"]), (&json!("done"), &json!(2)));
    assert_eq!(job["outcome"]["snapshots"][0]["id"], done["outcome"]["snapshots"][0]["id"]);
    let snapshots = service.get("/api/v1/databases/shop/snapshots").await;
    assert_eq!(snapshots["snapshots"].as_array().map(Vec::len), Some(1), "it is not done twice");
    let undone = service.get("/api/v1/jobs/undone").await;
    assert_eq!(undone["state"], "failed");
    assert!(undone["error"].as_str().is_some_and(|error| error.contains("look at the database")), "{undone}");
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn one_process_serves_with_a_state() {
    let service = Service::new().await;
    let folder = Arc::clone(&service.folder);
    let options = rowkeep_server::ServerOptions {
        listen: "127.0.0.1:0".to_owned(),
        state: super::support::place(&folder),
        new_token: false,
        new_password: None,
    };
    let configuration = nothing_configured(&folder);
    let randomness = rowkeep::repository::SystemRandomness::shared();
    let other =
        rowkeep_server::Server::open(&options, configuration, SystemClock::shared(), randomness).await;
    let error = other.err().expect("it is in use");
    assert!(error.to_string().contains("another process serves"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn a_repository_that_is_away_gets_no_backups() {
    let service = Service::new().await;
    service.post("/api/v1/databases/shop/backups?wait=60s", json!({})).await.expect(200);
    let (place, away) = (service.folder.path().join("repository"), service.folder.path().join("away"));
    std::fs::rename(&place, &away).expect("it is moved, as if its disk were not mounted");
    for path in [
        "/api/v1/databases/shop/backups?wait=60s",
        "/api/v1/databases/shop/drills?wait=60s",
        "/api/v1/repository/prunes?wait=60s",
    ] {
        let job = service.post(path, json!({})).await.expect(200);
        assert_eq!(job["state"], "failed", "{path}: {job}");
        assert!(job["error"].as_str().is_some_and(|error| error.contains("config")), "{job}");
    }
    let files = std::fs::read_dir(&place).map_or(0, Iterator::count);
    assert_eq!(files, 0, "nothing is written where it was");
    let shop = service.get("/api/v1/databases/shop").await;
    assert_eq!(shop["standing"], "unknown", "{shop}");
    assert!(shop["problem"].is_string(), "{shop}");
    let _ = std::fs::remove_dir_all(&place);
    std::fs::rename(&away, &place).expect("it is back");
    let job = service.post("/api/v1/databases/shop/backups?wait=60s", json!({})).await.expect(200);
    assert_eq!(job["state"], "done", "{job}");
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn somebody_elses_database_is_no_state() {
    let folder = super::support::folder();
    let theirs = folder.path().join("orders.db");
    let before = std::fs::read(&theirs).expect("it is there");
    let text = folder.path().join("notes.txt");
    std::fs::write(&text, "these are notes, and nothing that SQLite knows".repeat(20))
        .expect("it is written");
    for (path, why) in [
        (&theirs, "is no state of the service"),
        (&text, "is no state of the service"),
        (&folder.path().to_owned(), "cannot use"),
    ] {
        let options = rowkeep_server::ServerOptions {
            listen: "127.0.0.1:0".to_owned(),
            state: rowkeep_server::StatePlace::file(path),
            new_token: false,
            new_password: None,
        };
        let configuration = nothing_configured(&folder);
        let randomness = rowkeep::repository::SystemRandomness::shared();
        let opened =
            rowkeep_server::Server::open(&options, configuration, SystemClock::shared(), randomness).await;
        let error = opened.err().expect("it is refused").to_string();
        assert!(error.contains(why), "{error}");
    }
    assert!(std::fs::read(&theirs).expect("it is there") == before, "it is as it was");
}

/// That of a folder without rowkeep.toml.
fn nothing_configured(folder: &tempfile::TempDir) -> rowkeep_server::Configuration {
    use rowkeep::jobs::workspace::Workspace;
    let path = folder.path().join("nothing.toml");
    rowkeep_server::Configuration::new(path, Arc::new(|_: &str| None), |config| {
        Workspace::new(config, Default::default())
    })
}
