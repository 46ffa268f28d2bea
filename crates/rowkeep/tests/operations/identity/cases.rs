//! Single cases of rows whose rowids are no names.

use rowkeep::Context;
use rowkeep::apply::plan::Mode;
use rowkeep::diff::WantedRows;
use rowkeep::format::Counts;
use rowkeep::jobs::history::{What, history};
use rowkeep::rows::condition::{KeyReference, parse_key};
use rowkeep::state::owner::Owner;

use super::restore;
use crate::apply::{File, Live, hashes, take_back};

/// What a query gives: values divided by `|`, rows by a space.
fn query(live: &File, sql: &str) -> String {
    let database = rusqlite::Connection::open(live.url()).expect("it opens");
    let mut statement = database.prepare(sql).expect("it is sound");
    let columns = statement.column_count();
    let row = |row: &rusqlite::Row<'_>| {
        let value = |column| row.get::<_, rusqlite::types::Value>(column).map(|value| format!("{value:?}"));
        Ok((0..columns).map(value).collect::<rusqlite::Result<Vec<_>>>()?.join("|"))
    };
    let rows = statement.query_map([], row).and_then(Iterator::collect::<rusqlite::Result<Vec<_>>>);
    rows.expect("it is read").join(" ").replace("Text(", "").replace("Integer(", "").replace([')', '"'], "")
}

fn named(keys: &[&str]) -> Option<WantedRows> {
    let keys = keys.iter().map(|key| parse_key(key).expect("it is a key")).collect();
    Some(WantedRows { condition: None, keys })
}

fn counts(inserted: u64, updated: u64, deleted: u64) -> Counts {
    Counts { inserted, updated, deleted }
}

#[test]
fn a_rowid_that_another_row_got_makes_it_no_other_row() {
    let live = File::new();
    live.sql("CREATE TABLE u (id TEXT PRIMARY KEY, v TEXT); INSERT INTO u VALUES ('a', '1'), ('b', '2'), ('c', '3')");
    let snapshot = live.world().capture(live.url()).expect("it is captured");
    live.sql("DELETE FROM u WHERE id = 'c'; INSERT INTO u VALUES ('d', '4')");
    let rows = || query(&live, "SELECT rowid, id, v FROM u ORDER BY id");
    let harmed = rows();
    assert_eq!(harmed, "1|a|1 2|b|2 3|d|4");
    for (mode, wanted) in [
        (Mode::Update, None),
        (Mode::Merge, None),
        (Mode::Replace, named(&["u:c"])),
        (Mode::Merge, named(&["u:c", "u:d", "u:b"])),
    ] {
        let (planned, outcome) = restore(&live, &snapshot, mode, wanted);
        let outcome = outcome.expect("it is restored");
        assert_eq!(planned, counts(1, 0, 0), "{mode:?}");
        assert_eq!(rows(), "1|a|1 2|b|2 4|c|3 3|d|4", "{mode:?}");
        assert!(
            outcome.applied.notes.iter().any(|note| note.starts_with("1 row of table u got another rowid")),
            "{:?}",
            outcome.applied.notes
        );
        take_back(&live);
        assert_eq!(rows(), harmed);
    }
    let (planned, outcome) = restore(&live, &snapshot, Mode::Replace, None);
    outcome.expect("it is restored");
    assert_eq!((planned, rows().as_str()), (counts(1, 0, 1), "1|a|1 2|b|2 3|c|3"));
}

