//! Several repositories: what one of them lacks, the others bring.

use async_trait::async_trait;
use rowkeep_format::SnapshotId;
use rowkeep_repository::Repository;
use serde::{Deserialize, Serialize};

use super::caller::{Caller, News, Proposal};
use super::copying::{Source as Copied, Which};
use super::workspace::{Source, Workspace};
use crate::capture::copy::Copier;
use crate::state::owner::Owner;
use crate::{Context, Error, RequestError};

/// One of several repositories that lacks snapshots which another has, and why it still does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BehindRepository {
    /// Its name.
    pub repository: String,
    /// Why.
    pub error: String,
}

/// The databases whose snapshots are brought, for a repository may have those of other machines too; all where that is not known.
type Ours<'a> = Option<&'a [Owner]>;

/// Brings what the other repositories have of these databases and the first lacks, of what was made while it could not be opened.
/// Those that cannot be opened are told and given; they are made if `or_new` says for which databases.
pub(super) async fn gather(
    context: &Context,
    workspace: &Workspace,
    ours: Ours<'_>,
    or_new: Option<&[Source]>,
    caller: &dyn Caller,
) -> Result<Vec<BehindRepository>, Error> {
    let mut behind = Vec::new();
    for (name, other) in workspace.others() {
        // Asking again would take as long as it took before.
        let opened = match (workspace.passed_over(name), or_new) {
            (Some(error), _) => Err(error),
            (None, Some(sources)) => Box::pin(other.repository_or_new(sources, caller)).await,
            (None, None) => Box::pin(other.repository()).await,
        };
        let repository = match opened {
            Ok(repository) => repository,
            Err(error) => {
                tell(name, error, context, caller, &mut behind)?;
                continue;
            }
        };
        let (first, of_first) = (workspace.repository().await?, workspace.answering().unwrap_or_default());
        if let Err(error) = bring(context, workspace, ours, (repository, first), of_first, caller).await {
            tell(of_first, error, context, caller, &mut behind)?;
        }
    }
    Ok(behind)
}

/// Brings what the first repository has of these databases to all others but those that are known to be behind.
pub(super) async fn spread(
    context: &Context,
    workspace: &Workspace,
    ours: Ours<'_>,
    caller: &dyn Caller,
    behind: &mut Vec<BehindRepository>,
) -> Result<(), Error> {
    for (name, other) in workspace.others() {
        if behind.iter().any(|known| known.repository == name) {
            continue;
        }
        let brought = match Box::pin(other.repository()).await {
            Ok(repository) => {
                let first = workspace.repository().await?;
                bring(context, workspace, ours, (first, repository), name, caller).await
            }
            Err(error) => Err(error),
        };
        if let Err(error) = brought {
            tell(name, error, context, caller, behind)?;
        }
    }
    Ok(())
}

/// Copies snapshots that the first repository has just got to all others, which are made where there are none; gives those that do
/// not have them. They may be earlier than what is there.
pub(super) async fn spread_these(
    context: &Context,
    workspace: &Workspace,
    snapshots: &[SnapshotId],
    caller: &dyn Caller,
) -> Result<Vec<BehindRepository>, Error> {
    let mut behind = Vec::new();
    if snapshots.is_empty() {
        return Ok(behind);
    }
    for (name, other) in workspace.others() {
        let opened = match workspace.passed_over(name) {
            Some(error) => Err(error),
            None => Box::pin(other.repository_or_new(&[], caller)).await,
        };
        let brought = match opened {
            Ok(repository) => {
                let first = workspace.repository().await?;
                let these = Which { only: Some(snapshots), ..Which::default() };
                bring_these(context, workspace, these, (first, repository), name, caller).await
            }
            Err(error) => Err(error),
        };
        if let Err(error) = brought {
            tell(name, error, context, caller, &mut behind)?;
        }
    }
    Ok(behind)
}

