use std::path::PathBuf;

use anyhow::Result;
use clap::Subcommand;
use rowkeep::Error;
use rowkeep::format::ids::KeySlotId;
use rowkeep::repository::{Kdf, KeyFile, KeySlot, Lock, NewSlot, Passphrase, Repository, SlotKind};
use serde_json::json;

use crate::fail::{CommandError, DONE};
use crate::setup::{Session, ask_new, passphrase_in};
use crate::ui::table::{Column, render};
use crate::ui::units::local_time;

/// Manage the key slots of a repository: each is a passphrase or a key file that opens it.
#[derive(Debug, Subcommand)]
pub(crate) enum Key {
    /// Add a passphrase or a key file
    Add(Add),
    /// List the key slots
    List,
    /// Remove a key slot; what it was opened with opens the repository no more
    Remove(Remove),
    /// Replace the passphrase that the repository was opened with by a new one
    Change(Change),
}

#[derive(Debug, clap::Args)]
pub(crate) struct Add {
    /// Make a new key file here and add it
    #[arg(long, value_name = "FILE", conflicts_with = "new_passphrase_file")]
    make_key_file: Option<PathBuf>,
    /// Add the passphrase in the first line of this file; typed when not given
    #[arg(long, value_name = "FILE")]
    new_passphrase_file: Option<PathBuf>,
    /// Words to tell this slot from others
    #[arg(long, default_value = "")]
    label: String,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Remove {
    /// The id of the slot, or its beginning
    slot: String,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Change {
    /// Take the new passphrase from the first line of this file; typed when not given
    #[arg(long, value_name = "FILE")]
    new_passphrase_file: Option<PathBuf>,
}

impl Key {
    pub(crate) async fn run(self, session: &Session) -> Result<u8> {
        let repository = session.workspace()?.repository().await?;
        if !repository.is_encrypted() {
            return Err(CommandError::usage("the repository is not encrypted, so it has no key slots").into());
        }
        match self {
            Key::Add(command) => command.run(session, repository).await,
            Key::List => list(session, repository).await,
            Key::Remove(command) => command.run(session, repository).await,
            Key::Change(command) => command.run(session, repository).await,
        }
    }
}

impl Add {
    async fn run(self, session: &Session, repository: &Repository) -> Result<u8> {
        let lock = match &self.make_key_file {
            Some(path) => {
                let file = KeyFile::generate().map_err(Error::from)?;
                file.write_new(path).map_err(Error::from)?;
                Lock::KeyFile(file)
            }
            None => Lock::Passphrase(new_passphrase(self.new_passphrase_file)?, Kdf::DEFAULT),
        };
        let id = repository.add_key_slot(new_slot(lock, &self.label)).await.map_err(Error::from)?;
        session.result(|| json!({ "slot": id }), || format!("added key slot {}", short(id)));
        Ok(DONE)
    }
}

impl Remove {
    async fn run(self, session: &Session, repository: &Repository) -> Result<u8> {
        let slots = repository.key_slots().await.map_err(Error::from)?;
        let found: Vec<&KeySlot> =
            slots.iter().filter(|slot| slot.id.to_string().starts_with(&self.slot)).collect();
        let [slot] = found.as_slice() else {
            let message = format!("{} key slots begin with {}", found.len(), self.slot);
            return Err(CommandError::usage(message).with_hint("`rowkeep key list` lists them").into());
        };
        repository.remove_key_slot(slot.id).await.map_err(Error::from)?;
        session.result(|| json!({ "removed": slot.id }), || format!("removed key slot {}", short(slot.id)));
        Ok(DONE)
    }
}

impl Change {
    async fn run(self, session: &Session, repository: &Repository) -> Result<u8> {
        let slots = repository.key_slots().await.map_err(Error::from)?;
        let present = slots.iter().find(|slot| Some(slot.id) == repository.unlocked_by());
        let Some(present) = present.filter(|slot| slot.kind == SlotKind::Passphrase) else {
            let message = "the repository was opened with a key file, which has no passphrase to change";
            let hint = "add another with `rowkeep key add` and remove this one with `rowkeep key remove`";
            return Err(CommandError::usage(message).with_hint(hint).into());
        };
        let lock = Lock::Passphrase(new_passphrase(self.new_passphrase_file)?, Kdf::DEFAULT);
        let id = repository
            .replace_key_slot(present.id, new_slot(lock, &present.label))
            .await
            .map_err(Error::from)?;
        session.result(
            || json!({ "slot": id, "removed": present.id }),
            || "the passphrase is changed; the data did not have to be written again".to_owned(),
        );
        Ok(DONE)
    }
}

async fn list(session: &Session, repository: &Repository) -> Result<u8> {
    let slots = repository.key_slots().await.map_err(Error::from)?;
    let columns =
        [Column("SLOT", false), Column("OPENED BY", false), Column("MADE", false), Column("LABEL", false)];
    let here = repository.unlocked_by();
    session.result(
        || {
            let slots = slots.iter().map(|slot| {
                json!({
                    "id": slot.id,
                    "opened_by": kind(slot.kind),
                    "created": slot.created,
                    "label": slot.label,
                    "in_use": Some(slot.id) == here,
                })
            });
            json!({ "slots": slots.collect::<Vec<_>>() })
        },
        || {
            let rows = slots.iter().map(|slot| {
                let mark = if Some(slot.id) == here { " (in use)" } else { "" };
                let created = local_time(&slot.created.to_string());
                vec![short(slot.id), format!("{}{mark}", kind(slot.kind)), created, slot.label.clone()]
            });
            render(&columns, rows)
        },
    );
    Ok(DONE)
}

fn new_passphrase(file: Option<PathBuf>) -> Result<Passphrase> {
    match file {
        Some(path) => passphrase_in(&path),
        None => ask_new("new passphrase")?.ok_or_else(|| {
            CommandError::usage("no new passphrase is given")
                .with_hint("type it on a terminal, or name a file with --new-passphrase-file")
                .into()
        }),
    }
}

fn kind(kind: SlotKind) -> &'static str {
    match kind {
        SlotKind::Passphrase => "passphrase",
        SlotKind::KeyFile => "key file",
    }
}

fn short(id: KeySlotId) -> String {
    id.to_string()[..8].to_owned()
}

/// A key slot that is to be made now.
fn new_slot(lock: Lock, label: &str) -> NewSlot {
    NewSlot { lock, label: label.to_owned(), created: jiff::Timestamp::now() }
}
