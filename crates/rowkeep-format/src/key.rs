//! Keys of rows as bytes that compare like the keys themselves.
//!
//! A key is the concatenation of its columns' encodings. Each begins with a class byte and ends by itself, so that
//! comparing two keys byte by byte compares them column by column:
//!
//! | class | what follows |
//! |---|---|
//! | `00` null | nothing |
//! | `10` number | the largest double not above it, 8 bytes, sign flipped, big endian; what an integer has beyond that double, 2 bytes; `00` for an integer, `01` for a real |
//! | `18` decimal | see [`KeyForm::Decimal`]: sign, exponent, digits |
//! | `1c` date | era, year, the rest of the text, `00` |
//! | `1e` interval | its length in microseconds, 16 bytes, sign flipped, big endian |
//! | `20` text | the bytes, each `00` written `00 ff`, then `00` |
//! | `30` blob | the same |
//!
//! Some forms take values together that a database holds to be equal; see [`KeyForm`].

mod interval;

use crate::{FormatError, Key, KeyForm, RowBatch, Value};

const NULL: u8 = 0x00;
const NUMBER: u8 = 0x10;
const DECIMAL: u8 = 0x18;
const DATE: u8 = 0x1c;
const INTERVAL: u8 = 0x1e;
const TEXT: u8 = 0x20;
const BLOB: u8 = 0x30;

/// Appends the key of a row to `out`.
///
/// Fails when a value does not have the form that the key promises, which is a fault of the driver or a value that no
/// database of that type prints.
///
/// # Panics
/// When `row` or a key column is not in the batch.
pub fn encode(key: &Key, batch: &RowBatch, row: usize, out: &mut Vec<u8>) -> Result<(), FormatError> {
    encode_values(key, key.columns.iter().map(|part| batch.value(row, part.column)), out)
}

/// Appends a key whose columns have these values to `out`.
pub fn encode_values<'v>(
    key: &Key,
    values: impl IntoIterator<Item = Value<'v>>,
    out: &mut Vec<u8>,
) -> Result<(), FormatError> {
    let mut has_null = false;
    for (part, value) in key.columns.iter().zip(values) {
        if part.form == KeyForm::IfNull && !has_null {
            continue;
        }
        has_null |= matches!(value, Value::Null);
        encode_value(part.form, value, out)
            .map_err(|expected| FormatError::KeyForm { column: part.column, expected })?;
    }
    Ok(())
}

/// Appends one value of a key to `out`; the error names the form that the value does not have.
pub fn encode_value(form: KeyForm, value: Value<'_>, out: &mut Vec<u8>) -> Result<(), &'static str> {
    match (form, value) {
        (_, Value::Null) => out.push(NULL),
        (KeyForm::Integer, Value::Text(text)) => {
            let integer = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok());
            put_integer(integer.ok_or("an integer of 64 bits")?, out);
        }
        (KeyForm::Decimal, Value::Text(text)) => put_decimal(text, out).ok_or("a decimal number")?,
        (KeyForm::Date, Value::Text(text)) => put_date(text, out).ok_or("an ISO date")?,
        (_, Value::Integer(integer)) => put_integer(integer, out),
        (KeyForm::Equal | KeyForm::NoCase | KeyForm::RightTrimmed, Value::Real(bits)) => {
            put_real(f64::from_bits(bits), out);
            // As an integer.
            out.pop();
            out.push(0);
        }
        (KeyForm::Float, Value::Text(text)) => put_float(text, out),
        (KeyForm::Interval, Value::Text(text)) => match interval::micros(text) {
            Some(micros) => {
                out.push(INTERVAL);
                out.extend_from_slice(&((micros as u128) ^ (1 << 127)).to_be_bytes());
            }
            None => put_bytes(TEXT, text, out),
        },
        (KeyForm::NoCase, Value::Text(text)) => put_no_case(text, out),
        (KeyForm::RightTrimmed, Value::Text(text)) => {
            let end = text.iter().rposition(|byte| *byte != b' ').map_or(0, |last| last + 1);
            put_bytes(TEXT, &text[..end], out);
        }
        (_, Value::Real(bits)) => put_real(f64::from_bits(bits), out),
        (_, Value::Text(bytes)) => put_bytes(TEXT, bytes, out),
        (_, Value::Blob(bytes)) => put_bytes(BLOB, bytes, out),
    }
    Ok(())
}

