//! Reading a dump into a database of its own.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use super::create::{Made, made};
use super::cursor::Cursor;
use super::database::Database;
use super::head::{Told, told};
use super::overview::{Overview, used};
use super::rows::Rows;
use super::statements::{Statements, Trouble};
use super::table::Table;
use crate::file_source::{Damage, FileOptions, Place, Source, Unpacked};
use crate::sqlite::connect::error::{when, words};
use crate::sqlite::dump_file::{Said, Scratch};
use crate::{EngineError, ErrorKind, View};

/// What says that a table, though whole, may not be all.
const NO_END: &str =
    "nothing in the file says where it ends: one that was cut off between two statements looks whole";

/// What says that a file without a single row may be none of a database without rows.
const NO_ROWS: &str = "no rows are in the file: its tables are empty, or it was made with --no-data";

/// What says the same of tables.
const NO_TABLES: &str = "no tables are defined in the file";

/// Opens the state that a dump holds.
pub(super) fn open(file: &Source, options: &FileOptions) -> Result<Arc<dyn View>, EngineError> {
    let told = told(file.head()).unwrap_or_default();
    if told.is_utf16 {
        let message = format!(
            "{} is in UTF-16, as PowerShell writes what is redirected with >, and dumps in UTF-8 are read: make it with \
             --result-file, or convert it",
            file.path().display()
        );
        return Err(EngineError::new(ErrorKind::Unsupported, message));
    }
    let mut said = Said { facts: options.facts.clone(), ..Said::default() };
    let (overview, damage) = overview(file, &told)?;
    said.facts.extend(overview.server.clone().map(|server| ("server_version".to_owned(), server)));
    if !told.has_end {
        said.notes.push(NO_END.to_owned());
    }
    if let Some(damage) = &damage {
        if !options.salvage {
            return Err(file.damaged(damage));
        }
        said.notes.push(format!("{}: {}", damage.place, damage.what));
        said.notes.push("what would have followed where the file is cut off is not known".to_owned());
    }
    if let Some((line, table)) = &overview.undefined {
        let what = format!("rows of table {table}, which is not defined in the file");
        if !options.salvage {
            let message = format!(
                "{}: line {line}: {what}: make the dump with definitions (without --no-create-info)",
                file.path().display()
            );
            return Err(EngineError::new(ErrorKind::Unsupported, message));
        }
        said.notes.push(format!("line {line}: {what}"));
    }
    let database = Database::chosen(overview.databases, options.database.as_deref()).map_err(|what| {
        EngineError::new(ErrorKind::Unsupported, format!("{} {what}", file.path().display()))
    })?;
    match (database.tables.is_empty(), database.filled.is_empty()) {
        (true, _) => said.notes.push(NO_TABLES.to_owned()),
        (false, true) => said.notes.push(NO_ROWS.to_owned()),
        (false, false) => {}
    }
    let scratch = Scratch::new(options.temporary.as_deref())?;
    let reading = Reading { file, options, told: &told, is_cut: damage.is_some() };
    reading.fill(&scratch, &database, &mut said)?;
    scratch.into_view(options, said)
}

/// Reads what a file defines; where it ends early or cannot be read as it is, up to there.
fn overview(file: &Source, told: &Told) -> Result<(Overview, Option<Damage>), EngineError> {
    let mut overview = Overview::new(told);
    let mut statements = Statements::new(file.open()?);
    loop {
        let (line, what) = match statements.next() {
            Ok(Some(statement)) => match overview.read(&statement) {
                Ok(()) => continue,
                Err(what) => {
                    let line = statement.code_line();
                    return Err(EngineError::new(
                        ErrorKind::Unsupported,
                        format!("{}: line {line}: {what}", file.path().display()),
                    ));
                }
            },
            Ok(None) if told.has_end && !overview.is_complete => (
                statements.line(),
                "the file is cut off: the line that says that the dump is complete is missing".to_owned(),
            ),
            Ok(None) => return Ok((overview, None)),
            Err(trouble) => (statements.line(), in_words(&mut statements, trouble)),
        };
        return Ok((overview, Some(Damage { place: Place { line }.to_string(), what })));
    }
}

fn in_words(statements: &mut Statements<Unpacked>, trouble: Trouble) -> String {
    match trouble {
        Trouble::Io(error) => statements.source().failed(error).to_string(),
        Trouble::Unended => "the file is cut off in the middle of a statement".to_owned(),
        Trouble::TooLong => "a statement is longer than 128 MiB".to_owned(),
    }
}

struct Reading<'r> {
    file: &'r Source,
    options: &'r FileOptions,
    told: &'r Told,
    is_cut: bool,
}

