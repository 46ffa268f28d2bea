use std::path::PathBuf;

use anyhow::Result;
use clap::Subcommand;
use rowkeep::jobs::keys::{self, NewSecret, short_id};
use serde_json::json;

use crate::fail::DONE;
use crate::setup::Session;
use crate::ui::key_slots;

/// Manage passphrases and key files.
///
/// Each is a key slot that opens the repository.
#[derive(Debug, Subcommand)]
pub(crate) enum Key {
    /// Add a passphrase or a key file
    Add(Add),
    /// List the key slots
    List,
    /// Remove a key slot: its passphrase or key file no longer opens the repository
    Remove(Remove),
    /// Replace the passphrase that opened the repository with a new one
    Change(Change),
}

#[derive(Debug, clap::Args)]
pub(crate) struct Add {
    /// Create a new key file here and add it
    #[arg(long, value_name = "FILE", conflicts_with = "new_passphrase_file")]
    make_key_file: Option<PathBuf>,
    /// Add the passphrase on the first line of this file [default: ask]
    #[arg(long, value_name = "FILE")]
    new_passphrase_file: Option<PathBuf>,
    /// Label of the slot
    #[arg(long, default_value = "")]
    label: String,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Remove {
    /// Id of the slot, or a prefix of it
    slot: String,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Change {
    /// New passphrase, on the first line of this file [default: ask]
    #[arg(long, value_name = "FILE")]
    new_passphrase_file: Option<PathBuf>,
}

impl Key {
    pub(crate) async fn run(self, session: &Session) -> Result<u8> {
        let workspace = session.workspace()?;
        match self {
            Key::Add(Add { make_key_file, new_passphrase_file, label }) => {
                let from_file = new_passphrase_file.map_or(NewSecret::Asked, NewSecret::PassphraseFile);
                let secret = make_key_file.map_or(from_file, NewSecret::KeyFile);
                let id = keys::add(workspace, &secret, &label).await?;
                session.result(|| json!({ "slot": id }), || format!("added key slot {}", short_id(id)));
            }
            Key::List => {
                let slots = keys::list(workspace).await?;
                session.result(|| json!({ "slots": slots }), || key_slots::told(&slots));
            }
            Key::Remove(Remove { slot }) => {
                let id = keys::remove(workspace, &slot).await?;
                session.result(|| json!({ "removed": id }), || format!("removed key slot {}", short_id(id)));
            }
            Key::Change(Change { new_passphrase_file }) => {
                let changed = keys::change_passphrase(workspace, new_passphrase_file.as_deref()).await?;
                session.result(
                    || json!({ "slot": changed.slot, "removed": changed.removed }),
                    || "the passphrase is changed; no data had to be rewritten".to_owned(),
                );
            }
        }
        Ok(DONE)
    }
}
