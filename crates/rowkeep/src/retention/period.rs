//! Periods of a calendar: hours, days, weeks, months and years of a time zone.

use jiff::tz::TimeZone;
use jiff::{Zoned, civil};
use serde::{Deserialize, Serialize};

/// A kind of period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Period {
    /// Each hour that a clock shows; one that it shows twice is two.
    Hourly,
    /// Each day.
    Daily,
    /// Each week, from Monday on.
    Weekly,
    /// Each month.
    Monthly,
    /// Each year.
    Yearly,
}

/// One period: its first day, and of an hour which one and how far from UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct PeriodKey {
    first: civil::Date,
    hour: i8,
    offset_seconds: i32,
}

impl Period {
    pub(crate) const ALL: [Self; 5] = [Self::Hourly, Self::Daily, Self::Weekly, Self::Monthly, Self::Yearly];

    /// Its name, as rules have it.
    pub fn name(self) -> &'static str {
        match self {
            Period::Hourly => "hourly",
            Period::Daily => "daily",
            Period::Weekly => "weekly",
            Period::Monthly => "monthly",
            Period::Yearly => "yearly",
        }
    }

    /// The period that a moment is in.
    pub(super) fn of(self, moment: &Zoned) -> PeriodKey {
        let day = moment.date();
        let whole = |first| PeriodKey { first, hour: 0, offset_seconds: 0 };
        match self {
            Period::Hourly => {
                PeriodKey { first: day, hour: moment.hour(), offset_seconds: moment.offset().seconds() }
            }
            Period::Daily => whole(day),
            Period::Weekly => {
                let since_monday = i64::from(day.weekday().to_monday_zero_offset());
                whole(day.checked_sub(jiff::Span::new().days(since_monday)).unwrap_or(civil::Date::MIN))
            }
            Period::Monthly => whole(day.first_of_month()),
            Period::Yearly => whole(day.first_of_year()),
        }
    }

    /// A period in words: `2026-11-20`; an hour that clocks show twice with how far from UTC it is.
    pub(super) fn told(self, key: &PeriodKey, zone: &TimeZone) -> String {
        let first = key.first;
        match self {
            Period::Hourly => {
                let hour = first.at(key.hour, 0, 0, 0).strftime("%Y-%m-%d %H:00").to_string();
                let is_twice =
                    |minute| zone.to_ambiguous_timestamp(first.at(key.hour, minute, 0, 0)).is_ambiguous();
                match is_twice(0) || is_twice(59) {
                    true => format!("{hour}{}", offset(key.offset_seconds)),
                    false => hour,
                }
            }
            Period::Daily => first.to_string(),
            Period::Weekly => {
                let week = first.iso_week_date();
                format!("{}-W{:02}", week.year(), week.week())
            }
            Period::Monthly => first.strftime("%Y-%m").to_string(),
            Period::Yearly => first.strftime("%Y").to_string(),
        }
    }
}

fn offset(seconds: i32) -> String {
    let (sign, minutes) = (if seconds < 0 { '-' } else { '+' }, seconds.abs() / 60);
    format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_are_those_of_the_time_zone() {
        for (period, moment, zone, told) in [
            (Period::Hourly, "2026-07-20T23:30:00Z", "Europe/London", "2026-07-21 00:00"),
            (Period::Hourly, "2026-10-25T00:59:59Z", "Europe/London", "2026-10-25 01:00+01:00"),
            (Period::Hourly, "2026-10-25T01:00:00Z", "Europe/London", "2026-10-25 01:00+00:00"),
            (Period::Hourly, "2026-10-25T02:00:00Z", "Europe/London", "2026-10-25 02:00"),
            // Half an hour is put back here.
            (Period::Hourly, "2026-04-04T14:45:00Z", "Australia/Lord_Howe", "2026-04-05 01:00+11:00"),
            (Period::Hourly, "2026-04-04T15:15:00Z", "Australia/Lord_Howe", "2026-04-05 01:00+10:30"),
            (Period::Daily, "2026-07-20T23:30:00Z", "Europe/London", "2026-07-21"),
            (Period::Daily, "2026-07-20T23:30:00Z", "UTC", "2026-07-20"),
            // A day that there was not at all: Samoa went from 29 to 31 December.
            (Period::Daily, "2011-12-30T10:30:00Z", "Pacific/Apia", "2011-12-31"),
            (Period::Weekly, "2027-01-03T12:00:00Z", "UTC", "2026-W53"),
            (Period::Weekly, "2027-01-04T12:00:00Z", "UTC", "2027-W01"),
            (Period::Weekly, "2027-01-03T23:30:00Z", "Asia/Tokyo", "2027-W01"),
            (Period::Monthly, "2026-11-30T23:30:00Z", "Asia/Tokyo", "2026-12"),
            (Period::Yearly, "2026-12-31T23:30:00Z", "Asia/Tokyo", "2027"),
        ] {
            let zone = TimeZone::get(zone).expect("it is a zone");
            let moment: jiff::Timestamp = moment.parse().expect("it is a time");
            let key = period.of(&moment.to_zoned(zone.clone()));
            assert_eq!(period.told(&key, &zone), told);
        }
    }
}
