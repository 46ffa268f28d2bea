//! Rows of a store as the records that they are of.

use rowkeep_format::{RowBatch, Table, Value};

use super::cell::{is_json, json_of};
use super::json_text;
use super::record::{Layout, widened};
use super::scan::{elements, members};
use crate::dialect::{Documents, Held, OwnedValue};

/// The records of a store, by where the columns of its table are.
#[derive(Debug)]
pub(super) struct Records(pub(super) Layout);

impl Documents for Records {
    fn put(&self, rows: &RowBatch, row: usize, out: &mut Vec<u8>) {
        let mut value = String::new();
        self.0.put_value(rows, row, &mut value);
        out.extend_from_slice(value.as_bytes());
    }

    fn property(&self, column: usize) -> Option<String> {
        self.0.property(column).map(str::to_owned)
    }

    fn put_value(&self, value: Value<'_>, out: &mut Vec<u8>) {
        out.extend_from_slice(json_of(value).as_deref().unwrap_or("null").as_bytes());
    }

    fn is_whole(&self, rows: &RowBatch, row: usize) -> bool {
        self.0.is_whole(rows, row)
    }

    fn is_order(&self, column: usize) -> bool {
        self.0.is_order(column)
    }

    fn row(&self, document: &str) -> Option<Vec<Option<OwnedValue>>> {
        let is_as_written = match document.as_bytes().first()? {
            b'{' => members(document).is_some(),
            b'[' => elements(document).is_some(),
            _ => true,
        };
        if is_as_written && is_json(document) { self.0.row_of_value(document) } else { None }
    }

    fn stands_alone(&self, document: &str) -> bool {
        let has = |text: &str| memchr::memmem::find(document.as_bytes(), text.as_bytes()).is_some();
        let has_parts = has(r#""$":""#) && has(r#""parts":["#);
        !has_parts && !has(r#""$":"ref""#)
    }

    fn see(&self, value: Value<'_>, held: &mut Held) {
        json_text::see(value, held);
    }

    fn of_text(&self, json: &str, held: Held) -> Result<String, &'static str> {
        json_text::of_text(json, held)
    }

    fn widened(&self, table: &Table, document: &str) -> Table {
        widened(table, document)
    }
}
