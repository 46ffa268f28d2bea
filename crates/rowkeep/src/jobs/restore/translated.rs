//! Restoring into a database of another engine.

use rowkeep_engine::Contents;
use rowkeep_format::Counts;

use super::request::RestoreRequest;
use crate::hooks::{Facts, Operation};
use crate::jobs::caller::{News, Proposal};
use crate::jobs::executing::Scene;
use crate::jobs::outcome::{Ended, RestoreOutcome, TranslatedDone, TranslationOutcome, TranslationSummary};
use crate::jobs::workspace::within_hooks;
use crate::restore::chosen;
use crate::restore::translate::{TranslationPlan, execute, plan, prove};
use crate::{Error, RequestError};

/// Plans, asks where something does not come over exactly, makes the database, and holds it against the snapshot.
pub(super) async fn translate(
    request: &RestoreRequest,
    scene: Scene<'_>,
    facts: Facts,
) -> Result<RestoreOutcome, Error> {
    request.refuse_for_another_engine()?;
    let Scene { context, workspace, caller, repository, snapshot, to } = scene;
    let engine = to.engine.as_ref();
    if let Contents::Occupied(_) = engine.contents().await? {
        return Err(RequestError::OccupiedAcross {
            database: engine.describe(),
            snapshot: snapshot.short_id(),
            engine: snapshot.manifest.engine.clone(),
        }
        .into());
    }
    let tables = chosen(repository, snapshot, &request.wanted.selection(workspace)).await?;
    let plan = plan(context, repository, snapshot, engine, &tables).await?;
    let summary = TranslationSummary::of(&plan, snapshot, engine.describe());
    caller.tell(News::Plan(Proposal::Translation(&summary)));
    let ended =
        |ended| TranslationOutcome { plan: summary.clone(), ended, done: None, hooks_failed: Vec::new() };
    if request.plan_only {
        return Ok(RestoreOutcome::Translated(ended(Ended::Planned)));
    }
    if !plan.is_exact() && !caller.approve(Proposal::Translation(&summary)).await? {
        return Ok(RestoreOutcome::Translated(ended(Ended::Declined)));
    }
    let hooks = workspace.hooks(Operation::Restore, to, request.hooks);
    let (mut outcome, failed) = within_hooks(context, caller, &hooks, facts, async |facts| {
        fill(request, scene, &plan, ended(Ended::Done), facts).await
    })
    .await?;
    outcome.hooks_failed = failed;
    Ok(RestoreOutcome::Translated(outcome))
}

async fn fill(
    request: &RestoreRequest,
    scene: Scene<'_>,
    plan: &TranslationPlan,
    mut outcome: TranslationOutcome,
    facts: &mut Facts,
) -> Result<TranslationOutcome, Error> {
    let engine = scene.to.engine.as_ref();
    let watch = scene.context.stopwatch();
    let restored = execute(scene.context, engine, plan).await?;
    scene.nothing_kept().await;
    facts.rows = Some(Counts { inserted: restored.rows, ..Counts::default() });
    let mut done = TranslatedDone {
        tables: restored.tables,
        rows: restored.rows,
        notes: restored.notes,
        restore_ms: watch.elapsed_ms(),
        proof: None,
        verify_ms: None,
    };
    outcome.done = Some(done.clone());
    scene.caller.tell(News::Restored(&RestoreOutcome::Translated(outcome.clone())));
    if request.verify {
        let watch = scene.context.stopwatch();
        done.proof = Some(prove(scene.context, scene.repository, engine, plan).await?);
        done.verify_ms = Some(watch.elapsed_ms());
    }
    outcome.done = Some(done);
    Ok(outcome)
}
