//! Hooks that are commands.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, Command};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::definition::{Hook, Problem};
use crate::{Context, Event};

/// How long a command that was asked to end may take for that.
const GRACE: Duration = Duration::from_secs(3);

/// How long the output of a command is waited for when it has ended: what it left running may hold it open for ever.
const OUTPUT: Duration = Duration::from_secs(1);

/// Longer lines are told in parts.
const LINE_BYTES: usize = 4096;

/// Runs a command line by the shell, in a process group of its own, and tells its output line by line.
///
/// It does not get the variables that are `withheld`.
///
/// The group is ended when time is out or `stop` is cancelled, first with a request and then by force; also when
/// this is dropped.
pub(super) async fn run(
    context: &Context,
    hook: &Hook,
    line: &str,
    environment: Vec<(&'static str, String)>,
    withheld: &[String],
    stop: Option<CancellationToken>,
) -> Result<(), Problem> {
    let mut command = shell(line);
    for name in withheld {
        command.env_remove(name);
    }
    command.envs(environment).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.kill_on_drop(true);
    let mut child =
        command.spawn().map_err(|error| Problem::Failed(format!("cannot be started: {error}")))?;
    let mut group = Group::of(&child);
    let output = child.stdout.take().map(|pipe| tell(context, hook, pipe));
    let errors = child.stderr.take().map(|pipe| tell(context, hook, pipe));
    let mut lines = Lines { output, errors, last: None };
    let stopped = async {
        match &stop {
            Some(stop) => stop.cancelled().await,
            None => std::future::pending().await,
        }
    };
    let problem = tokio::select! {
        status = child.wait() => {
            let _ = timeout(OUTPUT, lines.end()).await;
            group.forget();
            return match status {
                Ok(status) if status.success() => Ok(()),
                Ok(status) => Err(Problem::Failed(lines.last(format!("ended with {status}")))),
                Err(error) => Err(Problem::Failed(format!("cannot be waited for: {error}"))),
            };
        }
        () = tokio::time::sleep(hook.timeout) => {
            Problem::Failed(format!("took longer than {} s and was ended", hook.timeout.as_secs()))
        }
        () = stopped => Problem::Stopped,
    };
    group.ask_to_end();
    // They hold the output open until they end, all of them.
    let _ = timeout(GRACE, lines.end()).await;
    group.kill();
    let _ = child.start_kill();
    let _ = child.wait().await;
    Err(match problem {
        Problem::Failed(problem) => Problem::Failed(lines.last(problem)),
        Problem::Stopped => Problem::Stopped,
    })
}

#[cfg(unix)]
fn shell(line: &str) -> Command {
    let mut command = Command::new("sh");
    command.arg("-c").arg(line).process_group(0);
    command
}

#[cfg(not(unix))]
fn shell(line: &str) -> Command {
    let mut command = Command::new("cmd");
    command.arg("/C").arg(line);
    command
}

/// The processes that a command consists of; killed on drop, unless they were forgotten.
struct Group(Option<u32>);

impl Group {
    fn of(child: &Child) -> Self {
        Self(child.id())
    }

    fn forget(&mut self) {
        self.0 = None;
    }

    fn kill(&mut self) {
        self.signal(true);
        self.forget();
    }

    fn ask_to_end(&self) {
        self.signal(false);
    }

    #[cfg(unix)]
    fn signal(&self, by_force: bool) {
        use rustix::process::{Pid, Signal, kill_process_group};
        let signal = if by_force { Signal::KILL } else { Signal::TERM };
        if let Some(pid) = self.0.and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw) {
            // They may all have ended.
            let _ = kill_process_group(pid, signal);
        }
    }

    #[cfg(not(unix))]
    fn signal(&self, _by_force: bool) {}
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(true);
    }
}

type Telling = AbortOnDropHandle<Option<String>>;

/// What is told of a command's output, and the last line of it.
struct Lines {
    output: Option<Telling>,
    errors: Option<Telling>,
    last: Option<String>,
}

impl Lines {
    async fn end(&mut self) {
        for telling in [&mut self.output, &mut self.errors] {
            if let Some(task) = telling {
                self.last = task.await.ok().flatten().or(self.last.take());
                *telling = None;
            }
        }
    }

    /// A problem with the last line of output, which often says why.
    fn last(&self, problem: String) -> String {
        match &self.last {
            Some(line) => format!("{problem}: {line}"),
            None => problem,
        }
    }
}

/// Tells all lines; gives the last that is not blank.
fn tell(context: &Context, hook: &Hook, mut pipe: impl AsyncRead + Unpin + Send + 'static) -> Telling {
    let (context, name) = (context.clone(), hook.name.clone());
    AbortOnDropHandle::new(tokio::spawn(async move {
        let mut last = None;
        let mut say = |line: &[u8]| {
            let line = String::from_utf8_lossy(line);
            let line = line.trim_end_matches(['\r', '\n']);
            context.observe(Event::HookLine { hook: &name, line });
            if !line.trim().is_empty() {
                last = Some(line.trim().to_owned());
            }
        };
        let mut held = Vec::with_capacity(LINE_BYTES);
        while let Ok(1..) = pipe.read_buf(&mut held).await {
            while let Some(end) = held.iter().position(|byte| *byte == b'\n') {
                say(&held.drain(..=end).collect::<Vec<_>>());
            }
            if held.len() >= LINE_BYTES {
                say(&std::mem::take(&mut held));
            }
        }
        if !held.is_empty() {
            say(&held);
        }
        last
    }))
}
