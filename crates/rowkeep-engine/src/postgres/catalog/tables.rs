//! The tables of a database with their columns, keys and foreign keys.

use std::collections::{HashMap, HashSet};

use rowkeep_format::{Inherits, Schema, Table, TableKind, TableName};

use super::columns::columns;
use super::foreign_keys::{names_of_all, references};
use super::keys::{choose_key, identity, is_stored_by_first, key_candidates};
use super::physical_order::PhysicalOrder;
use super::relation::{KEPT, Relation};
use crate::postgres::connect::row::{json, number, text, truth};
use crate::postgres::connect::session::Session;
use crate::{EngineError, Estimate};

/// All tables in the order of their names.
pub(crate) async fn relations(session: &Session) -> Result<Vec<Relation>, EngineError> {
    let rows = session
        .rows(
            "cannot list the tables",
            &format!(
                "SELECT c.oid, n.nspname, c.relname, c.relpersistence = 'u', \
                        greatest(c.reltuples, 0)::bigint, coalesce(pg_table_size(c.oid), 0), \
                        (SELECT e.extcondition[array_position(e.extconfig, c.oid)] FROM pg_extension e \
                         WHERE c.oid = ANY (e.extconfig) LIMIT 1) \
                 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
                 WHERE {KEPT} ORDER BY n.nspname, c.relname"
            ),
        )
        .await?;
    let mut columns = columns(session).await?;
    let mut keys = key_candidates(session).await?;
    let mut references = references(session).await?;
    let names: HashMap<u32, TableName> = names_of_all(session).await?;
    let physical_order = PhysicalOrder::read(session).await?;
    rows.iter()
        .map(|row| {
            let oid = number(row, 0, "the number of a table")?;
            let columns = columns.remove(&oid).unwrap_or_default();
            let (key, order_by) =
                choose_key(&columns, &keys.remove(&oid).unwrap_or_default(), &session.encoding);
            let is_in_physical_order =
                order_by.is_some() && is_stored_by_first(&key, &columns, &physical_order, oid);
            let foreign_keys = references.remove(&oid).unwrap_or_default();
            let foreign_keys = foreign_keys.iter().filter_map(|key| key.resolve(&columns, &names)).collect();
            Ok(Relation {
                oid,
                table: Table {
                    name: TableName::qualified(text(row, 1), text(row, 2)),
                    kind: TableKind::Table,
                    identity: identity(&key, &columns),
                    columns: columns.into_iter().map(|column| column.column).collect(),
                    key,
                    foreign_keys,
                },
                is_queried: true,
                order_by,
                is_in_physical_order,
                condition: Some(text(row, 6)).filter(|sql| !sql.is_empty()).map(str::to_owned),
                unlogged: truth(row, 3, "whether a table is unlogged")?,
                estimate: Estimate {
                    rows: number(row, 4, "an estimate of a table's rows")?,
                    bytes: number(row, 5, "the size of a table")?,
                },
            })
        })
        .collect()
}

/// Which tables are partitions or children of which, by name, among these tables and those above them.
pub(crate) async fn inherits(session: &Session, tables: &[Table]) -> Result<Vec<Inherits>, EngineError> {
    let rows = session
        .rows(
            "cannot list the partitions and children of tables",
            "SELECT cn.nspname, c.relname, pn.nspname, p.relname, \
                    (SELECT json_agg((SELECT json_agg(a.attname) FROM unnest((x.indkey::int2[])[0:x.indnkeyatts - 1]) k (attnum) \
                                      JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = k.attnum)) \
                     FROM pg_index x WHERE p.relkind = 'p' AND x.indrelid = p.oid AND x.indisunique AND NOT x.indisexclusion \
                     AND x.indisvalid AND x.indpred IS NULL AND x.indexprs IS NULL) FROM pg_inherits i \
             JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_namespace cn ON cn.oid = c.relnamespace \
             JOIN pg_class p ON p.oid = i.inhparent JOIN pg_namespace pn ON pn.oid = p.relnamespace \
             WHERE c.relkind IN ('r', 'p') AND left(cn.nspname, 3) <> 'pg_'",
        )
        .await?;
    let mut found = Vec::with_capacity(rows.len());
    let mut unique: HashMap<TableName, Vec<HashSet<String>>> = HashMap::new();
    for row in &rows {
        let child = TableName::qualified(text(row, 0), text(row, 1));
        let parent = TableName::qualified(text(row, 2), text(row, 3));
        if row[4].is_some() && !unique.contains_key(&parent) {
            unique.insert(parent.clone(), json(row, 4, "the unique keys of a partitioned table")?);
        }
        found.push(Inherits::new(child, parent));
    }
    found.sort_unstable();
    if unique.is_empty() {
        return Ok(found);
    }
    let schema = Schema { engine: String::new(), tables: tables.to_vec(), inherits: found, ddl: Vec::new() };
    let shares: HashSet<TableName> = schema
        .partitions()
        .into_iter()
        .filter(|(parent, below)| {
            let keys = unique.get(*parent).map(Vec::as_slice).unwrap_or_default();
            below.iter().all(|table| keys.iter().any(|key| identifies(table, key)))
        })
        .map(|(parent, _)| parent.clone())
        .collect();
    let mut found = schema.inherits;
    found.iter_mut().for_each(|link| link.shares_key = shares.contains(&link.parent));
    Ok(found)
}

/// Whether rows that have the same in what identifies those of a table have the same in these columns.
fn identifies(table: &Table, columns: &HashSet<String>) -> bool {
    let identity = table.identified_by();
    let named: HashSet<&String> = identity.naming().map(|part| &table.columns[part.column].name).collect();
    identity.unique && columns.iter().all(|column| named.contains(column))
}

/// The tables of a schema by name, for those that are the application's.
pub(crate) fn application_tables(schema: &Schema) -> impl Iterator<Item = &Table> {
    schema.tables.iter().filter(|table| table.kind == TableKind::Table)
}
