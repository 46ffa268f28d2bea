//! A reference that would dangle, and what can be done about it.

use std::fmt;

use rowkeep_format::{TableName, Value};
use serde::{Deserialize, Serialize};

/// What is done about references that would dangle.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnDangling {
    /// The plan says so and cannot be executed.
    #[default]
    Stop,
    /// Rows that are referred to come too, from the same state, and rows that refer to others that go become as the state
    /// has them. What the state does not have stops the plan.
    Bring,
    /// Rows that would refer to nothing are not restored, and rows that are referred to do not go.
    LeaveOut,
}

/// References of one foreign key that would dangle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dangling {
    /// The referring table.
    pub table: TableName,
    /// The referring columns.
    pub columns: Vec<String>,
    /// The table referred to.
    pub references: TableName,
    /// The columns referred to.
    pub referenced_columns: Vec<String>,
    /// Why.
    pub why: Why,
    /// How many rows would refer to nothing.
    pub rows: u64,
    /// The keys of the first of them.
    pub first: Vec<String>,
}

/// Why a reference would dangle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// A row would come, or change, that refers to one that is not there.
    Missing,
    /// A row would go, or change, that another row refers to.
    Goes,
}

impl fmt::Display for Dangling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { table, references, rows, .. } = self;
        let noun = if *rows == 1 { "row" } else { "rows" };
        let more = if *rows > self.first.len() as u64 { ", …" } else { "" };
        let (refer, missing) = match self.why {
            Why::Missing => ("would refer", "are not there"),
            Why::Goes => (if *rows == 1 { "refers" } else { "refer" }, "would go"),
        };
        write!(
            f,
            "{rows} {noun} of {table} ({}{more}) {refer} to rows of {references} that {missing}, by FOREIGN KEY ({}) \
             REFERENCES {references} ({})",
            self.first.join("; "),
            self.columns.join(", "),
            self.referenced_columns.join(", ")
        )
    }
}

/// A key as people read it, a long one by its beginning.
pub(super) fn key_in_words<'v>(values: impl Iterator<Item = Value<'v>>) -> String {
    const SHOWN: usize = 60;
    let word = |value: Value<'_>| match value {
        Value::Null => "NULL".to_owned(),
        Value::Integer(integer) => integer.to_string(),
        Value::Real(bits) => f64::from_bits(bits).to_string(),
        Value::Text(text) => String::from_utf8_lossy(text).into_owned(),
        Value::Blob(bytes) => format!("x'{}'", hex::encode(bytes)),
    };
    let whole = values.map(word).collect::<Vec<_>>().join(",");
    match whole.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &whole[..end]),
        None => whole,
    }
}
