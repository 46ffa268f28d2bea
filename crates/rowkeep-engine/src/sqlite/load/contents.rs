use std::path::Path;

use super::unfinished_file::{companion, remains};
use crate::sqlite::catalog::tables::objects;
use crate::sqlite::connect::connection::{Access, open, refuse_special};
use crate::sqlite::connect::error::when;
use crate::sqlite::connect::patience::{Patience, patiently};
use crate::sqlite::connect::transaction::begin;
use crate::{Contents, EngineError, ErrorKind};

/// What is in the file that is to become the target of a restore; blocks.
pub(crate) fn contents(path: &Path, patience: &Patience) -> Result<Contents, EngineError> {
    refuse_special(path)?;
    if !path.exists() {
        refuse_companion(path)?;
        return Ok(if remains(path) { Contents::Unfinished } else { Contents::Missing });
    }
    let names: Vec<_> = match open(path, patience) {
        Ok((connection, access)) => {
            patiently(patience, || begin(&connection)).map_err(when(path.display()))?;
            let mut names: Vec<_> = objects(&connection)?.into_iter().map(|object| object.name).collect();
            if names.is_empty() && access != Access::Shared {
                return Err(EngineError::new(
                    ErrorKind::PermissionDenied,
                    format!("{}: the file may not be written", path.display()),
                ));
            }
            names.truncate(20);
            names
        }
        // Whatever it is, it is somebody's.
        Err(error) if matches!(error.kind(), ErrorKind::NotADatabase | ErrorKind::Damaged) => {
            vec![error.to_string()]
        }
        Err(error) => return Err(error),
    };
    Ok(match names.is_empty() {
        true if remains(path) => Contents::Unfinished,
        true => Contents::Empty,
        false => Contents::Occupied(names),
    })
}

/// Refuses to make a database where SQLite would take a file for a part of it.
fn refuse_companion(path: &Path) -> Result<(), EngineError> {
    let Some(companion) = companion(path) else { return Ok(()) };
    let (shown, companion) = (path.display(), companion.display());
    Err(EngineError::new(
        ErrorKind::NotEmpty,
        format!(
            "{shown} is not there, but {companion} is, in which SQLite may have kept the last changes of a database that \
             was: it would be applied to a new one; move it away and keep it, or bring its database back"
        ),
    ))
}
