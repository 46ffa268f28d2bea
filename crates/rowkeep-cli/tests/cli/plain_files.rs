//! Files of JSON, NDJSON and CSV as states: imported, exported again, compared with the database that they were made of.

use serde_json::{Value, json};

use crate::postgres::servers;
use crate::sandbox::{Sandbox, files_below};

fn written(sandbox: &Sandbox, name: &str, contents: &str) {
    let path = sandbox.path(name);
    std::fs::create_dir_all(path.parent().expect("it is in a folder")).expect("it is made");
    std::fs::write(path, contents).expect("it is written");
}

/// Exports a state and gives the JSON.
fn exported(sandbox: &Sandbox, state: &str, format: &str) -> Value {
    let out = sandbox.done(&["export", state, "--format", format, "-o", "-"]).out;
    serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"))
}

/// The notes of an import that hold some words.
fn found_notes(told: &Value, words: &str) -> Vec<String> {
    let notes = told["imported"][0]["notes"].as_array().into_iter().flatten();
    notes.filter_map(Value::as_str).filter(|note| note.contains(words)).map(str::to_owned).collect()
}

#[test]
fn backups_of_applications_come_back_as_they_went() {
    let server = &servers()[0];
    let sandbox = Sandbox::new();
    let shop = server.database("rowkeep_cli_plain");
    shop.sql(
        "CREATE TABLE orders (id integer PRIMARY KEY, total numeric(10,2), big bigint, at timestamptz, day date, ok boolean,
             ratio double precision, doc jsonb, raw bytea, tags text[], note text);
         INSERT INTO orders SELECT i, i / 8.0, i * 9007199254740993, '2026-01-02 03:04:05.678901+00', '2026-01-02', i % 2 = 0, i / 3.0,
             jsonb_build_object('b', i, 'a', jsonb_build_array(1.10, null)), '\\x00ff', ARRAY['x', NULL, 'y,z'], E'a\\n' || i
             FROM generate_series(1, 300) i;
         INSERT INTO orders (id) VALUES (1000); CREATE TABLE empty (id text PRIMARY KEY, v integer);
         CREATE TABLE lines (\"order\" integer REFERENCES orders, line integer, v text, PRIMARY KEY (\"order\", line));
         INSERT INTO lines SELECT i, j, 'v' FROM generate_series(1, 50) i, generate_series(1, 3) j;",
    );
    let url = shop.url();
    for format in ["prn", "dino", "num"] {
        sandbox.done(&["export", &url, "-o", format, "--format", format, "--compression", "gzip"]);
        let files = files_below(&sandbox.path(format));
        let file =
            files.iter().find(|path| path.to_string_lossy().ends_with(".json.gz")).expect("it is there");
        let file = file.to_string_lossy().into_owned();
        let told = sandbox.json(&["import", &file, "--as", format, "--name", &format!("{format}-0")]);
        assert_eq!(told["imported"][0]["time_from"], "file", "{told}");
        let notes = told["imported"][0]["notes"].to_string();
        assert!(
            notes.contains("orders.total: texts that are numbers") && notes.contains("orders.at: times"),
            "{notes}"
        );
        let (before, after) =
            (exported(&sandbox, &url, format), exported(&sandbox, &format!("{format}-0"), format));
        assert_eq!(before["data"], after["data"], "{format}");
        // A file is of its own time, whenever it is written again.
        let again = exported(&sandbox, &file, format);
        assert_eq!((&again["timestamp"], &again["data"]), (&after["timestamp"], &after["data"]), "{format}");
        assert_eq!(again["metadata"]["timestamp"], after["metadata"]["timestamp"], "{format}");
        let unlike = found_notes(&told, "more digits than JavaScript keeps");
        assert!(unlike.iter().all(|note| note.contains("orders.big")), "{unlike:?}");
        // What the format lost is no difference, everything else is.
        let compare = ["diff", &file, &url, "--as-stored-by", "prisma-json"];
        let found = sandbox.done(&compare);
        assert!(found.out.starts_with("equal"), "{found:?}");
        let found = sandbox.done(&["diff", &file, &url]);
        assert!(found.out.starts_with("equal"), "{format}: {found:?}");
        shop.sql("UPDATE orders SET total = total + 0.01, at = at + interval '1 microsecond' WHERE id = 7; DELETE FROM lines WHERE \"order\" = 3 AND line = 2");
        let found = sandbox.run(&[&compare[..], &["--json"]].concat()).expect(3).out;
        let found: Value = serde_json::from_str(&found).expect("it is JSON");
        assert_eq!(found["rows"], json!({ "inserted": 0, "updated": 1, "deleted": 1 }), "{found}");
        shop.sql("UPDATE orders SET total = total - 0.01, at = at - interval '1 microsecond' WHERE id = 7; INSERT INTO lines VALUES (3, 2, 'v')");
    }
    // A file is restored like any other, into an empty database of the other kind.
    let copy = server.database("rowkeep_cli_plain_copy");
    sandbox.done(&["restore", "prn-0", "--to", &copy.url(), "--yes"]);
    assert_eq!(
        copy.sql(
            "SELECT count(*), max(\"order\") FROM lines; SELECT doc #>> '{a,0}' FROM orders WHERE id = 1"
        ),
        "150|50\n1.10\n"
    );
    sandbox.done(&["diff", "prn-0", &copy.url(), "--as-stored-by", "prisma-json"]);
}

