//! What is read again and again is not found out again and again, and never older than what was just done.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use rowkeep::jobs::backup::BackupRequest;
use rowkeep::jobs::caller::Unattended;
use rowkeep::jobs::workspace::{Circumstances, Workspace};
use rowkeep::{Config, Context};
use rowkeep_format::clock::TestClock;
use serde_json::{Value, json};

use super::support::{Service, opening};

const SHOP: &str = "/api/v1/databases/shop";

/// A clock that stands: nothing is found out again because time has passed.
fn clock() -> Arc<TestClock> {
    let time: Timestamp = "2026-11-29T12:00:00Z".parse().expect("it is a time");
    Arc::new(TestClock::new(time))
}

async fn back_up(service: &Service) -> String {
    let job = service.post(&format!("{SHOP}/backups?wait=60s"), json!({})).await.expect(200);
    assert_eq!(job["state"], "done", "{job}");
    job["outcome"]["snapshots"][0]["id"].as_str().expect("it has an id").to_owned()
}

fn ids(listed: &Value) -> Vec<&str> {
    let listed = listed["snapshots"].as_array().expect("it is a list").iter();
    listed.map(|snapshot| snapshot["id"].as_str().expect("it has an id")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_done_is_in_the_next_answer() {
    let service = Service::with("", clock()).await;
    let mut made = Vec::new();
    for _ in 0..3 {
        made.insert(0, back_up(&service).await);
        for _ in 0..2 {
            let database = service.get(SHOP).await;
            assert_eq!(
                (&database["newest"]["id"], &database["snapshots"]),
                (&json!(made[0]), &json!(made.len()))
            );
            let databases = service.get("/api/v1/databases").await;
            assert_eq!(databases["databases"][1], database, "{databases}");
            assert_eq!(service.get("/api/v1/health").await["kept"], 1);
            assert_eq!(ids(&service.get(&format!("{SHOP}/snapshots")).await), made);
            let jobs = service.get("/api/v1/jobs").await;
            assert_eq!(jobs["jobs"].as_array().map(Vec::len), Some(made.len()));
        }
    }
    let held = format!("{SHOP}/snapshots/{}/hold?wait=60s", made[1]);
    let put =
        service.send(Method::PUT, &held, Some(&service.token), Some(json!({ "reason": "audit" }))).await;
    assert_eq!(put.expect(200)["state"], "done");
    let listed = service.get(&format!("{SHOP}/snapshots")).await;
    assert_eq!(listed["snapshots"][1]["holds"][0]["reason"], "audit", "{listed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_known_is_told_without_the_repository() {
    let clock = clock();
    let service = Service::with("", clock.clone()).await;
    let made = back_up(&service).await;
    let (snapshots, repository) = (format!("{SHOP}/snapshots"), service.folder.path().join("repository"));
    assert_eq!(ids(&service.get(&snapshots).await), [&*made]);
    let aside = service.folder.path().join("aside");
    std::fs::rename(&repository, &aside).expect("it is moved");
    // Nobody reads of it what was read a moment ago.
    assert_eq!(ids(&service.get(&snapshots).await), [&*made]);
    assert_eq!(service.get(SHOP).await["newest"]["id"], *made);
    clock.advance(Duration::from_secs(120));
    assert_ne!(service.send(Method::GET, &snapshots, Some(&service.token), None).await.status, 200);
    assert_eq!(service.get(SHOP).await["standing"], "unknown");
    std::fs::rename(&aside, &repository).expect("it is moved back");
    clock.advance(Duration::from_secs(120));
    assert_eq!(ids(&service.get(&snapshots).await), [&*made]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_put_into_the_repository_is_seen_soon() {
    let clock = clock();
    let service = Service::with("", clock.clone()).await;
    back_up(&service).await;
    assert_eq!(service.get(SHOP).await["snapshots"], 1);
    let path = service.folder.path().join("rowkeep.toml");
    let text = std::fs::read_to_string(&path).expect("it is there");
    let config = Config::parse(&text, &path, &|_| None).expect("it is well formed");
    let circumstances = Circumstances { secrets: opening(&service.folder), ..Circumstances::default() };
    let workspace = Workspace::new(config, circumstances);
    let request = BackupRequest { database: Some("shop".into()), ..BackupRequest::default() };
    let context = Context::silent().with_clock(clock.clone());
    request.run(&context, &workspace, &Unattended).await.expect("it is backed up");
    // Long enough that it is listed again, and not so long that anybody waits for that.
    clock.advance(Duration::from_secs(20));
    service
        .until(SHOP, |shop| {
            clock.advance(Duration::from_secs(3));
            shop["snapshots"] == 2
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_sees_what_is_his_in_the_same_moment() {
    let service = Service::with("", clock()).await;
    back_up(&service).await;
    let (shop, orders) =
        (service.token("viewer", Some(&["shop"])).await, service.token("viewer", Some(&["orders"])).await);
    for _ in 0..2 {
        for (token, name, jobs) in [(&shop, "shop", 1), (&orders, "orders", 0)] {
            let get = async |path| service.send(Method::GET, path, Some(token), None).await.expect(200);
            let databases = get("/api/v1/databases").await;
            assert_eq!(databases["databases"].as_array().map(Vec::len), Some(1), "{databases}");
            assert_eq!(databases["databases"][0]["name"], name);
            assert_eq!(get("/api/v1/jobs").await["jobs"].as_array().map(Vec::len), Some(jobs));
            assert_eq!(get("/api/v1/health").await["databases"], 1);
        }
        let other = service.send(Method::GET, "/api/v1/databases/shop/snapshots", Some(&orders), None).await;
        assert_eq!(other.status, 404);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_was_just_used_ends_when_it_is_revoked_and_when_it_expires() {
    let clock = clock();
    let service = Service::with("", clock.clone()).await;
    let make = async |expires: Option<&str>| {
        let body = json!({ "name": "t", "role": "viewer", "expires": expires });
        let made = service.post("/api/v1/tokens", body).await.expect(201);
        (
            made["id"].as_str().expect("it has one").to_owned(),
            made["secret"].as_str().expect("it has one").to_owned(),
        )
    };
    let status = async |token: &str| {
        service.send(Method::GET, "/api/v1/databases", Some(token), None).await.status.as_u16()
    };
    let (id, secret) = make(None).await;
    let (_, short) = make(Some("2026-11-29T12:00:30Z")).await;
    for _ in 0..3 {
        assert_eq!((status(&secret).await, status(&short).await), (200, 200));
    }
    let used = service.get("/api/v1/tokens").await;
    let of = |id: &str| {
        used["tokens"].as_array().and_then(|all| all.iter().find(|token| token["id"] == *id)).cloned()
    };
    assert_eq!(of(&id).expect("it is listed")["last_used"], "2026-11-29T12:00:00Z", "{used}");
    clock.jump(SignedDuration::from_secs(30));
    assert_eq!((status(&secret).await, status(&short).await), (200, 401));
    let gone =
        service.send(Method::DELETE, &format!("/api/v1/tokens/{id}"), Some(&service.token), None).await;
    assert_eq!((gone.status.as_u16(), status(&secret).await), (204, 401));
}
