//! How much one transaction may have.

/// What stands around a statement.
const AROUND: usize = 32;

/// What statements may be sent together, as one transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Room {
    /// What they may cost in all. What tells whether they may be run, and how far they came, comes besides.
    pub(crate) bytes: usize,
    /// The bytes of the longest of them: D1 takes 100,000.
    pub(crate) longest: usize,
    /// How many they may be.
    pub(crate) statements: usize,
    /// Whether they are counted as they stand in JSON.
    in_json: bool,
}

impl Room {
    /// Over the API they are one text, and D1 reads no text that is longer than one statement may be.
    pub(super) fn of_api() -> Self {
        Self { bytes: 94_000, longest: 90_000, statements: usize::MAX, in_json: false }
    }

    /// The Worker takes a request of 32 MiB, and Cloudflare runs 1,000 statements for one.
    pub(crate) fn of_worker() -> Self {
        Self { bytes: 24 << 20, longest: 96_000, statements: 900, in_json: true }
    }

    /// What is left of it when some statements come with each step.
    pub(crate) fn without<'s>(self, statements: impl Iterator<Item = &'s str>) -> Self {
        let (mut bytes, mut count) = (0, 0);
        for sql in statements {
            bytes += self.cost(sql);
            count += 1;
        }
        let bytes = self.bytes.saturating_sub(bytes);
        Self {
            bytes,
            longest: self.longest.min(bytes.saturating_sub(AROUND)),
            statements: self.statements.saturating_sub(count),
            ..self
        }
    }

    /// What a statement takes of it.
    pub(crate) fn cost(&self, sql: &str) -> usize {
        let escaped = |byte: u8| -> usize {
            match byte {
                b'"' | b'\\' | b'\n' | b'\r' | b'\t' => 2,
                0..=31 => 6,
                _ => 1,
            }
        };
        AROUND + if self.in_json { sql.bytes().map(escaped).sum::<usize>() } else { sql.len() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_cost_what_they_take() {
        let sql = "SELECT '\"\\\n\u{1}é'";
        let json = serde_json::to_string(sql).expect("it is written");
        assert_eq!(Room::of_worker().cost(sql), json.len() - 2 + 32);
        assert_eq!(Room::of_api().cost(sql), sql.len() + 32);
    }

    #[test]
    fn the_longest_fits_beside_what_comes_with_it() {
        let trigger = "x".repeat(50_000);
        let left = Room::of_api().without([trigger.as_str()].into_iter());
        assert_eq!((left.bytes, left.longest), (43_968, 43_936));
        assert_eq!(left.without([trigger.as_str()].into_iter()).longest, 0);
        assert_eq!(Room::of_api().without(["x"].into_iter()).longest, Room::of_api().longest);
    }
}
