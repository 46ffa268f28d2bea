//! The keys of tables: by which index rows are told apart.

use std::collections::HashMap;

use rowkeep_format::Key;
use rowkeep_format::schema::KeyColumn;

use super::columns::Attribute;
use super::key_order::{self, ServerOrder};
use super::physical_order::PhysicalOrder;
use super::relation::KEPT;
use crate::EngineError;
use crate::postgres::connect::row::{number, numbers, truth};
use crate::postgres::connect::session::Session;
use crate::postgres::quote;

/// An index that tells rows apart.
pub(crate) struct Candidate {
    /// Whether it is that of the primary key.
    pub(crate) primary: bool,
    /// The numbers of the columns that it tells them by.
    pub(crate) columns: Vec<i16>,
}

/// The candidates of all tables that are kept, the best first, by the number of the table.
pub(crate) async fn key_candidates(session: &Session) -> Result<HashMap<u32, Vec<Candidate>>, EngineError> {
    let rows = session
        .rows(
            "cannot list the keys",
            &format!(
                "SELECT i.indrelid, i.indisprimary, i.indkey, i.indnkeyatts \
                 FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_class c ON c.oid = i.indrelid \
                 JOIN pg_namespace n ON n.oid = c.relnamespace \
                 WHERE i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL \
                 AND (i.indisprimary OR i.indimmediate) AND {KEPT} \
                 ORDER BY i.indrelid, i.indisprimary DESC, i.indnkeyatts, x.relname"
            ),
        )
        .await?;
    let mut candidates: HashMap<u32, Vec<Candidate>> = HashMap::new();
    for row in &rows {
        // Behind the columns of the key stand those that the index only includes.
        let mut columns: Vec<i16> = numbers(row, 2, "the columns of an index")?;
        columns.truncate(number(row, 3, "the number of columns of a key")?);
        let primary = truth(row, 1, "whether an index is that of the primary key")?;
        candidates
            .entry(number(row, 0, "the number of a table")?)
            .or_default()
            .push(Candidate { primary, columns });
    }
    Ok(candidates)
}

/// The first candidate whose columns are all stored and never null, and how the server sorts by it.
pub(crate) fn choose_key(
    columns: &[Attribute],
    candidates: &[Candidate],
    encoding: &str,
) -> (Key, Option<String>) {
    'candidates: for candidate in candidates {
        let mut key = Vec::new();
        let mut order_by = Some(Vec::new());
        for attribute_number in &candidate.columns {
            let found = columns.iter().position(|column| column.number == *attribute_number);
            let Some(at) = found else { continue 'candidates };
            let Attribute { base_type, column, .. } = &columns[at];
            if !(candidate.primary || column.not_null) || key_order::is_ambiguous(base_type) {
                continue 'candidates;
            }
            let ordering = key_order::ordering(base_type, encoding);
            key.push(KeyColumn { column: at, form: ordering.form });
            match (ordering.server, &mut order_by) {
                (ServerOrder::Plain, Some(order)) => order.push(quote::ident(&column.name)),
                (ServerOrder::CollateC, Some(order)) => {
                    order.push(format!("{} COLLATE \"C\"", quote::ident(&column.name)));
                }
                _ => order_by = None,
            }
        }
        if !key.is_empty() {
            return (Key { columns: key, unique: true }, order_by.map(|order| order.join(", ")));
        }
    }
    (Key::whole_row(columns.len()), None)
}

/// What identifies rows, where values of the key may be equal though they are printed otherwise.
pub(crate) fn identity(key: &Key, columns: &[Attribute]) -> Option<Key> {
    let part = |part: &KeyColumn| {
        let form = key_order::equality(&columns[part.column].base_type).unwrap_or(part.form);
        KeyColumn { column: part.column, form }
    };
    let identity = Key { columns: key.columns.iter().map(part).collect(), unique: true };
    (key.unique && identity != *key).then_some(identity)
}

/// Whether rows that lie by the first column of the key probably lie by the key.
///
/// Text is not asked for: its statistics are those of its collation, whose order is seldom ours.
pub(crate) fn is_stored_by_first(
    key: &Key,
    columns: &[Attribute],
    physical_order: &PhysicalOrder,
    oid: u32,
) -> bool {
    let Some(first) = key.columns.first().map(|first| &columns[first.column]) else { return false };
    let ordering = key_order::ordering(&first.base_type, "UTF8");
    ordering.server == ServerOrder::Plain && physical_order.by(oid, &first.column.name)
}
