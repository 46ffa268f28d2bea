//! Rows of a state as files that others read.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::postgres::servers;
use crate::sandbox::{Sandbox, files_below, filled};

/// Everything that makes SQLite awkward to write down.
const AWKWARD: &str = "PRAGMA page_size = 8192; PRAGMA user_version = -7; PRAGMA application_id = 4711;
    CREATE TABLE \"odd \"\"table\" (\"a b\" TEXT, plain, n INTEGER DEFAULT 3, r REAL, half AS (r / 2));
    INSERT INTO \"odd \"\"table\" (rowid, \"a b\", plain, n, r) VALUES
        (-9223372036854775808, 'it''s; ' || char(10) || '.exit', x'00ff', -9223372036854775808, 0.1),
        (7, CAST(x'610062ff' AS TEXT), CAST(x'ff' AS TEXT), 9223372036854775807, 1e-300),
        (8, '', NULL, NULL, 9e999), (9, 'é🦀', 5, 5, 5.0), (10, 'a--', 5.5, 1, 123456789.123456789), (11, NULL, '', 0, -0.0);";

const REST: &str = "CREATE TABLE counted (id INTEGER PRIMARY KEY AUTOINCREMENT, parent INTEGER REFERENCES counted (id), v TEXT) STRICT;
    INSERT INTO counted VALUES (1, NULL, 'a'), (90, 1, 'b'); DELETE FROM counted WHERE id = 90;
    CREATE TABLE keyed (k TEXT PRIMARY KEY, v REAL) WITHOUT ROWID;
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
        INSERT INTO keyed SELECT 'k' || i, i / 7.0 FROM n;
    CREATE VIRTUAL TABLE notes USING fts5 (body); INSERT INTO notes VALUES ('the quick fox'), ('the lazy dog');
    CREATE VIRTUAL TABLE boxes USING rtree (id, low, high); INSERT INTO boxes VALUES (1, 0.5, 2), (2, 3, 4);
    CREATE TABLE windows (\r\n  line TEXT,\r\n  rest TEXT DEFAULT 'a\r\nb'\r\n);
    INSERT INTO windows VALUES ('one' || char(13, 10) || 'two', char(13)), (char(10, 13, 10), 'x' || char(13) || 'y');
    CREATE INDEX by_line ON windows (\r\n  line); CREATE VIEW lines AS\r\n SELECT line FROM windows;
    CREATE INDEX by_v ON keyed (v) WHERE v > 1; CREATE VIEW two AS SELECT 2 AS two -- the end
    ; CREATE TRIGGER copy AFTER INSERT ON keyed BEGIN INSERT INTO counted (v) VALUES (new.k); END;
    ANALYZE;";

fn awkward() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.sql("app.db", &format!("{AWKWARD}{REST}"));
    sandbox.done(&["backup", "app.db"]);
    sandbox
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The shells of the system, which is old, and a newer one, which lets no script write to the schema that does not begin as
/// its own do.
fn shells() -> [String; 2] {
    let newer = std::env::var("ROWKEEP_TEST_SQLITE").expect("tests are run by scripts/with-servers");
    ["sqlite3".to_owned(), newer]
}

fn load_by(shell: &str, sandbox: &Sandbox, script: &str, database: &str) {
    let script = std::fs::File::open(sandbox.path(script)).expect("it was written");
    let loaded = Command::new(shell).arg("-bail").arg(sandbox.path(database)).stdin(script).output();
    let loaded = loaded.unwrap_or_else(|error| panic!("{shell}: {error}"));
    assert!(loaded.status.success() && loaded.stderr.is_empty(), "{shell}: {loaded:?}");
}

#[test]
fn sql_is_loaded_by_sqlite3_and_is_the_same_database() {
    for shell in shells() {
        loaded_by_it_is_the_same_database(&shell);
    }
}