#[test]
fn rowids_trade_places() {
    let live = File::new();
    live.sql("CREATE TABLE u (a TEXT, b INT, v TEXT, PRIMARY KEY (a, b)); INSERT INTO u VALUES ('x', 1, 'p'), ('x', 2, 'q'), ('y', 1, 'r')");
    let snapshot = live.world().capture(live.url()).expect("it is captured");
    live.sql("UPDATE u SET rowid = -rowid; UPDATE u SET rowid = rowid + 4");
    assert_eq!(query(&live, "SELECT rowid, a, b FROM u ORDER BY a, b"), "3|x|1 2|x|2 1|y|1");
    let before = hashes(&live.world().capture(live.url()).expect("it is captured"));
    for (mode, planned) in [(Mode::Merge, 0), (Mode::Update, 0), (Mode::Replace, 2)] {
        let (found, outcome) = restore(&live, &snapshot, mode, None);
        outcome.expect("it is restored");
        assert_eq!(found, counts(0, planned, 0), "{mode:?}");
    }
    assert!(live.world().verify(&snapshot, live.url()).expect("it is read"));
    take_back(&live);
    assert_eq!(hashes(&live.world().capture(live.url()).expect("it is captured")), before);
}

#[test]
fn rows_that_were_numbered_anew_are_the_same() {
    let live = File::new();
    live.sql("CREATE TABLE u (id TEXT PRIMARY KEY, v TEXT); INSERT INTO u (rowid, id, v) VALUES (5, 'a', '1'), (70, 'b', '2'), (71, NULL, '3')");
    let snapshot = live.world().capture(live.url()).expect("it is captured");
    live.sql("DELETE FROM u WHERE id IS NULL; UPDATE u SET v = 'x' WHERE id = 'b'");
    // As VACUUM may do.
    live.sql("UPDATE u SET rowid = 1 WHERE id = 'a'; UPDATE u SET rowid = 2 WHERE id = 'b'");
    assert_eq!(query(&live, "SELECT rowid, id FROM u"), "1|a 2|b");
    let (planned, outcome) = restore(&live, &snapshot, Mode::Update, None);
    outcome.expect("it is restored");
    assert_eq!(planned, counts(1, 1, 0), "rowids alone are nothing to update");
    assert_eq!(query(&live, "SELECT rowid, id, v FROM u"), "1|a|1 2|b|2 71|Null|3");
    let (planned, outcome) = restore(&live, &snapshot, Mode::Replace, None);
    outcome.expect("it is restored");
    assert_eq!(planned, counts(0, 2, 0));
    assert!(live.world().verify(&snapshot, live.url()).expect("it is read"));
}

#[test]
fn a_full_text_index_finds_the_rows_that_come_back() {
    let live = File::new();
    live.sql(
        "CREATE TABLE article (id TEXT PRIMARY KEY, body TEXT);
         CREATE VIRTUAL TABLE search USING fts5 (body, content = 'article', content_rowid = 'rowid');
         INSERT INTO article VALUES ('a', 'alpha'), ('b', 'beta'), ('c', 'gamma');
         INSERT INTO search (search) VALUES ('rebuild')",
    );
    let snapshot = live.world().capture(live.url()).expect("it is captured");
    live.sql("DELETE FROM article WHERE id <> 'b'; INSERT INTO article VALUES ('d', 'delta'), ('a', 'alpha'); INSERT INTO search (search) VALUES ('rebuild')");
    let found = |word: &str| {
        query(
            &live,
            &format!(
                "SELECT id FROM search JOIN article ON article.rowid = search.rowid WHERE search MATCH '{word}'"
            ),
        )
    };
    assert_eq!((found("gamma"), found("delta"), found("alpha")), (String::new(), "d".into(), "a".into()));
    restore(&live, &snapshot, Mode::Replace, None).1.expect("it is restored");
    assert_eq!((found("gamma"), found("delta"), found("alpha")), ("c".into(), String::new(), "a".into()));
    assert!(live.world().verify(&snapshot, live.url()).expect("it is read"));
    take_back(&live);
    assert_eq!((found("gamma"), found("delta"), found("alpha")), (String::new(), "d".into(), "a".into()));
}