impl Reading<'_> {
    /// Makes the tables of a database, and fills them.
    fn fill(&self, scratch: &Scratch, database: &Database, said: &mut Said) -> Result<(), EngineError> {
        let connection = scratch.connection();
        let run = |sql: &str| connection.execute_batch(sql).map_err(when("a temporary database".to_owned()));
        let mut taken: HashSet<String> =
            database.tables.iter().map(|table| table.name.to_lowercase()).collect();
        let tables = &database.tables;
        let all: Vec<Made> = tables.iter().map(|table| made(table, tables, &mut taken)).collect();
        run("BEGIN")?;
        for (table, made) in database.tables.iter().zip(&all) {
            connection.execute_batch(&made.table).map_err(|error| self.refused(table, &words(&error)))?;
            said.notes.extend(made.notes.iter().cloned());
        }
        if !database.left_out.is_empty() {
            said.notes.push(format!("left out: {}", database.left_out.join(", ")));
        }
        let damaged = self.rows(&mut Rows::new(connection, database), database, said)?;
        for (table, made) in
            database.tables.iter().zip(&all).filter(|(table, _)| !damaged.contains(&table.name))
        {
            for index in &made.indexes {
                connection.execute_batch(index).map_err(|error| self.refused(table, &words(&error)))?;
            }
            let next = table.next.and_then(|next| i64::try_from(next).ok());
            if let Some(next) = next.filter(|_| made.counts) {
                count_on(connection, &table.name, next).map_err(when("a temporary database".to_owned()))?;
            }
        }
        run("COMMIT")?;
        said.notes.extend(unmatched(connection).map_err(when("a temporary database".to_owned()))?);
        said.damaged = damaged.into_iter().collect();
        Ok(())
    }

    /// Reads the rows; gives the tables of which some are missing.
    fn rows(
        &self,
        rows: &mut Rows<'_>,
        database: &Database,
        said: &mut Said,
    ) -> Result<BTreeSet<String>, EngineError> {
        let mut statements = Statements::new(self.file.open()?);
        let mut current = self.told.database.clone();
        let (mut damaged, mut last) = (BTreeSet::new(), None);
        while let Ok(Some(statement)) = statements.next() {
            if let Some(name) = used(&mut Cursor::first(&statement.text, 2)) {
                current = Some(name);
            }
            match rows.take(&statement, current.as_deref()) {
                Ok(table) => last = table.or(last),
                Err(wrong) => {
                    let damage =
                        Damage { place: Place { line: statement.code_line() }.to_string(), what: wrong.what };
                    if !self.options.salvage {
                        return Err(self.file.damaged(&damage));
                    }
                    let said_of = wrong
                        .table
                        .as_ref()
                        .map_or(String::new(), |table| format!("table {table} is not whole: "));
                    said.notes.push(format!("{said_of}{}: {}", damage.place, damage.what));
                    damaged.extend(wrong.table);
                }
            }
        }
        if self.is_cut {
            // What came last may lack rows.
            let newest = database.tables.last().map(|table| table.name.clone());
            let cut: BTreeSet<String> = last.into_iter().chain(newest).collect();
            said.notes.extend(
                cut.difference(&damaged)
                    .map(|table| format!("table {table} is not whole: the file is cut off")),
            );
            damaged.extend(cut);
        }
        Ok(damaged)
    }

    /// Says that a table cannot be in SQLite as it is.
    fn refused(&self, table: &Table, what: &str) -> EngineError {
        let message = format!(
            "{}: table {} cannot be made in SQLite: {what}; make the dump without it (--ignore-table), or rename it before",
            self.file.path().display(),
            table.name
        );
        EngineError::new(ErrorKind::Unsupported, message)
    }
}

/// References that do not hold in SQLite, which compares bytes.
fn unmatched(connection: &rusqlite::Connection) -> rusqlite::Result<Vec<String>> {
    let mut checked =
        connection.prepare("SELECT DISTINCT \"table\", parent FROM pragma_foreign_key_check")?;
    let note = |row: &rusqlite::Row<'_>| {
        let (table, parent): (String, String) = (row.get(0)?, row.get(1)?);
        Ok(format!("table {table}: rows refer to rows of {parent} that are not there, compared byte by byte"))
    };
    checked.query_map([], note)?.collect()
}

/// Says which number the next row of a table gets.
fn count_on(connection: &rusqlite::Connection, table: &str, next: i64) -> rusqlite::Result<()> {
    let last = next.saturating_sub(1);
    let known =
        connection.execute("UPDATE sqlite_sequence SET seq = max(seq, ?2) WHERE name = ?1", (table, last))?;
    if known == 0 {
        connection.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?1, ?2)", (table, last))?;
    }
    Ok(())
}
