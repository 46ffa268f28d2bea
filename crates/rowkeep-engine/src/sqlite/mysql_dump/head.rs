//! What a dump of MySQL or MariaDB says of itself before its statements.

/// How many lines are looked at for what a dump says of itself.
const HEAD_LINES: usize = 40;

/// What a dump says of itself before its statements.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    /// What it is, for people.
    pub(super) what: &'static str,
    pub(super) written_by: Option<String>,
    pub(super) database: Option<String>,
    /// Whether it says at its end that it is complete.
    pub(super) has_end: bool,
    /// Whether it is in UTF-16, as a shell of Windows writes what programs print.
    pub(super) is_utf16: bool,
}

/// What the first lines of dumps begin with.
const BEGINNINGS: [&str; 3] = ["-- MariaDB dump ", "-- MySQL dump ", "-- phpMyAdmin SQL Dump"];

/// What no other dialect has outside of texts and comments, in lower case with single blanks.
const MARKS: [&str; 4] = [") engine=", ") engine =", ")engine=", ")engine ="];

/// What comments begin with that are code for servers.
const CODE_COMMENTS: [&str; 2] = ["/*!40", "/*!50"];

/// Whether a line says that a dump begins.
pub(super) fn begins_dump(line: &[u8]) -> bool {
    BEGINNINGS.iter().any(|beginning| line.starts_with(beginning.as_bytes()))
}

/// What the head of a file tells; nothing where it is no such dump.
pub(super) fn told(head: &[u8]) -> Option<Told> {
    if let Some(text) = utf16(head) {
        return of_text(&text).map(|told| Told { is_utf16: true, ..told });
    }
    let text = String::from_utf8_lossy(head);
    of_text(text.strip_prefix('\u{feff}').unwrap_or(&text))
}

/// A text in UTF-16 that begins with the mark of its order of bytes.
fn utf16(bytes: &[u8]) -> Option<String> {
    let order = match bytes {
        [0xff, 0xfe, ..] => u16::from_le_bytes,
        [0xfe, 0xff, ..] => u16::from_be_bytes,
        _ => return None,
    };
    let units: Vec<u16> = bytes[2..].chunks_exact(2).map(|pair| order([pair[0], pair[1]])).collect();
    Some(String::from_utf16_lossy(&units))
}

fn of_text(text: &str) -> Option<Told> {
    let lines = || text.lines().take(HEAD_LINES).map(str::trim_end);
    let after = |prefix: &str| lines().find_map(|line| line.strip_prefix(prefix));
    // `10.13  Distrib 8.0.36, for Linux (x86_64)`, and without the middle of late
    let version = |line: &str| {
        let line = line.split_once("Distrib ").map_or(line, |(_, version)| version);
        line.split([',', ' ']).next().unwrap_or_default().to_owned()
    };
    let database = after("-- Host: ")
        .and_then(|line| line.split_once("Database: "))
        .map(|(_, name)| name.trim().to_owned())
        .filter(|name| !name.is_empty());
    if let Some(line) = after("-- MariaDB dump ") {
        let written_by = Some(format!("mariadb-dump {}", version(line)));
        return Some(Told {
            what: "a dump of MariaDB",
            written_by,
            database,
            has_end: true,
            is_utf16: false,
        });
    }
    if let Some(line) = after("-- MySQL dump ") {
        let written_by = Some(format!("mysqldump {}", version(line)));
        return Some(Told { what: "a dump of MySQL", written_by, database, has_end: true, is_utf16: false });
    }
    if lines().any(|line| line == "-- phpMyAdmin SQL Dump") {
        let version = after("-- version ").map(|version| format!("phpMyAdmin {version}"));
        let database = after("-- Database: ").map(|name| name.trim().trim_matches('`').to_owned());
        return Some(Told { what: "a dump of phpMyAdmin", written_by: version, database, ..Told::default() });
    }
    if text.contains('\0')
        || text.trim_start().get(..6).is_some_and(|word| word.eq_ignore_ascii_case("pragma"))
    {
        return None;
    }
    // In other dialects backslashes are plain, so that texts may end elsewhere.
    let is_dialect = has_mark(text, true) && has_mark(text, false);
    is_dialect.then_some(Told { what: "a script of SQL for MySQL", ..Told::default() })
}

