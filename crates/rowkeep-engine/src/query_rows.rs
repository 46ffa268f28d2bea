use rowkeep_format::RowBatch;

/// Rows that a statement returned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryRows {
    /// The names of the columns.
    pub columns: Vec<String>,
    /// The rows, as the engine's [`View`](crate::View) would give their values.
    pub rows: RowBatch,
    /// Whether there were more rows than were asked for.
    pub more: bool,
}
