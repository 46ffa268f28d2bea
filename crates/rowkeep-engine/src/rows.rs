//! Rows of one table on their way.

use futures::stream::{BoxStream, StreamExt, TryStreamExt};
use rowkeep_format::{RowBatch, Table};

use crate::EngineError;

/// Rows of one table, in batches.
pub type RowStream = BoxStream<'static, Result<RowBatch, EngineError>>;

/// Of rows of a table only the columns of its key.
pub(crate) fn keys_alone(rows: RowStream, table: &Table) -> RowStream {
    let columns: Vec<usize> = table.key.columns.iter().map(|part| part.column).collect();
    rows.map_ok(move |batch| {
        let columns = columns.iter().map(|column| batch.columns()[*column].clone()).collect();
        RowBatch::from_columns(columns, batch.rows()).expect("every column has the batch's number of rows")
    })
    .boxed()
}
