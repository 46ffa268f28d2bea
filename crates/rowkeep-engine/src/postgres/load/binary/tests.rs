//! Golden bytes, as `COPY ... TO STDOUT (FORMAT binary)` of PostgreSQL 15 gave them, and what is left to the server.

use proptest::prelude::*;

use super::*;

fn column(type_name: &str) -> Column {
    Column { name: "c".to_owned(), type_name: type_name.to_owned(), not_null: false, hidden: false }
}

/// The bytes of one value, without its length, in hexadecimal.
fn one(type_name: &str, text: &str) -> Option<String> {
    let mut out = Vec::new();
    Form::of(type_name).expect("the type is known").append(text.as_bytes(), &mut out)?;
    Some(hex::encode(out))
}

#[test]
fn types_are_known_by_what_the_server_calls_them() {
    for (name, form) in [
        ("numeric(15,2)", Form::Numeric),
        ("character varying(25)", Form::Text),
        ("timestamp(3) without time zone", Form::Timestamp),
        ("timestamp with time zone", Form::TimestampTz),
    ] {
        assert_eq!(Form::of(name), Some(form), "{name}");
    }
    for name in [
        "integer[]",
        "numeric(15,2)[]",
        "public.date",
        "\"char\"",
        "name",
        "interval",
        "xml",
        "bit(3)",
        "money",
    ] {
        assert_eq!(Form::of(name), None, "{name}");
    }
    assert_eq!(forms(&[column("integer"), column("public.mood")]), None);
    assert_eq!(forms(&[]), None);
}

#[test]
fn values_have_the_bytes_that_the_server_gives() {
    for (name, text, expected) in GOLDEN {
        assert_eq!(one(name, text).as_deref(), Some(expected), "{text} as {name}");
    }
}