#[test]
fn rows_of_files_go_into_a_database_in_the_types_of_its_columns() {
    let server = &servers()[0];
    let sandbox = Sandbox::new();
    let app = server.database("rowkeep_cli_plain_live");
    app.sql(
        "CREATE TYPE kind AS ENUM ('new', 'old'); CREATE DOMAIN short AS varchar(8) CHECK (VALUE <> 'bad');
         CREATE TABLE \"Client\" (id text PRIMARY KEY, fee numeric(10,2), score numeric, big bigint, at timestamp(6), seen timestamptz, day date,
             ok boolean NOT NULL DEFAULT true, doc jsonb, old json, raw bytea, tags text[], uid uuid, kind kind, code short, ratio real,
             secret text DEFAULT 'kept', total numeric GENERATED ALWAYS AS (fee * 2) STORED);
         CREATE TABLE visits (client text REFERENCES \"Client\", n integer, note text, PRIMARY KEY (client, n));
         INSERT INTO \"Client\" (id, fee, score, big, at, seen, day, ok, doc, old, raw, tags, uid, kind, code, ratio, secret)
             SELECT 'c' || i, i / 4.0, i + 0.50, i * 9007199254740993, '2026-01-02 03:04:05.678901', '2026-01-02 03:04:05.678901+00', '2026-01-02',
             i % 2 = 0, jsonb_build_object('b', i, 'a', jsonb_build_array(1.10, null, 'x')), '{ \"k\" : 1 }', '\\x00ff',
             ARRAY['x', NULL, 'y,\"z'], md5(i::text)::uuid, 'old', 'abc', i / 3.0, 'secret ' || i FROM generate_series(1, 200) i;
         INSERT INTO visits SELECT 'c' || i, j, 'v' FROM generate_series(1, 50) i, generate_series(1, 3) j;",
    );
    let url = app.url();
    let all = "SELECT md5(string_agg(c::text, '|' ORDER BY id)) FROM \"Client\" c; SELECT md5(string_agg(v::text, '|' ORDER BY v::text)) FROM visits v";
    let was = app.sql(all);
    let called = ["--call", "Client=clients"];
    let export = |format: &str, folder: &str| {
        sandbox.done(&[&["export", &url, "-o", folder, "--format", format][..], &called].concat());
        let files = files_below(&sandbox.path(folder));
        let file = files.iter().find(|path| path.to_string_lossy().contains("backup")).expect("it is there");
        file.to_string_lossy().into_owned()
    };
    // The columns that the application does not know are left out of its file.
    for (at, format) in ["num", "dino", "prn"].into_iter().enumerate() {
        let file = export(format, format);
        let text = std::fs::read_to_string(&file).expect("it is text");
        let column = text.find(",\"secret\"").expect("it is there");
        assert!(text[column..].starts_with(",\"secret\":\"secret 1\""), "{}", &text[column..column + 30]);
        let file = if format == "num" {
            let parts = text.split(",\"secret\":\"");
            let less: Vec<&str> = parts
                .enumerate()
                .map(|(at, part)| if at == 0 { part } else { part.split_once('"').expect("it ends").1 })
                .collect();
            written(&sandbox, "less.json", &less.concat());
            "less.json".to_owned()
        } else {
            file
        };
        // What the file tells less exactly than the database is no difference.
        let told = sandbox.done(&[&["diff", &file, &url][..], &called].concat());
        assert!(told.out.contains("equal") && !told.out.contains("differ"), "{format}: {told:?}");
        let restore = |more: &[&str]| {
            sandbox.run(&[&["restore", &file, "--to", &url, "--yes"][..], &called, more].concat())
        };
        let told = restore(&[]).expect(0);
        assert!(told.out.contains("already up to date"), "{format}: {told:?}");
        if at < 2 {
            sandbox.done(&[&["verify", &file, "--against", &url][..], &called].concat());
        }
        app.sql(
            "DELETE FROM visits WHERE client = 'c3'; DELETE FROM \"Client\" WHERE id IN ('c3', 'c100');
             UPDATE \"Client\" SET fee = 9, doc = '{}', secret = 'mine' WHERE id = 'c7'; INSERT INTO visits VALUES ('c9', 9, 'new')",
        );
        let damaged = app.sql(all);
        let mut planned = vec!["restore", &file, "--to", &url, "--dry-run", "--json"];
        planned.extend(called);
        let plan: Value = serde_json::from_str(&sandbox.done(&planned).out).expect("it is JSON");
        assert_eq!(plan["rows"], json!({ "inserted": 5, "updated": 1, "deleted": 1 }), "{plan}");
        // One row alone, with those that it belongs to.
        restore(&["--key", "Client:c7"]).expect(0);
        assert_eq!(
            app.sql("SELECT fee, secret FROM \"Client\" WHERE id = 'c7'"),
            if at == 0 { "1.75|mine\n" } else { "1.75|secret 7\n" }
        );
        sandbox.done(&["undo", &url, "--yes"]);
        assert_eq!(app.sql(all), damaged);
        restore(&["--mode", "merge", "--tables", "Client,visits"]).expect(0);
        assert_eq!(
            app.sql("SELECT count(*), max(fee) FILTER (WHERE id = 'c7') FROM \"Client\""),
            "200|9.00\n"
        );
        restore(&[]).expect(0);
        let kept = "SELECT secret FROM \"Client\" WHERE id IN ('c100', 'c7') ORDER BY id";
        assert_eq!(app.sql(kept), if at == 0 { "kept\nmine\n" } else { "secret 100\nsecret 7\n" });
        app.sql("UPDATE \"Client\" SET secret = 'secret ' || substr(id, 2)");
        // Rows that were gone have their times as the file tells them.
        app.sql("UPDATE \"Client\" SET at = '2026-01-02 03:04:05.678901', seen = '2026-01-02 03:04:05.678901+00', old = '{ \"k\" : 1 }', score = substr(id, 2)::int + 0.50 WHERE id IN ('c3', 'c100')");
        assert_eq!(app.sql(all), was, "{format}");
    }
    // What does not fit is named before anything is written.
    for (row, wrong) in [
        (
            "{\"id\": \"c1\", \"ok\": true, \"fee\": \"1.255\"}",
            "fee does not fit its type numeric(10,2): type numeric(10,2) would change it",
        ),
        (
            "{\"id\": \"c1\", \"ok\": true, \"fee\": \"much\"}",
            "fee does not fit its type numeric(10,2): invalid input syntax",
        ),
        (
            "{\"id\": \"c1\", \"ok\": true, \"kind\": \"other\"}",
            "kind does not fit its type public.kind: invalid input value for enum",
        ),
        (
            "{\"id\": \"c1\", \"ok\": true, \"code\": \"bad\"}",
            "code does not fit its type public.short: value for domain public.short violates check",
        ),
        (
            "{\"id\": \"c1\", \"ok\": true, \"code\": \"far too long\"}",
            "code does not fit its type public.short: type public.short would change it",
        ),
        ("{\"id\": \"c1\", \"ok\": null}", "ok does not fit its type boolean: it is NULL"),
        (
            "{\"id\": \"c1\", \"ok\": true, \"day\": \"2026-01-02T10:00:00.000Z\"}",
            "day does not fit its type date: it has a time of day",
        ),
        (
            "{\"id\": \"c1\", \"ok\": true, \"raw\": \"?\"}",
            "raw does not fit its type bytea: it is neither base64",
        ),
        (
            "{\"id\": \"c1\", \"ok\": true, \"big\": 9223372036854775808}",
            "big does not fit its type bigint: value",
        ),
    ] {
        let rows: Vec<String> = (500..520).map(|n| format!("{{\"id\": \"c{n}\", \"ok\": true}}")).collect();
        written(&sandbox, "wrong.json", &format!("{{\"clients\": [{}, {row}]}}", rows.join(",")));
        sandbox
            .run(
                &[&["restore", "wrong.json", "--to", &url, "--mode", "update", "--yes"][..], &called]
                    .concat(),
            )
            .expect(4)
            .says(&["Client id='c1'", wrong, "nothing was changed"]);
    }
    assert_eq!(app.sql(all), was);
    written(&sandbox, "other.json", "{\"people\": [{\"id\": \"a\"}], \"visits\": [{\"note\": \"x\"}]}");
    sandbox
        .run(&["restore", "other.json", "--to", &url, "--tables", "visits", "--yes"])
        .expect(4)
        .says(&["no column client, which is part of its key"]);
    written(&sandbox, "other.json", "{\"people\": [{\"id\": \"a\"}], \"visits\": []}");
    sandbox
        .run(&["restore", "other.json", "--to", &url, "--yes"])
        .expect(2)
        .says(&["rows of table people", "--call TABLE=NAME"]);
    sandbox
        .run(&["restore", "other.json", "--to", &url, "--yes", "--call", "Cleint=people"])
        .expect(2)
        .says(&["no table Cleint"]);
}

