//! Rows of one table as objects of plain JSON.

use std::sync::Arc;

use rowkeep_engine::dialect::{Dialect, Documents};
use rowkeep_format::{RowBatch, Table};

use super::loss::{Loss, Losses};
use super::shape::{BigIntegers, Shape};
use super::value::{put_string, write};

/// Writes the rows of a table.
#[derive(Debug)]
pub(crate) struct PlainRows {
    columns: Vec<PlainColumn>,
    table: String,
    /// What rows are printed as instead, where the database keeps such.
    documents: Option<Arc<dyn Documents>>,
}

#[derive(Debug)]
struct PlainColumn {
    place: usize,
    name: String,
    /// The name as JSON, with a colon.
    before: Vec<u8>,
    shape: Shape,
    losses: Losses,
}

impl PlainRows {
    /// For a table whose types are those of that dialect; columns that nobody declared are left out.
    pub(crate) fn of(dialect: &dyn Dialect, table: &Table, big: BigIntegers) -> Self {
        let column = |(place, column): (usize, &rowkeep_format::Column)| {
            let mut before = Vec::new();
            put_string(&column.name, &mut before);
            before.push(b':');
            PlainColumn {
                place,
                name: column.name.clone(),
                before,
                shape: Shape::of(dialect, &column.type_name, big),
                losses: Losses::default(),
            }
        };
        let shown = table.columns.iter().enumerate().filter(|(_, column)| !column.hidden);
        let documents = dialect.documents(table);
        Self { columns: shown.map(column).collect(), table: table.name.to_string(), documents }
    }

    /// Adds a row.
    pub(crate) fn row(&self, batch: &RowBatch, row: usize, out: &mut Vec<u8>) {
        if let Some(documents) = &self.documents {
            return documents.put(batch, row, out);
        }
        out.push(b'{');
        for (number, column) in self.columns.iter().enumerate() {
            if number > 0 {
                out.push(b',');
            }
            out.extend_from_slice(&column.before);
            write(batch.value(row, column.place), &column.shape, &column.losses, out);
        }
        out.push(b'}');
    }

    /// Adds what names a row: the value of its key, an array where the key has several columns.
    pub(crate) fn name(
        &self,
        key: impl Iterator<Item = usize> + Clone,
        batch: &RowBatch,
        row: usize,
        out: &mut Vec<u8>,
    ) {
        let is_several = key.clone().nth(1).is_some();
        if is_several {
            out.push(b'[');
        }
        for (number, place) in key.enumerate() {
            if number > 0 {
                out.push(b',');
            }
            let column = self.columns.iter().find(|column| column.place == place);
            match (&self.documents, column) {
                (Some(documents), _) => documents.put_value(batch.value(row, place), out),
                (None, Some(column)) => write(batch.value(row, place), &column.shape, &column.losses, out),
                (None, None) => write(batch.value(row, place), &Shape::Text, &Losses::default(), out),
            }
        }
        if is_several {
            out.push(b']');
        }
    }

    /// What was lost until now, by column, as people read it.
    pub(crate) fn losses(&self) -> impl Iterator<Item = (String, Loss)> {
        self.columns.iter().flat_map(|column| {
            let name = format!("{}.{}", self.table, column.name);
            column.losses.all().map(move |loss| (name.clone(), loss))
        })
    }
}
