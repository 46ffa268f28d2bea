//! Times and numbers as pages show them.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rowkeep::apply::undo_snapshot;
pub(super) use rowkeep::units::{bytes, count, counted};

/// A time in a zone, to the minute.
pub(super) fn minute(time: Timestamp, zone: &TimeZone) -> String {
    time.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string()
}

/// A time in UTC, to the second.
pub(super) fn second(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// How long ago something was, or how long it is until then.
pub(super) fn ago(time: Timestamp, now: Timestamp) -> String {
    let seconds = now.duration_since(time).as_secs();
    match seconds {
        -59..=59 => "now".to_owned(),
        60.. => format!("{} ago", length(seconds)),
        _ => format!("in {}", length(-seconds)),
    }
}

/// A length of time in its largest unit: `5 min`, `3 h`, `12 days`.
pub(super) fn length(seconds: i64) -> String {
    match seconds {
        ..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// How long something took.
pub(super) fn took(milliseconds: u64) -> String {
    rowkeep::units::duration(Duration::from_millis(milliseconds))
}

/// The beginning of an id, as people see it.
pub(super) fn short(id: &str) -> String {
    id.chars().take(8).collect()
}

/// Part of an address, so that it stays one part whatever it holds.
pub(super) fn part(text: &str) -> String {
    let mut part = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                part.push(char::from(byte))
            }
            _ => part.push_str(&format!("%{byte:02X}")),
        }
    }
    part
}

/// From which state rows come, with a short id where an undo names a whole one.
pub(super) fn from_words(from: &str) -> String {
    undo_snapshot(from)
        .map_or_else(|| from.to_owned(), |safety| format!("the state before snapshot {safety}"))
}

/// An argument as a shell takes it.
pub(super) fn argument(text: &str) -> String {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "-_./:@".contains(character);
    match !text.is_empty() && text.chars().all(is_plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_one_word_for_a_shell() {
        assert_eq!(argument("shop"), "shop");
        assert_eq!(argument("it's; rm"), r"'it'\''s; rm'");
        assert_eq!(argument(""), "''");
    }

    #[test]
    fn times_are_told_from_now() {
        let now: Timestamp = "2026-11-29T12:00:00Z".parse().expect("it is a time");
        let told = |time: &str| ago(time.parse().expect("it is a time"), now);
        assert_eq!(told("2026-11-29T11:59:30Z"), "now");
        assert_eq!(told("2026-11-29T11:55:00Z"), "5 min ago");
        assert_eq!(told("2026-11-28T12:00:00Z"), "24 h ago");
        assert_eq!(told("2026-11-20T12:00:00Z"), "9 days ago");
        assert_eq!(told("2026-11-29T15:30:00Z"), "in 3 h");
    }

    #[test]
    fn parts_of_addresses_stay_parts() {
        assert_eq!(part("shop"), "shop");
        assert_eq!(part("a/b?c#d %é"), "a%2Fb%3Fc%23d%20%25%C3%A9");
    }
}
