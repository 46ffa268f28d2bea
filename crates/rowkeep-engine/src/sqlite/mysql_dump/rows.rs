//! The rows of a dump, into tables that are there.

use std::collections::HashMap;

use rusqlite::Connection;

use super::lexer::{Lexer, Token};
use super::literals::{Literal, Stored, literal, stored};
use super::table::Table;
use super::types::Kind;
use crate::sqlite::connect::error::words;
use crate::sqlite::connect::raw_statement::Statement;
use crate::sqlite::quote::quoted;

/// Puts rows into tables.
pub(super) struct Rows<'c> {
    connection: &'c Connection,
    tables: &'c [Table],
    /// What adds a row, by how its statement begins.
    known: HashMap<Vec<u8>, Insert<'c>>,
}

/// What adds rows of one form.
struct Insert<'c> {
    /// Of each value what it is kept as; nothing for those that are not kept.
    kinds: Vec<Option<Kind>>,
    statement: Statement<'c>,
}

/// What is wrong with a statement.
pub(super) struct Wrong {
    /// The table that it was to fill, as far as it is known.
    pub(super) table: Option<String>,
    pub(super) what: String,
}

impl<'c> Rows<'c> {
    pub(super) fn new(connection: &'c Connection, tables: &'c [Table]) -> Self {
        Self { connection, tables, known: HashMap::new() }
    }

    /// Carries a statement out, if it adds rows; gives the table that it fills.
    pub(super) fn take(&mut self, text: &[u8]) -> Result<Option<String>, Wrong> {
        let mut lexer = Lexer::new(text);
        let first = lexer.next();
        let is_insert = first.as_ref().is_some_and(|first| first.is("insert"));
        let is_replace = first.as_ref().is_some_and(|first| first.is("replace"));
        if !is_insert && !is_replace {
            return Ok(None);
        }
        let wrong = |table: Option<&Table>, what: &str| Wrong {
            table: table.map(|table| table.name.clone()),
            what: what.to_owned(),
        };
        let Some(opening) = opening(&mut lexer) else {
            return Err(wrong(None, "an INSERT has no values"));
        };
        let table = self.tables.iter().find(|table| table.name == opening.table);
        let table = table.ok_or_else(|| Wrong {
            table: None,
            what: format!("rows of table {}, which is not defined", opening.table),
        })?;
        let begins = text[..lexer.at()].to_vec();
        let insert = match self.known.entry(begins) {
            std::collections::hash_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::hash_map::Entry::Vacant(free) => {
                let verb = match (is_replace, opening.ignores) {
                    (true, _) => "INSERT OR REPLACE",
                    (false, true) => "INSERT OR IGNORE",
                    (false, false) => "INSERT",
                };
                let made = prepare(self.connection, table, opening.columns.as_deref(), verb);
                free.insert(made.map_err(|what| wrong(Some(table), &what))?)
            }
        };
        rows(&mut lexer, insert).map_err(|what| wrong(Some(table), &what))?;
        Ok(Some(table.name.clone()))
    }
}

/// What a statement begins with.
struct Opening {
    table: String,
    columns: Option<Vec<String>>,
    ignores: bool,
}

/// Reads up to the first row.
fn opening(lexer: &mut Lexer<'_>) -> Option<Opening> {
    let mut ignores = false;
    let mut token = lexer.next()?;
    loop {
        let is_modifier = ["low_priority", "delayed", "high_priority", "ignore", "into"]
            .into_iter()
            .any(|word| token.is(word));
        if !is_modifier {
            break;
        }
        ignores |= token.is("ignore");
        token = lexer.next()?;
    }
    let mut table = name(token)?;
    let mut token = lexer.next()?;
    if token == Token::Symbol(b'.') {
        table = name(lexer.next()?)?;
        token = lexer.next()?;
    }
    let mut columns = None;
    if token == Token::Symbol(b'(') {
        let mut names = Vec::new();
        loop {
            match lexer.next()? {
                Token::Symbol(b',') => {}
                Token::Symbol(b')') => break,
                other => names.push(name(other)?),
            }
        }
        columns = Some(names);
        token = lexer.next()?;
    }
    (token.is("values") || token.is("value")).then_some(Opening { table, columns, ignores })
}

fn name(token: Token<'_>) -> Option<String> {
    match token {
        Token::Word(word) => Some(word.to_owned()),
        Token::Name(name) => Some(name),
        _ => None,
    }
}

fn prepare<'c>(
    connection: &'c Connection,
    table: &Table,
    columns: Option<&[String]>,
    verb: &str,
) -> Result<Insert<'c>, String> {
    let all: Vec<String> = table.columns.iter().map(|column| column.name.clone()).collect();
    let (mut names, mut kinds) = (Vec::new(), Vec::new());
    for name in columns.unwrap_or(&all) {
        let column = table
            .column(name)
            .ok_or_else(|| format!("an INSERT names column {name}, which its table has not"))?;
        let is_kept = column.generated.is_none();
        kinds.push(is_kept.then_some(column.of.kind));
        if is_kept {
            names.push(quoted(&column.name));
        }
    }
    let sql = match names.is_empty() {
        true => format!("{verb} INTO {} DEFAULT VALUES", quoted(&table.name)),
        false => {
            let slots = vec!["?"; names.len()].join(", ");
            format!("{verb} INTO {} ({}) VALUES ({slots})", quoted(&table.name), names.join(", "))
        }
    };
    let statement = Statement::prepare(connection, &sql).map_err(|error| words(&error))?;
    Ok(Insert { kinds, statement })
}

/// Reads the rows of a statement, and adds them.
fn rows(lexer: &mut Lexer<'_>, insert: &mut Insert<'_>) -> Result<(), String> {
    const COUNT: &str = "a row has another number of values than columns";
    let mut number = 0u64;
    loop {
        number += 1;
        let at = |what: &str| format!("row {number} of the statement: {what}");
        if lexer.next() != Some(Token::Symbol(b'(')) {
            return Err(at("it does not begin with a parenthesis"));
        }
        let mut values: Vec<Stored<'_>> = Vec::with_capacity(insert.kinds.len());
        for (place, kind) in insert.kinds.iter().enumerate() {
            let first = lexer.next().ok_or_else(|| at(COUNT))?;
            if first == Token::Symbol(b')') {
                return Err(at(COUNT));
            }
            let value: Literal<'_> = literal(first, lexer).map_err(at)?;
            if let Some(kind) = kind {
                values.push(stored(value, *kind).map_err(at)?);
            }
            let is_last = place + 1 == insert.kinds.len();
            match lexer.next() {
                Some(Token::Symbol(b',')) if !is_last => {}
                Some(Token::Symbol(b')')) if is_last => {}
                Some(Token::Symbol(b',' | b')')) => return Err(at(COUNT)),
                _ => return Err(at("a value is an expression, and only plain values are read")),
            }
        }
        if insert.kinds.is_empty() && lexer.next() != Some(Token::Symbol(b')')) {
            return Err(at(COUNT));
        }
        insert
            .statement
            .insert(values.iter().map(Stored::value), None)
            .map_err(|error| at(&words(&error)))?;
        match lexer.next() {
            None => return Ok(()),
            Some(Token::Symbol(b',')) => {}
            Some(_) => return Err(at("something follows it that is no row")),
        }
    }
}
