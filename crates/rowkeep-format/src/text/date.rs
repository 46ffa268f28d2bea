//! Dates of the proleptic Gregorian calendar as numbers of days.

/// Days from 1 March of year 0 to 1 January 1970.
const DAYS_TO_EPOCH: i64 = 719_468;
const DAYS_PER_ERA: i64 = 146_097;
/// 1 January of year 1 and 31 December of year 9999, in days since 1 January 1970.
const FIRST_DAY: i64 = -719_162;
const LAST_DAY: i64 = 2_932_896;

/// Days since 1 January 1970 of a date of the proleptic Gregorian calendar.
pub(super) fn parse_date(text: &[u8]) -> Option<i64> {
    let &[y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = text else { return None };
    let digits = [y1, y2, y3, y4, m1, m2, d1, d2].map(|digit| i64::from(digit.wrapping_sub(b'0')));
    if digits.iter().any(|digit| *digit > 9) {
        return None;
    }
    let year = digits[0] * 1000 + digits[1] * 100 + digits[2] * 10 + digits[3];
    let (month, day) = (digits[4] * 10 + digits[5], digits[6] * 10 + digits[7]);
    if year == 0 || !(1..=12).contains(&month) || !(1..=days_of_month(year, month)).contains(&day) {
        return None;
    }
    // Years are counted from March, so that the leap day is the last of its year.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    Some(year * 365 + year / 4 - year / 100 + year / 400 + day_of_year - DAYS_TO_EPOCH)
}

fn days_of_month(year: i64, month: i64) -> i64 {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 => 28 + i64::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Prints any number of days as some date; numbers that no date has are clamped, as damaged data may hold them.
pub(super) fn print_date(days: i64, out: &mut Vec<u8>) {
    let days = days.clamp(FIRST_DAY, LAST_DAY) + DAYS_TO_EPOCH;
    // The same years from March, in eras of 400 of them.
    let (era, day_of_era) = (days / DAYS_PER_ERA, days % DAYS_PER_ERA);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / (DAYS_PER_ERA - 1)) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let (next_year, month) = if month < 10 { (0, month + 3) } else { (1, month - 9) };
    let year = era * 400 + year_of_era + next_year;
    let mut text = *b"0000-00-00";
    for (at, digits) in [(0, year / 100), (2, year % 100), (5, month), (8, day)] {
        text[at] += (digits / 10) as u8;
        text[at + 1] += (digits % 10) as u8;
    }
    out.extend_from_slice(&text);
}
