//! Asking before something is done.

use std::io::{BufRead, IsTerminal, Write};

use crate::out;
use crate::wrap::{width_of_messages, wrapped};

/// Asks a question on the terminal; anything but `y` or `yes` is no. Nothing where there is no terminal, so that nobody can
/// be asked.
pub(crate) fn confirmed(question: &str) -> std::io::Result<Option<bool>> {
    if !std::io::stdin().is_terminal() {
        return Ok(None);
    }
    out::clear();
    let question = wrapped(&format!("{question} [y/N]"), width_of_messages()) + " ";
    eprint!("{question}");
    std::io::stderr().flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(Some(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")))
}
