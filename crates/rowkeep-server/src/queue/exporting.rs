//! Exports that are asked for over HTTP: where their files go.

use std::path::PathBuf;

use rowkeep::jobs::export::{ExportOutcome, ExportRequest};
use rowkeep::units::bytes;

use crate::export_files::ExportFiles;

/// Says where an export goes, and how large it may become.
pub(super) fn begin(files: &ExportFiles, id: &str, request: &mut ExportRequest) -> Result<(), String> {
    if files.at_most() == 0 {
        return Err("the service exports nothing: `exports` of [service] is off".to_owned());
    }
    let (folder, room) = files.begin(id).map_err(|error| format!("cannot make its folder: {error}"))?;
    if room == 0 {
        return Err(format!(
            "other exports take all of the {} that `exports` of [service] allows; they are removed a day after they were made",
            bytes(files.at_most())
        ));
    }
    request.to = Some(folder);
    request.at_most = Some(room);
    Ok(())
}

/// What an export wrote, without where that is on this machine.
pub(super) fn without_folder(outcome: ExportOutcome) -> ExportOutcome {
    let mut outcome = outcome;
    for file in &mut outcome.files {
        file.path = file.path.take().and_then(|path| path.file_name().map(PathBuf::from));
    }
    outcome
}
