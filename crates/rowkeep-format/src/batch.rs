//! Rows on their way: a batch of rows, kept column by column.

use std::ops::Range;

/// One value of one row.
///
/// Text and blobs are bytes: a database may hold text that is not UTF-8, and it must come back as it was.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// No value.
    Null,
    /// A 64-bit integer (SQLite's storage class INTEGER).
    Integer(i64),
    /// The bits of an IEEE 754 double (SQLite's storage class REAL); NaN and the sign of zero survive.
    Real(u64),
    /// Text: what PostgreSQL's output function prints, or SQLite's storage class TEXT.
    Text(&'a [u8]),
    /// Bytes (SQLite's storage class BLOB).
    Blob(&'a [u8]),
}

/// The kind of a value, as chunks store it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Kind {
    /// [`Value::Null`]
    Null = 0,
    /// [`Value::Integer`]
    Integer = 1,
    /// [`Value::Real`]
    Real = 2,
    /// [`Value::Text`]
    Text = 3,
    /// [`Value::Blob`]
    Blob = 4,
}

impl Kind {
    /// All kinds in the order of their codes.
    pub const ALL: [Kind; 5] = [Kind::Null, Kind::Integer, Kind::Real, Kind::Text, Kind::Blob];

    /// The kind with this code.
    pub fn from_code(code: u8) -> Option<Kind> {
        Self::ALL.get(usize::from(code)).copied()
    }
}

impl Value<'_> {
    /// Which kind of value this is.
    #[inline]
    pub fn kind(&self) -> Kind {
        match self {
            Value::Null => Kind::Null,
            Value::Integer(_) => Kind::Integer,
            Value::Real(_) => Kind::Real,
            Value::Text(_) => Kind::Text,
            Value::Blob(_) => Kind::Blob,
        }
    }
}

/// The values of one column for a run of rows.
///
/// Integers and reals are eight little-endian bytes in `data`, text and blobs are their own bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ColumnValues {
    kinds: Vec<Kind>,
    ends: Vec<u32>,
    data: Vec<u8>,
}

impl ColumnValues {
    /// Number of values.
    #[inline]
    pub fn len(&self) -> usize {
        self.kinds.len()
    }

    /// Whether there is no value.
    pub fn is_empty(&self) -> bool {
        self.kinds.is_empty()
    }

    /// The kinds of the values.
    #[inline]
    pub fn kinds(&self) -> &[Kind] {
        &self.kinds
    }

    /// The end of each value in [`data`](Self::data); each begins where the one before it ends.
    #[inline]
    pub fn ends(&self) -> &[u32] {
        &self.ends
    }

    /// The bytes of all values, one after the other.
    #[inline]
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// The bytes of a value.
    ///
    /// # Panics
    /// When `row` is not less than [`len`](Self::len).
    #[inline]
    pub fn bytes(&self, row: usize) -> &[u8] {
        let start = if row == 0 { 0 } else { self.ends[row - 1] };
        &self.data[start as usize..self.ends[row] as usize]
    }

    /// A value.
    ///
    /// # Panics
    /// When `row` is not less than [`len`](Self::len).
    #[inline]
    pub fn value(&self, row: usize) -> Value<'_> {
        let bytes = self.bytes(row);
        match self.kinds[row] {
            Kind::Null => Value::Null,
            Kind::Integer => Value::Integer(i64::from_le_bytes(eight(bytes))),
            Kind::Real => Value::Real(u64::from_le_bytes(eight(bytes))),
            Kind::Text => Value::Text(bytes),
            Kind::Blob => Value::Blob(bytes),
        }
    }

    /// Adds a value at the end.
    #[inline(always)]
    pub fn push(&mut self, value: Value<'_>) {
        match value {
            Value::Null => {}
            Value::Integer(integer) => self.data.extend_from_slice(&integer.to_le_bytes()),
            Value::Real(bits) => self.data.extend_from_slice(&bits.to_le_bytes()),
            Value::Text(bytes) | Value::Blob(bytes) => self.data.extend_from_slice(bytes),
        }
        self.end_value(value.kind());
    }

    /// The buffer at whose end the bytes of the next value may be written before [`end_value`](Self::end_value).
    ///
    /// For drivers that unescape in place. Nothing before the buffer's present end may be changed.
    #[inline]
    pub fn data_mut(&mut self) -> &mut Vec<u8> {
        &mut self.data
    }

    /// Ends the value whose bytes were written to [`data_mut`](Self::data_mut).
    #[inline]
    pub fn end_value(&mut self, kind: Kind) {
        self.kinds.push(kind);
        self.ends.push(self.data.len() as u32);
    }

    /// Forgets all values and keeps the room.
    pub(crate) fn clear(&mut self) {
        self.kinds.clear();
        self.ends.clear();
        self.data.clear();
    }

    /// An empty column with room for as much as this one holds, within reason.
    fn emptied(&self) -> Self {
        const ROOM: usize = 2 * 1024 * 1024;
        Self {
            kinds: Vec::with_capacity(self.kinds.len().min(ROOM)),
            ends: Vec::with_capacity(self.ends.len().min(ROOM)),
            data: Vec::with_capacity(self.data.len().min(ROOM)),
        }
    }

    /// Makes room for that many more values of that many bytes in all.
    pub(crate) fn reserve(&mut self, values: usize, bytes: usize) {
        self.kinds.reserve(values);
        self.ends.reserve(values);
        self.data.reserve(bytes);
    }

    /// Adds values of one kind whose bytes follow one another; `lengths` add up to their size.
    pub(crate) fn extend_run(&mut self, kind: Kind, lengths: impl Iterator<Item = usize>, bytes: &[u8]) {
        let mut end = self.data.len();
        self.data.extend_from_slice(bytes);
        self.ends.extend(lengths.map(|length| {
            end += length;
            end as u32
        }));
        self.kinds.resize(self.ends.len(), kind);
    }

    fn extend(&mut self, from: &ColumnValues, rows: Range<usize>) {
        if rows.is_empty() {
            return;
        }
        let start = if rows.start == 0 { 0 } else { from.ends[rows.start - 1] };
        let end = from.ends[rows.end - 1];
        let base = self.data.len() as u32;
        self.data.extend_from_slice(&from.data[start as usize..end as usize]);
        self.kinds.extend_from_slice(&from.kinds[rows.clone()]);
        self.ends.extend(from.ends[rows].iter().map(|end| end - start + base));
    }
}

