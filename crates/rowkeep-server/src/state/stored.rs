//! Values as the state keeps them.

use jiff::Timestamp;

/// A time as the state keeps it: microseconds since the beginning of 1970.
pub(crate) fn stored(time: Timestamp) -> i64 {
    time.as_microsecond()
}

/// A time that the state keeps.
pub(crate) fn time(stored: i64) -> Timestamp {
    Timestamp::from_microsecond(stored).unwrap_or(if stored < 0 { Timestamp::MIN } else { Timestamp::MAX })
}
