//! Refusing what could not be read whole.

use rowkeep_format::TableName;

use super::tables::Access;
use crate::postgres::load::marker;
use crate::{EngineError, ErrorKind};

/// Refuses a database of which something could not be read.
pub(crate) fn check_tables(tables: &[Access]) -> Result<(), EngineError> {
    if tables.iter().any(|table| table.name.schema.as_deref() == Some(marker::SCHEMA)) {
        return Err(EngineError::new(
            ErrorKind::Unsupported,
            "the database holds the remains of a restore that was not finished",
        ));
    }
    let names = |wanted: fn(&&Access) -> bool| -> Vec<&TableName> {
        tables.iter().filter(wanted).map(|table| &table.name).collect()
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
