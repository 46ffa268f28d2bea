//! Looking at a database before it is backed up.

use std::fs;
use std::path::Path;

use rusqlite::Connection;

use super::catalog::properties::{Properties, pragma};
use super::catalog::tables::{self, Facts};
use super::connect::connection::{Access, beside, open};
use super::connect::error::{kind, when, words};
use super::connect::patience::{Patience, patiently};
use super::connect::reserved_lock::is_reserved;
use super::connect::transaction::begin;
use super::read::view::environment;
use super::schema::readable_tables::{Readable, readable_tables};
use super::schema::relaxed::is_own_collation;
use crate::sqlite::quote::quoted;
use crate::{EngineError, ErrorKind, Examination, Finding, Level};

/// Looks at a database without reading all of it; blocks.
pub(super) fn examine(path: &Path, patience: &Patience) -> Result<Examination, EngineError> {
    let (connection, access) = open(path, patience)?;
    let named = || path.display().to_string();
    let is_written = is_reserved(&connection);
    patiently(patience, || begin(&connection)).map_err(when(named()))?;
    let properties = Properties::read(&connection).map_err(when(named()))?;
    let objects = tables::objects(&connection)?;
    let facts = tables::tables(&connection, &objects)?;
    let tables = readable_tables(&facts, &properties);

    let mut known = vec![("path".to_owned(), named())];
    known.extend(environment(&connection, &properties, access, path).map_err(when(named()))?);
    let count = tables.iter().filter(|readable| readable.table.kind.is_user_table()).count();
    known.push(("tables".to_owned(), count.to_string()));
    Ok(Examination {
        facts: known,
        findings: vec![
            opening(access),
            length(&connection, path)?,
            writers(&properties, access, is_written, path),
            reading(&connection, &tables),
            restoring(&facts),
        ],
    })
}

/// Has SQLite read all of a database and say what is wrong with it; blocks.
pub(super) fn rows(path: &Path, patience: &Patience) -> Result<Vec<Finding>, EngineError> {
    let (connection, _) = open(path, patience)?;
    patiently(patience, || begin(&connection)).map_err(when(path.display()))?;
    let mut findings = match told(&connection, "PRAGMA main.integrity_check(20)") {
        Ok(said) => said.iter().filter(|said| *said != "ok").map(|said| integrity(said)).collect(),
        Err(error) => vec![Finding::new(
            "check of all pages",
            Level::Warning,
            format!("it cannot be done, perhaps for what only the application has: {}", words(&error)),
        )],
    };
    let dangling = "SELECT \"table\" || ' without its ' || parent || ': ' || count(*) FROM pragma_foreign_key_check GROUP BY \"table\", parent";
    // It fails where a table that is referred to lacks the key: nothing is known then.
    let dangling = told(&connection, dangling).unwrap_or_default();
    findings.extend(dangling.iter().map(|said| {
        let advice =
            "put back what they refer to, or remove the references; a restore brings them as they are";
        Finding::new("foreign keys", Level::Warning, format!("rows of {said}; {advice}"))
    }));
    if findings.is_empty() {
        let detail = "all pages are whole, and all rows conform to their tables";
        findings.push(Finding::new("rows that conform", Level::Ok, detail));
    }
    Ok(findings)
}

fn told(connection: &Connection, sql: &str) -> rusqlite::Result<Vec<String>> {
    connection.prepare(sql)?.query_map([], |row| row.get(0))?.collect()
}

/// What `PRAGMA integrity_check` says: rows that do not conform come back as they are, all else is damage.
fn integrity(said: &str) -> Finding {
    let is_of_row =
        ["NULL value in ", "CHECK constraint failed in ", "non-"].iter().any(|kind| said.starts_with(kind))
            || said.contains(" value in ");
    match is_of_row {
        true => Finding::new(
            "rows that do not conform",
            Level::Warning,
            format!(
                "{said}: mend these rows; a restore brings them as they are, and tells what SQLite does not take"
            ),
        ),
        false => Finding::new(
            "damage",
            Level::Damage,
            format!(
                "{said}: REINDEX where it is an index, else restore the file, or save what can be with .recover"
            ),
        ),
    }
}