fn eight(bytes: &[u8]) -> [u8; 8] {
    let mut out = [0; 8];
    out.copy_from_slice(bytes);
    out
}

/// A run of rows of one table, kept column by column.
///
/// Every column has the same number of values. The bytes of one column may not pass 4 GiB; drivers end a batch long
/// before that (see [`RowBatch::TARGET_BYTES`]).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowBatch {
    columns: Vec<ColumnValues>,
    rows: usize,
}

impl RowBatch {
    /// The size in bytes at which drivers hand a batch on.
    pub const TARGET_BYTES: usize = 256 * 1024;

    /// An empty batch for a table of that many columns.
    pub fn new(columns: usize) -> Self {
        Self { columns: vec![ColumnValues::default(); columns], rows: 0 }
    }

    /// A batch of whole columns.
    ///
    /// Returns nothing when the columns differ in length from `rows`.
    pub fn from_columns(columns: Vec<ColumnValues>, rows: usize) -> Option<Self> {
        columns.iter().all(|column| column.len() == rows).then_some(Self { columns, rows })
    }

    /// Number of rows.
    #[inline]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// The columns in the table's order.
    #[inline]
    pub fn columns(&self) -> &[ColumnValues] {
        &self.columns
    }

    /// Size of all values in bytes.
    pub fn bytes(&self) -> usize {
        self.columns.iter().map(|column| column.data.len()).sum()
    }

    /// A value.
    ///
    /// # Panics
    /// When `row` or `column` is not in the batch.
    #[inline]
    pub fn value(&self, row: usize, column: usize) -> Value<'_> {
        self.columns[column].value(row)
    }

    /// All values of a row.
    pub fn row(&self, row: usize) -> impl Iterator<Item = Value<'_>> {
        self.columns.iter().map(move |column| column.value(row))
    }

    /// Adds a row.
    ///
    /// # Panics
    /// When the number of values is not the number of columns.
    pub fn push_row<'a>(&mut self, values: impl IntoIterator<Item = Value<'a>>) {
        let mut columns = self.columns.iter_mut();
        for value in values {
            columns.next().expect("a row has as many values as the batch has columns").push(value);
        }
        assert!(columns.next().is_none(), "a row has as many values as the batch has columns");
        self.rows += 1;
    }

    /// The columns, for drivers that write each value where it belongs; a row ends with [`end_row`](Self::end_row).
    #[inline]
    pub fn columns_mut(&mut self) -> &mut [ColumnValues] {
        &mut self.columns
    }

    /// Ends a row of which each column was given one value.
    ///
    /// # Panics
    /// In debug builds, when a column did not get exactly one value.
    #[inline]
    pub fn end_row(&mut self) {
        self.rows += 1;
        debug_assert!(self.columns.iter().all(|column| column.len() == self.rows));
    }

    /// Adds some rows of another batch of as many columns.
    pub fn extend(&mut self, from: &RowBatch, rows: Range<usize>) {
        self.rows += rows.len();
        for (column, source) in self.columns.iter_mut().zip(&from.columns) {
            column.extend(source, rows.clone());
        }
    }

    /// Takes all rows out, leaving an empty batch of as many columns with room for the next rows.
    pub fn take(&mut self) -> RowBatch {
        let emptied = self.emptied();
        std::mem::replace(self, emptied)
    }

    /// An empty batch of as many columns with room for as much as this one holds, within reason.
    pub fn emptied(&self) -> RowBatch {
        RowBatch { columns: self.columns.iter().map(ColumnValues::emptied).collect(), rows: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_batches_keep_values() {
        let mut batch = RowBatch::new(2);
        batch.push_row([Value::Integer(-3), Value::Text(b"a")]);
        batch.push_row([Value::Null, Value::Blob(b"")]);
        batch.push_row([Value::Real(f64::NAN.to_bits()), Value::Text(b"xyz")]);
        let mut other = RowBatch::new(2);
        other.extend(&batch, 1..3);
        other.extend(&batch, 0..1);
        assert_eq!(other.rows(), 3);
        assert_eq!(other.value(0, 0), Value::Null);
        assert_eq!(other.value(1, 1), Value::Text(b"xyz"));
        assert_eq!(other.value(2, 0), Value::Integer(-3));
        assert_eq!(other.bytes(), batch.bytes());
    }
}
