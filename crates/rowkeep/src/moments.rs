//! Moments and time zones as people write them.

use jiff::fmt::temporal::Pieces;
use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Timestamp, civil};
use rowkeep_format::SnapshotId;
use serde::{Deserialize, Serialize};

use crate::durations::{age, seconds};

/// How a moment can be written.
pub(crate) const FORMS: &str =
    "write 2026-11-20T15:30Z, \"2026-11-20 15:30 Europe/London\", 2026-11-20 or -2h";

/// The snapshot that a moment means: the newest that is not after it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AtMoment {
    /// What was asked for: `shop@-2h`.
    pub asked: String,
    /// The moment.
    pub moment: Timestamp,
    /// The snapshot.
    pub snapshot: SnapshotId,
    /// When its state was.
    pub time: Timestamp,
    /// How many seconds before the moment that was.
    pub seconds_before: i64,
    /// When its state was, in words, in the time zone of the question.
    pub told_time: String,
}

impl AtMoment {
    /// How far the snapshot is from the moment, in words.
    pub fn distance(&self) -> String {
        match self.seconds_before {
            0 => "at that time".to_owned(),
            seconds => format!("{} before that time", age(seconds)),
        }
    }
}

/// Why a text is no moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NoMoment {
    /// It does not look like one.
    Other,
    /// It looks like one, and is wrong in this way.
    Wrong(String),
}

/// Reads the name of a time zone: as the system has it, which may be newer, or else as this program does.
pub fn zone(name: &str) -> Result<TimeZone, String> {
    if matches!(name, "Z" | "UTC") {
        return Ok(TimeZone::UTC);
    }
    // A system may have some zones and not others.
    TimeZone::get(name)
        .or_else(|_| TimeZoneDatabase::bundled().get(name))
        .map_err(|_| format!("no time zone {name:?} is known; write one such as Europe/London"))
}

/// A moment in a time zone, to the second, with the zone.
pub(crate) fn told(moment: Timestamp, zone: &TimeZone) -> String {
    let local = moment.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string();
    match zone.iana_name() {
        Some(name) => format!("{local} {name}"),
        None => format!("{local} {}", moment.to_zoned(zone.clone()).strftime("%:z")),
    }
}

/// Reads a moment; one that names no zone is one of `zone`.
///
/// A date alone is the end of that day, so that what was made on it is not after it. A local time that the clocks showed
/// twice, or never, is none.
pub(crate) fn moment(text: &str, zone: &TimeZone, now: Timestamp) -> Result<Timestamp, NoMoment> {
    let text = text.trim();
    let begins_with_digit = |text: &str| text.starts_with(|first: char| first.is_ascii_digit());
    if let Some(ago) = text.strip_prefix('-').filter(|ago| begins_with_digit(ago)) {
        let ago = seconds(ago).map_err(NoMoment::Wrong)?;
        let before = i64::try_from(ago).ok().map(SignedDuration::from_secs);
        let moment = before.and_then(|before| now.checked_sub(before).ok());
        return moment.ok_or_else(|| NoMoment::Wrong(format!("{text:?} lies before all time")));
    }
    if !begins_with_date(text) {
        return Err(NoMoment::Other);
    }
    absolute(text, zone).map_err(NoMoment::Wrong)
}

/// Divides `DATABASE@TIME`, where it ends in what looks like a time: the database and the time.
pub(crate) fn at(reference: &str) -> Option<(&str, &str)> {
    let (database, text) = reference.rsplit_once('@')?;
    // What follows the user of a URL is its host.
    let place = database.split_once("://").map(|(_, place)| place);
    if place.is_some_and(|place| !place.contains(['@', '/'])) {
        return None;
    }
    let is_time = moment(text, &TimeZone::UTC, Timestamp::UNIX_EPOCH) != Err(NoMoment::Other);
    is_time.then_some((database, text))
}

