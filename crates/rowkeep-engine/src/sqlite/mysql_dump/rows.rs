//! The rows of a dump, into tables that are there.

use std::collections::HashMap;

use rusqlite::Connection;

use super::database::Database;
use super::insert::{Opening, adds_rows};
use super::lexer::{Lexer, Token};
use super::literals::{Literal, Stored, literal, stored};
use super::statements::Statement;
use super::table::Table;
use super::types::Kind;
use crate::sqlite::connect::error::words;
use crate::sqlite::connect::raw_statement;
use crate::sqlite::quote::quoted;

/// How many forms of statements are kept prepared.
const MOST_KNOWN: usize = 256;

/// Puts rows into tables.
pub(super) struct Rows<'c> {
    connection: &'c Connection,
    database: &'c Database,
    /// What adds a row, by the place of its table and the columns that are named.
    known: HashMap<(usize, Option<Vec<String>>), Insert<'c>>,
}

/// What adds rows of one form.
struct Insert<'c> {
    slots: Vec<Slot>,
    statement: raw_statement::Statement<'c>,
}

/// What the value of a row at one place becomes.
struct Slot {
    /// What it is kept as; nothing where it is not kept.
    kind: Option<Kind>,
    counting: Counting,
}

/// Whether a column gets the next number where no value is given.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Counting {
    Not,
    /// As in SQLite.
    Here,
    /// By the server alone.
    Elsewhere,
}

/// What is wrong with a statement.
pub(super) struct Wrong {
    /// The table that it was to fill, as far as it is known.
    pub(super) table: Option<String>,
    pub(super) what: String,
}

impl<'c> Rows<'c> {
    pub(super) fn new(connection: &'c Connection, database: &'c Database) -> Self {
        Self { connection, database, known: HashMap::new() }
    }

    /// Carries a statement out, if it adds rows to this database; gives the table that it fills. `current` is the database in use.
    pub(super) fn take(
        &mut self,
        statement: &Statement,
        current: Option<&str>,
    ) -> Result<Option<String>, Wrong> {
        if !adds_rows(&statement.text) {
            return Ok(None);
        }
        let wrong = |table: Option<&Table>, what: &str| Wrong {
            table: table.map(|table| table.name.clone()),
            what: what.to_owned(),
        };
        let mut lexer = Lexer::new(&statement.text);
        let Some(opening) = Opening::read(&mut lexer) else {
            return Err(wrong(None, "an INSERT has no values"));
        };
        if opening.database.as_deref().or(current) != self.database.name.as_deref() {
            return Ok(None);
        }
        let tables = &self.database.tables;
        let place = tables.iter().position(|table| table.name == opening.table);
        let Some((place, table)) = place.and_then(|place| Some((place, tables.get(place)?))) else {
            return Err(wrong(None, &format!("rows of table {}, which is not defined", opening.table)));
        };
        if self.known.len() >= MOST_KNOWN {
            self.known.clear();
        }
        let insert = match self.known.entry((place, opening.columns)) {
            std::collections::hash_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::hash_map::Entry::Vacant(free) => {
                let made = prepare(self.connection, table, free.key().1.as_deref());
                free.insert(made.map_err(|what| wrong(Some(table), &what))?)
            }
        };
        let added = rows(&mut lexer, insert, statement.mode.keeps_zeros);
        added.map_err(|what| match opening.drops {
            true => wrong(
                Some(table),
                &format!("{what} (rows that IGNORE or REPLACE would drop or change are not, make the dump without it)"),
            ),
            false => wrong(Some(table), &what),
        })?;
        Ok(Some(table.name.clone()))
    }
}