#[test]
fn increments_become_a_snapshot_each() {
    let sandbox = Sandbox::new();
    sandbox.sql(
        "numbers.db",
        "CREATE TABLE phone_numbers (id TEXT PRIMARY KEY NOT NULL, status TEXT, n INTEGER) WITHOUT ROWID;
         CREATE TABLE places (a INTEGER NOT NULL, b INTEGER NOT NULL, v, PRIMARY KEY (a, b)) WITHOUT ROWID;
         INSERT INTO phone_numbers VALUES ('p1', 'available', 1), ('p2', 'assigned', 2); INSERT INTO places VALUES (1, 1, 'x'), (1, 2, 'y');",
    );
    let changes = [
        "INSERT INTO phone_numbers VALUES ('p3', 'aging', 3); UPDATE phone_numbers SET status = 'blocked' WHERE id = 'p1'",
        "DELETE FROM phone_numbers WHERE id = 'p2'; DELETE FROM places WHERE b = 1; CREATE TABLE audit_log (id INTEGER PRIMARY KEY, v); INSERT INTO audit_log VALUES (1, 'first')",
    ];
    sandbox.done(&["backup", "numbers.db", "--name", "s0"]);
    sandbox.done(&["export", "s0", "-o", "out", "--format", "prn"]);
    for (at, change) in changes.iter().enumerate() {
        sandbox.sql("numbers.db", change);
        let (before, after) = (format!("s{at}"), format!("s{}", at + 1));
        sandbox.done(&["backup", "numbers.db", "--name", &after]);
        let file = format!("out/increment-{at}.json");
        sandbox.done(&["export", &before, &after, "-o", &file, "--format", "prn"]);
    }
    let files = files_below(&sandbox.path("out"));
    let names: Vec<String> = files
        .iter()
        .map(|path| path.to_string_lossy().into_owned())
        .filter(|path| path.ends_with(".json"))
        .collect();
    let [full, first, second] = names.as_slice() else { panic!("{names:?}") };
    let told = sandbox.json(&["import", second, "--as", "copy", "--name", "c2"]);
    assert!(told["imported"][0]["notes"].to_string().contains("put together of 3 files"), "{told}");
    let (own, copy) = (exported(&sandbox, "s2", "prn"), exported(&sandbox, "c2", "prn"));
    assert_eq!((&own["data"], &own["schema"]["keys"]), (&copy["data"], &copy["schema"]["keys"]));
    assert_eq!(own["data"]["phone_numbers"].as_array().map(Vec::len), Some(2));

    // The state before may be in the repository alone.
    std::fs::create_dir(sandbox.path("alone")).expect("it is made");
    std::fs::copy(first, sandbox.path("alone/first.json")).expect("it is copied");
    sandbox
        .run(&["import", "alone/first.json", "--as", "other"])
        .expect(1)
        .says(&["backup-full-", "beside it"]);
    sandbox.done(&["import", full, "--as", "other"]);
    sandbox.done(&["import", "alone/first.json", "--as", "other", "--name", "o1"]);
    assert_eq!(exported(&sandbox, "s1", "prn")["data"], exported(&sandbox, "o1", "prn")["data"]);
    let found = sandbox.json(&["show", "o1"]).to_string();
    assert!(found.contains("first.json") && !found.contains("rowkeep-base"), "{found}");
}

