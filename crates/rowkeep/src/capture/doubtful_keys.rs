//! Unique keys that hold the same twice: under a definition that was written over another, or with a damaged index. Such a key is
//! none, whatever the definitions say.

use std::collections::HashMap;

use rowkeep_format::{FormatError, Key, Schema, TableName};

use crate::Error;

/// The keys of the tables of a state, and which of them are in doubt.
pub(super) struct DoubtfulKeys {
    keys: HashMap<TableName, Key>,
    tables: Vec<TableName>,
}

impl DoubtfulKeys {
    pub(super) fn of(schema: &Schema) -> Self {
        Self { keys: keys_of(schema), tables: Vec::new() }
    }

    /// The tables whose keys are in doubt, with one more if that is why its rows could not be read.
    pub(super) fn with(&mut self, error: &Error) -> Option<&[TableName]> {
        let Error::Table { table, source: FormatError::OutOfOrder { .. } } = error else { return None };
        let name = self.keys.keys().find(|name| name.to_string() == *table)?;
        self.tables.push(name.clone());
        Some(&self.tables)
    }

    /// The table that was doubted last, if its rows are told apart by something else in this schema.
    pub(super) fn settled_in(&mut self, schema: &Schema) -> Option<&TableName> {
        let (before, last) = (std::mem::replace(&mut self.keys, keys_of(schema)), self.tables.last()?);
        (self.keys.get(last) != before.get(last)).then_some(last)
    }
}

/// What the rows of each table are told apart by.
fn keys_of(schema: &Schema) -> HashMap<TableName, Key> {
    schema.tables.iter().map(|table| (table.name.clone(), table.key.clone())).collect()
}
