//! Which migration is to be run, on which database.

use std::ffi::OsString;

use serde::{Deserialize, Serialize};

use super::{MigrateOptions, Migration, Rollback, migrate};
use crate::diff::Changeset;
use crate::hooks::{Facts, Operation};
use crate::jobs::caller::{Caller, RunCommand};
use crate::jobs::changing::{capturing, run_command, summary};
use crate::jobs::outcome::{MigrationOutcome, RollbackSummary, SnapshotSummary};
use crate::jobs::verdict::{Verdict, Verdicted};
use crate::jobs::workspace::{Source, Workspace, within_hooks};
use crate::jobs::{CommandLine, DatabaseRef};
use crate::{Context, Error};

/// Which migration is to be run, on which database.
///
/// ```no_run
/// use rowkeep::jobs::caller::{RunCommand, Unattended};
/// use rowkeep::jobs::migrate::MigrateRequest;
/// # async fn example(
/// #     workspace: &rowkeep::jobs::workspace::Workspace, runner: &dyn RunCommand,
/// # ) -> Result<(), rowkeep::Error> {
/// let request = MigrateRequest::of("shop", ["./bin/migrate".into()]);
/// let migrated = request.run(&rowkeep::Context::silent(), workspace, &Unattended, runner).await?;
/// assert!(migrated.outcome.problems.is_empty());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MigrateRequest {
    /// The database.
    pub database: DatabaseRef,
    /// The command with its arguments.
    pub command: CommandLine,
    /// Whether it fails when a table or a column is gone, or rows were deleted.
    #[serde(default)]
    pub expect_no_loss: bool,
    /// Whether other connections are ended before the database is rolled back.
    #[serde(default)]
    pub end_connections: bool,
    /// Whether hooks run.
    pub hooks: bool,
}

/// A migration that was run.
pub struct Migrated {
    /// What became of it.
    pub outcome: MigrationOutcome,
    /// The rows that it changed.
    pub changes: Option<Changeset>,
    /// Why it could not be taken back, where that was needed and failed.
    pub failure: Option<Error>,
}

impl Verdicted for Migrated {
    fn verdict(&self) -> Verdict {
        self.outcome.verdict()
    }
}

impl MigrateRequest {
    /// A request to run a command, with every choice as it is when nobody makes it.
    pub fn of(database: impl Into<String>, command: impl IntoIterator<Item = OsString>) -> Self {
        Self {
            database: database.into().into(),
            command: command.into_iter().collect(),
            expect_no_loss: false,
            end_connections: false,
            hooks: true,
        }
    }

    /// Runs the command between two snapshots; when it or a check fails, or something is lost, the database becomes what it was.
    pub async fn run(
        &self,
        context: &Context,
        workspace: &Workspace,
        caller: &dyn Caller,
        runner: &dyn RunCommand,
    ) -> Result<Migrated, Error> {
        let source = workspace.source(&self.database)?;
        let repository = workspace.repository_or_new(std::slice::from_ref(&source), caller).await?;
        let hooks = workspace.hooks(Operation::Migrate, &source, self.hooks);
        let facts = Facts::new(Operation::Migrate, &*source.name, source.engine.describe(), context.now());
        let options = MigrateOptions {
            capture: capturing(workspace, &source),
            checks: source.checks.clone(),
            expect_no_loss: self.expect_no_loss,
            end_connections: self.end_connections,
        };
        let (mut migrated, failed) = within_hooks(context, caller, &hooks, facts, async |facts| {
            let command = async |before: &_| {
                run_command(workspace, &source, caller, runner, &self.command, before).await
            };
            let done = migrate(context, repository, source.engine.as_ref(), &options, command).await?;
            let migrated = self.migrated(&source, done);
            note(facts, &migrated);
            Ok(migrated)
        })
        .await?;
        migrated.outcome.hooks_failed = failed;
        Ok(migrated)
    }

    fn migrated(&self, source: &Source, done: Migration) -> Migrated {
        let effect = done.effect.as_ref().ok();
        let effect = effect.map(|effect| summary(&done.before, effect, &done.unrecorded));
        let (mut rollback, mut failure) = (None, None);
        match done.rollback {
            None => {}
            Some(Ok(done)) => rollback = Some(rolled_back(done)),
            Some(Err(error)) => {
                rollback = Some(RollbackSummary::Failed(error.to_string()));
                let before = done.before.short_id();
                failure = Some(error.of_step(format!(
                    "the database could not be rolled back; snapshot {before} is the state before"
                )));
            }
        }
        let outcome = MigrationOutcome {
            database: source.engine.describe(),
            before: SnapshotSummary::of(&done.before),
            effect,
            checks: done.checks,
            problems: done.problems,
            rollback,
            hooks_failed: Vec::new(),
        };
        Migrated { outcome, changes: done.effect.ok().map(|effect| effect.difference.changes), failure }
    }
}

fn rolled_back(done: Rollback) -> RollbackSummary {
    RollbackSummary::Done {
        proven: done.is_proven(),
        rows: done.rows,
        notes: done.notes,
        unrecorded: done.taken_back.done,
        left: done.taken_back.left,
        comparison: Box::new(done.comparison),
    }
}

/// Tells hooks what became of it.
fn note(facts: &mut Facts, migrated: &Migrated) {
    let outcome = &migrated.outcome;
    facts.snapshot = Some(outcome.before.id.to_string());
    facts.rows = outcome.effect.as_ref().map(|effect| effect.difference.rows);
    facts.problem = match (&migrated.failure, &outcome.rollback) {
        (Some(failure), _) => Some(failure.in_one_line()),
        (None, Some(RollbackSummary::Done { proven: false, .. })) => Some(format!(
            "{} was rolled back, but it is not all that snapshot {} is",
            outcome.database,
            &outcome.before.id.to_string()[..crate::state::snapshots::SHORT_ID]
        )),
        _ => outcome.problems.first().cloned(),
    };
}
