//! The program in Python that reads repositories without us: it finds the hashes that we find, and its scripts make the same
//! databases.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::formats::{REPOSITORIES, copied};
use crate::postgres::servers;
use crate::sandbox::{Ran, Sandbox, files_below};

/// Runs it in the folder of a sandbox.
fn read(sandbox: &Sandbox, arguments: &[&str]) -> Ran {
    let modules = std::env::var_os("ROWKEEP_TEST_READER").expect("run this with scripts/with-servers");
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tools/read-rowkeep.py");
    let mut command = Command::new("python3");
    command.arg(program).args(arguments).current_dir(sandbox.path("")).stdin(Stdio::null());
    command.env("PYTHONPATH", modules).env_remove("ROWKEEP_PASSPHRASE");
    Ran::of(&command.output().expect("python3 is installed"))
}

/// Has it write a script.
fn script(sandbox: &Sandbox, arguments: &[&str], to: &str) {
    let ran = read(sandbox, &[&["sql"], arguments].concat()).expect(0);
    fs::write(sandbox.path(to), ran.out).expect("it is written");
}

/// The hashes and names of the tables that it proved in a snapshot.
fn proven(sandbox: &Sandbox, arguments: &[&str]) -> BTreeSet<String> {
    let ran = read(sandbox, &[&["verify"], arguments].concat()).expect(0);
    let line = |line: &str| {
        let (counted, name) = line.strip_prefix("  proven   ")?.split_once(" rows  ")?;
        Some(format!("{} {name}", counted.split(' ').next()?))
    };
    ran.out.lines().filter_map(line).collect()
}

/// The same as we know them.
fn known(sandbox: &Sandbox, snapshot: &str, on: &[&str]) -> BTreeSet<String> {
    let shown = sandbox.json(&[&["show", snapshot], on].concat());
    let table = |table: &Value| {
        let text = |name: &str| table[name].as_str();
        let schema = text("schema").filter(|schema| *schema != "public");
        let place = schema.map(|schema| format!("{schema}.")).unwrap_or_default();
        format!("{} {place}{}", text("hash").expect("a hash"), text("name").expect("a name"))
    };
    shown["tables"].as_array().expect("a list").iter().map(table).collect()
}

/// Loads a script by the shell of the system.
fn load(sandbox: &Sandbox, script: &str, database: &str) {
    let script = File::open(sandbox.path(script)).expect("it was written");
    let loaded = Command::new("sqlite3").arg("-bail").arg(sandbox.path(database)).stdin(script).output();
    let loaded = loaded.expect("sqlite3 is installed");
    assert!(loaded.status.success() && loaded.stderr.is_empty(), "{loaded:?}");
}

#[test]
fn repositories_of_every_version_are_read() {
    for (name, files, tables) in REPOSITORIES {
        let sandbox = copied(name, files);
        let key = format!("{files}.key");
        let opened: &[&str] =
            if name.ends_with("plain") { &["--unencrypted"] } else { &["--key-file", &key] };
        let on = ["--repository", name];
        let found = proven(&sandbox, &[&[name, "pinned"], opened].concat());
        assert!(found.len() >= tables.len() - 1, "{found:?}");
        assert_eq!(found, known(&sandbox, "pinned", &on), "{name}");
        script(&sandbox, &[&[name, "pinned"], opened].concat(), "pinned.sql");
        load(&sandbox, "pinned.sql", "copy.db");
        sandbox.done(&[&["verify", "pinned", "--against", "copy.db"], &on[..]].concat());
    }
}

