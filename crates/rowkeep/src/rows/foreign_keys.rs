//! Foreign keys of a schema, as ways from rows to rows.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use rowkeep_format::{ForeignKey, RowBatch, Table, TableName};

use crate::rows::condition::equality::Equality;
use crate::state::State;

/// A foreign key whose both ends are tables with rows that can be read.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    /// The referring table.
    pub(crate) child: TableName,
    /// The referring columns.
    pub(crate) columns: Vec<usize>,
    /// What is referred to, as the foreign key names it.
    pub(crate) references: TableName,
    /// The tables that hold its rows: itself, or all partitions. A row of any of them is enough.
    pub(crate) parents: Arc<[Parent]>,
    /// How values are compared.
    pub(crate) equality: Equality,
}

/// A table that a foreign key refers to.
#[derive(Debug, Clone)]
pub(crate) struct Parent {
    pub(crate) table: TableName,
    /// The columns referred to.
    pub(crate) columns: Vec<usize>,
}

/// The foreign keys of a state.
///
/// Those that refer to what cannot be read in whole, or by columns that are not stored, are left to the database.
pub(crate) fn links(state: &State) -> Vec<Link> {
    let schema = state.schema();
    let (by_name, partitions, ancestors) = (schema.by_name(), schema.partitions(), schema.ancestors());
    let unread = state.unread().iter().map(|unread| &unread.name);
    let in_part: HashSet<&TableName> =
        unread.flat_map(|name| ancestors.get(name).into_iter().flatten().copied().chain([name])).collect();
    let ends = |key: &ForeignKey| {
        let tables = match by_name.get(&key.references) {
            Some(table) => std::slice::from_ref(table),
            None if in_part.contains(&key.references) => &[],
            None => partitions.get(&key.references).map(Vec::as_slice).unwrap_or_default(),
        };
        let parents = tables.iter().map(|table| parent(table, key)).collect::<Option<Arc<[Parent]>>>()?;
        let first = tables.first()?;
        Some((Equality::of(first, &parents.first()?.columns, state.dialect()), parents))
    };
    // The partitions of a table refer alike.
    let mut known = HashMap::new();
    let mut found = Vec::new();
    for child in schema.tables.iter().filter(|table| table.kind.is_user_table()) {
        for key in &child.foreign_keys {
            let ends = known.entry((&key.references, &key.referenced_columns)).or_insert_with(|| ends(key));
            let Some((equality, parents)) = ends else { continue };
            if key.columns.len() == key.referenced_columns.len() && !key.columns.is_empty() {
                found.push(Link {
                    child: child.name.clone(),
                    columns: key.columns.clone(),
                    references: key.references.clone(),
                    parents: Arc::clone(parents),
                    equality: equality.clone(),
                });
            }
        }
    }
    found
}

fn parent(table: &Table, key: &ForeignKey) -> Option<Parent> {
    let place = |name: &String| {
        let exact = table.columns.iter().position(|column| &column.name == name);
        exact.or_else(|| table.columns.iter().position(|column| column.name.eq_ignore_ascii_case(name)))
    };
    let columns = key.referenced_columns.iter().map(place).collect::<Option<_>>()?;
    table.kind.is_user_table().then(|| Parent { table: table.name.clone(), columns })
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
