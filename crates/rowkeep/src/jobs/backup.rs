//! Backup: databases become snapshots.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::sync::{Mutex, PoisonError};

use rowkeep_engine::Engine;
use rowkeep_format::Summary;
use rowkeep_repository::{ErrorKind as RepositoryKind, Repository};
use serde::{Deserialize, Serialize};

use super::caller::{Caller, News};
use super::outcome::SnapshotSummary;
use super::repositories::{BehindRepository, gather, spread, tell};
use super::several::{FailedDatabase, each};
use super::verdict::{Verdict, Verdicted};
use super::workspace::{Masked, Source, Workspace, within_hooks};
use crate::capture::{CaptureOptions, capture, suspicion};
use crate::hooks::{Facts, Operation};
use crate::moments;
use crate::retention::{Going, going};
use crate::state::selection::Selection;
use crate::state::snapshots::{Snapshot, refuse_hidden_id};
use crate::{Context, Error};

/// What is to be backed up, and how.
///
/// ```no_run
/// use rowkeep::jobs::backup::BackupRequest;
/// use rowkeep::jobs::caller::Unattended;
/// use rowkeep::jobs::workspace::{Circumstances, Workspace};
/// use rowkeep::{Config, Context};
///
/// # async fn example() -> Result<(), rowkeep::Error> {
/// let workspace = Workspace::new(Config::default(), Circumstances::default());
/// let request = BackupRequest { database: Some("shop.db".into()), ..BackupRequest::default() };
/// let outcome = request.run(&Context::silent(), &workspace, &Unattended).await?;
/// assert_eq!(outcome.snapshots[0].database, "shop");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BackupRequest {
    /// The database: a configured name, a URL or a path; all that are configured when not given.
    pub database: Option<super::DatabaseRef>,
    /// A name for the snapshot.
    pub name: Option<String>,
    /// The tables or groups whose rows are wanted; as configured when empty.
    pub tables: Vec<String>,
    /// The tables or groups whose rows are left out; as configured when empty.
    pub exclude: Vec<String>,
    /// Whether and by which rules rows are masked.
    pub mask: Option<Masked>,
    /// Whether the schema is wanted.
    pub with_schema: bool,
    /// Whether rows are wanted.
    pub with_data: bool,
    /// Labels for the snapshot.
    pub tags: BTreeMap<String, String>,
    /// How many bytes of rows a second are read at most; as configured when not given.
    pub max_rate: Option<NonZeroU64>,
    /// Whether hooks run.
    pub hooks: bool,
}

impl Default for BackupRequest {
    fn default() -> Self {
        Self {
            database: None,
            name: None,
            tables: Vec::new(),
            exclude: Vec::new(),
            mask: None,
            with_schema: true,
            with_data: true,
            tags: BTreeMap::new(),
            max_rate: None,
            hooks: true,
        }
    }
}

/// What a backup made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupOutcome {
    /// The snapshots, one of each database that was backed up.
    pub snapshots: Vec<SnapshotSummary>,
    /// The databases that were not backed up, of several.
    #[serde(default)]
    pub failed: Vec<FailedDatabase>,
    /// Of several repositories, those that do not have all of it; the next backup brings it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub behind: Vec<BehindRepository>,
    /// What failed of the hooks after them.
    pub hooks_failed: Vec<String>,
}

impl BackupOutcome {
    /// How it ended.
    pub fn verdict(&self) -> Verdict {
        let is_done = self.hooks_failed.is_empty() && self.failed.is_empty() && self.behind.is_empty();
        if is_done { Verdict::Done } else { Verdict::Failed }
    }
}

impl Verdicted for SnapshotSummary {
    fn verdict(&self) -> Verdict {
        Verdict::Done
    }
}

impl BackupRequest {
    /// Backs up one database after the other. One of several that fails keeps no other from being backed up: the caller is
    /// told, and the outcome says so. Where there is no repository, one is made if the configuration or the caller approves of
    /// it.
    ///
    /// Of several repositories, the first that can be opened gets the snapshots, and the others copies of them: databases are read
    /// once. What any of them lacks because it could not be opened is brought first.
    pub async fn run(
        &self,
        context: &Context,
        workspace: &Workspace,
        caller: &dyn Caller,
    ) -> Result<BackupOutcome, Error> {
        if let Some(name) = &self.name {
            workspace.check_name(name)?;
        }
        let mut databases = workspace.named(self.database.as_deref())?;
        if self.database.is_none() {
            databases
                .retain(|database| !workspace.source(database).is_ok_and(|source| source.engine.arrives()));
        }
        let sources = match databases.as_slice() {
            [only] => vec![workspace.source(only)?],
            several => several.iter().filter_map(|database| workspace.source(database).ok()).collect(),
        };
        let repository = workspace.repository_or_new(&sources, caller).await?;
        if let Some(name) = &self.name {
            refuse_hidden_id(&*repository.catalog().await?, name)?;
        }
        let ours = workspace.ours(self.database.as_deref());
        let behind = gather(context, workspace, ours.as_deref(), Some(&sources), caller).await?;
        let behind = Mutex::new(behind);
        let (done, failed) = each(context, caller, &databases, String::as_str, async |database| {
            self.back_up(context, workspace, caller, repository, database, &behind).await
        })
        .await?;
        let mut behind = behind.into_inner().unwrap_or_else(PoisonError::into_inner);
        spread(context, workspace, ours.as_deref(), caller, &mut behind).await?;
        let (snapshots, hooks_failed): (Vec<_>, Vec<_>) = done.into_iter().unzip();
        Ok(BackupOutcome { snapshots, failed, behind, hooks_failed: hooks_failed.concat() })
    }

