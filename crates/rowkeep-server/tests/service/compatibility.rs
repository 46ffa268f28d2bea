//! The addresses at which applications had their backups, asked as their documents say.

use std::collections::BTreeSet;
use std::path::PathBuf;

use reqwest::Method;
use rowkeep::clock::SystemClock;
use serde_json::{Value, json};

use super::support::{Answer, Service, folder};

const CONFIG: &str = "environment = 'production'
[compatibility.backup]
database = 'travel'
user_data = ['user data']
sessions = ['Session']
[compatibility.admin_backup]
database = 'shop'
[databases.travel]
url = 'travel.db'
groups = { 'user data' = ['User', 'CountryVisit'] }
";

/// An operation at one of those addresses, and who may use it at least.
pub(crate) struct Row {
    pub(crate) id: &'static str,
    method: Method,
    path: &'static str,
    role: &'static str,
    body: Option<Value>,
    database: &'static str,
    status: u16,
}

pub(crate) fn rows() -> Vec<Row> {
    let row = |id, method, path, role, database, body, status| Row {
        id,
        method,
        path,
        role,
        body,
        database,
        status,
    };
    let dry = json!({ "backupId": "BACKUP", "dryRun": true });
    vec![
        row("compatibleBackups", Method::GET, "/api/backup", "viewer", "travel", None, 200),
        row("compatibleBackUp", Method::POST, "/api/backup", "operator", "travel", Some(json!({})), 200),
        row("compatibleDelete", Method::DELETE, "/api/backup?id=none", "admin", "travel", None, 404),
        row("compatibleRestore", Method::POST, "/api/backup/restore", "restorer", "travel", Some(dry), 200),
        row("compatibleAdminBackups", Method::GET, "/api/admin/backup", "viewer", "shop", None, 200),
        row("compatibleAdminBackUp", Method::POST, "/api/admin/backup", "operator", "shop", None, 200),
    ]
}

async fn service(config: &str) -> Service {
    let folder = folder();
    let database = rusqlite::Connection::open(folder.path().join("travel.db")).expect("it opens");
    let tables = "CREATE TABLE User (id TEXT PRIMARY KEY, email TEXT);
        CREATE TABLE CountryVisit (id INTEGER PRIMARY KEY, userId TEXT REFERENCES User (id), country TEXT);
        CREATE TABLE Session (id INTEGER PRIMARY KEY, token TEXT);
        CREATE TABLE Country (code TEXT PRIMARY KEY);
        INSERT INTO User VALUES ('u1', 'a@example.org'), ('u2', 'b@example.org');
        INSERT INTO CountryVisit VALUES (1, 'u1', 'NO'), (2, 'u1', 'SE'), (3, 'u2', 'DK');
        INSERT INTO Session VALUES (1, 'x'), (2, 'y');
        INSERT INTO Country VALUES ('NO'), ('SE'), ('DK'), ('FI')";
    database.execute_batch(tables).expect("rows are written");
    Service::again(folder, None, config, SystemClock::shared()).await
}

fn travel(service: &Service) -> PathBuf {
    service.folder.path().join("travel.db")
}

fn sql(service: &Service, sql: &str) {
    let database = rusqlite::Connection::open(travel(service)).expect("it opens");
    database.execute_batch(sql).expect("it is done");
}

fn count(service: &Service, table: &str) -> i64 {
    let database = rusqlite::Connection::open(travel(service)).expect("it opens");
    database
        .query_row(&format!("SELECT count(*) FROM {table}"), (), |row| row.get(0))
        .expect("it is answered")
}

async fn delete(service: &Service, query: &str) -> Answer {
    service.send(Method::DELETE, &format!("/api/backup{query}"), Some(&service.token), None).await
}

/// The fields of an object, which have to be these.
#[track_caller]
fn has_fields(object: &Value, fields: &[&str]) {
    let found: BTreeSet<&str> = object.as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!(found, fields.iter().copied().collect(), "{object}");
}

/// What is not done says so in the form that pages read.
#[track_caller]
fn is_refused(answer: Answer, status: u16, told: &str) {
    assert_eq!(answer.content_type, "application/json");
    let body = answer.expect(status);
    has_fields(&body, &["success", "message", "error"]);
    assert_eq!((&body["success"], &body["message"]), (&json!(false), &body["error"]));
    assert!(body["error"].as_str().is_some_and(|error| error.contains(told)), "{body}");
}

