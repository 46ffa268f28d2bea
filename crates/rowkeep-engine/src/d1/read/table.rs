//! A table as statements that read it, and their answers as rows.

use std::ops::Range;

use rowkeep_format::batch::ColumnValues;
use rowkeep_format::{RowBatch, Table, Value};
use serde_json::value::RawValue;

use super::decode::{Read, push, text};
use super::form::{Form, divided, selected};
use crate::d1::connect::remote::{Answer, Remote, Statement};
use crate::sqlite::catalog::tables::Facts;
use crate::sqlite::literal;
use crate::sqlite::quote::quoted;
use crate::{EngineError, ErrorKind};

/// A table that is read.
#[derive(Debug, Clone)]
pub(crate) struct ReadTable {
    pub(crate) table: Table,
    key: PageKey,
    has_rowid: bool,
    /// The condition of the rows that are read, where these are not all.
    some: Option<String>,
}

/// What the pages of a table go by: its own order, so that each is a walk through its tree from where the last one ended.
#[derive(Debug, Clone)]
enum PageKey {
    /// Columns with their direction and collation.
    Columns(Vec<KeyPart>),
    /// Nothing that SQL has a name for: rows are counted.
    Counted,
}

#[derive(Debug, Clone)]
struct KeyPart {
    column: usize,
    descends: bool,
    collation: String,
    /// Whether no index may be chosen for its order.
    only_sorts: bool,
}

impl ReadTable {
    /// A table by what is known of it.
    pub(crate) fn of(table: &Table, facts: &Facts) -> Self {
        let place = |name: &str| {
            table.columns.iter().position(|column| !column.hidden && column.name.eq_ignore_ascii_case(name))
        };
        let part =
            |column| KeyPart { column, descends: false, collation: "BINARY".to_owned(), only_sorts: false };
        let rowid = match facts.integer_primary_key() {
            Some(column) => place(&facts.columns[column].name),
            None => table.columns.iter().position(|column| column.hidden),
        };
        let primary = || {
            let index = facts.unique.iter().find(|index| facts.without_rowid && index.primary)?;
            let part = |(column, descends, collation): &(usize, bool, String)| {
                let column = place(&facts.columns[*column].name)?;
                Some(KeyPart { column, descends: *descends, collation: collation.clone(), only_sorts: false })
            };
            index.columns.iter().map(part).collect::<Option<Vec<_>>>()
        };
        let has_rowid = rowid.is_some();
        let key = rowid.map(|column| vec![part(column)]).or_else(primary);
        Self {
            table: table.clone(),
            key: key.map_or(PageKey::Counted, PageKey::Columns),
            has_rowid,
            some: None,
        }
    }

    /// The same, of which those rows are read alone that do not have a lower value in a column, by its index; nothing of a table
    /// without a rowid.
    pub(crate) fn from(&self, column: usize, lowest: &str) -> Option<Self> {
        let PageKey::Columns(parts) = &self.key else { return None };
        let parts = parts.iter().map(|part| KeyPart { only_sorts: true, ..part.clone() }).collect();
        let column = self.table.columns.get(column).filter(|_| self.has_rowid)?;
        let name = quoted(&column.name);
        let or_null = if column.not_null { String::new() } else { format!(" OR {name} IS NULL") };
        let some = Some(format!(" WHERE {name} >= {lowest}{or_null}"));
        Some(Self { key: PageKey::Columns(parts), some, ..self.clone() })
    }

    /// Whether not all rows are read.
    pub(crate) fn is_some(&self) -> bool {
        self.some.is_some()
    }

    /// The same, read by counting its rows, which come in the same order.
    pub(crate) fn counted(&self) -> Self {
        Self { key: PageKey::Counted, ..self.clone() }
    }

    /// Whether pages go by a column.
    pub(crate) fn is_of_key(&self, column: usize) -> bool {
        match &self.key {
            PageKey::Columns(parts) => parts.iter().any(|part| part.column == column),
            PageKey::Counted => false,
        }
    }

    /// What rows are selected from: the table with short names for some of its columns and for those of its key, as no more than
    /// 100 can be selected. Never by way of an index, if it is for all rows.
    pub(crate) fn source(&self, columns: &Range<usize>) -> String {
        let names = self.table.columns.iter().enumerate();
        let names = names.filter(|(at, _)| columns.contains(at) || self.is_of_key(*at));
        let names = names.map(|(at, column)| format!("{} AS c{at}", quoted(&column.name)));
        let names = names.collect::<Vec<_>>().join(", ");
        let rest = self.some.as_deref().unwrap_or(" NOT INDEXED");
        format!("(SELECT {names} FROM main.{}{rest})", quoted(&self.table.name.name))
    }

    /// The statements for all rows, and which columns each gives.
    pub(crate) fn whole(&self, form: Form) -> Vec<(Range<usize>, Statement)> {
        self.statements(&Place::default(), None, form)
    }

    /// The statements for the rows from a place on.
    pub(crate) fn statements(
        &self,
        place: &Place,
        limit: Option<usize>,
        form: Form,
    ) -> Vec<(Range<usize>, Statement)> {
        let columns: Vec<String> = (0..self.table.columns.len()).map(|at| format!("c{at}")).collect();
        let mut rest = format!("{}{}", place.condition, self.order());
        if let Some(limit) = limit {
            rest += &format!(" LIMIT {limit}");
            if matches!(self.key, PageKey::Counted) {
                rest += &format!(" OFFSET {}", place.rows);
            }
        }
        let rest_bytes = rest.len() + self.source(&(0..columns.len())).len();
        divided(&columns, form, rest_bytes)
            .into_iter()
            .map(|part| {
                let (values, source) = (selected(&columns[part.clone()], form), self.source(&part));
                (part, Statement::new(format!("SELECT {values} FROM {source}{rest}")))
            })
            .collect()
    }