const AWKWARD: &str = "PRAGMA page_size = 8192; PRAGMA user_version = -7; PRAGMA auto_vacuum = full;
    CREATE TABLE \"odd \"\"table\" (\"a b\" TEXT, plain, n INTEGER DEFAULT 3, r REAL CHECK (r > 0), half AS (r / 2));
    PRAGMA ignore_check_constraints = ON;
    INSERT INTO \"odd \"\"table\" (rowid, \"a b\", plain, n, r) VALUES
        (-9223372036854775808, 'it''s; ' || char(10) || '.exit', x'00ff', -9223372036854775808, 0.1),
        (7, CAST(x'610062ff' AS TEXT), CAST(x'ff' AS TEXT), 9223372036854775807, 1e-300), (8, '', NULL, NULL, 9e999),
        (9, 'é🦀', 5, 5, 5e-324), (10, 'a--', 5.5, 1, 123456789.123456789), (11, NULL, '', 0, -1.7976931348623157e308);
    CREATE TABLE counted (id INTEGER PRIMARY KEY AUTOINCREMENT, parent INTEGER REFERENCES counted (id), v TEXT) STRICT;
    INSERT INTO counted VALUES (1, NULL, 'a'), (90, 1, 'b'); DELETE FROM counted WHERE id = 90;
    CREATE TABLE keyed (k TEXT PRIMARY KEY, email TEXT, v REAL) WITHOUT ROWID;
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
        INSERT INTO keyed SELECT 'k' || i, lower(hex(randomblob(8))) || '@example.org', i / 7.0 FROM n;
    CREATE VIRTUAL TABLE notes USING fts5 (body); INSERT INTO notes VALUES ('the quick fox'), ('the lazy dog');
    CREATE TABLE windows (\r\n  line TEXT,\r\n  rest TEXT DEFAULT 'a\r\nb'\r\n);
    INSERT INTO windows VALUES ('one' || char(13, 10) || 'two', char(13));
    CREATE INDEX by_v ON keyed (v) WHERE v > 1; CREATE VIEW two AS SELECT 2 AS two -- the end
    ; CREATE TRIGGER copy AFTER INSERT ON keyed BEGIN INSERT INTO counted (v) VALUES (new.k); END;
    ANALYZE;";

#[test]
fn a_repository_of_sqlite_is_read() {
    let sandbox = Sandbox::new();
    sandbox.sql("app.db", AWKWARD);
    let first = sandbox.json(&["backup", "app.db", "--name", "first"]);
    sandbox.sql("app.db", "UPDATE keyed SET v = v + 1 WHERE k = 'k1500'");
    let second = sandbox.json(&["backup", "app.db", "--name", "second"]);
    // Stored as a difference to what was there.
    let new = |made: &Value| made["snapshots"][0]["new_bytes"].as_u64().expect("a size");
    assert!(new(&second) * 12 < new(&first), "{first} {second}");
    fs::write(sandbox.path("rules.toml"), "\"keyed.email\" = \"hash\"\n").expect("it is written");
    sandbox.done(&["backup", "app.db", "--name", "masked", "--mask=rules.toml"]);

    let (place, key) = ("rowkeep-repository", "rowkeep-repository.key");
    for name in ["first", "second", "masked"] {
        let wanted = [place, name, "--key-file", key];
        assert_eq!(proven(&sandbox, &wanted), known(&sandbox, name, &[]), "{name}");
        let (written, copy) = (format!("{name}.sql"), format!("{name}.db"));
        script(&sandbox, &wanted, &written);
        load(&sandbox, &written, &copy);
        sandbox.done(&["verify", name, "--against", &copy]);
    }
    read(&sandbox, &["csv", place, "second", "tables", "--key-file", key]).expect(0);
    sandbox.done(&["export", "second", "--to", "exported", "--no-checksum"]);
    for file in ["counted.csv", "windows.csv"] {
        let [ours, theirs] = ["exported", "tables"].map(|folder| fs::read(sandbox.path(folder).join(file)));
        assert_eq!(theirs.expect("it was written"), ours.expect("it was written"), "{file}");
    }

    fs::write(sandbox.path("passphrase"), "correct horse battery\n").expect("it is written");
    sandbox.done(&["key", "add", "--new-passphrase-file", "passphrase"]);
    let listed = read(&sandbox, &["list", place, "--passphrase-file", "passphrase"]).expect(0);
    assert_eq!(listed.out.lines().count(), 3, "{listed:?}");
    assert!(listed.out.lines().all(|line| line.contains("  app  ")), "{listed:?}");
}

