//! Quiet hours: times of the day at which nothing is sent that can wait.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::Time;
use jiff::tz::TimeZone;

/// Hours of every day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quiet {
    from: Time,
    to: Time,
}

impl Quiet {
    /// Reads `22:00 to 07:00`.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let malformed = || format!("quiet: {text:?} are no hours; write \"22:00 to 07:00\"");
        let (from, to) = text.split_once(" to ").ok_or_else(malformed)?;
        let time = |text: &str| Time::strptime("%H:%M", text.trim()).map_err(|_| malformed());
        let quiet = Self { from: time(from)?, to: time(to)? };
        match quiet.from == quiet.to {
            true => Err(format!("quiet: {text:?} ends when it begins")),
            false => Ok(quiet),
        }
    }

    /// When the quiet hours end that a moment is in; nothing when it is in none.
    pub fn until(&self, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let local = now.to_zoned(zone.clone());
        let time = local.time();
        let is_quiet = match self.from < self.to {
            true => self.from <= time && time < self.to,
            false => self.from <= time || time < self.to,
        };
        if !is_quiet {
            return None;
        }
        let day = if time < self.to { local.date() } else { local.date().tomorrow().ok()? };
        // Where the clocks skip that time, it is the moment after.
        Some(day.to_datetime(self.to).to_zoned(zone.clone()).ok()?.timestamp().max(now))
    }
}

/// As it is written.
impl fmt::Display for Quiet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {}", self.from.strftime("%H:%M"), self.to.strftime("%H:%M"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_end_on_the_same_day_or_on_the_next() {
        let zone = TimeZone::get("Europe/London").expect("it is known");
        let until = |quiet: &str, now: &str| {
            let quiet = Quiet::read(quiet).expect("it is well formed");
            let until = quiet.until(now.parse().expect("it is a time"), &zone);
            until.map(|until| until.to_string()).unwrap_or_default()
        };
        let night = "22:00 to 07:00";
        assert_eq!(until(night, "2026-11-29T21:59:59Z"), "");
        assert_eq!(until(night, "2026-11-29T22:00:00Z"), "2026-11-30T07:00:00Z");
        assert_eq!(until(night, "2026-11-30T06:59:59Z"), "2026-11-30T07:00:00Z");
        assert_eq!(until(night, "2026-11-30T07:00:00Z"), "");
        assert_eq!(until("12:00 to 13:00", "2026-11-29T12:30:00Z"), "2026-11-29T13:00:00Z");
        assert_eq!(until("12:00 to 13:00", "2026-11-29T13:30:00Z"), "");
        // The clocks go from 01:00 to 02:00 in this night.
        assert_eq!(until(night, "2026-03-28T23:00:00Z"), "2026-03-29T06:00:00Z");
        assert_eq!(until("00:00 to 01:30", "2026-03-29T00:30:00Z"), "2026-03-29T01:30:00Z");
    }

    #[test]
    fn what_is_no_hours_is_refused() {
        for text in ["", "22:00", "22:00-07:00", "25:00 to 07:00", "7 to 8", "07:00 to 07:00"] {
            assert!(Quiet::read(text).is_err(), "{text}");
        }
        assert_eq!(Quiet::read("22:00 to 07:00").expect("it is well formed").to_string(), "22:00 to 07:00");
    }
}
