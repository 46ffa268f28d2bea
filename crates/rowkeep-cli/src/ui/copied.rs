//! Snapshots that were copied into another repository, or would be.

use rowkeep::jobs::copy::CopyOutcome;
use rowkeep::jobs::outcome::CopySummary;
use serde_json::{Value, json};

use super::snapshots::table;
use super::units::{bytes, count, counted, plain, short};

/// One that was copied.
pub(crate) fn one(copied: &CopySummary) -> String {
    let CopySummary { source, copy, .. } = copied;
    format!(
        "copied {} of {} as {}: {} proven equal, {} new",
        short(*source),
        copy.database,
        short(copy.id),
        counted(copy.rows, "row"),
        bytes(copy.new_bytes),
    )
}

/// How it ended, in words.
pub(crate) fn told(outcome: &CopyOutcome) -> String {
    let snapshots = |number: u64| counted(number, "snapshot");
    let mut lines = Vec::new();
    if outcome.plan_only {
        if !outcome.planned.is_empty() {
            lines.push(table(&outcome.planned, &[]));
        }
        lines.push(format!(
            "{} would be copied to {}",
            snapshots(outcome.planned.len() as u64),
            plain(&outcome.to)
        ));
    } else {
        let new = outcome.copied.iter().map(|copied| copied.copy.new_bytes).sum();
        lines.push(format!(
            "{} copied to {}, {} new there; {} there already",
            snapshots(outcome.copied.len() as u64),
            plain(&outcome.to),
            bytes(new),
            count(outcome.there),
        ));
    }
    if outcome.expired > 0 {
        let number = snapshots(outcome.expired);
        lines.push(format!("{number} that no rule keeps left out; --expired copies them as well"));
    }
    if !outcome.failed.is_empty() {
        let number = snapshots(outcome.failed.len() as u64);
        lines.push(format!(
            "{number} NOT copied, for they cannot be read: see `rowkeep check` and `rowkeep repair`"
        ));
    }
    lines.join("\n")
}

/// The same for programs.
pub(crate) fn json(outcome: &CopyOutcome) -> Value {
    json!(outcome)
}
