//! Putting rows into a table, also those that do not conform to its definition.

use std::sync::atomic::Ordering;

use rowkeep_format::{RowBatch, Table};
use rusqlite::{Connection, Error, ffi, params};

use crate::sqlite::catalog::affinity::Affinity;
use crate::sqlite::connect::error::{constraint, failure, when, words};
use crate::sqlite::connect::raw_statement::Statement;
use crate::sqlite::connect::utf16::Endian;
use crate::sqlite::literal;
use crate::sqlite::quote::quoted;
use crate::sqlite::schema::definitions::{GivesNull, STAND_IN, foreign_collation, read_schema_again};
use crate::sqlite::schema::relaxed::{computed_again, lenient, made_again, without_foreign_collations};
use crate::{EngineError, ErrorKind, LeftOut};

/// How many rows that cannot be put back are told one by one.
const TOLD: u64 = 1000;

/// What is told of the tables of a database.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// Whether it goes on without what SQLite refuses.
    pub(super) leaves_out: bool,
    pub(super) notes: Vec<String>,
    pub(super) left_out: Vec<LeftOut>,
}

/// A table that is being filled.
pub(super) struct Filling<'m> {
    connection: &'m Connection,
    table: &'m Table,
    utf16: Option<Endian>,
    /// Nothing while the definition changes.
    insert: Option<Statement<'m>>,
    /// The definition that the table is to have in the end, where it is one that has another for now.
    sql: Option<String>,
    /// Why what it computes is NULL, where it is.
    uncomputed: Option<String>,
    reordered: Option<Reordered>,
    affinities: Vec<Affinity>,
    gives_null: &'m GivesNull,
    told: &'m mut Told,
    rows: u64,
    refused: u64,
}

/// A definition in the order of an application, and what was made instead.
struct Reordered {
    statement: String,
    why: String,
    instead: String,
}

impl<'m> Filling<'m> {
    pub(super) fn begin(
        connection: &'m Connection,
        table: &'m Table,
        utf16: Option<Endian>,
        gives_null: &'m GivesNull,
        told: &'m mut Told,
    ) -> Result<Self, EngineError> {
        let affinities = table.columns.iter().map(|column| Affinity::of(&column.type_name, true)).collect();
        let mut filling = Self {
            connection,
            table,
            utf16,
            insert: None,
            sql: None,
            uncomputed: None,
            reordered: None,
            affinities,
            gives_null,
            told,
            rows: 0,
            refused: 0,
        };
        filling.prepare()?;
        Ok(filling)
    }

    fn doing(&self) -> String {
        format!("filling table {}", self.table.name)
    }

    fn prepare(&mut self) -> Result<(), EngineError> {
        let table = self.table;
        let names = table.columns.iter().map(|column| quoted(&column.name)).collect::<Vec<_>>().join(", ");
        let marks = vec!["?"; table.columns.len()].join(", ");
        let sql =
            format!("INSERT OR ABORT INTO main.{} ({names}) VALUES ({marks})", quoted(&table.name.name));
        self.insert = Some(Statement::prepare(self.connection, &sql).map_err(when(self.doing()))?);
        Ok(())
    }

    /// Adds rows.
    pub(super) fn add(&mut self, batch: &RowBatch) -> Result<(), EngineError> {
        if self.rows == 0 {
            self.order_as_known()?;
        }
        for row in 0..batch.rows() {
            if self.sql.is_none() && !self.is_kept(batch, row) {
                self.be_lenient("values of other types than its columns take")?;
            }
            while let Err(error) = self.put(batch, row) {
                if self.told.leaves_out && is_taken(&error) {
                    self.refuse(batch, row, &words(&error));
                    break;
                }
                if !self.give_way(&error)? {
                    return Err(self.failed(row, &error));
                }
            }
        }
        self.rows += batch.rows() as u64;
        Ok(())
    }

    /// Whether the columns take all values of a row for what they are.
    fn is_kept(&self, batch: &RowBatch, row: usize) -> bool {
        let mut columns = batch.columns().iter().zip(&self.affinities);
        columns.all(|(column, affinity)| affinity.keeps(column.value(row)))
    }

    fn put(&mut self, batch: &RowBatch, row: usize) -> rusqlite::Result<()> {
        let values = batch.columns().iter().map(|column| column.value(row));
        self.insert.as_mut().expect("it is prepared").insert(values, self.utf16)
    }

    fn failed(&self, row: usize, error: &Error) -> EngineError {
        let doing = format!("{}, row {}", self.doing(), self.rows + row as u64 + 1);
        match words(error).contains(STAND_IN) {
            true => EngineError::new(ErrorKind::Unsupported, format!("{doing}: {}", words(error))),
            false => failure(doing, error),
        }
    }

