use rowkeep_format::{Column, Key, TableName, Value};

use super::*;

fn table() -> Table {
    let column =
        |name: &str| Column { name: name.into(), type_name: String::new(), not_null: false, hidden: false };
    Table {
        name: TableName::plain("t"),
        kind: TableKind::Table,
        columns: vec![column("id"), column("a"), column("b")],
        key: Key::whole_row(3),
        identity: None,
        foreign_keys: Vec::new(),
    }
}

/// Reads what was written, and gives how long its longest statement is.
fn loaded(rows: &RowBatch) -> (rusqlite::Connection, usize, String) {
    let table = table();
    let schema = Schema {
        engine: "sqlite".into(),
        tables: vec![table.clone()],
        inherits: Vec::new(),
        ddl: Vec::new(),
    };
    let script = Script::of(&schema, false).expect("it is for D1");
    let mut out = Vec::new();
    script.rows(&table, rows, &mut out).expect("they are written");
    let sql = String::from_utf8(out).expect("SQL is UTF-8");
    let database = rusqlite::Connection::open_in_memory().expect("it opens");
    database.execute_batch("CREATE TABLE t (id INTEGER PRIMARY KEY, a, b)").expect("it is made");
    database.execute_batch(&sql).expect("it loads");
    let longest = sql.split(";\n").map(|statement| statement.len() + 1).max().unwrap_or_default();
    (database, longest, sql)
}

#[test]
fn no_statement_is_longer_than_d1_takes_and_values_come_back() {
    let long: Vec<u8> = (0..250_000u32).map(|number| (number * 7 % 256) as u8).collect();
    let text = "é\0'\r\n".repeat(20_000);
    let mut rows = RowBatch::new(3);
    rows.push_row([Value::Integer(1), Value::Blob(&long), Value::Text(text.as_bytes())]);
    rows.push_row([Value::Integer(i64::MIN), Value::Real(f64::INFINITY.to_bits()), Value::Null]);
    rows.push_row([Value::Integer(9_007_199_254_740_993), Value::Real(0.1f64.to_bits()), Value::Blob(&[])]);
    for number in 2..4000 {
        rows.push_row([Value::Integer(number), Value::Text(&[b'x'; 90]), Value::Null]);
    }
    let (database, longest, sql) = loaded(&rows);
    assert!((STATEMENT - 200..=STATEMENT).contains(&longest), "{longest}");
    assert!(!sql.contains("BEGIN") && !sql.contains("unistr"));
    let of = |id: i64| {
        database
            .query_row("SELECT a, b FROM t WHERE id = ?", [id], |row| {
                Ok((row.get::<_, rusqlite::types::Value>(0)?, row.get::<_, rusqlite::types::Value>(1)?))
            })
            .expect("it is there")
    };
    use rusqlite::types::Value as Stored;
    assert_eq!(of(1), (Stored::Blob(long), Stored::Text(text)));
    assert_eq!(of(i64::MIN), (Stored::Real(f64::INFINITY), Stored::Null));
    assert_eq!(of(9_007_199_254_740_993), (Stored::Real(0.1), Stored::Blob(Vec::new())));
    let count: i64 = database.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).expect("it counts");
    assert_eq!(count, 4001);
    let parts: i64 = database
        .query_row("SELECT count(*) FROM sqlite_schema WHERE name LIKE '%parts'", [], |row| row.get(0))
        .expect("it counts");
    assert_eq!(parts, 0, "what long values were put together in is gone");
}

#[test]
fn a_table_that_is_too_wide_is_refused() {
    let mut wide = table();
    wide.columns = vec![wide.columns[0].clone(); 101];
    let schema =
        Schema { engine: "sqlite".into(), tables: vec![wide], inherits: Vec::new(), ddl: Vec::new() };
    let refused = Script::of(&schema, false).err().expect("it is too wide").to_string();
    assert!(refused.contains("101 columns") && refused.contains("100"), "{refused}");
}
