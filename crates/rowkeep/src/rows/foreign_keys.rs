//! Foreign keys of a schema, as ways from rows to rows.

use std::collections::{HashMap, HashSet};

use rowkeep_engine::dialect::Dialect;
use rowkeep_format::{RowBatch, Schema, Table, TableName};

use crate::rows::condition::equality::Equality;

/// A foreign key whose both ends are tables with rows that can be read.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    /// The referring table.
    pub(crate) child: TableName,
    /// The referring columns.
    pub(crate) columns: Vec<usize>,
    /// The table referred to.
    pub(crate) parent: TableName,
    /// The columns referred to.
    pub(crate) parent_columns: Vec<usize>,
    /// How values are compared.
    pub(crate) equality: Equality,
}

/// The foreign keys of a schema.
///
/// Those that refer to what is read by other tables' names (a partitioned table) or by columns that are not
/// stored are left to the database.
pub(crate) fn links(schema: &Schema, dialect: &dyn Dialect) -> Vec<Link> {
    let by_name = schema.by_name();
    let tables = schema.tables.iter().filter(|table| table.kind.is_user_table());
    let ends = tables.flat_map(|child| child.foreign_keys.iter().map(move |key| (child, key)));
    ends.filter_map(|(child, key)| link(&by_name, child, key, dialect)).collect()
}

fn link(
    tables: &HashMap<&TableName, &Table>,
    child: &Table,
    key: &rowkeep_format::ForeignKey,
    dialect: &dyn Dialect,
) -> Option<Link> {
    let parent = tables.get(&key.references).filter(|parent| parent.kind.is_user_table())?;
    let place = |name: &String| {
        let exact = parent.columns.iter().position(|column| &column.name == name);
        exact.or_else(|| parent.columns.iter().position(|column| column.name.eq_ignore_ascii_case(name)))
    };
    let parent_columns = key.referenced_columns.iter().map(place).collect::<Option<Vec<_>>>()?;
    let fits = parent_columns.len() == key.columns.len() && !key.columns.is_empty();
    fits.then(|| Link {
        child: child.name.clone(),
        columns: key.columns.clone(),
        parent: parent.name.clone(),
        equality: Equality::of(parent, &parent_columns, dialect),
        parent_columns,
    })
}

/// Values that rows refer by or are referred to by, each once.
#[derive(Debug, Clone)]
pub(crate) struct Sought {
    /// One column for each of the foreign key's.
    pub(crate) values: RowBatch,
    known: HashSet<Vec<u8>>,
}

impl Sought {
    pub(crate) fn new(columns: usize) -> Self {
        Self { values: RowBatch::new(columns), known: HashSet::new() }
    }

    /// Adds the values of some columns of a row, unless one is NULL.
    pub(crate) fn add(&mut self, equality: &Equality, batch: &RowBatch, row: usize, columns: &[usize]) {
        if let Some(bytes) = equality.bytes(batch, row, columns)
            && self.known.insert(bytes)
        {
            self.values.push_row(columns.iter().map(|column| batch.value(row, *column)));
        }
    }

    /// Those of the values that are wanted, by what makes them equal.
    pub(crate) fn filtered(&self, equality: &Equality, wanted: impl Fn(&[u8]) -> bool) -> Self {
        let all: Vec<usize> = (0..self.values.columns().len()).collect();
        let mut kept = Self::new(all.len());
        for row in 0..self.values.rows() {
            if equality.bytes(&self.values, row, &all).is_some_and(|bytes| wanted(&bytes)) {
                kept.add(equality, &self.values, row, &all);
            }
        }
        kept
    }

    pub(crate) fn contains(&self, bytes: &[u8]) -> bool {
        self.known.contains(bytes)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.known.is_empty()
    }
}
