//! Rows of a store as the records that they are of.

use rowkeep_format::{RowBatch, Value};

use super::cell::json_of;
use super::record::Layout;
use crate::dialect::Documents;

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
}
