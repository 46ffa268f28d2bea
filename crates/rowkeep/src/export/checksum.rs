//! SHA-256, as `sha256sum` prints and checks it.

use aws_lc_rs::digest::{Context, SHA256};

/// What files with the checksums of several files are called.
pub(super) const SUMS: &str = "SHA256SUMS";

/// The checksum of bytes that come piece by piece.
#[derive(Clone)]
pub(super) struct Checksum(Context);

impl Checksum {
    pub(super) fn new() -> Self {
        Self(Context::new(&SHA256))
    }

    pub(super) fn add(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// In hexadecimal digits.
    pub(super) fn finish(self) -> String {
        hex::encode(self.0.finish())
    }
}

/// The line that `sha256sum -c` checks a file by.
pub(super) fn line(checksum: &str, name: &str) -> String {
    if !name.contains(['\\', '\n', '\r']) {
        return format!("{checksum}  {name}\n");
    }
    let escaped = name.replace('\\', "\\\\").replace('\n', "\\n").replace('\r', "\\r");
    format!("\\{checksum}  {escaped}\n")
}

/// The lines of checksums in place of those that a file of them has for the same names; its others stay.
pub(super) fn merged(there: &str, lines: &[String]) -> String {
    kept(there, lines) + &lines.concat()
}

/// The lines of a file of checksums that are of none of these names.
pub(super) fn without(there: &str, names: &[String]) -> String {
    let digits = "0".repeat(64);
    kept(there, &names.iter().map(|name| line(&digits, name)).collect::<Vec<_>>())
}

/// The lines of a file of checksums that are of other names than these lines.
fn kept(there: &str, lines: &[String]) -> String {
    let name = |line: &str| {
        let own = line.strip_prefix('\\').unwrap_or(line);
        own.get(64..).map(|name| name.trim().trim_start_matches('*').to_owned())
    };
    let is_ours = |line: &&str| lines.iter().any(|own| name(own) == name(line));
    there.lines().filter(|line| !is_ours(line)).map(|line| format!("{line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_those_of_sha256sum() {
        let mut checksum = Checksum::new();
        checksum.add(b"a");
        checksum.add(b"bc");
        let digits = checksum.finish();
        assert_eq!(digits, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(line(&digits, "a b.csv"), format!("{digits}  a b.csv\n"));
        assert_eq!(line(&digits, "a\nb\\"), format!("\\{digits}  a\\nb\\\\\n"));
        let escaped = line(&digits, "a\nb");
        assert_eq!(
            without(&format!("{escaped}{}", line(&digits, "b")), &["a\nb".to_owned()]),
            line(&digits, "b")
        );
        let there = format!("{}  old.csv\n{}  a.csv\n", "0".repeat(64), "1".repeat(64));
        let after = merged(&there, &[line(&digits, "a.csv"), line(&digits, "b.csv")]);
        assert_eq!(after, format!("{}  old.csv\n{digits}  a.csv\n{digits}  b.csv\n", "0".repeat(64)));
    }
}
