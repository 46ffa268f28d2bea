//! A mask that is bound to the tables of a schema, and its application.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use rowkeep_format::batch::ColumnValues;
use rowkeep_format::{RowBatch, TableName, Value};
use zeroize::Zeroizing;

use super::value::{ColumnMask, Masked};
use crate::Error;

/// A mask for the tables of one schema.
#[derive(Clone)]
pub struct BoundMask {
    pub(super) tables: HashMap<TableName, TableMask>,
    /// Columns that look personal and have no rule.
    pub(super) unruled: Vec<Unruled>,
}

/// A column that looks personal and has no rule.
#[derive(Clone)]
pub(super) struct Unruled {
    pub(super) table: TableName,
    /// What a rule should call it: a column of a partition by the partitioned table.
    pub(super) called: String,
}

impl BoundMask {
    /// Refuses if a column of these tables looks personal by its name and has no rule, not even one that keeps it.
    pub(super) fn refuse_unruled<'t>(
        &self,
        tables: impl Iterator<Item = &'t TableName>,
    ) -> Result<(), Error> {
        let tables: HashSet<&TableName> = tables.collect();
        let unruled = self.unruled.iter().filter(|column| tables.contains(&column.table));
        let mut columns: Vec<String> = Vec::new();
        for column in unruled {
            if !columns.contains(&column.called) {
                columns.push(column.called.clone());
            }
        }
        if columns.is_empty() { Ok(()) } else { Err(Error::Unruled { columns }) }
    }

    /// The columns of a table that look personal by their names and have no rule, as a rule should call them.
    pub fn unruled(&self, table: &TableName) -> impl Iterator<Item = &str> {
        self.unruled.iter().filter(move |column| &column.table == table).map(|column| column.called.as_str())
    }

    /// What is done to the rows of a table; nothing when they stay as they are.
    pub fn table(&self, name: &TableName) -> Option<TableMask> {
        self.tables.get(name).cloned()
    }
}

/// A mask for the rows of one table.
#[derive(Clone)]
pub struct TableMask {
    pub(super) table: Arc<str>,
    pub(super) columns: Arc<[(usize, ColumnMask)]>,
    pub(super) changes_key: bool,
    pub(super) key: Zeroizing<[u8; 32]>,
}

impl TableMask {
    /// Whether values of the key change.
    ///
    /// Then masked rows are no longer in key order: they have to pass through [`rowkeep_engine::sort`] before anything
    /// relies on it, such as cutting them into chunks.
    pub fn changes_key(&self) -> bool {
        self.changes_key
    }

    /// The names of the columns that are masked.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|(_, mask)| mask.name.as_str())
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
