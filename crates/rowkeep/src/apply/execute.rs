//! Apply: executing a plan on a live database, in one transaction that can be undone.

use std::sync::Arc;

use rowkeep_engine::{Applied, ApplyOptions, Engine, MayDangle};
use rowkeep_format::LeftAlone;
use rowkeep_format::manifest::Before;
use rowkeep_repository::Repository;

use super::plan::Plan;
use super::safety;
use super::stored_changes::store_changes;
use super::undo::UNDO;
use crate::state::snapshots::Snapshot;
use crate::{Context, Error, Event, Phase};

/// What executing a plan did.
#[derive(Debug, Clone)]
pub struct Executed {
    /// What the database says it did.
    pub applied: Applied,
    /// The snapshot that was taken before, by which it can be undone.
    pub safety: Option<Snapshot>,
}

/// Executes a plan.
///
/// The safety snapshot becomes visible first. Then all changes are made in one transaction: when anything fails, the
/// operation is cancelled or the process killed, the database is as it was. Cancelled, it returns when the database has ended
/// what it was doing and the safety snapshot is gone. Rows that somebody changed after the plan was made are noticed, see
/// [`ApplyOptions::on_conflict`].
pub async fn execute(
    context: &Context,
    repository: &Repository,
    engine: &dyn Engine,
    plan: Plan,
    options: &ApplyOptions,
) -> Result<Executed, Error> {
    plan.check()?;
    if plan.is_empty() && options.statements.is_empty() {
        return Ok(Executed { applied: Applied::default(), safety: None });
    }
    let safety = match plan.safety {
        None => None,
        Some(captured) => {
            let changes = match plan.stored {
                Some(stored) => stored,
                None => context.until_cancelled(store_changes(repository, plan.changes.as_ref())).await?,
            };
            let (operation, from) = (plan.operation.to_owned(), plan.from.clone());
            let before =
                Before { operation, from, changes: Some(changes), entered: true, dangled: plan.dangled };
            Some(safety::commit(repository, captured, before).await?)
        }
    };
    context.observe(Event::Phase {
        phase: Phase::Apply,
        tables: plan.changes.tables().len() as u64,
        rows: plan.changes.tables().iter().map(|table| table.counts.total()).sum(),
    });
    let options = ApplyOptions {
        keep_sequences: plan.operation == UNDO || plan.may_dangle == MayDangle::Anything,
        may_dangle: plan.may_dangle,
        stop: context.cancel().clone(),
        ..options.clone()
    };
    let applying = async { Ok(engine.apply(Arc::clone(&plan.changes), &options).await?) };
    let applied = safety::guarded(context, repository, safety.as_ref(), applying, left_alone).await?;
    Ok(Executed { applied, safety })
}

/// The changes of a plan that were not made, for the rows were as they should become, or were to be skipped.
fn left_alone(applied: &Applied) -> LeftAlone {
    LeftAlone::new(applied.tables.iter().map(|table| (table.table.clone(), table.left.clone())))
}
