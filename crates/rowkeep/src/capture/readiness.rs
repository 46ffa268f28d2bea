//! Readiness: what would stand in the way of a backup, looked at without changing anything.

use std::path::{Path, PathBuf};

use rowkeep_engine::{Engine, Examination, Finding, Level, Meant};

use crate::units::bytes;
use crate::{Context, Error};

/// Free space under which a backup to a folder is not begun, in bytes.
const LEAST_FREE: u64 = 64 * 1024 * 1024;

/// What engines call the size of a database in bytes.
const SIZE_FACTS: [&str; 2] = ["database_size", "file_bytes"];

/// Examines a database and, for a repository in a folder, the space it has.
pub async fn examine(
    engine: &dyn Engine,
    repository_folder: Option<&Path>,
    meant: &Meant,
) -> Result<Examination, Error> {
    let mut examination = engine.examine_of(meant).await?;
    if let Some(folder) = repository_folder {
        let size = examination.facts.iter().find(|(name, _)| SIZE_FACTS.contains(&name.as_str()));
        let needed = size.and_then(|(_, bytes)| bytes.parse().ok());
        examination.findings.push(free_space(folder, needed));
    }
    Ok(examination)
}

/// Fails when something would make a backup fail or be incomplete; what is only worth knowing is a warning.
pub(crate) async fn refuse_unready(
    context: &Context,
    engine: &dyn Engine,
    folder: Option<&Path>,
    meant: &Meant,
) -> Result<(), Error> {
    let examination = examine(engine, folder, meant).await?;
    let (mut errors, mut damaged) = (Vec::new(), false);
    for finding in examination.findings {
        match finding.level {
            Level::Ok => {}
            Level::Warning => context.warn(format!("{}: {}", finding.what, finding.detail)),
            Level::Error | Level::Damage => {
                damaged |= finding.level == Level::Damage;
                errors.push(format!("{}: {}", finding.what, finding.detail));
            }
        }
    }
    if errors.is_empty() {
        Ok(())
    } else {
        Err(Error::NotReady { database: engine.describe(), reasons: errors, damaged })
    }
}

/// Holds the free space under a folder against the size of the database, of which a first backup stores a third or so.
pub(crate) fn free_space(folder: &Path, database_bytes: Option<u64>) -> Finding {
    let existing = existing_ancestor(folder);
    let what = "free space for the repository".to_owned();
    let (level, detail) = match (fs4::available_space(&existing), database_bytes) {
        (Err(error), _) => (Level::Warning, format!("cannot tell under {}: {error}", existing.display())),
        (Ok(free), _) if free < LEAST_FREE => (
            Level::Error,
            format!("{} left under {}: make room or choose another place", bytes(free), existing.display()),
        ),
        (Ok(free), Some(size)) if free < size / 2 => (
            Level::Warning,
            format!(
                "{} left under {}, and the database has {}: a first backup may not fit",
                bytes(free),
                existing.display(),
                bytes(size)
            ),
        ),
        (Ok(free), _) => (Level::Ok, format!("{} left under {}", bytes(free), existing.display())),
    };
    Finding { what, level, detail }
}

fn existing_ancestor(folder: &Path) -> PathBuf {
    let mut path = folder;
    while !path.exists() {
        match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => path = parent,
            _ => return PathBuf::from("."),
        }
    }
    path.to_owned()
}
