//! All files of a folder become snapshots, in the order of their times, so that their history comes along.

use std::path::{Path, PathBuf};

use super::candidate::Candidate;
use super::known::is_known;
use super::outcome::{ImportOutcome, NotImported};
use super::request::ImportRequest;
use super::single::{candidate, take};
use crate::jobs::caller::{Caller, News};
use crate::jobs::workspace::Workspace;
use crate::{Context, Error, RequestError};

/// Imports what of a folder is not imported yet.
pub(super) async fn import_all(
    request: &ImportRequest,
    context: &Context,
    workspace: &Workspace,
    caller: &dyn Caller,
) -> Result<ImportOutcome, Error> {
    let mut outcome = ImportOutcome::default();
    let mut candidates: Vec<Candidate> = Vec::new();
    for file in files(&request.file)? {
        let not = |why: String| NotImported { file: file.display().to_string(), why };
        match candidate(request, &file, context, workspace).await {
            Ok(Some(found)) => candidates.push(found),
            Ok(None) => {
                outcome.passed_over.push(not("it is no dump and no database that is read".to_owned()))
            }
            Err(error) => {
                caller.tell(News::Failed { database: &file.display().to_string(), error: &error });
                outcome.failed.push(not(error.in_one_line()));
            }
        }
    }
    let tables = candidates.iter().filter(|found| found.is_one_table).count();
    if tables > 1 {
        return Err(RequestError::TablesOfOneState { folder: request.file.clone(), files: tables }.into());
    }
    // Of one time the name decides.
    candidates.sort_by(|a, b| (a.time, &*a.source.typed).cmp(&(b.time, &*b.source.typed)));
    for found in candidates {
        let file = found.source.engine.describe();
        if is_known(&found, workspace).await? {
            outcome.passed_over.push(NotImported { file, why: "it is imported already".to_owned() });
            continue;
        }
        match Box::pin(take(request, found, context, workspace, caller)).await {
            Ok(imported) => outcome.imported.push(imported),
            Err(error) if context.is_cancelled() => return Err(error),
            Err(error) => {
                caller.tell(News::Failed { database: &file, error: &error });
                outcome.failed.push(NotImported { file, why: error.in_one_line() });
            }
        }
    }
    Ok(outcome)
}

/// The files of a folder, and the folders in it that may be dumps, by name.
fn files(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let problem = format!("cannot list {}", folder.display());
    let entries = std::fs::read_dir(folder).map_err(|source| Error::File { problem, source })?;
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.sort();
    Ok(files)
}
