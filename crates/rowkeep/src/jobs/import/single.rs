//! One file becomes a snapshot.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use rowkeep_engine::{DatabaseUrl, Engine, FileChoice, FileEngine, connect, database_file, stem};
use rowkeep_repository::ErrorKind as RepositoryKind;

use super::base::{Base, base_of};
use super::candidate::Candidate;
use super::checked::checked;
use super::content::content_of;
use super::known::{made_before, snapshot_of};
use super::outcome::{Imported, TimeFrom};
use super::request::ImportRequest;
use crate::capture::{self, CaptureOptions, capture_file};
use crate::jobs::caller::{Caller, News};
use crate::jobs::outcome::SnapshotSummary;
use crate::jobs::workspace::{Source, Workspace};
use crate::moments::{FORMS, NoMoment, moment};
use crate::state::selection::Selection;
use crate::state::snapshots::Snapshot;
use crate::{Context, Error, RequestError};

/// Imports one file.
pub(super) async fn import(
    request: &ImportRequest,
    file: &Path,
    context: &Context,
    workspace: &Workspace,
    caller: &dyn Caller,
) -> Result<Imported, Error> {
    let candidate = candidate(request, file, context, workspace).await?.ok_or_else(|| not_read(file))?;
    let made = match request.resumed {
        true => made_before(request, &candidate, workspace).await?,
        false => None,
    };
    let Some(made) = made else { return take(request, candidate, context, workspace, caller).await };
    let Candidate { source, what, written_by, time_from, .. } = candidate;
    let (file, snapshot) = (source.engine.describe(), SnapshotSummary::of(&made));
    Ok(Imported { file, what, written_by, snapshot, time_from, notes: Vec::new() })
}

/// Imports the file that names a state where a snapshot is needed, as what it says that it is; nothing where a name is that of no
/// file.
pub(in crate::jobs) async fn import_state(
    name: &str,
    context: &Context,
    workspace: &Workspace,
    caller: &dyn Caller,
) -> Result<Option<Snapshot>, Error> {
    let file = Path::new(name);
    let request = ImportRequest::of(file);
    let Some(candidate) = candidate(&request, file, context, workspace).await? else { return Ok(None) };
    if let Some(known) = snapshot_of(&candidate, workspace).await? {
        let (id, database) = (known.short_id(), &known.manifest.database);
        context.warn(format!(
            "{name} is {}; it was imported before, as snapshot {id} of {database}, which is used",
            candidate.what
        ));
        return Ok(Some(known));
    }
    context.warn(format!(
        "{name} is {}; it is imported first, and the snapshot that this makes is used",
        candidate.what
    ));
    let imported = take(&request, candidate, context, workspace, caller).await?;
    imported.notes.iter().for_each(|note| context.warn(note));
    let repository = workspace.repository().await?;
    Ok(Some(crate::state::snapshots::open(repository, imported.snapshot.id).await?))
}

/// What is known of a file; nothing where it is of no kind that is read.
pub(super) async fn candidate(
    request: &ImportRequest,
    file: &Path,
    context: &Context,
    workspace: &Workspace,
) -> Result<Option<Candidate>, Error> {
    let Some(found) = FileEngine::find(file, workspace.surroundings())? else {
        return database(request, file, context, workspace);
    };
    let mut choice = choice(request);
    let content = content_of(found.files(), &choice).await?;
    choice.content = Some(content.clone());
    let found = found.choosing(choice);
    let name = request.database.clone().or_else(|| found.database().map(str::to_owned));
    let name = name.unwrap_or_else(|| stem(found.path()));
    let told = found.time(&workspace.config().zone(&name));
    let (time, time_from) = time(request, told, found.path(), context, workspace)?;
    Ok(Some(Candidate {
        what: found.what(),
        written_by: found.written_by().map(str::to_owned),
        files: found.files(),
        is_one_table: found.is_one_table(),
        content: Some(content),
        source: source(name, file, Arc::new(found), workspace),
        time,
        time_from,
    }))
}

/// The same of a database that is a file as it is.
fn database(
    request: &ImportRequest,
    file: &Path,
    context: &Context,
    workspace: &Workspace,
) -> Result<Option<Candidate>, Error> {
    let Some(what) = Some(file).filter(|file| file.is_file()).and_then(database_file) else {
        return Ok(None);
    };
    let engine = connect(&DatabaseUrl::of_file(file), workspace.surroundings())?;
    let (time, time_from) = time(request, None, file, context, workspace)?;
    let name = request.database.clone().unwrap_or_else(|| stem(file));
    Ok(Some(Candidate {
        content: None,
        what: what.to_owned(),
        written_by: None,
        files: vec![file.to_owned()],
        is_one_table: false,
        source: source(name, file, engine, workspace),
        time,
        time_from,
    }))
}

