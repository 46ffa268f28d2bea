//! States as the backups that applications keep in JSON, with checksums and compressed, and SQL for D1.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::postgres::servers;
use crate::sandbox::{Sandbox, files_below};

/// What becomes of the values of a database on their way into JSON.
const TYPES: &str = "CREATE TABLE orders (id integer PRIMARY KEY, total numeric(10,2), big bigint, at timestamptz, day date,
        seen timestamp(3), ok boolean, ratio double precision, doc jsonb, raw bytea, tags text[], note text);
    INSERT INTO orders VALUES
        (1, 12.50, 9007199254740993, '2026-01-02 03:04:05.678901+02', '2026-01-02', '2026-01-02 03:04:05.5', true, 0.1,
            '{\"b\": [1, 1.10], \"a\": null}', '\\x00ff', '{a,NULL,\"b,c\"}', E'a \"b\"\\n'),
        (2, NULL, NULL, 'infinity', NULL, NULL, NULL, 'NaN', 'null', NULL, NULL, NULL);
    CREATE TABLE lines (\"order\" integer REFERENCES orders, line integer, v text, PRIMARY KEY (\"order\", line));
    INSERT INTO lines VALUES (1, 1, 'x'), (1, 2, 'y'), (2, 1, 'z');";

fn read(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}: {text}", path.display()))
}

/// Runs a program in a folder of the sandbox, and gives what it printed.
fn ran(sandbox: &Sandbox, folder: &str, program: &str, arguments: &[&str]) -> String {
    let ran = Command::new(program).args(arguments).current_dir(sandbox.path(folder)).output();
    let ran = ran.unwrap_or_else(|error| panic!("{program}: {error}"));
    let told = String::from_utf8_lossy(&ran.stdout).into_owned() + &String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{program} {arguments:?}: {told}");
    told
}

fn names(sandbox: &Sandbox, folder: &str) -> Vec<String> {
    let root = sandbox.path(folder);
    let below = files_below(&root);
    below.iter().map(|path| path.strip_prefix(&root).expect("below").display().to_string()).collect()
}

