//! Finding rows by the values of some columns.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ops::Range;

use rowkeep_format::{KeyForm, RowBatch, Table, Value, key};
use rusqlite::Connection;
use tokio::sync::mpsc;

use super::readers::{Reader, Sent};
use super::scan::{out_of_memory, push_row};
use crate::sqlite::connect::error::{failure, when};
use crate::sqlite::connect::raw_statement::Statement;
use crate::sqlite::connect::utf16::Endian;
use crate::sqlite::quote::quoted;
use crate::sqlite::schema::identity::collation;
use crate::sqlite::schema::readable_tables::Readable;
use crate::{EngineError, ErrorKind};

/// How many wanted tuples go into one statement where no index helps, so that the table is read less often.
const TOGETHER: usize = 200;

/// Parameters of a statement at most.
const PARAMETERS: usize = 30_000;

/// What is looked for in a table.
pub(crate) struct Wanted {
    columns: Vec<usize>,
    /// Each tuple once, with a column for each of `columns`.
    values: RowBatch,
    /// The places of the tuples in `values`, by their bytes.
    places: HashMap<Vec<u8>, usize>,
}

impl Wanted {
    pub(crate) fn new(table: &Table, columns: &[usize], values: &RowBatch) -> Result<Self, EngineError> {
        let known = columns.iter().all(|column| *column < table.columns.len());
        if !known || values.columns().len() != columns.len() {
            let message =
                format!("rows of table {} cannot be found by columns that it does not have", table.name);
            return Err(EngineError::new(ErrorKind::Other, message));
        }
        let mut wanted =
            Self { columns: columns.to_vec(), values: RowBatch::new(columns.len()), places: HashMap::new() };
        for row in 0..values.rows() {
            if let Entry::Vacant(place) = wanted.places.entry(bytes(values.row(row))) {
                place.insert(wanted.values.rows());
                wanted.values.extend(values, row..row + 1);
            }
        }
        Ok(wanted)
    }

    /// The tuple that a row has exactly.
    pub(crate) fn place(&self, batch: &RowBatch, row: usize) -> Option<usize> {
        self.places.get(&bytes(self.columns.iter().map(|column| batch.value(row, *column)))).copied()
    }
}

/// Values as bytes that are the same when the values are.
fn bytes<'v>(values: impl Iterator<Item = Value<'v>>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for value in values {
        // Fails for no value whose form is its own.
        let _ = key::encode_value(KeyForm::Native, value, &mut bytes);
    }
    bytes
}

/// A search on its way through the tuples.
pub(crate) struct Search<'t> {
    readable: &'t Readable,
    wanted: &'t Wanted,
    utf16: Option<Endian>,
    /// Tuples in one statement.
    together: usize,
    /// The first tuple of the statement that runs, and how many rows it has given.
    tuple: usize,
    given: u64,
    /// Rows that were found by a tuple that SQLite holds to be equal to their values, but that is not the same (1 and
    /// 1.0, or text of other case): by which tuple. Another may find them too.
    loose: HashMap<Vec<u8>, usize>,
}

impl<'t> Search<'t> {
    pub(crate) fn new(readable: &'t Readable, wanted: &'t Wanted, utf16: Option<Endian>) -> Self {
        Self { readable, wanted, utf16, together: 1, tuple: 0, given: 0, loose: HashMap::new() }
    }

    /// Sends all rows that are found, going to the copy on the way when one is made.
    pub(crate) fn run(
        mut self,
        reader: &mut Reader,
        output: &mpsc::Sender<RowBatch>,
    ) -> Result<(), EngineError> {
        if self.wanted.columns.is_empty() || self.wanted.values.is_empty() {
            return Ok(());
        }
        // One alone is looked for by one statement, however that is done.
        if self.wanted.values.rows() > 1 {
            self.together = self.choose(reader.connection()?)?;
        }
        loop {
            let (mut held, mut refused) = (None, false);
            let ended = self.advance(reader.connection()?, &mut |batch| {
                match reader.send(output, batch) {
                    Sent::Delivered => {}
                    Sent::Refused => refused = true,
                    Sent::Held(batch) => held = Some(batch),
                }
                !refused && !reader.is_in_the_way()
            })?;
            reader.make_way()?;
            if let Some(batch) = held {
                refused = output.blocking_send(batch).is_err();
            }
            if refused {
                return Ok(());
            }
            if ended {
                return reader.check_unchanged();
            }
        }
    }

