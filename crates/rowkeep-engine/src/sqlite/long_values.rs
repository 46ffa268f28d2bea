//! Values that fit into no statement: they are put together, piece by piece, in a table beside.

use rowkeep_format::Value;

use super::literal::{blob, value};

/// Where a value is put together.
pub(crate) const PARTS: &str = "_rowkeep_parts";

/// So many bytes of such a value are added at once; each takes two digits.
const PART: usize = 40_000;

/// Values whose literals are longer are put together.
const SHORT: usize = 600;

/// A row as SQL.
pub(crate) struct Assembled {
    /// Statements that come before.
    pub(crate) before: Vec<String>,
    /// An expression for each value.
    pub(crate) values: Vec<String>,
    /// The statement that comes after.
    pub(crate) after: String,
}

/// Has the long values of a row put together.
pub(crate) fn assembled<'v>(row: impl Iterator<Item = Value<'v>>) -> Assembled {
    let mut before = vec![format!("CREATE TABLE {PARTS} (n INTEGER PRIMARY KEY, v BLOB)")];
    let mut values = Vec::new();
    for (column, one) in row.enumerate() {
        let mut own = Vec::new();
        value(one, None, &mut own);
        let bytes = match one {
            Value::Text(bytes) | Value::Blob(bytes) if own.len() > SHORT => bytes,
            _ => {
                values.push(String::from_utf8_lossy(&own).into_owned());
                continue;
            }
        };
        for (number, part) in bytes.chunks(PART).enumerate() {
            let mut hexadecimal = Vec::new();
            blob(part, &mut hexadecimal);
            let part = String::from_utf8_lossy(&hexadecimal).into_owned();
            before.push(match number {
                0 => format!("INSERT INTO {PARTS} VALUES ({column}, {part})"),
                _ => format!("UPDATE {PARTS} SET v = CAST(v || {part} AS BLOB) WHERE n = {column}"),
            });
        }
        let whole = format!("(SELECT v FROM {PARTS} WHERE n = {column})");
        values.push(match one {
            Value::Text(_) => format!("CAST({whole} AS TEXT)"),
            _ => whole,
        });
    }
    Assembled { before, values, after: format!("DROP TABLE {PARTS}") }
}