fn loaded_by_it_is_the_same_database(shell: &str) {
    let sandbox = awkward();
    let load = |script: &str, database: &str| load_by(shell, &sandbox, script, database);
    let exported = sandbox.json(&["export", "latest", "--to", "app.sql"]);
    assert_eq!(exported["with_schema"], true);
    assert_eq!(exported["files"][0]["bytes"], read(&sandbox.path("app.sql")).len());
    load("app.sql", "copy.db");
    sandbox.done(&["verify", "latest", "--against", "copy.db"]);
    assert_eq!(sandbox.query("copy.db", "SELECT rowid FROM notes WHERE notes MATCH 'fox'"), "1");
    assert_eq!(sandbox.query("copy.db", "SELECT id FROM boxes WHERE low > 1"), "2");
    let definitions = "SELECT type, name, sql FROM sqlite_schema ORDER BY 1, 2";
    assert_eq!(sandbox.query("copy.db", definitions), sandbox.query("app.db", definitions));
    sandbox.sql("copy.db", "PRAGMA integrity_check; INSERT INTO counted (v) VALUES ('next')");
    assert_eq!(sandbox.query("copy.db", "SELECT max(id) FROM counted"), "91");

    // A live database into a folder; rows alone into the tables of another.
    sandbox.done(&["export", "app.db", "--to", "out", "--format", "sql"]);
    load("out/app.sql", "second.db");
    sandbox.done(&["verify", "latest", "--against", "second.db"]);
    let some = ["export", "latest", "--to", "some.sql", "--tables", "keyed", "--where", "v > 428"];
    let told = sandbox.done(&some);
    assert!(told.err.contains("without the schema"), "{told:?}");
    sandbox.sql("second.db", "DELETE FROM keyed");
    // Triggers of the database do not do again what is among the rows.
    let counted = "SELECT count(*) FROM counted";
    let before = sandbox.query("second.db", counted);
    load("some.sql", "second.db");
    assert_eq!(sandbox.query("second.db", "SELECT count(*), min(v) > 428 FROM keyed"), "4|1");
    assert_eq!(sandbox.query("second.db", counted), before);
}

#[test]
fn utf_16_comes_back_too() {
    let sandbox = Sandbox::new();
    sandbox.sql(
        "wide.db",
        "PRAGMA encoding = 'UTF-16be'; CREATE TABLE t (a TEXT); INSERT INTO t VALUES ('é'), (CAST(x'0061000000d8' AS TEXT))",
    );
    sandbox.done(&["backup", "wide.db"]);
    sandbox.done(&["export", "latest", "--to", "wide.sql"]);
    for (shell, copy) in shells().iter().zip(["copy.db", "another.db"]) {
        load_by(shell, &sandbox, "wide.sql", copy);
        sandbox.done(&["verify", "latest", "--against", copy]);
    }
}

