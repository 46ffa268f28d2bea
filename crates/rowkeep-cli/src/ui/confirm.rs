//! Asking before something is done.

use std::io::{BufRead, IsTerminal, Write};

use anyhow::Result;

use crate::fail::CommandError;

/// Asks a question on the terminal; anything but `y` or `yes` is no.
///
/// Without a terminal nobody can be asked: refused, with what to type instead.
pub(crate) fn confirmed(question: &str, instead: &str) -> Result<bool> {
    if !std::io::stdin().is_terminal() {
        return Err(CommandError::refused("nobody can be asked, for there is no terminal")
            .with_hint(format!("look at the plan with --dry-run, then give {instead}"))
            .into());
    }
    eprint!("{question} [y/N] ");
    std::io::stderr().flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}
