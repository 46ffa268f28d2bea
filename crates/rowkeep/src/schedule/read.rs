//! Schedules as people write them: in words, or as cron patterns of five fields.

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::Timestamp;
use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;

use super::times::{Pattern, Times};
use crate::moments;

/// How a schedule can be written.
const FORMS: &str = "write \"every 6 hours\", \"daily at 02:00\", \"weekly on Sunday at 03:00\", \"monthly on day 1 at 04:00\" or a cron pattern \
    such as \"0 4 1 * *\", each with a time zone behind it or not: \"daily at 02:00 Europe/London\"";

/// The shortest interval, in seconds.
const SHORTEST: i64 = 60;

/// The longest interval, in seconds: a year and a day.
const LONGEST: i64 = 366 * 86_400;

const DAYS: [&str; 7] = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];

/// Names that cron has for patterns.
const NAMED: [(&str, &str); 6] = [
    ("@hourly", "0 * * * *"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@weekly", "0 0 * * 0"),
    ("@monthly", "0 0 1 * *"),
    ("@yearly", "0 0 1 1 *"),
];

/// Reads the times of a schedule, and the time zone that it names.
pub(super) fn read(text: &str) -> Result<(Times, Option<TimeZone>), String> {
    let malformed = |problem: String| match problem.is_empty() {
        true => format!("{text:?} is no schedule; {FORMS}"),
        false => format!("{text:?} is no schedule: {problem}"),
    };
    let (words, zone) = without_zone(text).map_err(malformed)?;
    let times = times(words).map_err(malformed)?;
    if let (Times::Every(_), Some(_)) = (&times, &zone) {
        return Err(malformed("an interval is the same in every time zone".to_owned()));
    }
    Ok((times, zone))
}

/// Divides the time zone from the end of a text.
fn without_zone(text: &str) -> Result<(&str, Option<TimeZone>), String> {
    let Some((words, last)) = text.rsplit_once(' ') else { return Ok((text, None)) };
    let is_zone =
        last == "UTC" || last.contains('/') && last.starts_with(|first: char| first.is_ascii_uppercase());
    if !is_zone {
        return Ok((text, None));
    }
    Ok((words, Some(moments::zone(last)?)))
}

fn times(words: &str) -> Result<Times, String> {
    if let Some((_, pattern)) = NAMED.iter().find(|(name, _)| *name == words) {
        return Ok(Times::Clock(vec![pattern_of(pattern)?]));
    }
    let lower = words.to_lowercase();
    let (first, rest) = lower.split_once(' ').unwrap_or((&lower, ""));
    match first {
        "every" => every(rest),
        "hourly" => hourly(rest),
        "daily" => clock(rest, |at| format!("{at} * * *")),
        "weekdays" => clock(rest, |at| format!("{at} * * 1-5")),
        "weekly" => {
            let (days, at) = rest.strip_prefix("on ").and_then(divided).unwrap_or(("", rest));
            let days = days_of_week(days)?;
            clock(at, |at| format!("{at} * * {days}"))
        }
        "monthly" => {
            let (days, at) = rest.strip_prefix("on ").and_then(divided).unwrap_or(("", rest));
            let days = days_of_month(days)?;
            clock(at, |at| format!("{at} {days} * *"))
        }
        _ if words.split(' ').count() == 5 => Ok(Times::Clock(vec![pattern_of(words)?])),
        _ => Err(String::new()),
    }
}

/// Divides days from the time that follows them.
fn divided(text: &str) -> Option<(&str, &str)> {
    match text.find(" at ") {
        Some(at) => Some((&text[..at], &text[at + 1..])),
        None => Some((text, "")),
    }
}

fn every(text: &str) -> Result<Times, String> {
    let (number, unit) = match text.split_once(' ') {
        Some((number, unit)) => (number.parse::<i64>().map_err(|_| String::new())?, unit),
        None => (1, text),
    };
    let seconds = match unit.strip_suffix('s').unwrap_or(unit) {
        "min" | "minute" => 60,
        "hour" => 3_600,
        "day" => 86_400,
        "week" => 7 * 86_400,
        _ => return Err(String::new()),
    };
    let seconds = number.checked_mul(seconds).filter(|seconds| (SHORTEST..=LONGEST).contains(seconds));
    seconds.map(Times::Every).ok_or_else(|| "an interval is from a minute to a year".to_owned())
}

fn hourly(text: &str) -> Result<Times, String> {
    let minute = match text {
        "" => 0,
        text => {
            let minute = text.strip_prefix("at :").and_then(|minute| minute.parse::<u8>().ok());
            let wrong = || "write the minute of the hour as \"hourly at :15\"".to_owned();
            minute.filter(|minute| *minute < 60).ok_or_else(wrong)?
        }
    };
    Ok(Times::Clock(vec![pattern_of(&format!("{minute} * * * *"))?]))
}

/// Times of the clock, `at 02:00 and 14:30`; midnight when none is given.
fn clock(text: &str, pattern: impl Fn(&str) -> String) -> Result<Times, String> {
    let times = match text {
        "" => vec![Time::midnight()],
        text => {
            let listed = text.strip_prefix("at ").ok_or_else(String::new)?;
            let times = listed.split([',', ' ']).filter(|part| !matches!(*part, "" | "and"));
            times.map(time_of_day).collect::<Result<Vec<_>, _>>()?
        }
    };
    if times.is_empty() {
        return Err(String::new());
    }
    let patterns =
        times.iter().map(|time| pattern_of(&pattern(&format!("{} {}", time.minute(), time.hour()))));
    Ok(Times::Clock(patterns.collect::<Result<Vec<_>, _>>()?))
}

fn time_of_day(text: &str) -> Result<Time, String> {
    let wrong = || format!("{text:?} is no time of a day; write it as 02:00 or 14:30");
    let (hour, minute) = text.split_once(':').ok_or_else(wrong)?;
    let number = |text: &str| {
        let is_number = (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| text.parse::<i8>().ok()).flatten()
    };
    let (Some(hour), Some(minute)) = (number(hour), number(minute)) else { return Err(wrong()) };
    Time::new(hour, minute, 0, 0).map_err(|_| wrong())
}

/// Days of the week as cron numbers them; Sunday when none is given.
fn days_of_week(text: &str) -> Result<String, String> {
    if text.is_empty() {
        return Ok("0".to_owned());
    }
    let days = text.split([',', ' ']).filter(|part| !matches!(*part, "" | "and")).map(|name| {
        let is_it = |day: &&str| *day == name || name.len() == 3 && day.starts_with(name);
        let day = DAYS.iter().position(|day| is_it(&day));
        day.map(|day| day.to_string()).ok_or_else(|| format!("{name:?} is no day of the week"))
    });
    Ok(days.collect::<Result<Vec<_>, _>>()?.join(","))
}

/// Days of the month; the first when none is given.
fn days_of_month(text: &str) -> Result<String, String> {
    let text = text.strip_prefix("days ").or(text.strip_prefix("day ")).unwrap_or(text);
    if text.is_empty() {
        return Ok("1".to_owned());
    }
    let days =
        text.split([',', ' ']).filter(|part| !matches!(*part, "" | "and" | "the")).map(|day| match day {
            "last" => Ok("L".to_owned()),
            day => {
                let number = day.parse::<u8>().ok().filter(|day| (1..=31).contains(day));
                number
                    .map(|day| day.to_string())
                    .ok_or_else(|| format!("{day:?} is no day of a month; write 1 to 31 or last"))
            }
        });
    Ok(days.collect::<Result<Vec<_>, _>>()?.join(","))
}

fn pattern_of(text: &str) -> Result<Pattern, String> {
    let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
    let cron: Cron = parser.parse(text).map_err(|error| error.to_string())?;
    let is_hourly = text.split(' ').nth(1).is_some_and(|hours| hours.starts_with('*'));
    // Such as 31 February; the days of all years come again after 400.
    let start: DateTime = TimeZone::UTC.to_datetime(Timestamp::UNIX_EPOCH);
    let first = cron.find_next_occurrence(&start, true).ok();
    if first.is_none_or(|first| first.year() > 2_400) {
        return Err("no such day ever comes".to_owned());
    }
    Ok(Pattern { cron, is_hourly })
}