#[test]
fn damaged_and_foreign_files_are_told() {
    let sandbox = Sandbox::new();
    sandbox.sql("app.db", "CREATE TABLE a (id INTEGER PRIMARY KEY, v); INSERT INTO a VALUES (1, 'one'), (2, 'two'); CREATE TABLE b (id INTEGER PRIMARY KEY); INSERT INTO b VALUES (5)");
    sandbox.done(&["export", "app.db", "-o", "whole.json", "--format", "prn"]);
    let whole = std::fs::read_to_string(sandbox.path("whole.json")).expect("it is text");
    written(&sandbox, "flipped.json", &whole.replace("\"two\"", "\"twp\""));
    sandbox.run(&["import", "flipped.json"]).expect(3).says(&["the checksum of a is not that of its rows"]);
    written(&sandbox, "cut.json", &whole[..whole.find("\"two\"").expect("it is there")]);
    sandbox.run(&["import", "cut.json"]).expect(3).says(&["line 6", "cut off"]);
    // Table a was begun, b never came: nothing is whole.
    let nothing = sandbox.run(&["import", "cut.json", "--salvage", "--as", "saved"]).expect(3);
    nothing.says(&["no table of it is known to be whole", "cut off"]);
    written(&sandbox, "late.json", &whole[..whole.find("{\"id\":5").expect("it is there")]);
    written(&sandbox, "flipped-a.json", &whole.replace("\"two\"", "\"twp\""));
    for (file, kept, lost, rows) in [
        ("late.json", "a", "b", json!([{ "id": 1, "v": "one" }, { "id": 2, "v": "two" }])),
        ("flipped-a.json", "b", "a", json!([{ "id": 5 }])),
    ] {
        let name = format!("whole-{kept}");
        let told = sandbox.run(&["import", file, "--salvage", "--name", &name, "--json"]).expect(1);
        let told: Value = serde_json::from_str(&told.out).expect("it is JSON");
        let unread = json!([format!("rows of {lost}: the file does not have all of them")]);
        assert_eq!(told["imported"][0]["snapshot"]["unread"], unread, "{told}");
        assert_eq!(exported(&sandbox, &name, "num")["data"], json!({ kept: rows }));
    }
    // Also where the file would have to be read for what stands behind its rows.
    sandbox.done(&["export", "app.db", "-o", "late.json.gz", "--format", "dino"]);
    let packed = std::fs::read(sandbox.path("late.json.gz")).expect("it is there");
    std::fs::write(sandbox.path("late.json.gz"), &packed[..packed.len() / 2]).expect("it is written");
    sandbox.run(&["import", "late.json.gz"]).expect(3).says(&["nothing was imported"]);
    written(&sandbox, "syntax.json", "{\"a\": [{\"id\": 1},\n{\"id\": 01}]}");
    sandbox.run(&["import", "syntax.json"]).expect(3).says(&["line 2", "01 is no number"]);
    written(&sandbox, "count.json", &whole.replace("\"record_count\":3", "\"record_count\":4"));
    sandbox.run(&["import", "count.json"]).expect(3).says(&["says that it has 4 rows, and has 3"]);
    let deep = format!("{{\"a\": [{{\"v\": {}", "[".repeat(100_000));
    written(&sandbox, "deep.json", &deep);
    sandbox.run(&["import", "deep.json"]).expect(3).says(&["nested deeper"]);
    sandbox.done(&["export", "app.db", "-o", "dino", "--format", "dino"]);
    let files = files_below(&sandbox.path("dino"));
    let backup = files[0].to_string_lossy().into_owned();
    sandbox.done(&["import", &backup, "--as", "dino"]);
    let changed = std::fs::read_to_string(&backup).expect("it is text").replace("one", "oue");
    std::fs::write(&backup, changed).expect("it is written");
    sandbox.run(&["import", &backup]).expect(3).says(&["another checksum than its metadata says"]);
    let which = sandbox.run(&["import", &backup, "--salvage"]).expect(3);
    which.says(&["no table of it is known to be whole"]);
    written(&sandbox, "twice.json", "{\"a\": [{\"id\": 1}], \"a\": [{\"id\": 2}]}");
    sandbox.run(&["import", "twice.json"]).expect(3).says(&["two tables are called a"]);
    // Of a file with rows of several tables any may have lost some.
    written(
        &sandbox,
        "lines.ndjson",
        "{\"table\":\"a\",\"row\":{\"id\":1}}\n{\"table\":\"b\",\"row\":{\"id\":1}}\n{\"tab",
    );
    sandbox.run(&["import", "lines.ndjson", "--salvage"]).expect(3).says(&["no table of it is known"]);

    // What only other builds read is known all the same.
    #[cfg(not(feature = "parquet"))]
    for file in ["t.parquet", "named-otherwise", "folder/t.parquet"] {
        written(&sandbox, file, "PAR1 and columns PAR1");
        let place = file.split('/').next().expect("it has one");
        sandbox
            .run(&["import", place])
            .expect(1)
            .says(&["this build of rowkeep does not read Apache Parquet"]);
    }

    // What no program of ours wrote: values of several types, no key, odd names.
    written(
        &sandbox,
        "odd.json",
        "{\"version\": 1, \"list\": [1, 2], \"T\": [{\"a\": 1, \"A\": \"x\", \"n\": 12.50, \"big\": 12345678901234567890, \"m\": 1},\n {\"a\": 1, \"m\": \"1\", \"a\": 2, \"nested\": {\"k\": [1, {}]}}], \"t\": [], \"sqlite_x\": [{\"id\": \"q\"}, {\"id\": \"q\"}]}",
    );
    let told = sandbox.json(&["import", "odd.json", "--name", "odd"])["imported"][0]["notes"].to_string();
    for note in [
        "list is passed over",
        "T.m: values of several types",
        "two members of one name",
        "T.nested: missing in some rows",
        "sqlite_x.id: two rows have the same",
        "table sqlite_x becomes _sqlite_x",
        "nothing in T names its rows",
        "T.n: numbers with digits that add nothing",
        "T.big: numbers of more digits",
    ] {
        assert!(told.contains(note), "{note}: {told}");
    }
    let again = exported(&sandbox, "odd", "num");
    assert_eq!(again["data"]["T"][1]["nested"], json!({ "k": [1, {}] }));
    let text = sandbox.done(&["export", "odd", "--format", "num", "-o", "-"]).out;
    assert!(text.contains("\"n\":12.50,\"big\":12345678901234567890,\"m\":1"), "{text}");
}

