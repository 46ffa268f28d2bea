//! What the statements of a dump say, without its rows.

use super::assignments::Assignment;
use super::cursor::Cursor;
use super::database::Database;
use super::encoding::Encoding;
use super::head::{Told, begins_dump};
use super::insert::{Opening, adds_rows};
use super::known::{USE_SERVER, brief, has_delimiter_line, is_harmless, refusal, swallows};
use super::lexer::{Lexer, Token};
use super::statements::Statement;
use super::table::{Index, Table};

/// How many tokens tell what a statement is.
const OPENING_TOKENS: usize = 24;

/// What has a text of its own, in which other statements stand.
const ROUTINES: [&str; 5] = ["trigger", "function", "procedure", "event", "package"];

/// What else is left out.
const OTHERS: [&str; 5] = ["view", "sequence", "user", "role", "server"];

/// What a dump defines.
#[derive(Debug)]
pub(super) struct Overview {
    pub(super) databases: Vec<Database>,
    pub(super) server: Option<String>,
    /// Whether it said that it is complete.
    pub(super) is_complete: bool,
    /// The first rows of a table that is not defined: their line, and the table.
    pub(super) undefined: Option<(u64, String)>,
    /// How often a dump begins.
    beginnings: u32,
    current: usize,
    encoding: Encoding,
}

impl Overview {
    pub(super) fn new(told: &Told) -> Self {
        let first = Database { name: told.database.clone(), ..Database::default() };
        Self {
            databases: vec![first],
            server: None,
            is_complete: false,
            undefined: None,
            beginnings: 0,
            current: 0,
            encoding: Encoding::default(),
        }
    }

    /// Takes what a statement says; an error where it cannot be read as it has to be.
    pub(super) fn read(&mut self, statement: &Statement) -> Result<(), String> {
        let text = &statement.text;
        let cursor = Cursor::first(text, OPENING_TOKENS);
        self.comments(text, cursor.is_done())?;
        if cursor.is_done() {
            return Ok(());
        }
        if adds_rows(text) {
            self.refuse_form(statement)?;
            self.rows(statement);
            return Ok(());
        }
        if let Some(kind) = created(&cursor) {
            return self.create(statement, kind);
        }
        if swallows(text) {
            return Err(format!(
                "what ends {} is damaged or missing, for another statement begins within it",
                brief(&cursor.rest())
            ));
        }
        if let Some(name) = used(&mut cursor.clone()) {
            self.current = self.enter(&name);
        } else if cursor.sees(&["set"]) {
            self.set(text)?;
        } else if cursor.sees(&["alter", "table"]) {
            self.refuse_form(statement)?;
            self.alter(text)?;
        } else if cursor.sees(&["drop", "table"]) {
            self.refuse_form(statement)?;
            self.drop_tables(text)?;
        } else if cursor.sees(&["drop", "database"]) || cursor.sees(&["drop", "schema"]) {
            self.drop_database(cursor)?;
        } else if !is_harmless(&cursor) {
            return Err(refusal(&cursor));
        }
        Ok(())
    }

    /// Refuses what is written in a mode or an encoding that is not read.
    fn refuse_form(&self, statement: &Statement) -> Result<(), String> {
        if let Some(mode) = statement.mode.other {
            return Err(format!(
                "it is written in the mode {mode}, which is not read: make the dump without it (and without --compatible), or \
                 {USE_SERVER}"
            ));
        }
        self.encoding.refuse()
    }

    /// Takes note of whose rows a statement adds.
    fn rows(&mut self, statement: &Statement) {
        // What has no such beginning is refused when rows are read.
        let Some(opening) = Opening::read(&mut Lexer::new(&statement.text)) else { return };
        let place = opening.database.map_or(self.current, |name| self.enter(&name));
        let Some(database) = self.databases.get_mut(place) else { return };
        if database.table(&opening.table).is_none() {
            self.undefined.get_or_insert((statement.code_line(), opening.table.clone()));
        }
        database.filled.insert(opening.table);
    }

