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
    let tables = counted(comparison.user_tables().count() as u64, "table");
    let (status, detail) = match unequal.as_slice() {
        [] if comparison.definitions.is_none() => (Status::Passed, format!("{tables} by hash")),
        [] => (Status::Passed, format!("{tables} by hash, and their definitions")),
        _ => (Status::Failed, format!("{} differ", unequal.join(", "))),
    };
    found("proven equal to the snapshot", status, detail, Some(duration_ms))
}

/// What it proves where a file was read again that a page restores.
pub(super) fn equality(comparison: &Comparison, duration_ms: u64) -> ReportEntry {
    let equal = proof(comparison, duration_ms);
    let mut said = vec![equal.detail];
    if equal.status == Status::Passed {
        said.push("not proven, for no browser restored it".to_owned());
    }
    said.extend(comparison.not_compared.iter().map(|what| format!("without {what}")));
    ReportEntry { title: "read again and equal to the snapshot".to_owned(), detail: said.join("; "), ..equal }
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
