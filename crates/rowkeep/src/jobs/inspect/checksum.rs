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

/// Looks for the sum of a file: in `FILE.sha256`, in the same under `checksums`, or in a list beside it.
pub(super) async fn beside(file: &Path) -> Result<Option<Checksum>, Error> {
    if !file.is_file() {
        return Ok(None);
    }
    let Some((place, expected)) = written(file) else { return Ok(None) };
    let file = file.to_owned();
    let path = file.clone();
    let found = tokio::task::spawn_blocking(move || sum(&path)).await;
    let found = found.unwrap_or_else(|error| Err(std::io::Error::other(error)));
    let problem = format!("cannot read {}", file.display());
    let found = found.map_err(|source| Error::File { problem, source })?;
    Ok(Some(Checksum { file: place, holds: found == expected }))
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
