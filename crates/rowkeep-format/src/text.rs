//! Forms of text that a column of a chunk may have throughout, each with fewer bytes than the text itself.
//!
//! A form is only ever taken when printing gives back exactly the text that was read, byte for byte. Nothing here
//! passes through a floating-point number.

use crate::batch::{ColumnValues, Kind};
use crate::varint::Cursor;
use crate::{FormatError, Value, ints};

const INTEGER: u8 = 0;
const DECIMAL: u8 = 1;
const DATE: u8 = 2;
const TIMESTAMP: u8 = 3;
const UUID: u8 = 4;
const HEX: u8 = 5;

/// Days from 1 March of year 0 to 1 January 1970.
const DAYS_TO_EPOCH: i64 = 719_468;
const DAYS_PER_ERA: i64 = 146_097;
/// 1 January of year 1 and 31 December of year 9999, in days since 1 January 1970.
const FIRST_DAY: i64 = -719_162;
const LAST_DAY: i64 = 2_932_896;
const MICROS_PER_DAY: i64 = 86_400_000_000;

/// A form of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// `0`, `42`, `-7`: no leading zeros, at most 18 digits.
    Integer,
    /// The same with a point and this many digits after it.
    Decimal { scale: u8 },
    /// `2026-11-20`, years 0001 to 9999.
    Date,
    /// A date, `separator`, `10:30:00`, a fraction, a suffix.
    Timestamp { separator: u8, fraction: Fraction, zone: Zone },
    /// 36 characters, lower case.
    Uuid,
    /// `\x` and lower-case hexadecimal digits: PostgreSQL's bytea.
    Hex,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fraction {
    /// Up to six digits, without zeros at their end, and no point when there would be none.
    Trimmed,
    /// Always this many digits, 1 to 6.
    Fixed(u8),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Zone {
    None,
    /// `+00`
    Hours,
    /// `Z`
    Zulu,
    /// `+00:00`
    Minutes,
}

impl Zone {
    const ALL: [Zone; 4] = [Zone::None, Zone::Hours, Zone::Zulu, Zone::Minutes];

    fn suffix(self) -> &'static [u8] {
        match self {
            Zone::None => b"",
            Zone::Hours => b"+00",
            Zone::Zulu => b"Z",
            Zone::Minutes => b"+00:00",
        }
    }
}

/// The forms that a column may have whose first value is this, in the order in which they are to be tried.
pub(crate) fn candidates(first: &[u8]) -> Vec<Form> {
    if parse_integer(first).is_some() {
        return vec![Form::Integer];
    }
    if let Some(point) = memchr::memchr(b'.', first)
        && let Ok(scale) = u8::try_from(first.len() - point - 1)
        && parse_decimal(first, scale).is_some()
    {
        return vec![Form::Decimal { scale }];
    }
    if parse_date(first).is_some() {
        return vec![Form::Date];
    }
    if first.len() == 36 && parse_uuid(first).is_some() {
        return vec![Form::Uuid];
    }
    if first.starts_with(b"\\x") {
        return vec![Form::Hex];
    }
    timestamp_candidates(first)
}

fn timestamp_candidates(first: &[u8]) -> Vec<Form> {
    let Some(rest) = first.get(19..) else { return Vec::new() };
    let separator = first[10];
    if !matches!(separator, b' ' | b'T') {
        return Vec::new();
    }
    let digits = match rest.split_first() {
        Some((b'.', fraction)) => fraction.iter().take_while(|c| c.is_ascii_digit()).count(),
        _ => 0,
    };
    let suffix = &rest[if digits > 0 { digits + 1 } else { 0 }..];
    let Some(zone) = Zone::ALL.into_iter().find(|zone| zone.suffix() == suffix) else { return Vec::new() };
    let mut forms = vec![Form::Timestamp { separator, fraction: Fraction::Trimmed, zone }];
    if (1..=6).contains(&digits) {
        forms.push(Form::Timestamp { separator, fraction: Fraction::Fixed(digits as u8), zone });
    }
    forms
}

/// Appends the form and the values, or nothing when a value does not have the form.
pub(crate) fn encode<'a>(
    form: Form,
    values: impl Iterator<Item = &'a [u8]>,
    out: &mut Vec<u8>,
) -> Option<()> {
    let start = out.len();
    let done = match form {
        Form::Integer => {
            out.push(INTEGER);
            put_ints(values.map(parse_integer), out)
        }
        Form::Decimal { scale } => {
            out.extend_from_slice(&[DECIMAL, scale]);
            put_ints(values.map(|text| parse_decimal(text, scale)), out)
        }
        Form::Date => {
            out.push(DATE);
            put_ints(values.map(parse_date), out)
        }
        Form::Timestamp { separator, fraction, zone } => {
            let digits = match fraction {
                Fraction::Trimmed => 7,
                Fraction::Fixed(digits) => digits,
            };
            out.extend_from_slice(&[TIMESTAMP, separator, digits, zone as u8]);
            put_ints(values.map(|text| parse_timestamp(text, separator, fraction, zone)), out)
        }
        Form::Uuid => {
            out.push(UUID);
            values.map(|text| parse_uuid(text).map(|bytes| out.extend_from_slice(&bytes))).collect()
        }
        Form::Hex => {
            out.push(HEX);
            put_hex(values, out)
        }
    };
    if done.is_none() {
        out.truncate(start);
    }
    done
}

