//! Dates as ECMAScript prints them: the calendar goes on for 271,821 years in both directions.

const MS_PER_DAY: i64 = 86_400_000;

/// Milliseconds since 1970 of `1970-01-01T00:00:00.000Z`, whose year has six digits and a sign beyond four.
pub(super) fn milliseconds(text: &str) -> Option<i64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let year_digits = if unsigned.len() == text.len() { 4 } else { 6 };
    let form = format!("{}-00-00T00:00:00.000Z", "0".repeat(year_digits));
    let fits = |(byte, form): (u8, u8)| if form == b'0' { byte.is_ascii_digit() } else { byte == form };
    if unsigned.len() != form.len() || !unsigned.bytes().zip(form.bytes()).all(fits) {
        return None;
    }
    let number = |from: usize, digits: usize| unsigned.get(from..from + digits)?.parse::<i64>().ok();
    let year = sign * number(0, year_digits)?;
    let at = |place: usize| number(year_digits + place, 2);
    let (month, day) = (at(1)?, at(4)?);
    let clock = at(7)? * 3_600_000 + at(10)? * 60_000 + at(13)? * 1000 + number(year_digits + 16, 3)?;
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || clock >= MS_PER_DAY {
        return None;
    }
    let milliseconds = days(year, month, day) * MS_PER_DAY + clock;
    // A day that its month does not have is printed as another.
    (printed(milliseconds) == text).then_some(milliseconds)
}

/// The same, printed.
pub(super) fn printed(milliseconds: i64) -> String {
    let (day, clock) = (milliseconds.div_euclid(MS_PER_DAY), milliseconds.rem_euclid(MS_PER_DAY));
    let (year, month, day) = civil(day);
    let year = match year {
        0..=9999 => format!("{year:04}"),
        _ => format!("{year:+07}"),
    };
    let (hours, minutes) = (clock / 3_600_000, clock / 60_000 % 60);
    let (seconds, fraction) = (clock / 1000 % 60, clock % 1000);
    format!("{year}-{month:02}-{day:02}T{hours:02}:{minutes:02}:{seconds:02}.{fraction:03}Z")
}

/// Days since 1970 of a date of the proleptic Gregorian calendar. Years are counted from March, so that the leap day is the last.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, year) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    era * 146_097 + year * 365 + year / 4 - year / 100 + day_of_year - 719_468
}

fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let (next_year, month) = if month < 10 { (0, month + 3) } else { (1, month - 9) };
    (era * 400 + year_of_era + next_year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_browsers() {
        for (text, expected) in [
            ("1970-01-01T00:00:00.000Z", 0),
            ("1969-12-31T23:59:59.999Z", -1),
            ("2026-11-30T02:00:00.500Z", 1_796_004_000_500),
            ("2024-02-29T00:00:00.000Z", 1_709_164_800_000),
            ("+275760-09-13T00:00:00.000Z", 8_640_000_000_000_000),
            ("-271821-04-20T00:00:00.000Z", -8_640_000_000_000_000),
            ("-000001-01-01T00:00:00.000Z", -62_198_755_200_000),
        ] {
            assert_eq!(milliseconds(text), Some(expected), "{text}");
            assert_eq!(printed(expected), text);
        }
        for wrong in [
            "",
            "2023-02-29T00:00:00.000Z",
            "2023-02-28T24:00:00.000Z",
            "2023-02-28",
            "+002023-02-28T00:00:00.000Z",
        ] {
            assert_eq!(milliseconds(wrong), None, "{wrong}");
        }
    }
}
