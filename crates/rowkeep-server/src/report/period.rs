//! Periods that a report can be about.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan, Zoned};

/// The longest period of a report.
const LONGEST: SignedDuration = SignedDuration::from_hours(24 * 400);

/// A period: from a moment on, until before another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Period {
    pub(crate) from: Timestamp,
    pub(crate) to: Timestamp,
    pub(crate) zone: TimeZone,
}

/// A month of a calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Month(Date);

impl Month {
    /// The month before the one that is now.
    pub(crate) fn last(now: Timestamp, zone: &TimeZone) -> Self {
        Self::of(now, zone).before()
    }

    /// The month in which a moment is.
    pub(crate) fn of(time: Timestamp, zone: &TimeZone) -> Self {
        Self(Zoned::new(time, zone.clone()).date().first_of_month())
    }

    /// That of a name such as `2026-10`.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let is_name = name.len() == 7 && name.as_bytes()[4] == b'-';
        let date = is_name.then(|| format!("{name}-01").parse::<Date>().ok()).flatten()?;
        Some(Self(date))
    }

    /// The one before it.
    pub(crate) fn before(self) -> Self {
        Self(self.0.saturating_sub(1.month()))
    }

    /// `2026-10`.
    pub(crate) fn name(self) -> String {
        self.0.strftime("%Y-%m").to_string()
    }

    /// `October 2026`.
    pub(crate) fn words(self) -> String {
        self.0.strftime("%B %Y").to_string()
    }

    /// From its first moment on, until its last is over.
    pub(crate) fn period(self, zone: &TimeZone) -> Option<Period> {
        let begin = |date: Date| Some(date.to_zoned(zone.clone()).ok()?.timestamp());
        let next = self.0.checked_add(1.month()).ok()?;
        Some(Period { from: begin(self.0)?, to: begin(next)?, zone: zone.clone() })
    }
}

/// A moment as a request names it: a time, or a day, which begins at midnight.
fn moment(name: &str, text: &str, zone: &TimeZone) -> Result<Timestamp, String> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time);
    }
    let day = text.parse::<Date>().ok().filter(|_| text.len() == 10);
    let begin = day.and_then(|day| day.to_zoned(zone.clone()).ok());
    begin.map(|begin| begin.timestamp()).ok_or_else(|| {
        format!("{name} is {text:?}, which is no time: write 2026-10-01, or 2026-10-01T06:00:00Z")
    })
}

impl Period {
    /// What a request names: the last full month where it names nothing, a month from the day on that it names, or until now.
    pub(crate) fn stated(
        from: Option<&str>,
        to: Option<&str>,
        now: Timestamp,
        zone: &TimeZone,
    ) -> Result<Self, String> {
        let month = Month::last(now, zone).period(zone);
        let month = month.ok_or_else(|| "there is no month before this one".to_owned())?;
        let from = from.map(|text| moment("from", text, zone)).transpose()?;
        let to = to.map(|text| moment("to", text, zone)).transpose()?;
        let (from, to) = match (from, to) {
            (None, None) => (month.from, month.to),
            (Some(from), None) => (from, now),
            (None, Some(_)) => return Err("say from when on: from is missing".to_owned()),
            (Some(from), Some(to)) => (from, to),
        };
        if from >= to || from >= now {
            return Err(
                "a report is about something that was: from has to be before to, and before now".to_owned()
            );
        }
        if to.duration_since(from) > LONGEST {
            return Err("a report is about 400 days at most".to_owned());
        }
        Ok(Self { from, to, zone: zone.clone() })
    }

    /// How it is called: `October 2026`, or from when until when.
    pub(crate) fn words(&self) -> String {
        let month = Month::of(self.from, &self.zone);
        if month.period(&self.zone).as_ref() == Some(self) {
            return month.words();
        }
        let day = |time: Timestamp| Zoned::new(time, self.zone.clone());
        let (from, to) = (day(self.from), day(self.to));
        let is_day = |time: &Zoned| time.start_of_day().is_ok_and(|start| start == *time);
        match is_day(&from) && is_day(&to) {
            // The last day is the one before the end.
            true => format!("{} to {}", from.date(), to.date().saturating_sub(1.day())),
            false => format!("{} to {}", from.strftime("%Y-%m-%d %H:%M"), to.strftime("%Y-%m-%d %H:%M")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Timestamp {
        text.parse().expect("it is a time")
    }

    #[test]
    fn the_last_full_month_is_meant_where_nothing_is_said() {
        let (now, utc) = (time("2026-11-29T12:00:00Z"), TimeZone::UTC);
        let stated = |from, to| Period::stated(from, to, now, &utc);
        let october = stated(None, None).expect("it is a period");
        assert_eq!((october.from, october.to), (time("2026-10-01T00:00:00Z"), time("2026-11-01T00:00:00Z")));
        assert_eq!(october.words(), "October 2026");
        assert_eq!(Month::named("2026-10").and_then(|month| month.period(&utc)), Some(october));
        let days = stated(Some("2026-10-05"), Some("2026-10-12")).expect("it is a period");
        assert_eq!(days.words(), "2026-10-05 to 2026-10-11");
        let until_now = stated(Some("2026-11-01"), None).expect("it is a period");
        assert_eq!((until_now.to, &*until_now.words()), (now, "2026-11-01 00:00 to 2026-11-29 12:00"));
        for (from, to) in [
            (None, Some("2026-10-01")),
            (Some("2026-10-01"), Some("2026-10-01")),
            (Some("2026-12-01"), Some("2027-01-01")),
            (Some("2020-01-01"), Some("2026-01-01")),
            (Some("yesterday"), None),
        ] {
            assert!(stated(from, to).is_err(), "{from:?} {to:?}");
        }
        for name in ["2026-13", "2026-1", "2026-100", "", "2026/10", "é2026-1"] {
            assert_eq!(Month::named(name), None, "{name}");
        }
    }

    #[test]
    fn months_are_those_of_a_zone() {
        let zone = TimeZone::get("Europe/Berlin").expect("it is known");
        let month = Month::last(time("2026-11-29T12:00:00Z"), &zone).period(&zone).expect("it is one");
        assert_eq!((month.from, month.to), (time("2026-09-30T22:00:00Z"), time("2026-10-31T23:00:00Z")));
        assert_eq!(month.words(), "October 2026");
    }
}
