//! A folder of this machine as a store.

use std::fmt;
use std::fs::{self, Metadata, ReadDir};
use std::io;
use std::ops::Range;
use std::path::PathBuf;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

/// So many entries are looked at in one go, so that a listing is handed on while it grows.
const AT_ONCE: usize = 4096;

/// So many folders stand in each other at most. Nothing of a repository lies that deep, and links may go round in a circle.
const MOST_FOLDERS: usize = 16;

/// A folder, which lists itself with one question to the system an entry; [`LocalFileSystem`] asks three and is half of what a start
/// with very many snapshots takes.
#[derive(Debug)]
pub(crate) struct FolderStore {
    folder: PathBuf,
    store: LocalFileSystem,
}

impl FolderStore {
    /// The store in a folder that is there; all that is written is synchronised to the disk.
    pub(crate) fn open(folder: PathBuf) -> Result<Self> {
        let store = LocalFileSystem::new_with_prefix(&folder)?.with_fsync(true);
        Ok(Self { folder, store })
    }
}

impl fmt::Display for FolderStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.store.fmt(f)
    }
}

#[async_trait]
impl ObjectStore for FolderStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.store.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.store.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.store.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.store.get_ranges(location, ranges).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.store.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let entries = Entries::of(&self.folder, prefix.map(Path::as_ref).unwrap_or_default());
        futures::stream::try_unfold(entries, |mut entries| async move {
            let looking = tokio::task::spawn_blocking(move || {
                let found: Result<Vec<ObjectMeta>> = entries.by_ref().take(AT_ONCE).collect();
                found.map(|found| (found, entries))
            });
            let (found, entries) = looking.await??;
            Ok::<_, Error>(
                (!found.is_empty()).then(|| (futures::stream::iter(found.into_iter().map(Ok)), entries)),
            )
        })
        .try_flatten()
        .boxed()
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        self.store.list_with_offset(prefix, offset)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.store.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.store.copy_opts(from, to, options).await
    }
}

/// The objects below a folder, in no order.
struct Entries {
    folder: PathBuf,
    /// The folders that are being gone through, each in the one before, with what the names of their objects begin with.
    open: Vec<(ReadDir, String)>,
    /// The folder to begin with, and after an error nothing.
    first: Option<String>,
}

impl Entries {
    fn of(folder: &std::path::Path, prefix: &str) -> Self {
        Self { folder: folder.to_owned(), open: Vec::new(), first: Some(prefix.to_owned()) }
    }

    /// Goes into a folder, if it is there. Where the store itself is gone, that is no empty folder: a disk was removed, or somebody
    /// moved the repository.
    fn enter(&mut self, name: String) -> Result<()> {
        if self.open.len() == MOST_FOLDERS {
            return Err(failed(io::Error::other(format!("{name} lies in too many folders"))));
        }
        match fs::read_dir(self.folder.join(&name)) {
            Ok(entries) => self.open.push((entries, name)),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                fs::read_dir(&self.folder).map_err(failed)?;
            }
            Err(error) => return Err(failed(error)),
        }
        Ok(())
    }

    fn step(&mut self) -> Result<Option<ObjectMeta>> {
        if let Some(first) = self.first.take() {
            self.enter(first)?;
        }
        while let Some((entries, within)) = self.open.last_mut() {
            let Some(entry) = entries.next().transpose().map_err(failed)? else {
                self.open.pop();
                continue;
            };
            let own = entry.file_name();
            let Some(own) = own.to_str() else {
                let problem = format!("the name of {} is no text", entry.path().display());
                return Err(failed(io::Error::other(problem)));
            };
            let name = if within.is_empty() { own.to_owned() } else { format!("{within}/{own}") };
            // Of a link, what it points to.
            let found = match entry.metadata() {
                Ok(link) if link.is_symlink() => fs::metadata(entry.path()),
                found => found,
            };
            let metadata = match found {
                Ok(metadata) => metadata,
                // Deleted meanwhile, or a link to nothing.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(failed(error)),
            };
            if metadata.is_dir() {
                self.enter(name)?;
            } else if metadata.is_file() && !is_unfinished(own) {
                return object(&name, &metadata).map(Some);
            }
        }
        Ok(None)
    }
}

