//! Long output: through a pager on a terminal, plainly elsewhere.

use std::io::{IsTerminal, Write};
use std::process::{Child, Command, Stdio};

use crate::out;
use crate::setup::withheld;

/// Where text goes line by line.
pub(crate) struct Pager {
    child: Option<Child>,
    /// Whether colours are understood.
    pub(crate) colours: bool,
    closed: bool,
}

impl Pager {
    /// Standard output, behind `$PAGER` (or `less`) when it is a terminal.
    pub(crate) fn begin() -> Self {
        out::clear();
        let is_terminal = std::io::stdout().is_terminal();
        let child = if is_terminal { spawn() } else { None };
        let colours = is_terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self { child, colours, closed: false }
    }

    /// Writes a line; returns whether anybody still reads.
    pub(crate) fn line(&mut self, text: &str) -> bool {
        if self.closed {
            return false;
        }
        let written = match self.child.as_mut().and_then(|child| child.stdin.as_mut()) {
            Some(pipe) => writeln!(pipe, "{text}"),
            None => writeln!(std::io::stdout().lock(), "{text}"),
        };
        if let Err(error) = &written {
            out::lost(error);
        }
        self.closed = written.is_err();
        !self.closed
    }
}

/// Waits until the reader is done.
impl Drop for Pager {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            drop(child.stdin.take());
            let _ = child.wait();
        }
    }
}

fn spawn() -> Option<Child> {
    let pager = std::env::var("PAGER").ok().filter(|pager| !pager.trim().is_empty());
    let mut words = pager.as_deref().unwrap_or("less").split_whitespace();
    let program = words.next()?;
    if program == "cat" {
        return None;
    }
    let mut command = Command::new(program);
    command.args(words).stdin(Stdio::piped());
    for name in withheld() {
        command.env_remove(name);
    }
    if program.ends_with("less") && std::env::var_os("LESS").is_none() {
        // Colours as they are; end at once what fits on one screen.
        command.env("LESS", "FRX");
    }
    command.spawn().ok()
}
