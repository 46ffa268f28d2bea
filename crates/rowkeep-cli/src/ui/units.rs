//! Numbers as people read them; those of reports, and times of this machine.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rowkeep::state::snapshots::SHORT_ID;
pub(crate) use rowkeep::units::{bytes, count, counted, duration, plain};

/// A time in the machine's time zone, to the second, with the zone.
pub(crate) fn zoned_time(time: Timestamp) -> String {
    time.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S %Z").to_string()
}

/// The name of the machine's time zone.
pub(crate) fn time_zone() -> String {
    match TimeZone::system().iana_name() {
        // What Debian calls it.
        Some("Etc/UTC") => "UTC".to_owned(),
        name => name.unwrap_or("local time").to_owned(),
    }
}

/// A time in the machine's time zone, to the second, for tables that say the zone elsewhere.
pub(crate) fn local_time(time: Timestamp) -> String {
    time.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// The beginning of an id, as people see it.
pub(crate) fn short(id: impl std::fmt::Display) -> String {
    let mut id = id.to_string();
    id.truncate(SHORT_ID);
    id
}
