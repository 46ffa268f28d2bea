//! Times as JavaScript prints a `Date` (`toISOString`): in UTC, with milliseconds.

use jiff::Timestamp;

/// A time, and whether digits of it were cut.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Iso {
    pub(super) text: String,
    pub(super) is_cut: bool,
}

/// A time as databases print it: `2026-01-02 03:04:05.678901+00`, with `T` for the space, with `Z`, with ` BC`. Nothing where it is
/// no such time, or not in UTC.
pub(super) fn date_time(text: &str) -> Option<Iso> {
    let (text, is_bc) = without_era(text);
    let place = text.find([' ', 'T'])?;
    let (date, rest) = (&text[..place], &text[place + 1..]);
    let time = rest.strip_suffix('Z').or_else(|| rest.strip_suffix("+00:00"));
    let time = time.or_else(|| rest.strip_suffix("+00")).unwrap_or(rest);
    let (clock, is_cut) = clock(time)?;
    Some(Iso { text: format!("{}T{clock}Z", day(date, is_bc)?), is_cut })
}

/// A date, which becomes its midnight.
pub(super) fn date(text: &str) -> Option<Iso> {
    let (text, is_bc) = without_era(text);
    Some(Iso { text: format!("{}T00:00:00.000Z", day(text, is_bc)?), is_cut: false })
}

/// A time of day, which becomes that of the first day of 1970.
pub(super) fn time_of_day(text: &str) -> Option<Iso> {
    let (clock, is_cut) = clock(text)?;
    Some(Iso { text: format!("1970-01-01T{clock}Z"), is_cut })
}

/// Milliseconds since 1970, as Prisma keeps times in SQLite.
pub(super) fn milliseconds(number: i64) -> Option<Iso> {
    let time = Timestamp::from_millisecond(number).ok()?;
    let is_plain = (-62_167_219_200_000..=253_402_300_799_999).contains(&number);
    is_plain.then(|| Iso { text: time.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string(), is_cut: false })
}

fn without_era(text: &str) -> (&str, bool) {
    match text.strip_suffix(" BC") {
        Some(before) => (before, true),
        None => (text, false),
    }
}

/// A day; years that four digits cannot tell have six and a sign.
fn day(text: &str, is_bc: bool) -> Option<String> {
    let mut parts = text.splitn(3, '-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if year.len() < 4 || year.len() > 6 || month.len() != 2 || day.len() != 2 {
        return None;
    }
    if !are_digits(year) || !are_digits(month) || !are_digits(day) {
        return None;
    }
    let year: i32 = year.parse().ok()?;
    let year = if is_bc { 1 - year } else { year };
    Some(match year {
        0..=9999 => format!("{year:04}-{month}-{day}"),
        _ => format!("{year:+07}-{month}-{day}"),
    })
}

/// Hours to milliseconds, and whether digits were cut.
fn clock(text: &str) -> Option<(String, bool)> {
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    let bytes = seconds.as_bytes();
    let is_digit = |place: usize| bytes.get(place).is_some_and(u8::is_ascii_digit);
    let is_clock = bytes.len() == 8
        && [0, 1, 3, 4, 6, 7].into_iter().all(is_digit)
        && bytes[2] == b':'
        && bytes[5] == b':'
        && fraction.bytes().all(|byte| byte.is_ascii_digit());
    if !is_clock || seconds.starts_with("24") {
        return None;
    }
    let kept = &fraction[..fraction.len().min(3)];
    let is_cut = fraction[kept.len()..].bytes().any(|digit| digit != b'0');
    Some((format!("{seconds}.{kept:0<3}"), is_cut))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_printed_as_javascript_does() {
        for (text, iso, is_cut) in [
            ("2026-01-02 03:04:05+00", "2026-01-02T03:04:05.000Z", false),
            ("2026-01-02 03:04:05.6+00", "2026-01-02T03:04:05.600Z", false),
            ("2026-01-02 03:04:05.678901", "2026-01-02T03:04:05.678Z", true),
            ("2026-01-02T03:04:05.678000Z", "2026-01-02T03:04:05.678Z", false),
            ("2024-03-10T05:00:00.000+00:00", "2024-03-10T05:00:00.000Z", false),
            ("0044-03-15 04:56:02+00 BC", "-000043-03-15T04:56:02.000Z", false),
            ("12345-01-01 00:00:00", "+012345-01-01T00:00:00.000Z", false),
        ] {
            assert_eq!(date_time(text), Some(Iso { text: iso.to_owned(), is_cut }), "{text}");
        }
        for other in ["infinity", "2026-01-02", "2026-01-02 03:04:05+02", "noon", "2026-01-02 24:00:00", ""] {
            assert_eq!(date_time(other), None, "{other}");
        }
        let text = |iso: Option<Iso>| iso.map(|iso| iso.text);
        assert_eq!(text(date("2024-02-29")).as_deref(), Some("2024-02-29T00:00:00.000Z"));
        assert_eq!(text(time_of_day("12:30:00.5")).as_deref(), Some("1970-01-01T12:30:00.500Z"));
        assert_eq!(text(milliseconds(1_718_706_600_001)).as_deref(), Some("2024-06-18T10:30:00.001Z"));
        assert_eq!(milliseconds(i64::MAX), None);
    }
}
