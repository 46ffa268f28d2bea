//! Repair: a damaged repository becomes one that a check finds nothing wrong with.
//!
//! What damaged packs held is stored again: what can still be read, and of the rest what the databases still have. What is
//! beyond help is set aside.

mod execute;
mod found;
mod gaps;
mod live;
mod lost;
mod outcome;

use std::collections::BTreeSet;

use rowkeep_repository::{CheckOptions, ReadData, Remedy, Repository};
use serde::{Deserialize, Serialize};

use super::DatabaseRef;
use super::caller::{Caller, News, Proposal};
use super::outcome::{Ended, RepairPlan};
use super::repository_check::check_with_report;
use super::workspace::Workspace;
use crate::{Context, Error};
use found::Found;
use live::Sources;
pub use outcome::RepairOutcome;

/// Repositories of up to so many bytes of packs are read as a whole, whatever is known of their damage.
const READ_WHOLE_BYTES: u64 = 1 << 30;

/// How a repository is to be repaired.
///
/// ```no_run
/// use rowkeep::jobs::caller::Unattended;
/// use rowkeep::jobs::repair::RepairRequest;
/// # async fn example(workspace: &rowkeep::jobs::workspace::Workspace) -> Result<(), rowkeep::Error> {
/// let request = RepairRequest { databases: vec!["shop".into()], ..RepairRequest::default() };
/// let outcome = request.run(&rowkeep::Context::silent(), workspace, &Unattended).await?;
/// assert!(outcome.incomplete.is_empty());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RepairRequest {
    /// Databases that may still have what is lost, beside the configured ones.
    pub databases: Vec<DatabaseRef>,
    /// Whether only the plan is wanted.
    pub plan_only: bool,
    /// Whether every pack is read to find damage, and not only those that are known to be damaged. A small repository is read
    /// in any case, and so is one of which no damage is known.
    pub read_data: bool,
}

impl RepairRequest {
    /// Plans the repair, and executes it if the caller approves.
    pub async fn run(
        &self,
        context: &Context,
        workspace: &Workspace,
        caller: &dyn Caller,
    ) -> Result<RepairOutcome, Error> {
        let (repository, has_config) = workspace.repository_to_repair().await?;
        let found = self.find(context, repository, has_config).await?;
        let sources = Sources::of(workspace, &self.databases)?;
        let plan = plan(&found, &sources, has_config);
        let mut outcome = RepairOutcome {
            plan,
            ended: Ended::Nothing,
            restored_chunks: 0,
            aside: Vec::new(),
            incomplete: Vec::new(),
            notes: Vec::new(),
            check: None,
        };
        if outcome.plan.is_empty() {
            return Ok(outcome);
        }
        caller.tell(News::Plan(Proposal::Repair(&outcome.plan)));
        if self.plan_only {
            outcome.ended = Ended::Planned;
            return Ok(outcome);
        }
        if !caller.approve(Proposal::Repair(&outcome.plan)).await? {
            outcome.ended = Ended::Declined;
            return Ok(outcome);
        }
        execute::execute(context, repository, &found, &sources, &mut outcome).await?;
        Ok(outcome)
    }

    /// Finds out what is damaged and what snapshots lack.
    async fn find(
        &self,
        context: &Context,
        repository: &Repository,
        has_config: bool,
    ) -> Result<Found, Error> {
        let mut read_data = ReadData::Nothing;
        if self.read_data || repository.statistics().await?.pack_bytes <= READ_WHOLE_BYTES {
            read_data = ReadData::Everything;
        }
        let (_, mut report) = check_with_report(context, repository, CheckOptions { read_data }).await?;
        if read_data == ReadData::Nothing && report.damaged_packs.is_empty() && report.remedies.is_empty() {
            read_data = ReadData::Everything;
            report = check_with_report(context, repository, CheckOptions { read_data }).await?.1;
        }
        if has_config {
            // Packs that no index object names any more are found by whoever writes.
            drop(repository.writer().await?);
        }
        let is_new = !self.databases.is_empty() || !report.damaged_packs.is_empty();
        let passed_over = if is_new { BTreeSet::new() } else { report.incomplete.clone() };
        let lost = lost::find(repository, &report.damaged_chunks, &passed_over).await?;
        Ok(Found { report, lost, passed_over })
    }
}

/// Decides what is to be done about what was found.
fn plan(found: &Found, sources: &Sources, has_config: bool) -> RepairPlan {
    let mut plan = RepairPlan {
        config: !has_config,
        lost_chunks: found.lost.chunks.len() as u64,
        sources: sources.for_losses(&found.lost.losses),
        ..RepairPlan::default()
    };
    for remedy in &found.report.remedies {
        match remedy {
            Remedy::WriteConfig => plan.config = true,
            Remedy::SetAside(object) => plan.aside.push(object.clone()),
            Remedy::Strike(entry) => plan.struck.push(entry.clone()),
            Remedy::Name(pack) => plan.unnamed.push(pack.to_string()),
            Remedy::Salvage(pack) => plan.packs.push(pack.to_string()),
        }
    }
    plan.aside.extend(found.lost.plans.iter().map(|plan| format!("plans/{plan}")));
    plan
}
