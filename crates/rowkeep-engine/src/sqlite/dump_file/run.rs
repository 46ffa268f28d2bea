//! Running a script into a database of its own.

use std::collections::BTreeSet;

use rusqlite::Connection;
use rusqlite::hooks::AuthContext;

use super::authorizer;
use super::said::Said;
use super::scratch::Scratch;
use super::statements::{Statements, Trouble, lines};
use crate::file_source::{Damage, FileOptions, Place, Source, Unpacked};
use crate::sqlite::connect::error::words;
use crate::sqlite::connect::raw_statement::Statement;
use crate::{EngineError, ErrorKind};

/// What `.dump` begins with.
const DUMP: &[u8] = b"PRAGMA foreign_keys=OFF;";

/// What `.dump` writes where it could not read all of a table.
const DAMAGED_DATABASE: &[u8] = b"CORRUPTION ERROR";

/// Runs a script; of a damaged one only what is whole, if that is wanted.
pub(super) fn run(file: &Source, options: &FileOptions) -> Result<(Scratch, Said), EngineError> {
    let mut scratch = Scratch::new(options.temporary.as_deref())?;
    let decide = Some(|context: AuthContext<'_>| authorizer::decide(context));
    let guarded = scratch.connection_mut().authorizer(decide);
    guarded.map_err(|error| script_failed(file, &words(&error)))?;
    let connection = scratch.connection();
    let mut running = Running {
        file,
        connection,
        salvage: options.salvage,
        said: Said { facts: options.facts.clone(), ..Said::default() },
        damaged: BTreeSet::new(),
        filled: None,
        empty: BTreeSet::new(),
        in_transaction: false,
        has_ended: false,
    };
    running.all(Statements::new(file.open()?))?;
    let Running { mut said, damaged, .. } = running;
    said.damaged = damaged.into_iter().collect();
    if !connection.is_autocommit() {
        connection.execute_batch("COMMIT").map_err(|error| script_failed(file, &words(&error)))?;
    }
    Ok((scratch, said))
}

struct Running<'r> {
    file: &'r Source,
    connection: &'r Connection,
    salvage: bool,
    said: Said,
    /// Tables of which rows are missing.
    damaged: BTreeSet<String>,
    /// The table whose rows came last.
    filled: Option<String>,
    /// Tables of which no rows have come.
    empty: BTreeSet<String>,
    in_transaction: bool,
    /// Whether a transaction has come to its end.
    has_ended: bool,
}

