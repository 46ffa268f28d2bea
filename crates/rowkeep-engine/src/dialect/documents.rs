use std::fmt;

use rowkeep_format::{RowBatch, Table, Value};

use super::owned::OwnedValue;

/// Which kinds of values a property has in documents: those that JSON has a form for, moments alone, others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Held {
    /// What is in JSON as it is in the document.
    pub plain: bool,
    /// Moments, which are texts in JSON.
    pub moments: bool,
    /// What is something else in JSON, or has such values in it.
    pub others: bool,
}

/// Rows as the documents that a database keeps, where their columns are only what documents are made of.
pub trait Documents: fmt::Debug + Send + Sync {
    /// Adds the document of a row, as JSON.
    fn put(&self, rows: &RowBatch, row: usize, out: &mut Vec<u8>);

    /// What a value of documents is called that a column has; nothing where it has something else.
    fn property(&self, column: usize) -> Option<String>;

    /// Whether the parts of a row refer to each other, or one stands for all, so that they cannot be taken from two documents.
    fn is_whole(&self, rows: &RowBatch, row: usize) -> bool;

    /// Whether a column only says in which order the others stand.
    fn is_order(&self, column: usize) -> bool;

    /// Adds the value of a column, as JSON; `null` where a document does not have it.
    fn put_value(&self, value: Value<'_>, out: &mut Vec<u8>);

    /// The row of a document, without a key that stands beside it; nothing where it is none as [`put`](Self::put) gives them, or the
    /// table has no place for it.
    fn row(&self, document: &str) -> Option<Vec<Option<OwnedValue>>>;

    /// Whether nothing in a document refers to what stands elsewhere: in another place of it, or in contents beside the records.
    fn stands_alone(&self, document: &str) -> bool;

    /// Sees which kind of value a column has.
    fn see(&self, value: Value<'_>, held: &mut Held);

    /// What a property has where a text of JSON, in which some values have become others, has this value of it; `held` is what the
    /// property has elsewhere. The error says why that is not certain.
    fn of_text(&self, json: &str, held: Held) -> Result<String, &'static str>;

    /// A table with places for all that a document has.
    fn widened(&self, table: &Table, document: &str) -> Table;
}
