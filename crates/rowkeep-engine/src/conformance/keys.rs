//! Tables of every shape: what is read is what is there, in key order, and a copy is the same.

use std::fmt::Write;

use rowkeep_format::{RowBatch, Value};

use super::fixture::Fixture;
use super::sandbox::{numbers, round_trip};

/// A table with an integer primary key, in order, with gaps and negative numbers.
pub async fn integer_keys(fixture: &dyn Fixture) {
    let done = round_trip(
        fixture,
        "CREATE TABLE t (id integer PRIMARY KEY, name text);
         INSERT INTO t VALUES (-5, 'a'), (0, 'b'), (9, 'd'), (10, 'e'), (100, 'c'), (2147483647, NULL);",
    )
    .await;
    let table = done.table("t");
    assert!(table.kind.is_user_table() && table.key.unique);
    assert_eq!(table.columns[table.key.columns[0].column].name, "id");
    assert_eq!(done.rows("t").rows(), 6);
}

/// Rows that were inserted, updated and deleted out of order.
pub async fn unsorted_integer_keys(fixture: &dyn Fixture) {
    let numbers = numbers(5_000);
    let sql = format!(
        "CREATE TABLE t (id integer PRIMARY KEY, n integer NOT NULL);
         {numbers} INSERT INTO t SELECT (n * 7919) % 5003, n FROM numbers;
         DELETE FROM t WHERE id % 3 = 0;
         UPDATE t SET id = -id WHERE id % 5 = 0;"
    );
    let done = round_trip(fixture, &sql).await;
    assert!(done.rows("t").rows() > 3_000);
}

/// Text keys in an order that no language's collation has: by bytes.
pub async fn text_keys(fixture: &dyn Fixture) {
    let done = round_trip(
        fixture,
        "CREATE TABLE t (k text NOT NULL PRIMARY KEY, v integer);
         INSERT INTO t VALUES ('b', 1), ('B', 2), ('a', 3), ('A', 4), ('ä', 5), ('z', 6), ('', 7), ('a b', 8),
             ('a-b', 9), ('ab', 10), ('10', 11), ('9', 12), ('日本', 13), ('🦀', 14), ('ﬀ', 15);",
    )
    .await;
    let key =
        done.table("t").columns.iter().position(|column| column.name == "k").expect("there is a column k");
    let rows = done.rows("t");
    let keys: Vec<_> = (0..rows.rows()).map(|row| rows.columns()[key].bytes(row).to_vec()).collect();
    assert_eq!(keys.len(), 15);
    assert!(keys.is_sorted());
}

/// A primary key of two columns, whose order is not that of the columns.
pub async fn composite_keys(fixture: &dyn Fixture) {
    let numbers = numbers(2_000);
    let sql = format!(
        "CREATE TABLE t (v text, b text NOT NULL, a integer NOT NULL, PRIMARY KEY (a, b));
         {numbers} INSERT INTO t SELECT NULL, CAST(n AS text), n % 37 FROM numbers;
         CREATE TABLE u (a integer NOT NULL, b integer NOT NULL, v text, UNIQUE (b, a));
         INSERT INTO u VALUES (1, 2, 'x'), (2, 1, 'y'), (1, 1, 'z');"
    );
    let done = round_trip(fixture, &sql).await;
    for (name, key) in [("t", ["a", "b"]), ("u", ["b", "a"])] {
        let table = done.table(name);
        let columns: Vec<_> =
            table.key.columns.iter().map(|part| table.columns[part.column].name.as_str()).collect();
        assert_eq!(columns, key, "the unique columns of {name} are its key");
        assert!(table.key.unique);
    }
}