#[test]
fn rows_in_lines_and_csv_come_back() {
    let sandbox = Sandbox::new();
    sandbox.sql(
        "app.db",
        "CREATE TABLE \"odd, table\" (id TEXT PRIMARY KEY NOT NULL, v TEXT) WITHOUT ROWID;
         INSERT INTO \"odd, table\" VALUES ('1', 'a,\"b\"' || char(10)), ('2', ''), ('3', NULL); CREATE TABLE b (id TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID;
         INSERT INTO b VALUES ('x')",
    );
    for (to, format) in [("csv", "csv"), ("lines", "ndjson"), ("all.ndjson", "ndjson"), ("packed", "csv")] {
        let packed: &[&str] = if to == "packed" { &["--compression", "zstd"] } else { &[] };
        sandbox.done(&[&["export", "app.db", "-o", to, "--format", format][..], packed].concat());
        sandbox.done(&["import", to, "--as", to, "--name", &format!("{to}-1")]);
        let name = format!("{to}-1");
        let (own, copy) = (exported(&sandbox, "app.db", "num"), exported(&sandbox, &name, "num"));
        assert_eq!(own["data"], copy["data"], "{to}");
        let inspected = sandbox.json(&["inspect", to]);
        assert!(inspected["tables"].to_string().contains("odd, table"), "{inspected}");
    }
    // In quotes the word is a text, as PostgreSQL writes one that is called so.
    written(&sandbox, "theirs.csv", "\u{feff}id,v\r1,NULL\r2,\r3,\"NULL\"\r");
    sandbox.done(&["import", "theirs.csv", "--csv-null", "NULL", "--name", "theirs"]);
    let rows = &exported(&sandbox, "theirs", "num")["data"]["theirs"];
    assert_eq!(
        *rows,
        json!([{ "id": "1", "v": null }, { "id": "2", "v": null }, { "id": "3", "v": "NULL" }])
    );
    written(&sandbox, "people.csv", "id,name\r\n");
    sandbox.done(&["import", "people.csv", "--name", "people"]);
    let csv = sandbox.done(&["export", "people", "--format", "csv", "-o", "-"]);
    assert_eq!(csv.out, "id,name\r\n", "{csv:?}");
    written(&sandbox, "bare.json", "{\"t\": [{}, {}, {}]}");
    let bare = sandbox.json(&["import", "bare.json"]);
    assert_eq!(bare["imported"][0]["snapshot"]["rows"], 3, "{bare}");
    written(&sandbox, "short.csv", "id,v\n1,2\n3\n");
    sandbox.run(&["import", "short.csv"]).expect(3).says(&["line 3", "1 fields"]);
}

