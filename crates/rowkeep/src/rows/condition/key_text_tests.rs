use proptest::prelude::*;
use rowkeep_format::schema::KeyColumn;
use rowkeep_format::{Column, Key, KeyForm, Schema, TableKind};

use super::*;

fn table(name: TableName, types: &[&str]) -> Table {
    let columns = types.iter().enumerate().map(|(number, of)| Column {
        name: format!("c{number}"),
        type_name: (*of).to_owned(),
        not_null: false,
        hidden: false,
    });
    let key = (0..types.len()).map(|column| KeyColumn { column, form: KeyForm::Native });
    Table {
        name,
        kind: TableKind::Table,
        columns: columns.collect(),
        key: Key { columns: key.collect(), unique: true },
        identity: None,
        foreign_keys: Vec::new(),
    }
}

/// The dialect of the tables here: those of PostgreSQL have a schema.
fn dialect(name: &TableName) -> &'static dyn Dialect {
    let engine = if name.schema.is_some() { "postgresql" } else { "sqlite" };
    rowkeep_engine::dialect_of(engine).expect("it is known")
}

fn row(values: &[Value<'_>]) -> RowBatch {
    let mut rows = RowBatch::new(values.len());
    rows.push_row(values.iter().copied());
    rows
}

fn text_of(name: TableName, values: &[(&str, Value<'_>)]) -> Option<String> {
    let types: Vec<&str> = values.iter().map(|(of, _)| *of).collect();
    let values: Vec<Value<'_>> = values.iter().map(|(_, value)| *value).collect();
    key_text(&table(name.clone(), &types), dialect(&name), &row(&values), 0)
}

#[test]
fn keys_are_written_as_people_write_them() {
    let plain = || TableName::plain("customers");
    let public = || TableName::qualified("public", "customers");
    for (name, values, text) in [
        (plain(), &[("INTEGER", Value::Integer(42))][..], "customers:42"),
        (
            TableName::plain("odd.table"),
            &[("TEXT", Value::Text(b"a,b")), ("BLOB", Value::Blob(&[0, 255]))],
            "\"odd.table\":'a,b',x'00ff'",
        ),
        (plain(), &[("", Value::Text(b"42")), ("", Value::Integer(42))], "customers:'42',42"),
        (plain(), &[("", Value::Real(1f64.to_bits()))], "customers:1.0"),
        (plain(), &[("TEXT", Value::Text(b""))], "customers:''"),
        (plain(), &[("TEXT", Value::Text(b"it's"))], "customers:'it''s'"),
        (plain(), &[("REAL", Value::Real(f64::NEG_INFINITY.to_bits()))], "customers:-9e999"),
        (TableName::plain(""), &[("INTEGER", Value::Integer(1))], "\"\":1"),
        (public(), &[("date", Value::Text(b"infinity"))], "public.\"customers\":infinity"),
        (public(), &[("bigint", Value::Text(b"42"))], "public.\"customers\":42"),
        (public(), &[("bytea", Value::Text(b"\\x00ff"))], "public.\"customers\":'\\x00ff'"),
        (public(), &[("character(4)", Value::Text(b"ab  "))], "public.\"customers\":'ab  '"),
        (
            public(),
            &[("timestamp with time zone", Value::Text(b"2026-01-31 12:00:00.5+00"))],
            "public.\"customers\":'2026-01-31 12:00:00.5+00'",
        ),
        (
            TableName::qualified("a.b", "say \"hi\""),
            &[("integer", Value::Text(b"-7"))],
            "\"a.b\".\"say \"\"hi\"\"\":-7",
        ),
    ] {
        assert_eq!(text_of(name, values).as_deref(), Some(text));
    }
}

#[test]
fn rows_without_a_key_that_names_them_have_no_text() {
    let name = || TableName::plain("t");
    assert_eq!(text_of(name(), &[("TEXT", Value::Null)]), None);
    assert_eq!(text_of(name(), &[("TEXT", Value::Text(b"a")), ("TEXT", Value::Null)]), None);
    assert_eq!(text_of(name(), &[("TEXT", Value::Text(&[b'a', 255]))]), None);
    assert_eq!(text_of(name(), &[("REAL", Value::Real(f64::NAN.to_bits()))]), None);
    let rows = row(&[Value::Integer(1)]);
    let known = table(name(), &["INTEGER"]);
    assert_eq!(key_text(&known, dialect(&known.name), &rows, 0).as_deref(), Some("t:1"));
    let mut rowid = known.clone();
    rowid.columns[0].hidden = true;
    assert_eq!(key_text(&rowid, dialect(&rowid.name), &rows, 0), None);
    let mut whole = known.clone();
    whole.key.unique = false;
    assert_eq!(key_text(&whole, dialect(&whole.name), &rows, 0), None);
    let mut shadow = known;
    shadow.kind = TableKind::Shadow;
    assert_eq!(key_text(&shadow, dialect(&shadow.name), &rows, 0), None);
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{1,4}",
        "[a*.\":',x0 ]{1,6}",
        "\\PC{1,4}",
        any::<String>().prop_map(|text| format!("t{text}"))
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[a,':\"*.x0 ]{0,6}",
        "-?[0-9]{1,3}(\\.[0-9])?(e[0-9])?",
        Just("x'00'".to_owned()),
        Just("NULL".to_owned()),
        Just("inf".to_owned()),
    ]
}

#[derive(Debug, Clone)]
enum Stored {
    Integer(i64),
    Real(f64),
    Text(String),
    Blob(Vec<u8>),
}

impl Stored {
    fn value(&self) -> Value<'_> {
        match self {
            Stored::Integer(integer) => Value::Integer(*integer),
            Stored::Real(real) => Value::Real(real.to_bits()),
            Stored::Text(text) => Value::Text(text.as_bytes()),
            Stored::Blob(bytes) => Value::Blob(bytes),
        }
    }
}

/// A type of SQLite, and a value that a column of it holds.
fn held() -> impl Strategy<Value = (&'static str, Stored)> {
    let real = || any::<f64>().prop_filter("SQLite stores NULL instead", |real| !real.is_nan());
    prop_oneof![
        any::<i64>().prop_map(|integer| ("INTEGER", Stored::Integer(integer))),
        any::<i64>().prop_map(|integer| ("", Stored::Integer(integer))),
        real().prop_map(|real| ("REAL", Stored::Real(real))),
        real().prop_map(|real| ("", Stored::Real(real))),
        text().prop_map(|text| ("TEXT", Stored::Text(text))),
        text().prop_map(|text| ("", Stored::Text(text))),
        any::<Vec<u8>>().prop_map(|bytes| ("BLOB", Stored::Blob(bytes))),
        any::<Vec<u8>>().prop_map(|bytes| ("TEXT", Stored::Blob(bytes))),
    ]
}

/// A type of PostgreSQL, and a value as the server prints it.
fn printed() -> impl Strategy<Value = (&'static str, String)> {
    let without_zero = || text().prop_map(|text| text.replace('\0', ""));
    prop_oneof![
        any::<i64>().prop_map(|integer| ("bigint", integer.to_string())),
        (any::<i64>(), 0u32..1000).prop_map(|(whole, part)| ("numeric", format!("{whole}.{part:03}"))),
        any::<bool>().prop_map(|truth| ("boolean", if truth { "t" } else { "f" }.to_owned())),
        any::<u128>().prop_map(|bits| {
            let digits = format!("{bits:032x}");
            let parts = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
            ("uuid", parts.join("-"))
        }),
        any::<Vec<u8>>().prop_map(|bytes| ("bytea", format!("\\x{}", hex::encode(bytes)))),
        without_zero().prop_map(|text| ("text", text)),
        without_zero().prop_map(|text| ("character varying(80)", text)),
        without_zero().prop_map(|text| ("inet", text)),
        (1i64..9999, 1u8..13, 1u8..29)
            .prop_map(|(year, month, day)| ("date", format!("{year:04}-{month:02}-{day:02}"))),
    ]
}

/// Reading the text finds the one table of a schema in which similar ones are, and the row.
fn found_again(name: &TableName, types: &[&str], values: &[Value<'_>], others: &[TableName]) {
    let meant = table(name.clone(), types);
    let rows = row(values);
    let text = key_text(&meant, dialect(name), &rows, 0)
        .unwrap_or_else(|| panic!("no text for {values:?} of {name:?}"));
    let read = parse_key(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let mut tables = vec![meant.clone()];
    tables.extend(others.iter().filter(|other| *other != name).map(|other| table(other.clone(), types)));
    let pattern = TablePattern::new(read.table_pattern());
    let alone: Vec<_> = tables.iter().filter(|table| pattern.matches(&table.name)).collect();
    assert_eq!(alone, [&meant], "{text}");
    let schema =
        Schema { engine: String::new(), tables: tables.clone(), inherits: Vec::new(), ddl: Vec::new() };
    assert_eq!(read.tables(&schema).ok(), Some(vec![&meant]), "{text}");
    let bound = read.bind(&meant, dialect(name)).unwrap_or_else(|error| panic!("{text}: {error}"));
    assert!(bound.matches(&rows, 0), "{text}");
    let same: Vec<Value<'_>> = (0..values.len()).map(|column| bound.values().value(0, column)).collect();
    assert_eq!(same, values, "{text}");
}

proptest! {
    #[test]
    fn rows_of_sqlite_are_found_again(
        name in prop_oneof![8 => name(), 1 => Just(String::new())],
        others in prop::collection::vec(name(), 0..3),
        key in prop::collection::vec(held(), 1..4),
    ) {
        let (types, values): (Vec<_>, Vec<_>) = key.iter().map(|(of, stored)| (*of, stored.value())).unzip();
        let others: Vec<_> = others.into_iter().map(TableName::plain).collect();
        found_again(&TableName::plain(name), &types, &values, &others);
    }

    #[test]
    fn rows_of_postgresql_are_found_again(
        schema in prop_oneof![Just("public".to_owned()), name()],
        name in name(),
        others in prop::collection::vec(name(), 0..3),
        key in prop::collection::vec(printed(), 1..4),
    ) {
        let (types, values): (Vec<_>, Vec<_>) =
            key.iter().map(|(of, text)| (*of, Value::Text(text.as_bytes()))).unzip();
        let mut elsewhere = vec![
            TableName::qualified("elsewhere", name.as_str()),
            TableName::qualified("public", name.as_str()),
            TableName::qualified("public", format!("{schema}.{name}")),
        ];
        elsewhere.extend(others.into_iter().map(|other| TableName::qualified(schema.as_str(), other)));
        found_again(&TableName::qualified(schema, name), &types, &values, &elsewhere);
    }
}
