//! The devices that send states of a database, and the last backup of each.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use rowkeep::jobs::outcome::SnapshotSummary;
use rowkeep::state::devices::DEVICE_TAG;

use super::frame::{Frame, Section, page};
use super::refused::Refused;
use super::units::{ago, bytes, count, length, minute, part, short};
use super::visitor::Visitor;
use crate::health::DeviceHealth;
use crate::web::extract::Named;
use crate::web::names::known;
use crate::web::service::Service;

#[derive(Template)]
#[template(path = "devices.html")]
struct DevicesPage {
    frame: Frame,
    database: String,
    part: String,
    zone: String,
    /// How much may be lost of the database, where that is promised.
    promise: Option<String>,
    devices: Vec<DeviceRow>,
}

struct DeviceRow {
    /// Its name; none where the page that sent a state did not say any.
    name: Option<String>,
    id: String,
    short: String,
    time: String,
    age: String,
    rows: String,
    size: String,
    snapshots: String,
    /// What is not as it is of the database as a whole, in words.
    marks: Vec<&'static str>,
}

/// Whether snapshots say of which devices they are.
pub(super) fn are_named(snapshots: &[SnapshotSummary]) -> bool {
    snapshots.iter().any(|snapshot| snapshot.tags.contains_key(DEVICE_TAG))
}

/// Each device with its newest snapshot, the one that was heard of longest ago first.
fn devices(
    snapshots: &[SnapshotSummary],
    health: &[DeviceHealth],
    zone: &TimeZone,
    now: Timestamp,
) -> Vec<DeviceRow> {
    let mut of_each: BTreeMap<Option<&String>, (&SnapshotSummary, u64)> = BTreeMap::new();
    for snapshot in snapshots.iter().filter(|snapshot| snapshot.before.is_none()) {
        let (newest, number) = of_each.entry(snapshot.tags.get(DEVICE_TAG)).or_insert((snapshot, 0));
        *number += 1;
        if snapshot.time >= newest.time {
            *newest = snapshot;
        }
    }
    let mut found: Vec<_> = of_each.into_iter().collect();
    found.sort_by_key(|(_, (newest, _))| newest.time);
    let marks = |name: Option<&String>| {
        let of = health.iter().find(|of| of.device.as_ref() == name);
        let all = of.map_or([(false, ""); 2], |of| {
            [(of.is_older_than_promised, "older than may be lost"), (!of.drilled, "never drilled")]
        });
        all.into_iter().filter(|(is_so, _)| *is_so).map(|(_, mark)| mark).collect()
    };
    let row = |(name, (newest, number)): (Option<&String>, (&SnapshotSummary, u64))| DeviceRow {
        name: name.cloned(),
        id: newest.id.to_string(),
        short: short(&newest.id.to_string()),
        time: minute(newest.time, zone),
        age: ago(newest.time, now),
        rows: count(newest.rows),
        size: bytes(newest.bytes),
        snapshots: count(number),
        marks: marks(name),
    };
    found.into_iter().map(row).collect()
}

/// Lists the devices of a database.
pub(super) async fn list(
    State(service): State<Service>,
    visitor: Visitor,
    Named(database): Named<String>,
) -> Result<Response, Refused> {
    known(&service, &visitor.caller, &database).await?;
    let queue = service.queue();
    let zone = queue.workspace().config().zone(&database);
    let listed = service.snapshots().of(queue, &database).await?;
    let health = service.health().of(queue, &database).await?;
    let shown = DevicesPage {
        frame: Frame::of(&visitor.session, Section::Overview, format!("Devices of {database}")),
        part: part(&database),
        zone: zone.iana_name().unwrap_or("UTC").to_owned(),
        promise: health.lose_seconds.map(|lose| length(i64::try_from(lose).unwrap_or(i64::MAX))),
        devices: devices(&listed, &health.devices, &zone, queue.now()),
        database,
    };
    Ok(page(&shown))
}