#[test]
fn folders_are_one_state_and_what_their_checksums_say() {
    let sandbox = Sandbox::new();
    sandbox.sql("app.db", "CREATE TABLE a (id TEXT, v TEXT); INSERT INTO a VALUES ('1', 'one'); CREATE TABLE b (id TEXT); INSERT INTO b VALUES ('2')");
    sandbox.done(&["export", "app.db", "-o", "out", "--format", "csv"]);
    sandbox.run(&["import", "--all", "out"]).expect(2).says(&["2 files", "the tables of one state"]);
    sandbox.done(&["import", "out"]);
    std::fs::copy(sandbox.path("out/b.csv"), sandbox.path("b.csv")).expect("it is copied");
    std::fs::remove_file(sandbox.path("out/b.csv")).expect("it is removed");
    sandbox.run(&["import", "out"]).expect(3).says(&["lists b.csv, which is not there"]);
    let inspected = sandbox.run(&["inspect", "out", "--json"]).expect(1);
    assert!(inspected.out.contains("lists b.csv"), "{inspected:?}");
    std::fs::copy(sandbox.path("b.csv"), sandbox.path("out/b.csv")).expect("it is copied");
    written(&sandbox, "out/a.csv", "id,v\r\n1,onX\r\n");
    for file in ["out", "out/a.csv"] {
        sandbox.run(&["import", file]).expect(3).says(&["a.csv has another checksum than", "SHA256SUMS"]);
    }
    // Who wants what can be read of it is told; a new export without checksums leaves none of the old.
    let told = sandbox.json(&["import", "out", "--salvage"])["imported"][0]["notes"].to_string();
    assert!(told.contains("any of it may be wrong"), "{told}");
    sandbox.done(&["export", "app.db", "-o", "out", "--format", "csv", "--force", "--no-checksum"]);
    assert!(!sandbox.path("out/SHA256SUMS").exists());
    sandbox.done(&["export", "app.db", "-o", "app.ndjson"]);
    sandbox.done(&["export", "app.db", "-o", "app.ndjson", "--force", "--no-checksum"]);
    assert!(!sandbox.path("app.ndjson.sha256").exists());

    // Of two files of one table, or of two forms, nobody says which is meant.
    written(&sandbox, "two/a.csv", "id\n1\n");
    written(&sandbox, "two/a.csv.zst", "id\n1\n");
    sandbox.run(&["import", "two"]).expect(3).says(&["another file beside it has rows of a as well"]);
    std::fs::rename(sandbox.path("two/a.csv.zst"), sandbox.path("two/b.ndjson")).expect("it is moved");
    sandbox.run(&["import", "two"]).expect(1).says(&["end with .csv, and b.ndjson"]);
}

