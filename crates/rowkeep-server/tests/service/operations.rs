//! Each operation of the API, for each who may use it and who may not.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::SignedDuration;
use reqwest::Method;
use rowkeep_format::clock::TestClock;
use serde_json::{Value, json};

use super::support::Service;

/// An operation: its id, who may use it at least, whether it is of one database, and how it is used with which answer.
pub(super) struct Row {
    pub(super) id: &'static str,
    pub(super) method: Method,
    pub(super) path: &'static str,
    role: &'static str,
    is_of_database: bool,
    pub(super) body: Option<fn() -> Value>,
    pub(super) status: u16,
}

const ROLES: [&str; 4] = ["viewer", "operator", "restorer", "admin"];

/// Every operation. `JOB`, `DRILL` and `EXPORT` stand for jobs that are over, `PLAN` for a plan that was executed, `TOKEN` for one that can be revoked, `USER`
/// for one that can be removed.
pub(super) fn rows() -> Vec<Row> {
    let row = |id, method, path, role, is_of_database, body, status| Row {
        id,
        method,
        path,
        role,
        is_of_database,
        body,
        status,
    };
    let (get, post) = (|| Method::GET, || Method::POST);
    vec![
        row("listDatabases", get(), "/api/v1/databases", "viewer", true, None, 200),
        row("getDatabase", get(), "/api/v1/databases/shop", "viewer", true, None, 200),
        row("listSnapshots", get(), "/api/v1/databases/shop/snapshots", "viewer", true, None, 200),
        row(
            "backUp",
            post(),
            "/api/v1/databases/shop/backups?wait=60s",
            "operator",
            true,
            Some(|| json!({})),
            200,
        ),
        row(
            "findMissingPieces",
            post(),
            "/api/v1/databases/shop/arrivals/missing",
            "operator",
            true,
            Some(
                || json!({ "pieces": ["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"] }),
            ),
            200,
        ),
        // What is sent is no piece: who is let so far is told so.
        row(
            "sendPieces",
            post(),
            "/api/v1/databases/shop/arrivals/pieces",
            "operator",
            true,
            Some(|| json!({})),
            415,
        ),
        row(
            "sendState",
            post(),
            "/api/v1/databases/shop/arrivals?wait=60s",
            "operator",
            true,
            Some(
                || json!({ "pieces": ["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"] }),
            ),
            409,
        ),
        row(
            "announce",
            post(),
            "/api/v1/databases/shop/events?wait=60s",
            "operator",
            true,
            Some(|| json!({ "event": "before-migration" })),
            200,
        ),
        row("drill", post(), "/api/v1/databases/shop/drills?wait=60s", "operator", true, None, 200),
        row("listDrills", get(), "/api/v1/databases/shop/drills", "viewer", true, None, 200),
        row(
            "getDrillReport",
            get(),
            "/api/v1/databases/shop/drills/DRILL/report?format=json",
            "viewer",
            true,
            None,
            200,
        ),
        row("getSnapshot", get(), "/api/v1/databases/shop/snapshots/latest", "viewer", true, None, 200),
        row(
            "listRows",
            get(),
            "/api/v1/databases/shop/snapshots/latest/tables/customers/rows?limit=1",
            "operator",
            true,
            None,
            200,
        ),
        row(
            "followRow",
            get(),
            "/api/v1/databases/shop/history?row=customers:42",
            "operator",
            true,
            None,
            200,
        ),
        row(
            "export",
            post(),
            "/api/v1/databases/shop/exports?wait=60s",
            "restorer",
            true,
            Some(|| json!({ "snapshot": "latest", "tables": ["customers"], "format": "csv" })),
            200,
        ),
        row("listExports", get(), "/api/v1/exports", "viewer", true, None, 200),
        row(
            "deleteExport",
            Method::DELETE,
            "/api/v1/databases/shop/exports/GONE",
            "restorer",
            true,
            None,
            404,
        ),
        row("getExport", get(), "/api/v1/databases/shop/exports/EXPORT", "viewer", true, None, 200),
        row(
            "downloadExport",
            get(),
            "/api/v1/databases/shop/exports/EXPORT/files/customers.csv",
            "restorer",
            true,
            None,
            200,
        ),
        row(
            "checkRepository",
            post(),
            "/api/v1/repository/checks?wait=60s",
            "operator",
            false,
            Some(|| json!({})),
            200,
        ),
        row("pruneRepository", post(), "/api/v1/repository/prunes?wait=60s", "admin", false, None, 200),
        row(
            "compare",
            post(),
            "/api/v1/databases/shop/comparisons?wait=60s",
            "operator",
            true,
            Some(|| json!({ "before": "latest" })),
            200,
        ),
        row(
            "listDifferences",
            get(),
            "/api/v1/databases/shop/differences?before=latest&table=customers",
            "operator",
            true,
            None,
            200,
        ),
        row(
            "holdSnapshot",
            Method::PUT,
            "/api/v1/databases/shop/snapshots/latest/hold?wait=60s",
            "operator",
            true,
            None,
            200,
        ),
        row(
            "releaseSnapshot",
            Method::DELETE,
            "/api/v1/databases/shop/snapshots/latest/hold?wait=60s",
            "admin",
            true,
            None,
            200,
        ),
        row(
            "planRestore",
            post(),
            "/api/v1/databases/shop/restores?wait=60s",
            "restorer",
            true,
            Some(|| json!({ "snapshot": "latest" })),
            200,
        ),
        row(
            "merge",
            post(),
            "/api/v1/databases/shop/merges?wait=60s",
            "operator",
            true,
            Some(|| json!({ "from": "latest", "into": "latest", "base": "latest" })),
            200,
        ),
        // Its log is nowhere described: the job says so.
        row(
            "replay",
            post(),
            "/api/v1/databases/shop/replays?wait=60s",
            "operator",
            true,
            Some(|| json!({ "until": "2026-11-20T15:30:00Z" })),
            200,
        ),
        row("planUndo", post(), "/api/v1/databases/shop/undos?wait=60s", "restorer", true, None, 200),
        row(
            "refresh",
            post(),
            "/api/v1/databases/shop/refreshes?wait=60s",
            "restorer",
            true,
            Some(|| json!({ "confirm": "shop" })),
            409,
        ),
        row("listPlans", get(), "/api/v1/plans", "viewer", true, None, 200),
        row(
            "executePlan",
            post(),
            "/api/v1/plans/PLAN/executions?wait=60s",
            "restorer",
            true,
            Some(|| json!({ "confirm": "shop" })),
            409,
        ),
        row("listJobs", get(), "/api/v1/jobs", "viewer", true, None, 200),
        row("getJob", get(), "/api/v1/jobs/JOB", "viewer", true, None, 200),
        row("watchJob", get(), "/api/v1/jobs/JOB/events", "viewer", true, None, 200),
        row("stopJob", post(), "/api/v1/jobs/JOB/stop", "operator", true, None, 409),
        row("listSchedules", get(), "/api/v1/schedules", "viewer", true, None, 200),
        row("listAlerts", get(), "/api/v1/alerts", "viewer", true, None, 200),
        row("listChannels", get(), "/api/v1/channels", "viewer", false, None, 200),
        row("testChannel", post(), "/api/v1/channels/none/tests", "admin", false, None, 404),
        row("listAudit", get(), "/api/v1/audit", "admin", false, None, 200),
        row("verifyAudit", get(), "/api/v1/audit/verification", "admin", false, None, 200),
        row("listTokens", get(), "/api/v1/tokens", "admin", false, None, 200),
        row(
            "createToken",
            post(),
            "/api/v1/tokens",
            "admin",
            false,
            Some(|| json!({ "name": "another", "role": "viewer" })),
            201,
        ),
        row("revokeToken", Method::DELETE, "/api/v1/tokens/TOKEN", "admin", false, None, 204),
        row("getSession", get(), "/api/v1/session", "viewer", true, None, 200),
        row("listUsers", get(), "/api/v1/users", "admin", false, None, 200),
        row(
            "createUser",
            post(),
            "/api/v1/users",
            "admin",
            false,
            Some(|| json!({ "name": "admin", "role": "viewer" })),
            409,
        ),
        row(
            "setUserRole",
            Method::PUT,
            "/api/v1/users/USER/role",
            "admin",
            false,
            Some(|| json!({ "role": "operator" })),
            200,
        ),
        row("resetPassword", post(), "/api/v1/users/USER/password-resets", "admin", false, None, 200),
        row("removeUser", Method::DELETE, "/api/v1/users/USER", "admin", false, None, 204),
        row("getReport", get(), "/api/v1/report", "viewer", true, None, 200),
        row("getHealth", get(), "/api/v1/health", "viewer", true, None, 200),
        row(
            "createDatabase",
            post(),
            "/api/v1/databases",
            "admin",
            false,
            Some(|| json!({ "name": "more", "url": "more.db", "promise": { "lose": "6h" } })),
            201,
        ),
        row(
            "changeDatabase",
            Method::PUT,
            "/api/v1/databases/more",
            "admin",
            false,
            Some(|| json!({ "schedule": { "backup": "daily at 02:00" } })),
            200,
        ),
        row("removeDatabase", Method::DELETE, "/api/v1/databases/more", "admin", false, None, 204),
        row(
            "createRepository",
            post(),
            "/api/v1/repository",
            "admin",
            false,
            Some(|| json!({ "location": "elsewhere" })),
            409,
        ),
        row("getConfiguration", get(), "/api/v1/configuration", "admin", false, None, 200),
        row("reloadConfiguration", post(), "/api/v1/configuration/reloads", "admin", false, None, 200),
        row("exportConfiguration", get(), "/api/v1/configuration/export", "admin", false, None, 200),
    ]
}