/// Types whose text is not their value, and what stands beside tables.
const TYPES: &str = "CREATE SCHEMA \"o'dd\"; CREATE TYPE \"o'dd\".mood AS ENUM ('so so', 'a''b');
    CREATE TABLE \"o'dd\".\"t \"\"x\" (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, n numeric, d double precision, b boolean, y bytea,
        t text, c char(5), at timestamptz, span interval, j jsonb, a text[], m \"o'dd\".mood, twice numeric GENERATED ALWAYS AS (n * 2) STORED);
    INSERT INTO \"o'dd\".\"t \"\"x\" (n, d, b, y, t, c, at, span, j, a, m) VALUES
        (12.50, 0.1, true, '\\x00ff', E'it''s \\\\ a\\n\"b\",c', 'ab', '2026-01-02 03:04:05.678901+02', '1 mon -3 days', '{\"a\": [1, null]}', '{\"x,y\",NULL,\"\"}', 'a''b'),
        (1234567890123456789.5, 'NaN', false, '', '', '', 'infinity', '0', '\"s\"', '{}', 'so so'),
        (NULL, '-Infinity', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL), ('NaN', 1e300, true, '\\x', '\\.', ' x', '-infinity', NULL, 'null', NULL, NULL);
    CREATE SCHEMA a; CREATE TABLE a.child (id integer PRIMARY KEY, parent bigint REFERENCES \"o'dd\".\"t \"\"x\");
    INSERT INTO a.child SELECT i, 1 + i % 4 FROM generate_series(1, 2000) i;
    CREATE TABLE parts (at date, v integer) PARTITION BY RANGE (at);
    CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
    INSERT INTO parts VALUES ('2026-05-05', 1), ('2026-05-05', 1); CREATE TABLE empty ();  INSERT INTO empty DEFAULT VALUES;
    CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$;
    CREATE TRIGGER no BEFORE INSERT ON a.child EXECUTE FUNCTION no();
    CREATE MATERIALIZED VIEW many AS SELECT count(*) FROM a.child; CREATE SEQUENCE alone START 5; SELECT nextval('alone');
    SELECT lo_from_bytea(4711, '\\x00ff00'); COMMENT ON LARGE OBJECT 4711 IS 'it''s';";

#[test]
fn sql_is_loaded_by_psql_and_is_the_same_database() {
    for server in servers() {
        let sandbox = Sandbox::new();
        let shop = server.database("rowkeep_cli_export");
        shop.sql(TYPES);
        sandbox.done(&["backup", &shop.url()]);
        sandbox.done(&["export", "latest", "--to", "shop.sql"]);
        let copy = server.database("rowkeep_cli_export_copy");
        copy.file(&sandbox.path("shop.sql"));
        sandbox.done(&["verify", "latest", "--against", &copy.url()]);
        assert_eq!(copy.sql("SELECT * FROM many; SELECT nextval('alone')"), "2000\n6\n");
        assert_eq!(copy.sql("INSERT INTO \"o'dd\".\"t \"\"x\" (n) VALUES (1) RETURNING id, twice"), "5|2\n");
        // Rows alone, parents before children, from the live database.
        sandbox.done(&["export", &shop.url(), "--to", "rows.sql", "--data-only"]);
        copy.sql("TRUNCATE a.child, \"o'dd\".\"t \"\"x\", parts, empty");
        copy.file(&sandbox.path("rows.sql"));
        // The trigger that refuses every row did not fire, and is there again as it was.
        sandbox.done(&["verify", "latest", "--against", &copy.url()]);
    }
}

/// Rows that refer to later ones, and triggers whose work is among the rows.
const CIRCLES: &str = "CREATE TABLE chain (id int PRIMARY KEY, next int REFERENCES chain);
    INSERT INTO chain SELECT i, nullif(i + 1, 901) FROM generate_series(1, 900) i;
    CREATE TABLE one (id int PRIMARY KEY, two int); CREATE TABLE log (leaf int);
    CREATE TABLE two (id int PRIMARY KEY, one int REFERENCES one DEFERRABLE);
    ALTER TABLE one ADD FOREIGN KEY (two) REFERENCES two DEFERRABLE INITIALLY DEFERRED;
    CREATE TABLE leaf (id int PRIMARY KEY, one int REFERENCES one);
    CREATE FUNCTION log() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.log VALUES (new.id); RETURN new; END $$;
    CREATE TRIGGER log AFTER INSERT ON leaf FOR EACH ROW EXECUTE FUNCTION log();
    CREATE TRIGGER \"Al\"\"ways\" BEFORE INSERT ON leaf FOR EACH ROW EXECUTE FUNCTION log();
    ALTER TABLE leaf ENABLE ALWAYS TRIGGER \"Al\"\"ways\"; CREATE TRIGGER never AFTER INSERT ON leaf FOR EACH ROW EXECUTE FUNCTION log();
    ALTER TABLE leaf DISABLE TRIGGER never;
    INSERT INTO one SELECT i FROM generate_series(1, 50) i; INSERT INTO two SELECT i, 51 - i FROM generate_series(1, 50) i;
    UPDATE one SET two = id; INSERT INTO leaf SELECT i, i FROM generate_series(1, 50) i;";

#[test]
fn rows_alone_come_into_tables_with_triggers_and_circles() {
    let server = &servers()[0];
    let sandbox = Sandbox::new();
    let shop = server.database("rowkeep_cli_circles");
    shop.sql(CIRCLES);
    sandbox.done(&["backup", &shop.url()]);
    let told = sandbox.done(&["export", "latest", "--to", "rows.sql", "--data-only"]);
    assert!(told.err.contains("one, two refer to each other in a circle"), "{told:?}");
    shop.sql("TRUNCATE chain, one, two, leaf, log");
    shop.file(&sandbox.path("rows.sql"));
    sandbox.done(&["verify", "latest", "--against", &shop.url()]);
    assert_eq!(shop.sql("SELECT count(*) FROM log"), "100\n");
    // All rows come or none.
    shop.sql("TRUNCATE chain, one, two, leaf, log; INSERT INTO two VALUES (50)");
    let mut psql = server.program("psql");
    let loaded = psql.args(["-X", "-q", "-d", &shop.url(), "-f"]).arg(sandbox.path("rows.sql")).output();
    assert!(!loaded.expect("psql can be run").status.success());
    assert_eq!(
        shop.sql("SELECT count(*) FROM chain; SELECT count(*) FROM pg_trigger WHERE tgenabled = 'D'"),
        "0\n1\n"
    );
}

#[test]
fn csv_is_loaded_by_copy() {
    for server in servers() {
        let sandbox = Sandbox::new();
        let shop = server.database("rowkeep_cli_csv");
        shop.sql(TYPES);
        sandbox.done(&["backup", &shop.url()]);
        let done = sandbox.json(&["export", "latest", "--to", "out/csv"]);
        let names = || {
            files_below(&sandbox.path("out"))
                .into_iter()
                .map(|path| path.file_name().map(|name| name.to_string_lossy().into_owned()))
        };
        assert_eq!(
            names().collect::<Option<Vec<_>>>().expect("files have names"),
            ["SHA256SUMS", "a.child.csv", "empty.csv", "o'dd.t %22x.csv", "parts_1.csv"]
        );
        assert_eq!((done["rows"].clone(), done["files"].as_array().map(Vec::len)), (json!(2007), Some(4)));
        shop.sql("CREATE TABLE again (LIKE \"o'dd\".\"t \"\"x\"); ALTER TABLE again DROP COLUMN twice, ALTER id DROP IDENTITY IF EXISTS");
        let csv = sandbox.path("out/csv/o'dd.t %22x.csv");
        let path = csv.to_string_lossy().replace('\'', "''");
        shop.sql(&format!("\\copy again FROM '{path}' WITH (FORMAT csv, HEADER)"));
        let differ = |one: &str, other: &str| {
            format!(
                "SELECT id, n, d, b, y, t, c, at, span, j, a, m FROM {one} EXCEPT SELECT id, n, d, b, y, t, c, at, span, j, a, m FROM {other}"
            )
        };
        let (original, again) = ("\"o'dd\".\"t \"\"x\"", "again");
        assert_eq!(shop.sql(&differ(original, again)) + &shop.sql(&differ(again, original)), "");
        assert_eq!(shop.sql("SELECT count(*) FROM again WHERE t = '' OR t IS NULL OR t = '\\.'").trim(), "3");

        let typed = sandbox.done(&[
            "export",
            "latest",
            "--to",
            "-",
            "--format",
            "ndjson",
            "--tables",
            "o'dd.*,child",
        ]);
        let rows: Vec<Value> =
            typed.out.lines().map(|line| serde_json::from_str(line).expect("every line is JSON")).collect();
        assert_eq!(rows.len(), 2004);
        let row = |id: i64| {
            rows.iter()
                .find(|row| row["table"] == "o'dd.t \"x" && row["row"]["id"] == id)
                .expect("it is there")["row"]
                .clone()
        };
        assert_eq!(row(1)["n"], json!(12.5));
        assert!(typed.out.contains("\"n\":12.50,"), "digits stay");
        assert_eq!(row(1)["y"], json!({ "$base64": "AP8=" }));
        assert_eq!(row(1)["t"], "it's \\ a\n\"b\",c");
        assert_eq!(
            (row(2)["n"].clone(), row(2)["d"].clone()),
            (json!("1234567890123456789.5"), json!("NaN"))
        );
        assert_eq!(
            (row(2)["b"].clone(), row(2)["t"].clone(), row(3)["t"].clone()),
            (json!(false), json!(""), Value::Null)
        );
    }
}

#[test]
fn ndjson_and_csv_of_sqlite() {
    let sandbox = awkward();
    sandbox.done(&["export", "latest", "--to", "out", "--format", "ndjson"]);
    let rows: Vec<Value> = read(&sandbox.path("out/odd %22table.ndjson"))
        .lines()
        .map(|line| serde_json::from_str(line).expect("every line is JSON"))
        .collect();
    assert_eq!(
        rows[0],
        json!({ "a b": "it's; \n.exit", "plain": { "$base64": "AP8=" }, "n": "-9223372036854775808", "r": 0.1 })
    );
    assert_eq!(rows[1]["a b"], json!({ "$text": "YQBi/w==" }));
    assert_eq!((rows[2]["r"].clone(), rows[3]["r"].clone()), (json!("Infinity"), json!(5.0)));
    // What SQLite keeps for itself is not the application's.
    assert!(!sandbox.path("out/sqlite_sequence.ndjson").exists());

    let csv = sandbox.done(&["export", "live:app.db", "--to", "-", "--tables", "counted"]);
    assert_eq!(csv.out, "id,parent,v\r\n1,,a\r\n");
    assert!(csv.err.contains("1 row"), "{csv:?}");
    let several = sandbox.run(&["export", "latest", "--to", "all.csv"]).expect(2);
    assert!(several.err.contains("one CSV file holds one table"), "{several:?}");
    sandbox
        .run(&["export", "latest", "--to", "x.csv", "--tables", "nothing"])
        .expect(2)
        .says(&["no table nothing"]);

    // What is there stays, unless it is to go.
    std::fs::write(sandbox.path("counted.csv"), "mine").expect("it is written");
    let file = ["export", "latest", "--to", "counted.csv", "--tables", "counted"];
    sandbox.run(&file).expect(4).says(&["counted.csv already exists", "--force"]);
    sandbox.run(&["export", "latest", "--to", "out", "--format", "ndjson"]).expect(4).says(&["already"]);
    assert_eq!(read(&sandbox.path("counted.csv")), "mine");
    sandbox.done(&[&file[..], &["--force"]].concat());
    assert_eq!(read(&sandbox.path("counted.csv")), "id,parent,v\r\n1,,a\r\n");
    // A folder that holds something else already gets the files beside it.
    sandbox.done(&["export", "latest", "--to", "out"]);
    assert!(sandbox.path("out/keyed.csv").exists() && sandbox.path("out/keyed.ndjson").exists());
    let left = files_below(&sandbox.path("."));
    assert!(left.iter().all(|path| !path.to_string_lossy().contains(".partial")), "{left:?}");
}

#[test]
fn a_masked_export_holds_nothing_personal() {
    let sandbox = Sandbox::new();
    sandbox.sql(
        "clinic.db",
        "CREATE TABLE patients (email TEXT PRIMARY KEY NOT NULL, name TEXT);
         CREATE TABLE visits (id INTEGER PRIMARY KEY, patient TEXT REFERENCES patients (email), remarks TEXT);
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
             INSERT INTO patients SELECT 'p' || i || '@clinic.example', 'Patient ' || i FROM n;
         INSERT INTO visits SELECT rowid, email, 'coughs ' || rowid FROM patients",
    );
    std::fs::write(
        sandbox.path("rules.toml"),
        "'patients.email' = 'fake-email'\n'patients.name' = 'fake-name'\n'visits.remarks' = 'null'",
    )
    .expect("it is written");
    sandbox.done(&["backup", "clinic.db"]);
    for format in ["csv", "ndjson", "sql"] {
        for state in ["latest", "clinic.db"] {
            let folder = format!("{format}-{}", &state[..2]);
            sandbox.done(&["export", state, "--to", &folder, "--format", format, "--mask=rules.toml"]);
            for file in files_below(&sandbox.path(&folder)) {
                let text = read(&file);
                let personal =
                    ["clinic.example", "Patient ", "coughs"].iter().find(|personal| text.contains(*personal));
                assert_eq!(personal, None, "{}", file.display());
            }
        }
    }
    // The same mask as that of a restore, and of both states.
    assert_eq!(read(&sandbox.path("csv-la/visits.csv")), read(&sandbox.path("csv-cl/visits.csv")));
    sandbox.done(&["restore", "latest", "--to", "masked.db", "--mask=rules.toml"]);
    let joined = "SELECT count(*) FROM patients JOIN visits ON email = patient";
    assert_eq!(sandbox.query("masked.db", joined), "500");
    let script = std::fs::File::open(sandbox.path("sql-la/clinic.sql")).expect("it was written");
    let loaded = Command::new("sqlite3").arg("-bail").arg(sandbox.path("copy.db")).stdin(script).status();
    assert!(loaded.expect("sqlite3 runs").success());
    let all = "SELECT email, name FROM patients ORDER BY email";
    assert_eq!(sandbox.query("copy.db", all), sandbox.query("masked.db", all));
    sandbox.run(&["export", "latest", "--to", "x", "--mask"]).expect(2).says(&["no mask rules"]);
    sandbox.sql(
        "clinic.db",
        "CREATE VIRTUAL TABLE found USING fts5 (remarks); INSERT INTO found VALUES ('coughs')",
    );
    let words = ["export", "clinic.db", "--to", "words.sql", "--mask=rules.toml"];
    sandbox.done(&words).says(&["no mask reaches", "found_content", "--exclude"]);
    assert!(!sandbox.path("x").exists());
}

#[test]
fn a_killed_export_leaves_nothing_that_looks_whole() {
    let sandbox = Sandbox::new();
    sandbox.sql("app.db", &filled(60_000));
    sandbox.done(&["backup", "app.db"]);
    std::fs::create_dir(sandbox.path("there")).expect("it can be made");
    for (to, name) in [("new", "people.csv"), ("there", "people.csv"), ("all.sql", "all.sql")] {
        let mut child = sandbox
            .command(&["export", "latest", "--to", to])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it runs");
        let limit = Instant::now() + Duration::from_secs(60);
        let begun = || {
            let files = partial_files(&sandbox.path("."));
            files.iter().any(|path| path.metadata().is_ok_and(|file| file.len() > 0))
        };
        while !begun() && child.try_wait().expect("its state is known").is_none() {
            assert!(Instant::now() < limit, "nothing was written");
            std::thread::sleep(Duration::from_millis(1));
        }
        child.kill().expect("it can be killed");
        assert!(!child.wait().expect("it ends").success(), "{to} was done before it could be killed");
        let found = files_below(&sandbox.path("."));
        let whole =
            found.iter().find(|path| path.ends_with(name) && !path.to_string_lossy().contains(".partial"));
        assert_eq!(whole, None);
        assert!(!sandbox.path("new").exists() && !sandbox.path("all.sql").exists());
        for partial in std::fs::read_dir(sandbox.path(".")).expect("it is there") {
            let path = partial.expect("it is there").path();
            if path.to_string_lossy().ends_with(".partial") {
                if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) }
                    .expect("it can be removed");
            }
        }
        std::fs::remove_dir_all(sandbox.path("there")).expect("it is there");
        std::fs::create_dir(sandbox.path("there")).expect("it can be made");
    }
}

/// The files that are being written; such files go while they are looked for.
fn partial_files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files.extend(partial_files(&path));
        } else if path.to_string_lossy().contains(".partial") {
            files.push(path);
        }
    }
    files
}

#[test]
fn a_reader_that_goes_away_is_told() {
    let sandbox = Sandbox::new();
    sandbox.sql("app.db", &filled(20_000));
    let mut child = sandbox
        .command(&["export", "app.db", "--to", "-", "--tables", "events"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it runs");
    drop(child.stdout.take());
    let ended = child.wait_with_output().expect("it ends");
    let told = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(ended.status.code() == Some(1) && told.contains("cannot write the output"), "{told}");
}
