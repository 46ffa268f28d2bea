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
use crate::sqlite::connect::error::when;
use crate::sqlite::connect::patience::{Patience, patiently};
use crate::{EngineError, ErrorKind};

/// The size of pages that the new content has to have: that of the database, which cannot change while others have it
/// open. As wanted where there is no page yet.
pub(crate) fn page_size(path: &Path, patience: &Patience, wanted: &Properties) -> Result<u32, EngineError> {
    let connection = writable(path, patience)?;
    if !has_content(path) {
        return Ok(wanted.page_size);
    }
    patiently(patience, || pragma(&connection, "page_size")).map_err(when(path.display()))
}

/// Puts the content of one database in the place of another's. Returns what is not as it was wanted.
pub(crate) fn put_into(
    content: &Connection,
    path: &Path,
    patience: &Patience,
    wanted: &Properties,
) -> Result<Vec<String>, EngineError> {
    let doing = || format!("putting the new content into {}", path.display());
    let mut target = writable(path, patience)?;
    let before = patiently(patience, || Properties::read(&target)).ok();
    // SQLite waits while it holds the lock that tells others that there is somebody who writes.
    target.busy_timeout(patience.limit()).map_err(when(doing()))?;
    let backup = Backup::new(content, &mut target).map_err(when(doing()))?;
    let waiting = patience.begin();
    loop {
        match backup.step(-1).map_err(when(doing()))? {
            StepResult::Done => break,
            StepResult::More => {}
            _ if !waiting.is_over() => waiting.pause(),
            _ => {
                let message = format!("{}: others read or write the database all the time", doing());
                return Err(EngineError::new(ErrorKind::Busy, message));
            }
        }
    }
    drop(backup);
    target.busy_timeout(Duration::ZERO).map_err(when(doing()))?;
    let journal = if wanted.journal == "wal" { "wal" } else { "delete" };
    let mut notes = Vec::new();
    if before.as_ref().is_none_or(|before| before.journal != wanted.journal) {
        let set = || {
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
    let after = patiently(patience, || Properties::read(&target)).map_err(when(doing()))?;
    if before.is_some_and(|before| before.encoding != after.encoding) {
        notes.push(format!(
            "text is {} now, for which connections that were open have to be opened again",
            after.encoding
        ));
    }
    Ok(notes)
}
