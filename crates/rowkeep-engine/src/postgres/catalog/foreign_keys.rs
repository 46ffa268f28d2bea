//! The foreign keys of tables.

use std::collections::HashMap;

use rowkeep_format::{ForeignKey, TableName};

use super::columns::Attribute;
use super::relation::KEPT;
use crate::EngineError;
use crate::postgres::connect::row::{json, number, numbers, text};
use crate::postgres::connect::session::Session;

/// What identifies a table for the server.
const TABLE: &str = "the number of a table";

/// A reference as the server's own tables have it.
pub(crate) struct Reference {
    name: String,
    columns: Vec<i16>,
    references: u32,
    referenced_columns: Vec<String>,
}

impl Reference {
    /// The foreign key as rowkeep knows it; nothing when it refers with a column that is not stored.
    pub(crate) fn resolve(
        &self,
        columns: &[Attribute],
        names: &HashMap<u32, TableName>,
    ) -> Option<ForeignKey> {
        let position = |number: &i16| columns.iter().position(|column| column.number == *number);
        Some(ForeignKey {
            name: Some(self.name.clone()),
            columns: self.columns.iter().map(position).collect::<Option<_>>()?,
            references: names.get(&self.references)?.clone(),
            referenced_columns: self.referenced_columns.clone(),
        })
    }
}

/// The references of all tables that are kept, by the number of the table.
pub(crate) async fn references(session: &Session) -> Result<HashMap<u32, Vec<Reference>>, EngineError> {
    // What a reference to a partitioned table says again for each partition is left out, what is not enforced, and what asks
    // for a row at every moment of a period, for it is no single row's key that such a row refers to.
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
                 AND coalesce(to_jsonb(k) ->> 'conperiod', 'false') = 'false' \
                 ORDER BY k.conrelid, k.conname"
            ),
        )
        .await?;
    let mut references: HashMap<u32, Vec<Reference>> = HashMap::new();
    for row in &rows {
        references.entry(number(row, 0, TABLE)?).or_default().push(Reference {
            name: text(row, 1).to_owned(),
            columns: numbers(row, 2, "the columns of a reference")?,
            references: number(row, 3, TABLE)?,
            referenced_columns: json(row, 4, "the columns that a reference refers to")?,
        });
    }
    Ok(references)
}

/// The names of all tables, partitioned ones included, by their numbers.
pub(crate) async fn names_of_all(session: &Session) -> Result<HashMap<u32, TableName>, EngineError> {
    let rows = session
        .rows(
            "cannot list the tables",
            "SELECT c.oid, n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
             WHERE c.relkind IN ('r', 'p')",
        )
        .await?;
    let named = |row| Ok((number(row, 0, TABLE)?, TableName::qualified(text(row, 1), text(row, 2))));
    rows.iter().map(named).collect()
}
