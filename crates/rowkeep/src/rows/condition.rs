//! Conditions on rows, in the words of SQL, evaluated on rows as rowkeep holds them.
//!
//! `docs/conditions.md` says what may be written. A condition is parsed without knowing the table, bound to a table, and
//! then evaluated on rows of that table, wherever they come from.

mod bind;
mod bound;
pub(crate) mod equality;
mod expression;
mod key_reference;
mod key_text;
mod lexer;
mod like;
mod parser;

use rowkeep_engine::dialect::Dialect;
use rowkeep_format::{RowBatch, Table};

pub use key_reference::{BoundKey, KeyReference, parse_key, table_named};
pub use key_text::{key_text, key_values_text, table_text};

pub use crate::error::ConditionError;

use crate::Error;

/// A condition as it was written.
#[derive(Debug, Clone)]
pub struct Condition {
    text: String,
    expression: expression::Expression,
}

impl Condition {
    /// Reads a condition such as `email LIKE '%@example.org' AND created_at >= '2026-01-01'`.
    ///
    /// The error shows the place where something else was expected.
    pub fn parse(text: &str) -> Result<Self, ConditionError> {
        Ok(Self { text: text.to_owned(), expression: parser::parse(text)? })
    }

    /// The condition as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Looks its columns up in a table and reads its literals as values of their types, as the dialect of the table's engine
    /// has them.
    ///
    /// A name without quotes means the column of exactly that name, else the one that differs only in the case of ASCII
    /// letters. Fails for a column that the table does not have, for a literal that its column's type cannot hold, and
    /// for an order that rowkeep does not know, such as that of an enum.
    pub fn bind(&self, table: &Table, dialect: &'static dyn Dialect) -> Result<BoundCondition, Error> {
        Ok(BoundCondition { test: bind::bind(&self.text, &self.expression, table, dialect)? })
    }
}

/// A condition on the rows of one table.
#[derive(Debug, Clone)]
pub struct BoundCondition {
    test: bound::Test,
}

impl BoundCondition {
    /// Whether a row fulfils the condition; when that is unknown, as SQL has it, the row does not.
    ///
    /// # Panics
    /// When the row is not in the batch, or the batch has fewer columns than the table.
    pub fn matches(&self, batch: &RowBatch, row: usize) -> bool {
        self.test.holds(batch, row) == Some(true)
    }
}

#[cfg(test)]
#[path = "condition/tests.rs"]
mod tests;
