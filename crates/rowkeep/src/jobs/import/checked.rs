//! Whether files are what the checksums beside them say.

use std::path::PathBuf;

use rowkeep_engine::{EngineError, ErrorKind};

use crate::Error;
use crate::jobs::inspect::sums_of;

/// Refuses files of which a checksum beside them says otherwise; says so where what can be read of them is wanted.
pub(super) async fn checked(files: &[PathBuf], salvage: bool) -> Result<Vec<String>, Error> {
    let mut wrong = Vec::new();
    for file in files {
        wrong.extend(sums_of(file).await?.wrong);
    }
    match (wrong.is_empty(), salvage) {
        (true, _) => Ok(wrong),
        (false, true) => Ok(wrong
            .into_iter()
            .map(|wrong| format!("{wrong}; what can be read is taken as it is, and any of it may be wrong"))
            .collect()),
        (false, false) => Err(EngineError::new(ErrorKind::DamagedFile, wrong.join("; ")).into()),
    }
}
