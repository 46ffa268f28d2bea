//! Reading databases with unique keys that hold the same twice: a definition that was written over another, or a damaged index.

use std::collections::HashMap;

use rowkeep_engine::Engine;
use rowkeep_format::{FormatError, Key, Schema, TableName};
use rowkeep_repository::Repository;

use super::{CaptureOptions, Opened, Source, Uncommitted, read_opened};
use crate::{Context, Error};

/// Reads a state of a database and stores its chunks.
pub(super) async fn read(
    context: &Context,
    repository: &Repository,
    engine: &dyn Engine,
    options: &CaptureOptions,
) -> Result<Uncommitted, Error> {
    let source = Source::of(engine);
    let opened = Opened::open(context, engine, options.with_schema, &options.meant()).await?;
    opened.view.notes().iter().for_each(|note| context.warn(note));
    let (mut keys, mut doubtful) = (keys_of(opened.view.schema()), Vec::new());
    let mut read = read_opened(context, repository, &source, opened, options).await;
    // A key that holds the same twice is none, whatever the definitions say.
    while let Err(Error::Table { table, source: FormatError::OutOfOrder { .. } }) = &read {
        let Some(name) = keys.keys().find(|name| name.to_string() == *table).cloned() else { break };
        doubtful.push(name.clone());
        let meant = options.meant().with_doubtful_keys(doubtful.clone());
        let opened = Opened::open(context, engine, options.with_schema, &meant).await?;
        let now = keys_of(opened.view.schema());
        if now.get(&name) == keys.get(&name) {
            break;
        }
        context.warn(format!(
            "a key of table {table} holds the same twice: its rows are stored by their rowids"
        ));
        keys = now;
        read = read_opened(context, repository, &source, opened, options).await;
    }
    read
}

/// What the rows of each table are told apart by.
fn keys_of(schema: &Schema) -> HashMap<TableName, Key> {
    schema.tables.iter().map(|table| (table.name.clone(), table.key.clone())).collect()
}
