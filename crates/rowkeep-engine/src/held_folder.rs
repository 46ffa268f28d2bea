//! Temporary folders that show whether who made them is alive: by a lock that dies with its process.

use std::fs::{self, File, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;

/// The file in a folder that is locked as long as its process lives.
const LOCK: &str = "lock";

/// The age from which a folder without a lock file is taken for one whose process died while making it.
const UNLOCKED: SignedDuration = SignedDuration::from_secs(600);

/// A folder that is gone when this is dropped.
#[derive(Debug)]
pub struct HeldFolder {
    folder: TempDir,
    _lock: File,
}

impl HeldFolder {
    /// Makes a folder below another, with a name that begins so; nobody else may look into it.
    ///
    /// # Errors
    /// What the file system says.
    pub fn make(below: &Path, prefix: &str) -> io::Result<Self> {
        Self::make_while(below, prefix, || ())
    }

    /// The same, with what happens between the creation of the lock file and its lock.
    fn make_while(below: &Path, prefix: &str, mut meanwhile: impl FnMut()) -> io::Result<Self> {
        loop {
            let folder = tempfile::Builder::new()
                .prefix(prefix)
                .permissions(Permissions::from_mode(0o700))
                .tempdir_in(below)?;
            let path = folder.path().join(LOCK);
            let lock = File::options().write(true).create_new(true).mode(0o600).open(&path)?;
            meanwhile();
            // Who looks for abandoned folders in just this moment may have taken it, and removed it.
            match lock.try_lock() {
                Ok(()) if path.exists() => return Ok(Self { folder, _lock: lock }),
                Ok(()) | Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The user that this process runs as.
    ///
    /// # Errors
    /// What the file system says.
    pub fn owner(&self) -> io::Result<u32> {
        Ok(fs::metadata(self.path())?.uid())
    }
}

/// A folder whose process is dead. Held, so that nobody else clears it too.
#[derive(Debug)]
pub struct AbandonedFolder {
    path: PathBuf,
    _lock: Option<File>,
}

impl AbandonedFolder {
    /// The folders below another, with names that begin so, whose processes are dead, of one user.
    ///
    /// # Errors
    /// When the folder above cannot be read.
    pub fn find(below: &Path, prefix: &str, owner: u32, now: Timestamp) -> io::Result<Vec<Self>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(below)? {
            let Ok(entry) = entry else { continue };
            let path = entry.path();
            let Ok(metadata) = fs::symlink_metadata(&path) else { continue };
            let is_ours = entry.file_name().to_string_lossy().starts_with(prefix)
                && metadata.is_dir()
                && metadata.uid() == owner;
            if !is_ours {
                continue;
            }
            match File::open(path.join(LOCK)) {
                Ok(lock) => {
                    if lock.try_lock().is_ok() {
                        found.push(Self { path, _lock: Some(lock) });
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    let made = metadata.modified().ok().and_then(|made| Timestamp::try_from(made).ok());
                    if made.is_some_and(|made| now.duration_since(made) > UNLOCKED) {
                        found.push(Self { path, _lock: None });
                    }
                }
                Err(_) => {}
            }
        }
        Ok(found)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Removes it with what is in it.
    ///
    /// # Errors
    /// What the file system says.
    pub fn remove(self) -> io::Result<()> {
        fs::remove_dir_all(&self.path)
    }
}

#[cfg(test)]
mod tests {
    use rowkeep_format::clock::SystemClock;

    use super::*;

    const PREFIX: &str = "rowkeep-held-";

    fn clear(below: &Path, now: Timestamp) -> usize {
        let owner = fs::metadata(below).expect("it is there").uid();
        let found = AbandonedFolder::find(below, PREFIX, owner, now).expect("it is read");
        found.into_iter().map(|folder| folder.remove().expect("it is removed")).count()
    }

    #[test]
    fn who_clears_up_between_creation_and_lock_takes_nothing_away() {
        let below = tempfile::tempdir().expect("a folder");
        let now = SystemClock::shared().now();
        let mut cleared = Vec::new();
        let folder = HeldFolder::make_while(below.path(), PREFIX, || {
            if cleared.len() < 3 {
                cleared.push(clear(below.path(), now));
            }
        });
        let folder = folder.expect("it is made");
        fs::write(folder.path().join("rows"), "1").expect("it is there");
        // Each time that one was removed another was made, until one was locked in time.
        assert_eq!(cleared, [1, 1, 1]);
        assert_eq!(clear(below.path(), now), 0);
        drop(folder);
        assert_eq!(fs::read_dir(below.path()).expect("it is read").count(), 0);
    }

    #[test]
    fn what_dead_processes_left_is_found_and_nothing_else() {
        let below = tempfile::tempdir().expect("a folder");
        let now = SystemClock::shared().now();
        let make = |name: &str, lock: bool| {
            let folder = below.path().join(name);
            fs::create_dir(&folder).expect("it is made");
            if lock {
                fs::write(folder.join(LOCK), "").expect("it is written");
            }
            folder
        };
        let dead = make("rowkeep-held-dead", true);
        let being_made = make("rowkeep-held-new", false);
        let foreign = make("other-held-dead", true);
        let alive = HeldFolder::make(below.path(), PREFIX).expect("it is made");
        assert_eq!(clear(below.path(), now), 1);
        assert!(!dead.exists() && being_made.exists() && foreign.exists() && alive.path().exists());
        // Nobody takes so long to lock one.
        assert_eq!(clear(below.path(), now + UNLOCKED * 2), 1);
        assert!(!being_made.exists() && alive.path().exists());
    }
}
