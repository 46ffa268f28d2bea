//! Undo: reverting what a restore did to a database.

use rowkeep_engine::OnConflict;
use serde::{Deserialize, Serialize};

use super::DatabaseRef;
use super::caller::{Caller, News};
use super::executing::{Scene, change, replace};
use super::outcome::UndoOutcome;
use super::plans::Terms;
use super::repositories::gather;
use super::workspace::Workspace;
use crate::apply::undo::refuse_other;
use crate::apply::{last_applied, undo};
use crate::hooks::{Facts, Operation};
use crate::restore::replace::{is_taken_back_whole, plan_undo};
use crate::{Context, Error};

/// What is to be taken back, and how.
///
/// ```no_run
/// use rowkeep::jobs::caller::Unattended;
/// use rowkeep::jobs::undo::UndoRequest;
/// # async fn example(workspace: &rowkeep::jobs::workspace::Workspace) -> Result<(), rowkeep::Error> {
/// let request = UndoRequest { database: Some("shop".into()), ..UndoRequest::default() };
/// let outcome = request.run(&rowkeep::Context::silent(), workspace, &Unattended).await?;
/// assert_eq!(outcome.verdict(), rowkeep::jobs::Verdict::Done);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct UndoRequest {
    /// The database; the only one that is configured when not given.
    pub database: Option<DatabaseRef>,
    /// Take back what was done after this safety snapshot; what was done last when not given, be it a restore or an undo.
    pub snapshot: Option<String>,
    /// Whether that safety snapshot may be of another database: this one, before it was moved or upgraded.
    pub moved: bool,
    /// Whether only the plan is wanted. It is kept, so that it can be executed later.
    pub plan_only: bool,
    /// Whether rows that were changed again since stay as they are, instead of stopping all.
    pub skip_conflicts: bool,
    /// Whether other connections to the database are ended first.
    pub end_connections: bool,
    /// Whether a safety snapshot is taken, by which the undo can be undone.
    pub safety: bool,
    /// Whether hooks run.
    pub hooks: bool,
    /// Whether a row is written into the application's own log.
    pub activity: bool,
}

impl Default for UndoRequest {
    fn default() -> Self {
        Self {
            database: None,
            snapshot: None,
            moved: false,
            plan_only: false,
            skip_conflicts: false,
            end_connections: false,
            safety: true,
            hooks: true,
            activity: true,
        }
    }
}

impl UndoRequest {
    /// Takes back what a restore did: exactly the rows that it changed get the values that they had, or what replaced the
    /// whole database is replaced by the state before.
    pub async fn run(
        &self,
        context: &Context,
        workspace: &Workspace,
        caller: &dyn Caller,
    ) -> Result<UndoOutcome, Error> {
        let to = workspace.only_source(self.database.as_deref())?;
        let repository = workspace.repository().await?;
        // What was done while another of several repositories was used is known there.
        gather(context, workspace, workspace.ours(Some(&to.typed)).as_deref(), None, caller).await?;
        let (engine, owner) = (to.engine.as_ref(), to.owner().await);
        let snapshot = match &self.snapshot {
            Some(name) => workspace.snapshot(context, name).await?,
            None => last_applied(context, repository, engine, &owner).await?,
        };
        if !self.moved {
            refuse_other(&snapshot, &owner)?;
        }
        let activity = workspace.activity(&to, snapshot.short_id(), self.activity).await?;
        let mut facts = Facts::new(Operation::Undo, &*to.name, engine.describe(), context.now());
        facts.snapshot = Some(snapshot.id.to_string());
        let scene = Scene { context, workspace, caller, repository, snapshot: &snapshot, to: &to };
        let safety = (self.safety && !self.plan_only).then(|| scene.safety());
        if is_taken_back_whole(&snapshot) {
            let plan = plan_undo(context, repository, engine, &snapshot, safety.as_ref()).await?;
            let wanted = replace::Wanted { terms: self.terms(), plan_only: self.plan_only, plan: None };
            let tell = |outcome: &_| caller.tell(News::Undone(&UndoOutcome::Replaced(Clone::clone(outcome))));
            return Ok(UndoOutcome::Replaced(replace::replace(scene, wanted, plan, facts, tell).await?));
        }
        let plan = undo(context, repository, engine, &snapshot, safety.as_ref()).await?;
        let wanted = change::Wanted {
            terms: self.terms(),
            plan_only: self.plan_only,
            some_rows: false,
            undone: snapshot.manifest.before.as_ref().and_then(|before| before.changes),
            plan: None,
        };
        let outcome = Box::pin(change::change(scene, wanted, plan, &activity, facts, async |_| None)).await?;
        Ok(UndoOutcome::Rows(outcome))
    }

    fn terms(&self) -> Terms {
        Terms {
            on_conflict: if self.skip_conflicts { OnConflict::Skip } else { OnConflict::Stop },
            fire_triggers: false,
            end_connections: self.end_connections,
            also_run: Vec::new(),
            safety: self.safety,
            verify: true,
            hooks: self.hooks,
            activity: self.activity,
        }
    }
}
