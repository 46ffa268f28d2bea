use std::path::Path;

use super::unfinished_file::{companion, remains};
use crate::sqlite::catalog::tables::objects;
use crate::sqlite::connect::connection::{Access, open};
use crate::sqlite::connect::error::when;
use crate::sqlite::connect::patience::{Patience, patiently};
use crate::sqlite::connect::transaction::begin;
use crate::{Contents, EngineError, ErrorKind};

/// What is in the file that is to become the target of a restore; blocks.
pub(crate) fn contents(path: &Path, patience: &Patience) -> Result<Contents, EngineError> {
    if !path.exists() {
        return Ok(match companion(path) {
            Some(companion) => Contents::Occupied(vec![companion.display().to_string()]),
            None if remains(path) => Contents::Unfinished,
            None => Contents::Missing,
        });
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
