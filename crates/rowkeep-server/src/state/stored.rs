//! Values as the state keeps them.

use jiff::{SignedDuration, Timestamp};

use super::failure::{self, Failure};
use super::value::Row;

/// When something is used is noted to the minute, so that not every request writes.
const LATELY: SignedDuration = SignedDuration::from_mins(1);

/// Whether it is noted that something was used, so that it need not be noted again.
pub(crate) fn is_lately(used: Option<Timestamp>, now: Timestamp) -> bool {
    used.is_some_and(|used| used <= now && now.duration_since(used) <= LATELY)
}

/// A time as the state keeps it: microseconds since the beginning of 1970.
pub(crate) fn stored(time: Timestamp) -> i64 {
    time.as_microsecond()
}

/// A time that the state keeps.
pub(crate) fn time(stored: i64) -> Timestamp {
    Timestamp::from_microsecond(stored).unwrap_or(if stored < 0 { Timestamp::MIN } else { Timestamp::MAX })
}

/// A list of names as the state keeps it.
pub(crate) fn stored_names(names: Option<&[String]>) -> failure::Result<Option<String>> {
    Ok(names.map(serde_json::to_string).transpose()?)
}

/// A list of names that the state keeps in a column.
pub(crate) fn names(row: &Row, column: usize) -> failure::Result<Option<Vec<String>>> {
    let names: Option<String> = row.get(column)?;
    let malformed = |_| Failure::Value { column };
    names.map(|text| serde_json::from_str(&text).map_err(malformed)).transpose()
}
