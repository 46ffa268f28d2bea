//! What the tables of a snapshot are once their rows are masked, so that a masked restore is proven as any other.

use std::sync::Arc;

use rowkeep_format::{Schema, TableEntry};
use rowkeep_repository::{Reader, Repository};

use crate::capture::table::hash_rows;
use crate::rows::mask::{BoundMask, Mask, MaskRules};
use crate::state::reader::{Cause, rows};
use crate::state::snapshots::{Snapshot, read_schema};
use crate::{Context, Error};

/// The tables of a snapshot as they are once their rows are masked by rules, with the hashes that a masked restore has to come to.
///
/// They are read for that; nothing is stored.
pub async fn masked_tables(
    context: &Context,
    repository: &Repository,
    snapshot: &Snapshot,
    rules: &MaskRules,
    tables: &[TableEntry],
) -> Result<Vec<TableEntry>, Error> {
    let hashing = async {
        let reader = Arc::new(repository.reader().await?);
        let schema = read_schema(&reader, &snapshot.manifest).await?;
        let mask = bound(repository, rules, &schema, tables)?;
        hashed(context, repository, &reader, &schema, &mask, tables).await
    };
    context.until_cancelled(hashing).await
}

/// Binds rules to some tables of a snapshot, and refuses if one of their columns looks personal and has no rule.
pub(super) fn bound(
    repository: &Repository,
    rules: &MaskRules,
    schema: &Schema,
    tables: &[TableEntry],
) -> Result<BoundMask, Error> {
    let names = tables.iter().map(|table| &table.name);
    Mask::new(rules, repository.content_keys()).bind_all(schema, names)
}

/// The same tables with the hashes that their rows have once they are masked.
pub(super) async fn hashed(
    context: &Context,
    repository: &Repository,
    reader: &Arc<Reader>,
    schema: &Schema,
    mask: &BoundMask,
    tables: &[TableEntry],
) -> Result<Vec<TableEntry>, Error> {
    let by_name = schema.by_name();
    let mut masked = Vec::with_capacity(tables.len());
    for entry in tables {
        let mut entry = entry.clone();
        if let (Some(_), Some(table)) = (mask.table(&entry.name), by_name.get(&entry.name)) {
            let cause = Cause::default();
            let rows = mask.rows(table, rows(context, reader, &entry, &cause));
            let hashed = hash_rows(context, rows, table, repository.content_keys()).await;
            entry.root = hashed.map_err(|error| cause.of_either(error))?;
        }
        masked.push(entry);
    }
    Ok(masked)
}
