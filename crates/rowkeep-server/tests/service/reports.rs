//! Reports of a period: what was kept, what was not, and what nobody knows.

use std::sync::Arc;

use reqwest::Method;
use rowkeep_format::clock::TestClock;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::pages::page;
use super::sinks::Web;
use super::support::{Service, folder, state};

const CONFIG: &str = "[databases.kept]\nurl = 'shop.db'\npromise = { lose = '25h', back_in = '1min' }\n\
    schedule = { backup = 'off', drill = 'off' }\n\
    [databases.broken]\nurl = 'orders.db'\npromise = { lose = '25h' }\nschedule = { backup = 'off' }\n";

fn microseconds(time: &str) -> i64 {
    time.parse::<jiff::Timestamp>().expect("it is a time").as_microsecond()
}

/// Writes into the state of a service that does not run what October was: backups at two each night, of `broken` not on the 10th and
/// the 11th; a drill of `kept`; an alert; the service down for two days.
fn remember_october(folder: &TempDir) {
    let state = rusqlite::Connection::open(state(folder)).expect("it opens");
    state.execute("DELETE FROM runs", ()).expect("it is done");
    for (began, seen) in [("2026-09-20", "2026-10-20"), ("2026-10-22", "2026-11-29")] {
        let times = [began, seen].map(|day| microseconds(&format!("{day}T12:00:00Z")));
        state.execute("INSERT INTO runs (began, seen) VALUES (?1, ?2)", times).expect("it is written");
    }
    for (day, bytes) in [("2026-09-30", 100), ("2026-10-31", 200)] {
        let time = microseconds(&format!("{day}T12:00:00Z"));
        state.execute("INSERT INTO storage VALUES (?1, ?2)", (time, bytes)).expect("it is written");
    }
    let job = |kind: &str, database: &str, ended: &str, outcome: Option<String>| {
        let ended = microseconds(ended);
        let insert = "INSERT INTO jobs (id, kind, database, request, state, asked_by, created, due, started, ended, outcome, told) \
            VALUES (?1, ?2, ?3, '{}', 'done', 'schedule', ?4, ?4, ?4, ?5, ?6, 2)";
        let id = format!("{kind} {database} {ended}");
        let began = ended - 600_000_000;
        state.execute(insert, (id, kind, database, began, ended, outcome)).expect("it is written");
    };
    for day in std::iter::once("2026-09-30".to_owned()).chain((1..=31).map(|day| format!("2026-10-{day:02}")))
    {
        job("backup", "kept", &format!("{day}T02:10:00Z"), None);
        if !["2026-10-10", "2026-10-11"].contains(&&*day) {
            job("backup", "broken", &format!("{day}T02:10:00Z"), None);
        }
    }
    let outcome = json!({ "job": "drill", "outcome": { "reports": [{ "measures": { "recovery_ms": 30_000 } }], "failed": [] } });
    job("drill", "kept", "2026-10-04T04:10:00Z", Some(outcome.to_string()));
    let insert = "INSERT INTO incidents (id, kind, object, database, severity, words, opened, seen, cleared) \
        VALUES ('1', 'overdue', 'broken', 'broken', 'critical', 'it was late', ?1, ?1, ?2)";
    // Until then, the channel had its reports; the service may have noted so itself.
    let mark = microseconds("2026-11-29T12:00:00Z");
    state
        .execute("INSERT OR REPLACE INTO marks VALUES ('report', 'lead', ?1)", [mark])
        .expect("it is written");
    let times = ["2026-10-10T03:00:00Z", "2026-10-12T02:11:00Z"].map(microseconds);
    state.execute(insert, times).expect("it is written");
}

async fn of_october(more: &str) -> (Service, Arc<TestClock>) {
    let clock = Arc::new(TestClock::new("2026-11-29T12:00:00Z".parse().expect("it is a time")));
    let config = format!("{more}{CONFIG}");
    let first = Service::again(folder(), None, &config, clock.clone()).await;
    let token = first.token.clone();
    let folder = first.stop().await;
    remember_october(&folder);
    (Service::again(folder, Some(token), &config, clock.clone()).await, clock)
}