/// A table without any key keeps equal rows as often as they are there.
pub async fn no_keys_with_duplicates(fixture: &dyn Fixture) {
    let numbers = numbers(1_000);
    let sql = format!(
        "CREATE TABLE t (a integer, b text);
         {numbers} INSERT INTO t SELECT n % 3, 'same' FROM numbers;
         INSERT INTO t VALUES (NULL, NULL), (NULL, NULL), (NULL, ''), (1, NULL);"
    );
    let done = round_trip(fixture, &sql).await;
    assert_eq!(done.rows("t").rows(), 1_004);
}

/// A unique column that may be NULL identifies nothing.
pub async fn nullable_unique_is_no_key(fixture: &dyn Fixture) {
    let done = round_trip(
        fixture,
        "CREATE TABLE t (a integer UNIQUE, b text);
         INSERT INTO t VALUES (2, 'x'), (NULL, 'y'), (NULL, 'y'), (1, 'z');",
    )
    .await;
    let table = done.table("t");
    let alone = table.key.columns.len() == 1 && table.columns[table.key.columns[0].column].name == "a";
    assert!(!alone, "a is not the key");
    assert_eq!(done.rows("t").rows(), 4);
}

/// NULL, the empty text and no bytes are three things.
pub async fn null_is_not_empty(fixture: &dyn Fixture) {
    let (blob, nothing) = (fixture.blob_type(), fixture.blob_literal(b""));
    let zero = fixture.blob_literal(&[0, 255, b'\\', b'\n', b'\'', 0]);
    let sql = format!(
        "CREATE TABLE t (id integer PRIMARY KEY, t text, b {blob});
         INSERT INTO t VALUES (1, NULL, NULL), (2, '', {nothing}), (3, 'NULL', {zero}), (4, 'a\\b\tc\nd\r\\N', NULL);"
    );
    let done = round_trip(fixture, &sql).await;
    let (text, bytes) = (column(&done, "t", "t"), column(&done, "t", "b"));
    let rows = done.rows("t");
    assert_eq!(rows.value(0, text), Value::Null);
    assert_eq!(rows.value(0, bytes), Value::Null);
    assert_eq!(rows.value(1, text), Value::Text(b""));
    assert_ne!(rows.value(1, bytes), Value::Null);
    assert_eq!(rows.value(2, text), Value::Text(b"NULL"));
    assert_eq!(rows.value(3, text), Value::Text(b"a\\b\tc\nd\r\\N"));
}

/// Names are any text: words of SQL, quotes, spaces, line ends, every script.
pub async fn names_of_every_sort(fixture: &dyn Fixture) {
    const NAMES: [&str; 9] =
        ["select", "two words", "Mixed Case", "sch\"eft", "it's", "ünï日本🦀", "line\nend", "a;b--c", "%s\\"];
    let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    let mut sql = String::new();
    for name in NAMES {
        let columns = NAMES.map(|name| format!("{} text", quoted(name))).join(", ");
        let (table, key) = (quoted(name), quoted(NAMES[4]));
        let values = NAMES.map(|name| format!("'{}'", name.replace('\'', "''"))).join(", ");
        let _ = writeln!(sql, "CREATE TABLE {table} ({columns}, PRIMARY KEY ({key}));");
        let _ = writeln!(sql, "INSERT INTO {table} VALUES ({values});");
        let _ = writeln!(
            sql,
            "CREATE INDEX {} ON {table} ({});",
            quoted(&format!("{name} index")),
            quoted(NAMES[5])
        );
    }
    let done = round_trip(fixture, &sql).await;
    for name in NAMES {
        let table = done.table(name);
        let declared =
            table.columns.iter().filter(|column| !column.hidden).map(|column| column.name.as_str());
        assert_eq!(declared.collect::<Vec<_>>(), NAMES);
        assert_eq!(done.rows(name).rows(), 1);
    }
}

/// Tables without rows, and without anything but a key.
pub async fn empty_tables(fixture: &dyn Fixture) {
    let done = round_trip(
        fixture,
        "CREATE TABLE t (id integer PRIMARY KEY); CREATE TABLE u (a text); CREATE INDEX i ON u (a);
         CREATE TABLE v (id integer PRIMARY KEY); INSERT INTO v VALUES (1); DELETE FROM v;",
    )
    .await;
    assert!(["t", "u", "v"].iter().all(|name| done.rows(name).is_empty()));
}

