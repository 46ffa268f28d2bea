//! What of a snapshot is damaged: every chunk of every table is read and decoded.

use std::sync::Arc;

use futures::stream::StreamExt;
use rowkeep_format::TableEntry;
use rowkeep_repository::Reader;

use crate::state::reader::{chunks, read_chunk};
use crate::units::counted;
use crate::{Context, Error, ErrorKind};

/// Chunks that are read at once.
const AT_ONCE: usize = 4;

/// How a table of a snapshot is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Health {
    /// The table.
    pub(super) table: TableEntry,
    /// What is wrong with its chunks, each with the chunk's name; nothing when it is whole.
    pub(super) flaws: Vec<String>,
    /// Rows in chunks that can be read.
    pub(super) readable_rows: u64,
}

/// Reads all of a table.
pub(super) async fn examine(
    context: &Context,
    reader: &Arc<Reader>,
    table: &TableEntry,
) -> Result<Health, Error> {
    let name = table.name.to_string();
    let level = u64::from(table.root.levels).saturating_sub(1);
    let found = chunks(Arc::clone(reader), table.root.hash, level).map(|chunk| async {
        let chunk = chunk?;
        let read = read_chunk(context, reader, &chunk, &name).await;
        Ok::<_, Error>((chunk.id, chunk.rows, read.map(|batch| batch.rows() as u64)))
    });
    let mut found = std::pin::pin!(found.buffer_unordered(AT_ONCE));
    let (mut flaws, mut readable_rows) = (Vec::new(), 0u64);
    while let Some(result) = found.next().await {
        match result {
            Ok((_, _, Ok(rows))) => readable_rows = readable_rows.saturating_add(rows),
            Ok((id, rows, Err(error))) if error.kind() == ErrorKind::Damage => {
                flaws.push(format!("chunk {id}, {}: {}", counted(rows, "row"), error.in_one_line()));
            }
            // A node that is lost takes the chunks below it along.
            Err(error) if error.kind() == ErrorKind::Damage => flaws.push(error.in_one_line()),
            Ok((_, _, Err(error))) | Err(error) => return Err(error),
        }
    }
    if flaws.is_empty() && readable_rows != table.root.rows {
        flaws.push(format!("its chunks hold {readable_rows} rows"));
    }
    Ok(Health { table: table.clone(), flaws, readable_rows })
}
