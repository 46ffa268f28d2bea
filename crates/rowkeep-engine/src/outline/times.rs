//! ISO dates and times as applications write them, and as PostgreSQL prints them.

use jiff::ToSpan;
use jiff::civil::{Date, DateTime, Time};

/// Microseconds are what PostgreSQL keeps of a second.
const FRACTION_DIGITS: usize = 6;

/// A date, `YYYY-MM-DD`, that PostgreSQL takes and prints as it is.
pub(crate) fn date(text: &[u8]) -> Option<Date> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = text else { return None };
    let year = i16::try_from(number(&[*y1, *y2, *y3, *y4])?).ok().filter(|year| *year > 0)?;
    Date::new(year, number(&[*m1, *m2])? as i8, number(&[*d1, *d2])? as i8).ok()
}

/// A time of day, `HH:MM`, with or without seconds and up to six digits of a fraction.
fn time(text: &[u8]) -> Option<Time> {
    let (head, fraction) = match text.iter().position(|byte| *byte == b'.') {
        Some(point) => (&text[..point], &text[point + 1..]),
        None => (text, &[][..]),
    };
    if head.len() < text.len() && (fraction.is_empty() || head.len() != 8) {
        return None;
    }
    let (hour, minute, second) = match head {
        [h1, h2, b':', m1, m2] => ([*h1, *h2], [*m1, *m2], [b'0', b'0']),
        [h1, h2, b':', m1, m2, b':', s1, s2] => ([*h1, *h2], [*m1, *m2], [*s1, *s2]),
        _ => return None,
    };
    // Zeros beyond microseconds say nothing.
    let kept = fraction.iter().rposition(|digit| *digit != b'0').map_or(0, |last| last + 1);
    if kept > FRACTION_DIGITS || !fraction.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let nanoseconds = number(&fraction[..kept])? * 10u32.pow(9 - kept as u32);
    Time::new(
        number(&hour)? as i8,
        number(&minute)? as i8,
        number(&second)? as i8,
        i32::try_from(nanoseconds).ok()?,
    )
    .ok()
}

/// A time of day in the form in which PostgreSQL prints it.
pub(crate) fn printed_time(text: &[u8]) -> Option<String> {
    time(text).map(|time| time.to_string())
}

/// A date and time without a zone in the form in which PostgreSQL prints it; a date alone is its midnight.
pub(crate) fn printed_timestamp(text: &[u8]) -> Option<String> {
    Some(printed(local(text)?))
}

/// A date and time with a zone in the form in which PostgreSQL prints it in UTC.
pub(crate) fn printed_instant(text: &[u8]) -> Option<String> {
    let (local_part, minutes) = match text {
        [rest @ .., b'Z' | b'z'] => (rest, 0),
        [rest @ .., sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let (hours, minutes) = (number(&[*h1, *h2])?, number(&[*m1, *m2])?);
            if hours > 15 || minutes > 59 {
                return None;
            }
            let minutes = i64::from(hours * 60 + minutes);
            (rest, if *sign == b'-' { -minutes } else { minutes })
        }
        [rest @ .., b'+', b'0', b'0'] => (rest, 0),
        _ => return None,
    };
    // A date alone has no zone.
    if local_part.len() <= 10 {
        return None;
    }
    let utc = local(local_part)?.checked_sub(minutes.minutes()).ok()?;
    (utc.year() > 0).then(|| printed(utc) + "+00")
}

fn local(text: &[u8]) -> Option<DateTime> {
    let (day, rest) = text.split_at_checked(10)?;
    let day = date(day)?;
    match rest {
        [] => Some(day.to_datetime(Time::midnight())),
        [b' ' | b'T' | b't', rest @ ..] => Some(day.to_datetime(time(rest)?)),
        _ => None,
    }
}

fn printed(at: DateTime) -> String {
    format!("{} {}", at.date(), at.time())
}

/// Digits as a number; nothing for anything else.
fn number(digits: &[u8]) -> Option<u32> {
    digits
        .iter()
        .try_fold(0u32, |number, digit| digit.is_ascii_digit().then(|| number * 10 + u32::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_are_printed_as_the_server_does() {
        let local = |text: &str| printed_timestamp(text.as_bytes());
        assert_eq!(local("2024-02-29 10:11:12").as_deref(), Some("2024-02-29 10:11:12"));
        assert_eq!(local("2024-02-29T10:11").as_deref(), Some("2024-02-29 10:11:00"));
        assert_eq!(local("2024-02-29 10:11:12.500").as_deref(), Some("2024-02-29 10:11:12.5"));
        assert_eq!(local("2024-02-29 10:11:12.000001000").as_deref(), Some("2024-02-29 10:11:12.000001"));
        assert_eq!(local("2024-02-29").as_deref(), Some("2024-02-29 00:00:00"));
        let instant = |text: &str| printed_instant(text.as_bytes());
        assert_eq!(instant("2024-02-29T10:11:12.000Z").as_deref(), Some("2024-02-29 10:11:12+00"));
        assert_eq!(instant("2024-02-29 01:11:12+02:30").as_deref(), Some("2024-02-28 22:41:12+00"));
        assert_eq!(instant("2024-02-29 01:11:12-02:30").as_deref(), Some("2024-02-29 03:41:12+00"));
        assert_eq!(instant("2024-02-29 01:11:12.25+00").as_deref(), Some("2024-02-29 01:11:12.25+00"));
        assert_eq!(printed_time(b"10:11:12.250").as_deref(), Some("10:11:12.25"));
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "",
            "2024",
            "2024-1-1",
            "2024-02-30",
            "0000-01-01",
            "2024-02-29 24:00:00",
            "2024-02-29 10:11:60",
            "2024-02-29 10:11:12.",
            "2024-02-29 10:11:12.1234567",
            "2024-02-29 10:11.5",
            "now",
            "2024-02-29 ",
            "-024-02-29",
            "2024-02-29 10:11:12Z",
        ] {
            assert_eq!(printed_timestamp(text.as_bytes()), None, "{text}");
        }
        for text in
            ["2024-02-29Z", "2024-02-29 10:11:12", "2024-02-29 10:11:12+16:00", "0001-01-01 00:00:00+01:00"]
        {
            assert_eq!(printed_instant(text.as_bytes()), None, "{text}");
        }
    }
}