fn opening(access: Access) -> Finding {
    let (level, detail) = match access {
        Access::Shared => (Level::Ok, "the file opens as a database"),
        Access::ReadOnly => (Level::Ok, "the file opens as a database, for reading only"),
        Access::Immutable => (
            Level::Warning,
            "neither the file nor its folder can be written, so the database is read without locks: \
             let nobody write it during a backup, or let this user write to the folder",
        ),
    };
    Finding::new("open the file", level, detail)
}

/// A file that was cut off is shorter than the pages that it says it has.
fn length(connection: &Connection, path: &Path) -> Result<Finding, EngineError> {
    let read = |name| pragma::<i64>(connection, name).map_err(when(path.display()));
    let expected_bytes = read("page_count")?.saturating_mul(read("page_size")?);
    let file_bytes = fs::metadata(path).map_or(0, |metadata| metadata.len());
    let log_bytes = fs::metadata(beside(path, "-wal")).map_or(0, |metadata| metadata.len());
    Ok(if log_bytes == 0 && i128::from(file_bytes) < i128::from(expected_bytes) {
        let detail = format!(
            "the file has {file_bytes} bytes, but {expected_bytes} belong to it: it was cut off, by an incomplete copy for \
             instance; get a whole copy"
        );
        Finding::new("compare the size of the file with its header", Level::Damage, detail)
    } else {
        Finding::new("compare the size of the file with its header", Level::Ok, format!("{file_bytes} bytes"))
    })
}

fn writers(properties: &Properties, access: Access, is_written: bool, path: &Path) -> Finding {
    const WHAT: &str = "see what writers will notice";
    if access == Access::Immutable {
        return Finding::new(WHAT, Level::Ok, "nothing: no lock is taken");
    }
    if properties.journal == "wal" {
        let log_bytes = fs::metadata(beside(path, "-wal")).map_or(0, |metadata| metadata.len());
        return Finding::new(
            WHAT,
            Level::Ok,
            format!("nothing: the write-ahead log ({log_bytes} bytes now) grows while a backup reads"),
        );
    }
    let now = if is_written { "; somebody is writing just now" } else { "" };
    Finding::new(
        WHAT,
        Level::Ok,
        format!(
            "without a write-ahead log, one that comes during a backup waits until the database is copied to a temporary \
             file; PRAGMA journal_mode = WAL avoids that{now}"
        ),
    )
}

fn reading(connection: &Connection, tables: &[Readable]) -> Finding {
    const WHAT: &str = "read every table";
    let mut unreadable = Vec::new();
    let mut level = Level::Error;
    for readable in tables.iter().filter(|readable| readable.is_stored()) {
        let name = &readable.table.name;
        let columns: Vec<_> = readable.table.columns.iter().map(|column| quoted(&column.name)).collect();
        let sql =
            format!("SELECT {} FROM main.{} NOT INDEXED LIMIT 1", columns.join(", "), quoted(&name.name));
        let read = || connection.prepare(&sql)?.query([])?.next().map(|_| ());
        if let Err(error) = read() {
            if kind(&error) == ErrorKind::Damaged {
                level = Level::Damage;
            }
            unreadable.push(format!("{name} ({})", words(&error)));
        }
    }
    if unreadable.is_empty() {
        return Finding::new(WHAT, Level::Ok, "the first row of each table can be read");
    }
    let detail = format!(
        "{} cannot be read: restore the file, or save what can be with the .recover command of the sqlite3 shell",
        unreadable.join(", ")
    );
    Finding::new(WHAT, level, detail)
}

/// What could be backed up, but not put back.
fn restoring(tables: &[Facts]) -> Finding {
    const WHAT: &str = "look for what a restore cannot make";
    let mut unrestorable = Vec::new();
    for table in tables {
        let columns = table.unique.iter().flat_map(|index| &index.columns);
        if let Some((_, _, collation)) =
            columns.clone().find(|(_, _, collation)| !is_own_collation(collation))
        {
            let message = format!(
                "a key of table {} is in the order of {collation}, which only its application knows: a restore makes it without",
                table.name
            );
            unrestorable.push(message);
        }
        if !table.without_rowid && table.rowid_name().is_none() && table.integer_primary_key().is_none() {
            let message =
                format!("the columns of table {} hide its rowids, so these will be new ones", table.name);
            unrestorable.push(message);
        }
    }
    if unrestorable.is_empty() {
        return Finding::new(WHAT, Level::Ok, "nothing was found");
    }
    Finding::new(WHAT, Level::Warning, unrestorable.join("; "))
}
