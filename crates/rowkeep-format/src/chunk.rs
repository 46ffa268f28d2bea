//! A chunk: a run of rows in key order, or a piece of text, as the bytes that give it its name.
//!
//! ```text
//! chunk := 01 rows:varint columns:varint column*      a run of rows
//!        | 02 …                                       a node of a tree, see `tree`
//!        | 03 bytes                                   a text, such as a schema
//! ```

use crate::batch::ColumnValues;
use crate::varint::{Cursor, put};
use crate::{FormatError, RowBatch, column};

const ROWS: u8 = 1;
pub(crate) const NODE: u8 = 2;
const TEXT: u8 = 3;

/// No chunk has more rows than this, so that a damaged count cannot ask for all memory.
pub const MAX_ROWS: u64 = 1 << 23;

/// No table has more stored columns than this.
pub const MAX_COLUMNS: u64 = 1 << 16;

/// Encodes rows; equal rows always give equal bytes.
pub fn encode_rows(rows: &RowBatch) -> Vec<u8> {
    let mut out = Vec::with_capacity(rows.bytes() / 2 + 64);
    out.push(ROWS);
    put(&mut out, rows.rows() as u64);
    put(&mut out, rows.columns().len() as u64);
    for values in rows.columns() {
        column::encode(values, &mut out);
    }
    out
}

/// Whether bytes that [`encode_rows`] made decode to the rows that they were made from.
///
/// Does what decoding and comparing would, column by column, in a fraction of the memory.
pub fn decodes_to(bytes: &[u8], rows: &RowBatch) -> bool {
    let compared = || -> Result<bool, FormatError> {
        let (mut cursor, count, columns) = begin_rows(bytes)?;
        if count != rows.rows() || columns != rows.columns().len() {
            return Ok(false);
        }
        let mut decoded = ColumnValues::default();
        for column in rows.columns() {
            decoded.clear();
            column::decode_into(&mut cursor, count, &mut decoded)?;
            if &decoded != column {
                return Ok(false);
            }
        }
        cursor.end()?;
        Ok(true)
    };
    compared().unwrap_or(false)
}

fn begin_rows(bytes: &[u8]) -> Result<(Cursor<'_>, usize, usize), FormatError> {
    let mut cursor = Cursor::new(bytes, "a chunk of rows");
    if cursor.byte()? != ROWS {
        return Err(cursor.malformed());
    }
    let rows = cursor.count(MAX_ROWS)?;
    let columns = cursor.count(MAX_COLUMNS)?;
    Ok((cursor, rows, columns))
}

/// Decodes what [`encode_rows`] made.
pub fn decode_rows(bytes: &[u8]) -> Result<RowBatch, FormatError> {
    let (mut cursor, rows, columns) = begin_rows(bytes)?;
    let columns = (0..columns).map(|_| column::decode(&mut cursor, rows)).collect::<Result<Vec<_>, _>>()?;
    cursor.end()?;
    RowBatch::from_columns(columns, rows).ok_or(FormatError::Malformed("a chunk of rows"))
}

/// Encodes a text, such as a schema.
pub fn encode_text(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 1);
    out.push(TEXT);
    out.extend_from_slice(text);
    out
}

/// Decodes what [`encode_text`] made.
pub fn decode_text(bytes: &[u8]) -> Result<&[u8], FormatError> {
    match bytes.split_first() {
        Some((&TEXT, text)) => Ok(text),
        Some(_) => Err(FormatError::Malformed("a chunk of text")),
        None => Err(FormatError::Truncated("a chunk of text")),
    }
}

#[cfg(test)]
#[path = "chunk_tests.rs"]
mod tests;
