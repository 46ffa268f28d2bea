//! Restoring into a database that holds data.

use rowkeep_engine::ErrorKind;

use super::request::{OnChanged, RestoreRequest};
use crate::apply::plan::{Base, PlanOptions, plan};
use crate::hooks::Facts;
use crate::jobs::caller::News;
use crate::jobs::executing::{Scene, change, replace};
use crate::jobs::outcome::RestoreOutcome;
use crate::restore::in_types::snapshot_in_types;
use crate::restore::replace::plan_replacement;
use crate::state::State;
use crate::{Error, RequestError};

/// How often a plan is made again for rows that others keep changing.
const PLANS: u32 = 5;

/// Plans and changes rows; plans again where rows were changed meanwhile and that is wanted.
pub(super) async fn change_rows(
    request: &RestoreRequest,
    scene: Scene<'_>,
    facts: Facts,
) -> Result<RestoreOutcome, Error> {
    let Scene { context, workspace, caller, repository, snapshot, to } = scene;
    let engine = to.engine.as_ref();
    if request.mask.is_some() {
        return Err(RequestError::MaskedIntoData { database: engine.describe() }.into());
    }
    let activity = workspace.activity(to, snapshot.short_id(), request.activity).await?;
    request.refuse_beside_base()?;
    let base = match &request.base {
        Some(base) => {
            let found = workspace.find(context, base).await?.told(context);
            Some(Base { state: State::snapshot(repository, found).await?, prefer: request.prefer })
        }
        None => None,
    };
    let options = PlanOptions {
        mode: request.mode,
        base,
        selection: request.wanted.selection(workspace),
        rows: request.wanted.rows()?,
        related: request.wanted.with_related,
        dangling: request.dangling,
        safety: (request.safety && !request.plan_only).then(|| scene.safety()),
        temporary: None,
    };
    let target = State::snapshot(repository, snapshot.clone()).await?;
    if options.selection.is_all()
        && let Some(lacking) = target.not_asked_for()
    {
        context.warn(format!("{lacking}: they stay as they are in {}", engine.describe()));
    }
    let make = async || plan(context, repository, engine, &target, &options).await;
    let first = make().await?;
    let wanted = change::Wanted {
        terms: request.terms(),
        plan_only: request.plan_only,
        some_rows: request.wanted.is_some_rows(),
        undone: None,
        plan: None,
    };
    let mut plans = 1;
    let again = async |error: &Error| {
        let is_conflict = matches!(error, Error::Engine(error) if error.kind() == ErrorKind::Conflict);
        if !is_conflict || request.on_changed != OnChanged::Replan || plans >= PLANS {
            return None;
        }
        plans += 1;
        caller.tell(News::PlanAgain(&error.to_string()));
        Some(make().await)
    };
    let outcome = Box::pin(change::change(scene, wanted, first, &activity, facts, again)).await?;
    Ok(RestoreOutcome::Rows(outcome))
}

/// The same with a snapshot of a file or of another engine, whose rows are first taken in the types of the database's tables.
pub(super) async fn change_rows_of_others(
    request: &RestoreRequest,
    scene: Scene<'_>,
    facts: Facts,
) -> Result<RestoreOutcome, Error> {
    let Scene { context, workspace, repository, snapshot, to, .. } = scene;
    if request.base.is_some() {
        return Err(RequestError::NotAcross { option: "--base" }.into());
    }
    let selection = request.wanted.selection(workspace);
    let taken =
        snapshot_in_types(context, repository, snapshot, &to.engine, &request.called, &selection).await?;
    Box::pin(change_rows(request, Scene { snapshot: &taken, ..scene }, facts)).await
}

/// Plans and replaces all of the database, and holds it against the snapshot.
pub(super) async fn replace_all(
    request: &RestoreRequest,
    scene: Scene<'_>,
    facts: Facts,
) -> Result<RestoreOutcome, Error> {
    request.refuse_parts()?;
    let Scene { context, workspace, repository, snapshot, to, .. } = scene;
    let safety = (request.safety && !request.plan_only).then(|| scene.safety());
    let mask = workspace.mask(request.mask.as_ref(), &snapshot.manifest.database)?;
    let (engine, mask) = (to.engine.as_ref(), mask.as_ref());
    let plan = plan_replacement(context, repository, engine, snapshot, mask, safety.as_ref()).await?;
    let wanted = replace::Wanted { terms: request.terms(), plan_only: request.plan_only, plan: None };
    let tell = |outcome: &_| {
        scene.caller.tell(News::Restored(&RestoreOutcome::Replaced(Clone::clone(outcome))));
    };
    let outcome = Box::pin(replace::replace(scene, wanted, plan, facts, tell)).await?;
    Ok(RestoreOutcome::Replaced(outcome))
}
