//! What a drill finds, as its report has it.

use rowkeep_engine::LeftOut;
use rowkeep_format::TableName;

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

/// What the server refused: a restore goes on without it, but of tables no rows came back.
pub(super) fn refused<'a>(
    left_out: &'a [LeftOut],
    lacking: &'a [TableName],
) -> impl Iterator<Item = ReportEntry> + 'a {
    let parts = left_out.iter().map(|part| found("the whole schema", Status::Warning, part.told(), None));
    let tables = lacking.iter().map(|table| {
        let detail =
            format!("{table} could not be made, so its rows are not there; all else is restored without it");
        found("every table", Status::Failed, detail, None)
    });
    parts.chain(tables)
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
