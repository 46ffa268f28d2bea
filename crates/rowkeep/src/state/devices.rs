//! The devices of a database: where it is on several under one name, each has rows of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rowkeep_format::Summary;

use crate::Error;

/// The tag that says of which device a state is.
pub const DEVICE_TAG: &str = "device";

/// The device that tags name; nothing where they name none.
pub fn device(tags: &BTreeMap<String, String>) -> Option<&str> {
    tags.get(DEVICE_TAG).map(String::as_str)
}

/// What a device is called in words.
pub fn named(device: Option<&str>) -> &str {
    device.unwrap_or("of no name")
}

/// The newest of each device, of snapshots that stand in the order of their chain.
pub(crate) fn newest_of_each<'s>(
    snapshots: impl Iterator<Item = &'s Arc<Summary>>,
) -> BTreeMap<Option<&'s str>, &'s Arc<Summary>> {
    snapshots.map(|summary| (device(&summary.tags), summary)).collect()
}

/// Fails where none of these tags name a device, and says which they name.
pub(crate) fn check<'t>(
    wanted: &str,
    all: impl Iterator<Item = &'t BTreeMap<String, String>>,
) -> Result<(), Error> {
    let known: BTreeSet<&str> = all.filter_map(device).collect();
    match known.contains(wanted) {
        true => Ok(()),
        false => {
            let candidates = known.into_iter().map(str::to_owned).collect();
            Err(Error::Unknown { what: "device", name: wanted.to_owned(), candidates })
        }
    }
}
