//! Dates and times from the text that the server prints with `DateStyle` ISO, counted from 2000-01-01.

/// Days from 0000-03-01 to 2000-01-01 of the Gregorian calendar.
const EPOCH_DAYS: i32 = 730_425;

const MICROSECONDS_A_DAY: i64 = 86_400_000_000;

/// A date; years of other than four digits and those before Christ are left to the server.
pub(super) fn date(text: &[u8]) -> Option<i32> {
    match text {
        b"infinity" => Some(i32::MAX),
        b"-infinity" => Some(i32::MIN),
        _ => finite_date(text),
    }
}

fn finite_date(text: &[u8]) -> Option<i32> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = text else { return None };
    let year = two(*y1, *y2)? * 100 + two(*y3, *y4)?;
    let (month, day) = (two(*m1, *m2)?, two(*d1, *d2)?);
    if year == 0 || !(1..=12).contains(&month) || day < 1 || day > days_of(year, month) {
        return None;
    }
    // Years that begin in March have their leap day last; the months from there have 153 days in every five.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let before = year * 365 + year / 4 - year / 100 + year / 400;
    Some(before + (153 * month + 2) / 5 + day - 1 - EPOCH_DAYS)
}

fn days_of(year: i32, month: i32) -> i32 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Microseconds since midnight, of `HH:MM:SS` and up to six digits after a point.
pub(super) fn time(text: &[u8]) -> Option<i64> {
    let ([h1, h2, b':', m1, m2, b':', s1, s2], rest) = text.split_first_chunk::<8>()? else { return None };
    let (hours, minutes, seconds) = (two(*h1, *h2)?, two(*m1, *m2)?, two(*s1, *s2)?);
    if hours > 23 || minutes > 59 || seconds > 59 {
        return None;
    }
    let fraction = match rest {
        [] => 0,
        [b'.', digits @ ..] if (1..=6).contains(&digits.len()) => {
            let number = digits.iter().try_fold(0, |number, digit| {
                digit.is_ascii_digit().then(|| number * 10 + i64::from(digit - b'0'))
            })?;
            number * 10i64.pow(6 - digits.len() as u32)
        }
        _ => return None,
    };
    Some(i64::from(hours * 3600 + minutes * 60 + seconds) * 1_000_000 + fraction)
}

/// Microseconds since 2000-01-01, of a date, a time and what stands behind them.
pub(super) fn timestamp(text: &[u8], zone: &[u8]) -> Option<i64> {
    match text {
        b"infinity" => return Some(i64::MAX),
        b"-infinity" => return Some(i64::MIN),
        _ => {}
    }
    let (day, rest) = text.strip_suffix(zone)?.split_first_chunk::<10>()?;
    let time = time(rest.strip_prefix(b" ")?)?;
    Some(i64::from(finite_date(day)?) * MICROSECONDS_A_DAY + time)
}

fn two(tens: u8, ones: u8) -> Option<i32> {
    (tens.is_ascii_digit() && ones.is_ascii_digit())
        .then(|| i32::from(tens - b'0') * 10 + i32::from(ones - b'0'))
}