impl Running<'_> {
    fn all(&mut self, mut statements: Statements<Unpacked>) -> Result<(), EngineError> {
        loop {
            let line = statements.line();
            let statement = match statements.next() {
                Ok(Some(statement)) => statement,
                Ok(None) => break,
                Err(Trouble::Io(error)) => {
                    let error = statements.source().failed(error);
                    self.note_table(statements.unended());
                    return if self.salvage { self.cut_off(error.to_string()) } else { Err(error) };
                }
                Err(Trouble::TooLong) => {
                    return Err(self.damage(line, "a statement is longer than 128 MiB".to_owned()));
                }
                Err(Trouble::Unended) => {
                    let line = statements.line();
                    self.note_table(statements.unended());
                    return self.ends_early(line, "the file is cut off in the middle of a statement");
                }
            };
            let blank = statement.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(0);
            self.statement(line + lines(&statement[..blank]), &statement)?;
        }
        // The shell puts all that it dumps into one transaction.
        let is_dump = self.file.head().starts_with(DUMP);
        if self.in_transaction || is_dump && !self.has_ended {
            let what = "the file is cut off: the COMMIT at its end is missing";
            return self.ends_early(statements.line(), what);
        }
        Ok(())
    }

    fn statement(&mut self, line: u64, statement: &[u8]) -> Result<(), EngineError> {
        if memchr::memmem::find(&statement[..code_start(statement)], DAMAGED_DATABASE).is_some() {
            self.of_damaged_database(line)?;
        }
        match first_word(statement).as_str() {
            "begin" => self.in_transaction = true,
            "commit" | "end" => (self.in_transaction, self.has_ended) = (false, true),
            "rollback" => {
                // Rows up to here stay, as far as whoever asked for what is whole is concerned.
                (self.in_transaction, self.has_ended) = (false, true);
                return self.of_damaged_database(line);
            }
            _ => self.note_table(statement),
        }
        if let Err(what) = names_are_text(statement) {
            return match self.salvage {
                true => {
                    self.said.notes.push(format!("line {line}: {what}"));
                    Ok(())
                }
                false => Err(self.damage(line, what.to_owned())),
            };
        }
        match self.execute(statement) {
            Ok(()) => Ok(()),
            Err(error) if is_statistics(statement, &error) => Ok(()),
            Err(error) if self.salvage => {
                let fills = matches!(first_word(statement).as_str(), "insert" | "replace");
                let table = self.filled.clone().filter(|_| fills);
                let what = format!("line {line}: {}", words(&error));
                match table {
                    Some(table) => self.lose(table, what),
                    None => self.said.notes.push(what),
                }
                Ok(())
            }
            Err(error) => Err(self.damage(line, words(&error))),
        }
    }

    /// Notes which table a statement makes, or puts rows into.
    fn note_table(&mut self, statement: &[u8]) {
        match first_word(statement).as_str() {
            "insert" | "replace" => {
                self.filled = named_after(statement, "into ").or(self.filled.take());
                self.filled.iter().for_each(|table| {
                    self.empty.remove(table);
                });
            }
            "create" => self.empty.extend(named_after(statement, "table ")),
            _ => {}
        }
    }

    fn execute(&self, statement: &[u8]) -> rusqlite::Result<()> {
        let mut rest = statement;
        while !rest.is_empty() {
            let (prepared, after) = match Statement::first_in(self.connection, rest) {
                Err(error) if words(&error) == "no such column: Inf" => {
                    return self.execute(&with_infinities(rest));
                }
                prepared => prepared?,
            };
            if let Some(mut prepared) = prepared {
                while prepared.step()? {}
            }
            rest = &rest[after..];
            if after == 0 {
                break;
            }
        }
        Ok(())
    }

    /// The dump says of itself that not all could be read of what it was made of.
    fn of_damaged_database(&mut self, line: u64) -> Result<(), EngineError> {
        let what = "the dump says that the database was damaged when it was made";
        if !self.salvage {
            return Err(self.damage(line, what.to_owned()));
        }
        if let Some(table) = self.filled.clone() {
            self.lose(table, format!("line {line}: {what}"));
        }
        Ok(())
    }

    fn ends_early(&mut self, line: u64, what: &str) -> Result<(), EngineError> {
        match self.salvage {
            true => self.cut_off(format!("line {line}: {what}")),
            false => Err(self.damage(line, what.to_owned())),
        }
    }

    /// What comes last may lack rows, as may all that has none yet, and what would have followed is not known.
    fn cut_off(&mut self, what: String) -> Result<(), EngineError> {
        self.said.notes.push("what would have followed where the file is cut off is not known".to_owned());
        let lost: Vec<String> = self.filled.iter().chain(&self.empty).cloned().collect();
        if lost.is_empty() {
            self.said.notes.push(what.clone());
        }
        lost.into_iter().for_each(|table| self.lose(table, what.clone()));
        Ok(())
    }

    fn lose(&mut self, table: String, why: String) {
        if self.damaged.insert(table.clone()) {
            self.said.notes.push(format!("table {table} is not whole: {why}"));
        }
    }

    fn damage(&self, line: u64, what: String) -> EngineError {
        self.file.damaged(&Damage { place: Place { line }.to_string(), what })
    }
}

/// Values may be of any encoding; whatever has a name must not, for nobody could ask for it.
fn names_are_text(statement: &[u8]) -> Result<(), &'static str> {
    let is_insert = matches!(first_word(statement).as_str(), "insert" | "replace");
    let values = if is_insert { memchr::memmem::find(statement, b"VALUES") } else { None };
    let named = &statement[..values.unwrap_or(statement.len())];
    std::str::from_utf8(named).map(|_| ()).map_err(|_| "a name in a statement is not in UTF-8")
}

/// Whether a statement is about statistics that this SQLite does not keep.
fn is_statistics(statement: &[u8], error: &rusqlite::Error) -> bool {
    first_word(statement) == "insert" && words(error).starts_with("no such table: sqlite_stat")
}

