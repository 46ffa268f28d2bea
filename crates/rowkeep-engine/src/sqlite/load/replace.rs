//! Putting a whole new content into a database that is in use.
//!
//! The file stays the same one, so that whoever has it open sees the new content with his next transaction. SQLite's own
//! backup does that in one transaction: in WAL mode others go on reading what they read; without a log, they are waited
//! for. A crash at any moment leaves a journal that brings the old content back, or a log that is not valid.

use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use crate::sqlite::catalog::properties::{Properties, pragma};
use crate::sqlite::connect::connection::{has_content, writable};
use crate::sqlite::connect::error::{commit_failure, when, words};
use crate::sqlite::connect::interrupt::Interrupt;
use crate::sqlite::connect::patience::{Patience, patiently};
use crate::{EngineError, ErrorKind};

/// How many pages are copied between two looks at whether it is to stop. Others see none before the last.
const PAGES_AT_ONCE: i32 = 4096;

/// The size of pages that the new content has to have: that of the database, which cannot change while others have it
/// open. As wanted where there is no page yet.
pub(crate) fn page_size(path: &Path, patience: &Patience, wanted: &Properties) -> Result<u32, EngineError> {
    let connection = writable(path, patience)?;
    if !has_content(path) {
        return Ok(wanted.page_size);
    }
    patiently(patience, || pragma(&connection, "page_size")).map_err(when(path.display()))
}

/// Puts the content of one database in the place of another's, unless it is to stop before that is done. Returns what is not
/// as it was wanted.
pub(crate) fn put_into(
    content: &Connection,
    path: &Path,
    patience: &Patience,
    wanted: &Properties,
    interrupt: &Interrupt,
) -> Result<Vec<String>, EngineError> {
    let doing = || format!("putting the new content into {}", path.display());
    let mut target = writable(path, patience)?;
    let before = patiently(patience, || Properties::read(&target)).ok();
    // SQLite waits while it holds the lock that tells others that there is somebody who writes.
    target.busy_timeout(patience.limit()).map_err(when(doing()))?;
    let backup = Backup::new(content, &mut target).map_err(when(doing()))?;
    let mut waiting = patience.begin();
    loop {
        // Dropped, the backup undoes what it did.
        interrupt.check()?;
        match backup.step(PAGES_AT_ONCE).map_err(|error| commit_failure(doing(), &error))? {
            StepResult::Done => break,
            StepResult::More => waiting = patience.begin(),
            _ if !waiting.is_over() => waiting.pause(),
            _ => {
                let message = format!("{}: others read or write the database all the time", doing());
                return Err(EngineError::new(ErrorKind::FileBusy, message));
            }
        }
    }
    drop(backup);
    Ok(settle(&target, patience, before.as_ref(), wanted))
}

/// Does what can be done for a database after its content was put in place; nothing of that undoes it.
fn settle(
    target: &Connection,
    patience: &Patience,
    before: Option<&Properties>,
    wanted: &Properties,
) -> Vec<String> {
    let mut notes = Vec::new();
    let journal = if wanted.journal == "wal" { "wal" } else { "delete" };
    if before.is_none_or(|before| before.journal != wanted.journal) {
        let set = || {
            target.busy_timeout(Duration::ZERO)?;
            target.query_row(&format!("PRAGMA main.journal_mode = {journal}"), [], |row| {
                row.get::<_, String>(0)
            })
        };
        // Only who is alone can change it; the content is there in any case.
        if !set().is_ok_and(|set| set == journal) {
            notes.push(format!(
                "the journal mode could not be set to {journal}, as others have the database open"
            ));
        }
    }
    match (before, patiently(patience, || Properties::read(target))) {
        (Some(before), Ok(after)) if before.encoding != after.encoding => notes.push(format!(
            "text is {} now, for which connections that were open have to be opened again",
            after.encoding
        )),
        (_, Ok(_)) => {}
        (_, Err(error)) => {
            notes.push(format!("the database could not be looked at afterwards: {}", words(&error)));
        }
    }
    notes
}

#[cfg(test)]
mod tests {
    use rowkeep_format::clock::SystemClock;

    use super::*;

    /// The content is there by then, so whoever is told of an error would believe the wrong thing.
    #[test]
    fn what_cannot_be_looked_at_after_the_end_is_a_note() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("t.db");
        let other = Connection::open(&path).expect("it opens");
        other.execute_batch("CREATE TABLE t (a)").expect("a table");
        let patience = Patience::new(Duration::ZERO, SystemClock::shared());
        let wanted = Properties::read(&other).expect("they are read");
        let look = || {
            let target = writable(&path, &patience).expect("it opens");
            settle(&target, &patience, Some(&wanted), &wanted)
        };
        assert_eq!(look(), Vec::<String>::new());
        other.execute_batch("BEGIN EXCLUSIVE").expect("somebody writes at once");
        let notes = look();
        assert!(notes.len() == 1 && notes[0].contains("locked"), "{notes:?}");
    }
}