/// What cannot be opened or read is said with a status of its own, and the rest is salvaged.
#[test]
fn what_is_damaged_or_does_not_open_is_said() {
    let sandbox = Sandbox::new();
    sandbox.sql("app.db", "CREATE TABLE whole (a); INSERT INTO whole VALUES (1), (2)");
    sandbox.done(&["backup", "app.db"]);
    sandbox.sql("app.db", "CREATE TABLE torn (a, b); INSERT INTO torn VALUES (1, hex(randomblob(5000)))");
    sandbox.done(&["backup", "app.db", "--name", "both"]);
    let (place, key) = ("rowkeep-repository", "rowkeep-repository.key");
    let pack = files_below(&sandbox.path(place).join("packs"));
    let pack =
        pack.iter().max_by_key(|file| fs::metadata(file).map_or(0, |file| file.len())).expect("a pack");
    let mut bytes = fs::read(pack).expect("it can be read");
    let whole = read(&sandbox, &["sql", place, "both", "--key-file", key]).expect(0).out;

    // What is no object of a repository is none that is lost; a snapshot that the ledger knows is.
    let snapshots = sandbox.path(place).join("snapshots");
    fs::write(snapshots.join("stray"), "x").expect("it can be written");
    let listed = read(&sandbox, &["list", place, "--key-file", key]).expect(0);
    assert_eq!(listed.out.lines().count(), 2, "{listed:?}");
    read(&sandbox, &["verify", place, "--key-file", key]).expect(0);
    let id = listed.out.lines().last().and_then(|line| line.split(' ').next()).expect("an id");
    fs::rename(snapshots.join(id), sandbox.path("apart")).expect("it can be moved");
    for command in ["list", "verify"] {
        let lost = read(&sandbox, &[command, place, "--key-file", key]).expect(3);
        lost.says(&[&format!("snapshot {id} is lost")]);
    }
    fs::rename(sandbox.path("apart"), snapshots.join(id)).expect("it can be moved");

    // The index says of a pack what its own end no longer does.
    fs::write(pack, &bytes[..bytes.len() - 5]).expect("it can be written");
    let verified = read(&sandbox, &["verify", place, "both", "--key-file", key]).expect(3);
    assert!(!verified.out.contains("DAMAGED"), "{verified:?}");
    verified.says(&["it is not a whole pack"]);
    assert_eq!(read(&sandbox, &["sql", place, "both", "--key-file", key]).expect(0).out, whole);

    bytes[3000] ^= 1;
    fs::write(pack, bytes).expect("it can be written");

    let verified = read(&sandbox, &["verify", place, "both", "--key-file", key]).expect(3);
    assert!(verified.out.contains("  DAMAGED  torn: "), "{verified:?}");
    assert!(verified.out.contains("2 rows  whole"), "{verified:?}");
    read(&sandbox, &["sql", place, "both", "--key-file", key]).expect(3).says(&["table torn", "--salvage"]);
    let salvaged = read(&sandbox, &["sql", place, "both", "--key-file", key, "--salvage"]).expect(3);
    fs::write(sandbox.path("both.sql"), &salvaged.out).expect("it is written");
    load(&sandbox, "both.sql", "both.db");
    assert_eq!(sandbox.query("both.db", "SELECT count(*), (SELECT count(*) FROM torn) FROM whole"), "2|0");
    salvaged.says(&["table torn lacks rows"]);

    fs::write(sandbox.path("other.key"), format!("key {}\n", "0".repeat(64))).expect("it is written");
    read(&sandbox, &["list", place, "--key-file", "other.key"]).expect(4);
    read(&sandbox, &["list", place, "--unencrypted"]).expect(4).says(&["is encrypted"]);
    read(&sandbox, &["list", "nowhere", "--key-file", key]).expect(1).says(&["is no repository"]);
    read(&sandbox, &["csv", place, "both", "--key-file", key]).expect(2).says(&["needs a folder"]);
    let config = sandbox.path(place).join("config");
    let newer = fs::read_to_string(&config).expect("it is text").replace("\"format\":1", "\"format\":3");
    fs::write(&config, newer.replace("\"format\":2", "\"format\":3")).expect("it can be written");
    read(&sandbox, &["list", place, "--key-file", key]).expect(1).says(&["format 3", "take a newer one"]);
}