fn put_bytes(class: u8, bytes: &[u8], out: &mut Vec<u8>) {
    out.push(class);
    let mut rest = bytes;
    while let Some(zero) = memchr::memchr(0, rest) {
        out.extend_from_slice(&rest[..=zero]);
        out.push(0xff);
        rest = &rest[zero + 1..];
    }
    out.extend_from_slice(rest);
    out.push(0);
}

/// Text as the number that it is; what is none, and what is not a number, as text.
fn put_float(text: &[u8], out: &mut Vec<u8>) {
    let number = std::str::from_utf8(text).ok().and_then(|text| text.trim().parse::<f64>().ok());
    match number.filter(|number| !number.is_nan()) {
        Some(number) => put_real(number, out),
        None => put_bytes(TEXT, text, out),
    }
}

/// Text whose ASCII letters are lower case. `NOCASE` looks at nothing beyond the first zero byte but the length.
fn put_no_case(text: &[u8], out: &mut Vec<u8>) {
    let end = memchr::memchr(0, text).unwrap_or(text.len());
    out.push(TEXT);
    out.extend(text[..end].iter().map(u8::to_ascii_lowercase));
    if end < text.len() {
        out.extend_from_slice(&[0, 0xff]);
        out.extend_from_slice(&((text.len() - end) as u64).to_be_bytes());
    }
    out.push(0);
}

/// The bits of a double in an order that is that of unsigned integers; both zeros are one.
fn ordered_bits(real: f64) -> [u8; 8] {
    let bits = (real + 0.0).to_bits();
    let flip = if bits >> 63 == 1 { u64::MAX } else { 1 << 63 };
    (bits ^ flip).to_be_bytes()
}

fn put_integer(integer: i64, out: &mut Vec<u8>) {
    const EXACT: u64 = 1 << 53;
    let mut floor = integer as f64;
    let mut beyond = 0;
    if integer.unsigned_abs() > EXACT {
        if floor as i128 > i128::from(integer) {
            floor = floor.next_down();
        }
        beyond = (i128::from(integer) - floor as i128) as u16;
    }
    let mut bytes = [0; 12];
    bytes[0] = NUMBER;
    bytes[1..9].copy_from_slice(&ordered_bits(floor));
    bytes[9..11].copy_from_slice(&beyond.to_be_bytes());
    out.extend_from_slice(&bytes);
}

fn put_real(real: f64, out: &mut Vec<u8>) {
    out.push(NUMBER);
    out.extend_from_slice(&ordered_bits(real));
    out.extend_from_slice(&[0, 0, 1]);
}

