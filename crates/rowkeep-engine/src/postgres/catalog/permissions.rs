//! What this role may read, and refusing what could not be read whole.

use rowkeep_format::TableName;

use super::relation::KEPT;
use super::unfinished_restore::SCHEMA;
use crate::postgres::connect::row::{json, number, text, truth};
use crate::postgres::connect::session::Session;
use crate::{EngineError, ErrorKind, Meant};

/// A table by name, and whether this role may read all of it.
#[derive(Debug, Clone)]
pub(crate) struct Access {
    /// Its number.
    pub(crate) oid: u32,
    /// Its name.
    pub(crate) name: TableName,
    /// The partitioned tables that it is a part of.
    part_of: Vec<TableName>,
    /// Whether the role has the privilege to read it.
    pub(crate) readable: bool,
    /// Whether row security would hide rows from the role.
    pub(crate) hides_rows: bool,
}

impl Access {
    /// Whether its rows are meant, by its own name or that of a table that it is a part of.
    pub(crate) fn is_meant(&self, meant: &Meant) -> bool {
        meant.is_by(&std::iter::once(&self.name).chain(&self.part_of).collect::<Vec<_>>())
    }

    /// Whether nothing of it is read, not even its definition: it is not meant and may not be.
    pub(crate) fn is_passed_over(&self, meant: &Meant) -> bool {
        !self.is_meant(meant) && (!self.readable || meant.is_undefined(&self.name))
    }
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
                        row_security_active(c.oid), \
                        coalesce(CASE WHEN c.relispartition THEN \
                            (SELECT json_agg(json_build_array(pn.nspname, p.relname)) FROM pg_partition_ancestors(c.oid) a \
                             JOIN pg_class p ON p.oid = a.relid JOIN pg_namespace pn ON pn.oid = p.relnamespace \
                             WHERE p.oid <> c.oid) END, '[]') \
                 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
                 WHERE {KEPT} ORDER BY n.nspname, c.relname"
            ),
        )
        .await?;
    let access = |row| {
        let part_of: Vec<(String, String)> = json(row, 5, "the tables that a partition is a part of")?;
        Ok(Access {
            part_of: part_of.into_iter().map(|(schema, name)| TableName::qualified(schema, name)).collect(),
            oid: number(row, 0, "the number of a table")?,
            name: TableName::qualified(text(row, 1), text(row, 2)),
            readable: truth(row, 3, "whether a table may be read")?,
            hides_rows: truth(row, 4, "whether row security is active")?,
        })
    };
    rows.iter().map(access).collect()
}

/// Refuses a database of which something that is meant could not be read.
pub(crate) fn check_tables(tables: &[Access], meant: &Meant) -> Result<(), EngineError> {
    if tables.iter().any(|table| table.name.schema.as_deref() == Some(SCHEMA)) {
        return Err(EngineError::new(
            ErrorKind::Unsupported,
            "the database holds the remains of a restore that was not finished",
        ));
    }
    let names = |wanted: fn(&&Access) -> bool| -> Vec<&TableName> {
        let wanted = tables.iter().filter(wanted).filter(|table| table.is_meant(meant));
        wanted.map(|table| &table.name).collect()
    };
    refuse("table", &names(|table| !table.readable))?;
    let hiding = names(|table| table.hides_rows);
    if hiding.is_empty() {
        return Ok(());
    }
    Err(EngineError::new(
        ErrorKind::PermissionDenied,
        format!(
            "row-level security would hide rows of {} from this role, which needs BYPASSRLS or to own the tables",
            some(&hiding)
        ),
    ))
}

/// Fails with the names of those that may not be read, if there are any.
pub(crate) fn refuse(what: &str, denied: &[&TableName]) -> Result<(), EngineError> {
    let message = match denied.len() {
        0 => return Ok(()),
        1 => format!("permission denied for {what} {}", some(denied)),
        count => format!("permission denied for {count} {what}s: {}", some(denied)),
    };
    Err(EngineError::new(ErrorKind::PermissionDenied, message))
}

/// Some of many names.
pub(crate) fn some(names: &[&TableName]) -> String {
    const SHOWN: usize = 8;
    let mut text = names.iter().take(SHOWN).map(|name| name.to_string()).collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN {
        text.push_str(&format!(" and {} more", names.len() - SHOWN));
    }
    text
}
