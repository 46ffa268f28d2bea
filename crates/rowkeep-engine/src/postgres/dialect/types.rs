//! Values of PostgreSQL: the text that the server prints, compared as the column's type compares.

use rowkeep_format::Value;

use crate::dialect::{Canon, Reading, Written, time};

/// How the text of a type is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Type {
    /// Integers.
    Integer,
    /// `numeric`
    Decimal,
    /// `real`
    Single,
    /// `double precision`
    Double,
    /// `boolean`
    Boolean,
    /// `text`, `character varying` and others whose text compares by its bytes.
    Text,
    /// `character(n)`: spaces at the end do not count.
    Padded,
    /// `citext`: letters of either case are one.
    Folded,
    /// `date`
    Date,
    /// `timestamp without time zone`
    Timestamp,
    /// `timestamp with time zone`, printed in UTC.
    TimestampTz,
    /// `time without time zone`
    Time,
    /// `uuid`
    Uuid,
    /// `bytea`
    Bytes,
    /// Everything else: equal when the text is, without any order that is known here.
    Other,
}

impl Type {
    /// The type of a name as `format_type` prints it.
    pub(crate) fn of(type_name: &str) -> Self {
        let (head, rest) = type_name.split_once('(').unwrap_or((type_name, ""));
        let tail = rest.split_once(')').map_or("", |(_, tail)| tail);
        match (head.trim_end(), tail.trim_start()) {
            ("smallint" | "integer" | "bigint" | "oid", "") => Self::Integer,
            ("numeric", "") => Self::Decimal,
            ("real", "") => Self::Single,
            ("double precision", "") => Self::Double,
            ("boolean", "") => Self::Boolean,
            ("text" | "character varying" | "name" | "\"char\"", "") => Self::Text,
            ("character" | "bpchar", "") => Self::Padded,
            ("date", "") => Self::Date,
            ("timestamp without time zone", "") | ("timestamp", "without time zone") => Self::Timestamp,
            ("timestamp with time zone", "") | ("timestamp", "with time zone") => Self::TimestampTz,
            ("time without time zone", "") | ("time", "without time zone") => Self::Time,
            ("uuid", "") => Self::Uuid,
            ("bytea", "") => Self::Bytes,
            (name, "") if name == "citext" || name.ends_with(".citext") => Self::Folded,
            _ => Self::Other,
        }
    }

    /// Whether values of both can be compared with one another.
    pub(crate) fn compares_with(self, other: Self) -> bool {
        self.class() == other.class()
    }

    fn class(self) -> Self {
        match self {
            Self::Integer => Self::Decimal,
            Self::Date | Self::Timestamp => Self::TimestampTz,
            // A real is compared as the double that it also is.
            Self::Single => Self::Double,
            other => other,
        }
    }

    /// Text that somebody wrote for a value, as the server prints that value; nothing when it is none of the type.
    ///
    /// A decimal number keeps its digits, and what the type's modifiers would do is not done.
    pub(crate) fn stored(self, text: &str) -> Option<String> {
        let moment = |zone_counts: bool| {
            let moment = time::moment(text.trim())?;
            (zone_counts || !moment.zoned).then_some(moment.micros)
        };
        match self {
            Self::Integer => plain_decimal(text.trim()),
            Self::Decimal => match text.trim() {
                special @ ("NaN" | "Infinity" | "-Infinity") => Some(special.to_owned()),
                text => plain_decimal(text),
            },
            Self::Single | Self::Double => {
                let text = text.trim();
                text.parse::<f64>().ok().map(|_| text.to_owned())
            }
            Self::Boolean => match text.trim().to_ascii_lowercase().as_str() {
                "t" | "true" | "y" | "yes" | "on" | "1" => Some("t".to_owned()),
                "f" | "false" | "n" | "no" | "off" | "0" => Some("f".to_owned()),
                _ => None,
            },
            Self::Date => moment(false).map(date_or_moment),
            Self::Timestamp => moment(false).map(|micros| time::print(micros, "")),
            Self::TimestampTz => moment(true).map(|micros| time::print(micros, "+00")),
            Self::Time => time::clock(text.trim()).map(time::print_clock),
            Self::Uuid => uuid(text.trim()),
            Self::Bytes => {
                let digits = text.strip_prefix("\\x")?;
                hex::decode(digits).ok().map(|bytes| printed_bytes(&bytes))
            }
            Self::Text | Self::Padded | Self::Folded | Self::Other => Some(text.to_owned()),
        }
    }

    /// What a literal of the type looks like.
    pub(crate) fn expected(self) -> &'static str {
        match self {
            Self::Integer | Self::Decimal | Self::Single | Self::Double => "a number",
            Self::Boolean => "TRUE or FALSE",
            Self::Date | Self::Timestamp => {
                "a date without time zone such as '2026-01-31' or '2026-01-31 12:00'"
            }
            Self::TimestampTz => "a date such as '2026-01-31' or '2026-01-31 12:00:00+02'",
            Self::Time => "a time such as '12:30'",
            Self::Uuid => "a UUID in single quotes",
            Self::Bytes => "bytes such as '\\x0aff'",
            Self::Text | Self::Padded | Self::Folded | Self::Other => "text in single quotes",
        }
    }
}

