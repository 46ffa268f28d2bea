//! Plans that change rows.

use rowkeep_engine::ApplyOptions;
use rowkeep_format::{ChunkId, PlanId};

use super::Scene;
use crate::Error;
use crate::apply::execute;
use crate::apply::plan::Plan;
use crate::apply::safety::KeptRows;
use crate::apply::stored_changes::store_changes;
use crate::hooks::Facts;
use crate::jobs::caller::{News, Proposal};
use crate::jobs::outcome::{Ended, RowsDone, RowsOutcome, RowsSummary};
use crate::jobs::plans::{Action, Terms, keep, once};
use crate::jobs::workspace::{ActivityRow, within_hooks};

/// How a plan is to be executed.
pub(in crate::jobs) struct Wanted {
    /// Its terms.
    pub(in crate::jobs) terms: Terms,
    /// Whether only the plan is wanted.
    pub(in crate::jobs) plan_only: bool,
    /// Whether only some rows of the tables are meant.
    pub(in crate::jobs) some_rows: bool,
    /// The changeset in the repository that the plan takes back, where it is an undo.
    pub(in crate::jobs) undone: Option<ChunkId>,
    /// The plan's id, where it is one that was kept.
    pub(in crate::jobs) plan: Option<PlanId>,
}

/// Shows a plan, asks, and executes it; where that fails, `again` may give another, which is shown and asked for as well.
pub(in crate::jobs) async fn change(
    scene: Scene<'_>,
    wanted: Wanted,
    first: Plan,
    activity: &ActivityRow<'_>,
    mut facts: Facts,
    again: impl AsyncFnMut(&Error) -> Option<Result<Plan, Error>>,
) -> Result<RowsOutcome, Error> {
    let mut outcome = settle(scene, &wanted, &first).await?;
    if outcome.ended != Ended::Done {
        return Ok(outcome);
    }
    facts.rows = Some(first.counts());
    let hooks = scene.workspace.hooks(facts.operation, scene.to, wanted.terms.hooks);
    let (mut done, failed) = within_hooks(scene.context, scene.caller, &hooks, facts, async |facts| {
        let engine = scene.to.engine.as_ref();
        let (mut plan, mut again) = (first, again);
        loop {
            let options = ApplyOptions {
                fire_triggers: wanted.terms.fire_triggers,
                end_connections: wanted.terms.end_connections,
                on_conflict: wanted.terms.on_conflict,
                statements: activity.beside(scene.context, engine, &wanted.terms.also_run, &plan)?,
                ..ApplyOptions::default()
            };
            let execution = Box::pin(execute(scene.context, scene.repository, engine, plan, &options));
            let program = scene.workspace.program();
            let error = match once(scene.context, scene.repository, wanted.plan, program, execution).await {
                Ok(done) => {
                    if done.safety.is_none() {
                        scene.nothing_kept().await;
                    }
                    let done = RowsDone::of(&done);
                    facts.rows = Some(done.rows);
                    facts.safety = done.safety.map(|safety| safety.to_string());
                    outcome.done = Some(done);
                    return Ok(outcome);
                }
                Err(error) => error,
            };
            plan = match again(&error).await {
                Some(plan) => plan?,
                None => return Err(error),
            };
            facts.rows = Some(plan.counts());
            outcome = settle(scene, &wanted, &plan).await?;
            if outcome.ended != Ended::Done {
                return Ok(outcome);
            }
        }
    })
    .await?;
    done.hooks_failed = failed;
    Ok(done)
}

/// Shows a plan and asks; what becomes of it, where it is not to be executed.
async fn settle(scene: Scene<'_>, wanted: &Wanted, plan: &Plan) -> Result<RowsOutcome, Error> {
    let summary = RowsSummary::of(plan);
    scene.caller.tell(News::Plan(Proposal::Rows(&summary)));
    let (mut ended, mut kept) = (Ended::Done, None);
    if wanted.plan_only {
        ended = Ended::Planned;
        if plan.is_settled() && !plan.is_empty() {
            let action = action(scene, wanted, plan, &summary);
            let Scene { context, workspace, to, snapshot, .. } = scene;
            kept = keep(context, workspace, to, snapshot.id, &wanted.terms, action).await?;
        }
    } else {
        plan.check()?;
        if plan.is_empty() {
            ended = Ended::Nothing;
        } else if !scene.caller.approve(Proposal::Rows(&summary)).await? {
            ended = Ended::Declined;
        }
    }
    let some_rows = wanted.some_rows;
    Ok(RowsOutcome { plan: summary, some_rows, ended, kept, done: None, hooks_failed: Vec::new() })
}

/// What of a plan is kept; its changes are stored.
async fn action(
    scene: Scene<'_>,
    wanted: &Wanted,
    plan: &Plan,
    summary: &RowsSummary,
) -> Result<Action, Error> {
    let changes = match wanted.undone {
        Some(undone) => undone,
        None => store_changes(scene.repository, plan.changes.as_ref()).await?,
    };
    let safety_tables = match &plan.kept {
        KeptRows::Tables(selection) => Some(selection.clone()),
        KeptRows::Nothing => None,
    };
    Ok(Action::Rows {
        summary: Box::new(summary.clone()),
        changes,
        reversed: wanted.undone.is_some(),
        some_rows: wanted.some_rows,
        safety_tables,
    })
}
