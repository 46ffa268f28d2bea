//! Rows chosen by a condition, or by their keys.

use std::sync::Arc;

use rowkeep_engine::dialect::Dialect;
use rowkeep_format::{RowBatch, Schema, Table};

use super::filter::{RowFilter, RowTest};
use crate::Error;
use crate::rows::condition::{BoundKey, Condition, KeyReference};
use crate::state::table_pattern::TablePattern;

/// The rows that fulfil a condition and, where keys are given, have one of them.
///
/// Only tables of the application are meant. Where keys are given, only their tables are.
#[derive(Debug, Clone, Default)]
pub struct WantedRows {
    /// What the rows fulfil. Every table that is meant must have its columns.
    pub condition: Option<Condition>,
    /// The keys they have; any where none is given.
    pub keys: Vec<KeyReference>,
}

impl WantedRows {
    /// Whether it leaves any row out.
    pub fn is_all(&self) -> bool {
        self.condition.is_none() && self.keys.is_empty()
    }
}

impl WantedRows {
    /// The keys that are of rows of this table.
    fn bound(&self, table: &Table, dialect: &dyn Dialect) -> Result<Vec<BoundKey>, Error> {
        let is_of_table = |key: &&KeyReference| TablePattern::new(key.table_pattern()).matches(&table.name);
        let keys = self.keys.iter().filter(is_of_table);
        keys.map(|key| key.bind(table, dialect)).collect()
    }
}

impl RowFilter for WantedRows {
    fn bind(&self, table: &Table, dialect: &'static dyn Dialect) -> Result<Option<RowTest>, Error> {
        if !table.kind.is_user_table() {
            return Ok(None);
        }
        let keys = self.bound(table, dialect)?;
        if keys.is_empty() && !self.keys.is_empty() {
            return Ok(None);
        }
        let condition = self.condition.as_ref().map(|condition| condition.bind(table, dialect));
        let condition = condition.transpose()?;
        Ok(Some(Box::new(move |batch: &RowBatch, row| {
            condition.as_ref().is_none_or(|condition| condition.matches(batch, row))
                && (keys.is_empty() || keys.iter().any(|key| key.matches(batch, row)))
        })))
    }

    fn names_rows(&self) -> bool {
        !self.keys.is_empty()
    }

    fn with_partitions(&self, schemas: &[&Schema]) -> Option<Arc<dyn RowFilter>> {
        let in_partitions: Vec<_> = self.keys.iter().flat_map(|key| key.in_partitions(schemas)).collect();
        let keys = self.keys.iter().cloned().chain(in_partitions.iter().cloned()).collect();
        let condition = self.condition.clone();
        (!in_partitions.is_empty()).then(|| Arc::new(Self { condition, keys }) as Arc<dyn RowFilter>)
    }

    fn keys(&self, table: &Table, dialect: &dyn Dialect) -> Result<Option<Vec<BoundKey>>, Error> {
        match self.keys.is_empty() {
            true => Ok(None),
            false if table.kind.is_user_table() => self.bound(table, dialect).map(Some),
            false => Ok(Some(Vec::new())),
        }
    }
}
