//! Snapshots, the rows of their tables, and the versions of a row.

use reqwest::Method;
use rowkeep::clock::SystemClock;
use serde_json::{Value, json};

use super::support::{Answer, Service};

fn sql(service: &Service, statements: &str) {
    let database = rusqlite::Connection::open(service.folder.path().join("shop.db")).expect("it opens");
    database.execute_batch(statements).expect("it is done");
}

/// Backs a database up; gives the id of the snapshot.
async fn back_up(service: &Service, database: &str, name: &str) -> String {
    let path = format!("/api/v1/databases/{database}/backups?wait=60s");
    let job = service.post(&path, json!({ "name": name })).await.expect(200);
    job["outcome"]["snapshots"][0]["id"].as_str().expect("it has an id").to_owned()
}

async fn ask(service: &Service, path: &str, query: &[(&str, &str)]) -> Answer {
    let escaped = |text: &str| text.bytes().map(|byte| format!("%{byte:02x}")).collect::<String>();
    let query: Vec<_> = query.iter().map(|(name, value)| format!("{name}={}", escaped(value))).collect();
    let path = format!("/api/v1/databases/shop/{path}?{}", query.join("&"));
    service.answer(service.request(Method::GET, &path)).await
}

fn ids(page: &Value) -> Vec<i64> {
    let rows = page["rows"].as_array().expect("it is a list");
    rows.iter().map(|row| row["values"]["id"].as_i64().expect("it is a number")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_read_from_a_place_and_from_a_key_on() {
    let service = Service::new().await;
    // More than one chunk, so that most are passed over.
    sql(
        &service,
        "CREATE TABLE large (id INTEGER PRIMARY KEY, v TEXT);
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000)
        INSERT INTO large SELECT 2 * i, hex(randomblob(40)) FROM n",
    );
    back_up(&service, "shop", "first").await;
    let path = "snapshots/first/tables/large/rows";
    let mut seen = Vec::new();
    for after in [0, 1, 49, 12_345, 59_990, 59_999] {
        let page = ask(&service, path, &[("after", &after.to_string()), ("limit", "50")]).await.expect(200);
        let expected: Vec<i64> = (after + 1..=60_000).take(50).map(|place| 2 * place).collect();
        assert_eq!(ids(&page), expected, "after {after}");
        assert_eq!(page["total"], 60_000);
        let next = (after + 50 < 60_000).then_some(after + 50);
        assert_eq!(page["next_after"].as_i64(), next, "after {after}");
        seen.push(page["rows"][0]["restore_key"].clone());
    }
    assert_eq!(seen[3], "large:24692");
    for (key, before, is_found) in [
        ("2", 0, true),
        ("-5", 0, false),
        ("24692", 12_345, true),
        ("24691", 12_345, false),
        ("120000", 59_999, true),
    ] {
        let page = ask(&service, path, &[("key", key), ("limit", "2")]).await.expect(200);
        assert_eq!((&page["after"], &page["found"]), (&json!(before), &json!(is_found)), "{key}");
        assert_eq!(ids(&page)[0], 2 * (before + 1), "{key}");
    }
    let beyond = ask(&service, path, &[("key", "120001")]).await.expect(200);
    assert_eq!((ids(&beyond), &beyond["found"]), (vec![], &json!(false)));
    let beyond = ask(&service, path, &[("after", "9223372036854775807")]).await.expect(200);
    assert_eq!((ids(&beyond), &beyond["next_after"]), (vec![], &Value::Null));
    for (query, status, told) in [
        (&[("after", "1"), ("key", "1")][..], 422, "not both"),
        (&[("after", "-1")], 400, "after"),
        (&[("limit", "0")], 400, "limit"),
        (&[("key", "1,2")], 422, "takes 1 value"),
        (&[("after", "18446744073709551615")], 400, "so many rows"),
        (&[("key", "'a")], 422, "ends what begins here"),
        (&[("colour", "red")], 400, "colour"),
    ] {
        let problem = ask(&service, path, query).await.expect(status);
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains(told)), "{problem}");
    }
    let audit = service.get("/api/v1/audit?limit=500").await["entries"].to_string();
    assert!(audit.contains("row.read") && audit.contains("table large of shop, snapshot"), "{audit}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_key_and_value_comes_as_it_is() {
    let service = Service::new().await;
    sql(
        &service,
        "CREATE TABLE \"a/b \"\"<i>?#%\" (k TEXT, n INTEGER, v BLOB, PRIMARY KEY (k, n)) WITHOUT ROWID;
        INSERT INTO \"a/b \"\"<i>?#%\" VALUES ('', 1, NULL), ('x,y', 2, x'00ff'), ('x/y', 2, ''), ('ümlaut''s', -3, 1.5);
        CREATE TABLE keyless (v);
        INSERT INTO keyless VALUES ('b'), ('a'), ('a');",
    );
    let first = back_up(&service, "shop", "first").await;
    let table = "%22a%2Fb%20%22%22%3Ci%3E%3F%23%25%22";
    let page = ask(&service, &format!("snapshots/{first}/tables/{table}/rows"), &[]).await.expect(200);
    assert_eq!(page["key_columns"], json!(["k", "n"]));
    let values: Vec<&Value> =
        page["rows"].as_array().expect("rows").iter().map(|row| &row["values"]["v"]).collect();
    assert_eq!(values, [&Value::Null, &json!({ "blob_hex": "00ff" }), &json!(""), &json!(1.5)]);
    for row in page["rows"].as_array().expect("rows") {
        let key = row["restore_key"].as_str().expect("it has one");
        let (_, values) = key.rsplit_once("\":").expect("its name is in quotes");
        let path = format!("snapshots/{first}/tables/{table}/rows");
        let found = ask(&service, &path, &[("key", values), ("limit", "1")]).await.expect(200);
        assert_eq!((&found["rows"][0], &found["found"]), (row, &json!(true)), "{key}");
        let history = ask(&service, "history", &[("row", key)]).await.expect(200);
        assert_eq!(history["versions"][0]["what"], "was_there", "{history}");
    }
    let page = ask(&service, "snapshots/first/tables/keyless/rows", &[]).await.expect(200);
    let values: Vec<_> =
        page["rows"].as_array().expect("rows").iter().map(|row| row["values"]["v"].clone()).collect();
    assert_eq!(values.len(), 3);
    assert!(values.contains(&json!("b")), "{values:?}");
    let lacks = ask(&service, "snapshots/first/tables/nothing/rows", &[]).await.expect(404);
    assert!(lacks["detail"].as_str().is_some_and(|detail| detail.contains("no table nothing")), "{lacks}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_says_what_is_known_of_it() {
    let rules = "[keep]\nlast = 5";
    let service = Service::with(rules, SystemClock::shared()).await;
    let before = back_up(&service, "shop", "before").await;
    let first = back_up(&service, "shop", "first").await;
    let other = back_up(&service, "orders", "theirs").await;
    let found = ask(&service, "snapshots/first", &[]).await.expect(200);
    assert_eq!((&found["snapshot"]["id"], &found["before"]), (&json!(first), &json!(before)));
    assert!(found["asked_by"].as_str().is_some_and(|who| who.starts_with("token first (")), "{found}");
    assert_eq!(found["contents"][0]["rows"], 500);
    assert!(found["keeping"]["kept"].to_string().contains("last"), "{found}");
    assert_eq!((&found["checked"], &found["proven"]), (&Value::Null, &Value::Null), "{found}");
    service.post("/api/v1/repository/checks?wait=60s", json!({ "read_percent": 100 })).await.expect(200);
    service.post("/api/v1/databases/shop/drills?wait=60s", json!({})).await.expect(200);
    service
        .send(
            Method::PUT,
            &format!("/api/v1/databases/shop/snapshots/{first}/hold?wait=60s"),
            Some(&service.token),
            None,
        )
        .await
        .expect(200);
    let found = ask(&service, "snapshots/first", &[]).await.expect(200);
    assert_eq!(
        (&found["checked"]["clean"], &found["checked"]["read_percent"]),
        (&json!(true), &json!(100.0))
    );
    assert!(found["proven"]["recovery_ms"].is_u64(), "{found}");
    assert_eq!(found["snapshot"]["holds"].as_array().map(Vec::len), Some(1), "{found}");
    let older = ask(&service, "snapshots/before", &[]).await.expect(200);
    assert_eq!(older["proven"], Value::Null, "the drill was of another: {older}");
    // Those of other databases are not reached by the address of this one.
    for named in [&*other, "theirs", &other[..8]] {
        for path in [format!("snapshots/{named}"), format!("snapshots/{named}/tables/customers/rows")] {
            let problem = ask(&service, &path, &[]).await.expect(404);
            assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("of shop")), "{problem}");
        }
    }
    let gone = ask(&service, &format!("snapshots/{}", "0123456789abcdef".repeat(4)), &[]).await.expect(404);
    assert!(gone["detail"].as_str().is_some_and(|detail| detail.contains("it was deleted")), "{gone}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_has_its_versions() {
    let service = Service::new().await;
    let first = back_up(&service, "shop", "first").await;
    sql(&service, "UPDATE customers SET name = 'new' WHERE id = 42");
    let second = back_up(&service, "shop", "second").await;
    back_up(&service, "shop", "third").await;
    sql(&service, "DELETE FROM customers WHERE id = 42");
    let last = back_up(&service, "shop", "last").await;
    let found = ask(&service, "history", &[("row", "customers:42")]).await.expect(200);
    let versions: Vec<_> = found["versions"]
        .as_array()
        .expect("versions")
        .iter()
        .map(|one| (&one["snapshot"], &one["what"]))
        .collect();
    let expected = [
        (json!(first), json!("was_there")),
        (json!(second), json!("changed")),
        (json!(last), json!("vanished")),
    ];
    assert_eq!(versions, expected.iter().map(|(id, what)| (id, what)).collect::<Vec<_>>());
    let change = json!([{ "column": "name", "before": "name 42", "after": "new" }]);
    assert_eq!((&found["versions"][1]["columns"], &found["snapshots"]), (&change, &json!(4)));
    for (query, status) in [(&[("row", "customers")][..], 422), (&[("row", "nothing:1")], 404), (&[], 400)] {
        ask(&service, "history", query).await.expect(status);
    }
}
