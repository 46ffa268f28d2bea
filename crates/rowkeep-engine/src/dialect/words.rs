//! How an engine reads names and patterns.

/// How names are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Names {
    /// Whether case never tells names apart, not even in quotes.
    pub fold: bool,
    /// The schema in which a table is looked for whose name stands alone; nothing where tables are in no schema.
    pub default_schema: Option<&'static str>,
}

/// How LIKE reads its patterns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Like {
    /// What takes the meaning from the character behind it, where `ESCAPE` does not say another.
    pub escape: Option<char>,
    /// Which letters are one to LIKE.
    pub like: Case,
    /// Which are one to ILIKE.
    pub ilike: Case,
}

/// Which letters are one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Case {
    /// None but the same.
    Sensitive,
    /// Those that differ in case within ASCII.
    Ascii,
    /// Those whose lower case is the same.
    Unicode,
}

impl Case {
    /// What a letter has in common with those that are one with it.
    pub fn fold(self, character: u32) -> u32 {
        match (self, char::from_u32(character)) {
            (Case::Ascii, Some(letter)) => u32::from(letter.to_ascii_lowercase()),
            (Case::Unicode, Some(letter)) => letter.to_lowercase().next().map_or(character, u32::from),
            _ => character,
        }
    }
}

/// The table of settings in which an engine keeps the values of sequences, with the columns `schema`, `name`, `last_value` and
/// `is_called`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sequences {
    /// Its name.
    pub table: &'static str,
    /// The fact that says by how much sequences go on, as JSON by schema and name.
    pub steps: &'static str,
    /// How many numbers are logged before they are given, so that a standby may be so far ahead.
    pub logged_ahead: i128,
}
