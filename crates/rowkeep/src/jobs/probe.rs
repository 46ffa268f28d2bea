//! Probe: what the store of a repository can do, found out by trying it.

use rowkeep_engine::Level;
use rowkeep_repository::{ProbeDepth, ProbeReport, StoreFinding, StoreLevel};
use serde::{Deserialize, Serialize};

use super::Verdict;
use super::workspace::Workspace;
use crate::capture::readiness::free_space;
use crate::{Context, Error};

/// Asks what the store of the repository can do. There need not be a repository yet.
///
/// ```no_run
/// use rowkeep::jobs::probe::ProbeRequest;
/// # async fn example(workspace: &rowkeep::jobs::workspace::Workspace) -> Result<(), rowkeep::Error> {
/// let outcome = ProbeRequest::default().run(&rowkeep::Context::silent(), workspace).await?;
/// assert!(outcome.healthy && outcome.report.left.is_empty());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProbeRequest {
    /// Whether only what a new repository must know is tried.
    pub brief: bool,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeOutcome {
    /// Where the store is.
    pub location: String,
    /// Whether backups, restores and prunes can work with it.
    pub healthy: bool,
    /// What was found.
    #[serde(flatten)]
    pub report: ProbeReport,
}

impl ProbeOutcome {
    /// How it ended.
    pub fn verdict(&self) -> Verdict {
        if self.healthy { Verdict::Done } else { Verdict::Failed }
    }
}

impl ProbeRequest {
    /// Tries the store with objects of its own, removes them, and has the repository, where there is one, go by what the store
    /// lacks. Nobody can stop it, so that nothing stays; it takes seconds.
    pub async fn run(&self, context: &Context, workspace: &Workspace) -> Result<ProbeOutcome, Error> {
        if context.is_cancelled() {
            return Err(Error::Cancelled);
        }
        let depth = if self.brief { ProbeDepth::Brief } else { ProbeDepth::Full };
        let mut report = workspace.probe(depth).await?;
        if let Some(folder) = workspace.repository_folder() {
            let space = free_space(folder, None);
            let level = match space.level {
                Level::Ok => StoreLevel::Ok,
                Level::Warning => StoreLevel::Warning,
                Level::Error | Level::Damage => StoreLevel::Error,
            };
            report.findings.push(StoreFinding {
                what: "free space".to_owned(),
                level,
                tried: "asking the file system".to_owned(),
                seen: space.detail,
                means: None,
                remedy: None,
            });
        }
        Ok(ProbeOutcome { location: workspace.shown_location(), healthy: report.is_healthy(), report })
    }
}
