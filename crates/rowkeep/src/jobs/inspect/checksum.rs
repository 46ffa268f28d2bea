//! The sum that stands beside a file, as `sha256sum` writes it.

use std::io::Read;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{Context as Digest, SHA256};
use serde::{Deserialize, Serialize};

use crate::Error;

/// How many digits a sum has.
const DIGITS: usize = 64;

/// The names of files with the sums of several.
const OF_SEVERAL: [&str; 3] = ["SHA256SUMS", "SHA256SUMS.txt", "sha256sum.txt"];

/// A SHA-256 that somebody wrote down for a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checksum {
    /// Where it stands.
    pub file: PathBuf,
    /// Whether it is that of the file.
    pub holds: bool,
}

/// What the sums beside a file, or within a folder, say of it.
#[derive(Default)]
pub(in crate::jobs) struct Sums {
    /// One that is there, and first one that is wrong.
    pub(super) sum: Option<Checksum>,
    /// What is wrong by them, in words.
    pub(in crate::jobs) wrong: Vec<String>,
}

/// Holds a file, or the files of a folder, against the sums that were written down for them.
pub(in crate::jobs) async fn of(path: &Path) -> Result<Sums, Error> {
    let owned = path.to_owned();
    let found = tokio::task::spawn_blocking(move || sums(&owned)).await;
    let found = found.unwrap_or_else(|error| Err(std::io::Error::other(error)));
    let problem = format!("cannot read {}", path.display());
    found.map_err(|source| Error::File { problem, source })
}

fn sums(path: &Path) -> std::io::Result<Sums> {
    let mut sums = Sums::default();
    let mut files = vec![path.to_owned()];
    if path.is_dir() {
        files = std::fs::read_dir(path)?.flatten().map(|entry| entry.path()).collect();
        files.sort();
        for (list, name) in listed(path) {
            if !path.join(&name).exists() {
                sums.wrong.push(format!("{} lists {name}, which is not there", list.display()));
                sums.sum = Some(Checksum { file: list, holds: false });
            }
        }
    }
    for file in files.into_iter().filter(|file| file.is_file()) {
        let Some((place, expected)) = written(&file) else { continue };
        let holds = sum(&file)? == expected;
        if !holds {
            let place = place.display();
            sums.wrong.push(format!("{} has another checksum than {place} says", file.display()));
        }
        if sums.sum.as_ref().is_none_or(|sum| sum.holds) {
            sums.sum = Some(Checksum { file: place, holds });
        }
    }
    Ok(sums)
}

/// The names in the lists of a folder.
fn listed(folder: &Path) -> Vec<(PathBuf, String)> {
    let lists = OF_SEVERAL.iter().map(|list| folder.join(list));
    let lines = lists.filter_map(|list| Some((std::fs::read_to_string(&list).ok()?, list)));
    let names = lines.flat_map(|(text, list)| {
        let names: Vec<_> = text.lines().filter_map(name_in_line).map(|name| (list.clone(), name)).collect();
        names
    });
    names.collect()
}

/// The name in a line of a list, where it is that of a file beside it.
fn name_in_line(line: &str) -> Option<String> {
    let (sum, rest) = line.trim().split_at_checked(DIGITS)?;
    let named = rest.trim_start().trim_start_matches('*').trim_start_matches("./");
    let is_sum = sum.chars().all(|digit| digit.is_ascii_hexdigit());
    (is_sum && !named.is_empty() && !named.contains(['/', '\\'])).then(|| named.to_owned())
}

fn written(file: &Path) -> Option<(PathBuf, String)> {
    let name = file.file_name()?.to_str()?;
    let folder = file.parent()?;
    let own = format!("{name}.sha256");
    let above = folder.parent().map(|above| above.join("checksums").join(&own));
    let places = [folder.join(&own), folder.join("checksums").join(&own)].into_iter().chain(above);
    let lists = OF_SEVERAL.iter().map(|list| folder.join(list));
    places.map(|place| (place, true)).chain(lists.map(|place| (place, false))).find_map(|(place, is_own)| {
        let text = std::fs::read_to_string(&place).ok()?;
        let sum = text.lines().find_map(|line| in_line(line, name, is_own))?;
        Some((place, sum))
    })
}

/// The sum in a line, if it is for a file of this name, or names none where it needs not.
fn in_line(line: &str, name: &str, is_own: bool) -> Option<String> {
    let (sum, rest) = line.trim().split_at_checked(DIGITS)?;
    if !sum.chars().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let named = rest.trim_start().trim_start_matches('*');
    let is_it = Path::new(named).file_name().is_some_and(|named| named == name);
    (is_it || (is_own && named.is_empty())).then(|| sum.to_ascii_lowercase())
}

fn sum(file: &Path) -> std::io::Result<String> {
    let mut bytes = std::fs::File::open(file)?;
    let (mut digest, mut buffer) = (Digest::new(&SHA256), vec![0; 256 * 1024]);
    loop {
        match bytes.read(&mut buffer)? {
            0 => return Ok(hex::encode(digest.finish())),
            read => digest.update(&buffer[..read]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_found_by_the_name_of_their_file() {
        let sum = "ab".repeat(32);
        for (line, is_own, found) in [
            (format!("{sum}  shop.sql"), false, true),
            (format!("{} *out/shop.sql", sum.to_uppercase()), false, true),
            (sum.clone(), true, true),
            (sum.clone(), false, false),
            (format!("{sum}  other.sql"), true, false),
            ("shop.sql".to_owned(), true, false),
        ] {
            assert_eq!(in_line(&line, "shop.sql", is_own), found.then(|| sum.clone()), "{line}");
        }
    }
}
