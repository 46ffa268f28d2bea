//! A repository that was just made.

use std::path::Path;

use rowkeep::jobs::workspace::{Made, MadeBy};

use super::store;

/// What was made and what its owner must know, in words.
pub(crate) fn told(made: &Made) -> String {
    let faults = store::faults(&made.store);
    std::iter::once(words(made)).chain(faults).collect::<Vec<_>>().join("\n")
}

fn words(made: &Made) -> String {
    let begun = format!("created a repository at {}", made.location);
    match &made.by {
        MadeBy::Passphrase => format!(
            "{begun}, encrypted with your passphrase.\n\
             Nobody can read it without the passphrase, not even to help you: write it down and keep it safe."
        ),
        MadeBy::KeyFile(path) => format!(
            "{begun}, encrypted with the key file {}.\n\
             Keep a copy of that file somewhere else: a password manager, a safe, another machine.\n\
             Without it nobody can ever read the backups; with it anybody can.",
            path.display()
        ),
        MadeBy::ExistingKeyFile(path) => {
            format!("{begun}, encrypted with the existing key file {}.", path.display())
        }
        MadeBy::Unencrypted => {
            format!("{begun}, NOT encrypted: anyone who can read the repository can read the data.")
        }
    }
}

/// The key file that opens it.
pub(crate) fn key_file(made: &Made) -> Option<&Path> {
    match &made.by {
        MadeBy::KeyFile(path) | MadeBy::ExistingKeyFile(path) => Some(path),
        MadeBy::Passphrase | MadeBy::Unencrypted => None,
    }
}
