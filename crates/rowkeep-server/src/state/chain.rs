//! The audit's chain of hashes, gone through from its beginning.

use std::collections::{BTreeMap, BTreeSet};

use super::audit::hash;
use super::failure;
use super::transaction::Transaction;

/// A way through the chain, in steps, so that nobody who writes waits for all of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Walk {
    /// The number of the last entry that was looked at; all up to it are what was written.
    pub(crate) entries: i64,
    /// Its hash.
    pub(crate) head: Vec<u8>,
    /// The hashes of the entries that somebody wants to know.
    pub(crate) hashes: BTreeMap<i64, Vec<u8>>,
    /// The first entry that is not what was written, and what is wrong.
    pub(crate) broken: Option<(i64, &'static str)>,
}

impl Walk {
    /// Looks at some more entries; whether there may be more of them. `wanted` are those whose hashes are kept.
    pub(crate) fn go_on(
        &mut self,
        transaction: &Transaction<'_>,
        wanted: &BTreeSet<i64>,
        limit: u32,
    ) -> failure::Result<bool> {
        let query = "SELECT number, time, who, address, action, object, outcome, hash FROM audit WHERE number > ?1 \
            ORDER BY number LIMIT ?2";
        // From the very first on: numbers of all sizes can be written into a file.
        let from = if self.entries == 0 { i64::MIN } else { self.entries };
        let entries = transaction.query(query, params![from, limit], |row| {
            let parts: [String; 5] = [row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?];
            Ok((row.get::<i64>(0)?, row.get::<i64>(1)?, parts, row.get::<Vec<u8>>(7)?))
        })?;
        let seen = entries.len();
        for (number, time, parts, stated) in entries {
            if number != self.entries + 1 {
                self.broken = Some((number, "entries before it are missing"));
                return Ok(false);
            }
            let parts = [&parts[0][..], &parts[1], &parts[2], &parts[3], &parts[4]];
            if stated != hash(&self.head, number, time, parts) {
                self.broken = Some((number, "it is not what was written"));
                return Ok(false);
            }
            if wanted.contains(&number) {
                self.hashes.insert(number, stated.clone());
            }
            (self.entries, self.head) = (number, stated);
        }
        Ok(seen == limit as usize)
    }
}