impl Reading for Type {
    /// A value as it compares; nothing for NULL. Text that the type does not print compares as text.
    fn canon<'v>(&self, value: Value<'v>) -> Option<Canon<'v>> {
        let text = match value {
            Value::Text(text) => text,
            other => return Canon::own(other),
        };
        let utf8 = || std::str::from_utf8(text).ok();
        let read = match *self {
            Self::Integer | Self::Decimal => Canon::decimal(text),
            Self::Single => {
                utf8().and_then(|text| text.parse::<f32>().ok()).map(|real| float(f64::from(real)))
            }
            Self::Double => utf8().and_then(|text| text.parse().ok()).map(float),
            Self::Boolean => Some(Canon::Place(i128::from(text == b"t"))),
            Self::Date | Self::Timestamp | Self::TimestampTz => {
                utf8().and_then(time::moment).map(|moment| Canon::Place(moment.micros))
            }
            Self::Time => utf8().and_then(time::clock).map(|micros| Canon::Place(i128::from(micros))),
            Self::Padded => Some(Canon::text(trimmed(text))),
            Self::Folded => utf8().map(|text| Canon::owned_text(text.to_lowercase())),
            Self::Text | Self::Uuid | Self::Bytes | Self::Other => None,
        };
        Some(read.unwrap_or(Canon::text(text)))
    }

    /// A literal read as a value of the type; nothing for NULL. The error says what was expected.
    fn literal(&self, written: &Written) -> Result<Option<Canon<'static>>, &'static str> {
        let expected = self.expected();
        let text = match (written, *self) {
            (Written::Null, _) => return Ok(None),
            (Written::Boolean(truth), Self::Boolean) => {
                return Ok(Some(Canon::Place(i128::from(*truth))));
            }
            (Written::Number(number), Self::Integer | Self::Decimal | Self::Single | Self::Double) => number,
            (Written::Text(text), _) => text,
            (Written::Blob(bytes), Self::Bytes) => return Ok(Some(Canon::owned_text(printed_bytes(bytes)))),
            _ => return Err(expected),
        };
        self.stored(text)
            .and_then(|text| self.canon(Value::Text(text.as_bytes())).map(Canon::into_owned))
            .map(Some)
            .ok_or(expected)
    }

    fn has_order(&self) -> bool {
        *self != Self::Other
    }
}

/// A date as it is printed; a literal that lies within a day stays a moment.
fn date_or_moment(micros: i128) -> String {
    let text = time::print(micros, "");
    text.replacen(" 00:00:00", "", usize::from(!text.contains(" 00:00:00.")))
}

/// Doubles in PostgreSQL's order: NaN is equal to itself and above all others.
fn float(real: f64) -> Canon<'static> {
    let real = if real.is_nan() { f64::NAN } else { real };
    let bits = (real + 0.0).to_bits();
    let flip = if bits >> 63 == 1 { u64::MAX } else { 1 << 63 };
    Canon::Place(i128::from(bits ^ flip))
}

/// Text with the spaces at its end with which `character(n)` is printed.
pub(super) fn filled_up(text: String, of: Type, declared: &str) -> String {
    let width = || -> Option<usize> {
        let (_, rest) = declared.split_once('(')?;
        rest.strip_suffix(')')?.parse().ok()
    };
    match width().filter(|_| of == Type::Padded) {
        Some(width) => format!("{text:<width$}"),
        None => text,
    }
}

fn trimmed(text: &[u8]) -> &[u8] {
    let end = text.iter().rposition(|byte| *byte != b' ').map_or(0, |last| last + 1);
    &text[..end]
}

fn printed_bytes(bytes: &[u8]) -> String {
    format!("\\x{}", hex::encode(bytes))
}

fn uuid(text: &str) -> Option<String> {
    let inner = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')).unwrap_or(text);
    let digits = inner.replace('-', "").to_ascii_lowercase();
    if digits.len() != 32 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let parts = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
    Some(parts.join("-"))
}

/// A decimal number without exponent and without what does not change its value.
pub(super) fn plain_decimal(text: &str) -> Option<String> {
    const MOST_DIGITS: i64 = 20_000;
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i64>().ok()?),
        None => (unsigned, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    if exponent.abs() > MOST_DIGITS || digits.len() as i64 > MOST_DIGITS {
        return None;
    }
    let point = whole.len() as i64 + exponent;
    let (whole, fraction) = if point <= 0 {
        (String::new(), "0".repeat(point.unsigned_abs() as usize) + &digits)
    } else {
        let point = point as usize;
        let padded = format!("{digits:0<point$}");
        (padded[..point].to_owned(), padded[point..].to_owned())
    };
    let whole = match whole.trim_start_matches('0') {
        "" => "0",
        whole => whole,
    };
    let is_zero = whole == "0" && fraction.bytes().all(|digit| digit == b'0');
    let sign = if negative && !is_zero { "-" } else { "" };
    Some(if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") })
}