/// Makes a backup, and gives its id.
async fn made(service: &Service, body: Value) -> String {
    let made = service.post("/api/backup", body).await.expect(200);
    has_fields(&made, &["success", "backupId", "message"]);
    assert_eq!((&made["success"], made["message"].is_string()), (&json!(true), true));
    made["backupId"].as_str().expect("it has an id").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn backups_are_made_listed_and_deleted() {
    let service = service(CONFIG).await;
    assert_eq!(service.get("/api/backup").await, json!({ "success": true, "backups": [] }));
    let stats = service.get("/api/backup?action=stats").await;
    let nothing = json!({ "totalBackups": 0, "totalSize": 0, "latestBackup": null, "oldestBackup": null, "averageSize": 0 });
    assert_eq!(stats, json!({ "success": true, "stats": nothing }));

    let user_data = json!({ "User": 2, "CountryVisit": 3, "Country": 4 });
    let mut ids = Vec::new();
    for (options, counts) in [
        (json!({}), user_data.clone()),
        (json!({ "includeUserData": true, "includeSessions": false, "compress": false }), user_data),
        (
            json!({ "includeSessions": true, "compress": true }),
            json!({ "User": 2, "CountryVisit": 3, "Country": 4, "Session": 2 }),
        ),
        (json!({ "includeUserData": false }), json!({ "Country": 4 })),
    ] {
        let id = made(&service, options.clone()).await;
        let list = service.get("/api/backup").await;
        has_fields(&list, &["success", "backups"]);
        let newest = &list["backups"][0];
        has_fields(
            newest,
            &["id", "timestamp", "version", "tables", "recordCounts", "size", "checksum", "environment"],
        );
        assert_eq!((&newest["id"], &newest["recordCounts"]), (&json!(id), &counts), "{options}");
        let tables: BTreeSet<_> =
            newest["tables"].as_array().expect("a list").iter().map(Value::to_string).collect();
        let counted = counts.as_object().expect("an object").keys().map(|name| json!(name).to_string());
        assert_eq!(tables, counted.collect());
        assert_eq!((&newest["environment"], newest["size"].is_u64()), (&json!("production"), true));
        assert_eq!(newest["version"], "2", "of the repository's format");
        let time = newest["timestamp"].as_str().expect("text");
        assert!(time.ends_with('Z') && time.parse::<jiff::Timestamp>().is_ok(), "{time}");
        ids.push(id);
    }
    let list = service.get("/api/backup").await["backups"].clone();
    let checksum = |at: usize| list[at]["checksum"].as_str().expect("text");
    assert_eq!((checksum(3), checksum(3).len()), (checksum(2), 64), "the same rows have the same");
    assert_ne!(checksum(3), checksum(1));
    let stats = service.get("/api/backup?action=stats").await;
    has_fields(&stats, &["success", "stats"]);
    has_fields(
        &stats["stats"],
        &["totalBackups", "totalSize", "latestBackup", "oldestBackup", "averageSize"],
    );
    let total: u64 = (0..4).map(|at| list[at]["size"].as_u64().expect("a number")).sum();
    assert_eq!((&stats["stats"]["totalBackups"], &stats["stats"]["totalSize"]), (&json!(4), &json!(total)));
    assert_eq!(stats["stats"]["averageSize"], total / 4);
    assert_eq!(stats["stats"]["latestBackup"], list[0]["timestamp"]);
    assert_eq!(stats["stats"]["oldestBackup"], list[3]["timestamp"]);

    let gone = delete(&service, &format!("?id={}", ids[0])).await.expect(200);
    has_fields(&gone, &["success", "message"]);
    is_refused(delete(&service, &format!("?id={}", ids[0])).await, 404, "no backup");
    is_refused(delete(&service, &format!("?id={}", &ids[1][..8])).await, 404, "no backup");
    is_refused(delete(&service, "?id=latest").await, 404, "no backup");
    is_refused(delete(&service, "").await, 400, "?id=");
    let hold = format!("/api/v1/databases/travel/snapshots/{}/hold?wait=60s", ids[1]);
    service.send(Method::PUT, &hold, Some(&service.token), None).await.expect(200);
    is_refused(delete(&service, &format!("?id={}", ids[1])).await, 500, "held");
    let left = service.get("/api/backup").await["backups"].as_array().map(Vec::len);
    assert_eq!(left, Some(3));
    let audit = service.get("/api/v1/audit?limit=500").await["entries"].to_string();
    assert!(audit.contains("snapshot.delete") && audit.contains("backup.create"), "{audit}");
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn backups_come_back() {
    let service = service(CONFIG).await;
    let id = made(&service, json!({ "includeSessions": true })).await;
    let restore = async |body: Value| service.post("/api/backup/restore", body).await;
    sql(
        &service,
        "DELETE FROM CountryVisit WHERE id > 1; DELETE FROM Session; INSERT INTO Country VALUES ('XX')",
    );
    let all = json!({ "User": 2, "CountryVisit": 3, "Country": 4, "Session": 2 });
    let without_sessions = json!({ "User": 2, "CountryVisit": 3, "Country": 4 });
    for (options, counts, rows) in [
        (json!({ "backupId": id, "dryRun": true }), &all, (1, 5, 0)),
        (
            json!({ "backupId": id, "skipSessions": true, "skipUserData": true }),
            &json!({ "Country": 4 }),
            (1, 4, 0),
        ),
        (json!({ "backupId": id, "dryRun": false, "skipSessions": true }), &without_sessions, (3, 4, 0)),
        (json!({ "backupId": id }), &all, (3, 4, 2)),
    ] {
        let restored = restore(options.clone()).await.expect(200);
        has_fields(&restored, &["success", "restoredTables", "recordCounts", "warnings", "message"]);
        assert_eq!((&restored["success"], &restored["recordCounts"]), (&json!(true), counts), "{options}");
        let tables = restored["restoredTables"].as_array().expect("a list");
        assert_eq!(tables.len(), counts.as_object().expect("an object").len());
        assert!(restored["warnings"].is_array() && restored["message"].is_string(), "{restored}");
        let found = (count(&service, "CountryVisit"), count(&service, "Country"), count(&service, "Session"));
        assert_eq!(found, rows, "{options}: {restored}");
    }
    let undo = service.post("/api/v1/databases/travel/undos?wait=60s", json!({})).await.expect(200);
    assert_eq!(undo["state"], "done", "it can be undone as every restore: {undo}");

    service.post("/api/v1/databases/orders/backups?wait=60s", json!({})).await.expect(200);
    let theirs = service.get("/api/v1/databases/orders/snapshots").await["snapshots"][0]["id"].clone();
    is_refused(restore(json!({ "backupId": theirs })).await, 404, "no backup");
    is_refused(restore(json!({ "backupId": "backup_1_a" })).await, 404, "no backup");
    is_refused(restore(json!({})).await, 400, "backupId");
    is_refused(restore(json!({ "backupId": 5 })).await, 422, "backupId is not text");
    is_refused(
        service.post("/api/backup", json!({ "includeSessions": "yes" })).await,
        422,
        "includeSessions is not true or false",
    );
    is_refused(service.answer(service.request(Method::GET, "/api/backup?action=other")).await, 400, "stats");
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn an_administrator_backs_up_with_a_token() {
    let service = service(CONFIG).await;
    let post = service.send(Method::POST, "/api/admin/backup", Some(&service.token), None).await;
    let made = post.expect(200);
    has_fields(&made, &["success", "backupId", "message"]);
    let list = service.get("/api/admin/backup").await;
    assert_eq!((&list["success"], &list["backups"][0]["id"]), (&json!(true), &made["backupId"]));
    assert_eq!(list["backups"][0]["recordCounts"], json!({ "customers": 500 }));
    assert_eq!(service.get("/api/backup").await["backups"], json!([]), "that is another database");
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn they_are_for_those_who_may() {
    const ROLES: [&str; 4] = ["viewer", "operator", "restorer", "admin"];
    let service = service(CONFIG).await;
    let backup = made(&service, json!({})).await;
    sql(&service, "DELETE FROM CountryVisit");
    for row in rows() {
        let body = row.body.as_ref().map(|body| {
            serde_json::from_str::<Value>(&body.to_string().replace("BACKUP", &backup)).expect("it is JSON")
        });
        let send =
            async |token: Option<&str>| service.send(row.method.clone(), row.path, token, body.clone()).await;
        is_refused(send(None).await, 401, "token");
        let least = ROLES.iter().position(|role| *role == row.role).expect("it is one");
        for (at, role) in ROLES.iter().enumerate() {
            for databases in [None, Some(&[row.database][..]), Some(&["orders"][..])] {
                let answer = send(Some(&service.token(role, databases).await)).await;
                match databases {
                    Some(["orders"]) => is_refused(answer, 404, "no database"),
                    _ if at < least => is_refused(answer, 403, row.role),
                    _ => assert_eq!(
                        answer.status.as_u16(),
                        row.status,
                        "{} as {role}: {}",
                        row.id,
                        answer.json
                    ),
                }
            }
        }
    }
    assert_eq!(count(&service, "CountryVisit"), 0, "nothing was restored");
}

#[tokio::test(flavor = "multi_thread")]
pub(super) async fn they_mean_nothing_where_nothing_is_configured() {
    let without = Service::new().await;
    for row in rows() {
        let answer = without.send(row.method, row.path, Some(&without.token), row.body).await;
        is_refused(answer, 404, "[compatibility]");
    }
    let config = CONFIG.replace("url = 'travel.db'", "url = 'travel.db'\nsecond_person = true");
    let service = service(&config).await;
    let id = made(&service, json!({})).await;
    sql(&service, "DELETE FROM Country");
    let restore =
        async |dry: bool| service.post("/api/backup/restore", json!({ "backupId": id, "dryRun": dry })).await;
    is_refused(restore(false).await, 409, "somebody else");
    assert_eq!(count(&service, "Country"), 0);
    restore(true).await.expect(200);
}
