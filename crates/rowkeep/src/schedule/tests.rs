//! Schedules against a clock that is watched minute by minute, in every time zone.

use std::collections::BTreeMap;

use jiff::tz::TimeZoneDatabase;

use super::*;

fn schedule(text: &str) -> Schedule {
    text.parse().unwrap_or_else(|problem| panic!("{problem}"))
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn zone(name: &str) -> TimeZone {
    crate::moments::zone(name).unwrap_or_else(|problem| panic!("{problem}"))
}

/// The first times of a schedule after a moment.
fn times(text: &str, after: &str, zone_name: &str, count: usize) -> Vec<String> {
    let (schedule, zone) = (schedule(text), zone(zone_name));
    let first = schedule.next(time(after), &zone);
    let times = std::iter::successors(first, |last| schedule.next(*last, &zone));
    times.take(count).map(|time| time.to_string()).collect()
}

#[test]
fn words_and_patterns_are_read() {
    for (text, first, second) in [
        ("every 6 hours", "2026-11-29T18:00:00Z", "2026-11-30T00:00:00Z"),
        ("every 90 minutes", "2026-11-29T13:30:00Z", "2026-11-29T15:00:00Z"),
        ("every hour", "2026-11-29T13:00:00Z", "2026-11-29T14:00:00Z"),
        ("hourly", "2026-11-29T13:00:00Z", "2026-11-29T14:00:00Z"),
        ("hourly at :15", "2026-11-29T12:15:00Z", "2026-11-29T13:15:00Z"),
        ("daily", "2026-11-30T00:00:00Z", "2026-12-01T00:00:00Z"),
        ("Daily at 02:00", "2026-11-30T02:00:00Z", "2026-12-01T02:00:00Z"),
        ("daily at 2:00 and 14:30", "2026-11-29T14:30:00Z", "2026-11-30T02:00:00Z"),
        ("daily at 02:00, 14:30", "2026-11-29T14:30:00Z", "2026-11-30T02:00:00Z"),
        ("daily  at 02:00   America/New_York", "2026-11-30T07:00:00Z", "2026-12-01T07:00:00Z"),
        ("weekdays at 08:00", "2026-11-30T08:00:00Z", "2026-12-01T08:00:00Z"),
        ("weekly on Sunday at 03:00", "2026-12-06T03:00:00Z", "2026-12-13T03:00:00Z"),
        ("weekly on Tue and Friday at 03:00", "2026-12-01T03:00:00Z", "2026-12-04T03:00:00Z"),
        ("weekly at 23:00", "2026-11-29T23:00:00Z", "2026-12-06T23:00:00Z"),
        ("weekly on Monday", "2026-11-30T00:00:00Z", "2026-12-07T00:00:00Z"),
        ("monthly", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"),
        ("monthly on day 31 at 04:00", "2026-12-31T04:00:00Z", "2027-01-31T04:00:00Z"),
        ("monthly on the last at 04:00", "2026-11-30T04:00:00Z", "2026-12-31T04:00:00Z"),
        ("monthly on days 1 and 15 at 04:00", "2026-12-01T04:00:00Z", "2026-12-15T04:00:00Z"),
        ("0 4 1 * *", "2026-12-01T04:00:00Z", "2027-01-01T04:00:00Z"),
        ("*/20 * * * *", "2026-11-29T12:20:00Z", "2026-11-29T12:40:00Z"),
        ("30 3 * * MON-FRI", "2026-11-30T03:30:00Z", "2026-12-01T03:30:00Z"),
        ("0 0 13 * 5", "2026-12-04T00:00:00Z", "2026-12-11T00:00:00Z"),
        ("0 0 29 2 *", "2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"),
        ("@weekly", "2026-12-06T00:00:00Z", "2026-12-13T00:00:00Z"),
        ("every 6h", "2026-11-29T18:00:00Z", "2026-11-30T00:00:00Z"),
        ("every 30m", "2026-11-29T12:30:00Z", "2026-11-29T13:00:00Z"),
        ("every day at 02:00", "2026-11-30T02:00:00Z", "2026-12-01T02:00:00Z"),
        ("every week on Monday at 02:00", "2026-11-30T02:00:00Z", "2026-12-07T02:00:00Z"),
        ("every Sunday at 03:00", "2026-12-06T03:00:00Z", "2026-12-13T03:00:00Z"),
        ("every weekday at 03:00", "2026-11-30T03:00:00Z", "2026-12-01T03:00:00Z"),
        ("every month", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"),
        ("daily 02:00", "2026-11-30T02:00:00Z", "2026-12-01T02:00:00Z"),
        ("daily at noon", "2026-11-30T12:00:00Z", "2026-12-01T12:00:00Z"),
        ("daily at midnight", "2026-11-30T00:00:00Z", "2026-12-01T00:00:00Z"),
        ("daily at 02:00 utc", "2026-11-30T02:00:00Z", "2026-12-01T02:00:00Z"),
        ("daily at 02:00 in Europe/Berlin", "2026-11-30T01:00:00Z", "2026-12-01T01:00:00Z"),
        ("daily at 02:00 CET", "2026-11-30T01:00:00Z", "2026-12-01T01:00:00Z"),
        ("weekly on sundays at 03:00", "2026-12-06T03:00:00Z", "2026-12-13T03:00:00Z"),
        ("weekly on Tues and Thurs at 03:00", "2026-12-01T03:00:00Z", "2026-12-03T03:00:00Z"),
        ("weekly on Sat-Mon at 13:00", "2026-11-29T13:00:00Z", "2026-11-30T13:00:00Z"),
        ("monthly on the 1st at 04:00", "2026-12-01T04:00:00Z", "2027-01-01T04:00:00Z"),
        ("monthly on the last day at 04:00", "2026-11-30T04:00:00Z", "2026-12-31T04:00:00Z"),
        ("hourly at :00 and :30", "2026-11-29T12:30:00Z", "2026-11-29T13:00:00Z"),
        ("0 0 1 DEC *", "2026-12-01T00:00:00Z", "2027-12-01T00:00:00Z"),
        ("0 4 * * * Asia/Tokyo", "2026-11-29T19:00:00Z", "2026-11-30T19:00:00Z"),
    ] {
        assert_eq!(times(text, "2026-11-29T12:00:00Z", "UTC", 2), [first, second], "{text}");
    }
}

#[test]
fn what_is_no_schedule_says_why() {
    for (text, why) in [
        ("", "write \"every 6 hours\""),
        ("sometimes", "write \"every 6 hours\""),
        ("every blue moon", "write \"every 6 hours\""),
        ("every 0 hours", "from a minute to a year"),
        ("every 30 seconds", "write \"every 6 hours\""),
        ("every 99999999999999 weeks", "from a minute to a year"),
        ("every 6 hours Europe/London", "the same in every time zone"),
        ("daily at 25:00", "\"25:00\" is no time of a day"),
        ("daily at dawn", "\"dawn\" is no time of a day"),
        ("daily at 02:00 UTC+2", "no time zone \"UTC+2\""),
        ("daily at 02:00 XYZ", "no time zone \"XYZ\""),
        ("monthly on the 1nth", "\"1nth\" is no day of a month"),
        ("daily at 2:00pm", "\"2:00pm\" is no time of a day"),
        ("daily at +2:00", "\"+2:00\" is no time of a day"),
        ("daily at", "\"at\" is no time of a day"),
        ("daily at 02:00 Europe/Nowhere", "no time zone \"Europe/Nowhere\""),
        ("weekly on Someday at 02:00", "\"someday\" is no day of the week"),
        ("monthly on day 32", "\"32\" is no day of a month"),
        ("hourly at :60", "\"hourly at :15\""),
        ("0 0 31 2 *", "no such day ever comes"),
        ("61 * * * *", "is no schedule: "),
        ("* * * *", "write \"every 6 hours\""),
        ("0 0 1 1 * 2027", "write \"every 6 hours\""),
    ] {
        let problem = text.parse::<Schedule>().expect_err(text);
        assert!(problem.contains(why), "{text}: {problem}");
    }
}

#[test]
fn on_days_when_clocks_change_it_comes_once() {
    // In London 01:00 to 02:00 is skipped on 29 March 2026, and comes twice on 25 October.
    let skipped = times("daily at 01:30", "2026-03-28T12:00:00Z", "Europe/London", 2);
    assert_eq!(skipped, ["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]);
    let twice = times("daily at 01:30", "2026-10-24T12:00:00Z", "Europe/London", 2);
    assert_eq!(twice, ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]);
    let both = times("daily at 01:00 and 01:45", "2026-03-29T00:59:59Z", "Europe/London", 2);
    assert_eq!(both, ["2026-03-29T01:00:00Z", "2026-03-30T00:00:00Z"], "two that are skipped are one");
    // Goes by the clock.
    let quarters = times("*/30 * * * *", "2026-03-29T00:00:00Z", "Europe/London", 3);
    assert_eq!(quarters, ["2026-03-29T00:30:00Z", "2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z"]);
    let quarters = times("*/30 * * * *", "2026-10-25T00:00:00Z", "Europe/London", 4);
    assert_eq!(
        quarters,
        ["2026-10-25T00:30:00Z", "2026-10-25T01:00:00Z", "2026-10-25T01:30:00Z", "2026-10-25T02:00:00Z"]
    );
    // Half an hour at once, and a whole day that never was.
    let half = times("daily at 02:15", "2026-10-03T12:00:00Z", "Australia/Lord_Howe", 2);
    assert_eq!(half, ["2026-10-03T15:30:00Z", "2026-10-04T15:15:00Z"]);
    let never = times("daily at 12:00", "2011-12-29T12:00:00Z", "Pacific/Apia", 3);
    assert_eq!(never, ["2011-12-29T22:00:00Z", "2011-12-30T10:00:00Z", "2011-12-30T22:00:00Z"]);
}

#[test]
fn the_last_time_before_now_is_found() {
    let utc = TimeZone::UTC;
    let last = |text: &str, after: &str, until: &str| {
        let last = schedule(text).last_between(time(after), time(until), &utc);
        last.map(|time| time.to_string()).unwrap_or_default()
    };
    let until = "2026-11-29T12:00:00Z";
    assert_eq!(last("daily at 02:00", "2026-11-20T00:00:00Z", until), "2026-11-29T02:00:00Z");
    assert_eq!(last("daily at 12:00", "2026-11-20T00:00:00Z", until), "2026-11-29T12:00:00Z");
    assert_eq!(last("daily at 12:00", until, until), "");
    assert_eq!(last("every 5 hours", "2026-11-20T00:00:00Z", until), "2026-11-29T11:00:00Z");
    assert_eq!(last("every 7 hours", until, until), "");
    assert_eq!(last("@yearly", "1990-01-01T00:00:00Z", until), "2026-01-01T00:00:00Z");
    assert_eq!(last("@yearly", "2026-01-01T00:00:00Z", until), "");
}

#[test]
fn gaps_tell_how_long_nothing_comes() {
    let gaps = |text: &str, zone_name: &str| {
        let (schedule, from) = (schedule(text), time("2026-01-01T00:00:00Z"));
        (schedule.shortest_gap(from, &zone(zone_name)), schedule.longest_gap(from, &zone(zone_name)))
    };
    let hours = |hours: u64| Some(hours * 3_600);
    assert_eq!(gaps("every 6 hours", "UTC"), (hours(6), hours(6)));
    assert_eq!(gaps("daily at 04:00", "Europe/London"), (hours(23), hours(25)));
    assert_eq!(gaps("weekdays at 04:00", "UTC"), (hours(24), hours(72)));
    assert_eq!(gaps("0 0 29 2 *", "UTC"), (None, None));
}

/// What a wall clock shows, in minutes since it would have shown the beginning of 1970.
#[derive(Clone, Copy)]
struct Shown(i64);

impl Shown {
    fn minute(self) -> i64 {
        self.0.rem_euclid(1_440)
    }

    /// 0 is Sunday.
    fn weekday(self) -> i64 {
        (self.0.div_euclid(1_440) + 4).rem_euclid(7)
    }

    /// The month and its day, counted from the lengths of months.
    fn month_and_day(self) -> (i64, i64) {
        let mut days = self.0.div_euclid(1_440);
        let mut year = 1970;
        let is_leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        while days >= 365 + i64::from(is_leap(year)) {
            days -= 365 + i64::from(is_leap(year));
            year += 1;
        }
        let lengths = [31, 28 + i64::from(is_leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        for (month, length) in (1..).zip(lengths) {
            if days < length {
                return (month, days + 1);
            }
            days -= length;
        }
        unreachable!("a year has twelve months")
    }
}

/// A schedule, and what a person would look for on a clock; whether every time counts that the clock shows it.
type Watched = (&'static str, fn(Shown) -> bool, bool);

const STEP: i64 = 15;

const WATCHED: [Watched; 9] = [
    ("daily at 00:00", |at| at.minute() == 0, false),
    ("daily at 02:30", |at| at.minute() == 150, false),
    ("daily at 01:15 and 02:00 and 23:45", |at| [75, 120, 1_425].contains(&at.minute()), false),
    ("weekly on Sunday at 01:30", |at| at.minute() == 90 && at.weekday() == 0, false),
    ("weekdays at 03:00", |at| at.minute() == 180 && (1..=5).contains(&at.weekday()), false),
    (
        "monthly on days 1 and 29 at 02:15",
        |at| at.minute() == 135 && [1, 29].contains(&at.month_and_day().1),
        false,
    ),
    ("0 0 31 3,10 *", |at| at.minute() == 0 && [(3, 31), (10, 31)].contains(&at.month_and_day()), false),
    ("15 * * * *", |at| at.minute() % 60 == 15, true),
    ("*/30 */3 * * *", |at| at.minute() % 30 == 0 && at.minute() / 60 % 3 == 0, true),
];

/// The offsets of a zone from UTC: from which minute on, how many minutes.
fn offsets(zone: &TimeZone, from: Timestamp, until: Timestamp) -> Vec<(i64, i64)> {
    let minutes = |seconds: i64| {
        assert_eq!(
            seconds % (60 * STEP),
            0,
            "in these years all clocks change at quarters of an hour, by quarters"
        );
        seconds / 60
    };
    let first = (from.as_second() / 60, minutes(i64::from(zone.to_offset(from).seconds())));
    let changes = zone.following(from).take_while(|change| change.timestamp() < until);
    let changes = changes.map(|change| {
        (minutes(change.timestamp().as_second()), minutes(i64::from(change.offset().seconds())))
    });
    std::iter::once(first).chain(changes).collect()
}

/// Watches the clock of a zone, and notes when a schedule comes. A time that comes once does so when the clock shows it, or something
/// later, for the first time.
fn watch(offsets: &[(i64, i64)], until: i64, (_, is_it, every_time): Watched) -> Vec<i64> {
    let mut noted = Vec::new();
    let mut highest = None;
    for (at, &(begin, offset)) in offsets.iter().enumerate() {
        let end = offsets.get(at + 1).map_or(until, |next| next.0);
        let mut now = begin;
        while now < end {
            let shown = now + offset;
            let comes = match highest {
                None => is_it(Shown(shown)),
                Some(_) if every_time => is_it(Shown(shown)),
                Some(highest) if shown == highest + STEP => is_it(Shown(shown)),
                Some(highest) => {
                    (highest + STEP..=shown).step_by(STEP as usize).any(|shown| is_it(Shown(shown)))
                }
            };
            if comes {
                noted.push(now);
            }
            highest = highest.max(Some(shown));
            now += STEP;
        }
    }
    noted
}

/// So many minutes before and after a change of a clock every hour is looked at; with `ROWKEEP_ALL_HOURS` all are.
const NEAR: i64 = 3 * 1_440;

#[test]
fn in_every_zone_it_comes_when_the_clock_shows_it() {
    let all = std::env::var_os("ROWKEEP_ALL_HOURS").is_some();
    let (from, until) = (time("2024-01-01T00:00:00Z"), time("2034-01-01T00:00:00Z"));
    let mut zones: BTreeMap<Vec<(i64, i64)>, String> = BTreeMap::new();
    let mut names = 0;
    for name in TimeZoneDatabase::bundled().available() {
        names += 1;
        let zone = TimeZoneDatabase::bundled().get(name.as_str()).expect("it is one of them");
        zones.entry(offsets(&zone, from, until)).or_insert_with(|| name.to_string());
    }
    assert!(names > 590 && zones.len() > 60, "{names} zones with {} clocks", zones.len());
    for (offsets, name) in &zones {
        let zone = TimeZoneDatabase::bundled().get(name).expect("it is one of them");
        for watched in WATCHED {
            let schedule = schedule(watched.0);
            let noted = watch(offsets, until.as_second() / 60, watched);
            let mut last = from.checked_sub(SignedDuration::from_secs(1)).expect("there was a second before");
            for minute in noted {
                let expected = Timestamp::from_second(minute * 60).expect("it is a time");
                // Far from a change of the clock one hour is as the other, and ten years have many.
                let is_near = offsets.iter().any(|(change, _)| (minute - change).abs() < NEAR);
                if is_near || !watched.2 || all {
                    let next = schedule.next(last, &zone).expect("it comes again");
                    assert_eq!(next, expected, "{} in {name}, after {last}", watched.0);
                }
                last = expected;
            }
            assert!(schedule.next(last, &zone).is_some_and(|next| next >= until), "{} in {name}", watched.0);
        }
    }
}
