//! Files that were imported.

use rowkeep::jobs::import::{ImportOutcome, Imported, TimeFrom};

use super::units::{counted, plain, zoned_time};

/// What was imported and what was not, in words.
pub(crate) fn told(outcome: &ImportOutcome) -> String {
    let mut lines: Vec<String> = outcome.imported.iter().flat_map(one).collect();
    let passed_over = outcome.passed_over.iter();
    lines.extend(passed_over.map(|file| format!("passed over {}: {}", plain(&file.file), plain(&file.why))));
    let failed = outcome.failed.iter();
    lines.extend(failed.map(|file| format!("NOT imported: {}: {}", plain(&file.file), plain(&file.why))));
    if outcome.imported.len() != 1 || !outcome.passed_over.is_empty() || !outcome.failed.is_empty() {
        lines.push(format!("{} imported", counted(outcome.imported.len() as u64, "file")));
    }
    lines.join("\n")
}

/// One that was imported: what it is, and who says the time of its snapshot.
fn one(imported: &Imported) -> Vec<String> {
    let by = imported.written_by.as_deref().map(|program| format!(", written by {}", plain(program)));
    let from = match imported.time_from {
        TimeFrom::Request => "as asked for",
        TimeFrom::File => "as the file says",
        TimeFrom::Modified => "when the file was last changed",
    };
    let file = format!(
        "imported {}: {}{}; its time is {}, {from}",
        plain(&imported.file),
        imported.what,
        by.unwrap_or_default(),
        zoned_time(imported.snapshot.time),
    );
    let notes = imported.notes.iter().map(|note| format!("note: {}", plain(note)));
    std::iter::once(file).chain(notes).collect()
}
