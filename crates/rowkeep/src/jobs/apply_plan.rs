//! Applying a plan that was kept: once, whenever and by whichever process.

use std::collections::BTreeMap;

use rowkeep_engine::{EngineError, ErrorKind};
use rowkeep_format::{ChunkId, PlanId};
use serde::{Deserialize, Serialize};

use super::DatabaseRef;
use super::caller::{Caller, News};
use super::executing::{Scene, change, replace};
use super::outcome::{RowsSummary, UndoOutcome};
use super::plans::{self, Action, KeptPlan};
use super::workspace::{Source, Workspace};
use crate::apply::left_alone::left_alone;
use crate::apply::plan::{OnDangling, Plan};
use crate::apply::safety::{self, KeptRows};
use crate::apply::stored_changes::{changes_back, stored_changes};
use crate::apply::undo::UNDO;
use crate::capture::Opened;
use crate::hooks::{Facts, Operation};
use crate::restore::replace::{plan_replacement, plan_undo};

use crate::state::snapshots;
use crate::{Context, Error, RequestError};

/// Which plan is to be applied.
///
/// ```no_run
/// use rowkeep::jobs::apply_plan::ApplyRequest;
/// use rowkeep::jobs::caller::Unattended;
/// # async fn example(workspace: &rowkeep::jobs::workspace::Workspace) -> Result<(), rowkeep::Error> {
/// let request = ApplyRequest { plan: "9f2c41aa".to_owned(), to: None };
/// let outcome = request.run(&rowkeep::Context::silent(), workspace, &Unattended).await?;
/// assert_eq!(outcome.verdict(), rowkeep::jobs::Verdict::Done);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApplyRequest {
    /// The plan's id, or the beginning of it.
    pub plan: String,
    /// How its database is reached, where the plan cannot know that: by a URL with a password.
    #[serde(default)]
    pub to: Option<DatabaseRef>,
}

impl ApplyRequest {
    /// Applies the plan.
    ///
    /// A safety snapshot is taken now, of what the database holds now. Rows that were changed since the plan was made are
    /// conflicts, as in a restore; where the whole database is to be replaced, so is any change at all. A plan that was
    /// executed already is refused. When nothing came to be changed, it may be applied again.
    pub async fn run(
        &self,
        context: &Context,
        workspace: &Workspace,
        caller: &dyn Caller,
    ) -> Result<UndoOutcome, Error> {
        let repository = workspace.repository().await?;
        let id = plans::find(repository, &self.plan).await?;
        let plan = plans::read(repository, id).await?;
        plans::refuse_executed(repository, id).await?;
        let to = self.target(workspace, &plan, id)?;
        let snapshot = snapshots::open(repository, plan.snapshot).await?;
        let scene = Scene { context, workspace, caller, repository, snapshot: &snapshot, to: &to };
        Box::pin(apply(scene, plan, id)).await
    }

    /// The database of the plan.
    fn target(&self, workspace: &Workspace, plan: &KeptPlan, id: PlanId) -> Result<Source, Error> {
        let mut source = match (&self.to, plan.configured) {
            (Some(to), _) => workspace.source(to)?,
            (None, true) => workspace.configured(&plan.database)?,
            (None, false) => workspace.source(&plan.target)?,
        };
        let other = source.target();
        if other != plan.target {
            let database = plan.target.clone();
            return Err(RequestError::PlanOfAnother { plan: plans::short_id(id), database, other }.into());
        }
        source.configured &= source.name == plan.database;
        source.name.clone_from(&plan.database);
        Ok(source)
    }
}

async fn apply(scene: Scene<'_>, plan: KeptPlan, id: PlanId) -> Result<UndoOutcome, Error> {
    let engine = scene.to.engine.as_ref();
    let is_undo = match &plan.action {
        Action::Rows { reversed, .. } => *reversed,
        Action::Replace { summary, .. } => summary.operation == UNDO,
    };
    let operation = if is_undo { Operation::Undo } else { Operation::Restore };
    let mut facts = Facts::new(operation, &*scene.to.name, engine.describe(), scene.context.now());
    facts.snapshot = Some(scene.snapshot.id.to_string());
    match plan.action {
        Action::Rows { summary, changes, reversed, some_rows, safety_tables } => {
            let activity = scene.workspace.activity(scene.to, scene.snapshot.short_id(), plan.terms.activity);
            let activity = activity.await?;
            let kept = safety_tables.map_or(KeptRows::Nothing, KeptRows::Tables);
            let rows = rows(scene, &summary, (changes, reversed), kept, plan.terms.safety).await?;
            let wanted = change::Wanted {
                terms: plan.terms,
                plan_only: false,
                some_rows,
                undone: None,
                plan: Some(id),
            };
            let outcome =
                Box::pin(change::change(scene, wanted, rows, &activity, facts, async |_| None)).await?;
            Ok(UndoOutcome::Rows(outcome))
        }
        Action::Replace { present, .. } => {
            let safety = plan.terms.safety.then(|| scene.safety());
            let Scene { context, repository, snapshot, .. } = scene;
            let made = match is_undo {
                true => plan_undo(context, repository, engine, snapshot, safety.as_ref()).await?,
                false => {
                    plan_replacement(context, repository, engine, snapshot, None, safety.as_ref()).await?
                }
            };
            if made.present != present {
                let problem = format!("{} was changed since the plan was made", engine.describe());
                return Err(EngineError::new(ErrorKind::Conflict, problem).into());
            }
            let wanted = replace::Wanted { terms: plan.terms, plan_only: false, plan: Some(id) };
            let tell =
                |outcome: &_| scene.caller.tell(News::Undone(&UndoOutcome::Replaced(Clone::clone(outcome))));
            Ok(UndoOutcome::Replaced(Box::pin(replace::replace(scene, wanted, made, facts, tell)).await?))
        }
    }
}

/// The plan again, with its changes out of the repository and a safety snapshot of the present rows.
async fn rows(
    scene: Scene<'_>,
    summary: &RowsSummary,
    (changes, reversed): (ChunkId, bool),
    kept: KeptRows,
    with_safety: bool,
) -> Result<Plan, Error> {
    let Scene { context, repository, to, .. } = scene;
    let engine = to.engine.as_ref();
    let captured = match with_safety {
        false => None,
        true => {
            let opened = Opened::open(context, engine, kept.with_ddl(), &kept.meant()).await?;
            let kept = kept.clone();
            Some(safety::capture(context, repository, engine, opened, kept, &scene.safety()).await?)
        }
    };
    let related = summary.tables.iter().filter(|table| table.related > 0);
    let left_out = summary.left_out.iter().map(|left| (left.table.clone(), left.rows));
    Ok(Plan {
        operation: if reversed { UNDO } else { "restore" },
        from: summary.from.clone(),
        database: engine.describe(),
        schema: summary.schema.clone(),
        unread: summary.unread.clone(),
        unmatched: summary.unmatched.clone(),
        conflicts: summary.conflicts.clone(),
        prefer: summary.prefer,
        changes: match reversed {
            true => {
                let left = left_alone(context, repository, scene.snapshot, changes).await?;
                changes_back(repository, changes, &left).await?
            }
            false => stored_changes(repository, changes).await?,
        },
        related: related.map(|table| (table.table.clone(), table.related)).collect(),
        left_out: left_out.collect::<BTreeMap<_, _>>(),
        cautions: summary.cautions.clone(),
        dangling: Vec::new(),
        on_dangling: OnDangling::Stop,
        dangled: summary.dangled.clone(),
        may_dangle: summary.may_dangle.clone(),
        stored: (!reversed).then_some(changes),
        kept,
        safety: captured,
    })
}
