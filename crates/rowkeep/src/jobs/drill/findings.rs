//! What a drill finds, as its report has it.

use crate::report::{ReportEntry, Status};
use crate::restore::verify::{Comparison, TableVerdict};
use crate::units::counted;

/// What a comparison proves.
pub(super) fn proof(comparison: &Comparison, duration_ms: u64) -> ReportEntry {
    let unequal: Vec<String> = comparison
        .tables
        .iter()
        .filter(|table| table.outcome != TableVerdict::Equal)
        .map(|table| table.table.to_string())
        .collect();
    let (status, detail) = match unequal.as_slice() {
        [] => (Status::Passed, format!("{} by hash", counted(comparison.tables.len() as u64, "table"))),
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