    fn set(&mut self, text: &[u8]) -> Result<(), String> {
        let assignments = Assignment::all(text);
        let is_on =
            |value: &[Token<'_>]| matches!(value, [Token::Number("1")]) || value.iter().any(|it| it.is("on"));
        if assignments.iter().any(|it| it.is_of("system_versioning_insert_history") && is_on(&it.value)) {
            return Err(
                "former versions of rows follow, which cannot be told from present ones: make the dump without --dump-history"
                    .to_owned(),
            );
        }
        self.encoding.set(text, &assignments)
    }

    fn create(&mut self, statement: &Statement, kind: &str) -> Result<(), String> {
        let text = &statement.text;
        if ROUTINES.contains(&kind) {
            if has_delimiter_line(text) {
                return Err(format!(
                    "what ends this {kind} is damaged or missing, for a DELIMITER stands within it"
                ));
            }
        } else if swallows(text) {
            return Err(
                "what ends this CREATE is damaged or missing, for another statement begins within it"
                    .to_owned(),
            );
        }
        match kind {
            "database" | "schema" => Ok(()),
            "table" => {
                self.refuse_form(statement)?;
                self.create_table(text)
            }
            "index" => {
                self.refuse_form(statement)?;
                self.index(text).unwrap_or_else(|| {
                    let what = brief(&Cursor::first(text, OPENING_TOKENS).rest());
                    self.database().leave_out(what);
                });
                Ok(())
            }
            _ => {
                let mut cursor = Cursor::first(text, OPENING_TOKENS);
                while !cursor.takes(&[kind]) && cursor.next().is_some() {}
                cursor.takes(&["body"]);
                cursor.takes(&["if", "not", "exists"]);
                let name = cursor.qualified().map(|(_, name)| name).or_else(|| cursor.quoted());
                let name = name.unwrap_or_default();
                // Where a view is going to be, a table may have been made for it.
                if kind == "view" && !self.database().remove(&name) {
                    return Err(format!("view {name} is made where a table with rows is: {USE_SERVER}"));
                }
                self.database().leave_out(format!("{kind} {name}").trim_end().to_owned());
                Ok(())
            }
        }
    }

    fn create_table(&mut self, text: &[u8]) -> Result<(), String> {
        let mut whole = whole(text)?;
        while !whole.takes(&["table"]) && whole.next().is_some() {}
        let from = brief(&whole.rest());
        let Some((database, table)) = Table::read(&mut whole) else {
            return Err(format!("the definition of table {from} cannot be read: {USE_SERVER}"));
        };
        if self.encoding.is_raw
            && let Some(column) = table.other_text()
        {
            return Err(format!(
                "column {} of table {} has text in another encoding than UTF-8, and the dump is made with \
                 --default-character-set=binary: make it with --default-character-set=utf8mb4",
                column.name, table.name
            ));
        }
        let place = database.map_or(self.current, |name| self.enter(&name));
        let Some(database) = self.databases.get_mut(place) else { return Ok(()) };
        if database.table(&table.name).is_some() {
            return Err(format!(
                "table {} is defined a second time; if two dumps are one behind the other, divide the file",
                table.name
            ));
        }
        database.tables.push(table);
        Ok(())
    }

    /// `CREATE INDEX name ON table (...)`.
    fn index(&mut self, text: &[u8]) -> Option<()> {
        let mut cursor = whole(text).ok()?;
        cursor.takes(&["create"]);
        cursor.takes(&["or", "replace"]);
        let unique = cursor.takes(&["unique"]);
        if !cursor.takes(&["index"]) {
            return None;
        }
        cursor.takes(&["if", "not", "exists"]);
        let name = cursor.name()?;
        while !cursor.takes(&["on"]) {
            cursor.next()?;
        }
        let (database, table) = cursor.qualified()?;
        let columns = cursor.list()?.into_iter().map(|mut column| {
            let name = column.name()?;
            column.list();
            Some((name, column.takes(&["desc"])))
        });
        let columns = columns.collect::<Option<_>>()?;
        let place = database.map_or(self.current, |name| self.enter(&name));
        self.databases.get_mut(place)?.table(&table)?.indexes.push(Index { name, unique, columns });
        Some(())
    }

    fn alter(&mut self, text: &[u8]) -> Result<(), String> {
        let mut whole = whole(text)?;
        whole.takes(&["alter", "table"]);
        let Some((database, name)) = whole.qualified() else { return Err(refusal(&whole)) };
        let place = database.map_or(self.current, |name| self.enter(&name));
        let table = self.databases.get_mut(place).and_then(|database| database.table(&name));
        let mut unknown = Table::default();
        let is_known = table.is_some();
        let altered = table.unwrap_or(&mut unknown).alter(&mut whole);
        match altered {
            Err(what) => {
                Err(format!("ALTER TABLE {name} … {} is not carried out: {USE_SERVER}", brief(&what)))
            }
            // Rows of it are told apart.
            Ok(()) if is_known || unknown == Table::default() => Ok(()),
            Ok(()) => Err(format!("ALTER TABLE {name} is of a table that is not defined before it")),
        }
    }

    fn drop_tables(&mut self, text: &[u8]) -> Result<(), String> {
        let mut cursor = whole(text)?;
        cursor.takes(&["drop", "table"]);
        cursor.takes(&["if", "exists"]);
        loop {
            let Some((database, name)) = cursor.qualified() else { return Err(refusal(&whole(text)?)) };
            let place = database.map_or(self.current, |name| self.enter(&name));
            if !self.databases.get_mut(place).is_none_or(|database| database.remove(&name)) {
                return Err(format!(
                    "table {name} is dropped after rows of it were written; if two dumps are one behind the other, divide the file"
                ));
            }
            if !cursor.takes_symbol(b',') {
                break;
            }
        }
        let _ = cursor.takes(&["cascade"]) || cursor.takes(&["restrict"]);
        if cursor.is_done() { Ok(()) } else { Err(refusal(&whole(text)?)) }
    }

    fn drop_database(&self, mut cursor: Cursor<'_>) -> Result<(), String> {
        let refused = refusal(&cursor);
        cursor.next();
        cursor.next();
        cursor.takes(&["if", "exists"]);
        let name = cursor.name();
        let is_empty = |database: &Database| database.name != name || database.filled.is_empty();
        if self.databases.iter().all(is_empty) && cursor.is_done() { Ok(()) } else { Err(refused) }
    }

    /// The place of a database, which is there from now on.
    fn enter(&mut self, name: &str) -> usize {
        let known = self.databases.iter().position(|database| database.name.as_deref() == Some(name));
        known.unwrap_or_else(|| {
            self.databases.push(Database { name: Some(name.to_owned()), ..Database::default() });
            self.databases.len() - 1
        })
    }

    fn database(&mut self) -> &mut Database {
        // What was entered is there.
        let current = self.current.min(self.databases.len().saturating_sub(1));
        &mut self.databases[current]
    }

    /// Reads the comments that a statement begins with, line by line.
    fn comments(&mut self, text: &[u8], is_all: bool) -> Result<(), String> {
        for line in text.split(|byte| *byte == b'\n') {
            let line = line.trim_ascii();
            if begins_dump(line) {
                self.beginnings += 1;
            } else if line.starts_with(b"-- Dump completed") {
                self.is_complete = true;
            } else if let Some(version) = line.strip_prefix(b"-- Server version") {
                self.server = Some(String::from_utf8_lossy(version).trim().to_owned());
            } else if !line.is_empty() && !line.starts_with(b"--") && !line.starts_with(b"/*M!9") {
                break;
            }
        }
        if self.beginnings > 1 || (self.is_complete && !is_all) {
            return Err(
                "another dump follows in the same file: divide it there, and read each by itself".to_owned()
            );
        }
        Ok(())
    }
}

/// The whole of a statement, if it is not too long.
fn whole(text: &[u8]) -> Result<Cursor<'_>, String> {
    Cursor::whole(text).ok_or_else(|| "a definition is longer than any table of MySQL has it".to_owned())
}

