//! A repair that was approved of.

use std::collections::BTreeSet;

use rowkeep_format::SnapshotId;
use rowkeep_repository::{CheckOptions, Repository};

use super::found::Found;
use super::live::Sources;
use super::lost;
use super::outcome::RepairOutcome;
use crate::jobs::outcome::Ended;
use crate::jobs::repository_check::{CheckOutcome, check_with_report};
use crate::{Context, Error, Event, Phase};

/// Lost nodes of a table's tree hide what is below them, so that databases are asked again once they are back; more levels no
/// tree has.
const ROUNDS: usize = 8;

/// Stores again what can be had, and only then does away with what is damaged.
pub(super) async fn execute(
    context: &Context,
    repository: &Repository,
    found: &Found,
    sources: &Sources,
    outcome: &mut RepairOutcome,
) -> Result<(), Error> {
    let report = &found.report;
    repository.restore_config().await?;
    let salvage = repository.salvage(report).await?;
    salvage.writer.finish().await?;
    // What counts as stored now can be read.
    let damaged = BTreeSet::new();
    let mut lost = lost::find(repository, &damaged, &found.passed_over).await?;
    for _ in 0..ROUNDS {
        if lost.chunks.is_empty() {
            break;
        }
        context.observe(Event::Phase { phase: Phase::Backup, tables: 0, rows: 0 });
        let (chunks, notes) = context.until_cancelled(sources.give_back(context, repository, &lost)).await?;
        outcome.notes = notes;
        outcome.restored_chunks += chunks;
        if chunks == 0 {
            break;
        }
        lost = lost::find(repository, &damaged, &found.passed_over).await?;
    }
    outcome.aside = repository.conclude(report).await?;
    outcome.aside.extend(lost.plans.iter().map(|plan| format!("plans/{plan}")));
    repository.set_plans_aside(lost.plans).await?;
    let incomplete: BTreeSet<SnapshotId> = lost.losses.iter().map(|loss| loss.snapshot).collect();
    let still = &incomplete | &found.passed_over;
    repository.accept_incomplete(&incomplete, report.incomplete.difference(&still)).await?;
    outcome.incomplete = lost.losses;
    outcome.ended = Ended::Done;
    let watch = context.stopwatch();
    let (checked, _) = check_with_report(context, repository, CheckOptions::default()).await?;
    outcome.check = Some(CheckOutcome { clean: checked.is_clean(), checked, check_ms: watch.elapsed_ms() });
    Ok(())
}
