//! What the server prints of a column where JSON has a value, as far as that is certain without it.

use super::forms::form;
use super::jsonb;
use super::types::{Type, filled_up, plain_decimal};
use crate::dialect::{Dialect, Form, ValueType, time};

const NO_VALUE: &str = "it is no value of the column's type";
const UNCERTAIN: &str = "how the column's type prints it is not known here";

const MICROS_PER_DAY: i128 = 86_400_000_000;

pub(super) fn of_json(
    dialect: &dyn Dialect,
    value_type: &ValueType,
    json: &str,
) -> Result<Option<String>, &'static str> {
    let ValueType { name: declared, labels } = value_type;
    let of = Type::of(declared);
    let stored = match (declared.as_str(), json.as_bytes().first()) {
        (_, Some(b'n')) => return Ok(None),
        ("json", _) => json.to_owned(),
        ("jsonb", _) => jsonb::printed(json).ok_or(UNCERTAIN)?,
        (_, Some(b't' | b'f')) if of == Type::Boolean => json[..1].to_owned(),
        (_, Some(b'"')) => {
            let text: String =
                serde_json::from_str(json).map_err(|_| "it is a text with half of a surrogate pair")?;
            if text.contains('\0') {
                return Err("it holds a NUL character, which PostgreSQL keeps in no text");
            }
            match labels.is_empty() {
                true => of_text(dialect, of, declared, text)?,
                false if labels.contains(&text) => text,
                false => return Err("it is none of the labels of the column's type"),
            }
        }
        (_, Some(b'-' | b'0'..=b'9')) => number(dialect, of, declared, json)?,
        _ if of == Type::Other && labels.is_empty() => return Err(UNCERTAIN),
        _ => return Err(NO_VALUE),
    };
    Ok(Some(stored))
}

fn of_text(dialect: &dyn Dialect, of: Type, declared: &str, text: String) -> Result<String, &'static str> {
    let moment = || time::moment(&text).ok_or(NO_VALUE);
    Ok(match of {
        Type::Integer | Type::Decimal | Type::Single | Type::Double => {
            let is_special = of != Type::Integer && matches!(&*text, "NaN" | "Infinity" | "-Infinity");
            if is_special { text } else { number(dialect, of, declared, &text)? }
        }
        Type::Boolean => return Err(NO_VALUE),
        Type::Text | Type::Padded | Type::Folded => {
            if dialect.longest(declared).is_some_and(|longest| text.chars().count() > longest) {
                return Err("it is longer than the column takes");
            }
            filled_up(text, of, declared)
        }
        Type::Date => {
            let micros = moment()?.micros;
            let is_infinite = matches!(micros, i128::MAX | i128::MIN);
            match is_infinite || micros.rem_euclid(MICROS_PER_DAY) == 0 {
                true => of.stored(&time::print(micros, "")).ok_or(NO_VALUE)?,
                false => return Err("it is a moment within a day, and the column has days"),
            }
        }
        // A moment with a zone is put into UTC for a column without one, as applications do.
        Type::Timestamp => time::print(rounded(declared, moment()?.micros)?, ""),
        Type::TimestampTz => {
            let moment = moment()?;
            if !moment.zoned && !matches!(moment.micros, i128::MAX | i128::MIN) {
                return Err("it says no time zone, and the column has one");
            }
            time::print(rounded(declared, moment.micros)?, "+00")
        }
        Type::Time => of.stored(&text).ok_or(NO_VALUE)?,
        Type::Uuid | Type::Bytes => of.stored(&text).ok_or(NO_VALUE)?,
        // Arrays, ranges, composite types and those of extensions: the server may print them in another way than they are written.
        Type::Other => return Err(UNCERTAIN),
    })
}

/// The same moment; fails where the column has fewer digits behind the second.
fn rounded(declared: &str, micros: i128) -> Result<i128, &'static str> {
    let digits = declared.split_once('(').and_then(|(_, rest)| rest.split_once(')')?.0.parse::<u32>().ok());
    let unit = 10i128.pow(6 - digits.unwrap_or(6).min(6));
    let is_infinite = matches!(micros, i128::MAX | i128::MIN);
    if is_infinite || micros.rem_euclid(unit) == 0 {
        Ok(micros)
    } else {
        Err("it has digits that the column's type would round")
    }
}

fn number(dialect: &dyn Dialect, of: Type, declared: &str, text: &str) -> Result<String, &'static str> {
    Ok(match of {
        Type::Integer => {
            let integer: i64 = plain_decimal(text).and_then(|digits| digits.parse().ok()).ok_or(NO_VALUE)?;
            let fits = dialect.takes_integer(declared, integer);
            fits.then(|| integer.to_string()).ok_or("it is out of the column's range")?
        }
        Type::Decimal => scaled(declared, plain_decimal(text).ok_or(NO_VALUE)?)?,
        Type::Single => {
            let real: f32 = text.parse().map_err(|_| NO_VALUE)?;
            floating(&format!("{real:e}"), real.to_string(), 6).ok_or(NO_VALUE)?
        }
        Type::Double => {
            let real: f64 = text.parse().map_err(|_| NO_VALUE)?;
            floating(&format!("{real:e}"), real.to_string(), 15).ok_or(NO_VALUE)?
        }
        _ => return Err("it is a number, and the column has none"),
    })
}

