//! What can be wrong with the state while a service works with it.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use super::failure::Failure;

/// What is wrong with the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Its disk is full.
    Full,
    /// Its file is not there any more.
    Gone,
    /// Another file is where its file was.
    Replaced,
}

impl Trouble {
    /// In words that tell strangers no more than they need.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Trouble::Full => {
                "its disk is full: nothing can be noted, so no job is begun and nobody can sign in until there is room"
            }
            Trouble::Gone => {
                "its file was removed while the service runs: what is noted now is lost when the service ends, unless the file is brought back from the repository"
            }
            Trouble::Replaced => {
                "another file is where its file was: what is noted now is lost when the service ends, and what is in the other file does not count"
            }
        }
    }
}

/// So many writes in a row have to succeed until a disk counts as one with room: small ones may find some where there is none for others.
const ENOUGH: u64 = 3;

/// Whether the disk of the state is full.
#[derive(Debug, Default)]
pub(super) struct Room(AtomicU64);

impl Room {
    /// Notes that something could not be written.
    pub(super) fn note_full(&self) {
        self.0.store(ENOUGH, Ordering::SeqCst);
    }

    /// Notes that something was written.
    pub(super) fn note_written(&self) {
        let less = |left: u64| left.checked_sub(1);
        let _ = self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less);
    }

    pub(super) fn is_full(&self) -> bool {
        self.0.load(Ordering::SeqCst) > 0
    }
}

/// Whether a statement failed because the disk is full.
pub(super) fn is_full(failure: &Failure) -> bool {
    match failure {
        Failure::Sqlite(error) => error.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull),
        Failure::Postgres(error) => error.kind() == rowkeep::engine::ErrorKind::DiskFull,
        _ => false,
    }
}

/// Which file it is, whatever it is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FileIdentity {
    device: u64,
    inode: u64,
}

impl FileIdentity {
    /// That of the file at a path, if there is one and it can be looked at.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let metadata = std::fs::metadata(path).ok()?;
        Some(Self { device: metadata.dev(), inode: metadata.ino() })
    }

    /// What is wrong where this file should be at a path.
    pub(super) fn look(self, path: &Path) -> Option<Trouble> {
        match std::fs::metadata(path) {
            Ok(metadata) if (metadata.dev(), metadata.ino()) == (self.device, self.inode) => None,
            Ok(_) => Some(Trouble::Replaced),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Some(Trouble::Gone),
            // Who may not look knows nothing.
            Err(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_known_whatever_is_at_its_place() {
        let folder = tempfile::tempdir().expect("a folder is made");
        let path = folder.path().join("state.db");
        assert_eq!(FileIdentity::of(&path), None);
        std::fs::write(&path, "a").expect("it is written");
        let identity = FileIdentity::of(&path).expect("it is there");
        std::fs::write(&path, "b").expect("it is written");
        assert_eq!(identity.look(&path), None);
        let kept = folder.path().join("kept.db");
        std::fs::rename(&path, &kept).expect("it is moved");
        assert_eq!(identity.look(&path), Some(Trouble::Gone));
        std::fs::write(&path, "b").expect("it is written");
        assert_eq!(identity.look(&path), Some(Trouble::Replaced));
        std::fs::rename(&kept, &path).expect("it is moved");
        assert_eq!(identity.look(&path), None);
    }

    #[test]
    fn a_disk_has_room_again_after_some_writes() {
        let room = Room::default();
        room.note_written();
        assert!(!room.is_full());
        room.note_full();
        room.note_written();
        room.note_written();
        assert!(room.is_full());
        room.note_written();
        assert!(!room.is_full());
    }
}