const GOLDEN: [(&str, &str, &str); 40] = [
    ("boolean", "f", "00"),
    ("smallint", "-32768", "8000"),
    ("integer", "2147483647", "7fffffff"),
    ("bigint", "-9223372036854775808", "8000000000000000"),
    ("oid", "4294967295", "ffffffff"),
    ("numeric", "0", "0000000000000000"),
    ("numeric", "-0.00", "0000000000000002"),
    ("numeric", "1", "00010000000000000001"),
    ("numeric", "-12345.6789", "0003000140000004000109291a85"),
    ("numeric", "0.00012", "0002ffff00000005000107d0"),
    ("numeric", "10000", "00010001000000000001"),
    ("numeric", "100000000.10", "000400020000000200010000000003e8"),
    ("numeric", "NaN", "00000000c0000000"),
    ("numeric(15,2)", "17954.55", "000300010000000200011f12157c"),
    ("numeric", "0.000000001", "0001fffd0000000903e8"),
    ("real", "0.1", "3dcccccd"),
    ("real", "-0", "80000000"),
    ("real", "1e-45", "00000001"),
    ("double precision", "1.7976931348623157e+308", "7fefffffffffffff"),
    ("double precision", "NaN", "7ff8000000000000"),
    ("double precision", "-Infinity", "fff0000000000000"),
    ("double precision", "5e-324", "0000000000000001"),
    ("date", "2000-01-01", "00000000"),
    ("date", "1992-02-29", "fffff4d1"),
    ("date", "0001-01-01", "fff4dbf9"),
    ("date", "9999-12-31", "002c95d3"),
    ("date", "infinity", "7fffffff"),
    ("date", "-infinity", "80000000"),
    ("time without time zone", "23:59:59.999999", "000000141dd75fff"),
    ("time without time zone", "00:00:01.5", "000000000016e360"),
    ("timestamp without time zone", "1999-12-31 23:59:59.9", "fffffffffffe7960"),
    ("timestamp without time zone", "infinity", "7fffffffffffffff"),
    ("timestamp with time zone", "2026-11-21 10:00:00+00", "000303c531424800"),
    ("timestamp with time zone", "-infinity", "8000000000000000"),
    ("uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "a0eebc999c0b4ef8bb6d6bb9bd380a11"),
    ("bytea", "\\x00ff", "00ff"),
    ("jsonb", "{}", "017b7d"),
    ("json", "[1]", "5b315d"),
    ("text", "ä", "c3a4"),
    ("character(3)", "a  ", "612020"),
];

#[test]
fn rows_have_their_lengths() {
    let mut batch = RowBatch::new(2);
    batch.push_row([Value::Text(b"7"), Value::Null]);
    batch.push_row([Value::Null, Value::Text("ä".as_bytes())]);
    let mut out = b"before".to_vec();
    assert!(rows(&batch, &[Form::Int2, Form::Text], &mut out));
    assert_eq!(
        out,
        b"before\0\x02\0\0\0\x02\0\x07\xff\xff\xff\xff\0\x02\xff\xff\xff\xff\0\0\0\x02\xc3\xa4".as_slice()
    );
}

#[test]
fn what_is_not_as_the_server_prints_it_is_left_to_the_server() {
    for (name, texts) in [
        ("boolean", &["true", "T", ""][..]),
        ("smallint", &["32768", "-32769", "+1", "01", "-0", "1 ", "", "-"]),
        ("integer", &["2147483648", "1_000"]),
        ("bigint", &["9223372036854775808", "-9223372036854775809", "99999999999999999999"]),
        ("oid", &["-1", "4294967296"]),
        ("numeric", &["", "-", ".5", "5.", "1e5", "+1", "1.2.3", "--1", "Infinity", "nan", "1 "]),
        ("real", &["inf", "infinity", "nan", "1e39", "", "1,5", "0x1"]),
        ("double precision", &["1e400", "-inf", "+infinity", " 1"]),
        (
            "date",
            &[
                "0000-01-01",
                "2001-02-29",
                "1900-02-29",
                "2001-00-01",
                "2001-13-01",
                "2001-04-31",
                "2001-01-00",
            ],
        ),
        ("date", &["0044-03-15 BC", "12024-01-01", "2001-1-01", "01/02/2003", "Infinity", ""]),
        (
            "time without time zone",
            &["24:00:00", "23:60:00", "23:59:60", "1:00:00", "00:00:00.", "00:00:00.1234567"],
        ),
        (
            "timestamp without time zone",
            &["2001-01-01", "2001-01-01T00:00:00", "2001-01-01 00:00:00+00", "2001-01-01 00:00:00 BC"],
        ),
        (
            "timestamp with time zone",
            &["2001-01-01 00:00:00", "2001-01-01 00:00:00+01", "2001-01-01 00:00:00+00 BC"],
        ),
        (
            "uuid",
            &[
                "a0eebc999c0b4ef8bb6d6bb9bd380a11",
                "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11",
                "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11-",
            ],
        ),
        ("bytea", &["\\x0", "abc", "\\xAA", "\\xgg"]),
    ] {
        for text in texts {
            assert_eq!(one(name, text), None, "{text:?} as {name}");
        }
    }
    let mut batch = RowBatch::new(1);
    batch.push_row([Value::Text(b"1")]);
    batch.push_row([Value::Text(b"one")]);
    let mut out = b"before".to_vec();
    assert!(!rows(&batch, &[Form::Int4], &mut out) && out == b"before");
    assert!(
        !rows(&RowBatch::from_columns(Vec::new(), 1).expect("no column differs"), &[Form::Int4], &mut out)
            && out == b"before"
    );
    let mut integers = RowBatch::new(1);
    integers.push_row([Value::Integer(1)]);
    assert!(!rows(&integers, &[Form::Int4], &mut out));
}

/// The text of a `numeric` that was written, read as the server reads it.
fn read_numeric(bytes: &[u8]) -> String {
    let word = |at: usize| i16::from_be_bytes([bytes[at * 2], bytes[at * 2 + 1]]);
    let (count, weight, sign, shown) = (word(0), word(1), word(2) as u16, word(3) as usize);
    let digit = |place: i16| {
        let at = weight - place;
        if (0..count).contains(&at) { word(4 + at as usize) } else { 0 }
    };
    let whole: String = (0..=weight.max(0)).rev().map(|place| format!("{:04}", digit(place))).collect();
    let fraction: String = (0..shown.div_ceil(4)).map(|at| format!("{:04}", digit(-1 - at as i16))).collect();
    let whole = whole.trim_start_matches('0');
    let sign = if sign == 0x4000 { "-" } else { "" };
    let point = if shown > 0 { "." } else { "" };
    format!("{sign}{}{point}{}", if whole.is_empty() { "0" } else { whole }, &fraction[..shown])
}

proptest! {
    #[test]
    fn decimal_numbers_come_back(text in "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,30})?") {
        let mut out = Vec::new();
        number::numeric(text.as_bytes(), &mut out).expect("it is a number");
        let is_zero = text.bytes().all(|byte| b"-0.".contains(&byte));
        let expected = if is_zero { text.trim_start_matches('-') } else { &text };
        prop_assert_eq!(read_numeric(&out), expected);
        let digits = &out[8..];
        prop_assert!(!digits.starts_with(&[0, 0]) && !digits.ends_with(&[0, 0]));
    }

    #[test]
    fn integers_come_back(integer: i64) {
        prop_assert_eq!(number::integer(integer.to_string().as_bytes()), Some(integer));
    }

    #[test]
    fn days_follow_one_another(days in 0i32..3_652_058) {
        // From 0001-01-01, the first of a loop over years, to 9999-12-31.
        let (mut year, mut left) = (1, days);
        let length = |year: i32| 365 + i32::from(year % 4 == 0 && (year % 100 != 0 || year % 400 == 0));
        while left >= length(year) {
            left -= length(year);
            year += 1;
        }
        let mut month = 1;
        let of_month = |month: i32| match month { 4 | 6 | 9 | 11 => 30, 2 => length(year) - 337, _ => 31 };
        while left >= of_month(month) {
            left -= of_month(month);
            month += 1;
        }
        let text = format!("{year:04}-{month:02}-{:02}", left + 1);
        prop_assert_eq!(time::date(text.as_bytes()), Some(days - 730_119));
    }

    #[test]
    fn no_text_is_too_strange(text: Vec<u8>) {
        for form in [Form::Int8, Form::Numeric, Form::Float8, Form::Date, Form::Time, Form::TimestampTz, Form::Uuid, Form::Bytea] {
            let _ = form.append(&text, &mut Vec::new());
        }
    }
}
