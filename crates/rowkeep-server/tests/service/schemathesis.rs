//! What programs of strangers send: schemathesis makes requests of what the API says of itself, and of what it rules out.

use std::path::Path;
use std::process::{Command, Stdio};

use rowkeep::clock::SystemClock;
use serde_json::{Value, json};

use super::sinks::Web;
use super::support::Service;

/// All that can be asked for: also what pages of applications know, and a channel.
fn config(team: &Web) -> String {
    format!(
        "[compatibility.backup]\ndatabase = 'orders'\n[compatibility.admin_backup]\ndatabase = 'orders'\n\
        [[channels]]\nname = 'team'\nkind = 'ntfy'\nurl = '{}'\nprivate_network = true\n",
        team.at("/alerts")
    )
}

/// Runs a program of Python with the modules that `scripts/with-servers` names; where that fails, with what it said.
pub(crate) async fn python(folder: &Path, arguments: &[&str], named: &[(&str, &str)]) -> String {
    let modules = std::env::var_os("ROWKEEP_TEST_API_TOOLS").expect("run this with scripts/with-servers");
    let mut command = Command::new("python3");
    command.args(arguments).envs(named.iter().copied()).env("PYTHONPATH", modules);
    command.current_dir(folder).stdin(Stdio::null());
    let ran = tokio::task::spawn_blocking(move || command.output()).await.expect("it does not panic");
    let ran = ran.expect("it starts");
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{said}\n{}", String::from_utf8_lossy(&ran.stderr));
    said.into_owned()
}

/// What names things that are there, so that not everything ends with 404.
///
/// Tokens that are not valid are tried in `operations.rs`: here they would soon be answered with 429, as they should, which
/// schemathesis knows nothing of. A body that is understood and cannot be done is 422, whatever the description rules out.
const SETTINGS: &str = r#"
request-timeout = 100

[generation]
deterministic = true
database = "none"
max-examples = 8

[checks]
ignored_auth.enabled = false
positive_data_acceptance.expected-statuses = ["2xx", "304", "401", "403", "404", "409", "422", "429", "502", "503"]

[[operations]]
include-operation-id = ["holdSnapshot", "releaseSnapshot"]
parameters = { "path.database" = "shop", "path.snapshot" = "latest" }

[[operations]]
include-operation-id = "testChannel"
parameters = { "path.name" = "team" }

[[operations]]
include-operation-id = "executePlan"
parameters = { "path.id" = "PLAN" }

[[operations]]
include-operation-id = "getDrillReport"
parameters = { "path.database" = "shop", "path.drill" = "DRILL" }

[[operations]]
include-operation-id = "getExport"
parameters = { "path.database" = "shop", "path.export" = "EXPORT" }

[[operations]]
include-operation-id = "downloadExport"
parameters = { "path.database" = "shop", "path.export" = "EXPORT", "path.file" = "customers.csv" }

[[operations]]
include-operation-id = "listRows"
parameters = { "path.database" = "shop", "path.snapshot" = "latest", "path.table" = "customers" }

[[operations]]
include-path-regex = "\\{database\\}"
parameters = { "path.database" = "shop" }
"#;

/// Operations of users who have signed in: a token is not let in, whatever it sends.
const OF_USERS: [&str; 6] = [
    "DELETE /api/v1/session",
    "DELETE /api/v1/session/second-factor",
    "POST /api/v1/session",
    "POST /api/v1/session/second-factor",
    "PUT /api/v1/session/password",
    "PUT /api/v1/session/second-factor",
];

/// Pieces are packed by gzip, which nothing is that is made up; those of `indexeddb.rs` are.
const PACKED: &str = "POST /api/v1/databases/{database}/arrivals/pieces";

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_strangers_send_is_answered_otherwise_than_described() {
    let team = Web::new().await;
    let service = Service::with(&config(&team), SystemClock::shared()).await;
    service.post("/api/v1/databases/shop/backups?wait=60s", json!({})).await.expect(200);
    service.post("/api/v1/databases/orders/backups?wait=60s", json!({})).await.expect(200);
    let database = rusqlite::Connection::open(service.folder.path().join("shop.db")).expect("it opens");
    database.execute("DELETE FROM customers WHERE id = 1", ()).expect("it is done");
    let body = json!({ "snapshot": "latest" });
    service.post("/api/v1/databases/shop/restores?wait=60s", body).await.expect(200);
    let plan = service.get("/api/v1/plans").await["plans"][0]["id"].as_str().expect("it is kept").to_owned();

    let drill = service.post("/api/v1/databases/shop/drills?wait=60s", json!({})).await.expect(200);
    let export = json!({ "snapshot": "latest", "format": "csv" });
    let export = service.post("/api/v1/databases/shop/exports?wait=60s", export).await.expect(200);
    let id = |job: &Value| job["id"].as_str().expect("it has an id").to_owned();

    let folder = tempfile::tempdir().expect("a folder is made");
    let settings =
        SETTINGS.replace("PLAN", &plan).replace("DRILL", &id(&drill)).replace("EXPORT", &id(&export));
    std::fs::write(folder.path().join("schemathesis.toml"), settings).expect("it is written");
    let said = python(
        folder.path(),
        &[
            "-c",
            "from schemathesis.cli import schemathesis; schemathesis()",
            "run",
            &format!("{}/api/v1/openapi.json", service.address()),
            "--header",
            &format!("Authorization: Bearer {}", service.token),
            "--report-json-path",
            "report.json",
            "--continue-on-failure",
            "--no-shrink",
            "--no-color",
        ],
        &[],
    )
    .await;
    // What was never done proves nothing.
    let report = std::fs::read(folder.path().join("report.json")).expect("it is written");
    let report: Value = serde_json::from_slice(&report).expect("it is JSON");
    let document: Value = serde_json::from_str(&rowkeep_server::openapi()).expect("it is JSON");
    let paths = document["paths"].as_object().expect("it has paths");
    let count: usize = paths.values().filter_map(Value::as_object).map(serde_json::Map::len).sum();
    assert_eq!(report["operations"]["tested"], count, "{said}");
    let done = |phases: &Value| {
        let phases = phases.as_object().into_iter().flat_map(|phases| phases.values());
        phases.clone().filter_map(|phase| phase["accepted"].as_u64()).sum::<u64>()
            + phases.filter_map(|phase| phase["conflicts"].as_u64()).sum::<u64>()
    };
    let rates = report["valid_rates"].as_object().expect("they are counted");
    let never: Vec<&str> =
        rates.iter().filter(|(_, phases)| done(phases) == 0).map(|rate| &**rate.0).collect();
    let is_known = |operation: &&str| OF_USERS.contains(operation) || *operation == PACKED;
    assert!(never.iter().all(is_known), "{never:?} {said}");
    assert_eq!(service.get("/api/v1/audit/verification").await["intact"], true);
}
