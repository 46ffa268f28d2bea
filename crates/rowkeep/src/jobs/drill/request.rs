//! Which snapshots are to be drilled, and how.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use rowkeep_format::SnapshotId;
use rowkeep_format::manifest::Scope;
use rowkeep_repository::{Catalog, Repository};
use serde::{Deserialize, Serialize};

use super::{DrillOptions, drill, impossible, newest_restorable, unreadable};
use crate::jobs::DatabaseRef;
use crate::jobs::caller::Caller;
use crate::jobs::check_data::ReportsOutcome;
use crate::jobs::several::each;
use crate::jobs::workspace::Workspace;
use crate::report::{Report, keep};
use crate::state::devices::device;
use crate::state::owner::{Owner, owners};
use crate::state::snapshots::{self, Snapshot};
use crate::{Context, Error, RequestError};

/// Which snapshots are to be drilled, and how.
///
/// ```no_run
/// use rowkeep::jobs::caller::Unattended;
/// use rowkeep::jobs::drill::DrillRequest;
/// # async fn example(workspace: &rowkeep::jobs::workspace::Workspace) -> Result<(), rowkeep::Error> {
/// let request = DrillRequest { database: Some("shop".into()), ..DrillRequest::default() };
/// let outcome = request.run(&rowkeep::Context::silent(), workspace, &Unattended).await?;
/// assert_eq!(outcome.verdict(), rowkeep::jobs::Verdict::Done);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DrillRequest {
    /// The database, by a configured name or one that snapshots have; all when not given.
    pub database: Option<DatabaseRef>,
    /// This snapshot, in place of the newest of each database and each of its devices.
    pub snapshot: Option<String>,
    /// Whether every snapshot is drilled.
    pub each: bool,
    /// On which server scratch databases of servers are made; one of the drill's own when not given.
    pub to_server: Option<DatabaseRef>,
    /// A file with more checks than those that are configured.
    pub checks: Option<PathBuf>,
    /// The folder where reports are kept; the workspace's when not given.
    pub reports: Option<PathBuf>,
}

impl DrillRequest {
    /// Restores each snapshot into a scratch database, holds it against the snapshot, checks its data, measures, and keeps a
    /// report as soon as there is one.
    pub async fn run(
        &self,
        context: &Context,
        workspace: &Workspace,
        caller: &dyn Caller,
    ) -> Result<ReportsOutcome, Error> {
        let more = workspace.checks_in(self.checks.as_deref())?;
        let repository = workspace.repository().await?;
        let folder = self.reports.as_deref().unwrap_or(workspace.reports());
        let options = |database: &str| {
            let mut options = self.options(workspace, database);
            options.checks.extend(more.iter().cloned());
            options
        };
        if let Some(reference) = &self.snapshot {
            let found = workspace.find(context, reference).await?;
            let snapshot = workspace.whole(context, reference, found, None).await?;
            let owner = Owner::of(&snapshot.manifest);
            let (kept, _) = snapshots::readable(repository, Some(&owner)).await?;
            let report = one(context, repository, &snapshot, &kept, options(&owner.name)).await?;
            return Ok(ReportsOutcome { reports: vec![kept_in(folder, report)?], failed: Vec::new() });
        }
        let catalog = repository.catalog().await?;
        let of_owner = async |owner: &Owner| {
            self.of_owner(context, repository, owner, &options(&owner.name), folder).await
        };
        let named: Vec<String> = match &self.database {
            Some(database) => vec![database.to_string()],
            None => workspace.config().databases.keys().cloned().collect(),
        };
        let (reports, failed) = if named.is_empty() {
            each(context, caller, &backed_up(&catalog)?, |owner| owner.name.as_str(), of_owner).await?
        } else {
            each(context, caller, &named, String::as_str, async |database| {
                of_owner(&workspace.owner(database, &catalog)?).await
            })
            .await?
        };
        Ok(ReportsOutcome { reports: reports.concat(), failed })
    }

