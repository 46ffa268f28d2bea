//! Dates and moments as databases print them and as people write them.

const MICROS_PER_SECOND: i64 = 1_000_000;
const MICROS_PER_DAY: i64 = 86_400 * MICROS_PER_SECOND;

/// A moment that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Microseconds since 1 January 1970, in UTC where there is a zone; the extremes are the infinities.
    pub micros: i128,
    /// Whether a zone was written.
    pub zoned: bool,
}

/// Reads `2026-01-31 12:30:00.5+02`, or any beginning of it that ends with a field: a year, a month, a day, an hour.
///
/// What is not written is the first there is: `2026` is the first instant of the year. Years before Christ end in ` BC`.
pub fn moment(text: &str) -> Option<Moment> {
    match text {
        "infinity" => return Some(Moment { micros: i128::MAX, zoned: false }),
        "-infinity" => return Some(Moment { micros: i128::MIN, zoned: false }),
        _ => {}
    }
    let (text, before_christ) = match text.strip_suffix(" BC") {
        Some(text) => (text, true),
        None => (text, false),
    };
    let (date, rest) = match text.find(['T', 't', ' ']) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    let days = days(date, before_christ)?;
    let whole_date = date.bytes().filter(|byte| *byte == b'-').count() == 2;
    let (time, zone) = match rest {
        None => (0, None),
        Some(rest) if whole_date => clock_and_zone(rest)?,
        Some(_) => return None,
    };
    let micros = i128::from(days) * i128::from(MICROS_PER_DAY) + i128::from(time - zone.unwrap_or(0));
    Some(Moment { micros, zoned: zone.is_some() })
}

/// Days since 1 January 1970 of a date of the proleptic Gregorian calendar, or of the first of a month or year.
pub fn days(date: &str, before_christ: bool) -> Option<i64> {
    let mut fields = date.split('-');
    let year = fields.next().filter(|year| (4..=6).contains(&year.len())).and_then(number)?;
    let two = |field: Option<&str>| match field {
        None => Some(1),
        Some(field) if field.len() == 2 => number(field),
        Some(_) => None,
    };
    let (month, day) = (two(fields.next())?, two(fields.next())?);
    if fields.next().is_some() || year == 0 {
        return None;
    }
    let year = if before_christ { 1 - year } else { year };
    if !(1..=12).contains(&month) || !(1..=days_of_month(year, month)).contains(&day) {
        return None;
    }
    Some(days_from_civil(year, month, day))
}

/// The clock and the zone, both in microseconds.
fn clock_and_zone(text: &str) -> Option<(i64, Option<i64>)> {
    let (text, zone) = if let Some(text) = text.strip_suffix(['Z', 'z']) {
        (text, Some(0))
    } else if let Some(at) = text.rfind(['+', '-']) {
        let sign = if text[at..].starts_with('-') { -1 } else { 1 };
        (&text[..at], Some(sign * offset(&text[at + 1..])?))
    } else {
        (text, None)
    };
    Some((clock(text.trim_end())?, zone))
}

/// Reads `12:30:00.5` or a beginning of it, in microseconds.
pub fn clock(text: &str) -> Option<i64> {
    let (text, micros) = match text.split_once('.') {
        Some((text, fraction)) => {
            let sound = (1..=6).contains(&fraction.len()) && text.matches(':').count() == 2;
            let digits = number(fraction).filter(|_| sound)?;
            (text, digits * 10i64.pow(6 - fraction.len() as u32))
        }
        None => (text, 0),
    };
    let seconds = sexagesimal(text.split(':'))?;
    (seconds <= 86_400).then_some(seconds * MICROS_PER_SECOND + micros)
}

/// A zone's distance from UTC: `02`, `02:30`, `0230`, `02:30:15`.
fn offset(text: &str) -> Option<i64> {
    let seconds = match text.len() {
        4 if !text.contains(':') && text.is_ascii() => sexagesimal([&text[..2], &text[2..]].into_iter())?,
        _ => sexagesimal(text.split(':'))?,
    };
    Some(seconds * MICROS_PER_SECOND)
}

/// Hours, minutes and seconds, in seconds.
fn sexagesimal<'a>(fields: impl Iterator<Item = &'a str>) -> Option<i64> {
    let mut seconds = 0;
    for (place, field) in fields.enumerate() {
        let (most, unit) = *[(24, 3600), (59, 60), (60, 1)].get(place)?;
        let value = number(field).filter(|value| field.len() == 2 && *value <= most)?;
        seconds += value * unit;
    }
    Some(seconds)
}