fn put_ints(values: impl Iterator<Item = Option<i64>>, out: &mut Vec<u8>) -> Option<()> {
    let values: Vec<i64> = values.collect::<Option<_>>()?;
    ints::encode(&values, out);
    Some(())
}

fn put_hex<'a>(values: impl Iterator<Item = &'a [u8]>, out: &mut Vec<u8>) -> Option<()> {
    let mut lengths = Vec::new();
    let mut bytes = Vec::new();
    for text in values {
        let digits = text.strip_prefix(b"\\x")?;
        if digits.len() % 2 == 1 {
            return None;
        }
        lengths.push((digits.len() / 2) as i64);
        for pair in digits.chunks_exact(2) {
            bytes.push(hex_digit(pair[0])? << 4 | hex_digit(pair[1])?);
        }
    }
    ints::encode(&lengths, out);
    out.extend_from_slice(&bytes);
    Some(())
}

/// Reads `count` values and adds them, as text, to a column.
pub(crate) fn decode(
    cursor: &mut Cursor<'_>,
    count: usize,
    out: &mut ColumnValues,
) -> Result<(), FormatError> {
    match cursor.byte()? {
        INTEGER => print_all(ints::decode(cursor, count)?, out, print_integer),
        DECIMAL => {
            let scale = cursor.byte()?;
            print_all(ints::decode(cursor, count)?, out, |value, text| print_decimal(value, scale, text));
        }
        DATE => print_all(ints::decode(cursor, count)?, out, print_date),
        TIMESTAMP => {
            let [separator, digits, zone] = cursor.array()?;
            let zone = *Zone::ALL.get(usize::from(zone)).ok_or_else(|| cursor.malformed())?;
            let fraction = match digits {
                1..=6 => Fraction::Fixed(digits),
                7 => Fraction::Trimmed,
                _ => return Err(cursor.malformed()),
            };
            print_all(ints::decode(cursor, count)?, out, |value, text| {
                print_timestamp(value, separator, fraction, zone, text);
            });
        }
        UUID => {
            for _ in 0..count {
                out.push(Value::Text(&print_uuid(&cursor.array()?)));
            }
        }
        HEX => {
            for length in ints::decode(cursor, count)? {
                let length = usize::try_from(length).map_err(|_| cursor.malformed())?;
                let bytes = cursor.take(length)?;
                let text = out.data_mut();
                text.extend_from_slice(b"\\x");
                text.extend(bytes.iter().flat_map(|byte| hex_pair(*byte)));
                out.end_value(Kind::Text);
            }
        }
        _ => return Err(cursor.malformed()),
    }
    Ok(())
}

fn print_all(values: Vec<i64>, out: &mut ColumnValues, print: impl Fn(i64, &mut Vec<u8>)) {
    const USUAL_LEN: usize = 10;
    out.reserve(values.len(), values.len() * USUAL_LEN);
    for value in values {
        print(value, out.data_mut());
        out.end_value(Kind::Text);
    }
}

fn parse_digits(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0i64, |value, digit| {
        let digit = digit.wrapping_sub(b'0');
        (digit < 10).then(|| value * 10 + i64::from(digit))
    })
}

fn parse_integer(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    match digits {
        [] => None,
        [b'0'] => (!negative).then_some(0),
        [b'0', ..] => None,
        _ if digits.len() > 18 => None,
        _ => parse_digits(digits).map(|value| if negative { -value } else { value }),
    }
}

