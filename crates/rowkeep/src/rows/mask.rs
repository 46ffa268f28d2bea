//! Masking: a map over the rows of a state that takes what is personal out of them.
//!
//! `docs/masking.md` says which rules there are. Values are masked one by one, by their rule, their own content and a
//! secret key alone: equal values become equal values in every table, every run and every snapshot.
//!
//! Rows of tables that people know as theirs are masked. Sequences, settings, shadow tables of virtual tables and large
//! objects are not.

mod bind;
mod fake;
mod numbers;
mod permute;
mod rules;
mod suggest;
mod value;
mod view;

use std::collections::HashMap;
use std::sync::Arc;

use rowkeep_format::batch::ColumnValues;
use rowkeep_format::{ContentKeys, RowBatch, Schema, TableName, Value};

pub use rules::{MaskRules, Rule};
pub use suggest::{Suggestion, suggest};
pub use view::MaskedView;

use crate::Error;
use value::{ColumnMask, Masked};

/// Rules, and the key that makes what they do unpredictable.
#[derive(Clone)]
pub struct Mask {
    rules: MaskRules,
    key: [u8; 32],
}

impl Mask {
    /// Takes the key from the rules, or else from the secrets of a repository.
    ///
    /// Whoever has the key can try values until one masks to what he sees. The repository's secrets are known to all
    /// who can open it, and to everybody when it is not encrypted; masked rows for them need a key of their own.
    pub fn new(rules: &MaskRules, keys: &ContentKeys) -> Self {
        let secret = match &rules.key {
            Some(key) => key.clone().into_bytes(),
            // A keyed hash of something that is no chunk: it begins like none.
            None => keys.chunk_id(b"rowkeep mask key").0.to_vec(),
        };
        Self { rules: rules.clone(), key: blake3::derive_key("rowkeep v1 2026 mask", &secret) }
    }

    /// Looks the rules' tables and columns up in a schema.
    ///
    /// A rule for a column that others refer to, or that refers to others, is applied to all of them. Fails for a table
    /// or column that is not there, and where a rule cannot give values that the column takes: NULL where that is
    /// refused, values that are not unique in a key, another rule on the other side of a reference.
    pub fn bind(&self, schema: &Schema) -> Result<BoundMask, Error> {
        bind::bind(self, schema)
    }
}

/// A mask for the tables of one schema.
#[derive(Clone)]
pub struct BoundMask {
    tables: HashMap<TableName, TableMask>,
}

impl BoundMask {
    /// What is done to the rows of a table; nothing when they stay as they are.
    pub fn table(&self, name: &TableName) -> Option<TableMask> {
        self.tables.get(name).cloned()
    }
}

/// A mask for the rows of one table.
#[derive(Clone)]
pub struct TableMask {
    table: Arc<str>,
    columns: Arc<[(usize, ColumnMask)]>,
    changes_key: bool,
    key: [u8; 32],
}

impl TableMask {
    /// Whether values of the key change.
    ///
    /// Then masked rows are no longer in key order: they have to pass through [`rowkeep_engine::sort`] before anything
    /// relies on it, such as cutting them into chunks.
    pub fn changes_key(&self) -> bool {
        self.changes_key
    }

    /// Masks all rows of a batch; NULL stays NULL.
    ///
    /// Fails for a value that its rule cannot mask, without showing it.
    pub fn apply(&self, batch: RowBatch) -> Result<RowBatch, Error> {
        let rows = batch.rows();
        let mut columns = batch.columns().to_vec();
        for (column, mask) in self.columns.iter() {
            let masked = columns.get(*column).ok_or_else(|| self.error(mask, "is missing from the rows"))?;
            columns[*column] = self.masked(masked, mask)?;
        }
        RowBatch::from_columns(columns, rows)
            .ok_or_else(|| Error::Mask(format!("table {} lost rows", self.table)))
    }

    fn masked(&self, from: &ColumnValues, mask: &ColumnMask) -> Result<ColumnValues, Error> {
        let mut out = ColumnValues::default();
        for row in 0..from.len() {
            let value = from.value(row);
            let masked = mask.value(&self.key, value).map_err(|problem| self.error(mask, problem))?;
            out.push(match &masked {
                Masked::Same => value,
                Masked::Null => Value::Null,
                Masked::Integer(integer) => Value::Integer(*integer),
                Masked::Real(real) => Value::Real(real.to_bits()),
                Masked::Text(text) => Value::Text(text),
                Masked::Blob(bytes) => Value::Blob(bytes),
            });
        }
        Ok(out)
    }

    fn error(&self, mask: &ColumnMask, problem: &str) -> Error {
        Error::Mask(format!("column {} of table {} {problem}", mask.name, self.table))
    }
}

#[cfg(test)]
#[path = "mask/tests.rs"]
mod tests;
