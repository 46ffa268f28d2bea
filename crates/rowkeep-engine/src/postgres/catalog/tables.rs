//! The tables of a database: columns, keys, references.

use std::collections::HashMap;

use rowkeep_format::schema::KeyColumn;
use rowkeep_format::{Column, ForeignKey, Key, Schema, Table, TableKind, TableName};

use super::key_order::{self, ServerOrder};
use super::physical_order::PhysicalOrder;
use crate::postgres::connect::session::{Session, number, text, truth};
use crate::postgres::quote;
use crate::{EngineError, Estimate};

/// A table with what is needed to read it.
#[derive(Debug, Clone)]
pub(crate) struct Relation {
    /// Its number.
    pub(crate) oid: u32,
    /// What rowkeep knows of it.
    pub(crate) table: Table,
    /// Whether the server gives its rows in key order, and how it is asked to.
    pub(crate) order_by: Option<String>,
    /// Whether its rows probably lie in key order, so that the server need not be asked to sort.
    pub(crate) is_in_physical_order: bool,
    /// For a table of an extension: which of its rows are not the extension's own, as a `WHERE` clause.
    pub(crate) condition: Option<String>,
    /// Whether its rows are lost in a crash, and are not on a standby.
    pub(crate) unlogged: bool,
    /// What the server guesses of its size.
    pub(crate) estimate: Estimate,
}

/// Which relations are tables whose rows are kept, with `c` for `pg_class` and `n` for its schema.
///
/// Partitions hold their own rows, partitioned tables none. Of extensions only what they mark as configuration.
pub(crate) const KEPT: &str = "c.relkind = 'r' AND c.relpersistence <> 't' \
     AND left(n.nspname, 3) <> 'pg_' AND n.nspname <> 'information_schema' \
     AND (NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid \
                      AND d.objsubid = 0 AND d.deptype = 'e') \
          OR EXISTS (SELECT FROM pg_extension e WHERE c.oid = ANY (e.extconfig)))";

/// A table by name, and whether this role may read all of it.
#[derive(Debug, Clone)]
pub(crate) struct Access {
    /// Its number.
    pub(crate) oid: u32,
    /// Its name.
    pub(crate) name: TableName,
    /// Whether the role has the privilege to read it.
    pub(crate) readable: bool,
    /// Whether row security would hide rows from the role.
    pub(crate) hides_rows: bool,
}

/// All tables by name, in that order.
///
/// Of a table that is dropped meanwhile the server knows no privileges; locking it finds that out.
pub(crate) async fn access(session: &Session) -> Result<Vec<Access>, EngineError> {
    let rows = session
        .rows(
            "cannot list the tables",
            &format!(
                "SELECT c.oid, n.nspname, c.relname, \
                        coalesce(has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT'), true), \
                        row_security_active(c.oid) \
                 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
                 WHERE {KEPT} ORDER BY n.nspname, c.relname"
            ),
        )
        .await?;
    let access = rows.iter().map(|row| Access {
        oid: number(row, 0),
        name: TableName::qualified(text(row, 1), text(row, 2)),
        readable: truth(row, 3),
        hides_rows: truth(row, 4),
    });
    Ok(access.collect())
}