    fn order(&self) -> String {
        let PageKey::Columns(parts) = &self.key else { return String::new() };
        let part = |part: &KeyPart| {
            let direction = if part.descends { " DESC" } else { "" };
            format!("{}{direction}", part.compared())
        };
        format!(" ORDER BY {}", parts.iter().map(part).collect::<Vec<_>>().join(", "))
    }

    /// The condition of the rows after one.
    pub(crate) fn after(&self, batch: &RowBatch, row: usize) -> String {
        let PageKey::Columns(parts) = &self.key else { return String::new() };
        let terms: Vec<(String, String)> =
            parts.iter().map(|part| (part.compared(), literal_of(batch, row, part.column))).collect();
        let mut alternatives = Vec::new();
        for (at, part) in parts.iter().enumerate() {
            let (column, value) = &terms[at];
            let mut all: Vec<String> =
                terms[..at].iter().map(|(column, value)| format!("{column} = {value}")).collect();
            all.push(format!("{column} {} {value}", if part.descends { "<" } else { ">" }));
            alternatives.push(all.join(" AND "));
        }
        if alternatives.len() == 1 {
            return format!(" WHERE {}", alternatives[0]);
        }
        // By the first alone the tree can be entered.
        let (column, value) = &terms[0];
        let first = format!("{column} {} {value}", if parts[0].descends { "<=" } else { ">=" });
        format!(" WHERE {first} AND ({})", alternatives.join(" OR "))
    }

    /// What finds one row of a batch again, which began after so many rows of the table.
    pub(crate) fn only(&self, batch: &RowBatch, row: usize, rows_before: u64) -> String {
        match &self.key {
            PageKey::Columns(parts) => {
                let equal = parts
                    .iter()
                    .map(|part| format!("{} = {}", part.compared(), literal_of(batch, row, part.column)));
                format!(" WHERE {}", equal.collect::<Vec<_>>().join(" AND "))
            }
            PageKey::Counted => format!(" LIMIT 1 OFFSET {}", rows_before + row as u64),
        }
    }

    /// The rows from the answers to statements, where nothing else may be asked for; nothing where something would have to be.
    pub(crate) fn rows_at_once(
        &self,
        remote: &Remote,
        parts: &[Range<usize>],
        answers: &[Answer],
        form: Form,
    ) -> Result<Option<RowBatch>, EngineError> {
        let decoded = self.decoded(remote, parts, answers, form)?;
        Ok(decoded.filter(|(_, large)| large.is_empty()).map(|(batch, _)| batch))
    }

    /// Rows, and which of their values are still to be read; nothing where texts have to come in digits.
    pub(crate) fn decoded(
        &self,
        remote: &Remote,
        parts: &[Range<usize>],
        answers: &[Answer],
        form: Form,
    ) -> Result<Option<(RowBatch, Vec<Large>)>, EngineError> {
        let malformed =
            |problem: &str| remote.not_understood(&format!("{problem} (table {})", self.table.name));
        let mut columns = vec![ColumnValues::default(); self.table.columns.len()];
        let (mut count, mut large) = (None, Vec::new());
        for (part, answer) in parts.iter().zip(answers) {
            let rows = answer.rows().map_err(|error| malformed("rows").with_source(error))?;
            if count.is_some_and(|count| count != rows.len()) {
                return Err(moved(remote));
            }
            count = Some(rows.len());
            for (number, row) in rows.iter().enumerate() {
                let Some((letters, values)) = row.split_first() else {
                    return Err(malformed("an empty row"));
                };
                let letters = text(letters).filter(|letters| letters.len() == part.len());
                let Some(letters) = letters.filter(|_| values.len() == part.len()) else {
                    return Err(malformed("a row of another length"));
                };
                for ((column, letter), raw) in part.clone().zip(letters.bytes()).zip(values) {
                    match push(letter, raw, form, &mut columns[column]) {
                        Read::Added => {}
                        Read::Doubtful => return Ok(None),
                        Read::Malformed => return Err(malformed("a value")),
                        Read::Large => {
                            let bytes = size(raw).ok_or_else(|| malformed("a size"))?;
                            large.push(Large { row: number, column, is_text: letter == b'T', bytes });
                            // Keeps its place.
                            columns[column].push(Value::Null);
                        }
                    }
                }
            }
        }
        let batch = RowBatch::from_columns(columns, count.unwrap_or_default());
        let batch = batch.ok_or_else(|| malformed("columns of another length"))?;
        Ok(Some((batch, large)))
    }
}

impl KeyPart {
    fn compared(&self) -> String {
        let sign = if self.only_sorts { "+" } else { "" };
        format!("{sign}c{} COLLATE {}", self.column, quoted(&self.collation))
    }
}

/// Where the next page begins.
#[derive(Debug, Default)]
pub(crate) struct Place {
    /// The condition of its rows.
    pub(crate) condition: String,
    /// The rows before it.
    pub(crate) rows: u64,
}

/// Where a value is, in a batch of rows, that is too large to come with its row.
pub(crate) struct Large {
    pub(crate) row: usize,
    pub(crate) column: usize,
    pub(crate) is_text: bool,
    pub(crate) bytes: usize,
}

/// The rows of a table changed while some were read.
pub(crate) fn moved(remote: &Remote) -> EngineError {
    EngineError::new(
        ErrorKind::Conflict,
        format!("{}: rows were changed while they were read", remote.shown()),
    )
}

fn literal_of(batch: &RowBatch, row: usize, column: usize) -> String {
    let mut out = Vec::new();
    literal::value(batch.value(row, column), None, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

fn size(raw: &RawValue) -> Option<usize> {
    raw.get().parse().ok()
}
