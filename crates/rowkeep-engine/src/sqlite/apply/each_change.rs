use std::sync::Arc;

use rowkeep_format::{Change, Changes};

use crate::sqlite::connect::interrupt::Interrupt;
use crate::{ChangeSource, EngineError, ErrorKind};

/// Hands on each change to a table with its number.
pub(super) fn each_change(
    source: &Arc<dyn ChangeSource>,
    changed: usize,
    interrupt: &Interrupt,
    mut on: impl FnMut(u64, &Changes, Change) -> Result<(), EngineError>,
) -> Result<(), EngineError> {
    let table = &source.tables()[changed].table;
    let mut stream = source.read(changed);
    let mut number = 0;
    while let Some(changes) = interrupt.next(&mut stream)? {
        let columns = table.columns.len();
        if changes.before().columns().len() != columns || changes.after().columns().len() != columns {
            let message = format!("changes of table {} do not have its columns", table.name);
            return Err(EngineError::new(ErrorKind::Unstorable, message));
        }
        for change in changes.iter() {
            on(number, &changes, change)?;
            number += 1;
        }
    }
    Ok(())
}
