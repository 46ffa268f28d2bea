//! Folders for scratch files that show whether their drill is alive: by a lock that dies with its process.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use fs4::fs_std::FileExt as _;
use jiff::{SignedDuration, Timestamp};

/// What the names of scratch folders begin with.
const PREFIX: &str = "rowkeep-drill-";

/// The file in it that is locked as long as the drill lives.
const LOCK: &str = "lock";

/// The age from which a folder without a lock file is taken for one whose drill died while making it.
const UNLOCKED: SignedDuration = SignedDuration::from_secs(600);

/// A folder that is gone when this is dropped.
#[derive(Debug)]
pub(super) struct Folder {
    folder: tempfile::TempDir,
    _lock: File,
}

impl Folder {
    /// Makes a folder below another; nobody else may look into it.
    pub(super) fn make(below: &Path) -> io::Result<Self> {
        loop {
            let folder = tempfile::Builder::new()
                .prefix(PREFIX)
                .permissions(Permissions::from_mode(0o700))
                .tempdir_in(below)?;
            let path = folder.path().join(LOCK);
            let lock = File::options().write(true).create_new(true).mode(0o600).open(&path)?;
            // Who looks for abandoned folders in just this moment may have taken it.
            if lock.try_lock_exclusive()? && path.exists() {
                return Ok(Self { folder, _lock: lock });
            }
        }
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The user that this process runs as.
    pub(super) fn owner(&self) -> io::Result<u32> {
        Ok(fs::metadata(self.path())?.uid())
    }
}

/// A folder whose drill is dead. Held, so that nobody else clears it too.
pub(super) struct Abandoned {
    pub(super) path: PathBuf,
    _lock: Option<File>,
}

/// The folders below another whose drills are dead, of one user.
pub(super) fn abandoned(below: &Path, owner: u32, now: Timestamp) -> io::Result<Vec<Abandoned>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(below)? {
        let Ok(entry) = entry else { continue };
        let path = entry.path();
        let Ok(metadata) = fs::symlink_metadata(&path) else { continue };
        let is_ours = entry.file_name().to_string_lossy().starts_with(PREFIX)
            && metadata.is_dir()
            && metadata.uid() == owner;
        if !is_ours {
            continue;
        }
        match File::open(path.join(LOCK)) {
            Ok(lock) => {
                if lock.try_lock_exclusive().unwrap_or(false) {
                    found.push(Abandoned { path, _lock: Some(lock) });
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let made = metadata.modified().ok().and_then(|made| Timestamp::try_from(made).ok());
                if made.is_some_and(|made| now.duration_since(made) > UNLOCKED) {
                    found.push(Abandoned { path, _lock: None });
                }
            }
            Err(_) => {}
        }
    }
    Ok(found)
}

impl Abandoned {
    /// Removes it.
    pub(super) fn remove(self) -> io::Result<()> {
        fs::remove_dir_all(&self.path)
    }
}
