//! Rows of small results.

/// A row of a small result, as text.
pub(crate) type Row = Vec<Option<String>>;

/// The text of a value, empty when it is null.
pub(crate) fn text(row: &Row, at: usize) -> &str {
    row.get(at).and_then(Option::as_deref).unwrap_or_default()
}

/// The number that a value holds, zero when it holds none.
pub(crate) fn number<T: std::str::FromStr + Default>(row: &Row, at: usize) -> T {
    text(row, at).parse().unwrap_or_default()
}

/// Whether a value is true.
pub(crate) fn truth(row: &Row, at: usize) -> bool {
    text(row, at) == "t"
}
