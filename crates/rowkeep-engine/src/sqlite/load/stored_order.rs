use futures::{StreamExt, TryStreamExt, stream};
use rowkeep_format::schema::KeyColumn;
use rowkeep_format::{Key, KeyForm, RowBatch, Table, Value};

use crate::sort::{SortOptions, sort};
use crate::{EngineError, RowStream};

/// How many bytes of rows are looked at before their order is believed in.
const LOOK_BYTES: usize = 4 * 1024 * 1024;

/// Brings rows into the order in which SQLite stores them, when they are not in it.
///
/// Rows come in the order of their key. Where that is not the rowid, rowids may come in any order, and pages would be
/// filled here and there: slower, and half empty in the end.
pub(crate) async fn in_stored_order(
    rows: RowStream,
    table: &Table,
    options: &SortOptions,
) -> Result<RowStream, EngineError> {
    let has_rowid = table.columns.first().is_some_and(|column| column.hidden);
    if !has_rowid || table.key.columns.first().is_some_and(|part| part.column == 0) {
        return Ok(rows);
    }
    // It may end while it is looked at.
    let mut rows = rows.fuse();
    let (mut seen, mut seen_bytes, mut last, mut ascending) = (Vec::new(), 0, i64::MIN, true);
    while ascending && seen_bytes < LOOK_BYTES {
        let Some(batch) = rows.try_next().await? else { break };
        ascending = ascends(&batch, &mut last);
        seen_bytes += batch.bytes();
        seen.push(Ok(batch));
    }
    let rows = stream::iter(seen).chain(rows).boxed();
    if ascending {
        return Ok(rows);
    }
    let rowid = KeyColumn { column: 0, form: KeyForm::Native };
    let stored = Table { key: Key { columns: vec![rowid], unique: true }, ..table.clone() };
    Ok(sort(rows, &stored, options))
}

fn ascends(batch: &RowBatch, last: &mut i64) -> bool {
    (0..batch.rows()).all(|row| match batch.value(row, 0) {
        Value::Integer(rowid) => std::mem::replace(last, rowid) <= rowid,
        _ => true,
    })
}
