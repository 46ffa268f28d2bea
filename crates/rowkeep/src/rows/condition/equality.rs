//! When the values of some columns are those of others, as foreign keys compare them.

use rowkeep_engine::sqlite::Affinity;
use rowkeep_format::{Column, KeyForm, RowBatch, Table, Value};

use super::bind::is_postgres;
use super::bound::Reading;
use super::canon::Canon;
use super::postgres::Type;
use super::sqlite::{Conversion, affinity_of};

/// How values are compared with those of some columns: how each is read, and which texts are the same besides.
#[derive(Debug, Clone)]
pub(crate) struct Equality(Vec<(Reading, Fold)>);

/// Which texts a collation of SQLite takes together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fold {
    Nothing,
    Case,
    SpacesAtTheEnd,
}

/// The collation of a column that is part of what identifies rows.
fn fold(table: &Table, column: usize) -> Fold {
    let parts = table.identity.iter().flat_map(|identity| &identity.columns);
    match parts.into_iter().find(|part| part.column == column).map(|part| part.form) {
        Some(KeyForm::NoCase) if !is_postgres(table) => Fold::Case,
        Some(KeyForm::RightTrimmed) if !is_postgres(table) => Fold::SpacesAtTheEnd,
        _ => Fold::Nothing,
    }
}

impl Equality {
    /// That of these columns of a table; SQLite applies their affinity and collation to whatever is compared with them.
    pub(crate) fn of(table: &Table, columns: &[usize]) -> Self {
        let reading = |column: &usize| {
            let type_name = &table.columns[*column].type_name;
            let reading = match is_postgres(table) {
                true => Reading::Postgres(Type::of(type_name)),
                false => Reading::Sqlite(Conversion::with_literal(affinity_of(type_name))),
            };
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

/// Whether equal values of two columns of an engine's tables look the same.
pub(crate) fn look_alike(of: &Table, a: &Column, b: &Column) -> bool {
    if !is_postgres(of) {
        return affinity_of(&a.type_name) == affinity_of(&b.type_name);
    }
    if a.type_name == b.type_name {
        return true;
    }
    let kind = Type::of(&a.type_name);
    kind == Type::of(&b.type_name) && matches!(kind, Type::Integer | Type::Decimal | Type::Text)
}

/// Whether a value equals only values that look the same, in this column and in those alike.
pub(crate) fn is_exact(of: &Table, column: &Column, value: Value<'_>) -> bool {
    match is_postgres(of) {
        true => {
            !matches!(Type::of(&column.type_name), Type::Folded | Type::Padded | Type::Single | Type::Double)
        }
        // A column without a type keeps both 1 and 1.0, which are equal.
        false => {
            affinity_of(&column.type_name) != Affinity::Blob
                || !matches!(value, Value::Integer(_) | Value::Real(_))
        }
    }
}
