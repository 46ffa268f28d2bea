//! Databases that are added over HTTP beside rowkeep.toml, and a configuration that is read again.

use std::sync::Arc;

use reqwest::Method;
use rowkeep::clock::SystemClock;
use serde_json::{Value, json};

use super::support::{Service, folder, state};

/// What the state's files hold anywhere.
fn state_holds(service: &Service, text: &str) -> bool {
    let files = ["state.db", "state.db-wal"].map(|name| service.folder.path().join(name));
    let bytes = files.map(|path| std::fs::read(path).unwrap_or_default());
    bytes.iter().any(|bytes| bytes.windows(text.len()).any(|part| part == text.as_bytes()))
}

/// What counts, and what does not.
async fn additions(service: &Service) -> Value {
    service.get("/api/v1/configuration").await["additions"].clone()
}

/// A service that has neither rowkeep.toml nor a repository.
async fn bare() -> Service {
    Service::start(folder(), None, false, SystemClock::shared()).await
}

fn path_of(service: &Service, name: &str) -> String {
    service.folder.path().join(name).to_str().expect("it is text").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_with_nothing_configured_is_told_everything_over_http() {
    let service = bare().await;
    assert_eq!(service.get("/api/v1/databases").await["databases"], json!([]));
    let short = json!({ "location": path_of(&service, "backups"), "passphrase": "short" });
    service.post("/api/v1/repository", short).await.expect(422);
    service.post("/api/v1/repository", json!({ "location": path_of(&service, "backups") })).await.expect(422);
    let wanted = json!({ "location": path_of(&service, "backups"), "passphrase": "a phrase that passes" });
    let made = service.post("/api/v1/repository", wanted.clone()).await.expect(201);
    assert_eq!(made["location"], path_of(&service, "backups"));
    assert!(made["findings"].as_array().is_some_and(|findings| !findings.is_empty()), "{made}");
    service.post("/api/v1/repository", wanted).await.expect(409);
    let body = json!({ "name": "shop", "url": path_of(&service, "shop.db"),
        "promise": { "lose": "6h", "back_in": "1h" }, "keep": { "daily": 30 } });
    let answer = service.post("/api/v1/databases", body.clone()).await;
    assert_eq!(answer.location.as_deref(), Some("/api/v1/databases/shop"));
    let added = answer.expect(201);
    assert_eq!((&added["lose_seconds"], &added["back_in_seconds"]), (&json!(21_600), &json!(3_600)));
    service.post("/api/v1/databases", body).await.expect(409);
    for job in ["first_backup", "first_drill"] {
        let path = format!("/api/v1/jobs/{}?wait=60s", added[job].as_str().expect("it is an id"));
        let job = service.until(&path, |job| job["state"] != "waiting" && job["state"] != "running").await;
        assert_eq!(job["state"], "done", "{job}");
    }
    let shop = service.get("/api/v1/databases/shop").await;
    assert_eq!((&shop["standing"], &shop["snapshots"]), (&json!("kept"), &json!(1)), "one backup, no other");
    assert!(shop["recovery_ms"].is_u64(), "{shop}");
    assert!(!state_holds(&service, "a phrase that passes") && !state_holds(&service, "promise"));
    let configuration = service.get("/api/v1/configuration").await;
    assert!(!configuration.to_string().contains("phrase"), "{configuration}");

    // It goes on with that after a restart, and on a machine that has nothing but the repository.
    let (token, folder) = (service.token.clone(), service.stop().await);
    let again = Service::start(folder, Some(token), false, SystemClock::shared()).await;
    assert_eq!(again.get("/api/v1/databases/shop").await["standing"], "kept");
    again.post("/api/v1/databases/shop/backups?wait=60s", json!({})).await.expect(200);
    let exported = again.answer(again.request(Method::GET, "/api/v1/configuration/export")).await;
    assert_eq!((exported.status.as_u16(), &*exported.content_type), (200, "text/plain; charset=utf-8"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_added_is_changed_and_removed_and_noted() {
    let service = Service::new().await;
    let path = |name: &str| format!("/api/v1/databases/{name}");
    std::fs::copy(service.folder.path().join("shop.db"), service.folder.path().join("more.db"))
        .expect("it is copied");
    let added =
        service.post("/api/v1/databases", json!({ "name": "more", "url": "more.db" })).await.expect(201);
    assert!(added["url"].as_str().is_some_and(|url| url == "more.db"), "{added}");
    let first = format!("/api/v1/jobs/{}", added["first_drill"].as_str().expect("it is an id"));
    service.until(&first, |job| job["state"] == "done").await;
    let body = json!({ "schedule": { "backup": "daily at 02:00" }, "timezone": "Europe/London" });
    let put = |name: &str, body: Value| service.request(Method::PUT, &path(name)).json(&body);
    service.answer(put("more", body)).await.expect(200);
    let schedules = service.get("/api/v1/schedules").await;
    let wanted =
        schedules["schedules"].as_array().and_then(|all| all.iter().find(|one| one["database"] == "more"));
    assert_eq!(
        wanted.map(|one| (&one["schedule"], &one["timezone"])),
        Some((&json!("daily at 02:00"), &json!("Europe/London")))
    );
    service.answer(put("shop", json!({ "url": "more.db" }))).await.expect(409);
    service.answer(put("nothing", json!({ "url": "more.db" }))).await.expect(404);
    let broken =
        service.answer(put("more", json!({ "schedule": { "backup": "sometimes" } }))).await.expect(422);
    assert!(broken["detail"].as_str().is_some_and(|told| told.contains("sometimes")), "{broken}");
    let delete = |name: &str| service.request(Method::DELETE, &path(name));
    service.answer(delete("shop")).await.expect(409);
    service.answer(delete("nothing")).await.expect(404);
    service.answer(delete("more")).await.expect(204);
    service.answer(service.request(Method::GET, &path("more"))).await.expect(404);
    assert_eq!(additions(&service).await, json!([]));
    // Its snapshots are there when it comes back.
    service.post("/api/v1/databases", json!({ "name": "more", "url": "more.db" })).await.expect(201);
    assert!(service.get(&path("more")).await["snapshots"].as_u64().is_some_and(|count| count > 0));
    let audit = service.get("/api/v1/audit?limit=500").await["entries"].to_string();
    for action in ["database.create", "database.change", "database.remove"] {
        assert!(audit.contains(action), "{action}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_typed_stands_for_itself_and_passwords_never_come_back() {
    let service = Service::new().await;
    let url = "postgres://rowkeep:s3cret${HOME}@127.0.0.1:1/shop";
    let body = json!({ "name": "far", "url": url, "schedule": { "backup": "off" } });
    let added = service.post("/api/v1/databases", body).await.expect(201);
    assert_eq!(added["url"], "postgres://rowkeep@127.0.0.1:1/shop");
    let job = format!("/api/v1/jobs/{}", added["first_backup"].as_str().expect("it is an id"));
    let job = service.until(&job, |job| job["state"] == "failed").await;
    assert!(!job.to_string().contains("s3cret"), "{job}");
    let shown = service.get("/api/v1/configuration").await;
    assert_eq!(shown["additions"][0]["place"], "postgres://rowkeep@127.0.0.1:1/shop", "{shown}");
    let text =
        service.request(Method::GET, "/api/v1/configuration/export").send().await.expect("it is answered");
    let text = text.text().await.expect("it is text");
    assert!(text.contains("url = \"${FAR_URL}\"") && !text.contains("s3cret"), "{text}");
    let audit = service.get("/api/v1/audit?limit=500").await.to_string();
    assert!(!audit.contains("s3cret") && !state_holds(&service, "s3cret"), "{audit}");
    for (body, told) in [
        (json!({ "name": "a/b", "url": "x.db" }), "letters, digits"),
        (json!({ "name": "..", "url": "x.db" }), "letters, digits"),
        (json!({ "name": "latest", "url": "x.db" }), "cannot be named latest"),
        (json!({ "name": "x", "url": "" }), "URL"),
        (json!({ "name": "x", "url": "mysql://h/x" }), "mysql"),
        (json!({ "name": "x", "url": "x.db", "keep": { "daily": 0 } }), "keeps nothing"),
        (json!({ "name": "x", "url": "x.db", "hooks": [{ "run": "id" }] }), "hooks"),
        (json!({ "name": "x" }), "url"),
    ] {
        let problem = service.post("/api/v1/databases", body).await.expect(422);
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains(told)), "{told}: {problem}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_file_is_the_truth_and_is_read_again_when_it_is_asked_for() {
    let service = Service::new().await;
    service.post("/api/v1/databases", json!({ "name": "more", "url": "orders.db" })).await.expect(201);
    let path = service.folder.path().join("rowkeep.toml");
    let text = std::fs::read_to_string(&path).expect("it is there");
    let reload = async || service.post("/api/v1/configuration/reloads", json!({})).await;

    // A mistake changes nothing, and is named.
    std::fs::write(&path, format!("{text}\nnonsense = 1")).expect("it is written");
    let problem = reload().await.expect(422);
    assert!(problem["detail"].as_str().is_some_and(|told| told.contains("nonsense")), "{problem}");
    let shown = service.get("/api/v1/configuration").await;
    assert!(shown["problem"].as_str().is_some_and(|told| told.contains("nonsense")), "{shown}");
    assert_eq!(service.get("/api/v1/databases").await["databases"].as_array().map(Vec::len), Some(3));

    // What it says too, counts; what cannot change now, is named.
    let more = "[databases.more]\nurl = 'shop.db'\nschedule = { backup = 'hourly' }\n[databases.third]\nurl = 'orders.db'";
    let changed = text.replace("[service]", "[service]\nurl = 'https://backups.example.org'");
    std::fs::write(&path, format!("{changed}\n{more}")).expect("it is written");
    service.reloading.reload().await;
    let shown = service.get("/api/v1/configuration").await;
    assert_eq!((&shown["problem"], &shown["after_restart"]), (&Value::Null, &json!(["url"])), "{shown}");
    let why = shown["additions"][0]["problem"].as_str().expect("it does not count");
    assert!(why.contains("rowkeep.toml says it too"), "{why}");
    let schedules = service.get("/api/v1/schedules").await.to_string();
    assert!(schedules.contains("hourly"), "{schedules}");
    let job = service.post("/api/v1/databases/third/backups?wait=60s", json!({})).await.expect(200);
    assert_eq!(job["state"], "done", "{job}");
    service.request(Method::DELETE, "/api/v1/databases/more").send().await.expect("it is answered");
    assert_eq!(additions(&service).await, json!([]));
    service.get("/api/v1/databases/more").await;

    std::fs::remove_file(&path).expect("it is there");
    let gone = reload().await.expect(422);
    assert!(gone["detail"].as_str().is_some_and(|told| told.contains("not there any more")), "{gone}");
    service.get("/api/v1/databases/third").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_file_forbids_it_nothing_is_added() {
    let off = "[service]\nkeep_state = 'off'\ndatabases_on_pages = 'off'\n";
    let service = Service::with(off, SystemClock::shared()).await;
    let refused =
        service.post("/api/v1/databases", json!({ "name": "more", "url": "more.db" })).await.expect(403);
    assert!(refused["detail"].as_str().is_some_and(|told| told.contains("databases_on_pages")), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn additions_whose_key_is_lost_are_left_out_and_can_be_removed() {
    let service = Service::new().await;
    service.post("/api/v1/databases", json!({ "name": "more", "url": "orders.db" })).await.expect(201);
    let (token, folder) = (service.token.clone(), service.stop().await);
    std::fs::remove_file(state(&folder).with_extension("db.key")).expect("it is there");
    let again = Service::start(Arc::clone(&folder), Some(token), true, SystemClock::shared()).await;
    let shown = additions(&again).await;
    assert!(
        shown[0]["problem"].as_str().is_some_and(|told| told.contains("key beside the state")),
        "{shown}"
    );
    again.get("/api/v1/databases/shop").await;
    again.request(Method::DELETE, "/api/v1/databases/more").send().await.expect("it is answered");
    assert_eq!(additions(&again).await, json!([]));
}
