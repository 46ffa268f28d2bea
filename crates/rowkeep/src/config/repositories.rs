//! Several repositories: each with its place, and what opens it.

use std::collections::BTreeMap;
use std::path::Path;

use rowkeep_repository::StoreRates;
use secrecy::SecretString;
use serde::Deserialize;

use super::{beside, store};
use crate::variables::{Expanded, expand};

/// One of several repositories.
#[derive(Debug, Clone)]
pub struct NamedRepository {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub location: String,
    /// Whether a backup may make it where there is none.
    pub create: bool,
    /// The file that opens it, in place of a passphrase.
    pub key_file: Option<String>,
    /// The file that holds its passphrase.
    pub passphrase_file: Option<String>,
    /// Its passphrase, which counts where neither a caller nor a file gives one.
    pub passphrase: Option<Expanded>,
    /// Options of its object store.
    pub store: BTreeMap<String, SecretString>,
    /// How fast bytes go to it and come from it at most.
    pub rates: StoreRates,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileRepository {
    name: String,
    url: String,
    #[serde(default)]
    create: bool,
    key_file: Option<String>,
    passphrase_file: Option<String>,
    passphrase: Option<String>,
    #[serde(default)]
    store: BTreeMap<String, String>,
}

impl FileRepository {
    fn read(
        self,
        folder: &Path,
        variable: &dyn Fn(&str) -> Option<String>,
        store_variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<NamedRepository, String> {
        let name = self.name;
        if name.is_empty() || name.contains(['/', ':']) {
            return Err(format!("{name:?} is no name for a repository"));
        }
        let of = |problem: String| format!("repository {name}: {problem}");
        let expanded = |value: &str| expand(value, variable).map_err(of);
        let file = |path: Option<String>| match path {
            Some(path) => Ok(Some(beside::file(folder, expanded(&path)?))),
            None => Ok::<_, String>(None),
        };
        let (key_file, passphrase_file) = (file(self.key_file)?, file(self.passphrase_file)?);
        if key_file.is_some() && passphrase_file.is_some() {
            return Err(of("write key_file or passphrase_file, not both".to_owned()));
        }
        if self.passphrase.is_some() && (key_file.is_some() || passphrase_file.is_some()) {
            return Err(of("write one of key_file, passphrase_file and passphrase".to_owned()));
        }
        let passphrase = self.passphrase.map(|text| Expanded::of(&text, store_variable));
        let passphrase = passphrase.transpose().map_err(|problem| of(format!("passphrase: {problem}")))?;
        let location = beside::repository(folder, expanded(&self.url)?);
        if location.is_empty() {
            return Err(of("its url is empty".to_owned()));
        }
        let (store, rates) = store::read(self.store, store_variable).map_err(of)?;
        Ok(NamedRepository {
            location,
            create: self.create,
            key_file,
            passphrase_file,
            passphrase,
            store,
            rates,
            name,
        })
    }
}

/// Reads all of them: each has a name and a place that no other has.
pub(super) fn read_all(
    repositories: Vec<FileRepository>,
    folder: &Path,
    variable: &dyn Fn(&str) -> Option<String>,
    store_variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Vec<NamedRepository>, String> {
    let mut read: Vec<NamedRepository> = Vec::new();
    for repository in repositories {
        let next = repository.read(folder, variable, store_variable)?;
        for other in &read {
            let (name, other_name) = (&next.name, &other.name);
            if name == other_name {
                return Err(format!("there are two repositories {name}"));
            }
            if next.location.trim_end_matches('/') == other.location.trim_end_matches('/') {
                return Err(format!("repositories {other_name} and {name} are at the same place"));
            }
        }
        read.push(next);
    }
    Ok(read)
}