    async fn of_owner(
        &self,
        context: &Context,
        repository: &Repository,
        owner: &Owner,
        options: &DrillOptions,
        folder: &Path,
    ) -> Result<Vec<Report>, Error> {
        let database = &owner.name;
        let (kept, damaged) = snapshots::readable(repository, Some(owner)).await?;
        let mut reports = Vec::new();
        for (id, error) in &damaged {
            reports.push(kept_in(folder, unreadable(context, database, &id.to_string(), error))?);
        }
        let chosen: Vec<&Snapshot> = match self.each {
            true => kept.iter().filter(|snapshot| snapshot.manifest.scope != Scope::DataOnly).collect(),
            false => newest_of_devices(&kept),
        };
        if chosen.is_empty() && reports.is_empty() {
            return Err(RequestError::NothingToDrill { database: Some(database.clone()) }.into());
        }
        let is_one_of_several = self.each || chosen.len() > 1;
        for snapshot in chosen {
            let report = match one(context, repository, snapshot, &kept, options.clone()).await {
                // The others have their turn.
                Err(error) if is_one_of_several && !context.is_cancelled() => {
                    impossible(context, snapshot, &error)
                }
                ended => ended?,
            };
            reports.push(kept_in(folder, report)?);
        }
        Ok(reports)
    }

    fn options(&self, workspace: &Workspace, database: &str) -> DrillOptions {
        let configured = workspace.config().databases.get(database);
        let surroundings = workspace.surroundings().clone();
        DrillOptions {
            checks: configured.map(|database| database.checks.clone()).unwrap_or_default(),
            objectives: configured.map(|database| database.objectives).unwrap_or_default(),
            to_server: self.to_server.as_deref().map(Into::into),
            temporary: surroundings.temporary.clone().unwrap_or_else(std::env::temp_dir),
            surroundings,
            ..DrillOptions::default()
        }
    }
}

/// The newest of each device from which a database can be made, the oldest of them first.
fn newest_of_devices(kept: &[Snapshot]) -> Vec<&Snapshot> {
    let mut of_each: BTreeMap<Option<&str>, Vec<&Snapshot>> = BTreeMap::new();
    for snapshot in kept {
        of_each.entry(device(&snapshot.manifest.tags)).or_default().push(snapshot);
    }
    let newest = of_each.into_values().filter_map(|of| newest_restorable(of.into_iter()));
    let newest: BTreeSet<SnapshotId> = newest.map(|snapshot| snapshot.id).collect();
    kept.iter().filter(|snapshot| newest.contains(&snapshot.id)).collect()
}

/// Whose snapshots are in a repository; safety snapshots alone are nothing to drill.
fn backed_up(catalog: &Catalog) -> Result<Vec<Owner>, Error> {
    let kept = catalog.snapshots().filter(|summary| !summary.is_aside());
    let names: BTreeSet<&str> = kept.map(|summary| &*summary.database).collect();
    if names.is_empty() {
        return Err(RequestError::NothingToDrill { database: None }.into());
    }
    let all = names.into_iter().flat_map(|name| owners(catalog, name));
    Ok(all.filter(|owner| owner.has_backups(catalog)).collect())
}

/// Keeps a report in its folder.
fn kept_in(folder: &Path, mut report: Report) -> Result<Report, Error> {
    keep(&mut report, folder).map_err(|source| {
        let problem = format!("cannot keep the report in {}", folder.display());
        Error::File { problem, source }
    })?;
    Ok(report)
}

/// Drills a snapshot; of all that are kept, those before it are what checks compare with.
async fn one(
    context: &Context,
    repository: &Repository,
    snapshot: &Snapshot,
    kept: &[Snapshot],
    mut options: DrillOptions,
) -> Result<Report, Error> {
    let place = kept.iter().position(|other| other.id == snapshot.id);
    options.is_newest = newest_restorable(kept.iter()).is_some_and(|newest| newest.id == snapshot.id);
    let own = device(&snapshot.manifest.tags);
    let is_before =
        |before: &&Snapshot| before.manifest.scope == Scope::Full && device(&before.manifest.tags) == own;
    let before = kept[..place.unwrap_or(0)].iter().rfind(is_before);
    options.before = before.map(|before| before.manifest.clone());
    Box::pin(drill(context, repository, snapshot, &options)).await
}
