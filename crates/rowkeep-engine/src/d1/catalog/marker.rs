//! Tables of rowkeep's own, which are there while something takes several transactions.

use crate::sqlite::long_values::PARTS;

/// What such a table stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Marker {
    /// The database is being made.
    Made,
    /// Rows of it are being changed.
    Changed,
    /// A change was made, of which nothing is left to do.
    Done,
    /// A value is put together.
    Parts,
}

impl Marker {
    const ALL: [Self; 4] = [Self::Made, Self::Changed, Self::Done, Self::Parts];

    /// The marker of that name.
    pub(crate) fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|marker| marker.name() == name)
    }

    /// The name of its table.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Made => "_rowkeep_made",
            Self::Changed => "_rowkeep_changed",
            Self::Done => "_rowkeep_done",
            Self::Parts => PARTS,
        }
    }

    /// All names, as a list of literals.
    pub(crate) fn names() -> String {
        Self::ALL.map(|marker| format!("'{}'", marker.name())).join(", ")
    }

    /// The statements that set it, so that the next step is the second. What another one has left is gone with that.
    pub(crate) fn set(self, token: &str) -> Vec<String> {
        let name = self.name();
        vec![
            format!("DROP TABLE IF EXISTS {name}"),
            format!("CREATE TABLE {name} (token TEXT NOT NULL, step INTEGER NOT NULL)"),
            format!("INSERT INTO {name} VALUES ('{token}', 1)"),
        ]
    }

    /// The condition that a step is next.
    pub(crate) fn condition(self, token: &str, step: u64) -> String {
        format!("coalesce((SELECT step FROM {} WHERE token = '{token}'), -1) = {step}", self.name())
    }

    /// The conditions that it is there, and that of a token where there is one. The first is looked at before the second.
    pub(crate) fn is_there(self, token: Option<&str>) -> Vec<String> {
        let name = self.name();
        let is_of = |token| format!("EXISTS (SELECT 1 FROM {name} WHERE token = '{token}')");
        let is_there = format!("EXISTS (SELECT 1 FROM main.sqlite_schema WHERE name = '{name}')");
        std::iter::once(is_there).chain(token.map(is_of)).collect()
    }

    /// The statement that makes the next step the one after it.
    pub(crate) fn advance(self) -> String {
        format!("UPDATE {} SET step = step + 1", self.name())
    }

    /// The statement that asks which step is next.
    pub(crate) fn ask(self, token: &str) -> String {
        format!("SELECT CAST(step AS TEXT) AS s FROM {} WHERE token = '{token}'", self.name())
    }

    /// The statement that removes it.
    pub(crate) fn remove(self) -> String {
        format!("DROP TABLE IF EXISTS {}", self.name())
    }
}

/// A statement that does nothing.
pub(crate) const NOTHING: &str = "SELECT 1 WHERE 0";

/// A statement that fails, and with it the whole transaction, unless a condition holds. It has no rows: in a text of several
/// statements D1 leaves one that has rows of a table open, and no table can be dropped from then on.
pub(crate) fn unless(condition: &str) -> String {
    format!("SELECT 1 WHERE CASE WHEN {condition} THEN 0 ELSE abs(-9223372036854775807 - 1) END")
}

/// Whether an error is that of such a statement.
pub(crate) fn is_unless(words: &str) -> bool {
    words.contains("integer overflow")
}
