//! The state at a time, asked for over HTTP.

use rowkeep::clock::SystemClock;
use serde_json::json;

use super::support::Service;

const CONFIG: &str = "[databases.notes]\nurl = 'notes.db'\n[databases.notes.log]\ntable = 'audit'\ntime = 'at'\nof = 'entity'\nkey = 'id'\n\
    action = 'action'\ninserted = ['CREATE']\nupdated = ['UPDATE']\ndeleted = ['DELETE']\nafter = 'now'\n";

const BEFORE: &str = "CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT);
    CREATE TABLE audit (n INTEGER PRIMARY KEY, at TEXT, entity TEXT, id INTEGER, action TEXT, now TEXT);
    INSERT INTO notes VALUES (1, 'one');
    INSERT INTO audit VALUES (1, '2026-01-01T08:00:00Z', 'notes', 1, 'CREATE', '{\"id\": 1, \"text\": \"one\"}');";

const AFTER: &str = "INSERT INTO notes VALUES (2, 'two'); DELETE FROM notes WHERE id = 1;
    INSERT INTO audit VALUES (2, '2026-01-01T09:01:00Z', 'notes', 2, 'CREATE', '{\"id\": 2, \"text\": \"two\"}'),
        (3, '2026-01-01T09:02:00Z', 'notes', 1, 'DELETE', NULL);";

#[tokio::test(flavor = "multi_thread")]
async fn the_state_at_a_time_is_a_snapshot() {
    let service = Service::with(CONFIG, SystemClock::shared()).await;
    let database = rusqlite::Connection::open(service.folder.path().join("notes.db")).expect("it opens");
    let mut ids = Vec::new();
    for sql in [BEFORE, AFTER] {
        database.execute_batch(sql).expect("it is done");
        let job = service.post("/api/v1/databases/notes/backups?wait=60s", json!({})).await.expect(200);
        ids.push(job["outcome"]["snapshots"][0]["id"].clone());
    }
    let replay = async |body| service.post("/api/v1/databases/notes/replays?wait=60s", body).await;
    let wanted = |more: serde_json::Value| {
        let mut body = json!({ "until": "2026-01-01T09:01:30Z", "base": ids[0], "log": ids[1] });
        body.as_object_mut().expect("it is one").extend(more.as_object().expect("it is one").clone());
        body
    };
    let planned = replay(wanted(json!({ "plan_only": true }))).await.expect(200);
    assert_eq!(planned["outcome"]["snapshot"], json!(null), "{planned}");
    let made = replay(wanted(json!({ "name": "between" }))).await.expect(200);
    assert_eq!(
        (&made["state"], &made["outcome"]["snapshot"]["name"]),
        (&json!("done"), &json!("between")),
        "{made}"
    );
    let rows = service.get("/api/v1/databases/notes/snapshots/between/tables/notes/rows").await;
    let texts: Vec<_> = rows["rows"].as_array().expect("they are listed").iter().collect();
    assert_eq!(texts.len(), 2, "{rows}");
    assert!(rows.to_string().contains("one") && rows.to_string().contains("two"), "{rows}");

    // A log elsewhere is a state of nobody's knowing here.
    let elsewhere = json!({ "until": "2026-01-01T09:01:30Z", "log": "postgres://127.0.0.1/other" });
    replay(elsewhere).await.expect(404);
    replay(json!({ "until": "2026-01-01T09:01:30Z", "base": "nothing" })).await.expect(404);
    let never = replay(json!({ "until": "some day" })).await.expect(200);
    assert!(never["error"].as_str().is_some_and(|error| error.contains("some day")), "{never}");
}