const SHOP: &str = "CREATE SCHEMA audit; CREATE TYPE state AS ENUM ('new', 'paid');
    CREATE TABLE customers (id serial PRIMARY KEY, name text NOT NULL, email text UNIQUE, born date, twice text GENERATED ALWAYS AS (name || name) STORED);
    CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer int NOT NULL REFERENCES customers, state state,
        price numeric(12,2), tags text[], placed timestamptz, took interval, cents money, ratio float8, raw bytea, more jsonb, who uuid);
    CREATE TABLE audit.\"Log, entries\" (at timestamp(3), what text); CREATE TABLE nothing (); INSERT INTO nothing DEFAULT VALUES;
    CREATE TABLE parts (id int, day date) PARTITION BY RANGE (day); CREATE TABLE parts_1 PARTITION OF parts DEFAULT;
    CREATE TABLE parent (a int); CREATE TABLE child (b int) INHERITS (parent);
    INSERT INTO customers (name, email, born) SELECT E'C\\t\\n\\r\\\\' || i, 'c' || i || '@example.org', date '1950-01-01' + i FROM generate_series(1, 500) i;
    INSERT INTO customers (name, born) VALUES ('', 'infinity'), ('\\N', '0044-03-15 BC'), (E'\\\\.', NULL);
    INSERT INTO orders (customer, state, price, tags, placed, took, cents, ratio, raw, more, who)
        SELECT 1 + i % 500, 'paid', i / 7.0, ARRAY['a', NULL, '\"' || i], '2024-03-31 01:30+00'::timestamptz + i * interval '1 hour',
            make_interval(days => -i, hours => i), i, i / 3.0, decode(md5(i::text), 'hex'), jsonb_build_object('n', i), md5(i::text)::uuid
        FROM generate_series(1, 2000) i;
    INSERT INTO audit.\"Log, entries\" VALUES ('2024-01-01', 'x'), ('2024-01-01', 'x'), (NULL, NULL);
    INSERT INTO parts SELECT i, date '2024-01-01' + i FROM generate_series(1, 9) i; INSERT INTO parent VALUES (1); INSERT INTO child VALUES (2, 3);
    CREATE MATERIALIZED VIEW revenue AS SELECT customer, sum(price) FROM orders GROUP BY customer;
    CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$;
    CREATE TRIGGER no BEFORE INSERT ON parent FOR EACH ROW EXECUTE FUNCTION no();
    SELECT lo_from_bytea(4711, decode(repeat('ab', 300000), 'hex')); COMMENT ON LARGE OBJECT 4711 IS 'it''s';
    GRANT SELECT ON LARGE OBJECT 4711 TO PUBLIC; SELECT lo_create(4712); SELECT setval('customers_id_seq', 900, false);";

#[test]
fn a_repository_of_postgresql_is_read() {
    for server in servers() {
        let sandbox = Sandbox::new();
        let [shop, copy, masked] =
            ["", "_copy", "_masked"].map(|name| server.database(&format!("rowkeep_cli_reader{name}")));
        shop.sql(SHOP);
        sandbox.done(&["backup", &shop.url(), "--name", "first"]);
        shop.sql("UPDATE orders SET price = price + 1 WHERE id % 500 = 0; DELETE FROM orders WHERE id = 7");
        sandbox.done(&["backup", &shop.url(), "--name", "second"]);
        let rules = "\"customers.email\" = \"hash\"\n\"customers.name\" = \"fake-name\"\n\"customers.born\" = \"keep\"\n";
        fs::write(sandbox.path("rules.toml"), rules).expect("it is written");
        sandbox.done(&["backup", &shop.url(), "--name", "masked", "--mask=rules.toml"]);

        let (place, key) = ("rowkeep-repository", "rowkeep-repository.key");
        for name in ["first", "second", "masked"] {
            let wanted = [place, name, "--key-file", key];
            assert_eq!(proven(&sandbox, &wanted), known(&sandbox, name, &[]), "{name}");
        }
        for (name, to) in [("second", &copy), ("masked", &masked)] {
            script(&sandbox, &[place, name, "--key-file", key], "script.sql");
            to.file(&sandbox.path("script.sql"));
            sandbox.done(&["verify", name, "--against", &to.url()]);
        }

        read(&sandbox, &["csv", place, "second", "tables", "--key-file", key]).expect(0);
        sandbox.done(&["export", "second", "--to", "exported", "--no-checksum"]);
        let exported = files_below(&sandbox.path("exported"));
        assert!(exported.len() >= 6, "{exported:?}");
        for file in exported {
            let theirs = sandbox.path("tables").join(file.file_name().expect("a name"));
            assert_eq!(fs::read(&theirs).ok(), fs::read(&file).ok(), "{}", file.display());
        }
    }
}
