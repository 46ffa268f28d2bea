//! When something is to run, again and again.

mod read;
#[cfg(test)]
mod tests;
mod times;

use std::fmt;
use std::str::FromStr;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use times::Times;

/// When something is to run: after equal intervals, or at times of a clock on the wall.
///
/// ```
/// use rowkeep::schedule::Schedule;
///
/// let schedule: Schedule = "daily at 02:30 Europe/London".parse()?;
/// let utc = rowkeep::time_zone("UTC")?;
/// // On this day the clocks of London go from 01:00 to 02:00.
/// let before = "2026-03-28T12:00:00Z".parse().expect("it is a time");
/// assert_eq!(schedule.next(before, &utc).map(|time| time.to_string()).as_deref(), Some("2026-03-29T01:30:00Z"));
/// # Ok::<(), String>(())
/// ```
///
/// - Intervals (`every 6 hours`) are counted from the beginning of 1970 in UTC: the length of days does not matter to them, and a
///   process that starts anew goes on with the same times.
/// - A time of a clock (`daily at 02:30`, `30 2 * * *`) comes once a day. On a day whose clock skips it, it is the moment after those
///   that are skipped; on one whose clock shows it twice, the first.
/// - A cron pattern for all hours (`*/15 * * * *`) goes by the clock: what is skipped does not come, and what is shown twice comes twice.
#[derive(Debug, Clone)]
pub struct Schedule {
    text: String,
    times: Times,
    zone: Option<TimeZone>,
}

impl Schedule {
    /// The first time after a moment; in `zone`, unless the schedule names its own. None is a schedule whose next time lies beyond
    /// those that can be told.
    pub fn next(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let zone = self.zone.as_ref().unwrap_or(zone);
        match &self.times {
            Times::Every(seconds) => {
                let next = after.as_second().div_euclid(*seconds).checked_add(1)?.checked_mul(*seconds)?;
                Timestamp::from_second(next).ok()
            }
            Times::Clock(patterns) => patterns.iter().filter_map(|pattern| pattern.next(after, zone)).min(),
        }
    }

    /// The last time that is not after a moment but after an earlier one.
    pub fn last_between(&self, after: Timestamp, until: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        if let Times::Every(seconds) = self.times {
            let last = until.as_second().div_euclid(seconds) * seconds;
            return Timestamp::from_second(last).ok().filter(|last| *last > after);
        }
        // Twice as far back each time, until there is one.
        let mut back = SignedDuration::from_hours(1);
        loop {
            let from = until.checked_sub(back).map_or(after, |from| from.max(after));
            let mut last = None;
            let mut at = from;
            while let Some(next) = self.next(at, zone).filter(|next| *next <= until) {
                (last, at) = (Some(next), next);
            }
            if last.is_some() || from == after {
                return last;
            }
            back = back.saturating_mul(2);
        }
    }

    /// The zone that it names, if it does.
    pub fn zone(&self) -> Option<&TimeZone> {
        self.zone.as_ref()
    }

    /// The least number of seconds between two times of it, from a moment on; nothing when it comes once at most in a year.
    pub fn shortest_gap(&self, from: Timestamp, zone: &TimeZone) -> Option<u64> {
        self.gaps(from, zone).min()
    }

    /// The greatest number of seconds between two times of it in the year that begins at a moment.
    pub fn longest_gap(&self, from: Timestamp, zone: &TimeZone) -> Option<u64> {
        self.gaps(from, zone).max()
    }

    fn gaps<'a>(&'a self, from: Timestamp, zone: &'a TimeZone) -> impl Iterator<Item = u64> + 'a {
        // A year of a pattern for every minute has half a million times, and its gaps are those of its first days.
        const MOST: usize = 4_000;
        let until = from.saturating_add(SignedDuration::from_hours(366 * 24)).unwrap_or(Timestamp::MAX);
        let times = std::iter::successors(self.next(from, zone), |last| self.next(*last, zone));
        let times = times.take_while(move |time| *time <= until).take(MOST);
        let mut last = None;
        times.filter_map(move |time| {
            let before = last.replace(time)?;
            u64::try_from(time.as_second() - Timestamp::as_second(before)).ok()
        })
    }
}

/// Reads it in any of its forms; an error says how it can be written.
impl FromStr for Schedule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let (times, zone) = read::read(&text)?;
        Ok(Self { text, times, zone })
    }
}

/// As it was written.
impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl PartialEq for Schedule {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Schedule {}
