//! What a schema has beside tables: named in notes, for nothing of another engine stands for it.

use rowkeep_format::TableName;

use super::reading::Reading;
use crate::outline::note::{Note, NoteKind};
use crate::outline::tables::one_line;
use crate::postgres::schema::classify::brief;
use crate::postgres::schema::cursor::Cursor;

/// Things that have a name, by the words that make them.
const NAMED: [(&[&str], NoteKind, &str); 24] = [
    (&["view"], NoteKind::View, "view"),
    (&["materialized", "view"], NoteKind::View, "materialized view"),
    (&["function"], NoteKind::Program, "function"),
    (&["procedure"], NoteKind::Program, "procedure"),
    (&["aggregate"], NoteKind::Program, "aggregate"),
    (&["extension", "if", "not", "exists"], NoteKind::Program, "extension"),
    (&["extension"], NoteKind::Program, "extension"),
    (&["operator", "class"], NoteKind::Program, "operator class"),
    (&["operator", "family"], NoteKind::Program, "operator family"),
    (&["collation"], NoteKind::Collation, "collation"),
    (&["foreign", "table"], NoteKind::Table, "foreign table"),
    (&["event", "trigger"], NoteKind::Trigger, "event trigger"),
    (&["publication"], NoteKind::Program, "publication"),
    (&["subscription"], NoteKind::Program, "subscription"),
    (&["server"], NoteKind::Program, "server"),
    (&["foreign", "data", "wrapper"], NoteKind::Program, "foreign data wrapper"),
    (&["statistics"], NoteKind::Other, "statistics"),
    (&["text", "search", "configuration"], NoteKind::Program, "text search configuration"),
    (&["text", "search", "dictionary"], NoteKind::Program, "text search dictionary"),
    (&["text", "search", "parser"], NoteKind::Program, "text search parser"),
    (&["text", "search", "template"], NoteKind::Program, "text search template"),
    (&["language"], NoteKind::Program, "language"),
    (&["access", "method"], NoteKind::Program, "access method"),
    (&["conversion"], NoteKind::Program, "conversion"),
];

/// Statements that change nothing of what rows are.
const SILENT: [&[&str]; 8] = [
    &["set"],
    &["select"],
    &["create", "schema"],
    &["create", "type"],
    &["alter", "sequence"],
    &["alter", "index"],
    &["reset"],
    &["alter", "schema"],
];

/// Notes a statement that a translation does not go by.
pub(super) fn note(statement: &str, reading: &mut Reading<'_>) {
    let mut cursor = Cursor::new(statement);
    if SILENT.iter().any(|words| cursor.sees(words)) || is_owner(statement) {
        return;
    }
    let counted = [
        (&["comment"][..], "comments"),
        (&["grant"], "roles and privileges"),
        (&["revoke"], "roles and privileges"),
        (&["alter", "default", "privileges"], "roles and privileges"),
        (&["security", "label"], "security labels"),
    ];
    if let Some((_, what)) = counted.iter().find(|(words, _)| cursor.sees(words)) {
        *reading.counted.entry(what).or_default() += 1;
        return;
    }
    if cursor.takes(&["alter", "table"]) {
        cursor.takes(&["only"]);
        if let Some(table) = cursor.qualified() {
            altered(&table, &mut cursor, reading);
        }
        return;
    }
    reading.notes.push(made(statement, &mut cursor));
}

fn is_owner(statement: &str) -> bool {
    let words: Vec<&str> = statement.trim_end_matches(';').split_whitespace().collect();
    words.len() > 3 && words[words.len() - 3..words.len() - 1] == ["OWNER", "TO"]
}

fn altered(table: &TableName, cursor: &mut Cursor<'_>, reading: &mut Reading<'_>) {
    let silent = [
        &["attach", "partition"][..],
        &["replica", "identity"],
        &["cluster", "on"],
        &["set"],
        &["enable", "trigger"],
        &["inherit"],
        &["alter", "column"],
    ];
    if silent.iter().any(|words| cursor.sees(words)) {
        return;
    }
    let what = one_line(cursor.clone().until(|_| false));
    let kind = if cursor.takes(&["add", "constraint"]) {
        cursor.name();
        if cursor.sees(&["check"]) { NoteKind::Check } else { NoteKind::Index }
    } else if what.to_ascii_uppercase().contains("ROW LEVEL SECURITY") {
        NoteKind::Privilege
    } else {
        NoteKind::Other
    };
    reading.notes.push(Note::of_table(table, kind, format!("{what} is left out")));
}

/// A note of something that is made.
fn made(statement: &str, cursor: &mut Cursor<'_>) -> Note {
    let begins_making = cursor.takes(&["create"]);
    cursor.takes(&["or", "replace"]);
    if begins_making {
        if cursor.sees(&["index"]) || cursor.sees(&["unique", "index"]) {
            return of_table_after(statement, "on", NoteKind::Index);
        }
        if cursor.sees(&["trigger"]) || cursor.sees(&["constraint", "trigger"]) {
            return of_table_after(statement, "on", NoteKind::Trigger);
        }
        if cursor.sees(&["rule"]) {
            return of_table_after(statement, "to", NoteKind::Trigger);
        }
        if cursor.sees(&["policy"]) {
            return of_table_after(statement, "on", NoteKind::Privilege);
        }
        for (words, kind, what) in NAMED {
            if cursor.takes(words) {
                let name = cursor.qualified().map(|name| name.to_string()).unwrap_or_default();
                return Note::new(kind, format!("{what} {name} is left out"));
            }
        }
    }
    Note::new(NoteKind::Other, format!("left out: {}", brief(statement)))
}

/// A note of something that belongs to the table that is named after a word.
fn of_table_after(statement: &str, word: &str, kind: NoteKind) -> Note {
    let mut cursor = Cursor::new(statement);
    let detail = format!("left out: {}", brief(statement));
    cursor.until(|cursor| cursor.sees(&[word]));
    cursor.takes(&[word]);
    cursor.takes(&["only"]);
    match cursor.qualified() {
        Some(table) => Note::of_table(&table, kind, detail),
        None => Note::new(kind, detail),
    }
}