    /// Backs up one database: its snapshot, and what failed of the hooks after it.
    async fn back_up(
        &self,
        context: &Context,
        workspace: &Workspace,
        caller: &dyn Caller,
        repository: &Repository,
        database: &str,
        behind: &Mutex<Vec<BehindRepository>>,
    ) -> Result<(SnapshotSummary, Vec<String>), Error> {
        let source = workspace.source(database)?;
        let configured = workspace.config().databases.get(&source.name).and_then(|known| known.max_rate);
        let context = &context.clone().reading_at(self.max_rate.or(configured));
        let options = self.options(workspace, &source)?;
        let engine = source.engine.as_ref();
        let hooks = workspace.hooks(Operation::Backup, &source, self.hooks);
        let facts = Facts::new(Operation::Backup, &*source.name, engine.describe(), context.now());
        let ended = within_hooks(context, caller, &hooks, facts, async |facts| {
            let snapshot = match captured(context, repository, engine, &options).await {
                Ok(snapshot) => snapshot,
                Err(error) => {
                    let elsewhere = elsewhere(context, workspace, engine, &options, &error).await;
                    let Some(snapshot) = elsewhere else { return Err(error) };
                    let first = workspace.answering().unwrap_or_default();
                    let mut behind = behind.lock().unwrap_or_else(PoisonError::into_inner);
                    tell(first, error, context, caller, &mut behind)?;
                    snapshot
                }
            };
            facts.snapshot = Some(snapshot.id.to_string());
            facts.suspicion = snapshot.manifest.suspicion.as_ref().map(suspicion::told).unwrap_or_default();
            let summary = SnapshotSummary::of(&snapshot);
            if summary.name.is_some() || summary.labels().next().is_some() {
                say_when_it_goes(context, workspace, &snapshot);
            }
            caller.tell(News::Snapshot(&summary));
            Ok(summary)
        });
        ended.await
    }

    fn options(&self, workspace: &Workspace, source: &Source) -> Result<CaptureOptions, Error> {
        let configured = &source.selection;
        let or = |asked: &[String], configured: &[String]| {
            if asked.is_empty() { configured.to_vec() } else { asked.to_vec() }
        };
        Ok(CaptureOptions {
            database: source.name.clone(),
            configured: source.configured,
            name: self.name.clone(),
            tags: self.tags.clone(),
            environment: workspace.config().environment.clone(),
            selection: Selection {
                include: or(&self.tables, &configured.include),
                exclude: or(&self.exclude, &configured.exclude),
                groups: configured.groups.clone(),
            },
            mask: workspace.mask(self.mask.as_ref(), &source.name)?,
            with_schema: self.with_schema,
            with_data: self.with_data,
            trusts_marks: true,
            suspicion: Some(workspace.config().suspicion(&source.name)),
            program: workspace.program().to_owned(),
            repository_folder: workspace.repository_folder().map(std::path::Path::to_owned),
        })
    }
}

/// Says when the rules let go of a snapshot that somebody gave a name or a tag, which no rule asks for.
fn say_when_it_goes(context: &Context, workspace: &Workspace, snapshot: &Snapshot) {
    let (id, config) = (snapshot.short_id(), workspace.config());
    let zone = config.zone(&snapshot.manifest.database);
    let summary = Summary::of(snapshot.id, &snapshot.manifest);
    let rules = config.keep(&snapshot.manifest.database);
    let Some(going) = rules.and_then(|rules| going(&summary, rules, &zone)) else { return };
    let when = match going {
        Going::WithTheNext => "as soon as there is a newer one".to_owned(),
        Going::WithSeveral => "when there are enough newer ones".to_owned(),
        Going::At(time) => format!("{} at the earliest", moments::told(time, &zone)),
    };
    context.warn(format!(
        "the rules in keep count snapshot {id} like any other, whatever its name and tags: it goes {when}; `rowkeep hold {id}` \
         keeps it, and so does a rule for its tag in keep.tags"
    ));
}

/// Makes a snapshot, once more if what it relied on has been deleted meanwhile.
async fn captured(
    context: &Context,
    repository: &Repository,
    engine: &dyn Engine,
    options: &CaptureOptions,
) -> Result<Snapshot, Error> {
    match capture(context, repository, engine, options).await {
        // What was stored stays, so that this takes little but reading.
        Err(Error::Repository(error)) if error.kind() == RepositoryKind::Pruned => {
            context.warn(format!("{error}; the backup is repeated"));
            capture(context, repository, engine, options).await
        }
        captured => captured,
    }
}

/// Makes it in another of several repositories where the first cannot be written to; nothing where it is not the repository's fault,
/// or the others take it no more than that.
async fn elsewhere(
    context: &Context,
    workspace: &Workspace,
    engine: &dyn Engine,
    options: &CaptureOptions,
    error: &Error,
) -> Option<Snapshot> {
    // One that is not ready may lack space for the repository.
    if !matches!(error, Error::Repository(_) | Error::NotReady { .. }) {
        return None;
    }
    for (_, other) in workspace.others() {
        let repository_folder = other.repository_folder().map(std::path::Path::to_owned);
        let options = CaptureOptions { repository_folder, ..options.clone() };
        if let Ok(repository) = Box::pin(other.repository()).await
            && let Ok(snapshot) = captured(context, repository, engine, &options).await
        {
            return Some(snapshot);
        }
    }
    None
}
