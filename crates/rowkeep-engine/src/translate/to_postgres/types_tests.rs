use rowkeep_format::{RowBatch, Value};

use super::*;
use crate::outline::profile::TableProfile;

fn chosen(declared: &str, values: &[Value<'_>]) -> Chosen {
    let mut batch = RowBatch::new(1);
    values.iter().for_each(|value| batch.push_row([*value]));
    let mut profile = TableProfile::new([shape(declared)]);
    profile.observe(&batch);
    choose(declared, &profile.columns[0])
}

fn real(real: f64) -> Value<'static> {
    Value::Real(real.to_bits())
}

fn text(text: &str) -> Value<'_> {
    Value::Text(text.as_bytes())
}

#[test]
fn declared_types_stay_where_they_hold_all_values() {
    let int = Value::Integer;
    for (declared, values, expected) in [
        ("INTEGER", vec![int(i64::MIN), Value::Null], "bigint"),
        ("unsigned big int", vec![], "bigint"),
        ("BOOLEAN", vec![int(0), int(1)], "boolean"),
        ("REAL", vec![real(1.5), real(f64::INFINITY)], "double precision"),
        ("DECIMAL(5,2)", vec![int(999), real(-19.99)], "numeric(5,2)"),
        ("NUMERIC", vec![int(1), real(1e300)], "numeric"),
        ("MONEY", vec![], "numeric"),
        ("VARCHAR(3)", vec![text("äöü")], "character varying(3)"),
        ("NVARCHAR(MAX)", vec![text("a")], "text"),
        ("CLOB", vec![text("")], "text"),
        ("BLOB", vec![Value::Blob(b"\0")], "bytea"),
        ("VARBINARY(9)", vec![Value::Blob(b"\0")], "bytea"),
        ("DATE", vec![text("2024-02-29")], "date"),
        ("DATETIME", vec![text("2024-02-29 10:00:00")], "timestamp without time zone"),
        ("TIMESTAMPTZ", vec![text("2024-02-29 10:00:00+00")], "timestamp with time zone"),
        ("TIMESTAMPTZ", vec![], "timestamp with time zone"),
        ("TIMESTAMP WITHOUT TIME ZONE", vec![], "timestamp without time zone"),
        ("TIME", vec![text("10:00:00.5")], "time without time zone"),
        ("UUID", vec![text("123e4567-e89b-12d3-a456-426614174000")], "uuid"),
        ("JSON", vec![text("{}")], "json"),
        ("", vec![int(1)], "bigint"),
        ("ANY", vec![text("a")], "text"),
        ("", vec![], "text"),
    ] {
        let chosen = chosen(declared, &values);
        assert_eq!((chosen.type_name.as_str(), chosen.note), (expected, None), "{declared} {values:?}");
    }
}

#[test]
fn other_values_choose_another_type_and_are_noted() {
    let int = Value::Integer;
    for (declared, values, expected) in [
        ("INTEGER", vec![int(1), text("one")], "text"),
        ("INTEGER", vec![int(1), real(1.5)], "numeric"),
        ("INTEGER", vec![int(1), real(f64::INFINITY)], "text"),
        ("INTEGER", vec![int(1), Value::Blob(b"a")], "bytea"),
        ("BOOLEAN", vec![int(0), int(2)], "bigint"),
        ("BOOLEAN", vec![text("true")], "text"),
        ("DECIMAL(5,2)", vec![int(1000)], "numeric"),
        ("DECIMAL(5,2)", vec![real(0.001)], "numeric"),
        ("DECIMAL(5,2)", vec![text("much")], "text"),
        ("VARCHAR(3)", vec![text("äöüä")], "text"),
        ("TEXT", vec![text("a\0b")], "bytea"),
        ("TEXT", vec![Value::Text(b"\xff")], "bytea"),
        ("TEXT", vec![text("a"), Value::Blob(b"a")], "bytea"),
        ("BLOB", vec![text("a")], "text"),
        ("DATE", vec![text("2024-02-29 10:00:00")], "timestamp without time zone"),
        ("DATE", vec![text("2024-02-30")], "text"),
        ("DATETIME", vec![int(1_700_000_000)], "bigint"),
        ("DATETIME", vec![text("2024-02-29T10:00:00Z")], "timestamp with time zone"),
        ("DATETIME", vec![text("2024-02-29T10:00:00Z"), text("2024-02-29 10:00:00")], "text"),
        ("TIME", vec![text("10:00")], "time without time zone"),
        ("UUID", vec![text("123E4567-E89B-12D3-A456-426614174000")], "text"),
        ("JSON", vec![text("{a: 1}")], "text"),
        ("", vec![int(1), text("1")], "text"),
    ] {
        let chosen = chosen(declared, &values);
        assert_eq!(chosen.type_name, expected, "{declared} {values:?}");
        assert!(chosen.note.is_some(), "{declared} {values:?}");
    }
}
