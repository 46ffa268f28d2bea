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
            return Err(format!(
                "what ends this CREATE is damaged or missing, for another statement begins within it"
            ));
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
mod tests {
    use super::*;
    use crate::sqlite::mysql_dump::statements::Statements;

    const HEAD: &str =
        "-- MariaDB dump 10.19  Distrib 10.11.19-MariaDB, for x (y)\n--\n-- Host: h    Database: shop\n\n";
    const TABLE: &str = "CREATE TABLE t (id INT PRIMARY KEY, v TEXT) ENGINE=InnoDB DEFAULT CHARSET=latin1;\n";

    fn read(script: &str) -> Result<Overview, String> {
        let told = Told { database: Some("shop".to_owned()), ..Told::default() };
        let mut overview = Overview::new(&told);
        let mut statements = Statements::new(script.as_bytes());
        while let Some(statement) = statements.next().expect("it is whole") {
            overview.read(&statement).map_err(|what| format!("line {}: {what}", statement.code_line()))?;
        }
        Ok(overview)
    }

    #[test]
    fn what_is_not_surely_understood_is_refused_with_its_line() {
        let dump = format!("{HEAD}{TABLE}INSERT INTO t VALUES (1,'a');\n-- Dump completed\n");
        for (script, words) in [
            ("INSDRT INTO t VALUES (2,'b');", &["line 2", "INSDRT INTO t"][..]),
            (
                "mysqldump: Got errno 28 on write\nINSERT INTO t VALUES (2,'b');",
                &["line 2", "mysqldump: Got errno"],
            ),
            (
                "/*!40000 ALTER TABLE `t` DISABLE KEYS */{\nINSERT INTO t VALUES (2,'b');",
                &["line 2", "damaged"],
            ),
            ("UNLOCK TABLES{\nINSERT INTO t VALUES (2,'b');", &["line 2", "damaged"]),
            ("SET TIME_ZONE='+00:00'{\nCREATE TABLE u (a int);", &["line 2", "damaged"]),
            ("CREATE VIEW v AS SELECT 1{\nINSERT INTO t VALUES (2,'b');", &["line 2", "damaged"]),
            (
                "DELIMITER ;;\nCREATE TRIGGER a BEFORE INSERT ON t FOR EACH ROW BEGIN END */{;\nDELIMITER ;\nCREATE TABLE b (a \
                 int);;\nDELIMITER ;",
                &["line 3", "this trigger is damaged"],
            ),
            ("LOAD DATA INFILE '/x' INTO TABLE t;", &["line 2", "changes rows"]),
            ("START TRANSACTION;\nROLLBACK;", &["line 3", "changes rows"]),
            ("RENAME TABLE t TO u;", &["line 2", "changes rows"]),
            ("CALL fill();", &["line 2", "changes rows"]),
            ("CREATE TABLE u (a int) ENGINE=InnoDB SELECT 1 AS a;", &["line 2", "table u"]),
            ("CREATE TABLE u LIKE t;", &["line 2", "table u"]),
            ("CREATE TEMPORARY TABLE u (a int);", &["line 2", "CREATE TEMPORARY"]),
            ("ALTER TABLE t CHANGE v w text, DROP COLUMN id;", &["line 2", "CHANGE v w text"]),
            ("ALTER TABLE u ADD KEY (a);", &["line 2", "u is of a table that is not defined"]),
            ("CREATE TABLE t (a int);", &["line 2", "second time"]),
            ("INSERT INTO t VALUES (1,'a');\nDROP TABLE IF EXISTS u, t;", &["line 3", "dropped after rows"]),
            ("INSERT INTO t VALUES (1,'a');\nDROP DATABASE shop;", &["line 3", "DROP DATABASE"]),
            ("SET sql_mode='ANSI';\nDROP TABLE IF EXISTS \"u\";", &["line 3", "mode ANSI"]),
            (
                "SET sql_mode='NO_BACKSLASH_ESCAPES';\nINSERT INTO t VALUES (1,'\\');",
                &["line 3", "NO_BACKSLASH"],
            ),
            ("SET character_set_client = latin1;\nINSERT INTO t VALUES (1,'a');", &["line 3", "latin1"]),
            (
                "SET NAMES binary;\nCREATE TABLE u (v text) CHARSET=latin1;",
                &["line 3", "column v", "utf8mb4"],
            ),
            (
                "SET @old=@@session.system_versioning_insert_history, @@session.system_versioning_insert_history=1;",
                &["line 2", "--dump-history"],
            ),
            (&dump, &["line 6", "second time"]),
        ] {
            let refused = read(&format!("{TABLE}{script}\n")).err().unwrap_or_default();
            assert!(words.iter().all(|word| refused.contains(word)), "{script}: {refused}");
        }
        // Behind a whole dump nothing is, and none begins within another.
        for (first, second) in
            [(dump.as_str(), dump.as_str()), (HEAD, dump.as_str()), (dump.as_str(), "SELECT 1;\n")]
        {
            let refused = read(&format!("{first}SET x=1;\n{second}")).err().unwrap_or_default();
            assert!(refused.contains("another dump follows"), "{refused}");
        }
        assert!(read(&dump).is_ok_and(|overview| overview.is_complete));
    }

    #[test]
    fn rows_and_tables_are_of_the_database_that_they_name() {
        let script = format!(
            "{TABLE}CREATE TABLE `other`.`t` (id int, w int);\nINSERT INTO other.t VALUES (7,7);\nINSERT INTO t VALUES (1,'a');\nUSE \
             `third`;\n"
        );
        let overview = read(&script).expect("it is read");
        assert_eq!(overview.undefined, None);
        let found: Vec<_> = overview
            .databases
            .iter()
            .map(|it| (it.name.as_deref(), it.tables.len(), it.filled.len()))
            .collect();
        assert_eq!(found, [(Some("shop"), 1, 1), (Some("other"), 1, 1), (Some("third"), 0, 0)]);
        let overview = read(&format!("{script}-- rows of y\nINSERT INTO y VALUES (1);")).expect("it is read");
        assert_eq!(overview.undefined, Some((7, "y".to_owned())));
        // What stands where a view is going to be is no table.
        let overview = read(
            "CREATE TABLE v (a int);\nCREATE ALGORITHM=UNDEFINED DEFINER=`a`@`b` SQL SECURITY DEFINER VIEW v AS SELECT 1;",
        );
        let databases = overview.expect("it is read").databases;
        assert_eq!(
            (databases[0].tables.len(), databases[0].left_out.as_slice()),
            (0, &["view v".to_owned()][..])
        );
    }
}
