//! Statements that are known to change nothing of what a state has, and those that are known to change it.

use super::cursor::Cursor;
use super::lexer::{Lexer, Token};

/// What to do with what is not read.
pub(super) const USE_SERVER: &str = "load the file into a server, and make a dump of that";

/// Statements that change no rows or tables, and stand alone.
const ALONE: [&[&str]; 9] = [
    &["unlock", "tables"],
    &["unlock", "table"],
    &["commit"],
    &["commit", "work"],
    &["begin"],
    &["begin", "work"],
    &["start", "transaction"],
    &["start", "transaction", "with", "consistent", "snapshot"],
    &["show", "warnings"],
];

/// How statements begin that change no rows or tables.
const HARMLESS: [&[&str]; 24] = [
    &["set"],
    &["use"],
    &["lock", "tables"],
    &["lock", "table"],
    &["flush"],
    &["grant"],
    &["revoke"],
    &["analyze"],
    &["optimize"],
    &["install"],
    &["start", "slave"],
    &["start", "replica"],
    &["stop", "slave"],
    &["stop", "replica"],
    &["stop", "all", "slaves"],
    &["start", "all", "slaves"],
    &["change", "master"],
    &["change", "replication"],
    &["do", "setval"],
    &["select", "setval"],
    &["alter", "database"],
    &["alter", "schema"],
    &["alter", "user"],
    &["alter", "sequence"],
];

/// Kinds of what can be taken away without harm to tables.
const DROPPED: [&str; 11] = [
    "view",
    "trigger",
    "function",
    "procedure",
    "event",
    "sequence",
    "package",
    "user",
    "role",
    "server",
    "prepare",
];

/// How statements begin that change rows or tables and are not carried out.
const CHANGES: [&str; 10] =
    ["delete", "update", "truncate", "load", "rename", "call", "rollback", "drop", "alter", "execute"];

/// What begins a statement, and so stands within no other but the text of a routine.
const BEGINNINGS: [&[&str]; 9] = [
    &["insert", "into"],
    &["insert", "ignore", "into"],
    &["replace", "into"],
    &["create", "table"],
    &["drop", "table"],
    &["alter", "table"],
    &["unlock", "tables"],
    &["set", "names"],
    &["start", "transaction"],
];

/// Whether a statement changes nothing of what a state has.
pub(super) fn is_harmless(cursor: &Cursor<'_>) -> bool {
    let is_alone = ALONE.iter().any(|words| {
        let mut rest = cursor.clone();
        rest.takes(words) && rest.is_done()
    });
    // A text that is shown while a script runs.
    let shows = {
        let mut rest = cursor.clone();
        rest.takes(&["select"]) && matches!(rest.peek(), Some(Token::Text(_)))
    };
    let drops = DROPPED.iter().any(|kind| {
        let mut rest = cursor.clone();
        rest.takes(&["drop"]) && rest.takes(&[kind])
    });
    is_alone || shows || drops || HARMLESS.iter().any(|words| cursor.sees(words))
}

/// What to say of a statement that is not known.
pub(super) fn refusal(cursor: &Cursor<'_>) -> String {
    match CHANGES.iter().any(|word| cursor.sees(&[word])) {
        true => format!(
            "{} changes rows or tables after they were written, which is not carried out: {USE_SERVER}",
            brief(&cursor.rest())
        ),
        false => format!(
            "{} is no statement that is known here, so what it does to rows is not known either: {USE_SERVER}, or take out what is \
             no SQL",
            brief(&cursor.rest())
        ),
    }
}

/// Whether another statement begins within one that is no routine, because what ended it is damaged.
pub(super) fn swallows(text: &[u8]) -> bool {
    let mut lexer = Lexer::new(text);
    lexer.next();
    let mut last: Vec<Token<'_>> = Vec::new();
    while let Some(token) = lexer.next() {
        if last.len() == 3 {
            last.remove(0);
        }
        last.push(token);
        let is_beginning = |words: &&[&str]| {
            last.len() >= words.len()
                && last[last.len() - words.len()..]
                    .iter()
                    .zip(words.iter())
                    .all(|(token, word)| token.is(word))
        };
        if BEGINNINGS.iter().any(is_beginning) {
            return true;
        }
    }
    false
}

/// Whether a line of a routine sets another delimiter, so that what ended the routine is damaged.
pub(super) fn has_delimiter_line(text: &[u8]) -> bool {
    const WORD: &[u8] = b"delimiter";
    text.split(|byte| *byte == b'\n').skip(1).any(|line| {
        let line = line.trim_ascii_start();
        line.get(..WORD.len()).is_some_and(|word| word.eq_ignore_ascii_case(WORD))
            && line.get(WORD.len()).is_none_or(u8::is_ascii_whitespace)
    })
}

/// The beginning of a text, for people.
pub(super) fn brief(text: &str) -> String {
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_statement_does_is_known_or_refused() {
        for sql in [
            "UNLOCK TABLES",
            "/*!40103 SET TIME_ZONE='+00:00' */",
            "LOCK TABLES `a` WRITE, b READ",
            "START TRANSACTION",
            "DROP VIEW IF EXISTS v",
            "DO SETVAL(`sq`, 5, 0)",
            "SELECT 'loading' AS ''",
        ] {
            assert!(is_harmless(&Cursor::new(sql.as_bytes())) && !swallows(sql.as_bytes()), "{sql}");
        }
        for (sql, words) in [
            ("UNLOCK TABLES{ INSERT INTO t VALUES (1)", "is no statement that is known"),
            ("COMMIT AND CHAIN", "is no statement that is known"),
            ("SELECT fill()", "is no statement that is known"),
            ("INSDRT INTO t VALUES (1)", "INSDRT INTO t"),
            ("mysqldump: [Warning] a password", "mysqldump: [Warning]"),
            ("\\. more.sql", "is no statement that is known"),
            ("LOAD DATA INFILE 'x' INTO TABLE t", "changes rows"),
            ("rollback", "changes rows"),
            ("RENAME TABLE a TO b", "changes rows"),
            ("CALL fill()", "changes rows"),
            ("DROP INDEX a ON b", "changes rows"),
        ] {
            let cursor = Cursor::new(sql.as_bytes());
            assert!(!is_harmless(&cursor) && refusal(&cursor).contains(words), "{sql}: {}", refusal(&cursor));
        }
        assert!(
            swallows(b"SET a=1 {\nINSERT INTO t VALUES (1)") && swallows(b"USE a{ CREATE TABLE t (a int)")
        );
        assert!(
            !swallows(b"SET a='INSERT INTO t'") && !swallows(b"CREATE VIEW v AS SELECT replace(a, 'b', 'c')")
        );
        assert!(has_delimiter_line(b"CREATE TRIGGER a\nEND */{;\n delimiter ;\nINSERT"));
        assert!(!has_delimiter_line(b"CREATE TRIGGER a\nSET delimiters = 1"));
    }
}
