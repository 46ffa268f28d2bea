//! What an export wrote.

use std::path::Path;

use rowkeep::jobs::export::ExportOutcome;
use serde_json::json;

use super::units::{bytes, counted, plain};
use crate::fail;
use crate::setup::Session;

/// Shows what was written; on stderr where stdout is what was written.
pub(crate) fn show(session: &Session, to: Option<&Path>, done: &ExportOutcome) {
    done.notes.iter().for_each(|note| fail::say(&format!("note: {}", plain(note))));
    if to.is_some() {
        session.result(|| json!(done), || told(to, done));
    } else if session.global.json {
        eprintln!("{}", json!(done));
    } else if !session.global.quiet {
        fail::say(&told(to, done));
    }
}

fn told(to: Option<&Path>, done: &ExportOutcome) -> String {
    let (rows, size) = (counted(done.rows, "row"), bytes(done.bytes));
    let place = |path: Option<&Path>| path.map_or("stdout".to_owned(), |path| path.display().to_string());
    let files = match done.files.as_slice() {
        [only] => place(only.path.as_deref()),
        files => format!("{} in {}", counted(files.len() as u64, "file"), place(to)),
    };
    format!("exported {}: {rows}, {size} to {files}", done.state)
}
