//! SQLite databases with what SQLite would not take again, or only takes from their application.

use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;

use crate::sandbox::Sandbox;

/// A connection of the application that has the collation `unicase` and the function `own`.
fn connect(sandbox: &Sandbox, file: &str) -> Connection {
    let database = Connection::open(sandbox.path(file)).expect("the database opens");
    let fold = |a: &str, b: &str| a.to_lowercase().cmp(&b.to_lowercase());
    database.create_collation("unicase", fold).expect("a collation");
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    let own = |context: &rusqlite::functions::Context<'_>| context.get::<i64>(0).map(|number| number + 1);
    database
        .create_scalar_function("own", 1, flags | FunctionFlags::SQLITE_INNOCUOUS, own)
        .expect("a function");
    database
}

/// Runs SQL as that application does.
fn application(sandbox: &Sandbox, file: &str, sql: &str) {
    let database = connect(sandbox, file);
    database.execute_batch(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    let check: String = database.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("a check");
    assert!(check == "ok" || check.contains("NULL value in") || check.contains("value in"), "{check}");
}

/// As Anki has it.
const CARDS: &str = "
    CREATE TABLE notes (id INTEGER PRIMARY KEY, flds TEXT NOT NULL); INSERT INTO notes VALUES (1, 'front'), (2, 'back');
    CREATE TABLE tags (tag TEXT NOT NULL COLLATE unicase PRIMARY KEY, usn INT) WITHOUT ROWID;
    INSERT INTO tags VALUES ('Verb', 1), ('noun', 2);
    CREATE INDEX tags_by_usn ON tags (usn); CREATE TRIGGER tagged AFTER INSERT ON tags BEGIN SELECT 1; END;
    CREATE TABLE fields (ntid INT, ord INT, name TEXT NOT NULL COLLATE unicase, PRIMARY KEY (ntid, ord)) WITHOUT ROWID;
    CREATE UNIQUE INDEX by_name ON fields (name, ntid); INSERT INTO fields VALUES (1, 0, 'Front'), (1, 1, 'back');
    CREATE TABLE none (a COLLATE unicase UNIQUE);";

#[test]
fn tables_in_the_order_of_an_application_come_back_and_are_completed_by_it() {
    let sandbox = Sandbox::new();
    application(&sandbox, "cards.db", CARDS);
    sandbox.done(&["backup", "cards.db", "--name", "all"]);
    sandbox.run(&["restore", "all", "--to", "strict.db", "--strict"]).expect(1).says(&["unicase"]);
    assert!(!sandbox.path("strict.db").exists());

    let ran = sandbox.run(&["restore", "all", "--to", "new.db", "--report", "report.txt"]).expect(3);
    assert!(
        ran.err.contains("2 parts of the schema") || ran.out.contains("2 parts of the schema"),
        "{ran:?}"
    );
    assert_eq!(sandbox.query("new.db", "SELECT tag, usn FROM tags ORDER BY usn"), "Verb|1\nnoun|2");
    // SQLite itself reads no table WITHOUT ROWID any more whose columns are in an order that it does not know.
    let theirs = connect(&sandbox, "new.db");
    let ask = |sql: &str| theirs.query_row(sql, [], |row| row.get::<_, String>(0)).expect("a row");
    assert_eq!(ask("SELECT group_concat(name) FROM (SELECT name FROM fields ORDER BY ord)"), "Front,back");
    assert_eq!(ask("PRAGMA integrity_check"), "ok");
    drop(theirs);
    // A table without rows is in any order.
    assert!(sandbox.query("new.db", "SELECT sql FROM sqlite_schema WHERE name = 'none'").contains("unicase"));
    let report = std::fs::read_to_string(sandbox.path("report.txt")).expect("it is written");
    assert!(report.contains("unicase") && report.contains("by_name"), "{report}");

    let fixups = std::fs::read_to_string(sandbox.path("fixups.sql")).expect("it is written");
    application(&sandbox, "new.db", &fixups);
    sandbox.done(&["verify", "all", "--against", "new.db"]);
    let schema = "SELECT group_concat(sql, ';') FROM (SELECT sql FROM sqlite_schema ORDER BY type, name)";
    assert_eq!(sandbox.query("new.db", schema), sandbox.query("cards.db", schema));

    // What has nothing to do with them is not in their way.
    sandbox.run(&["restore", "all", "--to", "notes.db", "--tables", "notes"]).expect(0);
    assert_eq!(sandbox.query("notes.db", "SELECT count(*) FROM notes"), "2");
    sandbox.run(&["restore", "all", "--to", "rest.db", "--keep-tables", "tags,fields"]).expect(0);
    assert_eq!(sandbox.query("rest.db", "SELECT count(*) FROM notes"), "2");
    application(&sandbox, "cards.db", "DELETE FROM notes WHERE id = 1");
    sandbox.done(&["restore", "all", "--to", "cards.db", "--yes"]);
    sandbox.done(&["verify", "all", "--against", "cards.db"]);
}

/// Rows under definitions that were written over theirs.
const NOT_CONFORMING: &str = "
    PRAGMA foreign_keys = OFF;
    CREATE TABLE n (a, b); INSERT INTO n VALUES (NULL, 1), (2, 'x');
    CREATE TABLE s (id INTEGER PRIMARY KEY, n, t, x); INSERT INTO s VALUES (1, 'abc', 5, '7'), (2, '12', x'00', 8);
    CREATE TABLE g (a INTEGER PRIMARY KEY, b, c TEXT AS (b || 'x') STORED); INSERT INTO g (a) VALUES (1);
    CREATE TABLE k (a, b); INSERT INTO k VALUES (NULL, 'x'), (NULL, 'y'), (1, 'z'); CREATE UNIQUE INDEX by_a ON k (a);
    CREATE TABLE w (a, b, PRIMARY KEY (b, a)) WITHOUT ROWID; INSERT INTO w VALUES ('1', 2), ('x', 3);
    CREATE TABLE checked (a CHECK (a > 0)); PRAGMA ignore_check_constraints = ON; INSERT INTO checked VALUES (-1);
    CREATE TABLE child (id INTEGER PRIMARY KEY, p REFERENCES n, q REFERENCES nowhere (z)); INSERT INTO child VALUES (1, 9, 9);
    PRAGMA writable_schema = ON;
    UPDATE sqlite_schema SET sql = 'CREATE TABLE n (a NOT NULL ON CONFLICT IGNORE, b integer)' WHERE name = 'n';
    UPDATE sqlite_schema SET sql = 'CREATE TABLE s (id INTEGER PRIMARY KEY, n INT, t TEXT NOT NULL, x ANY) STRICT' WHERE name = 's';
    UPDATE sqlite_schema SET sql = 'CREATE TABLE g (a INTEGER PRIMARY KEY, b TEXT NOT NULL, c TEXT NOT NULL AS (b || ''x'') STORED)'
        WHERE name = 'g';
    UPDATE sqlite_schema SET sql = 'CREATE TABLE k (a NOT NULL, b)' WHERE name = 'k';
    UPDATE sqlite_schema SET sql = 'CREATE TABLE w (a INT, b TEXT, PRIMARY KEY (b, a)) STRICT, WITHOUT ROWID' WHERE name = 'w';
    PRAGMA writable_schema = RESET;";

#[test]
fn rows_that_do_not_conform_are_as_they_were() {
    let sandbox = Sandbox::new();
    sandbox.sql("odd.db", NOT_CONFORMING);
    sandbox.done(&["backup", "odd.db", "--name", "all"]).says(&["a key of table k holds the same twice"]);
    sandbox.done(&["restore", "all", "--to", "new.db"]).says(&["table n has rows that do not conform to it"]);
    for (table, exact) in [
        ("n", "typeof(a), a, typeof(b), b"),
        ("s", "id, typeof(n), n, typeof(t), t, typeof(x), x"),
        ("g", "a, b, c"),
        ("k", "a, b"),
        ("w", "typeof(a), a, typeof(b), b"),
        ("checked", "a"),
        ("child", "id, p, q"),
    ] {
        let rows =
            format!("SELECT {exact} FROM {table} ORDER BY rowid").replace("FROM w ORDER BY rowid", "FROM w");
        assert_eq!(sandbox.query("new.db", &rows), sandbox.query("odd.db", &rows), "{table}");
    }
    let found = "SELECT group_concat(sql, ';') FROM (SELECT sql FROM sqlite_schema ORDER BY type, name)";
    assert_eq!(sandbox.query("new.db", found), sandbox.query("odd.db", found));
    let found = "PRAGMA integrity_check";
    assert_eq!(sandbox.query("new.db", found), sandbox.query("odd.db", found));
    sandbox.done(&["verify", "all", "--against", "odd.db"]);
}

/// Two rows that are one to a unique key, and what only the application computes.
const TAKEN: &str = "
    CREATE TABLE i (a NOT NULL, b); INSERT INTO i VALUES (1, 'x'), (1, 'y'), (2, 'z'); CREATE INDEX by_a ON i (a);
    CREATE TABLE u (a, b); INSERT INTO u VALUES (1, 'x'), (1, 'it''s'), (2, 'z'); CREATE INDEX of_u ON u (a);
    CREATE TABLE c (a INTEGER, b AS (own(a)) STORED, c AS (own(a)) UNIQUE, d TEXT);
    INSERT INTO c (a, d) VALUES (1, 'x'), (2, 'y'); CREATE INDEX by_b ON c (b);
    CREATE INDEX by_own ON c (own(a)) WHERE own(a) > 2;
    CREATE VIEW v AS SELECT own(a) FROM c; CREATE TRIGGER r AFTER INSERT ON c BEGIN INSERT INTO nowhere VALUES (own(1)); END;
    PRAGMA writable_schema = ON;
    UPDATE sqlite_schema SET sql = 'CREATE UNIQUE INDEX by_a ON i (a)' WHERE name = 'by_a';
    UPDATE sqlite_schema SET sql = NULL, name = 'sqlite_autoindex_u_1' WHERE name = 'of_u';
    UPDATE sqlite_schema SET sql = 'CREATE TABLE u (a UNIQUE NOT NULL, b)' WHERE name = 'u';
    PRAGMA writable_schema = RESET;";

#[test]
fn what_sqlite_refuses_is_told_with_what_completes_it() {
    let sandbox = Sandbox::new();
    connect(&sandbox, "odd.db").execute_batch(TAKEN).expect("it is filled");
    sandbox.done(&["backup", "odd.db", "--name", "all"]);
    sandbox.run(&["restore", "all", "--to", "strict.db", "--strict"]).expect(1);
    let told = sandbox.json_of(3, &["restore", "all", "--to", "new.db", "--report", "report.txt"]);
    let left_out = told["left_out"].as_array().expect("a list").iter();
    let mut left_out: Vec<_> = left_out.map(|one| one["statement"].as_str().expect("a statement")).collect();
    left_out.sort_unstable();
    assert_eq!(
        left_out,
        [
            "CREATE INDEX by_own ON c (own(a)) WHERE own(a) > 2",
            "CREATE TABLE c (a INTEGER, b AS (own(a)) STORED, c AS (own(a)) UNIQUE, d TEXT)",
            "CREATE UNIQUE INDEX by_a ON i (a)",
            "INSERT INTO \"u\" (\"rowid\", \"a\", \"b\") VALUES (2, 1, 'it''s')",
        ],
        "{told:#}"
    );
    assert_eq!(sandbox.query("new.db", "SELECT count(*) FROM i"), "3");
    assert_eq!(sandbox.query("new.db", "SELECT a, b FROM u"), "1|x\n2|z");
    assert_eq!(sandbox.query("new.db", "SELECT a, d FROM c"), "1|x\n2|y");
    let defined = "SELECT group_concat(name, ' ') FROM (SELECT name FROM sqlite_schema WHERE type IN ('view', 'trigger'))";
    assert_eq!(sandbox.query("new.db", defined), "v r");

    sandbox.sql("new.db", "DELETE FROM u; DELETE FROM i WHERE b = 'y'");
    let fixups = std::fs::read_to_string(sandbox.path("fixups.sql")).expect("it is written");
    application(&sandbox, "new.db", &fixups);
    assert_eq!(sandbox.query("new.db", "SELECT b FROM c ORDER BY a"), "2\n3");
    assert_eq!(sandbox.query("new.db", "SELECT b FROM u"), "it's");
}

#[test]
fn tables_of_two_thousand_columns() {
    let sandbox = Sandbox::new();
    let columns =
        |first: usize| (first..2000).map(|number| format!("c{number}")).collect::<Vec<_>>().join(", ");
    sandbox.sql(
        "wide.db",
        &format!(
            "CREATE TABLE t ({}); INSERT INTO t (c1, c1999) VALUES (5, 'end'), (6, NULL);
             CREATE TABLE k (k TEXT PRIMARY KEY, {}) WITHOUT ROWID; INSERT INTO k (k, c7) VALUES ('a', 7)",
            columns(0),
            columns(1)
        ),
    );
    sandbox.done(&["backup", "wide.db", "--name", "all"]);
    sandbox.done(&["restore", "all", "--to", "new.db"]);
    sandbox.sql("wide.db", "DELETE FROM t WHERE c1 = 5; UPDATE t SET c1998 = 1; UPDATE k SET c7 = 8; INSERT INTO k (k) VALUES ('b')");
    sandbox.run(&["verify", "all", "--against", "wide.db"]).expect(3);
    sandbox.done(&["restore", "all", "--to", "wide.db", "--yes"]);
    sandbox.done(&["verify", "all", "--against", "wide.db"]);
    sandbox.done(&["undo", "wide.db", "--yes"]);
    assert_eq!(sandbox.query("wide.db", "SELECT c7 FROM k ORDER BY k"), "8\nNULL");
    sandbox.done(&["export", "all", "--format", "csv", "--to", "files"]);
    let head = std::fs::read_to_string(sandbox.path("files/t.csv")).expect("it is written");
    assert_eq!(head.lines().next().map(|line| line.split(',').count()), Some(2000));
}

#[test]
fn databases_without_rows_keep_their_encoding() {
    let enter = "PRAGMA writable_schema = ON; INSERT INTO sqlite_schema VALUES ('table', 'v', 'v', 0, 'CREATE VIRTUAL TABLE v USING theirs()')";
    for (name, sql) in [("views", "CREATE VIEW v AS SELECT 1"), ("virtual", enter)] {
        let sandbox = Sandbox::new();
        // SQLite notes the encoding with the first table.
        sandbox
            .sql("odd.db", &format!("PRAGMA encoding = 'UTF-16le'; CREATE TABLE t (a); DROP TABLE t; {sql}"));
        sandbox.done(&["backup", "odd.db", "--name", name]);
        sandbox.done(&["restore", name, "--to", "new.db"]);
        for asked in ["PRAGMA encoding", "SELECT name || sql FROM sqlite_schema"] {
            assert_eq!(sandbox.query("new.db", asked), sandbox.query("odd.db", asked), "{name}");
        }
    }
}
