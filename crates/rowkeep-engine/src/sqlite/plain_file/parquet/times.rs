//! Days and times as texts.

/// How finely a time is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Milliseconds,
    Microseconds,
    Nanoseconds,
}

impl Unit {
    /// How many of it are a second.
    fn a_second(self) -> i128 {
        match self {
            Unit::Milliseconds => 1_000,
            Unit::Microseconds => 1_000_000,
            Unit::Nanoseconds => 1_000_000_000,
        }
    }

    /// How many digits stand behind the point.
    fn digits(self) -> usize {
        match self {
            Unit::Milliseconds => 3,
            Unit::Microseconds => 6,
            Unit::Nanoseconds => 9,
        }
    }
}

const SECONDS_OF_DAY: i128 = 86_400;

/// The day that the days of INT96 are counted from, the Julian, in days since 1970.
const JULIAN: i128 = 2_440_588;

/// A date by its days since 1970. Years before the first have `BC` behind them, as PostgreSQL writes them.
pub(super) fn date(days: i32) -> String {
    let (date, era) = parts(i128::from(days));
    format!("{date}{era}")
}

/// A time of day; nothing where there is none such. The end of a day is 24:00:00.
pub(super) fn time_of_day(value: i64, unit: Unit) -> Option<String> {
    let value = i128::from(value);
    (0..=SECONDS_OF_DAY * unit.a_second()).contains(&value).then(|| clock(value, unit))
}

/// A moment by what has passed since 1970: in UTC, or as clocks showed it somewhere.
pub(super) fn timestamp(value: i64, unit: Unit, is_utc: bool) -> String {
    moment(i128::from(value), unit, is_utc)
}

/// A moment in the form of INT96: nanoseconds of a day, and the day. Who wrote it knows whether it is in UTC.
pub(super) fn int96(words: &[u32]) -> Option<String> {
    let [low, high, day] = words else { return None };
    let nanoseconds = i128::from(i64::from(*low) | i64::from(*high) << 32);
    let days = i128::from(*day) - JULIAN;
    Some(moment(days * SECONDS_OF_DAY * Unit::Nanoseconds.a_second() + nanoseconds, Unit::Nanoseconds, false))
}

/// An interval as ISO 8601 has them, by its months, days and milliseconds; nothing where its bytes are others.
pub(super) fn interval(bytes: &[u8]) -> Option<String> {
    let number = |at: usize| bytes.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes);
    let (months, days, milliseconds) = (number(0)?, number(4)?, number(8)?);
    let (seconds, rest) = (milliseconds / 1_000, milliseconds % 1_000);
    (bytes.len() == 12).then(|| format!("P{months}M{days}DT{seconds}.{rest:03}S"))
}

fn moment(value: i128, unit: Unit, is_utc: bool) -> String {
    let a_day = SECONDS_OF_DAY * unit.a_second();
    let (date, era) = parts(value.div_euclid(a_day));
    format!("{date}T{}{}{era}", clock(value.rem_euclid(a_day), unit), if is_utc { "Z" } else { "" })
}

fn clock(value: i128, unit: Unit) -> String {
    let (seconds, rest) = (value / unit.a_second(), value % unit.a_second());
    let (minutes, hours, digits) = (seconds / 60, seconds / 3_600, unit.digits());
    format!("{hours:02}:{:02}:{:02}.{rest:0digits$}", minutes % 60, seconds % 60)
}

/// A day in the Gregorian calendar, and what stands behind it. Years begin in March here, so that the day that only some have is their
/// last; 400 of them are a whole number of days.
fn parts(days: i128) -> (String, &'static str) {
    const DAYS_OF_400_YEARS: i128 = 146_097;
    /// From the 1st of March of the year 0 to 1970.
    const BEFORE_1970: i128 = 719_468;
    let days = days + BEFORE_1970;
    let (cycle, day) = (days.div_euclid(DAYS_OF_400_YEARS), days.rem_euclid(DAYS_OF_400_YEARS));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = cycle * 400 + year + i128::from(month <= 2);
    let (year, era) = if year > 0 { (year, "") } else { (1 - year, " BC") };
    (format!("{year:04}-{month:02}-{day:02}"), era)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_times_are_those_of_the_calendar() {
        for (days, expected) in [
            (0, "1970-01-01"),
            (-1, "1969-12-31"),
            (11_016, "2000-02-29"),
            (11_017, "2000-03-01"),
            (-25_509, "1900-02-28"),
            (-25_508, "1900-03-01"),
            (-719_162, "0001-01-01"),
            (-719_163, "0001-12-31 BC"),
            (2_932_897, "10000-01-01"),
            (i32::MIN, "5877642-06-23 BC"),
            (i32::MAX, "5881580-07-11"),
        ] {
            assert_eq!(date(days), expected, "{days}");
        }
        let micros = |value, is_utc| timestamp(value, Unit::Microseconds, is_utc);
        assert_eq!(micros(1_704_067_200_123_456, true), "2024-01-01T00:00:00.123456Z");
        assert_eq!(micros(-1, false), "1969-12-31T23:59:59.999999");
        assert_eq!(timestamp(i64::MAX, Unit::Nanoseconds, false), "2262-04-11T23:47:16.854775807");
        assert_eq!(timestamp(i64::MIN, Unit::Milliseconds, true), "292275056-05-16T16:47:04.192Z BC");
        assert_eq!(time_of_day(86_400_000, Unit::Milliseconds).as_deref(), Some("24:00:00.000"));
        assert_eq!(time_of_day(1, Unit::Nanoseconds).as_deref(), Some("00:00:00.000000001"));
        assert_eq!(
            (time_of_day(-1, Unit::Nanoseconds), time_of_day(86_400_001, Unit::Milliseconds)),
            (None, None)
        );
        assert_eq!(int96(&[1, 0, 2_440_589]).as_deref(), Some("1970-01-02T00:00:00.000000001"));
        let bytes = [14, 0, 0, 0, 3, 0, 0, 0, 0xa5, 0x0f, 0, 0];
        assert_eq!(interval(&bytes).as_deref(), Some("P14M3DT4.005S"));
        assert_eq!(interval(&bytes[..11]), None);
    }
}
