//! What is done to an object of a repository.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Kinds of objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Pack,
    Index,
    Snapshot,
    Summary,
    /// That a snapshot was completed, in the ledger.
    Entry,
    /// That what a safety snapshot was taken for was done, in the ledger.
    Applied,
    Plan,
    /// That somebody executed a plan.
    Claim,
    Slot,
    Config,
}

impl Kind {
    pub(super) fn folder(self) -> &'static str {
        match self {
            Kind::Pack => "packs",
            Kind::Index => "index",
            Kind::Snapshot => "snapshots",
            Kind::Summary => "summaries",
            Kind::Entry | Kind::Applied => "ledger",
            Kind::Plan | Kind::Claim => "plans",
            Kind::Slot => "keys",
            Kind::Config => "",
        }
    }

    fn is_name_of_one(self, name: &str) -> bool {
        match self {
            Kind::Entry => name.starts_with("snapshot-"),
            Kind::Applied => name.starts_with("applied-"),
            Kind::Config => name.starts_with("confi"),
            Kind::Claim => name.contains("-c"),
            Kind::Plan => !name.contains("-c"),
            _ => true,
        }
    }

    /// The id in the name of an object.
    fn id(self, name: &str) -> &str {
        match self {
            Kind::Entry | Kind::Applied => name.split_once('-').map_or(name, |(_, id)| id),
            _ => name,
        }
    }

    /// Its objects in a repository, by their names.
    pub(super) fn objects(self, repository: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut objects = BTreeMap::new();
        let folder = repository.join(self.folder());
        let mut folders = if folder.is_dir() { vec![folder] } else { Vec::new() };
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).expect("it is a folder") {
                let path = entry.expect("it is read").path();
                if path.is_dir() {
                    if self != Kind::Config {
                        folders.push(path);
                    }
                } else if self.is_name_of_one(last(&path)) {
                    let name = path.strip_prefix(repository).expect("it is below").to_owned();
                    objects.insert(name, fs::read(path).expect("it is read"));
                }
            }
        }
        objects
    }
}

/// Ways to harm an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Harm {
    /// One bit of it is another.
    Flipped,
    /// Its end is missing.
    Cut,
    /// It is gone.
    Missing,
    /// One of another repository is there as well; or instead, where there is only one.
    Foreign,
    /// It is there under another name as well.
    Doubled,
    /// Of its kind there is what was there at an earlier time.
    Older,
}

impl Harm {
    pub(super) const ALL: [Self; 6] =
        [Self::Flipped, Self::Cut, Self::Missing, Self::Foreign, Self::Doubled, Self::Older];

    pub(super) fn can_be_done_to(self, kind: Kind) -> bool {
        match kind {
            // There is nothing in it that could be cut.
            Kind::Entry | Kind::Applied => self != Self::Cut,
            // It never was another.
            Kind::Config => self != Self::Older,
            _ => true,
        }
    }

    /// Harms an object; gives the ids of those of its kind that were there and are not, are new, or are others now.
    pub(super) fn inflict(
        self,
        kind: Kind,
        victim: &Path,
        repository: &Path,
        earlier: &Path,
        foreign: &Path,
    ) -> Vec<String> {
        let before = kind.objects(repository);
        let at = repository.join(victim);
        let bytes = &before[victim];
        match self {
            Harm::Flipped if bytes.is_empty() => write(&at, b"x"),
            Harm::Flipped => {
                let mut bytes = bytes.clone();
                let middle = bytes.len() / 2;
                bytes[middle] ^= 4;
                write(&at, &bytes);
            }
            Harm::Cut => write(&at, &bytes[..bytes.len() / 2]),
            Harm::Missing => fs::remove_file(at).expect("it is there"),
            Harm::Foreign => {
                let (name, bytes) = kind.objects(foreign).pop_first().expect("the other has one");
                write(&repository.join(name), &bytes);
            }
            Harm::Doubled => {
                let name = last(&at);
                let digit = if name.ends_with('0') { '1' } else { '0' };
                write(&at.with_file_name(format!("{}{digit}", &name[..name.len() - 1])), bytes);
            }
            Harm::Older => {
                before.keys().for_each(|name| fs::remove_file(repository.join(name)).expect("it is there"));
                kind.objects(earlier).iter().for_each(|(name, bytes)| write(&repository.join(name), bytes));
            }
        }
        let after = kind.objects(repository);
        let names = before.keys().chain(after.keys());
        let changed = names.filter(|name| before.get(*name) != after.get(*name));
        changed.map(|name| kind.id(last(name)).to_owned()).collect()
    }
}

fn write(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().expect("it is in a folder")).expect("it is made");
    fs::write(path, bytes).expect("it is written");
}

fn last(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).expect("it is named")
}