fn print_integer(value: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

fn parse_decimal(text: &[u8], scale: u8) -> Option<i64> {
    let scale = usize::from(scale);
    let point = text.len().checked_sub(scale + 1)?;
    if scale == 0 || scale > 17 || text[point] != b'.' {
        return None;
    }
    let (negative, whole) = match &text[..point] {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    if whole.is_empty() || whole.len() + scale > 18 || (whole[0] == b'0' && whole.len() > 1) {
        return None;
    }
    let value = parse_digits(whole)? * 10i64.pow(scale as u32) + parse_digits(&text[point + 1..])?;
    match (negative, value) {
        (true, 0) => None,
        (true, _) => Some(-value),
        (false, _) => Some(value),
    }
}

fn print_decimal(value: i64, scale: u8, out: &mut Vec<u8>) {
    let scale = usize::from(scale);
    if value < 0 {
        out.push(b'-');
    }
    let mut buffer = itoa::Buffer::new();
    let digits = buffer.format(value.unsigned_abs()).as_bytes();
    let whole = digits.len().saturating_sub(scale);
    out.extend_from_slice(if whole == 0 { b"0" } else { &digits[..whole] });
    out.push(b'.');
    out.extend(std::iter::repeat_n(b'0', scale.saturating_sub(digits.len())));
    out.extend_from_slice(&digits[whole..]);
}

/// Days since 1 January 1970 of a date of the proleptic Gregorian calendar.
fn parse_date(text: &[u8]) -> Option<i64> {
    let &[y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = text else { return None };
    let digits = [y1, y2, y3, y4, m1, m2, d1, d2].map(|digit| i64::from(digit.wrapping_sub(b'0')));
    if digits.iter().any(|digit| *digit > 9) {
        return None;
    }
    let year = digits[0] * 1000 + digits[1] * 100 + digits[2] * 10 + digits[3];
    let (month, day) = (digits[4] * 10 + digits[5], digits[6] * 10 + digits[7]);
    if year == 0 || !(1..=12).contains(&month) || !(1..=days_of_month(year, month)).contains(&day) {
        return None;
    }
    // Years are counted from March, so that the leap day is the last of its year.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    Some(year * 365 + year / 4 - year / 100 + year / 400 + day_of_year - DAYS_TO_EPOCH)
}

fn days_of_month(year: i64, month: i64) -> i64 {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 => 28 + i64::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Prints any number of days as some date; numbers that no date has are clamped, as damaged data may hold them.
fn print_date(days: i64, out: &mut Vec<u8>) {
    let days = days.clamp(FIRST_DAY, LAST_DAY) + DAYS_TO_EPOCH;
    // The same years from March, in eras of 400 of them.
    let (era, day_of_era) = (days / DAYS_PER_ERA, days % DAYS_PER_ERA);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / (DAYS_PER_ERA - 1)) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let (next_year, month) = if month < 10 { (0, month + 3) } else { (1, month - 9) };
    let year = era * 400 + year_of_era + next_year;
    let mut text = *b"0000-00-00";
    for (at, digits) in [(0, year / 100), (2, year % 100), (5, month), (8, day)] {
        text[at] += (digits / 10) as u8;
        text[at + 1] += (digits % 10) as u8;
    }
    out.extend_from_slice(&text);
}

fn two_digits(value: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(&[b'0' + (value / 10) as u8, b'0' + (value % 10) as u8]);
}

/// Microseconds since 1 January 1970.
fn parse_timestamp(text: &[u8], separator: u8, fraction: Fraction, zone: Zone) -> Option<i64> {
    let text = text.strip_suffix(zone.suffix())?;
    let (date, time) = text.split_at_checked(10)?;
    let (&[sep, h1, h2, b':', m1, m2, b':', s1, s2], rest) = time.split_first_chunk::<9>()? else {
        return None;
    };
    let (hour, minute, second) =
        (parse_digits(&[h1, h2])?, parse_digits(&[m1, m2])?, parse_digits(&[s1, s2])?);
    if sep != separator || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let digits = match rest {
        [] => rest,
        [b'.', digits @ ..] if !digits.is_empty() && digits.len() <= 6 => digits,
        _ => return None,
    };
    let fits = match fraction {
        Fraction::Trimmed => digits.last() != Some(&b'0'),
        Fraction::Fixed(len) => digits.len() == usize::from(len),
    };
    if !fits {
        return None;
    }
    let micros = parse_digits(digits)? * 10i64.pow(6 - digits.len() as u32);
    Some(parse_date(date)? * MICROS_PER_DAY + ((hour * 60 + minute) * 60 + second) * 1_000_000 + micros)
}

fn print_timestamp(value: i64, separator: u8, fraction: Fraction, zone: Zone, out: &mut Vec<u8>) {
    print_date(value.div_euclid(MICROS_PER_DAY), out);
    let micros = value.rem_euclid(MICROS_PER_DAY);
    let seconds = micros / 1_000_000;
    out.push(separator);
    two_digits(seconds / 3600, out);
    out.push(b':');
    two_digits(seconds / 60 % 60, out);
    out.push(b':');
    two_digits(seconds % 60, out);
    let micros = micros % 1_000_000;
    let mut digits = [0; 7];
    digits[0] = b'.';
    let mut rest = micros;
    for digit in digits[1..].iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    let len = match fraction {
        Fraction::Fixed(len) => usize::from(len) + 1,
        Fraction::Trimmed if micros == 0 => 0,
        Fraction::Trimmed => digits.iter().rposition(|digit| *digit != b'0').map_or(0, |last| last + 1),
    };
    out.extend_from_slice(&digits[..len]);
    out.extend_from_slice(zone.suffix());
}

fn hex_digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

fn hex_pair(byte: u8) -> [u8; 2] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]
}

fn parse_uuid(text: &[u8]) -> Option<[u8; 16]> {
    let text: &[u8; 36] = text.try_into().ok()?;
    let mut bytes = [0; 16];
    let mut at = 0;
    for (index, byte) in bytes.iter_mut().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            if text[at] != b'-' {
                return None;
            }
            at += 1;
        }
        *byte = hex_digit(text[at])? << 4 | hex_digit(text[at + 1])?;
        at += 2;
    }
    Some(bytes)
}

fn print_uuid(bytes: &[u8; 16]) -> [u8; 36] {
    let mut text = [b'-'; 36];
    let mut at = 0;
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            at += 1;
        }
        text[at..at + 2].copy_from_slice(&hex_pair(*byte));
        at += 2;
    }
    text
}

#[cfg(test)]
#[path = "text_tests.rs"]
mod tests;