/// Where the first token of a statement is, behind blanks and comments.
fn code_start(statement: &[u8]) -> usize {
    let mut rest = statement.trim_ascii_start();
    loop {
        let after = match rest {
            [b'-', b'-', ..] => memchr::memchr(b'\n', rest).map(|at| at + 1),
            [b'/', b'*', ..] => memchr::memmem::find(rest, b"*/").map(|at| at + 2),
            _ => return statement.len() - rest.len(),
        };
        rest = rest[after.unwrap_or(rest.len())..].trim_ascii_start();
    }
}

/// The first keyword of a statement, in lower case.
fn first_word(statement: &[u8]) -> String {
    let code = &statement[code_start(statement)..];
    let end = code.iter().position(|byte| !byte.is_ascii_alphabetic()).unwrap_or(code.len());
    String::from_utf8_lossy(&code[..end]).to_ascii_lowercase()
}

/// The table that a statement names behind a word.
fn named_after(statement: &[u8], word: &str) -> Option<String> {
    let code = &statement[code_start(statement)..];
    let text = String::from_utf8_lossy(&code[..code.len().min(2048)]).into_owned();
    let lower = text.to_ascii_lowercase();
    let mut at = lower.find(word)? + word.len();
    if lower[at..].trim_start().starts_with("if not exists ") {
        at += lower[at..].find("exists ")? + "exists ".len();
    }
    let name = text.get(at..)?.trim_start();
    let quote = name.chars().next()?;
    if !matches!(quote, '"' | '\'' | '`' | '[') {
        let end = name.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$')).unwrap_or(name.len());
        return Some(name[..end].to_owned());
    }
    let close = if quote == '[' { ']' } else { quote };
    let (mut found, mut characters) = (String::new(), name.chars().skip(1).peekable());
    while let Some(character) = characters.next() {
        if character == close && characters.next_if(|next| *next == close).is_none() {
            return Some(found);
        }
        found.push(character);
    }
    None
}

/// The statement with infinities as SQLite reads them: shells of some versions write them in a way that none reads.
fn with_infinities(statement: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(statement.len() + 16);
    let (mut at, mut quote) = (0, None);
    while at < statement.len() {
        let byte = statement[at];
        match quote {
            Some(open) if byte == open => quote = None,
            Some(_) => {}
            None if matches!(byte, b'\'' | b'"') => quote = Some(byte),
            None => {
                let before = at.checked_sub(1).map(|before| statement[before]);
                let after = statement.get(at + 3).copied();
                let is_edge = |byte: Option<u8>| byte.is_none_or(|byte| !byte.is_ascii_alphanumeric());
                if statement[at..].starts_with(b"Inf") && is_edge(before) && is_edge(after) {
                    out.extend_from_slice(b"9.0e+999");
                    at += 3;
                    continue;
                }
            }
        }
        out.push(byte);
        at += 1;
    }
    out
}

fn script_failed(file: &Source, words: &str) -> EngineError {
    EngineError::new(
        ErrorKind::Other,
        format!("{}: the script cannot be run: {words}", file.path().display()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_named_as_statements_name_them() {
        for (sql, word, expected) in [
            ("INSERT INTO t VALUES(1)", "into ", "t"),
            ("\n insert or replace INTO \"a \"\"b\"(x) VALUES(1)", "into ", "a \"b"),
            ("INSERT INTO [x y](a) SELECT 1", "into ", "x y"),
            ("CREATE TABLE IF NOT EXISTS \"t\"(a)", "table ", "t"),
            ("-- table x\nCREATE TABLE u(a)", "table ", "u"),
        ] {
            assert_eq!(named_after(sql.as_bytes(), word).as_deref(), Some(expected), "{sql}");
        }
        assert_eq!(first_word(b"-- insert\n/* b */ CREATE TABLE"), "create");
    }

    #[test]
    fn infinities_are_only_replaced_outside_quotes() {
        let replaced = with_infinities(b"INSERT INTO Info VALUES(Inf,-Inf,'Inf',\"Inf\",Inf)");
        let expected = "INSERT INTO Info VALUES(9.0e+999,-9.0e+999,'Inf',\"Inf\",9.0e+999)";
        assert_eq!(String::from_utf8_lossy(&replaced), expected);
    }
}
