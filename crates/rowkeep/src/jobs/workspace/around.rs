//! What stands around a job on a database: hooks, and the row for the application's own log.

use rowkeep_engine::Engine;

use super::{Source, Workspace};
use crate::apply::activity::{About, Activity};
use crate::apply::plan::Plan;
use crate::hooks::{Facts, Hooks, Operation, OperationOutcome, within};
use crate::jobs::caller::{Caller, News};
use crate::jobs::verdict::{Verdict, Verdicted};
use crate::{Context, Error, ErrorKind};

impl Workspace {
    /// The hooks around an operation on a database; none where they are to be left out.
    pub(crate) fn hooks(&self, operation: Operation, source: &Source, wanted: bool) -> Hooks {
        if !wanted {
            return Hooks::default();
        }
        let name = self.configured_as(&source.typed).map(|(name, _)| name);
        self.config.hooks(operation, name).withholding(&self.surroundings().withheld)
    }

    /// The row that the configuration has for a database; none where it is to be left out. Fails where it cannot be written.
    pub(crate) async fn activity(
        &self,
        source: &Source,
        snapshot: String,
        wanted: bool,
    ) -> Result<ActivityRow<'_>, Error> {
        let known = if wanted { self.configured_as(&source.typed) } else { None };
        let (database, activity) = match known {
            Some((name, database)) => (name.to_owned(), database.activity.as_ref()),
            None => (String::new(), None),
        };
        if let Some(activity) = activity {
            activity.check(source.engine.as_ref()).await?;
        }
        let (user, host) = (self.circumstances.user.clone(), self.circumstances.host.clone());
        Ok(ActivityRow { activity, about: About { database, snapshot, user, host } })
    }
}

/// Writes a row for each plan that is executed; or none.
pub(crate) struct ActivityRow<'a> {
    activity: Option<&'a Activity>,
    about: About,
}

impl ActivityRow<'_> {
    /// The statements for a plan, beside others.
    pub(crate) fn beside(
        &self,
        context: &Context,
        engine: &dyn Engine,
        others: &[String],
        plan: &Plan,
    ) -> Result<Vec<String>, Error> {
        let mut statements = others.to_vec();
        if let Some(activity) = self.activity
            && !plan.is_empty()
        {
            statements.push(activity.statement(engine, plan, &self.about, context.now())?);
        }
        Ok(statements)
    }
}

/// Runs an operation within hooks; what failed of the hooks after it is told to the caller, and given back in words.
pub(crate) async fn within_hooks<T: Verdicted>(
    context: &Context,
    caller: &dyn Caller,
    hooks: &Hooks,
    facts: Facts,
    operation: impl AsyncFnOnce(&mut Facts) -> Result<T, Error>,
) -> Result<(T, Vec<String>), Error> {
    let ended = within(context, hooks, facts, judge, operation).await;
    ended.failed.iter().for_each(|error| caller.tell(News::HookFailed(error)));
    let failed = ended.failed.iter().map(ToString::to_string).collect();
    Ok((ended.result?, failed))
}

/// How a result is told to hooks.
fn judge<T: Verdicted>(result: &Result<T, Error>) -> (OperationOutcome, Option<String>) {
    match result.as_ref().map(Verdicted::verdict) {
        Ok(Verdict::Done) => (OperationOutcome::Ok, None),
        Ok(Verdict::Refused) => (OperationOutcome::Refused, None),
        Ok(Verdict::Differences) => {
            (OperationOutcome::Failed, Some("the database differs from the snapshot".to_owned()))
        }
        Ok(Verdict::Failed) => (OperationOutcome::Failed, None),
        Err(error) if error.kind() == ErrorKind::Refused => {
            (OperationOutcome::Refused, Some(error.in_one_line()))
        }
        Err(error) => (OperationOutcome::Failed, Some(error.in_one_line())),
    }
}