#[test]
fn the_history_of_a_row_follows_its_identity() {
    let live = File::new();
    let capture = || live.world().capture(live.url()).expect("it is captured");
    live.sql("CREATE TABLE u (id TEXT COLLATE NOCASE PRIMARY KEY, v TEXT); INSERT INTO u VALUES ('a', '1'), ('C', '3')");
    capture();
    live.sql("DELETE FROM u WHERE id = 'c'; INSERT INTO u VALUES ('d', '4')");
    capture();
    live.sql("INSERT INTO u VALUES ('c', '5')");
    capture();
    let row = KeyReference::new("u", "c").expect("it is a key");
    let world = live.world();
    let found = world
        .block_on(history(&Context::silent(), &world.repository, &Owner::named("test"), &row))
        .expect("it is read");
    let what: Vec<_> = found.versions.iter().map(|version| version.what).collect();
    assert_eq!(what, [What::WasThere, What::Vanished, What::CameBack]);
}

/// Before the key was there, nothing saw to it that each was on one row.
#[test]
fn a_state_may_have_rows_that_a_later_key_takes_for_one() {
    let live = File::new();
    live.sql("CREATE TABLE u (id TEXT, v TEXT); INSERT INTO u VALUES ('a', '1'), ('a', '2'), ('b', '3')");
    let snapshot = live.world().capture(live.url()).expect("it is captured");
    live.sql("DROP TABLE u; CREATE TABLE u (id TEXT PRIMARY KEY, v TEXT); INSERT INTO u VALUES ('b', '3'), ('a', '1')");
    let (planned, outcome) = restore(&live, &snapshot, Mode::Merge, None);
    assert_eq!(planned, counts(1, 0, 0));
    outcome.expect_err("the key is taken");
    assert_eq!(query(&live, "SELECT id, v FROM u ORDER BY id"), "a|1 b|3");
}

#[test]
fn a_column_that_the_snapshot_lacks_keeps_its_values() {
    let live = File::new();
    live.sql("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT); INSERT INTO t VALUES (1, 'a'); CREATE TABLE u (id TEXT PRIMARY KEY, v TEXT); INSERT INTO u VALUES ('x', 'a')");
    let snapshot = live.world().capture(live.url()).expect("it is captured");
    for table in ["t", "u"] {
        live.sql(&format!("ALTER TABLE {table} ADD COLUMN w TEXT; UPDATE {table} SET v = 'b', w = 'new'"));
    }
    let (planned, outcome) = restore(&live, &snapshot, Mode::Replace, None);
    outcome.expect("it is restored");
    assert_eq!(planned, counts(0, 2, 0));
    assert_eq!(query(&live, "SELECT v, w FROM t UNION ALL SELECT v, w FROM u"), "a|new a|new");
}

/// What a row refers to is found by the collation of what it refers to.
#[test]
fn references_are_followed_as_the_key_compares() {
    let live = File::new();
    live.sql(
        "CREATE TABLE parents (id TEXT COLLATE NOCASE PRIMARY KEY); CREATE TABLE children (p TEXT REFERENCES parents (id), n INTEGER PRIMARY KEY);
         INSERT INTO parents VALUES ('Abc'); INSERT INTO children VALUES ('ABC', 1), ('abc', 2)",
    );
    let snapshot = live.world().capture(live.url()).expect("it is captured");
    live.sql("DELETE FROM children");
    let (planned, outcome) = restore(&live, &snapshot, Mode::Merge, None);
    outcome.expect("no reference would dangle");
    assert_eq!(planned, counts(2, 0, 0));
}

/// A row whose key is written in another way goes and comes within the database, and nothing takes its rowid meanwhile.
#[test]
fn a_row_that_stays_keeps_its_rowid() {
    let live = File::new();
    live.sql("CREATE TABLE u (id TEXT COLLATE NOCASE PRIMARY KEY, v TEXT); INSERT INTO u VALUES ('a', '1'); INSERT INTO u (rowid, id, v) VALUES (5, 'KEY', '2')");
    let snapshot = live.world().capture(live.url()).expect("it is captured");
    live.sql("DELETE FROM u; INSERT INTO u VALUES ('key', '2')");
    let (planned, outcome) = restore(&live, &snapshot, Mode::Update, None);
    outcome.expect("it is restored");
    assert_eq!(planned, counts(1, 1, 0));
    assert_eq!(query(&live, "SELECT rowid, id FROM u ORDER BY rowid"), "1|KEY 2|a");
}
