//! One statement that only reads.

use std::path::Path;

use rowkeep_format::{RowBatch, Value};
use rusqlite::Connection;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};

use super::scan::push_row;
use crate::sqlite::catalog::properties::Properties;
use crate::sqlite::connect::connection::open_plainly;
use crate::sqlite::connect::error::{failure, when, words};
use crate::sqlite::connect::interrupt::Interrupt;
use crate::sqlite::connect::patience::{Patience, patiently};
use crate::sqlite::connect::raw_statement::Statement;
use crate::sqlite::connect::transaction::begin;
use crate::{EngineError, ErrorKind, QueryRows};

/// Pragmas that tell something, and for which an argument says of what.
const TELLING: [&str; 13] = [
    "foreign_key_check",
    "foreign_key_list",
    "function_list",
    "index_info",
    "index_list",
    "index_xinfo",
    "integrity_check",
    "module_list",
    "pragma_list",
    "quick_check",
    "table_info",
    "table_list",
    "table_xinfo",
];

/// Pragmas that do something even without an argument.
const DOING: [&str; 5] =
    ["incremental_vacuum", "optimize", "shrink_memory", "wal_checkpoint", "writable_schema"];

/// Runs a statement and reads its first rows; blocks.
pub(crate) fn query(
    path: &Path,
    patience: &Patience,
    sql: &str,
    limit: usize,
    interrupt: &Interrupt,
) -> Result<QueryRows, EngineError> {
    let named = || path.display();
    let mut connection = open_plainly(path, patience)?;
    interrupt.interrupt(&mut connection).map_err(when(named()))?;
    let begin = || if interrupt.is_wanted() { Ok(()) } else { begin(&connection) };
    patiently(patience, begin).map_err(when(named()))?;
    let properties = Properties::read(&connection).map_err(when(named()))?;
    connection.authorizer(Some(only_reading)).map_err(when(named()))?;
    interrupt.check()?;

    let (mut statement, _) = prepare(&connection, sql)?;
    let columns = statement.column_names();
    let mut rows = RowBatch::new(columns.len());
    let (mut more, mut failed) = (false, false);
    let parameters = vec![Value::Null; statement.parameters()];
    let ran = statement.run(parameters.into_iter(), None, |row| {
        more = rows.rows() == limit;
        failed = !more && push_row(row, &mut rows, properties.utf16()).is_none();
        !more && !failed
    });
    if let Err(error) = ran {
        interrupt.check()?;
        return Err(said(&error));
    }
    if failed {
        return Err(EngineError::new(
            ErrorKind::Unstorable,
            "running the statement: no memory is left for a value",
        ));
    }
    Ok(QueryRows { columns, rows, more })
}

/// Looks whether a statement only reads, and gives the names of its columns, and the statement by itself.
pub(crate) fn checked(connection: &mut Connection, sql: &str) -> Result<(Vec<String>, String), EngineError> {
    connection.authorizer(Some(only_reading)).map_err(when("the statement"))?;
    let (statement, text) = prepare(connection, sql)?;
    Ok((statement.column_names(), text.trim_end().trim_end_matches(';').to_owned()))
}

/// Prepares the one statement, which must not write; with its text.
fn prepare<'c, 's>(
    connection: &'c Connection,
    sql: &'s str,
) -> Result<(Statement<'c>, &'s str), EngineError> {
    let refused = |message: &str| Err(EngineError::new(ErrorKind::Statement, message));
    let (mut rest, mut found) = (sql, None);
    while !rest.is_empty() {
        let (statement, after) = match Statement::first(connection, rest) {
            Ok(first) => first,
            Err(_) if found.is_some() => {
                return refused("these are several statements; one can be run at a time");
            }
            Err(error) => return Err(said(&error)),
        };
        if found.is_some() && statement.is_some() {
            return refused("these are several statements; one can be run at a time");
        }
        let text = &rest[..rest.len() - after.len()];
        found = found.or(statement.map(|statement| (statement, text)));
        rest = after;
    }
    match found {
        None => refused("there is no statement"),
        Some((statement, _)) if !statement.is_readonly() => {
            refused("the statement writes to the database; only statements that read can be run")
        }
        Some(found) => Ok(found),
    }
}

/// SQLite's words about a statement.
fn said(error: &rusqlite::Error) -> EngineError {
    let found = failure("the statement", error);
    match found.kind() {
        ErrorKind::Other => EngineError::new(ErrorKind::Statement, found.to_string()),
        ErrorKind::PermissionDenied => EngineError::new(
            ErrorKind::Statement,
            format!("the statement does more than read the database: {}", words(error)),
        ),
        _ => found,
    }
}

/// What a statement may do that SQLite does not count as writing.
fn only_reading(context: AuthContext<'_>) -> Authorization {
    let pragma = |name: &str, value: Option<&str>| {
        let is = |known: &&str| known.eq_ignore_ascii_case(name);
        match value {
            Some(_) => TELLING.iter().any(is),
            None => !DOING.iter().any(is),
        }
    };
    match context.action {
        // Virtual tables ask for what they need.
        AuthAction::Pragma { pragma_name, pragma_value } if !pragma(pragma_name, pragma_value) => {
            Authorization::Deny
        }
        AuthAction::Transaction { .. }
        | AuthAction::Savepoint { .. }
        | AuthAction::Attach { .. }
        | AuthAction::Detach { .. } => Authorization::Deny,
        _ => Authorization::Allow,
    }
}