/// More than three hundred columns.
pub async fn wide_tables(fixture: &dyn Fixture) {
    let columns: Vec<_> = (0..350).map(|number| format!("c{number} text")).collect();
    let values: Vec<_> =
        (0..350).map(|number| if number % 7 == 0 { "NULL".into() } else { format!("'{number}'") }).collect();
    let numbers = numbers(500);
    let sql = format!(
        "CREATE TABLE t (id integer PRIMARY KEY, {});
         {numbers} INSERT INTO t SELECT n, {} FROM numbers;",
        columns.join(", "),
        values.join(", ")
    );
    let done = round_trip(fixture, &sql).await;
    assert_eq!(done.rows("t").rows(), 500);
    let last = column(&done, "t", "c349");
    assert_eq!(done.rows("t").value(499, last), Value::Text(b"349"));
}

/// Some hundred tables, each with a reference to the one before.
pub async fn many_tables(fixture: &dyn Fixture) {
    let mut sql =
        String::from("CREATE TABLE t0 (id integer PRIMARY KEY, r integer); INSERT INTO t0 VALUES (0, 0);\n");
    for number in 1..300 {
        let before = number - 1;
        let _ = writeln!(
            sql,
            "CREATE TABLE t{number} (id integer PRIMARY KEY, r integer REFERENCES t{before} (id));
             INSERT INTO t{number} VALUES ({number}, {before});"
        );
    }
    let done = round_trip(fixture, &sql).await;
    assert_eq!(done.schema.tables.iter().filter(|table| table.kind.is_user_table()).count(), 300);
    let references = &done.table("t7").foreign_keys;
    assert_eq!(references.len(), 1);
    assert_eq!(references[0].references.name, "t6");
    assert_eq!(references[0].referenced_columns, ["id"]);
}

/// Values of several megabytes, text and bytes, some of them in one row.
pub async fn big_values_survive(fixture: &dyn Fixture) {
    let text: String = (0..400_000).map(|number| format!("{number}é,")).collect();
    let bytes: Vec<u8> =
        (0..3_000_000u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let (blob, literal) = (fixture.blob_type(), fixture.blob_literal(&bytes));
    let sql = format!(
        "CREATE TABLE t (id integer PRIMARY KEY, t text, b {blob});
         INSERT INTO t VALUES (1, '{text}', {literal}), (2, 'small', NULL), (3, NULL, {literal});
         INSERT INTO t SELECT id + 3, t, b FROM t;"
    );
    let done = round_trip(fixture, &sql).await;
    let rows = done.rows("t");
    assert_eq!(rows.value(3, column(&done, "t", "t")), Value::Text(text.as_bytes()));
    assert!(rows.bytes() > 4 * 3_000_000);
}

/// Two hundred thousand rows come in many batches and miss nothing.
pub async fn rows_of_many_batches(fixture: &dyn Fixture) {
    let numbers = numbers(200_000);
    let sql = format!(
        "CREATE TABLE t (id integer PRIMARY KEY, v text NOT NULL);
         {numbers} INSERT INTO t SELECT n, 'value ' || CAST(n % 1000 AS text) FROM numbers;"
    );
    let done = round_trip(fixture, &sql).await;
    let rows = done.rows("t");
    assert_eq!(rows.rows(), 200_000);
    assert!(rows.bytes() > 4 * RowBatch::TARGET_BYTES);
    assert_eq!(rows.value(199_998, column(&done, "t", "v")), Value::Text(b"value 999"));
}

fn column(done: &super::sandbox::RoundTrip, table: &str, name: &str) -> usize {
    let found = done.table(table).columns.iter().position(|column| column.name == name);
    found.unwrap_or_else(|| panic!("{table} has a column {name}"))
}