#[test]
fn rows_of_json_are_exported_as_they_came() {
    let sandbox = Sandbox::new();
    let rows = "{\"id\":1,\"ok\":true,\"n\":12.50,\"r\":5.0,\"doc\":{\"$base64\":\"AP8=\"},\"half\":\"\\ud800\",\"v\":[[1]]}\n\
                {\"id\":2,\"ok\":false,\"n\":null,\"r\":0.25,\"doc\":[1,\"x\"],\"half\":\"whole\",\"v\":null}\n";
    written(&sandbox, "t.csv.ndjson", rows);
    let deep = format!("{{\"id\":3,\"v\":{}{}}}\n", "[".repeat(200), "]".repeat(200));
    written(&sandbox, "deep.ndjson", &deep);
    for (file, rows) in [("t.csv.ndjson", rows), ("deep.ndjson", &deep)] {
        let name = file.replace('.', "-");
        let told = sandbox.json(&["import", file, "--name", &name]);
        sandbox.done(&["export", &name, "--format", "ndjson", "-o", "out", "--force"]);
        let written = std::fs::read_to_string(sandbox.path("out").join(file)).expect("it is written");
        assert_eq!(written, rows, "{told}");
    }
}

#[test]
fn increments_are_of_the_state_that_they_say() {
    let sandbox = Sandbox::new();
    let document = |kind: &str, since: u8, until: u8, member: &str| {
        let since = if since == 0 {
            String::new()
        } else {
            format!("\"base_backup\":\"full.json\",\"since_timestamp\":\"2025-01-0{since}T00:00:00.000Z\",")
        };
        format!(
            "{{\"metadata\":{{\"type\":\"{kind}_backup\",{since}\"timestamp\":\"2025-01-0{until}T00:00:00.000Z\",\"until_timestamp\":\"2025-01-0{until}T00:00:00.000Z\"}},{member}}}"
        )
    };
    let increment = |since, until, changes: &str| {
        document("incremental", since, until, &format!("\"changes\":{{{changes}}}"))
    };
    let full = document(
        "full",
        0,
        1,
        "\"data\":{\"a\":[{\"id\":1,\"v\":\"x\"}],\"b\":[{\"id\":1}],\"c\":[{\"id\":1},{\"id\":2}]}",
    );
    written(&sandbox, "o/full.json", &full);
    written(&sandbox, "o/none.json", &increment(1, 2, ""));
    written(&sandbox, "o/after.json", &increment(2, 3, "\"a\":{\"inserted\":[{\"id\":2,\"v\":\"y\"}]}"));
    written(&sandbox, "o/again.json", &increment(2, 4, "\"c\":{\"inserted\":[{\"id\":2}]}"));
    // Nothing changed, and then something did.
    sandbox.done(&["import", "o/after.json", "--name", "after"]);
    assert_eq!(
        exported(&sandbox, "after", "num")["data"]["a"],
        json!([{ "id": 1, "v": "x" }, { "id": 2, "v": "y" }])
    );
    sandbox.run(&["import", "o/again.json"]).expect(3).says(&["has a row of the key 2 already"]);

    // Of tables whose changes may have followed where an increment is cut off, nothing is known, nor later.
    let cut =
        increment(1, 5, "\"a\":{\"updated\":[{\"id\":1,\"v\":\"new\"}]},\"c\":{\"inserted\":[{\"id\":3}");
    written(&sandbox, "o/cut.json", cut.strip_suffix("}}").expect("it ends so"));
    written(&sandbox, "o/later.json", &increment(5, 6, "\"a\":{\"inserted\":[{\"id\":7,\"v\":\"z\"}]}"));
    for (file, rows) in [
        ("cut", json!([{ "id": 1, "v": "new" }])),
        ("later", json!([{ "id": 1, "v": "new" }, { "id": 7, "v": "z" }])),
    ] {
        sandbox.run(&["import", &format!("o/{file}.json"), "--salvage", "--name", file]).expect(1);
        assert_eq!(exported(&sandbox, file, "num")["data"], json!({ "a": rows }), "{file}");
    }

    // A snapshot that lacks rows, or has others than there were, is nothing to go on from.
    written(&sandbox, "alone/next.json", &increment(1, 7, "\"c\":{\"inserted\":[{\"id\":4}]}"));
    written(&sandbox, "short/full.json", full.split(",{\"id\":2}").next().expect("its beginning"));
    written(&sandbox, "rules.toml", "\"a.v\" = \"hash\"\n");
    sandbox.run(&["import", "short/full.json", "--salvage", "--as", "short"]).expect(1);
    sandbox.done(&["import", "o/full.json", "--as", "masked", "--mask=rules.toml"]);
    for (name, why) in [("short", "does not have the rows of all tables"), ("masked", "is masked")] {
        let refused = sandbox.run(&["import", "alone/next.json", "--as", name]).expect(4);
        refused.says(&[why, "put full.json beside it"]);
    }
    // Nor is one of a backup of some tables, whose increments are those of the same.
    sandbox.sql("some.db", "CREATE TABLE a (id INTEGER PRIMARY KEY); CREATE TABLE c (id INTEGER PRIMARY KEY); INSERT INTO c VALUES (1)");
    let mut told = String::new();
    for name in ["s1", "s2"] {
        sandbox.done(&["backup", "some.db", "--name", name]);
        sandbox.done(&[
            "export",
            name,
            "-o",
            &format!("some/{name}.json"),
            "--format",
            "prn",
            "--tables",
            "a",
        ]);
        sandbox.sql("some.db", "INSERT OR IGNORE INTO a VALUES (7); INSERT OR IGNORE INTO c VALUES (2)");
    }
    for (to, tables) in [("all", &[][..]), ("some", &["--tables", "a"])] {
        let increment =
            ["export", "s1", "s2", "-o", &format!("{to}/inc.json"), "--format", "prn", "--base", "s1.json"];
        told += &sandbox.done(&[&increment[..], tables].concat()).err;
    }
    sandbox.done(&["import", "some/inc.json", "--as", "some", "--name", "some-2"]);
    assert_eq!(exported(&sandbox, "some-2", "num")["data"], json!({ "a": [{ "id": 7 }] }), "{told}");
    sandbox.done(&["import", "some/s1.json", "--as", "parts"]);
    sandbox
        .run(&["import", "all/inc.json", "--as", "parts"])
        .expect(4)
        .says(&["does not have the rows of all tables", "s1.json beside it"]);
    std::fs::copy(sandbox.path("some/s1.json"), sandbox.path("all/s1.json")).expect("it is copied");
    let other = sandbox.run(&["import", "all/inc.json", "--as", "other"]).expect(1);
    other.says(&["is of all of the state, and what it goes on from has some tables"]);

    sandbox.done(&["import", "o/full.json", "--as", "masked"]);
    sandbox.done(&["import", "alone/next.json", "--as", "masked", "--name", "next"]);
    assert_eq!(
        exported(&sandbox, "next", "num")["data"]["c"],
        json!([{ "id": 1 }, { "id": 2 }, { "id": 4 }])
    );

    // Rows that differ only by what a table is are in no increment.
    sandbox.sql("app.db", "CREATE TABLE t (id INTEGER PRIMARY KEY, a); INSERT INTO t VALUES (1, 1)");
    sandbox.done(&["backup", "app.db", "--name", "before"]);
    sandbox.sql("app.db", "ALTER TABLE t ADD COLUMN b DEFAULT 'new'; INSERT INTO t VALUES (2, 2, 'x')");
    sandbox.done(&["backup", "app.db", "--name", "with-b"]);
    let refused = sandbox.run(&["export", "before", "with-b", "-o", "inc.json", "--format", "prn"]).expect(2);
    refused.says(&["column t.b is only in the second", "export the second state in full"]);
}
