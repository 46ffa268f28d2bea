//! The members of a tar file (POSIX, `pax`, "ustar Interchange Format").

use std::collections::HashMap;
use std::fs::File;
use std::sync::Arc;

use crate::file_source::Damage;
use crate::postgres::dump_file::place::{Section, read_at};

const BLOCK_BYTES: u64 = 512;

/// The members by their names.
pub(super) struct Members(HashMap<String, Section>);

impl Members {
    /// Where a member is.
    pub(super) fn section(&self, name: &str) -> Option<Section> {
        self.0.get(name).cloned()
    }
}

/// Whether a file is one of tar.
pub(super) fn is_tar(file: &File) -> bool {
    header(file, 0).is_ok_and(|header| &header[257..262] == b"ustar")
}

/// Lists the members that are whole, and says where the file is not.
pub(super) fn members(file: &Arc<File>) -> (Members, Option<Damage>) {
    let mut members = HashMap::new();
    let damage = list(file, &mut members).err();
    (Members(members), damage)
}

fn list(file: &Arc<File>, members: &mut HashMap<String, Section>) -> Result<(), Damage> {
    let damage = |at: u64, what: &str| Damage { place: format!("byte {at}"), what: what.to_owned() };
    let length = file.metadata().map_or(0, |metadata| metadata.len());
    let mut at = 0;
    loop {
        let header = header(file, at)
            .map_err(|_| damage(at, "the file is cut off: the end of the tar file is missing"))?;
        if header.iter().all(|byte| *byte == 0) {
            return Ok(());
        }
        if sum(&header) != octal(&header[148..156]) {
            return Err(damage(at, "the sum of a header does not hold"));
        }
        let size = octal(&header[124..136]).ok_or_else(|| damage(at, "a member has no size"))?;
        let begins = at + BLOCK_BYTES;
        if begins.saturating_add(size) > length {
            return Err(damage(at, "the file is cut off in the middle of a member"));
        }
        let end = header[..100].iter().position(|byte| *byte == 0).unwrap_or(100);
        let name = String::from_utf8_lossy(&header[..end]).into_owned();
        let section = Section { file: Arc::clone(file), at: begins, bytes: size };
        members.insert(name.trim_start_matches("./").to_owned(), section);
        at = begins + size.div_ceil(BLOCK_BYTES) * BLOCK_BYTES;
    }
}

fn header(file: &File, at: u64) -> std::io::Result<[u8; BLOCK_BYTES as usize]> {
    let mut header = [0; BLOCK_BYTES as usize];
    let mut filled = 0;
    while filled < header.len() {
        match read_at(file, &mut header[filled..], at + filled as u64)? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            read => filled += read,
        }
    }
    Ok(header)
}

/// The sum of a header's bytes, its own field taken for blanks.
fn sum(header: &[u8]) -> Option<u64> {
    let of = |bytes: &[u8]| bytes.iter().map(|byte| u64::from(*byte)).sum::<u64>();
    Some(of(&header[..148]) + 8 * u64::from(b' ') + of(&header[156..]))
}

/// An octal number, or a large one in binary.
fn octal(field: &[u8]) -> Option<u64> {
    if field.first().is_some_and(|first| first & 0x80 != 0) {
        let mut value = u64::from(field[0] & 0x7f);
        for byte in &field[1..] {
            value = value.checked_mul(256)?.checked_add(u64::from(*byte))?;
        }
        return Some(value);
    }
    let text = std::str::from_utf8(field).ok()?;
    u64::from_str_radix(text.trim_matches([' ', '\0']), 8).ok()
}
