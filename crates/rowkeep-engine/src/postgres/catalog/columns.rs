//! The columns of tables.

use std::collections::HashMap;

use rowkeep_format::Column;

use super::relation::KEPT;
use crate::EngineError;
use crate::postgres::connect::row::{number, text, truth};
use crate::postgres::connect::session::Session;

/// A column with what only the server's own tables use.
pub(crate) struct Attribute {
    /// Its number.
    pub(crate) number: i16,
    /// The type's name when it is one of `pg_catalog` or `citext`, that of the type a domain is made of.
    pub(crate) base_type: String,
    /// What rowkeep knows of it.
    pub(crate) column: Column,
}

/// The columns of all tables that are kept, in order, by the number of the table.
pub(crate) async fn columns(session: &Session) -> Result<HashMap<u32, Vec<Attribute>>, EngineError> {
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
                        CASE WHEN t.typnamespace = 'pg_catalog'::regnamespace OR t.typname = 'citext' THEN t.typname \
                             ELSE '' END \
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
        columns.entry(number(row, 0, "the number of a table")?).or_default().push(Attribute {
            number: number(row, 1, "the number of a column")?,
            base_type: text(row, 5).to_owned(),
            column: Column {
                name: text(row, 2).to_owned(),
                type_name: text(row, 3).to_owned(),
                not_null: truth(row, 4, "whether a column is never null")?,
                hidden: false,
            },
        });
    }
    Ok(columns)
}
