//! Commands of others, run with rowkeep's own input and output.

use std::ffi::OsString;
use std::process::ExitStatus;
use std::time::Duration;

use anyhow::Result;
use rowkeep::async_trait;
use rowkeep::jobs::caller::RunCommand;
use tokio::process::{Child, Command};

use crate::setup::Session;

/// How long a command that was asked to stop may take to end before it is killed.
const GRACE: Duration = Duration::from_secs(10);

/// Runs commands with rowkeep's own input and output.
///
/// Where the result of rowkeep is JSON on stdout, what a command prints there goes to stderr. Ctrl-C on a terminal reaches
/// the command by itself; one that does not end then, or that only rowkeep was asked to stop for, is killed. What opens the
/// repository is not in the environment of a command.
pub(crate) struct Inherit<'s> {
    session: &'s Session,
    withheld: &'s [String],
}

impl<'s> Inherit<'s> {
    /// Runs commands of a session.
    pub(crate) fn of(session: &'s Session) -> Result<Self> {
        Ok(Self { session, withheld: &session.workspace()?.surroundings().withheld })
    }
}

#[async_trait]
impl RunCommand for Inherit<'_> {
    async fn run(&self, words: &[OsString], variables: &[(&str, OsString)]) -> Option<String> {
        let [program, arguments @ ..] = words else { return Some("no command was given".to_owned()) };
        let name = program.to_string_lossy().into_owned();
        let mut command = Command::new(program);
        for name in self.withheld {
            command.env_remove(name);
        }
        command.args(arguments).envs(variables.iter().map(|(name, value)| (name, value)));
        if self.session.global.json {
            command.stdout(std::io::stderr());
        }
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) => return Some(format!("{name} cannot be run: {error}")),
        };
        let ended = tokio::select! {
            status = child.wait() => status,
            () = self.session.context.cancelled() => {
                return Some(match stopped(&mut child).await {
                    Ok(_) => format!("{name} was stopped"),
                    Err(error) => format!("{name} was stopped, but its exit status is unknown: {error}"),
                });
            }
        };
        match ended {
            Ok(status) if status.success() => None,
            Ok(status) => Some(format!("{name} ended with {status}")),
            Err(error) => Some(format!("the exit status of {name} is unknown: {error}")),
        }
    }
}

async fn stopped(child: &mut Child) -> std::io::Result<ExitStatus> {
    match tokio::time::timeout(GRACE, child.wait()).await {
        Ok(status) => status,
        Err(_) => {
            child.start_kill()?;
            child.wait().await
        }
    }
}