    /// Makes the table one whose keys are not in the order of a collation that only its application knows: its rows would be in
    /// another order. No row is in it yet.
    fn order_as_known(&mut self) -> Result<(), EngineError> {
        let (connection, table, doing) = (self.connection, self.table, self.doing());
        let name = &table.name.name;
        let Some(collation) = foreign_collation(connection, name).map_err(when(&doing))? else {
            return Ok(());
        };
        let why = format!("a key of it is in the order of {collation}, which only its application knows");
        let refused = EngineError::new(ErrorKind::Unsupported, format!("creating table {name}: {why}"));
        if !self.told.leaves_out {
            return Err(refused);
        }
        let indexes = || {
            let count = "SELECT count(*) FROM pragma_index_list(?1, 'main')";
            connection.query_row(count, [name], |row| row.get::<_, i64>(0)).map_err(when(&doing))
        };
        let (statement, before) = (self.definition()?, indexes()?);
        let instead = without_foreign_collations(&statement);
        self.define(&instead)?;
        // Keys that differ in their collations alone would be one.
        if indexes()? != before {
            return Err(refused);
        }
        self.reordered = Some(Reordered { statement, why, instead });
        Ok(())
    }

    /// Whether something was changed so that a row which was refused may be put in.
    fn give_way(&mut self, error: &Error) -> Result<bool, EngineError> {
        if is_of_a_column(error) && self.sql.is_none() {
            return self.be_lenient(&words(error)).map(|()| true);
        }
        let computes = words(error).contains(STAND_IN) && self.told.leaves_out;
        if computes && !self.gives_null.swap(true, Ordering::Relaxed) {
            self.uncomputed = Some(words(error));
            return Ok(true);
        }
        Ok(false)
    }

    /// Goes on with a definition that takes any row.
    fn be_lenient(&mut self, why: &str) -> Result<(), EngineError> {
        let sql = self.definition()?;
        self.define(&lenient(&sql))?;
        self.sql = Some(sql);
        let table = &self.table.name;
        let note = format!("table {table} has rows that do not conform to it ({why}): they are as they were");
        self.told.notes.push(note);
        Ok(())
    }

    /// Notes a row whose place is taken.
    fn refuse(&mut self, batch: &RowBatch, row: usize, why: &str) {
        self.refused += 1;
        if self.refused > TOLD {
            return;
        }
        let names =
            self.table.columns.iter().map(|column| quoted(&column.name)).collect::<Vec<_>>().join(", ");
        let mut sql =
            format!("INSERT INTO {} ({names}) VALUES (", quoted(&self.table.name.name)).into_bytes();
        for (number, column) in batch.columns().iter().enumerate() {
            sql.extend_from_slice(if number == 0 { b"" } else { b", " });
            literal::value(column.value(row), self.utf16, &mut sql);
        }
        let statement = String::from_utf8_lossy(&sql).into_owned() + ")";
        let later = format!("{statement};");
        self.told.left_out.push(LeftOut { statement, why: why.to_owned(), instead: None, later });
    }

    /// Ends the filling.
    pub(super) fn end(mut self) -> Result<(), EngineError> {
        self.insert = None;
        self.gives_null.store(false, Ordering::Relaxed);
        if let Some(more @ 1..) = self.refused.checked_sub(TOLD) {
            let table = &self.table.name;
            self.told
                .notes
                .push(format!("{more} more rows of table {table} were refused for the same reason"));
        }
        if let Some(Reordered { statement, why, instead }) = self.reordered.take() {
            let later = made_again(self.table, &statement, self.sql.is_some());
            self.told.left_out.push(LeftOut { statement, why, instead: Some(instead), later });
        }
        if let Some(why) = self.uncomputed.take() {
            let for_now = self.definition()?;
            let statement = self.sql.clone().unwrap_or_else(|| for_now.clone());
            let instead = Some("what it computes is NULL".into());
            let later = computed_again(self.table, &statement, &for_now);
            self.told.left_out.push(LeftOut { statement, why, instead, later });
        }
        match self.sql.take() {
            Some(sql) => self.change_definition(&sql),
            None => Ok(()),
        }
    }

    /// The definition that the table has.
    fn definition(&self) -> Result<String, EngineError> {
        let sql = "SELECT sql FROM main.sqlite_schema WHERE type = 'table' AND name = ?1";
        let name = &self.table.name.name;
        self.connection.query_row(sql, [name], |row| row.get(0)).map_err(when(self.doing()))
    }

    /// Gives the table another definition of the same pages, and goes on.
    fn define(&mut self, sql: &str) -> Result<(), EngineError> {
        self.insert = None;
        self.change_definition(sql)?;
        self.prepare()
    }

    fn change_definition(&self, sql: &str) -> Result<(), EngineError> {
        let change = "UPDATE main.sqlite_schema SET sql = ?2 WHERE type = 'table' AND name = ?1";
        let changed = self.connection.execute(change, params![self.table.name.name, sql]);
        changed.and_then(|_| read_schema_again(self.connection)).map_err(when(self.doing()))
    }
}

/// Whether a column does not take a value.
fn is_of_a_column(error: &Error) -> bool {
    matches!(extended_code(error), Some(ffi::SQLITE_CONSTRAINT_NOTNULL | ffi::SQLITE_CONSTRAINT_DATATYPE))
}

/// Whether a key takes a row for one that is there.
fn is_taken(error: &Error) -> bool {
    constraint(error)
        && matches!(
            extended_code(error),
            Some(
                ffi::SQLITE_CONSTRAINT_UNIQUE
                    | ffi::SQLITE_CONSTRAINT_PRIMARYKEY
                    | ffi::SQLITE_CONSTRAINT_ROWID
            )
        )
}

fn extended_code(error: &Error) -> Option<i32> {
    error.sqlite_error().map(|error| error.extended_code)
}