fn begins_with_date(text: &str) -> bool {
    let form = b"0000-00-00";
    let is_formed = |(is, form): (u8, &u8)| if *form == b'0' { is.is_ascii_digit() } else { is == *form };
    text.len() >= form.len() && text.bytes().zip(form).all(is_formed)
}

fn absolute(text: &str, zone: &TimeZone) -> Result<Timestamp, String> {
    let malformed = || format!("{text:?} is no time; {FORMS}");
    let (stated, named) = match text.rsplit_once(' ') {
        Some((stated, name)) if name.starts_with(|first: char| first.is_alphabetic()) => {
            (stated.trim_end(), Some(self::zone(name)?))
        }
        _ => (text, None),
    };
    let pieces = Pieces::parse(stated).map_err(|_| malformed())?;
    let offset = pieces.to_numeric_offset();
    let annotated = match pieces.time_zone_annotation() {
        Some(annotation) => {
            let zone = annotation.to_time_zone();
            let zone = zone.or_else(|_| annotation.to_time_zone_with(&TimeZoneDatabase::bundled()));
            Some(zone.map_err(|_| malformed())?)
        }
        None => None,
    };
    if (offset.is_some() || annotated.is_some()) && named.is_some() {
        return Err(format!("{text:?} names two time zones"));
    }
    let own = named.or(annotated);
    let Some(time) = pieces.time() else {
        let zone = own.or(offset.map(TimeZone::fixed)).unwrap_or_else(|| zone.clone());
        return end_of(pieces.date(), zone).ok_or_else(malformed);
    };
    let local = pieces.date().to_datetime(time);
    if let Some(offset) = offset {
        let moment = offset.to_timestamp(local).map_err(|_| malformed())?;
        return match own.filter(|zone| zone.to_offset(moment) != offset) {
            Some(zone) => {
                Err(format!("{text:?} is not a time of {}", zone.iana_name().unwrap_or("that zone")))
            }
            None => Ok(moment),
        };
    }
    unambiguous(local, &own.unwrap_or_else(|| zone.clone()))
        .map_err(|problem| problem.unwrap_or_else(malformed))
}

/// The last moment of a day.
fn end_of(date: civil::Date, zone: TimeZone) -> Option<Timestamp> {
    let next = date.tomorrow().ok()?.to_zoned(zone).ok()?.start_of_day().ok()?;
    next.timestamp().checked_sub(SignedDuration::from_nanos(1)).ok()
}

