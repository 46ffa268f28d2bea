use std::io::Write;
use std::path::Path;

use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::hex::Hex;
use crate::seal::random;
use crate::{Error, Result};

const WORDS: &str = "\
# A key file of rowkeep.
#
# Together with the repository it was made for, this file reads every backup; without it, or a passphrase of
# that repository, nobody can read any. Keep a copy where the repository is not, and let nobody else have it.
";

/// A secret in a file: 32 random bytes, in words and hexadecimal digits.
pub struct KeyFile {
    secret: Zeroizing<[u8; 32]>,
}

impl KeyFile {
    /// Makes a new secret.
    ///
    /// Store it ([`KeyFile::write_new`]) before a repository depends on it.
    pub fn generate() -> Result<Self> {
        Ok(Self { secret: Zeroizing::new(random()?) })
    }

    /// Reads the contents of a key file.
    pub fn parse(contents: &[u8]) -> Result<Self> {
        let text = std::str::from_utf8(contents).map_err(|_| Error::MalformedKeyFile)?;
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let secret = lines.next().and_then(|line| line.strip_prefix("key ")).and_then(Hex::<32>::parse);
        match (secret, lines.next()) {
            (Some(Hex(secret)), None) => Ok(Self { secret: Zeroizing::new(secret) }),
            _ => Err(Error::MalformedKeyFile),
        }
    }

    /// The contents of the file.
    pub fn contents(&self) -> SecretString {
        format!("{WORDS}key {}\n", Hex(*self.secret)).into()
    }

    /// Writes the file durably, for its owner's eyes only; refuses to replace one that exists.
    pub fn write_new(&self, path: &Path) -> Result<()> {
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let written = options.open(path).and_then(|mut file| {
            let written =
                file.write_all(self.contents().expose_secret().as_bytes()).and_then(|()| file.sync_all());
            // Half a key opens nothing, and would be in the way of the next attempt.
            written.inspect_err(|_| drop(std::fs::remove_file(path)))
        });
        written.map_err(|source| Error::Io {
            action: "write the key file",
            path: path.display().to_string(),
            source,
        })
    }

    /// Derives the key that wraps a master key.
    pub(super) fn derive(&self, salt: &[u8; 32]) -> Zeroizing<[u8; 32]> {
        let mut material = Zeroizing::new([0; 64]);
        material[..32].copy_from_slice(&self.secret[..]);
        material[32..].copy_from_slice(salt);
        Zeroizing::new(blake3::derive_key("rowkeep v1 2026 key file", &material[..]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_are_pinned_and_read_back() {
        let file = KeyFile { secret: Zeroizing::new([0x5a; 32]) };
        let contents = file.contents();
        assert_eq!(contents.expose_secret(), format!("{WORDS}key {}\n", "5a".repeat(32)));
        assert_eq!(
            KeyFile::parse(contents.expose_secret().as_bytes()).expect("a key file").secret,
            file.secret
        );
        let with_other_line_ends = contents.expose_secret().replace('\n', "\r\n");
        assert_eq!(KeyFile::parse(with_other_line_ends.as_bytes()).expect("a key file").secret, file.secret);
    }

    #[test]
    fn anything_else_is_refused() {
        let twice = format!("key {0}\nkey {0}\n", "5a".repeat(32));
        for bad in ["", "# key\n", "key 5a\n", &"5a".repeat(32), &twice] {
            assert!(matches!(KeyFile::parse(bad.as_bytes()), Err(Error::MalformedKeyFile)), "{bad:?}");
        }
        assert!(matches!(KeyFile::parse(b"\xff"), Err(Error::MalformedKeyFile)));
    }

    #[test]
    fn the_file_is_for_its_owner_and_replaces_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("key");
        let file = KeyFile::generate().expect("random bytes");
        file.write_new(&path).expect("written");
        assert_eq!(std::fs::read_to_string(&path).expect("readable"), file.contents().expose_secret());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        }
        assert!(matches!(file.write_new(&path), Err(Error::Io { .. })));
    }
}
