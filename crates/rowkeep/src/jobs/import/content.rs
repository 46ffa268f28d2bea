//! Which files are the same, wherever they are and whatever they are called.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use rowkeep_engine::FileChoice;

use crate::Error;

/// A hash of the content of files, and of what is wanted of them: the same is imported of the same.
pub(super) async fn content_of(files: Vec<PathBuf>, choice: &FileChoice) -> Result<String, Error> {
    let mut hasher = blake3::Hasher::new();
    let wanted = [&choice.database, &choice.null]
        .map(|one| one.as_deref().map_or(String::new(), |one| format!("={one}")));
    for part in [&wanted[0], &wanted[1], &choice.salvage.to_string()] {
        hasher.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
    }
    let hashed = tokio::task::spawn_blocking(move || {
        let files = within(files)?;
        let are_several = files.len() > 1;
        for path in files {
            let name = path.file_name().unwrap_or_default().as_encoded_bytes();
            let mut file = File::open(&path).map_err(failed(&path))?;
            let bytes = file.metadata().map_err(failed(&path))?.len();
            // Of a file alone the name means nothing; of those of a folder each is what its name says.
            if are_several {
                hasher.update(&(name.len() as u64).to_le_bytes()).update(name);
            }
            hasher.update(&bytes.to_le_bytes());
            io::copy(&mut file, &mut hasher).map_err(failed(&path))?;
        }
        Ok(hasher.finalize().to_hex().to_string())
    });
    match hashed.await {
        Ok(hashed) => hashed,
        Err(failed) => std::panic::resume_unwind(failed.into_panic()),
    }
}

/// The files, and those of folders in the order of their names.
fn within(files: Vec<PathBuf>) -> Result<Vec<PathBuf>, Error> {
    let mut all = Vec::new();
    for path in files {
        if !path.is_dir() {
            all.push(path);
            continue;
        }
        let mut inside = Vec::new();
        for entry in std::fs::read_dir(&path).map_err(failed(&path))? {
            let found = entry.map_err(failed(&path))?.path();
            inside.extend(Some(found).filter(|found| found.is_file()));
        }
        inside.sort();
        all.append(&mut inside);
    }
    Ok(all)
}

fn failed(path: &Path) -> impl Fn(io::Error) -> Error + '_ {
    |source| Error::File { problem: format!("cannot read {}", path.display()), source }
}
