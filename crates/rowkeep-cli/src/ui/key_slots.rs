//! Key slots in a table.

use rowkeep::jobs::keys::{OpenedBy, SlotListing, short_id};

use super::table::{Column, render};
use super::units::local_time;

/// The key slots of a repository.
pub(crate) fn told(slots: &[SlotListing]) -> String {
    let columns =
        [Column("SLOT", false), Column("OPENED BY", false), Column("MADE", false), Column("LABEL", false)];
    let rows = slots.iter().map(|slot| {
        let mark = if slot.in_use { " (in use)" } else { "" };
        let opened_by = match slot.opened_by {
            OpenedBy::Passphrase => "passphrase",
            OpenedBy::KeyFile => "key file",
        };
        let created = local_time(slot.created);
        vec![short_id(slot.id), format!("{opened_by}{mark}"), created, slot.label.clone()]
    });
    render(&columns, rows)
}
