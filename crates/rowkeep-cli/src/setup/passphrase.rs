//! Passphrases that people type, or have in a file.

use std::io::IsTerminal;

use rowkeep::jobs::workspace::{AskPassphrase, NewPassphrase};
use rowkeep::repository::Passphrase;
use rowkeep::units::plain;
use secrecy::ExposeSecret;

/// Asks on the terminal, where there is one.
pub(super) struct Prompt;

impl AskPassphrase for Prompt {
    fn present(&self, repository: Option<&str>) -> std::io::Result<Option<Passphrase>> {
        ask(&of(repository, "passphrase"))
    }

    fn chosen(&self, repository: Option<&str>) -> std::io::Result<NewPassphrase> {
        twice(&of(repository, "passphrase (empty: create a key file instead)"))
    }

    fn another(&self, repository: Option<&str>) -> std::io::Result<NewPassphrase> {
        twice(&of(repository, "new passphrase"))
    }
}

/// What is asked for, with the repository that it is for where there are several.
fn of(repository: Option<&str>, what: &str) -> String {
    repository.map_or_else(|| what.to_owned(), |repository| format!("{}: {what}", plain(repository)))
}

fn twice(prompt: &str) -> std::io::Result<NewPassphrase> {
    let Some(passphrase) = ask(prompt)? else { return Ok(NewPassphrase::None) };
    Ok(match ask("the same again")? {
        Some(again) if again.expose_secret() == passphrase.expose_secret() => {
            NewPassphrase::Given(passphrase)
        }
        _ => NewPassphrase::Differs,
    })
}

fn ask(prompt: &str) -> std::io::Result<Option<Passphrase>> {
    if !std::io::stdin().is_terminal() {
        return Ok(None);
    }
    let typed = rpassword::prompt_password(format!("{prompt}: "))?;
    Ok((!typed.is_empty()).then(|| typed.into()))
}
