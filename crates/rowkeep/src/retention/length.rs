//! How long snapshots are kept: years, months, weeks, days of a calendar, and hours.

use std::fmt;

use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

/// The most of one unit that a length can have.
const MOST: u64 = 9_999;

/// A length of time by a calendar.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Length {
    years: u64,
    months: u64,
    weeks: u64,
    days: u64,
    hours: u64,
}

const WRITTEN: &str = "write 48h, \"30 days\", \"3 months\", \"1 year\" or 1y6m";

impl Length {
    /// So many days.
    pub(crate) fn days(days: u64) -> Self {
        Self { days, ..Self::default() }
    }

    /// Reads numbers with units: `48h`, `30 days`, `1y6m7d`. As in restic, `m` are months.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let malformed = || format!("{text:?} is no length of time; {WRITTEN}");
        let mut length = Self::default();
        let mut rest = text.trim();
        while !rest.is_empty() {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let number: u64 = rest[..digits].parse().map_err(|_| malformed())?;
            rest = rest[digits..].trim_start();
            let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
            let part = match &rest[..letters] {
                "y" | "year" | "years" => &mut length.years,
                "m" | "month" | "months" => &mut length.months,
                "w" | "week" | "weeks" => &mut length.weeks,
                "d" | "day" | "days" => &mut length.days,
                "h" | "hour" | "hours" => &mut length.hours,
                _ => return Err(malformed()),
            };
            if *part > 0 {
                return Err(malformed());
            }
            if number > MOST {
                return Err(format!("{text:?} is longer than can be counted; write \"forever\""));
            }
            *part = number;
            rest = rest[letters..].trim_start();
        }
        match length == Self::default() {
            true if text.bytes().any(|byte| byte.is_ascii_digit()) => {
                Err(format!("{text:?} keeps nothing; leave the rule out"))
            }
            true => Err(malformed()),
            false => Ok(length),
        }
    }

    /// When so long has passed since a moment, by the calendar of a time zone; none where that is beyond all time.
    pub(crate) fn after(self, moment: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let signed = |number: u64| number as i64;
        let span = Span::new()
            .try_years(signed(self.years))
            .and_then(|span| span.try_months(signed(self.months)))
            .and_then(|span| span.try_weeks(signed(self.weeks)))
            .and_then(|span| span.try_days(signed(self.days)))
            .and_then(|span| span.try_hours(signed(self.hours)))
            .ok()?;
        moment.to_zoned(zone.clone()).checked_add(span).ok().map(|end| end.timestamp())
    }
}

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            (self.years, "year"),
            (self.months, "month"),
            (self.weeks, "week"),
            (self.days, "day"),
            (self.hours, "hour"),
        ];
        let told = parts.iter().filter(|(number, _)| *number > 0);
        let told = told.map(|(number, unit)| crate::units::counted(*number, unit));
        f.write_str(&told.collect::<Vec<_>>().join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_read_as_they_are_written() {
        for (text, told) in [
            ("48h", "48 hours"),
            ("30 days", "30 days"),
            ("1 day", "1 day"),
            ("3 months", "3 months"),
            ("1 year", "1 year"),
            ("2y5m7d3h", "2 years 5 months 7 days 3 hours"),
            ("1 year 6 months", "1 year 6 months"),
            (" 2w ", "2 weeks"),
        ] {
            assert_eq!(Length::parse(text).map(|length| length.to_string()).as_deref(), Ok(told), "{text}");
        }
        for (text, said) in [
            ("", "is no length"),
            ("7", "is no length"),
            ("days", "is no length"),
            ("90s", "is no length"),
            ("5min", "is no length"),
            ("7 fortnights", "is no length"),
            ("-7 days", "is no length"),
            ("1.5 days", "is no length"),
            ("7 days 2 days", "is no length"),
            ("0 days", "keeps nothing"),
            ("0y0d", "keeps nothing"),
            ("10000 years", "longer than can be counted"),
            ("99999999999999999999999 days", "is no length"),
        ] {
            let error = Length::parse(text).expect_err(text);
            assert!(error.contains(said), "{text}: {error}");
        }
    }

    #[test]
    fn days_are_those_of_a_calendar_and_hours_are_not() {
        let london = TimeZone::get("Europe/London").expect("it is a zone");
        let after = |text: &str, moment: &str| {
            let moment = moment.parse().expect("it is a time");
            Length::parse(text).expect("a length").after(moment, &london).map(|end| end.to_string())
        };
        // The clocks are put back on 25 October.
        assert_eq!(after("1 day", "2026-10-24T12:00:00Z").as_deref(), Some("2026-10-25T13:00:00Z"));
        assert_eq!(after("24h", "2026-10-24T12:00:00Z").as_deref(), Some("2026-10-25T12:00:00Z"));
        assert_eq!(after("1 month", "2026-01-31T12:00:00Z").as_deref(), Some("2026-02-28T12:00:00Z"));
        assert_eq!(after("9999 years", "2026-01-31T12:00:00Z"), None);
    }
}
