//! The numbers that stand for what databases print.

use jiff::civil::{Date, Time};

/// Days since 1970.
pub(super) fn days(text: &str) -> Option<i32> {
    let (text, is_bc) = match text.strip_suffix(" BC") {
        Some(text) => (text, true),
        None => (text, false),
    };
    let mut parts = text.splitn(3, '-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    let year: i16 = year.parse().ok()?;
    let year = if is_bc { 1 - year } else { year };
    let date = Date::new(year, month.parse().ok()?, day.parse().ok()?).ok()?;
    let since = date.since(Date::constant(1970, 1, 1)).ok()?;
    Some(since.get_days())
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
    let (plain, era) = match text.strip_suffix(" BC") {
        Some(plain) => (plain, " BC"),
        None => (text, ""),
    };
    let (date, time) = plain.split_once(' ')?;
    let time = time.strip_suffix("+00").unwrap_or(time);
    let days = days(&format!("{date}{era}"))?;
    i64::from(days).checked_mul(86_400_000_000)?.checked_add(microseconds(time)?)
}

/// A decimal number without its point, which stands before so many digits.
pub(super) fn unscaled(text: &str, scale: u32) -> Option<i128> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let scale = scale as usize;
    if fraction.len() > scale {
        return None;
    }
    let number: i128 = format!("{whole}{fraction:0<scale$}").parse().ok()?;
    Some(if text.starts_with('-') { -number } else { number })
}

/// The bytes of a number, the highest first, as many as so many digits need.
pub(super) fn bytes_of(number: i128, digits: u32) -> Vec<u8> {
    let length = length_of(digits);
    number.to_be_bytes()[16 - length..].to_vec()
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
        assert_eq!((length_of(2), length_of(3), length_of(9), length_of(38)), (1, 2, 4, 16));
        assert_eq!(bytes_of(-1250, 10), [0xff, 0xff, 0xff, 0xfb, 0x1e]);
    }
}