fn source(name: String, file: &Path, engine: Arc<dyn Engine>, workspace: &Workspace) -> Source {
    let configured = workspace.config().databases.get(&name);
    Source {
        selection: configured.map_or_else(Selection::default, |known| known.selection.clone()),
        configured: configured.is_some(),
        name,
        typed: file.display().to_string().into(),
        engine,
        checks: Vec::new(),
    }
}

/// What is wanted of a file.
fn choice(request: &ImportRequest) -> FileChoice {
    FileChoice {
        database: request.in_file.clone(),
        salvage: request.salvage,
        null: request.null.clone(),
        ..FileChoice::default()
    }
}

/// Makes the snapshot.
pub(super) async fn take(
    request: &ImportRequest,
    candidate: Candidate,
    context: &Context,
    workspace: &Workspace,
    caller: &dyn Caller,
) -> Result<Imported, Error> {
    let Candidate { source, what, written_by, time, time_from, files, content, .. } = candidate;
    let mut notes = checked(&files, request.salvage).await?;
    let sources = [source];
    let repository = workspace.repository_or_new(&sources, caller).await?;
    let [mut source] = sources;
    let base = base_of(Path::new(&*source.typed), &source.name, context, workspace, repository).await?;
    // It is there until the file was read.
    let _folder = base.map(|Base { folder, found, notes: own }| {
        notes.extend(own);
        let beside = Some(folder.path().to_owned());
        source.engine = Arc::new(found.choosing(FileChoice { beside, content, ..choice(request) }));
        folder
    });
    let options = CaptureOptions {
        database: source.name.clone(),
        configured: false,
        name: request.name.clone(),
        tags: request.tags.clone(),
        environment: workspace.config().environment.clone(),
        selection: source.selection.clone(),
        mask: workspace.mask(request.mask.as_ref(), &source.name)?,
        with_schema: true,
        with_data: true,
        // The states of others are backups only where nothing else makes any.
        trusts_marks: false,
        suspicion: workspace
            .config()
            .has_arriving(&source.name)
            .then(|| workspace.config().suspicion(&source.name)),
        program: workspace.program().to_owned(),
        repository_folder: workspace.repository_folder().map(Path::to_owned),
    };
    let engine = source.engine.as_ref();
    let said = said_of(&source, workspace);
    let captured = match capture_file(context, repository, (&said, engine), &options, time).await {
        // What was stored stays, so that this takes little but reading.
        Err(Error::Repository(error)) if error.kind() == RepositoryKind::Pruned => {
            context.warn(format!("{error}; the import is repeated"));
            capture_file(context, repository, (&said, engine), &options, time).await
        }
        captured => captured,
    };
    let (snapshot, told) = captured?;
    notes.extend(told);
    let snapshot = SnapshotSummary::of(&snapshot);
    caller.tell(News::Snapshot(&snapshot));
    Ok(Imported { file: engine.describe(), what, written_by, snapshot, time_from, notes })
}

/// What a snapshot is said to be of: its file, or the database itself where states of that arrive as such files.
fn said_of(source: &Source, workspace: &Workspace) -> capture::Source {
    let file = capture::Source::of(source.engine.as_ref());
    if !workspace.config().has_arriving(&source.name) {
        return file;
    }
    let database = workspace.configured(&source.name).map(|known| capture::Source::of(known.engine.as_ref()));
    database.ok().filter(|database| database.engine == file.engine).unwrap_or(file)
}

/// When the state of a file was, and who says so.
fn time(
    request: &ImportRequest,
    told: Option<Timestamp>,
    file: &Path,
    context: &Context,
    workspace: &Workspace,
) -> Result<(Timestamp, TimeFrom), Error> {
    if let Some(text) = &request.time {
        let zone = workspace.config().zone(request.database.as_deref().unwrap_or_default());
        let wrong = |problem| RequestError::NoTime { text: text.clone(), problem };
        let time = moment(text, &zone, context.now()).map_err(|wrong_time| match wrong_time {
            NoMoment::Other => wrong(FORMS.to_owned()),
            NoMoment::Wrong(problem) => wrong(problem),
        })?;
        return Ok((time, TimeFrom::Request));
    }
    if let Some(told) = told {
        return Ok((told, TimeFrom::File));
    }
    let modified = std::fs::metadata(file).and_then(|file| file.modified());
    let modified = modified.ok().and_then(|time| Timestamp::try_from(time).ok());
    Ok((modified.unwrap_or_else(|| context.now()), TimeFrom::Modified))
}

/// Says that a file is of no kind that is read.
pub(super) fn not_read(file: &Path) -> Error {
    RequestError::NoDump { file: file.to_owned(), is_there: file.exists() }.into()
}
