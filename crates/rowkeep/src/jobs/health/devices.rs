//! The devices of a database: how old the newest state of each is, and whether any of them was ever drilled.

use jiff::Timestamp;
use rowkeep_repository::Catalog;
use serde::{Deserialize, Serialize};

use crate::config::Promise;
use crate::durations::age;
use crate::state::devices::{named, newest_of_each};

/// A device of a database. What was promised of the database is kept while any of them sends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceHealth {
    /// Its name; none for snapshots that name no device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// When its newest state was.
    pub time: Timestamp,
    /// How long ago that was: what would be lost on it.
    pub age_seconds: u64,
    /// Whether that is more than may be lost of the database.
    pub is_older_than_promised: bool,
    /// Whether a state of it was ever drilled.
    pub drilled: bool,
}

/// The devices of a database, where its snapshots say of which they are.
pub fn devices(
    catalog: &Catalog,
    name: &str,
    promise: Option<Promise>,
    now: Timestamp,
    was_drilled: impl Fn(Option<&str>) -> bool,
) -> Vec<DeviceHealth> {
    let newest = newest_of_each(catalog.of(Some(name)).filter(|summary| !summary.is_aside()));
    if !newest.keys().any(Option::is_some) {
        return Vec::new();
    }
    let of_device = |(device, summary): (Option<&str>, &std::sync::Arc<rowkeep_format::Summary>)| {
        let age_seconds = u64::try_from(now.duration_since(summary.time).as_secs()).unwrap_or(0);
        DeviceHealth {
            device: device.map(str::to_owned),
            time: summary.time,
            age_seconds,
            is_older_than_promised: promise.is_some_and(|promise| age_seconds > promise.lose_seconds),
            drilled: was_drilled(device),
        }
    };
    newest.into_iter().map(of_device).collect()
}

/// Whether the drills that there were said nothing of some device.
pub fn has_undrilled(devices: &[DeviceHealth]) -> bool {
    devices.iter().any(|device| device.drilled) && devices.iter().any(|device| !device.drilled)
}

/// What the standing of a database does not say of its devices, in words.
pub fn told_of_devices(devices: &[DeviceHealth], promise: Option<Promise>) -> Vec<String> {
    let mut told = Vec::new();
    let words = |seconds: u64| age(i64::try_from(seconds).unwrap_or(i64::MAX));
    let older = devices.iter().filter(|device| device.is_older_than_promised);
    let older: Vec<String> = older
        .map(|device| format!("{} ({})", named(device.device.as_deref()), words(device.age_seconds)))
        .collect();
    if let Some(promise) = promise.filter(|_| !older.is_empty()) {
        told.push(format!(
            "devices whose newest state is older than the {} that may be lost: {}; the promise is kept while any device sends",
            words(promise.lose_seconds),
            older.join(", ")
        ));
    }
    if has_undrilled(devices) {
        let undrilled = devices.iter().filter(|device| !device.drilled);
        let undrilled: Vec<&str> = undrilled.map(|device| named(device.device.as_deref())).collect();
        told.push(format!("devices of which no state was ever drilled: {}", undrilled.join(", ")));
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_holds_of_some_devices_alone_is_said() {
        let of = |device: &str, age_seconds: u64, drilled: bool| DeviceHealth {
            device: Some(device.to_owned()),
            time: Timestamp::UNIX_EPOCH,
            age_seconds,
            is_older_than_promised: age_seconds > 3_600,
            drilled,
        };
        let promise = Some(Promise { lose_seconds: 3_600, back_in_seconds: None });
        let told = told_of_devices(&[of("desk", 60, true), of("tablet", 7_200, false)], promise);
        assert_eq!(
            told,
            [
                "devices whose newest state is older than the 1 h that may be lost: tablet (2 h); the promise is kept while any device sends",
                "devices of which no state was ever drilled: tablet"
            ]
        );
        // That no drill was run at all is said elsewhere.
        assert!(told_of_devices(&[of("desk", 60, false), of("tablet", 60, false)], promise).is_empty());
    }
}