impl Iterator for Entries {
    type Item = Result<ObjectMeta>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.step().transpose();
        if matches!(next, Some(Err(_))) {
            self.open.clear();
        }
        next
    }
}

fn object(name: &str, metadata: &Metadata) -> Result<ObjectMeta> {
    let last_modified = metadata.modified().map_err(failed)?.into();
    Ok(ObjectMeta {
        location: Path::parse(name)?,
        last_modified,
        size: metadata.len(),
        e_tag: None,
        version: None,
    })
}

/// Whether a file is one that [`LocalFileSystem`] is writing: it gets its own name when it is whole.
fn is_unfinished(name: &str) -> bool {
    name.split_once('#')
        .is_some_and(|(_, number)| !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit()))
}

/// What the system says, as [`LocalFileSystem`] says it.
fn failed(error: io::Error) -> Error {
    Error::Generic { store: "LocalFileSystem", source: Box::new(error) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a store lists below a folder: names and sizes in order.
    async fn listed(store: &dyn ObjectStore, prefix: Option<&str>) -> Vec<(String, u64, i64)> {
        let prefix = prefix.map(Path::from);
        let found: Vec<ObjectMeta> = store.list(prefix.as_ref()).try_collect().await.expect("it lists");
        let mut found: Vec<_> = found
            .into_iter()
            .map(|meta| (meta.location.to_string(), meta.size, meta.last_modified.timestamp_millis()))
            .collect();
        found.sort();
        found
    }

    #[tokio::test]
    async fn lists_what_the_file_system_of_the_library_lists() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("packs/ab")).expect("folders");
        fs::create_dir_all(at("empty")).expect("a folder");
        for (name, content) in [
            ("config", "c"),
            ("packs/ab/1", "one"),
            ("packs/2", ""),
            ("packs/3#7", "half"),
            ("packs/4#a", "x"),
        ] {
            fs::write(at(name), content).expect("it is written");
        }
        #[cfg(unix)]
        for (target, link) in [("config", "packs/link"), ("nothing", "packs/broken"), ("packs/ab", "other")] {
            std::os::unix::fs::symlink(at(target), at(link)).expect("a link");
        }
        let store = FolderStore::open(folder.path().to_owned()).expect("a store");
        for prefix in [
            None,
            Some("packs"),
            Some("packs/ab"),
            Some("empty"),
            Some("missing"),
            Some("pac"),
            Some("config"),
        ] {
            assert_eq!(listed(&store, prefix).await, listed(&store.store, prefix).await, "{prefix:?}");
        }
        assert_eq!(listed(&store, Some("packs")).await.len(), if cfg!(unix) { 4 } else { 3 });
    }

    #[tokio::test]
    async fn lists_more_than_it_looks_at_in_one_go() {
        let folder = tempfile::tempdir().expect("a folder");
        let many = AT_ONCE + 1;
        for number in 0..many {
            fs::write(folder.path().join(number.to_string()), "").expect("it is written");
        }
        let store = FolderStore::open(folder.path().to_owned()).expect("a store");
        assert_eq!(listed(&store, None).await.len(), many);
    }

    #[tokio::test]
    async fn a_folder_that_is_gone_is_not_taken_for_an_empty_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = folder.path().join("repository");
        fs::create_dir_all(at.join("packs")).expect("folders");
        fs::write(at.join("config"), "c").expect("it is written");
        let store = FolderStore::open(at.clone()).expect("a store");
        let listing = store.list(None);
        fs::rename(&at, folder.path().join("aside")).expect("it is moved");
        // Also where it went between the question and the first look.
        listing.try_collect::<Vec<_>>().await.expect_err("it is gone");
        for prefix in [None, Some("packs"), Some("missing")] {
            let prefix = prefix.map(Path::from);
            store.list(prefix.as_ref()).try_collect::<Vec<_>>().await.expect_err("it is gone");
        }
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn links_that_go_round_in_a_circle_end() {
        let folder = tempfile::tempdir().expect("a folder");
        std::os::unix::fs::symlink(folder.path(), folder.path().join("again")).expect("a link");
        let store = FolderStore::open(folder.path().to_owned()).expect("a store");
        let refused = store.list(None).try_collect::<Vec<_>>().await.expect_err("it never ends");
        assert!(format!("{refused:?}").contains("too many folders"), "{refused:?}");
    }
}
