//! Which repository is where, as this machine remembers it: so that another one in its place is noticed, or none.
//!
//! Whoever controls a store can put another repository in the place of one, encrypted or not, and a disk that is not mounted
//! looks like a place where there never was any. Neither can be told from the store alone.

use std::io::Write;
use std::path::{Path, PathBuf};

use rowkeep_format::ids::RepositoryId;
use serde::{Deserialize, Serialize};

use super::folder_of;
use crate::private_files;

/// What is remembered of a place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Known {
    /// Where the repository is, for people who find the note.
    pub(super) place: String,
    /// The repository that is there.
    pub(super) repository: RepositoryId,
    /// Whether it is encrypted.
    pub(super) encrypted: bool,
}

/// Remembers in folders of this machine: in the first that can be written to. None of them has to be there.
pub(super) struct Memory<'a> {
    folders: &'a [PathBuf],
    place: Option<String>,
}

impl<'a> Memory<'a> {
    /// The memory of a place. An endpoint tells apart stores that have buckets of the same name.
    pub(super) fn of(folders: &'a [PathBuf], location: &str, endpoint: Option<&str>) -> Self {
        Self { folders, place: place(location, endpoint) }
    }

    /// What is remembered, and in which file. What cannot be read is not remembered: it must not stop a backup.
    pub(super) fn recall(&self) -> Option<(Known, PathBuf)> {
        let place = self.place.as_ref()?;
        let read = |note: PathBuf| {
            let known: Known = serde_json::from_slice(&std::fs::read(&note).ok()?).ok()?;
            (known.place == *place).then_some((known, note))
        };
        self.folders.iter().find_map(|folder| read(note(folder, place)))
    }

    /// Remembers what is there, where that can be written at all.
    pub(super) fn remember(&self, repository: RepositoryId, encrypted: bool) {
        let Some(place) = &self.place else { return };
        let known = Known { place: place.clone(), repository, encrypted };
        for folder in self.folders {
            match write(&note(folder, place), &known) {
                Ok(()) => return,
                Err(error) => {
                    tracing::info!(folder = %folder.display(), %error, "cannot remember the repository");
                }
            }
        }
    }
}

/// A place by a name that does not depend on where a command runs; none for what is forgotten with the process.
fn place(location: &str, endpoint: Option<&str>) -> Option<String> {
    if location.starts_with("memory:") {
        return None;
    }
    let Some(folder) = folder_of(location) else {
        let at = endpoint.map(|endpoint| format!(" at {endpoint}")).unwrap_or_default();
        return Some(format!("{}{at}", location.trim_end_matches('/')));
    };
    // Links are left as they are: where they lead may be what is not mounted.
    let whole = std::path::absolute(folder).ok()?;
    Some(whole.components().collect::<PathBuf>().to_str()?.to_owned())
}

/// The file that remembers a place.
fn note(folder: &Path, place: &str) -> PathBuf {
    folder.join("repositories").join(&blake3::hash(place.as_bytes()).to_hex()[..32])
}

/// Writes a note as a whole, for its owner alone.
fn write(note: &Path, known: &Known) -> std::io::Result<()> {
    let folder = note.parent().unwrap_or(Path::new(""));
    private_files::make_folder(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    serde_json::to_writer(&mut file, known)?;
    file.write_all(b"\n")?;
    file.persist(note)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: RepositoryId = RepositoryId([7; 16]);

    #[test]
    fn a_place_is_remembered_wherever_a_command_runs() {
        let state = tempfile::tempdir().expect("a folder");
        let folders = [state.path().to_owned()];
        let here = std::env::current_dir().expect("there is one").join("backups");
        Memory::of(&folders, "./backups/", None).remember(ID, true);
        let (known, note) = Memory::of(&folders, here.to_str().expect("text"), None).recall().expect("known");
        assert_eq!((known.repository, known.encrypted), (ID, true));
        assert!(Memory::of(&folders, "elsewhere", None).recall().is_none());
        std::fs::remove_file(note).expect("it is there");
        assert!(Memory::of(&folders, "backups", None).recall().is_none());
    }

    #[test]
    fn buckets_of_one_name_are_told_apart() {
        let state = tempfile::tempdir().expect("a folder");
        let folders = [state.path().to_owned()];
        Memory::of(&folders, "s3://bucket/a/", Some("http://one")).remember(ID, true);
        assert!(Memory::of(&folders, "s3://bucket/a", Some("http://one")).recall().is_some());
        assert!(Memory::of(&folders, "s3://bucket/a", Some("http://two")).recall().is_none());
        Memory::of(&folders, "memory://", None).remember(ID, true);
        assert!(Memory::of(&folders, "memory://", None).recall().is_none());
    }

    #[test]
    fn what_cannot_be_kept_or_read_stops_nothing() {
        let state = tempfile::tempdir().expect("a folder");
        let file = state.path().join("file");
        std::fs::write(&file, "").expect("it can be written");
        let folders = [file, state.path().join("second")];
        let memory = Memory::of(&folders, "backups", None);
        memory.remember(ID, false);
        let (_, note) = memory.recall().expect("the second folder could be written to");
        std::fs::write(note, "{").expect("it can be written");
        assert!(memory.recall().is_none());
        Memory::of(&[], "backups", None).remember(ID, false);
    }
}
