//! What the statements of a dump say, without its rows.

use super::cursor::Cursor;
use super::head::Told;
use super::statements::Statement;
use super::table::{Index, Table};

/// How many tokens tell what a statement is.
const OPENING_TOKENS: usize = 24;

/// Databases that a server has for itself.
const OF_SERVER: [&str; 4] = ["information_schema", "mysql", "performance_schema", "sys"];

/// Character sets whose text is UTF-8.
const UTF8: [&str; 5] = ["utf8", "utf8mb3", "utf8mb4", "binary", "default"];

/// Modes in which quotes and backslashes mean something else.
const OTHER_MODES: [&str; 2] = ["NO_BACKSLASH_ESCAPES", "ANSI_QUOTES"];

/// One database of a dump.
#[derive(Debug, Default)]
pub(super) struct Database {
    pub(super) name: Option<String>,
    pub(super) tables: Vec<Table>,
    /// What is not taken over, in words.
    pub(super) left_out: Vec<String>,
}

/// What a dump defines.
#[derive(Debug)]
pub(super) struct Overview {
    pub(super) databases: Vec<Database>,
    pub(super) server: Option<String>,
    /// Whether it said that it is complete.
    pub(super) is_complete: bool,
    current: usize,
    /// The mode that was set last, if it is one of those that are not read.
    mode: Option<&'static str>,
}

impl Overview {
    pub(super) fn new(told: &Told) -> Self {
        let first = Database { name: told.database.clone(), ..Database::default() };
        Self { databases: vec![first], server: None, is_complete: false, current: 0, mode: None }
    }

    /// Takes what a statement says; an error where it cannot be read as it has to be.
    pub(super) fn read(&mut self, statement: &Statement) -> Result<(), String> {
        self.comments(&statement.text);
        let mut cursor = Cursor::first(&statement.text, OPENING_TOKENS);
        let holds_rows = cursor.sees(&["insert"]) || cursor.sees(&["replace"]);
        if let Some(mode) = self.mode
            && (holds_rows || cursor.sees(&["create", "table"]))
        {
            return Err(format!("it is written in the mode {mode}, which is not read"));
        }
        if holds_rows {
            return Ok(());
        }
        if let Some(name) = used(&mut cursor.clone()) {
            self.enter(&name);
        } else if cursor.takes(&["set", "names"]) {
            refuse_encoding(&mut cursor)?;
        } else if cursor.sees(&["set"]) {
            self.mode = mode(&mut cursor).unwrap_or(self.mode);
        } else if cursor.takes(&["create"]) {
            self.create(&statement.text, &mut cursor);
        } else if cursor.takes(&["alter", "table"]) {
            let mut whole = Cursor::new(&statement.text);
            whole.takes(&["alter", "table"]);
            if let Some((_, name)) = whole.qualified()
                && let Some(table) = self.table(&name)
            {
                table.alter(&mut whole);
            }
        } else if cursor.takes(&["drop", "table"]) || cursor.takes(&["drop", "view"]) {
            cursor.takes(&["if", "exists"]);
            if let Some((_, name)) = cursor.qualified() {
                self.database().tables.retain(|table| table.name != name);
            }
        } else if cursor.sees(&["delete"]) || cursor.sees(&["update"]) || cursor.sees(&["truncate"]) {
            return Err(
                "a statement changes rows after they were written, which is not carried out".to_owned()
            );
        }
        Ok(())
    }

    fn create(&mut self, text: &[u8], cursor: &mut Cursor<'_>) {
        if cursor.sees(&["table"])
            || cursor.sees(&["temporary", "table"])
            || cursor.sees(&["or", "replace", "table"])
        {
            let mut whole = Cursor::new(text);
            while !whole.takes(&["table"]) && whole.next().is_some() {}
            let from = whole.rest();
            match Table::read(&mut whole) {
                Some((_, table)) => {
                    let tables = &mut self.database().tables;
                    tables.retain(|known| known.name != table.name);
                    tables.push(table);
                }
                None => self.leave_out(format!("a table: {}", brief(&from))),
            }
            return;
        }
        if cursor.sees(&["database"]) || cursor.sees(&["schema"]) {
            return;
        }
        let is_unique = cursor.sees(&["unique"]);
        while !cursor.is_done() {
            let kinds = [
                "view",
                "trigger",
                "function",
                "procedure",
                "event",
                "sequence",
                "package",
                "index",
                "user",
                "role",
            ];
            if let Some(kind) = kinds.into_iter().find(|kind| cursor.takes(&[kind])) {
                cursor.takes(&["if", "not", "exists"]);
                let Some((_, name)) = cursor.qualified() else { return };
                if kind == "index" && self.index(&name, is_unique, text).is_some() {
                    return;
                }
                // Where a view is going to be, a table may have been made for it.
                if kind == "view" {
                    self.database().tables.retain(|table| table.name != name);
                }
                return self.leave_out(format!("{kind} {name}"));
            }
            cursor.next();
        }
        self.leave_out(brief(&Cursor::first(text, OPENING_TOKENS).rest()));
    }