#[test]
fn every_operation_has_a_row() {
    let document: Value = serde_json::from_str(&rowkeep_server::openapi()).expect("it is JSON");
    assert!(document["openapi"].as_str().is_some_and(|version| version.starts_with("3.1")));
    let paths = document["paths"].as_object().expect("it has paths");
    let operations = paths.values().flat_map(|path| path.as_object().expect("it has methods").values());
    let described: BTreeSet<&str> =
        operations.map(|operation| operation["operationId"].as_str().expect("it has a name")).collect();
    let rows = rows();
    let of_sessions = super::sessions::rows().into_iter().map(|row| row.0);
    let compatible = super::compatibility::rows().into_iter().map(|row| row.id);
    assert_eq!(described, rows.iter().map(|row| row.id).chain(of_sessions).chain(compatible).collect());
    for row in rows {
        let path = row.path.split('?').next().expect("it begins with a path");
        let matches = |described: &str| {
            let (path, described) = (path.split('/'), described.split('/'));
            path.clone().count() == described.clone().count()
                && path.zip(described).all(|(is, of)| is == of || of.starts_with('{'))
        };
        let method = row.method.as_str().to_lowercase();
        let found =
            paths.iter().any(|(path, methods)| matches(path) && methods[&method]["operationId"] == row.id);
        assert!(found, "{} is {method} {path}", row.id);
    }
}

