//! Times as files write them, which are taken only where it is certain what they say.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// The parts of a text such as `2026-01-02T03:04:05.678+02:00`.
struct Parts<'t> {
    date: &'t str,
    /// `03:04:05.678`, or nothing.
    time: &'t str,
    /// `Z`, `+02:00`, or nothing.
    offset: &'t str,
    is_before: bool,
}

impl<'t> Parts<'t> {
    fn of(text: &'t str) -> Option<Self> {
        let (text, is_before) = match text.strip_suffix(" BC") {
            Some(text) => (text, true),
            None => (text, false),
        };
        let (date, rest) = text.split_at(text.find(['T', ' ']).unwrap_or(text.len()));
        let mut of_date = date.split('-');
        let is = |part: Option<&str>, lengths: std::ops::RangeInclusive<usize>| {
            part.is_some_and(|part| lengths.contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit()))
        };
        let is_date = is(of_date.next(), 4..=6) && is(of_date.next(), 2..=2) && is(of_date.next(), 2..=2);
        if !is_date || of_date.next().is_some() {
            return None;
        }
        let rest = rest.get(1..).unwrap_or_default();
        let (time, offset) = rest.split_at(rest.find(['Z', 'z', '+', '-', ' ']).unwrap_or(rest.len()));
        let is_time = is_time(time) || rest.is_empty() && !text.ends_with(['T', ' ']);
        let offset = offset.strip_prefix(' ').unwrap_or(offset);
        (is_time && is_offset(offset)).then_some(Self { date, time, offset, is_before })
    }

    fn is_in_utc(&self) -> bool {
        matches!(self.offset, "" | "Z" | "z")
    }
}

/// Whether a text is as `03:04`, `03:04:05` or `03:04:05.678`.
fn is_time(text: &str) -> bool {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let parts: Vec<&str> = whole.split(':').collect();
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    (2..=3).contains(&parts.len())
        && parts.iter().all(|part| part.len() == 2 && digits(part))
        && digits(fraction)
}

/// Whether a text is nothing, `Z`, or as `+02`, `+0200`, `+02:00`.
fn is_offset(text: &str) -> bool {
    if matches!(text, "" | "Z" | "z") {
        return true;
    }
    let Some(rest) = text.strip_prefix(['+', '-']) else { return false };
    let digits = rest.replace(':', "");
    matches!(digits.len(), 2 | 4 | 6) && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Fails where the server would round a fraction.
fn refuse_rounding(time: &str) -> Result<(), String> {
    let beyond = time.split_once('.').and_then(|(_, fraction)| fraction.get(6..)).unwrap_or_default();
    match beyond.bytes().all(|byte| byte == b'0') {
        true => Ok(()),
        false => Err("it has digits below a microsecond, which the type would round".to_owned()),
    }
}

/// A moment. A column without a zone ignores offsets, so for it a moment with one is put into UTC.
pub(super) fn moment(text: &str, has_zone: bool) -> Result<String, String> {
    if matches!(text, "infinity" | "-infinity") {
        return Ok(text.to_owned());
    }
    let no_time = || "it is no time in a form such as 2026-01-02T03:04:05.678Z".to_owned();
    let parts = Parts::of(text).ok_or_else(no_time)?;
    refuse_rounding(parts.time)?;
    if has_zone || parts.is_in_utc() {
        return Ok(text.to_owned());
    }
    let iso = format!("{}T{}{}", parts.date, parts.time, parts.offset);
    let time: Timestamp = iso.parse().map_err(|_| no_time())?;
    if parts.is_before {
        return Err(no_time());
    }
    Ok(time.to_zoned(TimeZone::UTC).datetime().to_string())
}

/// A date, also as the moment of its midnight, as a `DateTime` of JavaScript tells a date.
pub(super) fn date(text: &str) -> Result<String, String> {
    if matches!(text, "infinity" | "-infinity") {
        return Ok(text.to_owned());
    }
    let parts = Parts::of(text).ok_or("it is no date in a form such as 2026-01-02")?;
    if !parts.is_in_utc() || parts.time.bytes().any(|byte| !matches!(byte, b'0' | b':' | b'.')) {
        return Err("it has a time of day, which type date would lose".to_owned());
    }
    Ok(format!("{}{}", parts.date, if parts.is_before { " BC" } else { "" }))
}

/// A time of day, also as that of the first day of 1970, as a `DateTime` of JavaScript tells it.
pub(super) fn time(text: &str) -> Result<String, String> {
    let of_first_day = Parts::of(text).filter(|parts| parts.date == "1970-01-01" && parts.is_in_utc());
    let time = match of_first_day {
        Some(parts) => parts.time,
        None => text,
    };
    if !is_time(time) {
        return Err("it is no time of day in a form such as 03:04:05.678".to_owned());
    }
    refuse_rounding(time)?;
    Ok(time.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_certain_is_taken() {
        for (text, has_zone, expected) in [
            ("2026-01-02T03:04:05.678Z", false, "2026-01-02T03:04:05.678Z"),
            ("2026-01-02 03:04:05 +02:00", false, "2026-01-02T01:04:05"),
            ("2026-01-02T03:04:05.678+02:00", false, "2026-01-02T01:04:05.678"),
            ("2026-01-02T03:04:05.678+02:00", true, "2026-01-02T03:04:05.678+02:00"),
            ("2026-01-02", true, "2026-01-02"),
            ("0044-03-15 00:00:00 BC", false, "0044-03-15 00:00:00 BC"),
            ("294276-12-31 23:59:59.999999", false, "294276-12-31 23:59:59.999999"),
            ("2026-01-02T03:04:05.1234560Z", false, "2026-01-02T03:04:05.1234560Z"),
            ("-infinity", false, "-infinity"),
        ] {
            assert_eq!(moment(text, has_zone).as_deref(), Ok(expected), "{text}");
        }
        assert_eq!(date("2026-01-02T00:00:00.000Z").as_deref(), Ok("2026-01-02"));
        assert_eq!(date("0044-03-15 BC").as_deref(), Ok("0044-03-15 BC"));
        assert_eq!(time("10:11:12.123456").as_deref(), Ok("10:11:12.123456"));
        assert_eq!(time("1970-01-01T10:11:12.123Z").as_deref(), Ok("10:11:12.123"));
    }

    #[test]
    fn what_is_not_is_refused() {
        for text in [
            "now",
            "today",
            "1700000101",
            "Fri, 02 Jan 2026 03:04:05 +0200",
            "2026-01-02 03:04:05 Europe/Berlin",
            "2026-01-02T",
            "2026-01-02T03:04:05.1234567Z",
            "02/01/2026",
            "",
        ] {
            assert!(moment(text, false).is_err() && moment(text, true).is_err(), "{text}");
        }
        for text in ["2026-01-02 17:00:00", "2026-01-02T00:00:00+02:00", "today", "20260102"] {
            assert!(date(text).is_err(), "{text}");
        }
        for text in ["10:00:00+02", "10", "2026-01-02T10:11:12Z", "10:00:00.1234567", "noon"] {
            assert!(time(text).is_err(), "{text}");
        }
    }
}
