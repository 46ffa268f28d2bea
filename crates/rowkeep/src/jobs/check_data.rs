//! Running data checks on databases.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::caller::Caller;
use super::several::{FailedDatabase, each};
use super::workspace::{Source, Workspace};
use super::{DatabaseRef, Verdict};
use crate::data_checks::{Circumstances, Demand, run_checks};
use crate::report::Report;
use crate::state::snapshots;
use crate::{Context, Error, RequestError};

/// Which checks are to be run.
///
/// ```no_run
/// use rowkeep::jobs::caller::Unattended;
/// use rowkeep::jobs::check_data::CheckDataRequest;
/// # async fn example(workspace: &rowkeep::jobs::workspace::Workspace) -> Result<(), rowkeep::Error> {
/// let request = CheckDataRequest { database: Some("shop".into()), checks: None };
/// let outcome = request.run(&rowkeep::Context::silent(), workspace, &Unattended).await?;
/// assert_eq!(outcome.verdict(), rowkeep::jobs::Verdict::Done);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckDataRequest {
    /// The database; all that are configured when not given.
    pub database: Option<DatabaseRef>,
    /// A file with more checks than those that are configured.
    pub checks: Option<PathBuf>,
}

/// What checks or drills found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportsOutcome {
    /// A report of each database, or of each drill.
    pub reports: Vec<Report>,
    /// The databases of which there is none, of several.
    #[serde(default)]
    pub failed: Vec<FailedDatabase>,
}

impl ReportsOutcome {
    /// How it ended.
    pub fn verdict(&self) -> Verdict {
        match self.reports.iter().all(Report::is_passed) {
            _ if !self.failed.is_empty() => Verdict::Failed,
            true => Verdict::Done,
            false => Verdict::Differences,
        }
    }
}

impl CheckDataRequest {
    /// Runs the checks, which only read. Databases that have none are passed over.
    pub async fn run(
        &self,
        context: &Context,
        workspace: &Workspace,
        caller: &dyn Caller,
    ) -> Result<ReportsOutcome, Error> {
        let more = workspace.checks_in(self.checks.as_deref())?;
        let named = workspace.named(self.database.as_deref())?;
        let (reports, failed) = each(context, caller, &named, String::as_str, async |database| {
            let mut source = workspace.source(database)?;
            source.checks.extend(more.iter().cloned());
            match source.checks.is_empty() {
                true => Ok(None),
                false => examine(context, workspace, &source).await.map(Some),
            }
        })
        .await?;
        let reports: Vec<Report> = reports.into_iter().flatten().collect();
        if reports.is_empty() && failed.is_empty() {
            return Err(RequestError::NothingToCheck.into());
        }
        Ok(ReportsOutcome { reports, failed })
    }
}

async fn examine(context: &Context, workspace: &Workspace, source: &Source) -> Result<Report, Error> {
    let (time, watch) = (context.now(), context.stopwatch());
    let compares = source.checks.iter().any(|check| matches!(check.demand, Demand::RowsWithin { .. }));
    let before = match compares {
        true => snapshots::latest(workspace.repository().await?, Some(&source.owner().await)).await?,
        false => None,
    };
    let circumstances =
        Circumstances { now: time, before: before.as_ref().map(|snapshot| &snapshot.manifest), strict: true };
    let found = run_checks(context, source.engine.as_ref(), &source.checks, circumstances).await?;
    let took = watch.elapsed();
    Ok(Report::of_checks(&source.name, &source.engine.describe(), before.as_ref(), time, took, found))
}