#[test]
fn the_description_that_is_kept_is_the_one_that_is_served() {
    let kept = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
    let served = rowkeep_server::openapi() + "\n";
    if std::env::var_os("ROWKEEP_WRITE_OPENAPI").is_some() {
        std::fs::write(kept, &served).expect("it is written");
    }
    let kept = std::fs::read_to_string(kept).unwrap_or_default();
    assert!(kept == served, "openapi.json is not what is served; write it with ROWKEEP_WRITE_OPENAPI=1");
}

/// What the rows name.
pub(super) struct Things {
    job: String,
    drill: String,
    export: String,
    plan: String,
    users: std::cell::Cell<u32>,
}

impl Things {
    /// Makes them: a job that is over, and a plan that was executed.
    pub(super) async fn new(service: &Service) -> Self {
        let job = service.post("/api/v1/databases/shop/backups?wait=60s", json!({})).await.expect(200);
        let job = job["id"].as_str().expect("it has an id").to_owned();
        let drill = service.post("/api/v1/databases/shop/drills?wait=60s", json!({})).await.expect(200);
        let drill = drill["id"].as_str().expect("it has an id").to_owned();
        let export = json!({ "snapshot": "latest", "format": "csv" });
        let export = service.post("/api/v1/databases/shop/exports?wait=60s", export).await.expect(200);
        let export = export["id"].as_str().expect("it has an id").to_owned();
        let database = rusqlite::Connection::open(service.folder.path().join("shop.db")).expect("it opens");
        database.execute("DELETE FROM customers WHERE id = 1", ()).expect("it is done");
        let body = json!({ "snapshot": "latest" });
        service.post("/api/v1/databases/shop/restores?wait=60s", body).await.expect(200);
        let plans = service.get("/api/v1/plans").await;
        let plan = plans["plans"][0]["id"].as_str().expect("it is kept").to_owned();
        let execution = format!("/api/v1/plans/{plan}/executions?wait=60s");
        service.post(&execution, json!({ "confirm": "shop" })).await.expect(200);
        Self { job, drill, export, plan, users: std::cell::Cell::new(0) }
    }