/// A decimal number with as many digits behind the point as the column has.
fn scaled(declared: &str, mut text: String) -> Result<String, &'static str> {
    let Form::Decimal(Some((digits, scale))) = form(declared) else { return Ok(text) };
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let is_long = whole.trim_start_matches(['-', '0']).len() as i64 > i64::from(digits) - i64::from(scale);
    let Some(missing) = usize::try_from(scale).ok().and_then(|scale| scale.checked_sub(fraction.len()))
    else {
        return Err("it has digits that the column's type would round");
    };
    if is_long {
        return Err("it is out of the column's range");
    }
    if fraction.is_empty() && missing > 0 {
        text.push('.');
    }
    text.extend(std::iter::repeat_n('0', missing));
    Ok(text)
}

/// A number as the server prints it, from its fewest digits with an exponent and without one, which the server leaves out up to so
/// many digits before the point.
fn floating(scientific: &str, plain: String, most: i32) -> Option<String> {
    let (mantissa, exponent) = scientific.split_once('e')?;
    let exponent: i32 = exponent.parse().ok()?;
    let sign = if exponent < 0 { '-' } else { '+' };
    Some(match (-4..most).contains(&exponent) {
        true => plain,
        false => format!("{mantissa}e{sign}{:02}", exponent.unsigned_abs()),
    })
}

#[cfg(test)]
mod tests {
    use super::super::PostgresDialect;
    use super::*;

    #[test]
    fn values_are_printed_as_the_server_prints_them() {
        for (declared, json, printed) in [
            ("bigint", "\"9007199254740993\"", "9007199254740993"),
            ("integer", "42", "42"),
            ("numeric(10,2)", "10.5", "10.50"),
            ("numeric(10,2)", "-3", "-3.00"),
            ("numeric", "1.50", "1.50"),
            ("double precision", "1e15", "1e+15"),
            ("double precision", "100000000000000", "100000000000000"),
            ("double precision", "0.00001", "1e-05"),
            ("double precision", "2.50", "2.5"),
            ("double precision", "\"-Infinity\"", "-Infinity"),
            ("real", "1000000", "1e+06"),
            ("real", "0.1", "0.1"),
            ("boolean", "true", "t"),
            ("character varying(5)", "\"Z\\u00fcri\"", "Züri"),
            ("character(4)", "\"ab\"", "ab  "),
            ("date", "\"2026-01-02T00:00:00.000Z\"", "2026-01-02"),
            ("timestamp(3) without time zone", "\"2026-01-02T03:04:05.670+02:00\"", "2026-01-02 01:04:05.67"),
            ("timestamp with time zone", "\"2026-01-02T03:04:05Z\"", "2026-01-02 03:04:05+00"),
            ("uuid", "\"A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11\"", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
            ("bytea", "\"\\\\x00FF\"", "\\x00ff"),
            ("jsonb", "{\"b\":[1,true],\"a\":null}", "{\"a\": null, \"b\": [1, true]}"),
            ("json", "{\"b\":1}", "{\"b\":1}"),
        ] {
            let stored = of_json(&PostgresDialect, &ValueType::plain(declared), json);
            assert_eq!(stored, Ok(Some(printed.to_owned())), "{json} as {declared}");
        }
        assert_eq!(of_json(&PostgresDialect, &ValueType::plain("jsonb"), "null"), Ok(None));
        let status = ValueType { labels: vec!["NEW".to_owned()], ..ValueType::plain("public.status") };
        assert_eq!(of_json(&PostgresDialect, &status, "\"NEW\""), Ok(Some("NEW".to_owned())));
        assert_eq!(of_json(&PostgresDialect, &status, "null"), Ok(None));
        for json in ["\"new\"", "1", "[\"NEW\"]"] {
            assert!(of_json(&PostgresDialect, &status, json).is_err(), "{json}");
        }
    }

    #[test]
    fn what_is_not_certain_is_refused() {
        for (declared, json) in [
            ("integer", "1.5"),
            ("smallint", "40000"),
            ("numeric(4,2)", "1.234"),
            ("numeric(4,2)", "123"),
            ("boolean", "1"),
            ("boolean", "\"t\""),
            ("text", "5"),
            ("text", "{}"),
            ("text", "\"a\\u0000\""),
            ("character varying(2)", "\"abc\""),
            ("date", "\"2026-01-02T03:00:00Z\""),
            ("timestamp(0) without time zone", "\"2026-01-02T03:04:05.5\""),
            ("timestamp with time zone", "\"2026-01-02T03:04:05\""),
            ("timestamp with time zone", "1767323045"),
            ("interval", "\"1 day\""),
            ("bit varying(8)", "\"01\""),
            ("text[]", "[\"a\"]"),
            ("bytea", "\"AP8=\""),
            ("public.hstore", "\"a=>1\""),
            ("public.pair", "\"(1,a)\""),
        ] {
            assert!(
                of_json(&PostgresDialect, &ValueType::plain(declared), json).is_err(),
                "{json} as {declared}"
            );
        }
    }
}