#[test]
fn a_database_becomes_the_backups_of_applications() {
    let server = &servers()[0];
    let sandbox = Sandbox::new();
    let shop = server.database("rowkeep_cli_documents");
    shop.sql(TYPES);
    sandbox.done(&["backup", &shop.url(), "--name", "first"]);
    let told = sandbox.done(&["export", "first", "-o", "prn", "--format", "prn"]);
    for note in [
        "microseconds of orders.at are cut to milliseconds",
        "infinite times of orders.at become null",
        "NaN and infinities of orders.ratio become null",
        "null in the JSON of orders.doc cannot be told from NULL",
    ] {
        assert!(told.err.contains(note), "{told:?}");
    }
    let files = names(&sandbox, "prn");
    let [full, checksum] = files.as_slice() else { panic!("{files:?}") };
    assert!(full.starts_with("backup-full-20") && full.ends_with("Z.json"), "{full}");
    assert_eq!(*checksum, format!("{full}.sha256"));
    ran(&sandbox, "prn", "sha256sum", &["-c", checksum]);
    let prn = read(&sandbox.path("prn").join(full));
    let first = json!({
        "id": 1, "total": "12.50", "big": "9007199254740993", "at": "2026-01-02T01:04:05.678Z",
        "day": "2026-01-02T00:00:00.000Z", "seen": "2026-01-02T03:04:05.500Z", "ok": true, "ratio": 0.1,
        "doc": { "b": [1, 1.1], "a": null }, "raw": "AP8=", "tags": ["a", null, "b,c"], "note": "a \"b\"\n",
    });
    assert_eq!(prn["data"]["orders"][0], first);
    assert_eq!(prn["data"]["orders"][1]["ratio"], Value::Null);
    assert_eq!(
        (&prn["metadata"]["version"], &prn["metadata"]["type"]),
        (&json!("4.0"), &json!("full_backup"))
    );
    assert_eq!(
        (&prn["metadata"]["record_count"], &prn["schema"]["tables"]),
        (&json!(5), &json!(["lines", "orders"]))
    );
    // Of the text without line ends, as JSON.stringify prints it.
    let text = std::fs::read_to_string(sandbox.path("prn").join(full)).expect("it is text");
    let of = |from: &str, to: &str| {
        let data = text.find("\"data\":").expect("it has data");
        let start = data + text[data..].find(from).expect("it begins") + from.len();
        let part = &text[start..start + text[start..].find(to).expect("it ends")];
        std::fs::write(sandbox.path("part"), part.replace('\n', "")).expect("it is written");
        ran(&sandbox, "", "sha256sum", &["part"])[..64].to_owned()
    };
    let told = |value: &Value| value.as_str().expect("a checksum").to_owned();
    assert_eq!(told(&prn["metadata"]["checksum"]), format!("sha256:{}", of("\"data\":", ",\n\"integrity\"")));
    let lines = of("\"lines\":", ",\n\"orders\"");
    assert_eq!(told(&prn["integrity"]["table_checksums"]["lines"]), format!("sha256:{lines}"));

    // What changed since, and only of the tables that are meant.
    shop.sql(
        "UPDATE orders SET note = 'new' WHERE id = 1; DELETE FROM lines WHERE \"order\" = 1;
         INSERT INTO lines VALUES (2, 9, 'w'); CREATE TABLE later (id text PRIMARY KEY); INSERT INTO later VALUES ('a');",
    );
    sandbox.done(&["backup", &shop.url(), "--name", "second"]);
    let told = sandbox.done(&["export", "first", "second", "--format", "prn", "-o", "changes.json"]);
    assert!(told.err.contains("table later is only in the second"), "{told:?}");
    let changes = read(&sandbox.path("changes.json"));
    let row = json!({ "id": 1, "total": "12.50" });
    let updated = &changes["changes"]["orders"]["updated"][0];
    assert_eq!(
        (&updated["id"], &updated["total"], &updated["note"]),
        (&row["id"], &row["total"], &json!("new"))
    );
    assert_eq!(
        (&changes["changes"]["lines"], &changes["changes"]["later"]),
        (
            &json!({ "inserted": [{ "order": 2, "line": 9, "v": "w" }], "deleted": [[1, 1], [1, 2]] }),
            &json!({ "inserted": [{ "id": "a" }] })
        )
    );
    let about = &changes["metadata"];
    assert_eq!((&about["type"], &about["base_backup"]), (&json!("incremental_backup"), &json!(full)));
    assert_eq!(about["since_timestamp"], prn["metadata"]["timestamp"]);
    let some = [
        "export",
        "first",
        &shop.url(),
        "--format",
        "prn",
        "-o",
        "-",
        "--tables",
        "lines",
        "--where",
        "line = 9",
    ];
    let some: Value = serde_json::from_str(&sandbox.done(&some).out).expect("it is JSON");
    assert_eq!(some["changes"], json!({ "lines": { "inserted": [{ "order": 2, "line": 9, "v": "w" }] } }));
    sandbox
        .run(&["export", "first", "second", "--format", "csv", "-o", "x"])
        .expect(2)
        .says(&["--format prn"]);

    // The others, in their folders and compressed.
    sandbox.done(&[
        "export",
        "first",
        "-o",
        "dino",
        "--format",
        "dino",
        "--compression",
        "gzip",
        "--call",
        "orders=bookings",
    ]);
    let files = names(&sandbox, "dino");
    let [backup, checksum, metadata] = files.as_slice() else { panic!("{files:?}") };
    let id = backup.strip_suffix(".json.gz").expect("it is packed");
    assert!(id.starts_with("backup_1") && id.len() == "backup_1704067200000_abc123def".len(), "{id}");
    assert_eq!(
        (checksum, metadata),
        (&format!("checksums/{id}.sha256"), &format!("metadata/{id}.meta.json"))
    );
    ran(&sandbox, "dino", "sha256sum", &["-c", checksum]);
    ran(&sandbox, "dino", "gunzip", &["-k", backup]);
    let dino = read(&sandbox.path("dino").join(format!("{id}.json")));
    assert_eq!(dino["data"]["bookings"][0]["big"], "9007199254740993");
    assert_eq!((&dino["metadata"]["id"], &dino["metadata"]["version"]), (&json!(id), &json!("1.0")));
    assert_eq!(dino["metadata"]["recordCounts"], json!({ "bookings": 2, "lines": 3 }));
    let metadata = read(&sandbox.path("dino").join(metadata));
    assert_eq!((&metadata["id"], metadata["checksum"].as_str().map(str::len)), (&json!(id), Some(64)));

    sandbox.done(&["export", "first", "-o", "num", "--format", "num"]);
    let files = names(&sandbox, "num");
    let is_named = |name: &str| name.starts_with("backup-20") && name.ends_with("Z.json") && name.len() == 36;
    assert!(is_named(&files[0]), "{files:?}");
    let num = read(&sandbox.path("num").join(&files[0]));
    assert_eq!((&num["timestamp"], &num["data"]["orders"][0]), (&prn["metadata"]["timestamp"], &first));
    sandbox.done(&["export", "first", "-o", "all.json.zst", "--format", "num", "--no-checksum"]);
    assert!(!sandbox.path("all.json.zst.sha256").exists());
    let packed = std::fs::read(sandbox.path("all.json.zst")).expect("it is there");
    assert_eq!(packed[..4], [0x28, 0xb5, 0x2f, 0xfd]);
    sandbox.run(&["export", "first", "-o", "all.json"]).expect(2).says(&["prn, dino, num"]);
    sandbox
        .run(&["export", "first", "-o", "x.sql", "--for", "d1"])
        .expect(2)
        .says(&["wrangler d1 execute does not load it"]);
    sandbox
        .run(&["export", "first", "-o", "x", "--format", "num", "--call", "no=x"])
        .expect(2)
        .says(&["no table no"]);
}

