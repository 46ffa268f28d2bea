//! Hooks: commands and webhooks that run before and after an operation.
//!
//! They are for what stands around a database: maintenance mode, snapshots of a provider, notices, caches. `docs/hooks.md`
//! says how they are written down and what they are told.

mod command;
mod facts;
mod read;
mod webhook;

use std::fmt;
use std::time::Duration;

pub use facts::{Facts, Outcome};
pub use read::{FileHook, read_all};

use crate::config::Config;
use crate::{Context, Error, Event};

/// An operation that hooks can stand around.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// A snapshot is made.
    Backup,
    /// A snapshot is restored.
    Restore,
    /// A restore is taken back.
    Undo,
    /// A migration is run.
    Migrate,
}

impl Operation {
    /// All of them.
    pub const ALL: [Operation; 4] =
        [Operation::Backup, Operation::Restore, Operation::Undo, Operation::Migrate];

    /// Its name, as configurations and hooks know it.
    pub fn name(self) -> &'static str {
        match self {
            Operation::Backup => "backup",
            Operation::Restore => "restore",
            Operation::Undo => "undo",
            Operation::Migrate => "migrate",
        }
    }
}

/// When a hook runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Before anything of an operation is done.
    Before(Operation),
    /// After it, however it ended.
    After(Operation),
}

impl Moment {
    /// The moment of a name such as `before-restore`.
    pub fn parse(text: &str) -> Option<Self> {
        let all = Operation::ALL.into_iter().flat_map(|of| [Moment::Before(of), Moment::After(of)]);
        all.into_iter().find(|moment| moment.to_string() == text)
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Moment::Before(operation) => write!(f, "before-{}", operation.name()),
            Moment::After(operation) => write!(f, "after-{}", operation.name()),
        }
    }
}

/// Something to run at some moments.
#[derive(Debug, Clone, PartialEq)]
pub struct Hook {
    /// What people call it. It holds no secret.
    pub name: String,
    /// When it runs.
    pub when: Vec<Moment>,
    /// The longest that it may take, tries again included.
    pub timeout: Duration,
    action: Action,
}

#[derive(Debug, Clone, PartialEq)]
enum Action {
    /// A command line for the shell.
    Command(String),
    /// A request.
    Webhook { url: Secret, headers: Vec<(String, Secret)> },
}

/// Text that may be secret, or why it cannot be had: a variable of the environment that is not set.
///
/// That is an error of the hook only, not of the configuration, so that commands without hooks go on without it.
#[derive(Clone, PartialEq)]
struct Secret(Result<String, String>);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// The hooks around one operation on one database.
#[derive(Debug, Clone, Default)]
pub struct Hooks {
    before: Vec<(Moment, Hook)>,
    after: Vec<(Moment, Hook)>,
}

impl Hooks {
    /// The hooks that a configuration has for an operation, on a database that it names or on any other.
    ///
    /// Before the operation those for every database come first, then the database's own; after it the other way round.
    pub fn of(config: &Config, database: Option<&str>, operation: Operation) -> Self {
        let own = database.and_then(|name| config.databases.get(name)).map_or(&[][..], |known| &known.hooks);
        let at = |moment: Moment, hooks: &[Hook]| -> Vec<(Moment, Hook)> {
            let meant = hooks.iter().filter(|hook| hook.when.contains(&moment));
            meant.map(|hook| (moment, hook.clone())).collect()
        };
        let (before, after) = (Moment::Before(operation), Moment::After(operation));
        Self {
            before: [at(before, &config.hooks), at(before, own)].concat(),
            after: [at(after, own), at(after, &config.hooks)].concat(),
        }
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
    judge: impl FnOnce(&Result<T, E>) -> (Outcome, Option<String>),
    operation: impl AsyncFnOnce(&mut Facts) -> Result<T, E>,
) -> Ended<T, E> {
    let mut result = Ok(());
    for (moment, hook) in &hooks.before {
        if result.is_ok() {
            result = run(context, *moment, hook, &facts).await;
        }
    }
    let result = match result {
        Ok(()) => operation(&mut facts).await,
        Err(error) => Err(E::from(error)),
    };
    let (outcome, error) = judge(&result);
    let is_interrupted = result.is_err() && context.is_cancelled();
    facts.end(if is_interrupted { Outcome::Interrupted } else { outcome }, error);
    let mut failed = Vec::new();
    for (moment, hook) in &hooks.after {
        if let Err(error) = run(context, *moment, hook, &facts).await {
            failed.push(error);
        }
    }
    Ended { result, failed }
}

async fn run(context: &Context, moment: Moment, hook: &Hook, facts: &Facts) -> Result<(), Error> {
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
            command::run(context, hook, line, facts.environment(moment), stop).await
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

/// Why a hook did not end well.
enum Problem {
    /// Somebody asked to stop.
    Stopped,
    /// Anything else, in words that go on after the hook's name.
    Failed(String),
}
