//! The backups that an incremental one goes on from, among the files beside it.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::about::{Beginning, Kind, beginning};
use crate::file_source::{MissingBase, Source};
use crate::{EngineError, ErrorKind};

/// The most increments between a full backup and the last.
const LONGEST: usize = 10_000;

/// The files that make a state, the full backup first.
pub(super) fn chain(file: &Source, begins: &Beginning, also: Option<&Path>) -> Result<Vec<Source>, NoChain> {
    let mut chain = vec![file.clone()];
    if begins.kind != Kind::PrnIncrement {
        return Ok(chain);
    }
    let own = file.path().parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folders: Vec<&Path> = std::iter::once(own).chain(also).collect();
    let mut others: Option<Vec<(PathBuf, Beginning)>> = None;
    let mut seen = HashSet::from([file.path().to_owned()]);
    let (mut since, mut base) = (begins.since, begins.base.clone());
    while chain.len() <= LONGEST {
        let named = base.as_deref().map(|name| named(&folders, name)).unwrap_or_default();
        let named: Vec<(PathBuf, Beginning)> = named.into_iter().filter_map(looked_at).collect();
        let is_full = |found: &&(PathBuf, Beginning)| found.1.kind != Kind::PrnIncrement;
        let is_then = |found: &&(PathBuf, Beginning)| since.is_none() || found.1.time == since;
        if let Some((path, _)) = named.iter().filter(is_full).find(is_then) {
            chain.push(Source::of(path)?);
            chain.reverse();
            return Ok(chain);
        }
        let others = others.get_or_insert_with(|| folders.iter().flat_map(|folder| beside(folder)).collect());
        let then = || others.iter().filter(is_then).filter(|_| since.is_some());
        if let Some((path, _)) = then().find(is_full) {
            chain.push(Source::of(path)?);
            chain.reverse();
            return Ok(chain);
        }
        let Some((path, found)) = then().find(|found| !seen.contains(&found.0)) else {
            return Err(missing(file.path(), base.as_deref(), since, named.first()));
        };
        seen.insert(path.clone());
        chain.push(Source::of(path)?);
        (since, base) = (found.since, found.base.clone());
    }
    let message = format!("{}: more than {LONGEST} increments stand before it", file.path().display());
    Err(EngineError::new(ErrorKind::Unsupported, message).into())
}

/// Why there is no chain, and what is missing for one.
pub(super) struct NoChain {
    pub(super) error: EngineError,
    pub(super) base: Option<MissingBase>,
}

impl From<EngineError> for NoChain {
    fn from(error: EngineError) -> Self {
        Self { error, base: None }
    }
}

fn missing(
    path: &Path,
    base: Option<&str>,
    since: Option<Timestamp>,
    other: Option<&(PathBuf, Beginning)>,
) -> NoChain {
    let shown = path.display();
    let base = base.unwrap_or("a full backup");
    let when = since.map(|since| format!(" of {since}")).unwrap_or_default();
    let found = other.and_then(|(_, found)| found.time);
    let message = match found {
        Some(found) => format!(
            "{shown} holds what changed since the state{when}, but {base} is of {found}, and no increment beside it ends then"
        ),
        None => format!(
            "{shown} holds what changed since the state{when}, which is not here: put {base} beside it, and the increments \
             between them"
        ),
    };
    let base = since.map(|time| MissingBase { time, file: base.to_owned() });
    NoChain { error: EngineError::new(ErrorKind::NotFound, message), base }
}

/// Files of a name, packed or not.
fn named(folders: &[&Path], name: &str) -> Vec<PathBuf> {
    // What a file names is beside it, whatever path it says.
    let Some(name) = Path::new(name).file_name().and_then(|name| name.to_str()) else { return Vec::new() };
    let in_folder =
        |folder: &&Path| ["", ".gz", ".zst", ".xz"].map(|ending| folder.join(format!("{name}{ending}")));
    folders.iter().flat_map(in_folder).collect()
}

/// The backups of a folder.
fn beside(folder: &Path) -> Vec<(PathBuf, Beginning)> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.to_string_lossy().contains(".json"));
    paths.sort();
    paths.into_iter().filter_map(looked_at).collect()
}

fn looked_at(path: PathBuf) -> Option<(PathBuf, Beginning)> {
    if !path.is_file() {
        return None;
    }
    let source = Source::of(&path).ok()?;
    let found = beginning(source.head(), &path)?;
    Some((path, found))
}
