//! The state that an incremental backup goes on from, out of the repository where no file has it.

use std::path::Path;

use jiff::Timestamp;
use rowkeep_engine::{FileEngine, MissingBase};
use rowkeep_format::Summary;
use rowkeep_repository::Repository;
use tempfile::TempDir;

use crate::export::{Destination, ExportFormat, ExportOptions, export};
use crate::jobs::workspace::Workspace;
use crate::state::State;
use crate::state::selection::Selection;
use crate::state::snapshots::open;
use crate::{Context, Error};

/// A folder with the full backup that a file needs, made of the snapshot of that state, and the file; nothing where the file needs
/// none, or there is no such snapshot.
pub(super) async fn base_of(
    file: &Path,
    database: &str,
    context: &Context,
    workspace: &Workspace,
    repository: &Repository,
) -> Result<Option<(TempDir, FileEngine)>, Error> {
    let Some(found) = FileEngine::find(file, workspace.surroundings())? else { return Ok(None) };
    let Some(MissingBase { time, file: base }) = found.missing_base() else { return Ok(None) };
    let catalog = repository.catalog().await?;
    let is_then =
        |summary: &Summary| milliseconds(summary.time) == milliseconds(time) && !summary.is_safety();
    let Some(summary) = catalog.of(Some(database)).find(|summary| is_then(summary)) else { return Ok(None) };
    let state = State::snapshot(repository, open(repository, summary.id).await?).await?;
    let problem = "cannot make a temporary folder".to_owned();
    let folder = tempfile::Builder::new().prefix("rowkeep-base-").tempdir();
    let folder = folder.map_err(|source| Error::File { problem, source })?;
    let options = ExportOptions {
        format: ExportFormat::Prn,
        program: None,
        compression: None,
        selection: Selection::default(),
        rows: None,
        mask: None,
        with_schema: false,
        name: String::new(),
        names: Default::default(),
        base: None,
        alone: true,
        force: true,
        at_most: None,
    };
    let name = Path::new(&base).file_name().unwrap_or("base.json".as_ref());
    let destination = Destination::File(folder.path().join(name).with_extension("json"));
    export(&context.unwatched(), &state, &options, destination).await?;
    Ok(Some((folder, found)))
}

/// Times as such files tell them.
fn milliseconds(time: Timestamp) -> i64 {
    time.as_millisecond()
}
