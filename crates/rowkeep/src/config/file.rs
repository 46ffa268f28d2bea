//! The form of `rowkeep.toml`.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::channels::FileChannel;
use super::compatibility::Compatibility;
use super::database::FileDatabase;
use super::repositories::FileRepository;
use super::service::FileService;
use super::suspicion::FileSuspicion;
use crate::hooks::FileHook;
use crate::retention::StatedRules;

/// What a file says.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) repository: Option<String>,
    #[serde(default)]
    pub(super) create: bool,
    pub(super) key_file: Option<String>,
    pub(super) passphrase_file: Option<String>,
    pub(super) passphrase: Option<String>,
    #[serde(default)]
    pub(super) store: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) repositories: Vec<FileRepository>,
    pub(super) environment: Option<String>,
    pub(super) timezone: Option<String>,
    pub(super) keep: Option<StatedRules>,
    pub(super) suspicion: Option<FileSuspicion>,
    #[serde(default)]
    pub(super) hooks: Vec<FileHook>,
    #[serde(default)]
    pub(super) schedule: BTreeMap<String, String>,
    pub(super) capacity: Option<String>,
    #[serde(default)]
    pub(super) channels: Vec<FileChannel>,
    #[serde(default)]
    pub(super) service: FileService,
    #[serde(default)]
    pub(super) compatibility: Compatibility,
    #[serde(default)]
    pub(super) databases: BTreeMap<String, FileDatabase>,
}

impl File {
    /// Fails where something is said of one repository, and there are several.
    pub(super) fn check_repositories(&self) -> Result<(), String> {
        if self.repositories.is_empty() {
            return Ok(());
        }
        if self.repository.is_some() {
            return Err("write repository or [[repositories]], not both".to_owned());
        }
        let of_one = [
            ("create", self.create),
            ("key_file", self.key_file.is_some()),
            ("passphrase_file", self.passphrase_file.is_some()),
            ("passphrase", self.passphrase.is_some()),
            ("store", !self.store.is_empty()),
            ("capacity", self.capacity.is_some()),
        ];
        match of_one.iter().find(|(_, is_said)| *is_said) {
            Some((name, _)) => Err(format!("{name} belongs to one of [[repositories]]")),
            None => Ok(()),
        }
    }
}
