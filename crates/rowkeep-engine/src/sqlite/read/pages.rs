//! The pages that hold a table's rows, as one hash: while it stays the same, so do all rows.
//!
//! Pages are asked of SQLite itself (`sqlite_dbpage`), so they are those of the transaction's state, whether they lie in the file or
//! in its log. How pages lie in a b-tree: SQLite's manual, "Database File Format", 1.6.

use rowkeep_format::{PagesHash, Table};
use rusqlite::{Connection, OptionalExtension, Statement};

use crate::sqlite::catalog::properties::pragma;

/// No b-tree is deeper: each of its pages but the root has two children at least, and there are less than 2^32 pages.
const DEEPEST: usize = 40;

/// The hash of the pages of a table's b-tree, overflow pages included, and of what else decides how its rows are read: its
/// definition, which has the values of columns that were added later, and the encoding of text.
///
/// Nothing for what has no pages of its own, and where the pages cannot be read or are not as they should be: whoever reads the rows
/// learns of that.
/// `go_on` is asked now and then, and says when to stop.
pub(crate) fn hash(
    connection: &Connection,
    table: &Table,
    encoding: &str,
    go_on: &impl Fn() -> bool,
) -> Option<PagesHash> {
    let hash = || -> rusqlite::Result<Option<PagesHash>> {
        let definition = connection
            .query_row(
                "SELECT rootpage, sql FROM main.sqlite_schema WHERE type = 'table' AND name = ?1",
                [&table.name.name],
                |row| Ok((row.get::<_, Option<u32>>(0)?, row.get::<_, Option<String>>(1)?)),
            )
            .optional()?;
        let Some((Some(root), sql)) = definition.filter(|(root, _)| *root != Some(0)) else {
            return Ok(None);
        };
        let mut pages = Pages::new(connection)?;
        let mut hasher = blake3::Hasher::new();
        for text in [encoding, sql.as_deref().unwrap_or_default()] {
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        }
        if !pages.walk(root, &mut hasher, go_on)? {
            return Ok(None);
        }
        let mut hash = [0; PagesHash::LEN];
        hash.copy_from_slice(&hasher.finalize().as_bytes()[..PagesHash::LEN]);
        Ok(Some(PagesHash(hash)))
    };
    hash().unwrap_or_else(|error| {
        tracing::info!(%error, table = %table.name, "the pages of a table are not compared");
        None
    })
}

/// The pages of a database.
struct Pages<'c> {
    statement: Statement<'c>,
    /// Bytes of a page that hold content.
    usable: usize,
    /// Pages that are left to be read: none is read twice.
    left: u32,
}

impl<'c> Pages<'c> {
    fn new(connection: &'c Connection) -> rusqlite::Result<Self> {
        let mut statement = connection.prepare("SELECT data FROM sqlite_dbpage('main') WHERE pgno = ?1")?;
        let reserved = statement
            .query_row([1], |row| Ok(row.get_ref(0)?.as_blob()?.get(20).copied()))
            .optional()?
            .flatten();
        let page_size: u32 = pragma(connection, "page_size")?;
        let usable = (page_size as usize).saturating_sub(usize::from(reserved.unwrap_or_default()));
        Ok(Self { statement, usable, left: pragma(connection, "page_count")? })
    }

    /// Hashes all pages below a root; says whether they are as they should be, and nobody wants to stop.
    fn walk(
        &mut self,
        root: u32,
        hasher: &mut blake3::Hasher,
        go_on: &impl Fn() -> bool,
    ) -> rusqlite::Result<bool> {
        // Of each page on the way down, the children that are left, the next at the end.
        let mut path = vec![vec![root]];
        let mut below = Vec::new();
        while let Some(children) = path.last_mut() {
            let Some(page) = children.pop() else {
                path.pop();
                continue;
            };
            below.clear();
            let mut chains = Vec::new();
            let usable = self.usable;
            let is_sound = self.read(page, |data| {
                hasher.update(data);
                parse(data, page, usable, &mut below, &mut chains).is_some()
            })?;
            if !is_sound || path.len() > DEEPEST || !go_on() {
                return Ok(false);
            }
            for mut next in chains {
                while next != 0 {
                    let mut after = None;
                    let read = self.read(next, |data| {
                        hasher.update(data);
                        after = number(data, 0);
                        after.is_some()
                    })?;
                    if !read {
                        return Ok(false);
                    }
                    next = after.unwrap_or_default();
                }
            }
            if !below.is_empty() {
                below.reverse();
                path.push(std::mem::take(&mut below));
            }
        }
        Ok(true)
    }

    /// Gives a page to somebody who says whether it is as it should be; false as well where there is none.
    fn read(&mut self, page: u32, with: impl FnOnce(&[u8]) -> bool) -> rusqlite::Result<bool> {
        let Some(left) = self.left.checked_sub(1) else { return Ok(false) };
        self.left = left;
        let read = self.statement.query_row([page], |row| Ok(with(row.get_ref(0)?.as_blob()?))).optional();
        Ok(read?.unwrap_or(false))
    }
}

/// Finds the children of a page, and where the values begin that go on in overflow pages. Nothing where it is no page of a b-tree.
fn parse(
    data: &[u8],
    page: u32,
    usable: usize,
    children: &mut Vec<u32>,
    chains: &mut Vec<u32>,
) -> Option<()> {
    const INTERIOR_INDEX: u8 = 2;
    const INTERIOR_TABLE: u8 = 5;
    const LEAF_INDEX: u8 = 10;
    const LEAF_TABLE: u8 = 13;
    let header = if page == 1 { 100 } else { 0 };
    let kind = *data.get(header)?;
    let (is_interior, is_table) = match kind {
        INTERIOR_INDEX => (true, false),
        INTERIOR_TABLE => (true, true),
        LEAF_INDEX => (false, false),
        LEAF_TABLE => (false, true),
        _ => return None,
    };
    let cells = usize::from(short(data, header + 3)?);
    let pointers = header + if is_interior { 12 } else { 8 };
    for cell in 0..cells {
        let mut at = usize::from(short(data, pointers + 2 * cell)?);
        if is_interior {
            children.push(number(data, at)?);
            at += 4;
        }
        if is_interior && is_table {
            continue;
        }
        let payload = usize::try_from(varint(data, &mut at)?).ok()?;
        if is_table {
            varint(data, &mut at)?;
        }
        let most = match is_table {
            true => usable.checked_sub(35)?,
            false => usable.checked_sub(12)? * 64 / 255 - 23,
        };
        if payload > most {
            let least = usable.checked_sub(12)? * 32 / 255 - 23;
            let kept = least + (payload - least) % (usable - 4);
            chains.push(number(data, at + if kept <= most { kept } else { least })?);
        }
    }
    if is_interior {
        children.push(number(data, header + 8)?);
    }
    Some(())
}

fn short(data: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(data.get(at..at + 2)?.try_into().ok()?))
}

fn number(data: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(data.get(at..at + 4)?.try_into().ok()?))
}

/// A number of one to nine bytes, the high bits first.
fn varint(data: &[u8], at: &mut usize) -> Option<u64> {
    let mut value = 0u64;
    for byte in 0..9 {
        let next = *data.get(*at)?;
        *at += 1;
        if byte == 8 {
            return Some(value << 8 | u64::from(next));
        }
        value = value << 7 | u64::from(next & 0x7f);
        if next < 0x80 {
            return Some(value);
        }
    }
    None
}
