//! What has to be known before changes are made: whether they are more than one transaction takes.

use futures::TryStreamExt;
use rowkeep_format::changeset::Change;
use rowkeep_format::{Changes, TableChanges, Value};

use crate::d1::connect::remote::Remote;
use crate::sqlite::literal;
use crate::{ChangeSource, EngineError};

/// What a row takes beside its values.
const AROUND: usize = 8;

/// Says so of changes whose statements are about as much as one transaction has room for, or more.
pub(crate) async fn cautions(
    remote: &Remote,
    changes: &dyn ChangeSource,
) -> Result<Vec<String>, EngineError> {
    let mut bytes = 0;
    for (number, table) in changes.tables().iter().enumerate().filter(|(_, table)| table.counts.total() > 0) {
        let mut runs = changes.read(number);
        while let Some(run) = runs.try_next().await? {
            bytes += size(table, &run);
        }
    }
    let room = remote.room().bytes;
    // Foreign keys may take statements of their own.
    if bytes < room / 2 {
        return Ok(Vec::new());
    }
    Ok(vec![format!(
        "D1 has no transaction for all of it over the {}: it takes about {} of them, each done as a whole or not at all. If it is cut off in \
         between, the same restore again ends it, and an undo by its safety snapshot takes back what was done",
        remote.way(),
        (bytes / room + 1).max(2)
    )])
}

/// The bytes of statements that make changes.
fn size(table: &TableChanges, run: &Changes) -> usize {
    let columns = 0..table.table.columns.len();
    let mut written = Vec::new();
    let mut of = |value: Value<'_>| {
        written.clear();
        literal::value(value, None, &mut written);
        written.len() + 2
    };
    let mut size = 0;
    for change in run.iter() {
        size += AROUND;
        let key = |row: usize| table.table.key.columns.iter().map(move |key| (row, key.column));
        match change {
            Change::Insert { after } => {
                size += columns.clone().map(|column| of(run.after().value(after, column))).sum::<usize>();
            }
            Change::Delete { before } => {
                size += key(before).map(|(row, column)| of(run.before().value(row, column))).sum::<usize>();
            }
            Change::Update { before, after } => {
                size += key(before).map(|(row, column)| of(run.before().value(row, column))).sum::<usize>();
                let is_other =
                    |column: &usize| run.before().value(before, *column) != run.after().value(after, *column);
                let changed = columns.clone().filter(is_other);
                size += changed.map(|column| of(run.after().value(after, column))).sum::<usize>();
            }
        }
    }
    size
}
