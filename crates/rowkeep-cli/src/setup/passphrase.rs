//! Passphrases that people type, or have in a file.

use std::io::IsTerminal;
use std::path::Path;

use anyhow::Result;
use rowkeep::RequestError;
use rowkeep::jobs::workspace::{AskPassphrase, NewPassphrase};
use rowkeep::repository::Passphrase;
use zeroize::Zeroizing;

use crate::fail::CommandError;

/// Asks on the terminal, where there is one.
pub(super) struct Prompt;

impl AskPassphrase for Prompt {
    fn present(&self) -> std::io::Result<Option<Passphrase>> {
        ask("passphrase")
    }

    fn chosen(&self) -> std::io::Result<NewPassphrase> {
        twice("passphrase for the repository (empty: make a key file instead)")
    }
}

/// The passphrase in the first line of a file.
pub(crate) fn passphrase_in(path: &Path) -> Result<Passphrase> {
    let read = rowkeep::jobs::workspace::passphrase_in(path);
    Ok(read.map_err(|problem| rowkeep::Error::from(RequestError::Secret(problem)))?)
}

/// Asks for a new passphrase twice; nothing when the person leaves it empty or there is no terminal.
pub(crate) fn ask_new(prompt: &str) -> Result<Option<Passphrase>> {
    match twice(prompt)? {
        NewPassphrase::Given(passphrase) => Ok(Some(passphrase)),
        NewPassphrase::Differs => Err(CommandError::usage("the two passphrases differ").into()),
        NewPassphrase::None => Ok(None),
    }
}

fn twice(prompt: &str) -> std::io::Result<NewPassphrase> {
    let Some(passphrase) = ask(prompt)? else { return Ok(NewPassphrase::None) };
    Ok(match ask("the same again")? {
        Some(again) if again == passphrase => NewPassphrase::Given(passphrase),
        _ => NewPassphrase::Differs,
    })
}

fn ask(prompt: &str) -> std::io::Result<Option<Passphrase>> {
    if !std::io::stdin().is_terminal() {
        return Ok(None);
    }
    let typed = rpassword::prompt_password(format!("{prompt}: "))?;
    Ok((!typed.is_empty()).then(|| Zeroizing::new(typed)))
}
