//! Asking for the health of databases.

use std::collections::BTreeSet;

use rowkeep_repository::Catalog;
use serde::{Deserialize, Serialize};

use super::devices::devices;
use super::outcome::{Drilled, HealthOutcome, LastDrill, of_database};
use crate::config::Config;
use crate::jobs::workspace::Workspace;
use crate::report::{Report, ReportKind, kept};
use crate::state::devices::device;
use crate::{Context, Error};

/// Asks how all databases are that are configured, or that have snapshots where none is configured.
///
/// ```no_run
/// use rowkeep::jobs::Verdict;
/// use rowkeep::jobs::health::HealthRequest;
/// # async fn example(workspace: &rowkeep::jobs::workspace::Workspace) -> Result<(), rowkeep::Error> {
/// let outcome = HealthRequest::default().run(&rowkeep::Context::silent(), workspace).await?;
/// assert_eq!(outcome.verdict(), Verdict::Done, "{}", outcome.summary);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthRequest {}

impl HealthRequest {
    /// Looks at the repository and at the reports of drills.
    pub async fn run(&self, context: &Context, workspace: &Workspace) -> Result<HealthOutcome, Error> {
        let (config, now) = (workspace.config(), context.now());
        let repository = workspace.repository().await?;
        // A folder that is not mounted has no snapshots, and is not the repository.
        repository.still_there().await?;
        let catalog = repository.catalog().await?;
        let folder = workspace.reports();
        let reports = kept(folder).map_err(|source| {
            let problem = format!("cannot read the reports in {}", folder.display());
            Error::File { problem, source }
        })?;
        let timetable = config.timetable();
        let databases = names(config, &catalog).into_iter().map(|name| {
            let promise = config.databases.get(name).and_then(|database| database.promise);
            let was_drilled = |device: Option<&str>| last_drill_of(&reports, name, device).is_some();
            let devices = devices(&catalog, name, promise, now, was_drilled);
            let drilled = Drilled { last: last_drill(&reports, name, &catalog), devices };
            of_database(config, &timetable, name, Some(&catalog), drilled, now)
        });
        let databases = databases.collect();
        let bytes = repository.statistics().await?.stored_bytes();
        Ok(HealthOutcome::of(databases, Some(bytes), now))
    }
}

/// The last drill of a database: of each of its devices the last, as one.
fn last_drill(reports: &[Report], name: &str, catalog: &Catalog) -> Option<LastDrill> {
    let own = catalog.of(Some(name)).filter(|summary| !summary.is_aside());
    let mut devices: BTreeSet<Option<&str>> = own.map(|summary| device(&summary.tags)).collect();
    if devices.is_empty() {
        devices.insert(None);
    }
    let last =
        devices.into_iter().filter_map(|device| last_drill_of(reports, name, device).map(LastDrill::of));
    last.reduce(LastDrill::with)
}

/// The last drill of one of its devices.
fn last_drill_of<'r>(reports: &'r [Report], name: &str, device: Option<&str>) -> Option<&'r Report> {
    let is_its = |report: &&Report| {
        let of = report.snapshot.as_ref().and_then(|about| about.device.as_deref());
        report.kind == ReportKind::Drill && report.database == name && of == device
    };
    reports.iter().rfind(is_its)
}

/// The databases that are meant.
fn names<'a>(config: &'a Config, catalog: &'a Catalog) -> BTreeSet<&'a str> {
    match config.databases.is_empty() {
        true => catalog.snapshots().map(|summary| &*summary.database).collect(),
        false => config.databases.keys().map(|name| &**name).collect(),
    }
}