/// Takes down a repository to which something could not be brought.
pub(super) fn tell(
    name: &str,
    error: Error,
    context: &Context,
    caller: &dyn Caller,
    behind: &mut Vec<BehindRepository>,
) -> Result<(), Error> {
    if context.is_cancelled() {
        return Err(error);
    }
    caller.tell(News::Behind { repository: name, error: &error });
    behind.push(BehindRepository { repository: name.to_owned(), error: error.in_one_line() });
    Ok(())
}

/// Copies what is later in one repository than all that another has of the same database.
async fn bring(
    context: &Context,
    workspace: &Workspace,
    ours: Ours<'_>,
    repositories: (&Repository, &Repository),
    name: &str,
    caller: &dyn Caller,
) -> Result<(), Error> {
    let later = Which { databases: ours, only_later: true, ..Which::default() };
    bring_these(context, workspace, later, repositories, name, caller).await
}

/// Copies snapshots that another repository lacks.
async fn bring_these(
    context: &Context,
    workspace: &Workspace,
    which: Which<'_>,
    (from, to): (&Repository, &Repository),
    name: &str,
    caller: &dyn Caller,
) -> Result<(), Error> {
    if from.id() == to.id() {
        return Err(RequestError::SameRepository { location: name.to_owned() }.into());
    }
    let source = Copied::read(context, workspace, from, which).await?;
    let done = Box::pin(source.copy(context, workspace, to, &Quietly(caller), |_| {})).await?;
    if !done.copied.is_empty() {
        let new_bytes = done.copied.iter().map(|copied| copied.copy.new_bytes).sum();
        caller.tell(News::CaughtUp { repository: name, snapshots: done.copied.len() as u64, new_bytes });
    }
    Ok(())
}

/// What of several repositories a list of snapshots shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepositoryState {
    /// Its name.
    pub repository: String,
    /// Whether it is the one that is shown.
    pub shown: bool,
    /// How many snapshots the next backup copies into it.
    pub lacks: u64,
    /// How many snapshots it has that the next backup copies into the one that is shown.
    pub ahead: u64,
    /// Why it cannot be opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// How several repositories stand to each other; nothing where there is one.
pub(super) async fn states(context: &Context, workspace: &Workspace) -> Result<Vec<RepositoryState>, Error> {
    let Some(name) = workspace.answering() else { return Ok(Vec::new()) };
    let first = workspace.repository().await?;
    let ours = workspace.ours(None);
    let ours = ours.as_deref();
    let state = |repository: &str, shown| RepositoryState {
        repository: repository.to_owned(),
        shown,
        lacks: 0,
        ahead: 0,
        error: None,
    };
    let mut states = vec![state(name, true)];
    for (name, other) in workspace.others() {
        let mut state = state(name, false);
        let opened = match workspace.passed_over(name) {
            Some(error) => Err(error),
            None => Box::pin(other.repository()).await,
        };
        match opened {
            Ok(repository) => {
                state.lacks = lacking(context, workspace, ours, (first, repository)).await?;
                state.ahead = lacking(context, workspace, ours, (repository, first)).await?;
            }
            Err(error) => state.error = Some(error.in_one_line()),
        }
        states.push(state);
    }
    Ok(states)
}

async fn lacking(
    context: &Context,
    workspace: &Workspace,
    ours: Ours<'_>,
    (from, to): (&Repository, &Repository),
) -> Result<u64, Error> {
    let later = Which { databases: ours, only_later: true, ..Which::default() };
    let source = Copied::read(context, workspace, from, later).await?;
    let copier = Copier::new(from, to, "").await?;
    Ok(source.lacking(|summary| copier.copy_of(summary)).snapshots.len() as u64)
}

/// Tells a caller of what cannot be copied, and not of each that is.
struct Quietly<'a>(&'a dyn Caller);

#[async_trait]
impl Caller for Quietly<'_> {
    async fn approve(&self, proposal: Proposal<'_>) -> Result<bool, Error> {
        self.0.approve(proposal).await
    }

    fn tell(&self, news: News<'_>) {
        if !matches!(news, News::Copied(_)) {
            self.0.tell(news);
        }
    }
}