/// Sign class, then the count of digits before the point (as a 32-bit integer, sign flipped), then the digits without
/// zeros at either end, then `00`. All of a negative number after its class is inverted.
fn put_decimal(text: &[u8], out: &mut Vec<u8>) -> Option<()> {
    const NEGATIVE_INFINITY: u8 = 0;
    const NEGATIVE: u8 = 1;
    const ZERO: u8 = 2;
    const POSITIVE: u8 = 3;
    const INFINITY: u8 = 4;
    const NAN: u8 = 5;

    out.push(DECIMAL);
    let special = match text {
        b"-Infinity" => Some(NEGATIVE_INFINITY),
        b"Infinity" => Some(INFINITY),
        b"NaN" => Some(NAN),
        _ => None,
    };
    if let Some(class) = special {
        out.push(class);
        return Some(());
    }
    let (negative, digits) = match text.strip_prefix(b"-") {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let point = memchr::memchr(b'.', digits).unwrap_or(digits.len());
    let (whole, fraction) = (&digits[..point], digits.get(point + 1..).unwrap_or_default());
    if whole.len() + fraction.len() == 0 || !whole.iter().chain(fraction).all(u8::is_ascii_digit) {
        return None;
    }
    let all: Vec<u8> = [whole, fraction].concat();
    let Some(first) = all.iter().position(|digit| *digit != b'0') else {
        out.push(ZERO);
        return Some(());
    };
    let last = all.iter().rposition(|digit| *digit != b'0')?;
    let exponent = i32::try_from(whole.len()).ok()?.checked_sub(i32::try_from(first).ok()?)?;
    out.push(if negative { NEGATIVE } else { POSITIVE });
    let start = out.len();
    out.extend_from_slice(&((exponent as u32) ^ (1 << 31)).to_be_bytes());
    out.extend_from_slice(&all[first..=last]);
    out.push(0);
    if negative {
        out[start..].iter_mut().for_each(|byte| *byte = !*byte);
    }
    Some(())
}

/// Era (0 `-infinity`, 1 before Christ, 2 after, 3 `infinity`), year as a 32-bit integer (inverted before Christ),
/// then what follows the year, which is fixed in width but for a fraction that only ever shortens it.
fn put_date(text: &[u8], out: &mut Vec<u8>) -> Option<()> {
    out.push(DATE);
    match text {
        b"-infinity" => {
            out.push(0);
            return Some(());
        }
        b"infinity" => {
            out.push(3);
            return Some(());
        }
        _ => {}
    }
    let (before_christ, date) = match text.strip_suffix(b" BC") {
        Some(date) => (true, date),
        None => (false, text),
    };
    let dash = memchr::memchr(b'-', date)?;
    let year: u32 = std::str::from_utf8(&date[..dash]).ok()?.parse().ok()?;
    out.push(if before_christ { 1 } else { 2 });
    out.extend_from_slice(&if before_christ { !year } else { year }.to_be_bytes());
    out.extend_from_slice(&date[dash..]);
    out.push(0);
    Some(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(form: KeyForm, value: Value<'_>) -> Vec<u8> {
        let mut out = Vec::new();
        encode_value(form, value, &mut out).expect("the value has the form");
        out
    }

    fn ascending(form: KeyForm, values: &[&str]) {
        for pair in values.windows(2) {
            assert!(
                key(form, Value::Text(pair[0].as_bytes())) < key(form, Value::Text(pair[1].as_bytes())),
                "{} < {}",
                pair[0],
                pair[1]
            );
        }
    }

    #[test]
    fn decimals_compare_by_value() {
        ascending(
            KeyForm::Decimal,
            &[
                "-Infinity",
                "-1000000000000000000000",
                "-12.5",
                "-12.4999",
                "-1",
                "-0.001",
                "0.00",
                "0.0009",
                "0.001",
                "1",
                "1.5",
                "2",
                "10",
                "99.9",
                "100",
                "Infinity",
                "NaN",
            ],
        );
        assert_eq!(key(KeyForm::Decimal, Value::Text(b"1.50")), key(KeyForm::Decimal, Value::Text(b"001.5")));
    }

    #[test]
    fn dates_compare_by_time() {
        ascending(
            KeyForm::Date,
            &[
                "-infinity",
                "4713-01-01 BC",
                "0044-03-15 BC",
                "0044-03-16 BC",
                "0001-01-01",
                "1999-12-31 23:59:59+00",
                "1999-12-31 23:59:59.5+00",
                "2026-01-01 00:00:00+00",
                "10000-01-01",
                "infinity",
            ],
        );
    }

    #[test]
    fn numbers_of_both_kinds_compare_exactly() {
        let two_53 = 1i64 << 53;
        let integer = |value| key(KeyForm::Native, Value::Integer(value));
        let real = |value: f64| key(KeyForm::Native, Value::Real(value.to_bits()));
        assert!(integer(two_53) < integer(two_53 + 1));
        assert!(real(two_53 as f64) < integer(two_53 + 1));
        assert!(integer(two_53 + 1) < real((two_53 + 2) as f64));
        assert!(integer(i64::MAX) < real(9_223_372_036_854_775_808.0));
        assert!(real(-1e300) < integer(i64::MIN));
        assert!(integer(i64::MIN + 1) > integer(i64::MIN));
        assert!(real(0.5) < integer(1) && integer(0) < real(0.5));
        assert_eq!(real(0.0), real(-0.0));
        assert!(key(KeyForm::Native, Value::Null) < real(f64::NEG_INFINITY));
        assert!(real(f64::INFINITY) < key(KeyForm::Native, Value::Text(b"")));
    }

    #[test]
    fn forms_of_identities_take_together_what_is_equal() {
        let text = |form, text: &str| key(form, Value::Text(text.as_bytes()));
        let (one, also_one) = (Value::Integer(1), Value::Real(1f64.to_bits()));
        for form in [KeyForm::Equal, KeyForm::NoCase, KeyForm::RightTrimmed] {
            assert_eq!(key(form, one), key(form, also_one));
            assert_ne!(key(form, one), text(form, "1"));
            assert_ne!(key(form, Value::Blob(b"a")), text(form, "a"));
            assert_ne!(key(form, Value::Real(1.5f64.to_bits())), key(form, one));
        }
        assert_ne!(key(KeyForm::Native, one), key(KeyForm::Native, also_one));
        assert_eq!(text(KeyForm::NoCase, "\u{c4}bC "), text(KeyForm::NoCase, "\u{c4}Bc "));
        assert_ne!(text(KeyForm::NoCase, "\u{c4}"), text(KeyForm::NoCase, "\u{e4}"));
        assert_eq!(text(KeyForm::NoCase, "A\0x"), text(KeyForm::NoCase, "a\0y"));
        assert_ne!(text(KeyForm::NoCase, "A\0x"), text(KeyForm::NoCase, "a\0xy"));
        assert_eq!(text(KeyForm::RightTrimmed, " a  "), text(KeyForm::RightTrimmed, " a"));
        assert_ne!(text(KeyForm::RightTrimmed, "a"), text(KeyForm::RightTrimmed, "A"));
        assert_eq!(text(KeyForm::RightTrimmed, "  "), text(KeyForm::RightTrimmed, ""));
    }

    #[test]
    fn texts_of_numbers_and_intervals_are_taken_by_value() {
        let text = |form, text: &str| key(form, Value::Text(text.as_bytes()));
        assert_eq!(text(KeyForm::Float, "-0"), text(KeyForm::Float, "0"));
        assert_eq!(text(KeyForm::Float, "1e+20"), text(KeyForm::Float, "100000000000000000000.0"));
        assert_eq!(text(KeyForm::Float, "NaN"), text(KeyForm::Float, "NaN"));
        assert_ne!(text(KeyForm::Float, "Infinity"), text(KeyForm::Float, "-Infinity"));
        assert_ne!(text(KeyForm::Float, "0.1"), text(KeyForm::Float, "0.10000000000000002"));
        assert_eq!(text(KeyForm::Interval, "1 day"), text(KeyForm::Interval, "24:00:00"));
        assert!(text(KeyForm::Interval, "-1 days") < text(KeyForm::Interval, "00:00:00"));
        assert_ne!(text(KeyForm::Interval, "soon"), text(KeyForm::Interval, "later"));
    }

    #[test]
    fn what_stands_in_for_a_null_counts_only_then() {
        use crate::schema::KeyColumn;

        let column = |column, form| KeyColumn { column, form };
        let columns = vec![column(1, KeyForm::Equal), column(0, KeyForm::IfNull)];
        let identity = Key { columns, unique: true };
        let encoded = |rowid: i64, id: Value<'_>| {
            let mut row = RowBatch::new(2);
            row.push_row([Value::Integer(rowid), id]);
            let mut out = Vec::new();
            encode(&identity, &row, 0, &mut out).expect("the values have the form");
            (out, identity.telling(&row, 0).count())
        };
        assert_eq!(encoded(1, Value::Text(b"a")), encoded(2, Value::Text(b"a")));
        assert_ne!(encoded(1, Value::Null), encoded(2, Value::Null));
        assert_eq!((encoded(1, Value::Null).1, encoded(1, Value::Text(b"a")).1), (2, 1));
    }

    #[test]
    fn wrong_forms_are_refused() {
        for (form, text) in [
            (KeyForm::Integer, "1.5"),
            (KeyForm::Integer, ""),
            (KeyForm::Decimal, "."),
            (KeyForm::Decimal, "1e5"),
            (KeyForm::Date, "today"),
        ] {
            assert!(encode_value(form, Value::Text(text.as_bytes()), &mut Vec::new()).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn pairs_of_texts_compare_column_by_column(a: (Vec<u8>, Vec<u8>), b: (Vec<u8>, Vec<u8>)) {
            let both = |pair: &(Vec<u8>, Vec<u8>)| {
                [key(KeyForm::Native, Value::Text(&pair.0)), key(KeyForm::Native, Value::Text(&pair.1))].concat()
            };
            prop_assert_eq!(a.cmp(&b), both(&a).cmp(&both(&b)));
        }

        #[test]
        fn integers_compare_by_value(a: i64, b: i64) {
            let text = |value: i64| key(KeyForm::Integer, Value::Text(value.to_string().as_bytes()));
            prop_assert_eq!(a.cmp(&b), text(a).cmp(&text(b)));
            prop_assert_eq!(text(a), key(KeyForm::Native, Value::Integer(a)));
        }
    }
}
