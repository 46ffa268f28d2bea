//! A database as a script of SQL, whatever its engine.

use rowkeep_format::{RowBatch, Table};
use serde::{Deserialize, Serialize};

use crate::EngineError;

/// A value that a statement is to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SqlValue {
    /// A text, which becomes whatever the column holds.
    Text(String),
    /// An integer.
    Integer(i64),
    /// A truth value.
    Boolean(bool),
}

/// Writes a database as a script, for the program that runs such scripts: `psql`, `sqlite3`.
///
/// A script is [`head`](Self::head), then the rows of tables in the order of [`rank`](Self::rank), each between
/// [`begin`](Self::begin) and [`end`](Self::end), then [`tail`](Self::tail). Values come back exactly.
pub trait SqlText: Send + Sync {
    /// What comes before all rows.
    fn head(&self) -> String;

    /// When the rows of a table come: those of a lower rank before those of a higher. Nothing when they do not come
    /// at all.
    fn rank(&self, table: &Table) -> Option<u8>;

    /// What comes before the rows of a table.
    fn begin(&self, table: &Table) -> String;

    /// Adds what puts rows into a table.
    fn rows(&self, table: &Table, rows: &RowBatch, out: &mut Vec<u8>) -> Result<(), EngineError>;

    /// What comes after the rows of a table.
    fn end(&self, _table: &Table) -> String {
        String::new()
    }

    /// What comes after all rows.
    fn tail(&self) -> String;

    /// Whether tables that refer to each other in a circle can be filled only where their foreign keys wait for the end.
    fn waits_for_keys(&self) -> bool {
        false
    }

    /// What does not come with it, in words for people.
    fn notes(&self) -> Vec<String> {
        Vec::new()
    }
}

/// A program that loads scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Program {
    /// `psql`.
    Psql,
    /// The shell of SQLite.
    Sqlite3,
    /// `wrangler d1 execute --file`.
    D1,
}

impl Program {
    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Program::Psql => "psql",
            Program::Sqlite3 => "sqlite3",
            Program::D1 => "wrangler d1 execute",
        }
    }
}

/// How many rows one statement holds at most, and after how many bytes it holds no more.
const STATEMENT_ROWS: usize = 250;
const STATEMENT_BYTES: usize = 256 * 1024;

/// Writes rows as statements that each hold many: `before (…), (…);`.
pub(crate) fn statements(
    before: &str,
    rows: &RowBatch,
    out: &mut Vec<u8>,
    mut row: impl FnMut(usize, &mut Vec<u8>),
) {
    let mut begun = None;
    for number in 0..rows.rows() {
        match begun {
            Some((first, start))
                if number - first < STATEMENT_ROWS && out.len() - start < STATEMENT_BYTES =>
            {
                out.extend_from_slice(b",\n");
            }
            _ => {
                if begun.is_some() {
                    out.extend_from_slice(b";\n");
                }
                begun = Some((number, out.len()));
                out.extend_from_slice(before.as_bytes());
            }
        }
        out.push(b'(');
        row(number, out);
        out.push(b')');
    }
    if begun.is_some() {
        out.extend_from_slice(b";\n");
    }
}