    /// The path of a row, with a token or a user that is made for it.
    pub(super) async fn path(&self, service: &Service, row: &Row) -> String {
        let mut path = row.path.replace("JOB", &self.job).replace("PLAN", &self.plan);
        path = path.replace("DRILL", &self.drill).replace("EXPORT", &self.export);
        let id = |made: Value| made["id"].as_str().expect("it has an id").to_owned();
        if path.contains("TOKEN") {
            let made = json!({ "name": "gone", "role": "viewer" });
            path = path.replace("TOKEN", &id(service.post("/api/v1/tokens", made).await.expect(201)));
        }
        if path.contains("USER") {
            self.users.set(self.users.get() + 1);
            let made = json!({ "name": format!("user-{}", self.users.get()), "role": "viewer" });
            path = path.replace("USER", &id(service.post("/api/v1/users", made).await.expect(201)));
        }
        path
    }
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn each_is_for_those_who_may() {
    let service = Service::new().await;
    let things = Things::new(&service).await;
    for row in rows() {
        let path = async |service: &Service| things.path(service, &row).await;
        let body = row.body.map(|body| body());
        for token in [None, Some("rowkeep_00")] {
            let answer = service.send(row.method.clone(), &path(&service).await, token, body.clone()).await;
            // Who comes with many that are not valid is told to wait.
            let expected: &[u16] = if token.is_none() { &[401] } else { &[401, 429] };
            assert!(expected.contains(&answer.status.as_u16()), "{} with {token:?}: {}", row.id, answer.json);
            assert_eq!(answer.content_type, "application/problem+json");
        }
        let least = ROLES.iter().position(|role| *role == row.role).expect("it is one");
        for (at, role) in ROLES.iter().enumerate() {
            for databases in [None, Some(&["shop"][..]), Some(&["orders"][..])] {
                let token = service.token(role, databases).await;
                let path = path(&service).await;
                let answer = service.send(row.method.clone(), &path, Some(&token), body.clone()).await;
                let status = answer.status.as_u16();
                let is_list = [
                    "listDatabases",
                    "listJobs",
                    "listSchedules",
                    "listPlans",
                    "listAlerts",
                    "getHealth",
                    "getReport",
                    "listExports",
                    "getSession",
                ]
                .contains(&row.id);
                let expected: &[u16] = match databases {
                    None | Some(["shop"]) if row.is_of_database && at >= least => &[row.status],
                    None if at >= least => &[row.status],
                    Some(["orders"]) if is_list => &[row.status],
                    // What is nobody's business who asks is not there.
                    Some(["orders"]) if row.is_of_database => &[404],
                    _ => &[403],
                };
                assert!(
                    expected.contains(&status),
                    "{} as {role} of {databases:?}: {status} {}",
                    row.id,
                    answer.json
                );
                if is_list && databases == Some(&["orders"][..]) {
                    assert!(!answer.json.to_string().contains("shop"), "{}", answer.json);
                }
            }
        }
    }
    let verified = service.get("/api/v1/audit/verification").await;
    assert_eq!(verified["intact"], true);
    let refused = service.get("/api/v1/audit?limit=500").await["entries"].to_string();
    assert!(
        refused.contains("\"refused\"") && !refused.contains("rowkeep_"),
        "refusals are noted, secrets are not"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_expired_and_what_another_page_sends_does_nothing() {
    let clock = Arc::new(TestClock::new("2026-11-29T12:00:00Z".parse().expect("it is a time")));
    let service = Service::with("", clock.clone()).await;
    let body = json!({ "name": "short", "role": "admin", "expires": "2026-11-29T13:00:00Z" });
    let expired = service.post("/api/v1/tokens", body).await.expect(201);
    let expired = expired["secret"].as_str().expect("it is shown once").to_owned();
    service.send(Method::GET, "/api/v1/tokens", Some(&expired), None).await.expect(200);
    let things = Things::new(&service).await;
    let (_, other_mark) = super::sessions::signed_in_as(&service, "other", "admin", &["shop"]).await;
    let (cookie, mark) = super::sessions::signed_in(&service).await;
    clock.jump(SignedDuration::from_hours(2));
    for row in rows() {
        let path = things.path(&service, &row).await;
        let body = row.body.map(|body| body());
        let answer = service.send(row.method.clone(), &path, Some(&expired), body.clone()).await;
        // Who comes with many that are not valid is told to wait.
        assert!([401, 429].contains(&answer.status.as_u16()), "{}: {}", row.id, answer.json);
        let as_page = async |headers: &[(&str, &str)]| {
            let mut request = service.without_token(row.method.clone(), &path).header("cookie", &cookie);
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            let request = match &body {
                Some(body) => request.json(body),
                None => request,
            };
            service.answer(request).await
        };
        let mark = ("x-csrf-token", &*mark);
        let is_read = row.method == Method::GET;
        for headers in [
            &[][..],
            &[("x-csrf-token", "")],
            &[("x-csrf-token", &*other_mark)],
            &[mark, mark],
            &[mark, ("sec-fetch-site", "cross-site")],
            &[mark, ("sec-fetch-site", "same-site")],
            &[mark, ("origin", "https://example.org")],
            &[mark, ("origin", "null")],
        ] {
            let answer = as_page(headers).await;
            let expected = if is_read { row.status } else { 403 };
            assert_eq!(answer.status.as_u16(), expected, "{} with {headers:?}: {}", row.id, answer.json);
        }
        if !is_read {
            let answer = as_page(&[mark, ("sec-fetch-site", "same-origin")]).await;
            assert_eq!(answer.status.as_u16(), row.status, "{}: {}", row.id, answer.json);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn requests_that_are_wrong_are_refused_in_words() {
    let service = Service::new().await;
    let post = |path: &str| service.request(Method::POST, path);
    let backups = "/api/v1/databases/shop/backups";
    for (request, status, code) in [
        (post(backups).header("content-type", "text/plain").body("{}"), 415, "media_type"),
        (post(backups).header("content-type", "application/json").body("{"), 400, "malformed"),
        (post(backups).header("content-type", "application/json").body("[1]"), 422, "unprocessable"),
        (post(backups).json(&json!({ "nmae": "x" })), 422, "unprocessable"),
        (post(backups).json(&json!({ "name": "latest" })), 422, "unprocessable"),
        (post(backups).json(&json!({ "name": "shop" })), 422, "unprocessable"),
        (post(&format!("{backups}?wait=forever")).json(&json!({})), 400, "malformed"),
        (post(&format!("{backups}?wait=2h")).json(&json!({})), 400, "malformed"),
        (post(backups).header("idempotency-key", "").json(&json!({})), 400, "malformed"),
        (post(backups).json(&json!({ "name": "x".repeat(2 << 20) })), 413, "too_large"),
        (post("/api/v1/databases/..%2Fshop/backups").json(&json!({})), 404, "not_found"),
        (post("/api/v1/databases/sqlite:%2Fetc%2Fpasswd/backups").json(&json!({})), 404, "not_found"),
        (service.request(Method::PUT, backups).json(&json!({})), 405, "method_not_allowed"),
        (service.request(Method::GET, "/api/v1/jobs?limit=0"), 400, "malformed"),
        (service.request(Method::GET, "/api/v1/jobs?limit=501"), 400, "malformed"),
        (service.request(Method::GET, "/api/v1/jobs?cursor=x"), 400, "malformed"),
        (service.request(Method::GET, "/api/v1/jobs?state=asleep"), 400, "malformed"),
        (service.request(Method::GET, "/api/v1/jobs?colour=red"), 400, "malformed"),
        (service.request(Method::GET, "/api/v1/jobs/%00"), 404, "not_found"),
        (service.request(Method::GET, "/api/v2/jobs"), 404, "not_found"),
        (post("/api/v1/repository/checks").json(&json!({ "read_percent": 101 })), 422, "unprocessable"),
        (post("/api/v1/tokens").json(&json!({ "name": "", "role": "viewer" })), 422, "unprocessable"),
        (post("/api/v1/tokens").json(&json!({ "name": "a\nb", "role": "viewer" })), 422, "unprocessable"),
        (post("/api/v1/tokens").json(&json!({ "name": "a", "role": "king" })), 422, "unprocessable"),
        (
            post("/api/v1/tokens").json(&json!({ "name": "a", "role": "viewer", "databases": ["no"] })),
            422,
            "unprocessable",
        ),
        (
            post("/api/v1/tokens")
                .json(&json!({ "name": "a", "role": "viewer", "expires": "2020-01-01T00:00:00Z" })),
            422,
            "unprocessable",
        ),
        (post("/api/v1/databases/shop/events").json(&json!({ "event": "" })), 422, "unprocessable"),
        (
            post("/api/v1/databases/shop/events").json(&json!({ "event": "e".repeat(300) })),
            422,
            "unprocessable",
        ),
        (
            post("/api/v1/databases/shop/events").json(&json!({ "event": "a", "tags": { "event": "b" } })),
            422,
            "unprocessable",
        ),
        (service.request(Method::DELETE, "/api/v1/tokens/none"), 404, "not_found"),
        (service.request(Method::GET, "/api/v1/databases/%ff"), 404, "not_found"),
        (service.request(Method::GET, "/api/v1/jobs/%ff"), 404, "not_found"),
        (post(&format!("{backups}?wiat=5s")), 400, "malformed"),
        (post(backups).header("content-type", "application/json").body("null"), 422, "unprocessable"),
        (post("/api/v1/databases/shop/events").json(&json!(["a", {}])), 422, "unprocessable"),
        (post("/api/v1/databases/shop/events"), 400, "malformed"),
        (
            post("/api/v1/databases/shop/restores")
                .json(&json!({ "snapshot": "latest", "wanted": [["a"], [], null, [], false] })),
            422,
            "unprocessable",
        ),
        (post(backups).header("idempotency-key", "é").json(&json!({})), 400, "malformed"),
        (service.request(Method::GET, "/api/v1/jobs?cursor=-1"), 400, "malformed"),
        (service.request(Method::GET, "/api/v1/jobs?cursor=99999999999999999999"), 400, "malformed"),
        (service.request(Method::GET, "/api/v1/jobs?limit=1&limit=2"), 400, "malformed"),
        (service.request(Method::GET, "/api/v1/jobs?limit=-1"), 400, "malformed"),
        (service.request(Method::GET, "/api/v1/jobs?limit=1e3"), 400, "malformed"),
        (post(backups).body("{\"name\": \"x\"}"), 415, "media_type"),
        (post(backups).json(&json!({ "name": "n".repeat(300) })), 422, "unprocessable"),
        (post(backups).json(&json!({ "name": "a\u{1b}[2Jb" })), 422, "unprocessable"),
        (post(backups).json(&json!({ "tags": { "a": "v".repeat(300) } })), 422, "unprocessable"),
        (post(backups).json(&json!({ "tags": { "": "v" } })), 422, "unprocessable"),
        (post(backups).json(&json!({ "name": "a\u{202e}b" })), 422, "unprocessable"),
        (
            post("/api/v1/tokens").json(&json!({ "name": "a\u{2066}b", "role": "viewer" })),
            422,
            "unprocessable",
        ),
    ] {
        let answer = service.answer(request).await;
        assert_eq!((answer.status.as_u16(), &answer.json["code"]), (status, &json!(code)), "{}", answer.json);
        assert_eq!(answer.content_type, "application/problem+json");
        let detail = answer.json["detail"].as_str().expect("it says why");
        let is_ours =
            ["eserialize", "expected", "invalid ", "digit"].iter().all(|word| !detail.contains(word));
        assert!(!detail.is_empty() && is_ours, "{detail}");
    }
    assert_eq!(service.get("/api/v1/jobs").await["jobs"], json!([]), "none of them did anything");
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn who_guesses_tokens_is_kept_out_for_a_while() {
    let service = Service::new().await;
    for _ in 0..10 {
        service.send(Method::GET, "/api/v1/jobs", Some("rowkeep_guess"), None).await.expect(401);
    }
    let answer = service.send(Method::GET, "/api/v1/jobs", Some("rowkeep_guess"), None).await;
    assert_eq!((answer.status.as_u16(), &answer.json["code"]), (429, &json!("too_many")));
    assert_eq!(answer.retry_after.as_deref(), Some("60"));
    service.get("/api/v1/jobs").await;
    service.send(Method::GET, "/healthz", None, None).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn tokens_end_when_they_are_revoked() {
    let service = Service::new().await;
    let made =
        service.post("/api/v1/tokens", json!({ "name": "deploy", "role": "operator" })).await.expect(201);
    let secret = made["secret"].as_str().expect("it is shown once").to_owned();
    service.send(Method::GET, "/api/v1/jobs", Some(&secret), None).await.expect(200);
    let listed = service.get("/api/v1/tokens").await;
    assert!(
        !listed.to_string().contains(&secret) && listed["tokens"][1]["last_used"].is_string(),
        "{listed}"
    );
    let id = made["id"].as_str().expect("it has an id");
    service
        .send(Method::DELETE, &format!("/api/v1/tokens/{id}"), Some(&service.token), None)
        .await
        .expect(204);
    service.send(Method::GET, "/api/v1/jobs", Some(&secret), None).await.expect(401);
    let first = listed["tokens"][0]["id"].as_str().expect("it has an id");
    let last = format!("/api/v1/tokens/{first}");
    let last = service.send(Method::DELETE, &last, Some(&service.token), None).await.expect(409);
    assert!(last["detail"].as_str().is_some_and(|detail| detail.contains("the last token")), "{last}");
    let bytes = super::support::whole_state(&service.folder).await;
    let wal = std::fs::read(service.folder.path().join("state.db-wal")).unwrap_or_default();
    let holds = |bytes: &[u8]| bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
    assert!(!holds(&bytes) && !holds(&wal), "secrets are not kept");
}
