//! Around: a command is run between two snapshots.

use serde::{Deserialize, Serialize};

use super::caller::{Caller, RunCommand};
use super::changing::{capturing, run_command, summary};
use super::outcome::{AroundOutcome, SnapshotSummary};
use super::run_between::around;
use super::workspace::Workspace;
use super::{CommandLine, DatabaseRef};
use crate::diff::Changeset;
use crate::state::snapshots::AROUND;
use crate::{Context, Error};

/// Which command is to be run, on which database.
///
/// ```no_run
/// use rowkeep::jobs::around::AroundRequest;
/// use rowkeep::jobs::caller::{RunCommand, Unattended};
/// # async fn example(
/// #     workspace: &rowkeep::jobs::workspace::Workspace, runner: &dyn RunCommand,
/// # ) -> Result<(), rowkeep::Error> {
/// let request = AroundRequest { database: "shop".into(), command: ["./import"].into_iter().collect() };
/// let (outcome, _rows) = request.run(&rowkeep::Context::silent(), workspace, &Unattended, runner).await?;
/// assert_eq!(outcome.effect.difference.rows.deleted, 0);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AroundRequest {
    /// The database.
    pub database: DatabaseRef,
    /// The command with its arguments.
    pub command: CommandLine,
}

impl AroundRequest {
    /// Captures, has the command run, captures again, and compares. The rows that were changed are beside the outcome, as long
    /// as the process lives. Nothing is rolled back.
    pub async fn run(
        &self,
        context: &Context,
        workspace: &Workspace,
        caller: &dyn Caller,
        runner: &dyn RunCommand,
    ) -> Result<(AroundOutcome, Changeset), Error> {
        let source = workspace.source(&self.database)?;
        let repository = workspace.repository_or_new(std::slice::from_ref(&source), caller).await?;
        let options = capturing(workspace, &source);
        let command =
            async |before: &_| run_command(workspace, &source, caller, runner, &self.command, before).await;
        let done = around(context, repository, source.engine.as_ref(), &options, AROUND, command).await?;
        let effect = done.effect?;
        let outcome = AroundOutcome {
            before: SnapshotSummary::of(&done.before),
            problem: done.problem,
            effect: summary(&done.before, &effect, &done.unrecorded),
        };
        Ok((outcome, effect.difference.changes))
    }
}