/// Whether a text has a mark of MySQL's dialect outside of texts and comments.
fn has_mark(text: &str, escapes: bool) -> bool {
    let line = |rest: &str| rest.find('\n').unwrap_or(rest.len());
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let skipped = match first {
            '\'' | '"' => quoted_length(rest, escapes),
            '`' => quoted_length(rest, false),
            '#' => line(rest),
            '-' if rest.starts_with("--") => line(rest),
            '/' if CODE_COMMENTS.iter().any(|comment| rest.starts_with(comment)) => return true,
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            _ => 0,
        };
        if skipped == 0 {
            code.push(first.to_ascii_lowercase());
            rest = &rest[first.len_utf8()..];
        } else {
            code.push(' ');
            rest = &rest[skipped..];
        }
    }
    let code = code.split_whitespace().collect::<Vec<_>>().join(" ");
    MARKS.iter().any(|mark| code.contains(mark))
}

/// How long a text is with the quotes around it.
fn quoted_length(text: &str, escapes: bool) -> usize {
    let bytes = text.as_bytes();
    let quote = bytes.first().copied();
    let mut at = 1;
    while let Some(byte) = bytes.get(at).copied() {
        if Some(byte) == quote {
            return at + 1;
        }
        at += if escapes && byte == b'\\' { 2 } else { 1 };
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dumps_are_known_by_what_they_say_or_how_they_look() {
        let text = "/*M!999999\\- enable the sandbox mode */ \n-- MariaDB dump 10.19  Distrib 10.11.19-MariaDB, for debian-linux-gnu \
                    (x86_64)\n--\n-- Host: localhost    Database: shop\n";
        let found = told(text.as_bytes()).expect("it is known");
        assert_eq!(
            (found.written_by.as_deref(), found.database.as_deref()),
            (Some("mariadb-dump 10.11.19-MariaDB"), Some("shop"))
        );
        let found =
            told(b"-- MySQL dump 10.13  Distrib 8.0.36, for Linux (x86_64)\n--\n-- Host: db    Database: \n");
        let found = found.expect("it is known");
        assert_eq!((found.written_by.as_deref(), found.database), (Some("mysqldump 8.0.36"), None));
        let found = told(b"-- phpMyAdmin SQL Dump\n-- version 5.2.1\n-- https://www.phpmyadmin.net/\n--\n-- Database: `shop`\n");
        let found = found.expect("it is known");
        assert_eq!(
            (found.written_by.as_deref(), found.database.as_deref()),
            (Some("phpMyAdmin 5.2.1"), Some("shop"))
        );
        for script in [
            "CREATE TABLE `t` (\n  `a` int\n) ENGINE=InnoDB;\n",
            "CREATE TABLE t (id SERIAL PRIMARY KEY)\nENGINE = InnoDB;",
            "CREATE TABLE `t` (a INT) ENGINE=InnoDB;\nINSERT INTO t VALUES ('it\\'s');\nDELIMITER $$",
            "-- made by hand\n/*!40101 SET NAMES utf8 */;",
        ] {
            assert!(told(script.as_bytes()).is_some(), "{script}");
        }
        let text = "-- MySQL dump 10.13  Distrib 8.0.36, for Win64 (x86_64)\n";
        assert!(
            told(format!("\u{feff}{text}").as_bytes()).is_some_and(|told| told.has_end && !told.is_utf16)
        );
        let wide: Vec<u8> = format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert!(told(&wide).is_some_and(|told| told.has_end && told.is_utf16));
        for other in [
            "CREATE TABLE `t` (`a` int);\nINSERT INTO `t` VALUES (1);",
            "PRAGMA foreign_keys=OFF;\nINSERT INTO t VALUES('\n) ENGINE=InnoDB');",
            "--\n-- PostgreSQL database dump\n--",
            "CREATE TABLE n(v TEXT);\nINSERT INTO n VALUES('C:\\new'),('x\n) ENGINE=InnoDB');\n",
            "CREATE TABLE n(v TEXT);\nINSERT INTO n VALUES('C:\\'),('x\n) ENGINE=InnoDB');\n",
            "CREATE TABLE n(v TEXT); /* as\n) ENGINE=InnoDB */ -- ) engine=x\n",
        ] {
            assert_eq!(told(other.as_bytes()), None, "{other}");
        }
    }
}
