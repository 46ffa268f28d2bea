//! Plans that replace a database, schema included.

use rowkeep_format::{Counts, PlanId};

use super::Scene;
use crate::Error;
use crate::hooks::Facts;
use crate::jobs::caller::{News, Proposal};
use crate::jobs::outcome::{Ended, ReplacedDone, ReplacementOutcome, ReplacementSummary};
use crate::jobs::plans::{Action, Terms, keep, once};
use crate::jobs::workspace::within_hooks;
use crate::restore::replace::{self, Replacement};
use crate::restore::verify::{verify, verify_masked};

/// How a plan is to be executed.
pub(in crate::jobs) struct Wanted {
    /// Its terms.
    pub(in crate::jobs) terms: Terms,
    /// Whether only the plan is wanted.
    pub(in crate::jobs) plan_only: bool,
    /// The plan's id, where it is one that was kept.
    pub(in crate::jobs) plan: Option<PlanId>,
}

/// Shows a plan, asks, executes it, and holds the database against the snapshot; `tell` is given what is done before that.
pub(in crate::jobs) async fn replace(
    scene: Scene<'_>,
    wanted: Wanted,
    plan: Replacement,
    facts: Facts,
    tell: impl Fn(&ReplacementOutcome),
) -> Result<ReplacementOutcome, Error> {
    let summary = ReplacementSummary::of(&plan);
    scene.caller.tell(News::Plan(Proposal::Replacement(&summary)));
    let mut outcome = ReplacementOutcome {
        plan: summary.clone(),
        snapshot: scene.snapshot.id,
        ended: Ended::Done,
        kept: None,
        done: None,
        hooks_failed: Vec::new(),
    };
    if wanted.plan_only {
        outcome.ended = Ended::Planned;
        // Rules may be others until it is executed, and with them the rows: such a plan is only shown.
        if !plan.is_empty() && plan.masked_tables().is_none() {
            let action =
                async { Ok(Action::Replace { summary: summary.clone(), present: plan.present.clone() }) };
            let Scene { context, workspace, to, snapshot, .. } = scene;
            outcome.kept = keep(context, workspace, to, snapshot.id, &wanted.terms, action).await?;
        }
    } else if plan.is_empty() {
        outcome.ended = Ended::Nothing;
    } else if !scene.caller.approve(Proposal::Replacement(&summary)).await? {
        outcome.ended = Ended::Declined;
    }
    if outcome.ended != Ended::Done {
        return Ok(outcome);
    }
    let hooks = scene.workspace.hooks(facts.operation, scene.to, wanted.terms.hooks);
    let (mut outcome, failed) = within_hooks(scene.context, scene.caller, &hooks, facts, async |facts| {
        execute(scene, &wanted, plan, outcome, facts, tell).await
    })
    .await?;
    outcome.hooks_failed = failed;
    Ok(outcome)
}

async fn execute(
    scene: Scene<'_>,
    wanted: &Wanted,
    plan: Replacement,
    mut outcome: ReplacementOutcome,
    facts: &mut Facts,
    tell: impl Fn(&ReplacementOutcome),
) -> Result<ReplacementOutcome, Error> {
    let Scene { context, repository, snapshot, to, .. } = scene;
    let engine = to.engine.as_ref();
    let watch = scene.context.stopwatch();
    let masked = plan.masked_tables().map(<[_]>::to_vec);
    let execution = replace::replace(context, repository, engine, plan, wanted.terms.end_connections);
    let replaced = once(scene.context, repository, wanted.plan, scene.workspace.program(), execution).await?;
    if replaced.safety.is_none() {
        scene.nothing_kept().await;
    }
    facts.rows = Some(Counts { inserted: replaced.restored.rows, ..Counts::default() });
    facts.safety = replaced.safety.as_ref().map(|safety| safety.id.to_string());
    let mut done = ReplacedDone {
        safety: replaced.safety.as_ref().map(|safety| safety.id),
        tables: replaced.restored.tables,
        rows: replaced.restored.rows,
        notes: replaced.restored.notes,
        left_out: replaced.restored.left_out,
        replace_ms: watch.elapsed_ms(),
        proof: None,
    };
    outcome.done = Some(done.clone());
    tell(&outcome);
    if wanted.terms.verify {
        done.proof = Some(match masked {
            Some(tables) => verify_masked(context, repository, snapshot, engine, &tables).await?,
            None => verify(context, repository, snapshot, engine).await?,
        });
        done.proof = done.proof.map(|proof| proof.without(&done.left_out, &replaced.restored.lacking));
    }
    outcome.done = Some(done);
    Ok(outcome)
}
