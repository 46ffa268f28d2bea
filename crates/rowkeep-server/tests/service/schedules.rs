//! What is done by itself, by a clock that the test turns.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rowkeep_format::clock::TestClock;
use serde_json::Value;

use super::support::Service;

fn time(text: &str) -> Timestamp {
    text.parse().expect("it is a time")
}

/// The times for which a schedule wanted backups of shop, the oldest first.
fn wanted(jobs: &Value) -> Vec<String> {
    let jobs = jobs["jobs"].as_array().expect("a list").iter().rev();
    jobs.map(|job| job["scheduled"].as_str().unwrap_or("-").to_owned()).collect()
}

const JOBS: &str = "/api/v1/jobs?kind=backup&database=shop&state=done";

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn a_backup_comes_when_its_time_has_come_and_is_caught_up_once() {
    let clock = Arc::new(TestClock::new(time("2026-03-28T12:00:00Z")));
    let config = "timezone = 'Europe/London'\n[schedule]\nbackup = 'daily at 01:30'";
    let service = Service::with(config, clock.clone()).await;
    let next = service.get("/api/v1/schedules").await;
    assert_eq!(next["schedules"][1]["next"], "2026-03-29T01:00:00Z", "the clocks skip the time: {next}");
    // The schedule has to be seen before its time comes.
    service.until("/api/v1/schedules", |_| true).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(wanted(&service.get(JOBS).await), Vec::<String>::new());
    clock.set(time("2026-03-29T01:00:00Z"));
    let one = |jobs: &Value| wanted(jobs).len() == 1;
    assert_eq!(wanted(&service.until(JOBS, one).await), ["2026-03-29T01:00:00Z"]);
    // Four days later, three were missed and one is due.
    clock.set(time("2026-04-02T00:30:00Z"));
    let two = |jobs: &Value| wanted(jobs).len() == 2;
    assert_eq!(wanted(&service.until(JOBS, two).await)[1], "2026-04-02T00:30:00Z");
    let (token, folder) = (service.token.clone(), service.stop().await);
    // Nothing runs while three more come.
    clock.set(time("2026-04-05T12:00:00Z"));
    let service = Service::again(folder, Some(token), config, clock.clone()).await;
    let three = |jobs: &Value| wanted(jobs).len() == 3;
    assert_eq!(wanted(&service.until(JOBS, three).await)[2], "2026-04-05T00:30:00Z");
    // The clock is put back by a month, and goes on from there.
    clock.set(time("2026-03-05T12:00:00Z"));
    tokio::time::sleep(Duration::from_secs(2)).await;
    clock.set(time("2026-03-06T01:30:00Z"));
    let four = |jobs: &Value| wanted(jobs).len() == 4;
    assert_eq!(wanted(&service.until(JOBS, four).await)[3], "2026-03-06T01:30:00Z");
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn what_failed_is_tried_again_after_growing_pauses() {
    let clock = Arc::new(TestClock::new(time("2026-11-29T12:00:00Z")));
    let config = "[schedule]\nbackup = 'daily at 13:00'";
    let service = Service::with(config, clock.clone()).await;
    let file = service.folder.path().join("shop.db");
    let away = service.folder.path().join("away.db");
    std::fs::rename(&file, &away).expect("it is moved");
    tokio::time::sleep(Duration::from_secs(2)).await;
    clock.set(time("2026-11-29T13:00:00Z"));
    let path = "/api/v1/jobs?kind=backup&database=shop";
    let tried = |times: u64| {
        move |jobs: &Value| jobs["jobs"][0]["attempt"] == times && jobs["jobs"][0]["state"] == "waiting"
    };
    let job = service.until(path, tried(1)).await;
    assert!(job["jobs"][0]["error"].as_str().is_some_and(|error| error.contains("shop.db")), "{job}");
    assert_eq!(job["jobs"][0]["due"], "2026-11-29T13:01:00Z");
    clock.jump(SignedDuration::from_mins(1));
    assert_eq!(service.until(path, tried(2)).await["jobs"][0]["due"], "2026-11-29T13:06:00Z");
    std::fs::rename(&away, &file).expect("it is moved back");
    clock.jump(SignedDuration::from_mins(5));
    let done = service.until(path, |jobs| jobs["jobs"][0]["state"] == "done").await;
    assert_eq!(
        (&done["jobs"][0]["attempt"], done["jobs"].as_array().map(Vec::len)),
        (&serde_json::json!(3), Some(1))
    );
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn repositories_are_checked_and_pruned_too() {
    let clock = Arc::new(TestClock::new(time("2026-11-29T12:00:00Z")));
    let config = "keep = { last = 1 }\n[schedule]\nbackup = 'every 10 minutes'\ncheck = 'hourly'\nprune = 'hourly at :30'\ndrill = 'hourly'";
    let service = Service::with(config, clock.clone()).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    for minutes in [10, 20, 30, 40, 50, 60] {
        clock.set(
            time("2026-11-29T12:00:00Z")
                .checked_add(SignedDuration::from_mins(minutes))
                .expect("it is a time"),
        );
        let count = usize::try_from(minutes / 10).expect("it is small");
        service.until(JOBS, |jobs| wanted(jobs).len() == count).await;
    }
    let over = |kind: &str| format!("/api/v1/jobs?state=done&kind={kind}");
    for kind in ["check", "prune", "drill"] {
        let one = |jobs: &Value| jobs["jobs"].as_array().is_some_and(|jobs| !jobs.is_empty());
        let jobs = service.until(&over(kind), one).await;
        assert_eq!(jobs["jobs"][0]["asked_by"], "schedule");
        if kind == "check" {
            assert_eq!(
                jobs["jobs"][0]["request"]["read_percent"], 5.0,
                "it reads a part of the data: {jobs}"
            );
        }
    }
    let left = service.get("/api/v1/databases/shop/snapshots").await["snapshots"].as_array().map(Vec::len);
    assert!(left.is_some_and(|left| left < 6), "the rules keep one at each prune: {left:?}");
    let health = service.get("/api/v1/health").await;
    assert_eq!(health["summary"], "2 of 2 databases are protected");
}

/// Each of several repositories is checked and pruned for itself, and one that is harmed is named.
#[tokio::test(flavor = "multi_thread")]
async fn each_of_several_repositories_is_checked_and_pruned() {
    let clock = Arc::new(TestClock::new(time("2026-11-29T12:00:00Z")));
    let config = "[schedule]\nbackup = 'hourly'\ncheck = 'hourly at :10'\nprune = 'hourly at :20'\n\
        [[repositories]]\nname = 'near'\nurl = 'near'\ncreate = true\n[[repositories]]\nname = 'far'\nurl = 'far'\ncreate = true";
    let service = Service::with(config, clock.clone()).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let at = |minute: i64| {
        time("2026-11-29T13:00:00Z").checked_add(SignedDuration::from_mins(minute)).expect("it is a time")
    };
    clock.set(at(0));
    service.until(JOBS, |jobs| wanted(jobs).len() == 1).await;
    clock.set(at(10));
    let over = |kind: &str| format!("/api/v1/jobs?state=done&kind={kind}");
    let named = |jobs: &Value| {
        let jobs = jobs["jobs"].as_array().into_iter().flatten();
        let mut named: Vec<String> =
            jobs.filter_map(|job| job["request"]["repository"].as_str().map(str::to_owned)).collect();
        named.sort();
        named
    };
    service.until(&over("check"), |jobs| named(jobs) == ["far", "near"]).await;
    clock.set(at(20));
    service.until(&over("prune"), |jobs| named(jobs) == ["far", "near"]).await;

    // A pack of one of them is gone.
    let packs = service.folder.path().join("far/packs");
    let pack = walk(&packs).into_iter().next().expect("there is a pack");
    std::fs::remove_file(pack).expect("it is removed");
    clock.set(at(70));
    let harmed = |alerts: &Value| {
        let alerts = alerts["alerts"].as_array().into_iter().flatten();
        alerts.filter(|alert| alert["kind"] == "damage").any(|alert| alert["object"] == "repository far")
    };
    let alerts = service.until("/api/v1/alerts", harmed).await;
    let near = |alert: &Value| alert["kind"] == "damage" && alert["object"] == "repository near";
    assert!(!alerts["alerts"].as_array().into_iter().flatten().any(near), "{alerts}");
}

/// The files below a folder.
fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries =
        std::fs::read_dir(folder).expect("it is a folder").map(|entry| entry.expect("it is read").path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn staging_is_refreshed_when_its_time_has_come() {
    let clock = Arc::new(TestClock::new(time("2026-11-29T12:00:00Z")));
    let config = "[databases.staging]\nurl = 'staging.db'\nschedule = { refresh = 'hourly' }\n\
        refresh = { from = 'shop', mask = false }";
    let service = Service::with(config, clock.clone()).await;
    service.post("/api/v1/databases/shop/backups?wait=60s", serde_json::json!({})).await.expect(200);
    tokio::time::sleep(Duration::from_secs(2)).await;
    clock.set(time("2026-11-29T13:00:00Z"));
    let done = |jobs: &Value| jobs["jobs"].as_array().is_some_and(|jobs| jobs.len() == 1);
    let jobs = service.until("/api/v1/jobs?kind=refresh&state=done", done).await;
    assert_eq!(
        (&jobs["jobs"][0]["database"], &jobs["jobs"][0]["asked_by"]),
        (&"staging".into(), &"schedule".into())
    );
    let rows = |file: &str| {
        let database = rusqlite::Connection::open(service.folder.path().join(file)).expect("it is there");
        database
            .query_row("SELECT count(*) FROM customers", (), |row| row.get::<_, i64>(0))
            .expect("it is read")
    };
    assert_eq!(rows("staging.db"), rows("shop.db"));
}
