//! Which of several databases a command did not come to its end for.

use rowkeep::jobs::several::FailedDatabase;

use super::units::{counted, plain};
use crate::fail;

/// Says it in a line, after what went wrong with each was said.
pub(crate) fn say_failed(failed: &[FailedDatabase], others: usize, done: &str) {
    if failed.is_empty() {
        return;
    }
    let names: Vec<_> = failed.iter().map(|failed| plain(&failed.database)).collect();
    let were = if names.len() == 1 { "was" } else { "were" };
    let all = counted((names.len() + others) as u64, "database");
    fail::say(&format!("{} of {all} {were} not {done}: {}", names.len(), names.join(", ")));
}