fn prepare<'c>(
    connection: &'c Connection,
    table: &Table,
    columns: Option<&[String]>,
) -> Result<Insert<'c>, String> {
    let all: Vec<String> = table.columns.iter().map(|column| column.name.clone()).collect();
    let numbered = table.numbered().filter(|_| table.next.is_none()).map(|column| column.name.as_str());
    let (mut names, mut slots) = (Vec::new(), Vec::new());
    for name in columns.unwrap_or(&all) {
        let column = table
            .column(name)
            .ok_or_else(|| format!("an INSERT names column {name}, which its table has not"))?;
        let is_kept = column.generated.is_none();
        let counting = match column.counts {
            false => Counting::Not,
            true if numbered == Some(&column.name) => Counting::Here,
            true => Counting::Elsewhere,
        };
        slots.push(Slot { kind: is_kept.then_some(column.of.kind), counting });
        if is_kept {
            names.push(quoted(&column.name));
        }
    }
    let is_named =
        |name: &str| columns.is_none_or(|columns| columns.iter().any(|it| it.eq_ignore_ascii_case(name)));
    if let Some(column) = table
        .columns
        .iter()
        .find(|column| column.counts && !is_named(&column.name) && numbered != Some(&column.name))
    {
        return Err(format!(
            "an INSERT leaves out column {}, whose next number only the server knows",
            column.name
        ));
    }
    let sql = match names.is_empty() {
        true => format!("INSERT INTO {} DEFAULT VALUES", quoted(&table.name)),
        false => {
            let places = vec!["?"; names.len()].join(", ");
            format!("INSERT INTO {} ({}) VALUES ({places})", quoted(&table.name), names.join(", "))
        }
    };
    let statement = raw_statement::Statement::prepare(connection, &sql).map_err(|error| words(&error))?;
    Ok(Insert { slots, statement })
}

/// Refuses a value for which the server takes another number.
fn refuse_counted(value: &Stored<'_>, counting: Counting, keeps_zeros: bool) -> Result<(), &'static str> {
    match (counting, value) {
        (Counting::Not, _) | (Counting::Here, Stored::Null) => Ok(()),
        (Counting::Elsewhere, Stored::Null) => {
            Err("a value is NULL, for which AUTO_INCREMENT takes a number that only the server knows")
        }
        (_, Stored::Integer(0)) if !keeps_zeros => Err(
            "a value is 0, for which AUTO_INCREMENT takes the next number; if it is to stay 0, let the file begin with SET \
             sql_mode='NO_AUTO_VALUE_ON_ZERO';",
        ),
        _ => Ok(()),
    }
}

/// Reads the rows of a statement, and adds them.
fn rows(lexer: &mut Lexer<'_>, insert: &mut Insert<'_>, keeps_zeros: bool) -> Result<(), String> {
    const COUNT: &str = "a row has another number of values than columns";
    let mut number = 0u64;
    loop {
        number += 1;
        let at = |what: &str| format!("row {number} of the statement: {what}");
        if lexer.next() != Some(Token::Symbol(b'(')) {
            return Err(at("it does not begin with a parenthesis"));
        }
        let mut values: Vec<Stored<'_>> = Vec::with_capacity(insert.slots.len());
        for (place, slot) in insert.slots.iter().enumerate() {
            let first = lexer.next().ok_or_else(|| at(COUNT))?;
            if first == Token::Symbol(b')') {
                return Err(at(COUNT));
            }
            let value: Literal<'_> = literal(first, lexer).map_err(at)?;
            if let Some(kind) = slot.kind {
                let value = stored(value, kind).map_err(at)?;
                refuse_counted(&value, slot.counting, keeps_zeros).map_err(at)?;
                values.push(value);
            }
            let is_last = place + 1 == insert.slots.len();
            match lexer.next() {
                Some(Token::Symbol(b',')) if !is_last => {}
                Some(Token::Symbol(b')')) if is_last => {}
                Some(Token::Symbol(b',' | b')')) => return Err(at(COUNT)),
                _ => return Err(at("a value is an expression, and only plain values are read")),
            }
        }
        if insert.slots.is_empty() && lexer.next() != Some(Token::Symbol(b')')) {
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