/// The moment when clocks showed a local time; why there is none, where that can be said.
fn unambiguous(local: civil::DateTime, zone: &TimeZone) -> Result<Timestamp, Option<String>> {
    let name = zone.iana_name().unwrap_or("that zone");
    let shown = local.strftime("%Y-%m-%d %H:%M");
    match zone.to_ambiguous_timestamp(local).offset() {
        AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(local).map_err(|_| None),
        AmbiguousOffset::Gap { .. } => Err(Some(format!(
            "there was no {shown} in {name}, where the clocks were put forward then; write it with its offset from UTC"
        ))),
        AmbiguousOffset::Fold { before, after } => {
            let with = |offset| format!("{}{offset}", local.strftime("%Y-%m-%dT%H:%M"));
            Err(Some(format!(
                "{shown} was twice in {name}, where the clocks were put back then; write {} for the first or {} for the \
                 second",
                with(before),
                with(after)
            )))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, NoMoment> {
        let now = "2026-11-29T12:00:00Z".parse().expect("it is a time");
        let london = zone("Europe/London").expect("it is a zone");
        moment(text, &london, now).map(|moment| moment.to_string())
    }

    #[test]
    fn moments_are_read_in_every_form() {
        for (text, expected) in [
            ("-2h", "2026-11-29T10:00:00Z"),
            ("-30min", "2026-11-29T11:30:00Z"),
            ("-1w", "2026-11-22T12:00:00Z"),
            ("2026-07-20 15:30", "2026-07-20T14:30:00Z"),
            ("2026-07-20T15:30:07", "2026-07-20T14:30:07Z"),
            ("2026-07-20T15:30Z", "2026-07-20T15:30:00Z"),
            ("2026-07-20 15:30+05:30", "2026-07-20T10:00:00Z"),
            ("2026-07-20 15:30 UTC", "2026-07-20T15:30:00Z"),
            ("2026-07-20 15:30 America/New_York", "2026-07-20T19:30:00Z"),
            ("2026-07-20T15:30[Asia/Tokyo]", "2026-07-20T06:30:00Z"),
            ("2026-07-20T15:30+09:00[Asia/Tokyo]", "2026-07-20T06:30:00Z"),
            ("2026-11-20", "2026-11-20T23:59:59.999999999Z"),
            ("2026-07-20", "2026-07-20T22:59:59.999999999Z"),
            ("2026-07-20 Asia/Tokyo", "2026-07-20T14:59:59.999999999Z"),
            // The day on which the clocks are put forward has 23 hours, and at its start nothing is odd.
            ("2026-03-29", "2026-03-29T22:59:59.999999999Z"),
            ("2026-10-25T01:30+01:00", "2026-10-25T00:30:00Z"),
            ("2026-10-25T01:30+00:00", "2026-10-25T01:30:00Z"),
        ] {
            assert_eq!(read(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_moment_says_why() {
        for (text, why) in [
            ("2026-13-45", "is no time"),
            ("2026-11-20 25:00", "is no time"),
            ("2026-11-20 15:30 Europe/Nowhere", "no time zone \"Europe/Nowhere\""),
            ("2026-11-20T15:30Z Europe/London", "two time zones"),
            ("2026-07-20T15:30+05:00[Asia/Tokyo]", "not a time of Asia/Tokyo"),
            ("2026-03-29 01:30", "there was no 2026-03-29 01:30 in Europe/London"),
            ("2026-10-25 01:30", "2026-10-25T01:30+01 for the first or 2026-10-25T01:30+00 for the second"),
            ("-2parsecs", "is no length of time"),
            ("-9999999w", "before all time"),
        ] {
            match read(text) {
                Err(NoMoment::Wrong(problem)) => assert!(problem.contains(why), "{text}: {problem}"),
                other => panic!("{text}: {other:?}"),
            }
        }
        for text in
            ["yesterday", "", "-", "-x", "now", "20", "h/shop", "15:30", "10-10-hosts/shop", "127.0.0.1/shop"]
        {
            assert_eq!(read(text), Err(NoMoment::Other), "{text}");
        }
    }

    #[test]
    fn a_reference_by_time_ends_in_a_time() {
        for (reference, divided) in [
            ("shop@-2h", Some(("shop", "-2h"))),
            ("shop@2026-11-20", Some(("shop", "2026-11-20"))),
            ("shop@2026-99-99", Some(("shop", "2026-99-99"))),
            ("postgres://u:p@h/shop@-2h", Some(("postgres://u:p@h/shop", "-2h"))),
            ("postgres://h/shop@-2h", Some(("postgres://h/shop", "-2h"))),
            ("/srv/app.db@2026-11-20 15:30", Some(("/srv/app.db", "2026-11-20 15:30"))),
            ("shop", None),
            ("shop@work", None),
            ("postgres://u:p@h/shop", None),
            ("postgres://u:p@-2h", None),
        ] {
            assert_eq!(at(reference), divided, "{reference}");
        }
    }

    #[test]
    fn moments_are_told_with_their_zone() {
        let moment = "2026-07-20T14:30:00Z".parse().expect("it is a time");
        assert_eq!(told(moment, &TimeZone::UTC), "2026-07-20 14:30:00 UTC");
        assert_eq!(
            told(moment, &zone("Europe/London").expect("a zone")),
            "2026-07-20 15:30:00 Europe/London"
        );
        assert_eq!(told(moment, &TimeZone::fixed(jiff::tz::offset(2))), "2026-07-20 16:30:00 +02:00");
    }
}