/// What kind of thing a statement creates, where it is one that is known.
fn created(cursor: &Cursor<'_>) -> Option<&'static str> {
    let mut cursor = cursor.clone();
    if !cursor.takes(&["create"]) {
        return None;
    }
    let kinds = || ["table", "database", "schema", "index"].into_iter().chain(ROUTINES).chain(OTHERS);
    while !cursor.is_done() {
        if let Some(kind) = kinds().find(|kind| cursor.sees(&[kind])) {
            return Some(kind);
        }
        if cursor.takes(&["definer"]) {
            // `a`@`b`, 'a'@'b', CURRENT_USER()
            cursor.takes_symbol(b'=');
            cursor.next();
            if cursor.takes_symbol(b'@') {
                cursor.next();
            }
            cursor.list();
        } else if cursor.takes(&["algorithm"]) {
            cursor.takes_symbol(b'=');
            cursor.name();
        } else if cursor.takes(&["sql", "security"]) {
            cursor.name();
        } else {
            let known: [&[&str]; 5] =
                [&["or", "replace"], &["aggregate"], &["unique"], &["fulltext"], &["spatial"]];
            known.into_iter().find(|words| cursor.takes(words))?;
        }
    }
    None
}

/// The database that `USE` names.
pub(super) fn used(cursor: &mut Cursor<'_>) -> Option<String> {
    if cursor.takes(&["use"]) { cursor.name() } else { None }
}

#[cfg(test)]
#[path = "overview_tests.rs"]
mod tests;
