//! Passphrases that people type, or have in a file.

use std::io::IsTerminal;

use rowkeep::jobs::workspace::{AskPassphrase, NewPassphrase};
use rowkeep::repository::Passphrase;
use secrecy::ExposeSecret;

/// Asks on the terminal, where there is one.
pub(super) enum Prompt {
    /// For the repository.
    Own,
    /// For the one that snapshots are copied to.
    Other,
}

impl Prompt {
    /// What is asked for.
    fn told(&self, what: &str) -> String {
        match self {
            Prompt::Own => what.to_owned(),
            Prompt::Other => format!("of the repository to copy to, {what}"),
        }
    }
}

impl AskPassphrase for Prompt {
    fn present(&self) -> std::io::Result<Option<Passphrase>> {
        ask(&self.told("passphrase"))
    }

    fn chosen(&self) -> std::io::Result<NewPassphrase> {
        twice(&self.told("passphrase (empty: create a key file instead)"))
    }

    fn another(&self) -> std::io::Result<NewPassphrase> {
        twice(&self.told("new passphrase"))
    }
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
