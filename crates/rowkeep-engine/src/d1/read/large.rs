//! Values that are too large to come with their rows.

use rowkeep_format::batch::ColumnValues;
use rowkeep_format::{RowBatch, Value};

use super::decode::digits;
use super::table::{Large, ReadTable};
use crate::EngineError;
use crate::d1::connect::remote::{Remote, Statement};

/// The bytes of a piece: its digits are twice as many, and D1 takes no value of more than two million.
const PIECE_BYTES: usize = 500_000;

/// Pieces in one request.
const TOGETHER: usize = 8;

/// Reads these values and puts each in its place; nothing where one of them is not as it was.
pub(crate) async fn fetch(
    remote: &Remote,
    table: &ReadTable,
    batch: RowBatch,
    large: Vec<Large>,
    rows_before: u64,
) -> Result<Option<RowBatch>, EngineError> {
    let mut pieces = Vec::new();
    for (value, Large { row, column, bytes, .. }) in large.iter().enumerate() {
        let rest =
            format!("FROM {}{}", table.source(&(*column..column + 1)), table.only(&batch, *row, rows_before));
        for start in (0..*bytes).step_by(PIECE_BYTES) {
            let sql = format!(
                "SELECT hex(substr(CAST(c{column} AS BLOB), {}, {PIECE_BYTES})) AS v {rest}",
                start + 1
            );
            pieces.push((value, Statement::new(sql)));
        }
    }
    let mut found: Vec<Vec<u8>> = large.iter().map(|value| Vec::with_capacity(value.bytes)).collect();
    for some in pieces.chunks(TOGETHER) {
        let statements: Vec<Statement> = some.iter().map(|(_, statement)| statement.clone()).collect();
        let answers = remote.read(&statements).await?;
        for ((value, _), answer) in some.iter().zip(answers) {
            let rows = answer.rows().map_err(|error| remote.not_understood("a value").with_source(error))?;
            let piece = match rows.as_slice() {
                [row] => row.first().and_then(|raw| digits(raw)),
                _ => None,
            };
            let Some(piece) = piece else { return Ok(None) };
            found[*value].extend(piece);
        }
    }
    if large.iter().zip(&found).any(|(value, bytes)| value.bytes != bytes.len()) {
        return Ok(None);
    }
    Ok(placed(&batch, &large, &found))
}

fn placed(batch: &RowBatch, large: &[Large], found: &[Vec<u8>]) -> Option<RowBatch> {
    let mut columns = batch.columns().to_vec();
    for (column, values) in columns.iter_mut().enumerate() {
        let mut here = large.iter().zip(found).filter(|(value, _)| value.column == column).peekable();
        if here.peek().is_none() {
            continue;
        }
        let mut new = ColumnValues::default();
        for row in 0..batch.rows() {
            match here.next_if(|(value, _)| value.row == row) {
                Some((value, bytes)) if value.is_text => new.push(Value::Text(bytes)),
                Some((_, bytes)) => new.push(Value::Blob(bytes)),
                None => new.push(values.value(row)),
            }
        }
        *values = new;
    }
    RowBatch::from_columns(columns, batch.rows())
}
