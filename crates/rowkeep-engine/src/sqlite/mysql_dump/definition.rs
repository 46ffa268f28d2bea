//! What the statements of MySQL say of tables: columns, keys, references.

use super::cursor::Cursor;
use super::lexer::Token;
use super::table::{Index, Reference, Table};

/// Parts of a table that are not taken over.
const OTHER_PARTS: [&[&str]; 6] =
    [&["check"], &["fulltext"], &["spatial"], &["period", "for"], &["vector", "index"], &["vector", "key"]];

impl Table {
    /// Reads what follows `CREATE TABLE`; gives the database that it names too.
    pub(super) fn read(cursor: &mut Cursor<'_>) -> Option<(Option<String>, Self)> {
        cursor.takes(&["if", "not", "exists"]);
        let (database, name) = cursor.qualified()?;
        let mut table = Self { name, ..Self::default() };
        for part in cursor.list()? {
            table.part(part)?;
        }
        table.options(cursor)?;
        Some((database, table))
    }

    /// Takes what stands between two commas of a `CREATE TABLE`.
    fn part(&mut self, mut part: Cursor<'_>) -> Option<()> {
        if part.sees_quoted_name() || !self.key(&mut part) {
            return self.add_column(part);
        }
        Some(())
    }

    /// Takes a key, if it is one.
    pub(super) fn key(&mut self, part: &mut Cursor<'_>) -> bool {
        let whole = part.rest();
        let mut name = None;
        if part.takes(&["constraint"]) {
            let is_unnamed = ["primary", "unique", "foreign", "check"].iter().any(|word| part.sees(&[word]));
            name = if is_unnamed { None } else { part.name() };
        }
        if part.takes(&["primary", "key"]) {
            skip_method(part);
            if let Some(columns) = indexed(part) {
                self.primary = columns.into_iter().map(|(column, _)| column).collect();
            }
        } else if part.takes(&["foreign", "key"]) {
            if !part.sees_symbol(b'(') {
                part.name();
            }
            match reference(part) {
                Some(reference) => self.references.push(reference),
                None => self.left_out.push(whole),
            }
        } else if part.takes(&["unique"]) {
            let _ = part.takes(&["key"]) || part.takes(&["index"]);
            self.index(part, name, true, whole);
        } else if part.takes(&["key"]) || part.takes(&["index"]) {
            self.index(part, name, false, whole);
        } else if OTHER_PARTS.iter().any(|words| part.sees(words)) {
            self.left_out.push(whole);
        } else {
            return false;
        }
        true
    }

    fn index(&mut self, part: &mut Cursor<'_>, name: Option<String>, unique: bool, whole: String) {
        let is_named = !part.sees_symbol(b'(') && !part.sees(&["using"]);
        let name = if is_named { part.name() } else { name };
        skip_method(part);
        match indexed(part) {
            Some(columns) => {
                let name = name.or_else(|| columns.first().map(|(column, _)| column.clone()));
                self.indexes.push(Index { name: name.unwrap_or_default(), unique, columns });
            }
            None => self.left_out.push(whole),
        }
    }

    /// Takes what stands behind the columns; nothing where rows of other tables are asked for.
    fn options(&mut self, cursor: &mut Cursor<'_>) -> Option<()> {
        let (mut charset, mut collation) = (None, None);
        while !cursor.is_done() {
            if cursor.takes(&["auto_increment"]) {
                cursor.takes_symbol(b'=');
                self.next = counted(cursor);
            } else if cursor.takes(&["collate"]) {
                cursor.takes_symbol(b'=');
                collation = cursor.name();
            } else if cursor.takes(&["charset"]) || cursor.takes(&["character", "set"]) {
                cursor.takes_symbol(b'=');
                charset = cursor.name();
            } else if cursor.sees(&["partition", "by"]) {
                self.left_out.push("its partitions, whose rows are in one table".to_owned());
                break;
            } else if cursor.takes(&["with", "system", "versioning"]) {
                self.left_out.push("versions that the system keeps of its rows".to_owned());
            } else if ["select", "table", "values"].iter().any(|word| cursor.sees(&[word])) {
                return None;
            } else {
                cursor.next();
            }
        }
        self.charset = charset.clone();
        self.collation = collation.or(charset);
        Some(())
    }
}

/// The number behind `AUTO_INCREMENT`.
pub(super) fn counted(cursor: &mut Cursor<'_>) -> Option<u64> {
    match cursor.next()? {
        Token::Number(digits) => digits.parse().ok(),
        _ => None,
    }
}

fn skip_method(part: &mut Cursor<'_>) {
    if part.takes(&["using"]) {
        part.name();
    }
}

/// The columns of an index; nothing where one is an expression.
fn indexed(part: &mut Cursor<'_>) -> Option<Vec<(String, bool)>> {
    let column = |mut column: Cursor<'_>| {
        let name = column.name()?;
        column.list();
        Some((name, column.takes(&["desc"])))
    };
    part.list()?.into_iter().map(column).collect()
}

fn reference(part: &mut Cursor<'_>) -> Option<Reference> {
    let names = |part: &mut Cursor<'_>| -> Option<Vec<String>> {
        part.list()?.into_iter().map(|mut name| name.name()).collect()
    };
    let columns = names(part)?;
    if !part.takes(&["references"]) {
        return None;
    }
    let (database, table) = part.qualified()?;
    let referenced = names(part)?;
    let mut actions = String::new();
    while !part.is_done() {
        let on = ["delete", "update"].into_iter().find(|on| part.takes(&["on", on]));
        let Some(on) = on else {
            part.next();
            continue;
        };
        let known =
            [&["cascade"][..], &["restrict"], &["no", "action"], &["set", "null"], &["set", "default"]];
        if let Some(action) = known.into_iter().find(|action| part.takes(action)) {
            actions.push_str(&format!(" ON {on} {}", action.join(" ")).to_ascii_uppercase());
        }
    }
    // What refers to another database finds nothing here.
    database.is_none().then_some(Reference { columns, table, referenced, actions })
}
