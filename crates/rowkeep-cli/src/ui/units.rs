//! Numbers as people read them; those of reports, and times of this machine.

use rowkeep::state::snapshots::SHORT_ID;
pub(crate) use rowkeep::units::{bytes, count, counted, duration, plain};

/// A time in UTC as RFC 3339, told in the machine's time zone to the second.
pub(crate) fn local_time(time: &str) -> String {
    match time.parse::<jiff::Timestamp>() {
        Ok(time) => time.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string(),
        Err(_) => time.to_owned(),
    }
}

/// The beginning of an id, as people see it.
pub(crate) fn short(id: impl std::fmt::Display) -> String {
    let mut id = id.to_string();
    id.truncate(SHORT_ID);
    id
}
