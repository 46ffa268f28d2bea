//! Asking before something is done.

use std::io::{BufRead, IsTerminal, Write};

use crate::out;

/// Asks a question on the terminal; anything but `y` or `yes` is no. Nothing where there is no terminal, so that nobody can
/// be asked.
pub(crate) fn confirmed(question: &str) -> std::io::Result<Option<bool>> {
    if !std::io::stdin().is_terminal() {
        return Ok(None);
    }
    out::clear();
    eprint!("{question} [y/N] ");
    std::io::stderr().flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(Some(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")))
}
