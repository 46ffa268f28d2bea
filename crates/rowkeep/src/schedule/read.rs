//! Schedules as people write them: in words, or as cron patterns of five fields.

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::Timestamp;
use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;

use super::times::{Pattern, Times};
use crate::{durations, moments};

/// How a schedule can be written.
const FORMS: &str = "write \"every 6 hours\", \"hourly at :15\", \"daily at 02:00\", \"weekdays at 08:00\", \"weekly on Sunday at 03:00\", \
    \"monthly on day 1 at 04:00\" or a cron pattern such as \"0 4 1 * *\", each with a time zone behind it or not: \"daily at 02:00 Europe/London\"";

/// The shortest interval, in seconds.
const SHORTEST: i64 = 60;

/// The longest interval, in seconds: a year and a day.
const LONGEST: i64 = 366 * 86_400;

const DAYS: [&str; 7] = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];

/// Names that cron has for patterns.
const NAMED: [(&str, &str); 7] = [
    ("@hourly", "0 * * * *"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@weekly", "0 0 * * 0"),
    ("@monthly", "0 0 1 * *"),
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
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
    let words = words.strip_suffix(" in").unwrap_or(words);
    let is_alphabetic = last.starts_with(|first: char| first.is_ascii_alphabetic());
    match last.to_ascii_uppercase().as_str() {
        "UTC" | "GMT" | "Z" => return Ok((words, Some(TimeZone::UTC))),
        _ if is_alphabetic && last.contains('/') => {}
        // What no word of a schedule looks like: CET, EST5EDT, UTC+2. Cron has names of days and months in capitals too.
        name if is_alphabetic && last == name && last.len() > 1 && words.split(' ').count() != 4 => {}
        _ => return Ok((text, None)),
    }
    Ok((words, Some(moments::zone(last)?)))
}

fn times(words: &str) -> Result<Times, String> {
    let lower = words.to_lowercase();
    if let Some((_, pattern)) = NAMED.iter().find(|(name, _)| *name == lower) {
        return Ok(Times::Clock(vec![pattern_of(pattern)?]));
    }
    let (first, rest) = lower.split_once(' ').unwrap_or((&lower, ""));
    match first {
        "every" => every(rest),
        "hourly" => hourly(rest),
        "daily" => clock(rest, |at| format!("{at} * * *")),
        "weekdays" => clock(rest, |at| format!("{at} * * 1-5")),
        "weekly" => weekly(rest),
        "monthly" => monthly(rest),
        _ if words.split(' ').count() == 5 => Ok(Times::Clock(vec![pattern_of(words)?])),
        _ => Err(String::new()),
    }
}

fn weekly(rest: &str) -> Result<Times, String> {
    let (days, at) = divided(rest);
    let days = days_of_week(days)?;
    clock(at, |at| format!("{at} * * {days}"))
}

fn monthly(rest: &str) -> Result<Times, String> {
    let (days, at) = divided(rest);
    let days = days_of_month(days)?;
    clock(at, |at| format!("{at} {days} * *"))
}

/// Divides `on` and days from the time that follows them.
fn divided(text: &str) -> (&str, &str) {
    let Some(days) = text.strip_prefix("on ") else { return ("", text) };
    match days.find(" at ") {
        Some(at) => (&days[..at], &days[at + 1..]),
        None => (days, ""),
    }
}

fn every(text: &str) -> Result<Times, String> {
    let (first, rest) = text.split_once(' ').unwrap_or((text, ""));
    // As people say it, too.
    match first {
        "day" if !rest.is_empty() => return clock(rest, |at| format!("{at} * * *")),
        "weekday" => return clock(rest, |at| format!("{at} * * 1-5")),
        "week" if !rest.is_empty() => return weekly(rest),
        "month" => return monthly(rest),
        day if day_of_week(day).is_some() => return weekly(&format!("on {text}")),
        _ => {}
    }
    let seconds = match first.parse::<i64>() {
        Ok(number) => number.checked_mul(seconds_of(rest)?),
        Err(_) => match durations::seconds(text) {
            Ok(seconds) => i64::try_from(seconds).ok(),
            Err(_) => Some(seconds_of(text)?),
        },
    };
    let seconds = seconds.filter(|seconds| (SHORTEST..=LONGEST).contains(seconds));
    seconds.map(Times::Every).ok_or_else(|| "an interval is from a minute to a year".to_owned())
}

fn seconds_of(unit: &str) -> Result<i64, String> {
    match unit.strip_suffix('s').unwrap_or(unit) {
        "min" | "minute" | "m" => Ok(60),
        "hour" | "h" => Ok(3_600),
        "day" | "d" => Ok(86_400),
        "week" | "w" => Ok(7 * 86_400),
        _ => Err(String::new()),
    }
}

fn hourly(text: &str) -> Result<Times, String> {
    let wrong = || "write the minute of the hour as \"hourly at :15\"".to_owned();
    let minutes = match text {
        "" => vec![0],
        text => {
            let listed = text.strip_prefix("at ").ok_or_else(wrong)?;
            let minutes = listed.split([',', ' ']).filter(|part| !matches!(*part, "" | "and")).map(|part| {
                let minute = part.strip_prefix(':').and_then(|minute| minute.parse::<u8>().ok());
                minute.filter(|minute| *minute < 60).ok_or_else(wrong)
            });
            minutes.collect::<Result<Vec<_>, _>>()?
        }
    };
    let patterns = minutes.iter().map(|minute| pattern_of(&format!("{minute} * * * *")));
    Ok(Times::Clock(patterns.collect::<Result<Vec<_>, _>>()?))
}

/// Times of the clock, `at 02:00 and 14:30`; midnight when none is given.
fn clock(text: &str, pattern: impl Fn(&str) -> String) -> Result<Times, String> {
    let times = match text {
        "" => vec![Time::midnight()],
        text => {
            let listed = text.strip_prefix("at ").unwrap_or(text);
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
    let wrong = || {
        format!("{text:?} is no time of a day; write it as 02:00 or 14:30, and a time zone as Europe/London")
    };
    match text {
        "midnight" => return Ok(Time::midnight()),
        "noon" => return Ok(jiff::civil::time(12, 0, 0, 0)),
        _ => {}
    }
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
    let known = |name: &str| day_of_week(name).ok_or_else(|| format!("{name:?} is no day of the week"));
    let days = text.split([',', ' ']).filter(|part| !matches!(*part, "" | "and")).map(|part| {
        match part.split_once('-') {
            None => known(part).map(|day| day.to_string()),
            // From Sunday on, which is 0; to Sunday, 7.
            Some((first, last)) => {
                let (first, last) = (known(first)?, known(last)?);
                let last = if last < first { last + 7 } else { last };
                let between = (first..=last).map(|day| (day % 7).to_string());
                Ok(between.collect::<Vec<_>>().join(","))
            }
        }
    });
    Ok(days.collect::<Result<Vec<_>, _>>()?.join(","))
}

/// The number of a day by its name, or three letters of it or more, one or many of it.
fn day_of_week(name: &str) -> Option<usize> {
    let is_it = |name: &str| DAYS.iter().position(|day| name.len() >= 3 && day.starts_with(name));
    is_it(name).or_else(|| is_it(name.strip_suffix('s')?))
}

/// Days of the month; the first when none is given.
fn days_of_month(text: &str) -> Result<String, String> {
    if text.is_empty() {
        return Ok("1".to_owned());
    }
    let is_word = |part: &&str| !matches!(*part, "" | "and" | "the" | "day" | "days");
    let days = text.split([',', ' ']).filter(is_word).map(|day| match day {
        "last" => Ok("L".to_owned()),
        day => {
            let digits = day.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
            let is_ordinal = matches!(&day[digits.len()..], "" | "st" | "nd" | "rd" | "th");
            let number = digits.parse::<u8>().ok().filter(|day| is_ordinal && (1..=31).contains(day));
            let wrong = || format!("{day:?} is no day of a month; write 1 to 31 or last");
            number.map(|day| day.to_string()).ok_or_else(wrong)
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
