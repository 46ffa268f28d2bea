use proptest::prelude::*;
use rowkeep_format::{RowBatch, TableName, Value, key};
use rusqlite::{Connection, params};

use super::*;
use crate::sqlite::catalog::properties::Properties;
use crate::sqlite::catalog::tables::{objects, tables};
use crate::sqlite::schema::readable_tables::readable_tables;

/// What identifies the rows of the table `t` that a statement makes, in words; nothing where the key does.
fn identified(sql: &str) -> Option<String> {
    let connection = Connection::open_in_memory().expect("it opens");
    connection.create_collation("custom", str::cmp).expect("it is made");
    connection.execute_batch(sql).expect("the statements run");
    let objects = objects(&connection).expect("they are read");
    let facts = tables(&connection, &objects).expect("they are read");
    let readable = readable_tables(&facts, &Properties::default());
    let found = readable.iter().find(|table| table.table.name == TableName::plain("t")).expect("it is there");
    let identity = found.table.identity.as_ref()?;
    let part = |part: &KeyColumn| format!("{} {:?}", found.table.columns[part.column].name, part.form);
    Some(identity.columns.iter().map(part).collect::<Vec<_>>().join(", "))
}

#[test]
fn rows_are_identified_as_the_database_tells_them_apart() {
    for (sql, expected) in [
        ("CREATE TABLE t (id TEXT PRIMARY KEY, v)", Some("id Equal, rowid IfNull")),
        ("CREATE TABLE t (id char(32) NOT NULL PRIMARY KEY, v)", None),
        ("CREATE TABLE t (id TEXT NOT NULL COLLATE NOCASE PRIMARY KEY, v)", Some("id NoCase")),
        ("CREATE TABLE t (id BLOB NOT NULL PRIMARY KEY, v)", Some("id Equal")),
        (
            "CREATE TABLE t (a INT, b TEXT COLLATE RTRIM, PRIMARY KEY (b, a))",
            Some("b RightTrimmed, a Equal, rowid IfNull"),
        ),
        ("CREATE TABLE t (a INT NOT NULL, b INT NOT NULL, PRIMARY KEY (b, a))", None),
        ("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT UNIQUE)", None),
        ("CREATE TABLE t (id INTEGER PRIMARY KEY DESC, v)", Some("id Equal, rowid IfNull")),
        (
            "CREATE TABLE t (a TEXT, b TEXT COLLATE NOCASE, PRIMARY KEY (a, b)) WITHOUT ROWID",
            Some("a Equal, b NoCase"),
        ),
        ("CREATE TABLE t (a TEXT, b TEXT, PRIMARY KEY (a, b)) WITHOUT ROWID", None),
        ("CREATE TABLE t (id TEXT COLLATE custom PRIMARY KEY)", None),
        ("CREATE TABLE t (a TEXT UNIQUE, v)", None),
        (
            "CREATE TABLE t (a TEXT NOT NULL, v); CREATE UNIQUE INDEX i ON t (a COLLATE NOCASE)",
            Some("a NoCase"),
        ),
        ("CREATE TABLE t (a TEXT NOT NULL, v); CREATE UNIQUE INDEX i ON t (lower(a))", None),
        (
            "CREATE TABLE t (a TEXT NOT NULL, v); CREATE UNIQUE INDEX i ON t (a COLLATE NOCASE) WHERE v > 1",
            None,
        ),
        ("CREATE TABLE t (id TEXT PRIMARY KEY, code TEXT NOT NULL UNIQUE)", Some("id Equal, rowid IfNull")),
        ("CREATE TABLE t (rowid, oid, _rowid_, id TEXT PRIMARY KEY)", None),
        (
            "CREATE TABLE t (a TEXT, b TEXT AS (a || 'x') STORED UNIQUE NOT NULL, c TEXT NOT NULL UNIQUE COLLATE NOCASE)",
            Some("c NoCase"),
        ),
        ("CREATE TABLE t (v)", None),
    ] {
        assert_eq!(identified(sql).as_deref(), expected, "{sql}");
    }
}

fn any_value() -> impl Strategy<Value = rusqlite::types::Value> {
    use rusqlite::types::Value::{Blob, Integer, Real, Text};
    prop_oneof![
        (-2i64..3).prop_map(Integer),
        any::<i64>().prop_map(Integer),
        (-2i8..3).prop_map(|number| Real(f64::from(number))),
        any::<i64>().prop_map(|number| Real(number as f64)),
        "[aA\u{e4}\u{c4}\u{0} z]{0,3}".prop_map(Text),
        prop::collection::vec(prop::sample::select(b"aA ".to_vec()), 0..3).prop_map(Blob),
    ]
}

fn encoded(form: KeyForm, value: &rusqlite::types::Value) -> Vec<u8> {
    use rusqlite::types::Value::{Blob, Integer, Null, Real, Text};
    let mut batch = RowBatch::new(1);
    batch.push_row([match value {
        Null => Value::Null,
        Integer(integer) => Value::Integer(*integer),
        Real(real) => Value::Real(real.to_bits()),
        Text(text) => Value::Text(text.as_bytes()),
        Blob(blob) => Value::Blob(blob),
    }]);
    let identity = Key { columns: vec![KeyColumn { column: 0, form }], unique: true };
    let mut out = Vec::new();
    key::encode(&identity, &batch, 0, &mut out).expect("every value has the form");
    out
}

#[test]
fn values_are_the_same_when_sqlite_says_so() {
    let connection = Connection::open_in_memory().expect("it opens");
    let runner = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) };
    let outcome =
        proptest::test_runner::TestRunner::new(runner).run(&(any_value(), any_value()), |(a, b)| {
            for (name, form) in COLLATIONS {
                let sql = format!("SELECT ?1 COLLATE {name} = ?2");
                let equal = connection.prepare(&sql).and_then(|mut statement| {
                    statement.query_row(params![a, b], |row| row.get::<_, bool>(0))
                });
                prop_assert_eq!(
                    encoded(form, &a) == encoded(form, &b),
                    equal.expect("it is compared"),
                    "{}",
                    name
                );
            }
            Ok(())
        });
    outcome.unwrap_or_else(|error| panic!("{error}"));
}
