//! When the values of some columns are those of others, as foreign keys compare them.

use std::sync::Arc;

use rowkeep_engine::dialect::{Canon, Dialect, Reading};
use rowkeep_format::{KeyForm, RowBatch, Table};

/// How values are compared with those of some columns: how each is read, and which texts are the same besides.
#[derive(Debug, Clone)]
pub(crate) struct Equality(Vec<(Arc<dyn Reading>, Fold)>);

/// Which texts are the same to what identifies rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fold {
    Nothing,
    Case,
    SpacesAtTheEnd,
}

/// How texts of a column are the same that is part of what identifies rows.
fn fold(table: &Table, column: usize) -> Fold {
    let parts = table.identity.iter().flat_map(|identity| &identity.columns);
    match parts.into_iter().find(|part| part.column == column).map(|part| part.form) {
        Some(KeyForm::NoCase) => Fold::Case,
        Some(KeyForm::RightTrimmed) => Fold::SpacesAtTheEnd,
        _ => Fold::Nothing,
    }
}

impl Equality {
    /// That of these columns of a table: what is compared with them is read as they are.
    pub(crate) fn of(table: &Table, columns: &[usize], dialect: &dyn Dialect) -> Self {
        let reading = |column: &usize| {
            let reading = dialect.reading(&table.columns[*column].type_name);
            (reading, fold(table, *column))
        };
        Self(columns.iter().map(reading).collect())
    }

    /// The values of some columns of a row as bytes that are the same when the values are equal; nothing when one is
    /// NULL, which is equal to nothing.
    pub(crate) fn bytes(&self, batch: &RowBatch, row: usize, columns: &[usize]) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        for ((reading, fold), column) in self.0.iter().zip(columns) {
            let mut put = |class: u8, bytes: &[u8]| {
                out.push(class);
                out.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
                out.extend_from_slice(bytes);
            };
            match reading.canon(batch.value(row, *column))? {
                Canon::Place(place) => put(0, &place.to_be_bytes()),
                Canon::Bytes(bytes) => match fold {
                    Fold::Nothing => put(1, &bytes),
                    Fold::Case => put(1, &bytes.to_ascii_lowercase()),
                    Fold::SpacesAtTheEnd => {
                        let end = bytes.iter().rposition(|byte| *byte != b' ').map_or(0, |last| last + 1);
                        put(1, &bytes[..end]);
                    }
                },
                Canon::Blob(bytes) => put(2, &bytes),
            }
        }
        Some(out)
    }
}
