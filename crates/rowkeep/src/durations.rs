//! Lengths of time: read, taken between two moments, and written.

use jiff::Timestamp;

/// Reads a length of time: a whole number with `s`, `min` (or `m`), `h`, `d` or `w`.
pub fn seconds(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let unit = match text[digits..].trim() {
        "s" => 1,
        "m" | "min" => 60,
        "h" => 3600,
        "d" => 86_400,
        "w" => 604_800,
        _ => return Err(format!("{text:?} is no length of time; write 90s, 30min, 24h, 7d or 2w")),
    };
    let number: Option<u64> = text[..digits].parse().ok();
    number
        .and_then(|number| number.checked_mul(unit))
        .ok_or_else(|| format!("{text:?} is no length of time; write 90s, 30min, 24h, 7d or 2w"))
}

/// A length of time in words: `3 d 4 h`, `2 h 5 min`, `40 s`.
pub fn age(seconds: i64) -> String {
    let seconds = seconds.max(0);
    match (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60, seconds % 60) {
        (0, 0, 0, seconds) => format!("{seconds} s"),
        (0, 0, minutes, _) => format!("{minutes} min"),
        (0, hours, 0, _) => format!("{hours} h"),
        (0, hours, minutes, _) => format!("{hours} h {minutes} min"),
        (days, 0, ..) => format!("{days} d"),
        (days, hours, ..) => format!("{days} d {hours} h"),
    }
}

/// Seconds from one time to a later one.
pub(crate) fn seconds_between(earlier: Timestamp, later: Timestamp) -> i64 {
    later.as_second().saturating_sub(earlier.as_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time() {
        for (text, length) in
            [("90s", 90), ("5 min", 300), ("5m", 300), ("24h", 86_400), ("7d", 604_800), ("2w", 1_209_600)]
        {
            assert_eq!(seconds(text), Ok(length));
        }
        for wrong in ["", "5", "h", "1.5h", "-1h", "99999999999999999999s", "9999999999999999999w"] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn ages_in_words() {
        for (seconds, words) in [
            (-5, "0 s"),
            (59, "59 s"),
            (61, "1 min"),
            (3600, "1 h"),
            (3900, "1 h 5 min"),
            (86_400, "1 d"),
            (95_000, "1 d 2 h"),
        ] {
            assert_eq!(age(seconds), words);
        }
    }
}
