//! Where the files of exports wait to be downloaded: a folder for each, into which nobody but the service may look.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rowkeep::private_files;

/// The folders of the exports of a service.
#[derive(Debug, Clone)]
pub(crate) struct ExportFiles {
    folder: Arc<PathBuf>,
    at_most: u64,
}

impl ExportFiles {
    /// Those in a folder, which take so many bytes together.
    pub(crate) fn at(folder: PathBuf, at_most: u64) -> Self {
        Self { folder: Arc::new(folder), at_most }
    }

    /// How many bytes all exports take together at most.
    pub(crate) fn at_most(&self) -> u64 {
        self.at_most
    }

    /// Where an export is to be written, of which nothing is there that an attempt before it left; and how many bytes the others
    /// leave it.
    pub(crate) fn begin(&self, id: &str) -> io::Result<(PathBuf, u64)> {
        private_files::make_folder(&self.folder)?;
        self.remove(id)?;
        let taken = entries(&self.folder)?.iter().map(|entry| size(entry)).sum::<io::Result<u64>>()?;
        Ok((self.folder.join(id), self.at_most.saturating_sub(taken)))
    }

    /// Where a file of an export is.
    pub(crate) fn file(&self, id: &str, name: &str) -> PathBuf {
        self.folder.join(id).join(name)
    }

    /// The exports of which something is there, whole or not.
    pub(crate) fn ids(&self) -> io::Result<Vec<String>> {
        let mut ids: Vec<String> = entries(&self.folder)?.iter().filter_map(|entry| id_of(entry)).collect();
        ids.sort();
        ids.dedup();
        Ok(ids)
    }

    /// Removes all that is there of an export.
    pub(crate) fn remove(&self, id: &str) -> io::Result<()> {
        let own = entries(&self.folder)?.into_iter().filter(|entry| id_of(entry).as_deref() == Some(id));
        own.into_iter().try_for_each(|entry| match std::fs::remove_dir_all(&entry) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        })
    }
}

/// What is in a folder; nothing where there is none.
fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        entries => entries?.map(|entry| Ok(entry?.path())).collect(),
    }
}

/// The export that a folder is of; one that is being written begins with a dot, and has more behind another.
fn id_of(folder: &Path) -> Option<String> {
    let name = folder.file_name()?.to_str()?;
    let id = name.strip_prefix('.').unwrap_or(name).split('.').next()?;
    let is_id = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    (is_id && folder.is_dir()).then(|| id.to_owned())
}

/// The bytes of the files in a folder, of which others may be removed meanwhile.
fn size(folder: &Path) -> io::Result<u64> {
    let length = |file: PathBuf| std::fs::metadata(file).map_or(0, |metadata| metadata.len());
    match folder.is_dir() {
        true => Ok(entries(folder)?.into_iter().map(length).sum()),
        false => Ok(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_attempt_left_is_removed_and_others_are_counted() {
        let folder = tempfile::tempdir().expect("a folder is made");
        let files = ExportFiles::at(folder.path().join("state.db.exports"), 100);
        assert_eq!(files.ids().expect("it is read"), Vec::<String>::new());
        let (one, room) = files.begin("0a").expect("it begins");
        assert_eq!(room, 100);
        std::fs::create_dir(&one).expect("it is made");
        std::fs::write(files.file("0a", "t.csv"), [0; 30]).expect("it is written");
        let partial = folder.path().join("state.db.exports/.0b.x.partial");
        std::fs::create_dir(&partial).expect("it is made");
        std::fs::write(partial.join("t.csv"), [0; 20]).expect("it is written");
        assert_eq!(files.ids().expect("it is read"), ["0a", "0b"]);
        assert_eq!(files.begin("0c").expect("it begins").1, 50);
        assert_eq!(files.begin("0b").expect("it begins").1, 70, "its own is gone");
        files.remove("0a").expect("it is removed");
        assert!(!one.exists() && files.ids().expect("it is read").is_empty());
    }
}
