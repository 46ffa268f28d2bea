//! The state that an incremental backup goes on from, out of the repository where no file has it.

use std::path::Path;

use jiff::Timestamp;
use rowkeep_engine::{FILE_PART, FileEngine, MissingBase};
use rowkeep_format::Summary;
use rowkeep_format::manifest::Scope;
use rowkeep_repository::Repository;
use tempfile::TempDir;

use crate::export::{Destination, ExportFormat, ExportOptions, export};
use crate::jobs::workspace::Workspace;
use crate::state::State;
use crate::state::selection::Selection;
use crate::state::snapshots::{open, short_id};
use crate::{Context, Error, RequestError};

/// What an increment goes on from.
pub(super) struct Base {
    /// A folder with the full backup that it needs, made of the snapshot of that state.
    pub(super) folder: TempDir,
    /// The increment.
    pub(super) found: FileEngine,
    /// What the snapshot has that such a backup does not hold.
    pub(super) notes: Vec<String>,
}

/// What a file goes on from; nothing where the file needs nothing, or there is no such snapshot. A snapshot that does not have all
/// rows as they were is refused, for nobody would see it of those that are made of it.
pub(super) async fn base_of(
    file: &Path,
    database: &str,
    context: &Context,
    workspace: &Workspace,
    repository: &Repository,
) -> Result<Option<Base>, Error> {
    let Some(found) = FileEngine::find(file, workspace.surroundings())? else { return Ok(None) };
    let Some(MissingBase { time, file: base }) = found.missing_base() else { return Ok(None) };
    let catalog = repository.catalog().await?;
    let is_then =
        |summary: &Summary| milliseconds(summary.time) == milliseconds(time) && !summary.is_safety();
    let then = || catalog.of(Some(database)).filter(|summary| is_then(summary));
    let Some(summary) = then().find(|summary| why_not(summary).is_none()) else {
        let refused = then().find_map(|summary| Some((summary, why_not(summary)?)));
        return refused.map_or(Ok(None), |(summary, why)| {
            let snapshot = short_id(summary.id);
            Err(RequestError::BaseNotWhole { file: file.to_owned(), snapshot, why, base }.into())
        });
    };
    let state = State::snapshot(repository, open(repository, summary.id).await?).await?;
    if state.environment(FILE_PART).is_some() {
        let (snapshot, why) = (short_id(summary.id), "was made of a backup of a part of it");
        return Err(RequestError::BaseNotWhole { file: file.to_owned(), snapshot, why, base }.into());
    }
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
    let exported = export(&context.unwatched(), &state, &options, destination).await?;
    Ok(Some(Base { folder, found, notes: exported.notes }))
}

/// Why the rows of a snapshot cannot be gone on from, where they cannot.
fn why_not(summary: &Summary) -> Option<&'static str> {
    match summary.scope {
        _ if summary.masked => Some("is masked"),
        Scope::Full | Scope::DataOnly => None,
        Scope::SomeTables | Scope::SchemaOnly => Some("does not have the rows of all tables"),
    }
}

/// Times as such files tell them.
fn milliseconds(time: Timestamp) -> i64 {
    time.as_millisecond()
}
