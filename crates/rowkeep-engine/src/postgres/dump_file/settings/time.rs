//! Timestamps with time zone, as they are printed in UTC.

use std::io::Write;

/// Days of 400 years, which the calendar repeats.
const ERA_DAYS: i64 = 146_097;

/// Writes a timestamp that is printed in any time zone as it is printed in UTC: `2024-01-01 05:30:00.5+05:30` as
/// `2024-01-01 00:00:00.5+00`.
pub(super) fn in_utc(text: &[u8], out: &mut Vec<u8>) -> Option<()> {
    if matches!(text, b"infinity" | b"-infinity") {
        out.extend_from_slice(text);
        return Some(());
    }
    let (stamp, rest) = Stamp::read(text)?;
    rest.is_empty().then(|| stamp.write(out))
}

/// A timestamp: its second since the year 0 began, and what is less than a second as it is written.
struct Stamp<'t> {
    seconds: i64,
    fraction: &'t [u8],
}

impl<'t> Stamp<'t> {
    /// Reads one with an offset, and gives what follows it.
    fn read(text: &'t [u8]) -> Option<(Self, &'t [u8])> {
        let mut reading = Reading(text);
        let year = reading.number(4..=6)?;
        let month = reading.after(b'-')?.number(2..=2)?;
        let day = reading.after(b'-')?.number(2..=2)?;
        let hour = reading.after(b' ')?.number(2..=2)?;
        let minute = reading.after(b':')?.number(2..=2)?;
        let second = reading.after(b':')?.number(2..=2)?;
        let fraction = reading.fraction();
        let sign = match reading.0.first()? {
            b'+' => 1,
            b'-' => -1,
            _ => return None,
        };
        reading.0 = &reading.0[1..];
        let mut offset = reading.number(2..=2)? * 3600;
        for unit in [60, 1] {
            if reading.0.first() == Some(&b':') {
                offset += reading.after(b':')?.number(2..=2)? * unit;
            }
        }
        let (rest, is_before) = match reading.0.strip_prefix(b" BC") {
            Some(rest) => (rest, true),
            None => (reading.0, false),
        };
        let is_date = (1..=12).contains(&month) && (1..=31).contains(&day);
        if !is_date || hour > 24 || minute > 59 || second > 60 {
            return None;
        }
        let year = if is_before { 1 - year } else { year };
        let seconds = days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - sign * offset;
        Some((Self { seconds, fraction }, rest))
    }

    fn write(&self, out: &mut Vec<u8>) {
        let (day, second) = (self.seconds.div_euclid(86_400), self.seconds.rem_euclid(86_400));
        let (year, month, day) = date(day);
        let (shown, era) = if year > 0 { (year, "") } else { (1 - year, " BC") };
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        // Writing into memory does not fail.
        let _ = write!(out, "{shown:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}");
        out.extend_from_slice(self.fraction);
        out.extend_from_slice(b"+00");
        out.extend_from_slice(era.as_bytes());
    }
}

struct Reading<'t>(&'t [u8]);

impl<'t> Reading<'t> {
    fn after(&mut self, byte: u8) -> Option<&mut Self> {
        self.0 = self.0.strip_prefix(&[byte])?;
        Some(self)
    }

    fn number(&mut self, digits: std::ops::RangeInclusive<usize>) -> Option<i64> {
        let length = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if !digits.contains(&length) {
            return None;
        }
        let (number, rest) = self.0.split_at(length);
        self.0 = rest;
        Some(number.iter().fold(0, |number, digit| number * 10 + i64::from(digit - b'0')))
    }

    fn fraction(&mut self) -> &'t [u8] {
        let digits =
            self.0.get(1..).unwrap_or_default().iter().take_while(|byte| byte.is_ascii_digit()).count();
        let length = if self.0.first() == Some(&b'.') && digits > 0 { digits + 1 } else { 0 };
        let (fraction, rest) = self.0.split_at(length);
        self.0 = rest;
        fraction
    }
}

/// The day of a date, counted from the first of March of the year 0, in the calendar that is repeated every 400 years.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    era * ERA_DAYS + of_era * 365 + of_era / 4 - of_era / 100 + (153 * month + 2) / 5 + day - 1
}

/// The date of such a day.
fn date(day: i64) -> (i64, i64, i64) {
    let (era, of_era) = (day.div_euclid(ERA_DAYS), day.rem_euclid(ERA_DAYS));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (year, month) = (year + era * 400, if month < 10 { month + 3 } else { month - 9 });
    (if month <= 2 { year + 1 } else { year }, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_is_the_day_that_it_is() {
        for day in -1_800_000..1_800_000 {
            let (year, month, of_month) = date(day);
            assert_eq!(days(year, month, of_month), day, "{year}-{month}-{of_month}");
        }
        assert_eq!(date(days(2024, 2, 29) + 1), (2024, 3, 1));
        assert_eq!(days(1970, 1, 1), 719_468);
    }

    #[test]
    fn timestamps_are_moved_to_utc() {
        for (text, expected) in [
            ("2024-01-01 05:30:01.133+05:30", "2024-01-01 00:00:01.133+00"),
            ("2023-12-31 19:00:00-05", "2024-01-01 00:00:00+00"),
            ("0001-01-01 00:00:00+01", "0001-12-31 23:00:00+00 BC"),
            ("0044-03-15 12:00:00+05:21:10 BC", "0044-03-15 06:38:50+00 BC"),
            ("294276-12-31 23:59:59.999999+00", "294276-12-31 23:59:59.999999+00"),
            ("2024-02-29 23:30:00-00:45", "2024-03-01 00:15:00+00"),
            ("-infinity", "-infinity"),
        ] {
            let mut out = Vec::new();
            in_utc(text.as_bytes(), &mut out).unwrap_or_else(|| panic!("{text} is one"));
            assert_eq!(String::from_utf8_lossy(&out), expected, "{text}");
        }
        for wrong in [
            "",
            "2024-01-01",
            "2024-01-01 00:00:00",
            "2024-13-01 00:00:00+00",
            "x",
            "2024-01-01 00:00:00+00x",
        ] {
            assert!(in_utc(wrong.as_bytes(), &mut Vec::new()).is_none(), "{wrong}");
        }
    }
}