/// Prints a moment as `2026-01-31 12:30:00.5`, the zone after its clock.
pub fn print(micros: i128, zone: &str) -> String {
    match micros {
        i128::MAX => return "infinity".to_owned(),
        i128::MIN => return "-infinity".to_owned(),
        _ => {}
    }
    let day = i128::from(MICROS_PER_DAY);
    // No date is further away than the years that are read.
    let (date, era) = print_date(micros.div_euclid(day) as i64);
    format!("{date} {}{zone}{era}", print_clock(micros.rem_euclid(day) as i64))
}

/// Prints a date as `2026-01-31`; the second part is ` BC` where that is due.
pub fn print_date(days: i64) -> (String, &'static str) {
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let (next_year, month) = if month < 10 { (0, month + 3) } else { (1, month - 9) };
    let year = era * 400 + year_of_era + next_year;
    let (year, suffix) = if year > 0 { (year, "") } else { (1 - year, " BC") };
    (format!("{year:04}-{month:02}-{day:02}"), suffix)
}

/// Prints a time of the day as `12:30:00.5`.
pub fn print_clock(micros: i64) -> String {
    let seconds = micros / MICROS_PER_SECOND;
    let clock = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    match micros % MICROS_PER_SECOND {
        0 => clock,
        fraction => format!("{clock}.{}", format!("{fraction:06}").trim_end_matches('0')),
    }
}

fn number(digits: &str) -> Option<i64> {
    (!digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit())).then(|| digits.parse().ok())?
}

fn days_of_month(year: i64, month: i64) -> i64 {
    let is_leap = year.rem_euclid(4) == 0 && (year.rem_euclid(100) != 0 || year.rem_euclid(400) == 0);
    match month {
        2 => 28 + i64::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Counts years from March, so that the leap day is the last of its year.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let era = year.div_euclid(400);
    let year = year.rem_euclid(400);
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    era * 146_097 + year * 365 + year / 4 - year / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    fn micros(text: &str) -> i128 {
        moment(text).unwrap_or_else(|| panic!("{text} is a moment")).micros
    }

    #[test]
    fn moments_are_read_as_databases_print_them() {
        assert_eq!(micros("1970-01-01"), 0);
        assert_eq!(micros("1970-01-02 00:00:01.5"), 86_401_500_000);
        assert_eq!(micros("2026-01-01 12:00:00+00"), 1_767_268_800_000_000);
        assert_eq!(micros("2026-01-01 14:00:00+02:00"), micros("2026-01-01T12:00:00Z"));
        assert_eq!(micros("2026-01-01 06:30:00-0530"), micros("2026-01-01 12:00"));
        assert_eq!(micros("0001-12-31 BC") + i128::from(MICROS_PER_DAY), micros("0001-01-01"));
        assert_eq!(micros("2026-03-01") - micros("2026-02-28"), i128::from(MICROS_PER_DAY));
        assert_eq!(micros("2024-03-01") - micros("2024-02-28"), 2 * i128::from(MICROS_PER_DAY));
        assert!(micros("294276-12-31 23:59:59.999999") < micros("infinity"));
        assert!(micros("4713-01-01 00:00:00 BC") > micros("-infinity"));
        assert!(moment("2026-01-01 12:00:00+00 BC").is_some_and(|moment| moment.zoned));
    }

    #[test]
    fn what_is_printed_is_read_again() {
        for text in [
            "2026-01-01 12:00:00",
            "1970-01-01 00:00:00.5",
            "0044-03-15 01:02:03.000004 BC",
            "12026-02-28 23:59:59",
            "2024-02-29 00:00:00",
            "infinity",
            "-infinity",
        ] {
            assert_eq!(print(micros(text), ""), text);
        }
        assert_eq!(print(micros("0044-03-15 BC"), "+00"), "0044-03-15 00:00:00+00 BC");
    }

    #[test]
    fn a_beginning_is_the_first_instant() {
        assert_eq!(micros("2026"), micros("2026-01-01 00:00:00"));
        assert_eq!(micros("2026-07"), micros("2026-07-01 00"));
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "",
            "26-01-01",
            "2026-13-01",
            "2026-02-29",
            "2026-1-1",
            "2026-01-01 25:00",
            "2026-01-01 12:60",
            "2026-01 12:00",
            "2026-01-01 12:00.5",
            "today",
            "2026-01-01-01",
            "0000-01-01",
            "2026-01-01 ",
        ] {
            assert_eq!(moment(text), None, "{text}");
        }
    }
}