#[test]
fn files_have_their_checksums_beside_them() {
    let sandbox = Sandbox::bare();
    sandbox.sql(
        "app.db",
        "CREATE TABLE a (id INTEGER PRIMARY KEY, v); INSERT INTO a VALUES (1, 'x'); CREATE TABLE b (v)",
    );
    sandbox.done(&["export", "app.db", "-o", "out"]);
    sandbox.done(&["export", "app.db", "-o", "out", "--format", "ndjson", "--compression", "gzip"]);
    let told = ran(&sandbox, "out", "sha256sum", &["-c", "SHA256SUMS"]);
    assert_eq!(told, "a.csv: OK\nb.csv: OK\na.ndjson.gz: OK\nb.ndjson.gz: OK\n");
    ran(&sandbox, "out", "gunzip", &["-t", "a.ndjson.gz"]);
    let done = sandbox.json(&["export", "app.db", "-o", "a.csv.gz", "--tables", "a"]);
    assert_eq!(done["files"][0]["sha256"].as_str().map(str::len), Some(64), "{done}");
    assert_eq!(done["beside"][0], "a.csv.gz.sha256");
    assert_eq!(ran(&sandbox, "", "sha256sum", &["-c", "a.csv.gz.sha256"]), "a.csv.gz: OK\n");
    assert_eq!(ran(&sandbox, "", "zcat", &["a.csv.gz"]), "id,v\r\n1,x\r\n");
    // Another checksum in the way is somebody's, too.
    std::fs::remove_file(sandbox.path("a.csv.gz")).expect("it was there");
    let again = ["export", "app.db", "-o", "a.csv.gz", "--tables", "a"];
    sandbox.run(&again).expect(4).says(&["a.csv.gz.sha256 already exists"]);
    sandbox.done(&[&again[..], &["--force"]].concat());
    assert_eq!(ran(&sandbox, "", "sha256sum", &["-c", "a.csv.gz.sha256"]), "a.csv.gz: OK\n");
}

#[test]
fn sql_for_d1_keeps_to_its_rules() {
    let sandbox = Sandbox::bare();
    sandbox.sql(
        "app.db",
        "CREATE TABLE a_child (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES parent (id), v);
         CREATE TABLE parent (id INTEGER PRIMARY KEY AUTOINCREMENT, v TEXT, r REAL);
         INSERT INTO parent VALUES (1, 'it''s' || char(10) || '; x', 9e999), (90, NULL, 0.1), (9007199254740993, '', -0.0);
         INSERT INTO a_child VALUES (1, 1, zeroblob(150000)), (2, 90, 9223372036854775807), (3, 90, 5.0);
         CREATE VIRTUAL TABLE notes USING fts5 (body, tokenize = 'porter'); INSERT INTO notes VALUES ('quick foxes');
         CREATE VIRTUAL TABLE found USING fts5 (v, content = 'parent', content_rowid = 'id');
         INSERT INTO found (found) VALUES ('rebuild');
         CREATE TRIGGER filled AFTER INSERT ON parent BEGIN INSERT INTO found (rowid, v) VALUES (new.id, new.v); END;
         CREATE INDEX by_v ON a_child (v); ANALYZE; PRAGMA user_version = 7; CREATE VIRTUAL TABLE boxes USING rtree (id, a, b);",
    );
    let told = sandbox.done(&["export", "app.db", "-o", "d1.sql", "--for", "d1"]);
    assert!(told.err.contains("boxes is left out"), "{told:?}");
    let sql = std::fs::read_to_string(sandbox.path("d1.sql")).expect("it was written");
    for refused in
        ["BEGIN TRANSACTION", "COMMIT", "unistr", "writable_schema", "user_version", "sqlite_stat1"]
    {
        assert!(!sql.contains(refused), "{refused}");
    }
    let longest = sql.split(";\n").map(str::len).max().expect("there is one");
    assert!(longest < 100_000, "{longest}");
    let place = |text: &str| sql.find(text).unwrap_or_else(|| panic!("{text}"));
    assert!(place("INSERT INTO \"parent\"") < place("INSERT INTO \"a_child\""));
    assert!(place("VALUES ('rebuild')") < place("CREATE TRIGGER"));
    sandbox.sql("copy.db", &format!("PRAGMA foreign_keys = ON; {sql}"));
    for query in [
        "SELECT id, quote(v), quote(r) FROM parent ORDER BY id",
        "SELECT id, parent, typeof(v), length(v), hex(substr(v, 1, 3)) FROM a_child ORDER BY id",
        "SELECT rowid FROM notes WHERE notes MATCH 'fox'",
        "SELECT rowid FROM found WHERE found MATCH 'it'",
        "SELECT seq FROM sqlite_sequence",
    ] {
        assert_eq!(sandbox.query("copy.db", query), sandbox.query("app.db", query), "{query}");
    }
    sandbox.run(&["export", "app.db", "-o", "x", "--for", "psql"]).expect(2).says(&["psql does not load it"]);
}