/// All tables in the order of their names.
pub(crate) async fn relations(session: &Session) -> Result<Vec<Relation>, EngineError> {
    let rows = session
        .rows(
            "cannot list the tables",
            &format!(
                "SELECT c.oid, n.nspname, c.relname, c.relpersistence = 'u', \
                        greatest(c.reltuples, 0)::bigint, pg_table_size(c.oid), \
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
    Ok(rows
        .iter()
        .map(|row| {
            let oid = number(row, 0);
            let columns = columns.remove(&oid).unwrap_or_default();
            let (key, order_by) =
                choose_key(&columns, &keys.remove(&oid).unwrap_or_default(), &session.encoding);
            let is_in_physical_order =
                order_by.is_some() && is_stored_by_first(&key, &columns, &physical_order, oid);
            let foreign_keys = references.remove(&oid).unwrap_or_default();
            let foreign_keys = foreign_keys.iter().filter_map(|key| key.resolve(&columns, &names)).collect();
            Relation {
                oid,
                table: Table {
                    name: TableName::qualified(text(row, 1), text(row, 2)),
                    kind: TableKind::Table,
                    columns: columns.into_iter().map(|column| column.column).collect(),
                    key,
                    foreign_keys,
                },
                order_by,
                is_in_physical_order,
                condition: Some(text(row, 6)).filter(|sql| !sql.is_empty()).map(str::to_owned),
                unlogged: truth(row, 3),
                estimate: Estimate { rows: number(row, 4), bytes: number(row, 5) },
            }
        })
        .collect())
}

/// A column with what only the server's own tables use.
struct Attribute {
    number: i16,
    /// The type's name when it is one of `pg_catalog`, that of the type a domain is made of.
    base_type: String,
    column: Column,
}

async fn columns(session: &Session) -> Result<HashMap<u32, Vec<Attribute>>, EngineError> {
    let rows = session
        .rows(
            "cannot list the columns",
            &format!(
                "WITH RECURSIVE base (oid, base) AS ( \
                   SELECT t.oid, t.oid FROM pg_type t WHERE t.typtype <> 'd' \
                   UNION ALL \
                   SELECT t.oid, base.base FROM pg_type t JOIN base ON base.oid = t.typbasetype WHERE t.typtype = 'd') \
                 SELECT a.attrelid, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), \
                        a.attnotnull AND NOT EXISTS ( \
                          SELECT FROM pg_constraint k WHERE k.conrelid = a.attrelid AND k.contype = 'n' \
                          AND k.conkey = ARRAY[a.attnum] AND NOT k.convalidated), \
                        CASE WHEN t.typnamespace = 'pg_catalog'::regnamespace THEN t.typname ELSE '' END \
                 FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid \
                 JOIN pg_namespace n ON n.oid = c.relnamespace \
                 JOIN base ON base.oid = a.atttypid JOIN pg_type t ON t.oid = base.base \
                 WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' AND {KEPT} \
                 ORDER BY a.attrelid, a.attnum"
            ),
        )
        .await?;
    let mut columns: HashMap<u32, Vec<Attribute>> = HashMap::new();
    for row in &rows {
        columns.entry(number(row, 0)).or_default().push(Attribute {
            number: number(row, 1),
            base_type: text(row, 5).to_owned(),
            column: Column {
                name: text(row, 2).to_owned(),
                type_name: text(row, 3).to_owned(),
                not_null: truth(row, 4),
                hidden: false,
            },
        });
    }
    Ok(columns)
}

/// An index that tells rows apart.
struct Candidate {
    primary: bool,
    columns: Vec<i16>,
}

async fn key_candidates(session: &Session) -> Result<HashMap<u32, Vec<Candidate>>, EngineError> {
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
        let count: usize = number(row, 3);
        let columns = text(row, 2).split(' ').take(count).filter_map(|column| column.parse().ok()).collect();
        candidates.entry(number(row, 0)).or_default().push(Candidate { primary: truth(row, 1), columns });
    }
    Ok(candidates)
}

/// The first candidate whose columns are all stored and never null, and how the server sorts by it.
fn choose_key(columns: &[Attribute], candidates: &[Candidate], encoding: &str) -> (Key, Option<String>) {
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

/// Whether rows that lie by the first column of the key probably lie by the key.
///
/// Text is not asked for: its statistics are those of its collation, whose order is seldom ours.
fn is_stored_by_first(key: &Key, columns: &[Attribute], physical_order: &PhysicalOrder, oid: u32) -> bool {
    let Some(first) = key.columns.first().map(|first| &columns[first.column]) else { return false };
    let ordering = key_order::ordering(&first.base_type, "UTF8");
    ordering.server == ServerOrder::Plain && physical_order.by(oid, &first.column.name)
}

/// A reference as the server's own tables have it.
struct Reference {
    name: String,
    columns: Vec<i16>,
    references: u32,
    referenced_columns: Vec<String>,
}

impl Reference {
    /// Nothing when it refers with a column that is not stored.
    fn resolve(&self, columns: &[Attribute], names: &HashMap<u32, TableName>) -> Option<ForeignKey> {
        let position = |number: &i16| columns.iter().position(|column| column.number == *number);
        Some(ForeignKey {
            name: Some(self.name.clone()),
            columns: self.columns.iter().map(position).collect::<Option<_>>()?,
            references: names.get(&self.references)?.clone(),
            referenced_columns: self.referenced_columns.clone(),
        })
    }
}

async fn references(session: &Session) -> Result<HashMap<u32, Vec<Reference>>, EngineError> {
    // What a reference to a partitioned table says again for each partition is left out, and what is not enforced.
    let rows = session
        .rows(
            "cannot list the references",
            &format!(
                "SELECT k.conrelid, k.conname, array_to_string(k.conkey, ' '), k.confrelid, \
                        (SELECT json_agg(a.attname ORDER BY f.at) FROM unnest(k.confkey) WITH ORDINALITY f (attnum, at) \
                         JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = f.attnum) \
                 FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid \
                 JOIN pg_namespace n ON n.oid = c.relnamespace \
                 LEFT JOIN pg_constraint parent ON parent.oid = k.conparentid \
                 WHERE k.contype = 'f' AND parent.conrelid IS DISTINCT FROM k.conrelid AND {KEPT} \
                 AND coalesce(to_jsonb(k) ->> 'conenforced', 'true') = 'true' \
                 ORDER BY k.conrelid, k.conname"
            ),
        )
        .await?;
    let mut references: HashMap<u32, Vec<Reference>> = HashMap::new();
    for row in &rows {
        references.entry(number(row, 0)).or_default().push(Reference {
            name: text(row, 1).to_owned(),
            columns: text(row, 2).split(' ').filter_map(|column| column.parse().ok()).collect(),
            references: number(row, 3),
            referenced_columns: serde_json::from_str(text(row, 4)).unwrap_or_default(),
        });
    }
    Ok(references)
}

async fn names_of_all(session: &Session) -> Result<HashMap<u32, TableName>, EngineError> {
    let rows = session
        .rows(
            "cannot list the tables",
            "SELECT c.oid, n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
             WHERE c.relkind IN ('r', 'p')",
        )
        .await?;
    Ok(rows.iter().map(|row| (number(row, 0), TableName::qualified(text(row, 1), text(row, 2)))).collect())
}

/// The tables of a schema by name, for those that are the application's.
pub(crate) fn application_tables(schema: &Schema) -> impl Iterator<Item = &Table> {
    schema.tables.iter().filter(|table| table.kind == TableKind::Table)
}
