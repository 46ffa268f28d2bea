//! What a check of a repository found.

use std::time::Duration;

use rowkeep::jobs::repository_check::CheckOutcome;

use super::units::{bytes, counted, duration, plain, zoned_time};

/// What was found, each in a line, and how much was looked at.
pub(crate) fn told(outcome: &CheckOutcome) -> String {
    let checked = &outcome.checked;
    let time = duration(Duration::from_millis(outcome.check_ms));
    let mut lines = Vec::new();
    for note in &checked.notes {
        lines.push(format!("note: {}: {}", plain(&note.object), plain(&note.detail)));
    }
    for problem in &checked.damage {
        lines.push(format!("damage: {}: {}", plain(&problem.object), plain(&problem.detail)));
    }
    for loss in &checked.losses {
        let mut lost: Vec<String> = loss.tables.iter().map(|table| plain(&table.to_string())).collect();
        if loss.schema {
            lost.push("its schema".to_owned());
        }
        if loss.changes {
            lost.push("the data that `rowkeep undo` needs".to_owned());
        }
        lines.push(format!(
            "snapshot {} of {} ({}) cannot be restored completely: {}",
            &loss.snapshot.to_string()[..8],
            plain(&loss.database),
            zoned_time(loss.time),
            lost.join(", ")
        ));
    }
    let read = match checked.bytes_read {
        0 => String::new(),
        read => format!(", {} of them read", bytes(read)),
    };
    let looked = format!(
        "{} and {} ({}{read}) in {time}",
        counted(checked.snapshots, "snapshot"),
        counted(checked.packs, "pack"),
        bytes(checked.pack_bytes),
    );
    lines.push(match checked.is_clean() {
        true => format!("no damage: {looked}"),
        false => format!("DAMAGED: {looked}; {}", affected(checked.losses.len() as u64)),
    });
    lines.join("\n")
}

/// How many snapshots are affected by damage, in words.
fn affected(snapshots: u64) -> String {
    match snapshots {
        0 => "no snapshot is affected".to_owned(),
        1 => "1 snapshot is affected".to_owned(),
        many => format!("{} are affected", counted(many, "snapshot")),
    }
}
