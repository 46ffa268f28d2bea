//! PostgreSQL's intervals by their length, as it compares them: a month has 30 days, a day 24 hours.

const MICROS_OF_HOUR: i128 = 3_600_000_000;
const MICROS_OF_DAY: i128 = 24 * MICROS_OF_HOUR;

/// The length in microseconds of text such as `1 year 2 mons -3 days 04:05:06.789`.
pub(super) fn micros(text: &[u8]) -> Option<i128> {
    let text = std::str::from_utf8(text).ok()?.trim();
    match text {
        "infinity" => return Some(i128::MAX),
        "-infinity" => return Some(i128::MIN),
        "" => return None,
        _ => {}
    }
    let mut total: i128 = 0;
    let mut words = text.split_ascii_whitespace();
    while let Some(word) = words.next() {
        let part = match word.contains(':') {
            true => clock(word)?,
            false => {
                let count: i64 = word.parse().ok()?;
                i128::from(count) * unit(words.next()?)?
            }
        };
        total += part;
    }
    Some(total)
}

fn unit(word: &str) -> Option<i128> {
    Some(match word.strip_suffix('s').unwrap_or(word) {
        "year" => 360 * MICROS_OF_DAY,
        "mon" | "month" => 30 * MICROS_OF_DAY,
        "week" => 7 * MICROS_OF_DAY,
        "day" => MICROS_OF_DAY,
        "hour" => MICROS_OF_HOUR,
        "min" | "minute" => MICROS_OF_HOUR / 60,
        "sec" | "second" => 1_000_000,
        _ => return None,
    })
}

/// Hours and minutes, and where they are given seconds and up to six digits of a second.
fn clock(word: &str) -> Option<i128> {
    let (sign, digits) = match word.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, word.strip_prefix('+').unwrap_or(word)),
    };
    let mut parts = digits.split(':');
    let number =
        |part: &str| part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse::<u32>().ok())?;
    let (hours, minutes) = (number(parts.next()?)?, number(parts.next()?)?);
    let (seconds, fraction) = match parts.next() {
        None => (0, 0),
        Some(rest) => {
            let (whole, fraction) = rest.split_once('.').unwrap_or((rest, "0"));
            let width = u32::try_from(fraction.len()).ok().filter(|width| (1..=6).contains(width))?;
            (number(whole)?, i128::from(number(fraction)?) * 10i128.pow(6 - width))
        }
    };
    if parts.next().is_some() {
        return None;
    }
    let whole = i128::from(hours) * MICROS_OF_HOUR
        + i128::from(minutes) * (MICROS_OF_HOUR / 60)
        + i128::from(seconds) * 1_000_000;
    Some(sign * (whole + fraction))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_lengths_are_equal() {
        let of = |text: &str| micros(text.as_bytes());
        for (a, b) in [
            ("1 day", "24:00:00"),
            ("24:00", "1 day"),
            ("1 mon", "30 days"),
            ("1 year", "12 mons"),
            ("1 day -24:00:00", "00:00:00"),
            ("-1 days +02:00:00", "-22:00:00"),
            ("00:00:01.5", "00:00:01.500000"),
            ("1 hour 30 minutes", "01:30:00"),
        ] {
            assert!(of(a).is_some() && of(a) == of(b), "{a} {b}");
        }
        assert!(of("infinity") > of("178000000 years") && of("-infinity") < of("-178000000 years"));
        assert_ne!(of("1 day"), of("1 day 00:00:00.000001"));
        for text in [
            "",
            "day",
            "1",
            "1 fortnight",
            "1:2:3:4",
            "1:-2",
            "00:00:00.1234567",
            "1.5 days",
            "::",
            "\u{e9}:00",
        ] {
            assert_eq!(of(text), None, "{text}");
        }
    }
}
