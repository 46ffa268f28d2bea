//! How the columns of a table in one state stand to those in another.

use std::sync::Arc;

use rowkeep_format::{RowBatch, Table, Value, batch::ColumnValues};

/// Where the columns of one table are in another of the same name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Alignment {
    /// For each column of the first table, its place in the second.
    places: Vec<Option<usize>>,
    /// Whether rows need not be touched: the same columns in the same order.
    is_identity: bool,
    /// Whether rows of the second table come in the order of the first one's key.
    same_order: bool,
}

impl Alignment {
    /// Finds the columns of `to` among those of `from`, by name.
    pub(crate) fn new(to: &Table, from: &Table) -> Self {
        let place = |name: &str| from.columns.iter().position(|column| column.name == name);
        let places: Vec<_> = to.columns.iter().map(|column| place(&column.name)).collect();
        let is_identity = from.columns.len() == places.len()
            && places.iter().enumerate().all(|(at, place)| *place == Some(at));
        let order = |table: &Table| -> Vec<_> {
            table.key.columns.iter().map(|key| (table.columns[key.column].name.clone(), key.form)).collect()
        };
        let same_order = order(to) == order(from) && to.key.unique == from.key.unique;
        Self { places, is_identity, same_order }
    }

    /// The place in the second table of a column of the first.
    pub(crate) fn place(&self, column: usize) -> Option<usize> {
        self.places[column]
    }

    /// The columns of the first table that the second lacks.
    pub(crate) fn lacking(&self) -> Vec<usize> {
        (0..self.places.len()).filter(|column| self.places[*column].is_none()).collect()
    }

    /// The columns that both have, as places in the first.
    pub(crate) fn common(&self) -> Vec<usize> {
        (0..self.places.len()).filter(|column| self.places[*column].is_some()).collect()
    }

    /// Whether the rows of the second table are those of the first as they are, chunk by chunk.
    pub(crate) fn keeps_chunks(&self) -> bool {
        self.is_identity && self.same_order
    }

    /// Whether rows of the second table come in the order of the first one's key.
    pub(crate) fn keeps_order(&self) -> bool {
        self.same_order
    }

    /// [`map`](Self::map) of rows that nobody else has.
    pub(crate) fn map_own(&self, rows: RowBatch) -> RowBatch {
        Arc::unwrap_or_clone(self.map(Arc::new(rows)))
    }

    /// Rows of the second table with the columns of the first; NULL where the second lacks one.
    pub(crate) fn map(&self, rows: Arc<RowBatch>) -> Arc<RowBatch> {
        if self.is_identity {
            return rows;
        }
        let count = rows.rows();
        let column = |place: &Option<usize>| match place {
            Some(place) => rows.columns()[*place].clone(),
            None => {
                let mut nulls = ColumnValues::default();
                (0..count).for_each(|_| nulls.push(Value::Null));
                nulls
            }
        };
        let columns = self.places.iter().map(column).collect();
        Arc::new(RowBatch::from_columns(columns, count).expect("every column has a value for each row"))
    }
}

#[cfg(test)]
mod tests {
    use rowkeep_format::{Column, Key, KeyForm, TableKind, TableName, schema::KeyColumn};

    use super::*;

    fn table(columns: &[&str], key: usize) -> Table {
        let column = |name: &&str| Column {
            name: (*name).to_owned(),
            type_name: String::new(),
            not_null: false,
            hidden: false,
        };
        Table {
            name: TableName::plain("t"),
            kind: TableKind::Table,
            columns: columns.iter().map(column).collect(),
            key: Key { columns: vec![KeyColumn { column: key, form: KeyForm::Native }], unique: true },
            identity: None,
            foreign_keys: Vec::new(),
        }
    }

    #[test]
    fn columns_are_found_by_name() {
        let alignment = Alignment::new(&table(&["id", "new", "name"], 0), &table(&["name", "id", "old"], 1));
        assert_eq!((alignment.lacking(), alignment.common()), (vec![1], vec![0, 2]));
        assert!(alignment.keeps_order() && !alignment.keeps_chunks());
        let mut rows = RowBatch::new(3);
        rows.push_row([Value::Text(b"a"), Value::Integer(7), Value::Text(b"z")]);
        let mapped = alignment.map(Arc::new(rows));
        assert_eq!(mapped.row(0).collect::<Vec<_>>(), [Value::Integer(7), Value::Null, Value::Text(b"a")]);
    }

    #[test]
    fn another_key_is_another_order() {
        let (by_id, by_name) = (table(&["id", "name"], 0), table(&["id", "name"], 1));
        assert!(Alignment::new(&by_id, &by_id).keeps_chunks());
        assert!(!Alignment::new(&by_id, &by_name).keeps_order());
    }
}
