//! The recovery kit: one page for a safe, with all that it takes to read the backups when everything else is gone.

mod contents;
mod page;
mod qr;
mod text;

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rowkeep_format::ids::KeySlotId;
use rowkeep_repository::{KeyFile, Lock, NewSlot, Repository, SlotKind};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use contents::{Contents, Key};

use super::workspace::Workspace;
use crate::{Error, private_files};

/// Which kit is to be made. A person makes it where it is printed, so it is no job that is kept and run later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KitOptions {
    /// The file: a page for a browser where it ends with `.html`, else text.
    pub to: PathBuf,
    /// Whether a key is on it where a passphrase opens the repository: one that is made for it alone.
    pub with_key: bool,
    /// Whether a file that is there is replaced.
    pub force: bool,
}

/// A kit that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KitMade {
    /// The file.
    pub file: PathBuf,
    /// When it was made.
    pub made: Timestamp,
    /// What opens the repository by it.
    pub key: KitKey,
    /// The key slot that was added for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub added_slot: Option<KeySlotId>,
}

/// What of a key is on a kit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KitKey {
    /// The key itself.
    Printed,
    /// A line to write the passphrase on.
    ToBeWritten,
    /// None, for the repository is not encrypted.
    NotNeeded,
}

impl KitOptions {
    /// Makes the kit and records in the repository that it was made.
    ///
    /// The file is for its owner alone. When it cannot be written, a key slot that was added for it is removed again.
    ///
    /// ```no_run
    /// # async fn example(workspace: &rowkeep::jobs::workspace::Workspace) -> Result<(), rowkeep::Error> {
    /// use rowkeep::jobs::recovery_kit::{KitKey, KitOptions};
    /// let request = KitOptions { to: "kit.html".into(), with_key: false, force: false };
    /// let made = request.run(workspace).await?;
    /// assert_ne!(made.key, KitKey::NotNeeded);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn run(&self, workspace: &Workspace) -> Result<KitMade, Error> {
        workspace.refuse_several()?;
        if !self.force && self.to.exists() {
            return Err(Error::Exists(self.to.clone()));
        }
        let repository = workspace.repository().await?;
        let made = workspace.surroundings().clock.now();
        let (key, added_slot) = self.key(workspace, repository, made).await?;
        let contents = Contents {
            repository: repository.id().to_string(),
            location: location(workspace),
            machine: workspace.surroundings().host.clone(),
            made,
            program: workspace.program().to_owned(),
            databases: databases(repository).await?,
            key,
        };
        let written = self.write(&contents);
        let written = match written {
            Ok(()) => repository.record_kit(made).await.map_err(Error::from),
            failed => failed,
        };
        if let (Err(_), Some(slot)) = (&written, added_slot) {
            // Nobody has that key.
            let _ = repository.remove_key_slot(slot).await;
        }
        written?;
        let key = match contents.key {
            Key::Printed(_) => KitKey::Printed,
            Key::Passphrase => KitKey::ToBeWritten,
            Key::None => KitKey::NotNeeded,
        };
        Ok(KitMade { file: self.to.clone(), made, key, added_slot })
    }

    async fn key(
        &self,
        workspace: &Workspace,
        repository: &Repository,
        made: Timestamp,
    ) -> Result<(Key, Option<KeySlotId>), Error> {
        if !repository.is_encrypted() {
            return Ok((Key::None, None));
        }
        let slots = repository.key_slots().await?;
        let used = slots.iter().find(|slot| Some(slot.id) == repository.unlocked_by());
        if used.is_some_and(|slot| slot.kind == SlotKind::KeyFile)
            && let Some(file) = workspace.key_file_in_use()
        {
            return Ok((Key::Printed(read(&file)?), None));
        }
        if !self.with_key {
            return Ok((Key::Passphrase, None));
        }
        let file = KeyFile::generate()?;
        let key = line_of(&file.contents());
        let label = format!("recovery kit of {}", made.strftime("%Y-%m-%d"));
        let slot =
            repository.add_key_slot(NewSlot { lock: Lock::KeyFile(file), label, created: made }).await?;
        Ok((Key::Printed(key), Some(slot)))
    }

    fn write(&self, contents: &Contents) -> Result<(), Error> {
        let is_page = self
            .to
            .extension()
            .is_some_and(|ending| ending.eq_ignore_ascii_case("html") || ending.eq_ignore_ascii_case("htm"));
        let text = if is_page { page::render(contents)? } else { text::render(contents)? };
        let failed = |source| Error::Write { to: self.to.display().to_string(), source };
        private_files::write(&self.to, text.expose_secret().as_bytes()).map_err(failed)
    }
}

/// Where the repository is; a folder by its whole path, for nobody knows later where the page was made.
fn location(workspace: &Workspace) -> String {
    let shown = workspace.shown_location();
    let whole = std::fs::canonicalize(&shown).map(|path| path.display().to_string());
    if shown.contains("://") { shown } else { whole.unwrap_or(shown) }
}

/// The databases that the repository has snapshots of.
async fn databases(repository: &Repository) -> Result<Vec<String>, Error> {
    let catalog = repository.catalog().await?;
    let mut names: Vec<String> = catalog.snapshots().map(|summary| summary.database.to_string()).collect();
    names.sort();
    names.dedup();
    Ok(names)
}

/// The line of a key file that counts.
fn read(path: &Path) -> Result<SecretString, Error> {
    let problem = |told: String| Error::Secret(format!("key file {}: {told}", path.display()));
    let bytes = std::fs::read(path).map_err(|error| problem(error.to_string()))?;
    let file = KeyFile::parse(&bytes).map_err(|error| problem(error.to_string()))?;
    Ok(line_of(&file.contents()))
}

fn line_of(contents: &SecretString) -> SecretString {
    let text = contents.expose_secret();
    text.lines().find(|line| line.starts_with("key ")).unwrap_or_default().into()
}
