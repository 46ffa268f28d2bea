//! The numbers that stand for what databases print.

use jiff::civil::{Date, Time};

/// Days since 1970.
pub(super) fn days(text: &str) -> Option<i32> {
    let (text, is_bc) = match text.strip_suffix(" BC") {
        Some(text) => (text, true),
        None => (text, false),
    };
    civil(text, is_bc).map(since_1970)
}

fn civil(text: &str, is_bc: bool) -> Option<Date> {
    let mut parts = text.splitn(3, '-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    let year: i16 = year.parse().ok()?;
    let year = if is_bc { 1 - year } else { year };
    Date::new(year, month.parse().ok()?, day.parse().ok()?).ok()
}

/// Days since 1970, by years that begin with March, so that the day that only some have is the last.
fn since_1970(date: Date) -> i32 {
    let (month, day) = (i32::from(date.month()), i32::from(date.day()));
    let year = i32::from(date.year()) - i32::from(month <= 2);
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    // 719,468 days lie between 1 March of the year 0 and 1970.
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Microseconds of a day.
pub(super) fn microseconds(text: &str) -> Option<i64> {
    if text == "24:00:00" {
        return Some(86_400_000_000);
    }
    let time: Time = text.parse().ok()?;
    let seconds = (i64::from(time.hour()) * 60 + i64::from(time.minute())) * 60 + i64::from(time.second());
    Some(seconds * 1_000_000 + i64::from(time.subsec_nanosecond()) / 1000)
}

/// Microseconds since 1970, of a time in UTC or of none.
pub(super) fn timestamp(text: &str) -> Option<i64> {
    let (plain, is_bc) = match text.strip_suffix(" BC") {
        Some(plain) => (plain, true),
        None => (text, false),
    };
    let (date, time) = plain.split_once(' ')?;
    let time = time.strip_suffix("+00").unwrap_or(time);
    let days = civil(date, is_bc).map(since_1970)?;
    i64::from(days).checked_mul(86_400_000_000)?.checked_add(microseconds(time)?)
}

/// A decimal number without its point, which stands before so many digits.
pub(super) fn unscaled(text: &str, scale: u32) -> Option<i128> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let missing = (scale as usize).checked_sub(fraction.len())?;
    if whole.is_empty() {
        return None;
    }
    let mut number: i128 = 0;
    for digit in whole.bytes().chain(fraction.bytes()).chain(std::iter::repeat_n(b'0', missing)) {
        let digit = digit.is_ascii_digit().then(|| digit - b'0')?;
        number = number.checked_mul(10)?.checked_add(i128::from(digit))?;
    }
    Some(if text.starts_with('-') { -number } else { number })
}

/// How many bytes hold every number of so many digits.
pub(super) fn length_of(digits: u32) -> usize {
    let largest = 10i128.checked_pow(digits).map_or(i128::MAX, |power| power - 1);
    (1..16).find(|length| largest < 1i128 << (8 * length - 1)).unwrap_or(16)
}

/// The bytes of a UUID.
pub(super) fn uuid(text: &str) -> Option<Vec<u8>> {
    hex::decode(text.replace('-', "")).ok().filter(|bytes| bytes.len() == 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_exact() {
        assert_eq!(
            (days("1970-01-02"), days("0001-01-01 BC"), days("infinity")),
            (Some(1), Some(-719_528), None)
        );
        assert_eq!(timestamp("1970-01-01 00:00:01.000002+00"), Some(1_000_002));
        assert_eq!(timestamp("1969-12-31 23:59:59.999999"), Some(-1));
        assert_eq!(microseconds("24:00:00"), Some(86_400_000_000));
        assert_eq!(
            (unscaled("-12.5", 2), unscaled("12.555", 2), unscaled("NaN", 2)),
            (Some(-1250), None, None)
        );
        assert_eq!((unscaled(".5", 2), unscaled("1.2.3", 4), unscaled("7", 3)), (None, None, Some(7000)));
        assert_eq!((length_of(2), length_of(3), length_of(9), length_of(38)), (1, 2, 4, 16));
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        let first = Date::constant(1970, 1, 1);
        for (year, month, day) in
            [(-9999, 1, 1), (-4, 2, 29), (0, 2, 29), (0, 3, 1), (1900, 2, 28), (1970, 1, 1)]
        {
            let mut date = Date::constant(year, month, day);
            for _ in 0..1500 {
                let days = date.since(first).expect("they are near enough").get_days();
                assert_eq!(since_1970(date), days, "{date}");
                date = date.tomorrow().expect("there is one");
            }
        }
        let last = Date::constant(9999, 12, 31);
        assert_eq!(since_1970(last), last.since(first).expect("they are near enough").get_days());
    }
}
