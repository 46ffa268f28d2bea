//! What a drill finds, as its report has it.

use crate::diff::DefinitionChange;
use crate::report::{ReportEntry, Status};
use crate::restore::verify::Comparison;
use crate::units::counted;

/// What a comparison proves.
pub(super) fn proof(comparison: &Comparison, duration_ms: u64) -> ReportEntry {
    let mut unequal: Vec<String> = comparison.unequal().map(|table| table.table.to_string()).collect();
    let missing = comparison.changes().iter().filter(|change| !change.optional);
    unequal.extend(missing.map(DefinitionChange::brief));
    let tables = comparison.user_tables().count() as u64;
    let (status, detail) = match unequal.as_slice() {
        [] => (Status::Passed, format!("{} by hash, and their definitions", counted(tables, "table"))),
        _ => (Status::Failed, format!("{} differ", unequal.join(", "))),
    };
    found("proven equal to the snapshot", status, detail, Some(duration_ms))
}

pub(super) fn found(
    title: impl Into<String>,
    status: Status,
    detail: impl Into<String>,
    ms: Option<u64>,
) -> ReportEntry {
    ReportEntry {
        title: title.into(),
        status,
        detail: detail.into(),
        samples: Vec::new(),
        duration_ms: ms.unwrap_or_default(),
    }
}
