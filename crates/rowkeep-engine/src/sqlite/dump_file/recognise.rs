//! What a script of SQLite looks like.

use std::sync::Arc;

use super::run::run;
use crate::file_source::{About, FileOptions, Format, Head, Source};
use crate::sqlite::schema::ddl;
use crate::{EngineError, View};

/// Scripts of `sqlite3 .dump`, of `wrangler d1 export`, and others of `CREATE TABLE` and `INSERT`.
pub(crate) struct SqliteScript;

/// The keywords that a script begins with.
const FIRST: [&str; 6] = ["pragma", "begin", "create", "insert", "drop", "delete"];

/// What dumps of other databases say at their head.
const OTHERS: [&str; 4] = ["PostgreSQL database", "MySQL dump", "MariaDB dump", "phpMyAdmin SQL Dump"];

impl Format for SqliteScript {
    fn recognise(&self, head: &Head<'_>) -> Option<About> {
        if head.is_folder || head.bytes.contains(&0) {
            return None;
        }
        let text = String::from_utf8_lossy(head.bytes);
        let text = text.trim_start_matches('\u{feff}');
        let code = after_comments(text);
        let comments = &text[..text.len() - code.len()];
        if OTHERS.iter().any(|other| comments.contains(other)) {
            return None;
        }
        let word: String = code.chars().take_while(char::is_ascii_alphabetic).collect();
        if !FIRST.contains(&word.to_ascii_lowercase().as_str()) {
            return None;
        }
        let what = if code.starts_with("PRAGMA defer_foreign_keys=TRUE") {
            "an export of D1"
        } else if code.starts_with("PRAGMA foreign_keys=OFF") {
            "a dump of sqlite3"
        } else {
            "a script of SQL for SQLite"
        };
        let written_by = if what == "an export of D1" { Some("wrangler d1 export".to_owned()) } else { None };
        Some(About { engine: ddl::ENGINE, what: what.to_owned(), written_by, database: None, time: None })
    }

    fn open(
        &self,
        file: &Source,
        _about: &About,
        options: &FileOptions,
    ) -> Result<Arc<dyn View>, EngineError> {
        options.refuse_another(file, None)?;
        let (scratch, said) = run(file, options)?;
        scratch.into_view(options, said)
    }
}

/// What follows the comments that a text begins with.
fn after_comments(text: &str) -> &str {
    let mut rest = text.trim_start();
    loop {
        let after = if rest.starts_with("--") {
            rest.find('\n')
        } else if rest.starts_with("/*") {
            rest.find("*/").map(|at| at + 2)
        } else {
            return rest;
        };
        rest = rest[after.unwrap_or(rest.len())..].trim_start();
    }
}
