//! Reading the values of sequences.

use rowkeep_format::{RowBatch, Value};

use crate::EngineError;
use crate::postgres::catalog::sequences::Sequence;
use crate::postgres::connect::row::text;
use crate::postgres::connect::session::Session;
use crate::postgres::quote;

/// How many sequences are read by one statement.
const AT_ONCE: usize = 200;

/// Reads the values of sequences.
///
/// They do not belong to any snapshot: a value may be later than the rows that were read, never earlier.
pub(crate) async fn read_values(session: &Session, sequences: &[Sequence]) -> Result<RowBatch, EngineError> {
    let mut batch = RowBatch::new(4);
    for sequences in sequences.chunks(AT_ONCE) {
        let each: Vec<String> = sequences
            .iter()
            .enumerate()
            .map(|(at, sequence)| {
                format!("SELECT {at}, last_value, is_called FROM {}", quote::table(&sequence.name))
            })
            .collect();
        let query = format!("{} ORDER BY 1", each.join(" UNION ALL "));
        let rows = session.rows("cannot read the sequences", &query).await?;
        for (sequence, row) in sequences.iter().zip(&rows) {
            let schema = sequence.name.schema.as_deref().unwrap_or_default();
            batch.push_row(
                [schema, &sequence.name.name, text(row, 1), text(row, 2)]
                    .map(|text| Value::Text(text.as_bytes())),
            );
        }
    }
    Ok(batch)
}
