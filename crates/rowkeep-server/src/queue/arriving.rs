//! States that pages sent, as jobs take them.

use std::path::PathBuf;

use rowkeep::jobs::import::{ImportOutcome, ImportRequest};
use rowkeep::jobs::request::Request;

use crate::arrivals::Arrivals;
use crate::state::jobs::Job;

/// Says where the file of a state is, of which a request knows the name alone.
pub(super) fn begin(arrivals: &Arrivals, request: &mut ImportRequest) {
    request.file = arrivals.file(&name(request));
}

/// Removes the file of a state that a job took that is over.
pub(super) fn end(arrivals: &Arrivals, job: &Job) {
    let Ok(Request::Import(request)) = serde_json::from_str::<Request>(&job.request) else { return };
    if let Err(error) = arrivals.remove(&name(&request)) {
        tracing::warn!("the file of a state that a page sent stays: {error}");
    }
}

fn name(request: &ImportRequest) -> String {
    request.file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// What an import made, without where its file was on this machine.
pub(super) fn without_folder(outcome: ImportOutcome) -> ImportOutcome {
    let mut outcome = outcome;
    for imported in &mut outcome.imported {
        let name = PathBuf::from(&imported.file).file_name().map(|name| name.to_string_lossy().into_owned());
        imported.file = name.unwrap_or_default();
    }
    outcome
}
