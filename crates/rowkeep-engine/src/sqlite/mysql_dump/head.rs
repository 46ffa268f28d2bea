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
}

/// What the head of a file tells; nothing where it is no such dump.
pub(super) fn told(head: &[u8]) -> Option<Told> {
    let text = String::from_utf8_lossy(head);
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
        return Some(Told { what: "a dump of MariaDB", written_by, database, has_end: true });
    }
    if let Some(line) = after("-- MySQL dump ") {
        let written_by = Some(format!("mysqldump {}", version(line)));
        return Some(Told { what: "a dump of MySQL", written_by, database, has_end: true });
    }
    if lines().any(|line| line == "-- phpMyAdmin SQL Dump") {
        let version = after("-- version ").map(|version| format!("phpMyAdmin {version}"));
        let database = after("-- Database: ").map(|name| name.trim().trim_matches('`').to_owned());
        return Some(Told { what: "a dump of phpMyAdmin", written_by: version, database, has_end: false });
    }
    if text.contains('\0')
        || text.trim_start().get(..6).is_some_and(|word| word.eq_ignore_ascii_case("pragma"))
    {
        return None;
    }
    // What no other dialect has at the beginning of a line.
    let mut all = text.lines().map(str::trim_start);
    let is_dialect = all.any(|line| {
        let begins =
            |prefix: &str| line.get(..prefix.len()).is_some_and(|word| word.eq_ignore_ascii_case(prefix));
        line.starts_with("/*!40") || line.starts_with("/*!50") || begins(") engine=") || begins(") engine =")
    });
    is_dialect.then_some(Told { what: "a script of SQL for MySQL", ..Told::default() })
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
        assert!(told(b"CREATE TABLE `t` (\n  `a` int\n) ENGINE=InnoDB;\n").is_some());
        for other in [
            "CREATE TABLE `t` (`a` int);\nINSERT INTO `t` VALUES (1);",
            "PRAGMA foreign_keys=OFF;\nINSERT INTO t VALUES('\n) ENGINE=InnoDB');",
            "--\n-- PostgreSQL database dump\n--",
        ] {
            assert_eq!(told(other.as_bytes()), None, "{other}");
        }
    }
}