    /// `CREATE INDEX name ON table (...)`.
    fn index(&mut self, name: &str, unique: bool, text: &[u8]) -> Option<()> {
        let mut cursor = Cursor::new(text);
        while !cursor.takes(&["on"]) {
            cursor.next()?;
        }
        let (_, table) = cursor.qualified()?;
        let columns = cursor.list()?.into_iter().map(|mut column| {
            let name = column.name()?;
            column.list();
            Some((name, column.takes(&["desc"])))
        });
        let columns = columns.collect::<Option<_>>()?;
        self.table(&table)?.indexes.push(Index { name: name.to_owned(), unique, columns });
        Some(())
    }

    fn table(&mut self, name: &str) -> Option<&mut Table> {
        self.database().tables.iter_mut().find(|table| table.name == name)
    }

    fn leave_out(&mut self, what: String) {
        let left_out = &mut self.database().left_out;
        if !left_out.contains(&what) {
            left_out.push(what);
        }
    }

    /// What follows is of a database.
    fn enter(&mut self, name: &str) {
        let known = self.databases.iter().position(|database| database.name.as_deref() == Some(name));
        self.current = known.unwrap_or_else(|| {
            self.databases.push(Database { name: Some(name.to_owned()), ..Database::default() });
            self.databases.len() - 1
        });
    }

    fn database(&mut self) -> &mut Database {
        // What was entered is there.
        let current = self.current.min(self.databases.len().saturating_sub(1));
        &mut self.databases[current]
    }

    /// Reads the comments that a statement begins with, line by line.
    fn comments(&mut self, text: &[u8]) {
        for line in text.split(|byte| *byte == b'\n') {
            let line = line.trim_ascii();
            if line.starts_with(b"-- Dump completed") {
                self.is_complete = true;
            } else if let Some(version) = line.strip_prefix(b"-- Server version") {
                self.server = Some(String::from_utf8_lossy(version).trim().to_owned());
            } else if !line.is_empty() && !line.starts_with(b"--") && !line.starts_with(b"/*M!9") {
                return;
            }
        }
    }

    /// The database that is meant: the one of a name, or the only one that holds something.
    pub(super) fn choose(self, wanted: Option<&str>) -> Result<Database, String> {
        let has_tables = |database: &&Database| !database.tables.is_empty();
        let names: Vec<String> =
            self.databases.iter().filter(has_tables).filter_map(|database| database.name.clone()).collect();
        let is_of_server = |database: &Database| {
            database
                .name
                .as_deref()
                .is_some_and(|name| OF_SERVER.iter().any(|own| own.eq_ignore_ascii_case(name)))
        };
        let is_meant = |database: &Database| match wanted {
            Some(wanted) => database.name.as_deref() == Some(wanted),
            None => !database.tables.is_empty() && !is_of_server(database),
        };
        let (mut meant, _): (Vec<Database>, Vec<Database>) = self.databases.into_iter().partition(is_meant);
        match (meant.len(), wanted) {
            (1, _) => Ok(meant.remove(0)),
            (0, None) => Ok(Database::default()),
            (0, Some(wanted)) => {
                let known =
                    if names.is_empty() { "one, without a name".to_owned() } else { names.join(", ") };
                Err(format!("holds no database {wanted}; there is {known}"))
            }
            _ => Err(format!(
                "holds several databases: name one of them with --database, or behind a #: {}",
                names.join(", ")
            )),
        }
    }
}

/// The database that `USE` names.
pub(super) fn used(cursor: &mut Cursor<'_>) -> Option<String> {
    if cursor.takes(&["use"]) { cursor.name() } else { None }
}

/// Refuses an encoding of text that is not read.
fn refuse_encoding(cursor: &mut Cursor<'_>) -> Result<(), String> {
    let charset = cursor.name().or_else(|| cursor.quoted()).unwrap_or_default().to_lowercase();
    match UTF8.contains(&charset.as_str()) || charset.is_empty() {
        true => Ok(()),
        false => Err(format!(
            "its text is in {charset}, and dumps in UTF-8 are read: make it with --default-character-set=utf8mb4"
        )),
    }
}

/// The mode in which what follows is not read, if a `SET` says one; nothing where it says nothing of modes.
fn mode(cursor: &mut Cursor<'_>) -> Option<Option<&'static str>> {
    while let Some(token) = cursor.next() {
        if !token.is("sql_mode") || !cursor.takes_symbol(b'=') {
            continue;
        }
        let modes = cursor.quoted().unwrap_or_default().to_ascii_uppercase();
        return Some(OTHER_MODES.into_iter().find(|mode| modes.contains(mode)));
    }
    None
}

fn brief(text: &str) -> String {
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