    /// How many tuples to look for at once.
    fn choose(&self, connection: &Connection) -> Result<usize, EngineError> {
        let sql = format!("EXPLAIN QUERY PLAN {}", self.sql(1));
        let scans = || -> rusqlite::Result<bool> {
            let mut statement = connection.prepare(&sql)?;
            let mut rows = statement.raw_query();
            let first = rows.next()?.map(|row| row.get::<_, String>(3)).transpose()?;
            Ok(first.is_some_and(|plan| plan.starts_with("SCAN")))
        };
        let most = (PARAMETERS / self.wanted.columns.len()).clamp(1, TOGETHER);
        Ok(if scans().map_err(when(self.doing()))? { most } else { 1 })
    }

    fn doing(&self) -> String {
        format!("finding rows of table {}", self.readable.table.name)
    }

    fn sql(&self, tuples: usize) -> String {
        let table = &self.readable.table;
        let names = table.columns.iter().map(|column| quoted(&column.name)).collect::<Vec<_>>().join(", ");
        let columns = &self.wanted.columns;
        // What identifies rows may compare otherwise than its columns do by themselves.
        let identity =
            table.identity.as_ref().filter(|identity| identity.naming().map(|part| &part.column).eq(columns));
        let mut collations =
            identity.into_iter().flat_map(|identity| identity.naming()).map(|part| collation(part.form));
        let one = columns.iter().map(|column| {
            let collation =
                collations.next().flatten().map_or_else(String::new, |name| format!(" COLLATE {name}"));
            format!("{}{collation} IS ?", quoted(&table.columns[*column].name))
        });
        let one = format!("({})", one.collect::<Vec<_>>().join(" AND "));
        let any = vec![one; tuples].join(" OR ");
        format!("SELECT {names} FROM main.{} WHERE {any}", quoted(&table.name.name))
    }

    /// Goes on until the end, or until `hand_on` says no; tells whether it came to the end.
    fn advance(
        &mut self,
        connection: &Connection,
        hand_on: &mut dyn FnMut(RowBatch) -> bool,
    ) -> Result<bool, EngineError> {
        let columns = self.readable.table.columns.len();
        let mut prepared: Option<(usize, Statement<'_>)> = None;
        let mut batch = RowBatch::new(columns);
        while self.tuple < self.wanted.values.rows() {
            let end = (self.tuple + self.together).min(self.wanted.values.rows());
            let tuples = self.tuple..end;
            let statement = match &mut prepared {
                Some((count, statement)) if *count == tuples.len() => statement,
                other => {
                    let sql = self.sql(tuples.len());
                    let statement = Statement::prepare(connection, &sql).map_err(when(self.doing()))?;
                    &mut other.insert((tuples.len(), statement)).1
                }
            };
            let values: Vec<Value<'_>> =
                tuples.clone().flat_map(|tuple| self.wanted.values.row(tuple)).collect();
            let (skip, mut seen, mut goes_on, mut failed) = (self.given, 0, true, None);
            let (utf16, table, wanted) = (self.utf16, &self.readable.table, self.wanted);
            let (loose, given) = (&mut self.loose, &mut self.given);
            let ran = statement.run(values.into_iter(), utf16, |row| {
                seen += 1;
                if seen <= skip {
                    return true;
                }
                *given += 1;
                let mut found = RowBatch::new(columns);
                let pushed = push_row(row, &mut found, utf16).ok_or_else(|| out_of_memory(table));
                match pushed.and_then(|_| is_first(table, wanted, &found, &tuples, loose)) {
                    Ok(true) => batch.extend(&found, 0..1),
                    Ok(false) => {}
                    Err(error) => failed = Some(error),
                }
                if batch.bytes() >= RowBatch::TARGET_BYTES {
                    goes_on = hand_on(batch.take());
                }
                goes_on && failed.is_none()
            });
            ran.map_err(|error| failure(self.doing(), &error))?;
            if let Some(error) = failed {
                return Err(error);
            }
            if !goes_on {
                return Ok(false);
            }
            self.tuple = end;
            self.given = 0;
        }
        if !batch.is_empty() {
            hand_on(batch);
        }
        Ok(true)
    }
}

/// Whether a row that was found by some tuples is one that no others have found or will find.
fn is_first(
    table: &Table,
    wanted: &Wanted,
    found: &RowBatch,
    tuples: &Range<usize>,
    loose: &mut HashMap<Vec<u8>, usize>,
) -> Result<bool, EngineError> {
    if let Some(place) = wanted.place(found, 0) {
        return Ok(tuples.contains(&place));
    }
    let mut this = Vec::new();
    key::encode(&table.key, found, 0, &mut this)?;
    Ok(*loose.entry(this).or_insert(tuples.start) == tuples.start)
}
