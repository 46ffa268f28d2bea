//! Rows that two sides changed in different ways.

use rowkeep::diff::Conflicts;

use super::units::{counted, plain};

/// A line for each, and one that says what is done about them; nothing where there are none.
pub(crate) fn told(conflicts: &Conflicts, chosen: &str) -> Vec<String> {
    if conflicts.is_empty() {
        return Vec::new();
    }
    let line =
        |conflict: &rowkeep::diff::Conflict| format!("changed in both: {}", plain(&conflict.to_string()));
    let mut lines: Vec<String> = conflicts.listed.iter().map(line).collect();
    let unlisted = conflicts.rows - conflicts.listed.len() as u64;
    if unlisted > 0 {
        lines.push(format!("and {} changed in both", counted(unlisted, "more row")));
    }
    lines.push(chosen.to_owned());
    lines
}
