//! Hooks: commands and webhooks that run before and after an operation.
//!
//! They are for what stands around a database: maintenance mode, snapshots of a provider, notices, caches. `docs/hooks.md`
//! says how they are written down and what they are told.

mod command;
mod definition;
mod facts;
mod read;
mod webhook;

use definition::{Action, Problem};
pub use definition::{Hook, Moment, Operation};
pub use facts::{Facts, OperationOutcome};
pub use read::{FileHook, read_all};
use secrecy::ExposeSecret;

use crate::{Context, Error, Event};

/// The hooks around one operation on one database.
#[derive(Debug, Clone, Default)]
pub struct Hooks {
    before: Vec<(Moment, Hook)>,
    after: Vec<(Moment, Hook)>,
    withheld: Vec<String>,
}

impl Hooks {
    /// The hooks around an operation on a database: those for every database, and the database's own.
    ///
    /// Before the operation those for every database come first, then the database's own; after it the other way round.
    pub fn around(operation: Operation, for_all: &[Hook], own: &[Hook]) -> Self {
        let at = |moment: Moment, hooks: &[Hook]| -> Vec<(Moment, Hook)> {
            let meant = hooks.iter().filter(|hook| hook.when.contains(&moment));
            meant.map(|hook| (moment, hook.clone())).collect()
        };
        let (before, after) = (Moment::Before(operation), Moment::After(operation));
        Self {
            before: [at(before, for_all), at(before, own)].concat(),
            after: [at(after, own), at(after, for_all)].concat(),
            withheld: Vec::new(),
        }
    }

    /// The same hooks, whose commands do not get these variables of the environment.
    pub fn withholding(self, names: &[String]) -> Self {
        Self { withheld: names.to_vec(), ..self }
    }
}

/// How an operation within hooks ended.
#[derive(Debug)]
pub struct Ended<T, E> {
    /// What the operation gave; or the error of a hook before it, for which it was not begun.
    pub result: Result<T, E>,
    /// What failed of the hooks after it.
    pub failed: Vec<Error>,
}

/// Runs an operation within hooks.
///
/// The hooks before it run one after the other; the first that fails stops everything, and the operation is not begun. Then,
/// whatever happened (also when a hook before it failed, and when somebody asked to stop), every hook after it runs, and one
/// that fails keeps no other from running.
///
/// `operation` may add to the facts that the hooks after it are told; `judge` says how its result is to be told, unless it
/// failed because somebody asked to stop.
pub async fn within<T, E: From<Error>>(
    context: &Context,
    hooks: &Hooks,
    mut facts: Facts,
    judge: impl FnOnce(&Result<T, E>) -> (OperationOutcome, Option<String>),
    operation: impl AsyncFnOnce(&mut Facts) -> Result<T, E>,
) -> Ended<T, E> {
    let mut result = Ok(());
    for (moment, hook) in &hooks.before {
        if result.is_ok() {
            result = run(context, hooks, *moment, hook, &facts).await;
        }
    }
    let result = match result {
        Ok(()) => operation(&mut facts).await,
        Err(error) => Err(E::from(error)),
    };
    let (outcome, error) = judge(&result);
    let is_interrupted = result.is_err() && context.is_cancelled();
    facts.end(if is_interrupted { OperationOutcome::Interrupted } else { outcome }, error);
    let mut failed = Vec::new();
    for (moment, hook) in &hooks.after {
        if let Err(error) = run(context, hooks, *moment, hook, &facts).await {
            failed.push(error);
        }
    }
    Ended { result, failed }
}

async fn run(
    context: &Context,
    hooks: &Hooks,
    moment: Moment,
    hook: &Hook,
    facts: &Facts,
) -> Result<(), Error> {
    let told = moment.to_string();
    let is_before = matches!(moment, Moment::Before(_));
    if is_before && context.is_cancelled() {
        return Err(Error::Cancelled);
    }
    context.observe(Event::Hook { moment: &told, hook: &hook.name });
    let ended = match &hook.action {
        Action::Command(line) => {
            // What comes after an operation runs although, and because, it was asked to stop.
            let stop = is_before.then(|| context.cancel().clone());
            let environment = facts.environment(moment);
            command::run(context, hook, line.expose_secret(), environment, &hooks.withheld, stop).await
        }
        Action::Webhook { url, headers } => {
            let sent = webhook::send(url, headers, facts.json(moment), hook.timeout);
            match is_before {
                true => match context.cancel().run_until_cancelled(sent).await {
                    Some(sent) => sent.map_err(Problem::Failed),
                    None => Err(Problem::Stopped),
                },
                false => sent.await.map_err(Problem::Failed),
            }
        }
    };
    ended.map_err(|problem| match problem {
        Problem::Stopped => Error::Cancelled,
        Problem::Failed(problem) => Error::Hook { moment: told, hook: hook.name.clone(), problem },
    })
}
