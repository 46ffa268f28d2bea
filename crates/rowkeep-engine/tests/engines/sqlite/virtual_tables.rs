//! Virtual tables: what they keep beside them is restored as it was, and they work.

use rowkeep_engine::conformance::read_all;
use rowkeep_format::TableKind;

use super::{TestFile, copied};

#[tokio::test(flavor = "multi_thread")]
async fn full_text_indexes_of_every_sort() {
    let original = TestFile::new();
    original.execute(
        "CREATE VIRTUAL TABLE own USING fts5 (title, body, tokenize = 'porter unicode61', prefix = '2 3');
         INSERT INTO own VALUES ('Hello', 'the quick brown fox'), ('Wörld', 'jumped over it''s dogs'), ('', NULL);
         CREATE TABLE article (id INTEGER PRIMARY KEY, text TEXT);
         CREATE VIRTUAL TABLE outside USING fts5 (text, content = 'article', content_rowid = 'id');
         CREATE TRIGGER keep AFTER INSERT ON article BEGIN INSERT INTO outside (rowid, text) VALUES (new.id, new.text); END;
         INSERT INTO article VALUES (1, 'one fine day'), (5, 'another day');
         CREATE VIRTUAL TABLE none USING fts5 (a, b, content = '');
         INSERT INTO none (rowid, a, b) VALUES (7, 'alpha', 'beta');
         CREATE VIRTUAL TABLE deletable USING fts5 (a, content = '', contentless_delete = 1, detail = none);
         CREATE VIRTUAL TABLE small USING fts5 (a, content = '', columnsize = 0); INSERT INTO small (rowid, a) VALUES (1, 'x');
         INSERT INTO deletable (rowid, a) VALUES (3, 'gamma'), (4, 'delta'); DELETE FROM deletable WHERE rowid = 3;
         CREATE VIRTUAL TABLE words USING fts5vocab ('own', 'row');
         CREATE VIRTUAL TABLE old USING fts4 (x, y, tokenize = simple); INSERT INTO old VALUES ('ancient', 'text'), ('more', 'ancient');
         CREATE VIRTUAL TABLE older USING fts3 (z); INSERT INTO older VALUES ('oldest');",
    );
    let (copy, notes) = copied(&original).await;
    assert_eq!(notes, Vec::<String>::new());
    let connection = copy.connect();
    let count = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).expect("an answer");
    assert_eq!(count("SELECT count(*) FROM own WHERE own MATCH 'jump'"), 1);
    assert_eq!(count("SELECT rowid FROM outside WHERE outside MATCH 'another'"), 5);
    assert_eq!(count("SELECT rowid FROM none WHERE none MATCH 'b : beta'"), 7);
    assert_eq!(count("SELECT count(*) FROM deletable WHERE deletable MATCH 'gamma'"), 0);
    assert_eq!(count("SELECT count(*) FROM old WHERE old MATCH 'ancient'"), 2);
    assert_eq!(count("SELECT count(*) FROM older WHERE older MATCH 'oldest'"), 1);
    assert!(count("SELECT count(*) FROM words") > 5);
    connection
        .execute_batch(
            "INSERT INTO own (own) VALUES ('integrity-check'); INSERT INTO outside (outside, rank) VALUES ('integrity-check', 1);
             INSERT INTO old (old) VALUES ('integrity-check'); INSERT INTO article VALUES (6, 'day six');",
        )
        .expect("the indexes are whole");
    assert_eq!(count("SELECT count(*) FROM outside WHERE outside MATCH 'day'"), 3);

    let (schema, _) = read_all(&original.sqlite()).await;
    let kind =
        |name: &str| schema.tables.iter().find(|table| table.name.name == name).map(|table| table.kind);
    assert_eq!(kind("own"), None);
    assert_eq!(kind("own_data"), Some(TableKind::Shadow));
    assert_eq!(kind("article"), Some(TableKind::Table));
}

#[tokio::test(flavor = "multi_thread")]
async fn spatial_indexes() {
    let original = TestFile::new();
    original.execute(
        "CREATE VIRTUAL TABLE box USING rtree (id, x0, x1, y0, y1, +name TEXT);
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
         INSERT INTO box SELECT i, i, i + 1.5, -i, i, 'box ' || i FROM n; DELETE FROM box WHERE id % 7 = 0;
         CREATE VIRTUAL TABLE cell USING rtree_i32 (id, a0, a1); INSERT INTO cell VALUES (1, -5, 5);",
    );
    let (copy, notes) = copied(&original).await;
    assert_eq!(notes, Vec::<String>::new());
    let connection = copy.connect();
    let sql = "SELECT group_concat(name) FROM box WHERE x0 >= 10 AND x1 <= 13";
    let names: String = connection.query_row(sql, [], |row| row.get(0)).expect("an answer");
    assert_eq!(names, "box 10,box 11");
    let check: String =
        connection.query_row("SELECT rtreecheck('box')", [], |row| row.get(0)).expect("an answer");
    assert_eq!(check, "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn modules_that_nobody_knows_are_kept_all_the_same() {
    let original = TestFile::new();
    original.execute(
        "CREATE TABLE their_data (id INTEGER PRIMARY KEY, block BLOB); INSERT INTO their_data VALUES (1, x'0102');
         PRAGMA writable_schema = ON;
         INSERT INTO sqlite_schema VALUES ('table', 'their', 'their', 0, 'CREATE VIRTUAL TABLE their USING vec0(embedding float[4])');",
    );
    let copy = TestFile::new();
    let notes = rowkeep_engine::conformance::copy(&original.sqlite(), &copy.sqlite()).await;
    assert_eq!(notes, Vec::<String>::new());
    let schema = |file: &TestFile| {
        let sql = "SELECT group_concat(type || name || rootpage || sql) FROM sqlite_schema";
        file.connect().query_row(sql, [], |row| row.get::<_, String>(0)).expect("a schema")
    };
    assert_eq!(schema(&original).replace('2', ""), schema(&copy).replace('2', ""));
    let (_, rows) = read_all(&copy.sqlite()).await;
    assert!(rows.iter().any(|(table, rows)| table.name == "their_data" && rows.rows() == 1));
}