fn database<'a>(report: &'a Value, name: &str) -> &'a Value {
    let databases = report["databases"].as_array().expect("it has databases");
    databases.iter().find(|database| database["name"] == name).expect("it is one of them")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_kept_is_told_from_what_was_not_and_what_nobody_knows() {
    let (service, _) = of_october("").await;
    let report = service.get("/api/v1/report").await;
    assert_eq!(
        report["summary"], "1 of 4 databases were protected as they should be in October 2026",
        "{report}"
    );
    let kept = database(&report, "kept");
    assert_eq!((&kept["verdict"], &kept["reasons"]), (&json!("kept"), &json!([])), "{kept}");
    assert_eq!((&kept["backups_stored"], &kept["longest_gap"]["seconds"]), (&json!(31), &json!(87_000)));
    assert_eq!(kept["last_drill"]["recovery_ms"], 30_000, "{kept}");
    let broken = database(&report, "broken");
    assert_eq!(broken["verdict"], "not_kept", "{broken}");
    let why = broken["reasons"][0].as_str().expect("it says why");
    assert!(why.contains("2026-10-09T02:00:00Z to 2026-10-12T02:10:00Z") && why.contains("1 d 1 h"), "{why}");
    assert_eq!(broken["alerts"][0]["cleared"], "2026-10-12T02:11:00Z", "{broken}");
    assert!(broken.get("last_drill").is_none(), "it was not run: {broken}");
    assert_eq!(database(&report, "shop")["verdict"], "not_promised");
    let off = report["not_running"].as_array().expect("it is a list");
    assert_eq!((off.len(), &off[0]["seconds"]), (1, &json!(172_800)), "{report}");
    let shared = &report["shared"];
    assert_eq!(
        (&shared["storage_then"]["bytes"], &shared["storage_now"]["bytes"]),
        (&json!(100), &json!(200))
    );
    assert!(shared.get("last_check").is_none(), "{shared}");

    // What was before the state begins is known to nobody, and never counted as kept.
    let before = service.get("/api/v1/report?from=2026-09-01&to=2026-10-01").await;
    assert_eq!(
        (&before["kept"], &before["known_since"]),
        (&json!(0), &json!("2026-09-20T12:00:00Z")),
        "{before}"
    );
    assert_eq!(database(&before, "kept")["verdict"], "unknown", "{before}");
    // Until now, of what goes on: nothing was backed up in November.
    let now = service.get("/api/v1/report?from=2026-11-01").await;
    assert_eq!((&now["to"], &now["kept"]), (&json!("2026-11-29T12:00:00Z"), &json!(0)), "{now}");

    let theirs = service.token("viewer", Some(&["kept"])).await;
    let report = service.send(Method::GET, "/api/v1/report", Some(&theirs), None).await.expect(200);
    assert_eq!(report["summary"], "1 of 1 database kept its promise in October 2026", "{report}");
    assert!(report.get("shared").is_none() && !report.to_string().contains("broken"), "{report}");
    let wrong = ["from=x", "to=2026-10-01", "from=2027-01-01", "from=2026-10-02&to=2026-10-01"];
    let malformed = ["month=2026-10", "format=pdf"];
    let wrong = wrong.map(|query| (query, 422)).into_iter().chain(malformed.map(|query| (query, 400)));
    for (query, status) in wrong {
        let path = format!("/api/v1/report?{query}");
        let problem = service.send(Method::GET, &path, Some(&service.token), None).await.expect(status);
        assert!(problem["detail"].is_string(), "{problem}");
    }
    let first = service.request(Method::GET, "/api/v1/report").send().await.expect("it is answered");
    let tag = first.headers()["etag"].clone();
    let again = service.request(Method::GET, "/api/v1/report").header("if-none-match", tag).send().await;
    assert_eq!(again.expect("it is answered").status(), 304);
    let markdown = service.request(Method::GET, "/api/v1/report?format=markdown").send().await;
    let markdown = markdown.expect("it is answered").text().await.expect("it is text");
    assert!(markdown.starts_with("# 1 of 4 databases were protected"), "{markdown}");
    assert!(markdown.contains("NOT RUN") && markdown.contains("did not run for 2 d"), "{markdown}");

    let (cookie, _) = super::sessions::signed_in_as(&service, "vera", "viewer", &["kept", "broken"]).await;
    let (status, policy, text) = page(&service, Method::GET, "/reports", &cookie, "").await;
    assert!(status == 200 && policy.contains("default-src 'none'"), "{text}");
    assert!(
        text.contains("1 of 2 databases kept their promise in October 2026")
            && text.contains("/reports?month=2026-09"),
        "{text}"
    );
    for (path, status) in
        [("/reports?month=2026-09", 200), ("/reports?month=2099-01", 404), ("/reports?month=x", 404)]
    {
        assert_eq!(page(&service, Method::GET, path, &cookie, "").await.0, status, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_gets_the_report_of_the_month_before_once() {
    let web = Web::new().await;
    let secret = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz";
    let channel = format!(
        "[[channels]]\nname = 'lead'\nkind = 'webhook'\nurl = '{}'\nsecret = '{secret}'\nprivate_network = true\n\
         alerts = []\nreport = 'monthly on the 1st at 08:00'\n",
        web.at("/lead")
    );
    let (service, clock) = of_october(&channel).await;
    clock.set("2026-12-01T08:00:30Z".parse().expect("it is a time"));
    let got = web.until("/lead", 1).await;
    let message = got[0].json();
    assert_eq!(message["type"], "report", "{message}");
    let title = message["data"]["title"].as_str().expect("it has a title");
    assert!(title.contains("in November 2026") && title.starts_with("0 of 4"), "{message}");
    let text = message["data"]["text"].as_str().expect("it has a text");
    assert!(text.contains("broken: not kept") && text.contains("/reports?month=2026-11"), "{text}");
    service.stop().await;
}
