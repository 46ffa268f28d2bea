//! The forms that rows are written in.

use rowkeep_format::{Column, RowBatch, Table};
use serde::{Deserialize, Serialize};

use crate::Error;

/// What the files are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExportFormat {
    /// A table's rows as lines of values divided by commas (RFC 4180), with the names of the columns before them.
    Csv,
    /// A row as an object of JSON on each line.
    Ndjson,
    /// Statements for the engine's own program.
    Sql,
    /// A table's rows column by column, each with its type (Apache Parquet).
    #[cfg(feature = "parquet")]
    Parquet,
    /// The file that the engine's own tools take.
    Own,
    /// One object of JSON as Phone Range Nexus keeps its backups: version 4.0, full or incremental.
    Prn,
    /// One object of JSON as DINO keeps its backups: `data` and `metadata`.
    Dino,
    /// One object of JSON as Numericalz keeps its backups: `timestamp` and `data`.
    Num,
}

impl ExportFormat {
    /// All formats by their names.
    pub const ALL: &[(&str, ExportFormat)] = &[
        ("csv", ExportFormat::Csv),
        ("ndjson", ExportFormat::Ndjson),
        ("sql", ExportFormat::Sql),
        ("own", ExportFormat::Own),
        ("prn", ExportFormat::Prn),
        ("dino", ExportFormat::Dino),
        ("num", ExportFormat::Num),
        #[cfg(feature = "parquet")]
        ("parquet", ExportFormat::Parquet),
    ];

    /// What it is called.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, format)| *format == self).map_or("", |(name, _)| name)
    }

    /// The format of a name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, format)| *format)
    }

    /// How the names of its files end.
    pub fn extension(self) -> &'static str {
        match self {
            ExportFormat::Csv => "csv",
            ExportFormat::Ndjson | ExportFormat::Own => "ndjson",
            ExportFormat::Sql => "sql",
            #[cfg(feature = "parquet")]
            ExportFormat::Parquet => "parquet",
            ExportFormat::Prn | ExportFormat::Dino | ExportFormat::Num => "json",
        }
    }

    /// Whether it is one object of JSON with all tables.
    pub(super) fn is_document(self) -> bool {
        self.extension() == "json"
    }
}

/// What writes the rows of one table.
pub(super) trait WriteRows: Send + Sync {
    /// What comes before them.
    fn head(&self) -> String;

    /// Puts rows into their form as far as no other rows matter, so that it is done to several batches at once.
    fn prepare(&self, batch: RowBatch) -> Result<Prepared, Error>;

    /// Adds rows, batch after batch.
    fn write(&self, prepared: Prepared, out: &mut Vec<u8>) -> Result<(), Error> {
        prepared.put(out)
    }

    /// Adds what comes after them.
    fn tail(&self, _out: &mut Vec<u8>) -> Result<(), Error> {
        Ok(())
    }

    /// What people should know of it, in their words.
    fn notes(&self) -> Vec<String> {
        Vec::new()
    }
}

/// Rows on their way into their form.
pub(super) enum Prepared {
    /// Nothing is missing.
    Bytes(Vec<u8>),
    /// All is still to be done.
    Rows(RowBatch),
    /// Values by columns, each of its type.
    #[cfg(feature = "parquet")]
    Arrays(arrow_array::RecordBatch),
}

impl Prepared {
    /// Rows in their form.
    pub(super) fn of(
        batch: &RowBatch,
        write: impl FnOnce(&RowBatch, &mut Vec<u8>) -> Result<(), Error>,
    ) -> Result<Self, Error> {
        let mut out = Vec::with_capacity(batch.bytes() + batch.bytes() / 4);
        write(batch, &mut out)?;
        Ok(Prepared::Bytes(out))
    }

    /// Adds what is in its form.
    pub(super) fn put(self, out: &mut Vec<u8>) -> Result<(), Error> {
        match self {
            Prepared::Bytes(bytes) if out.is_empty() => *out = bytes,
            Prepared::Bytes(bytes) => out.extend_from_slice(&bytes),
            _ => return Err(Error::Export("rows were prepared for another form".to_owned())),
        }
        Ok(())
    }
}

/// The columns that people know as theirs: where they are, and what they are called.
pub(super) fn shown(table: &Table) -> impl Iterator<Item = (usize, &Column)> {
    table.columns.iter().enumerate().filter(|(_, column)| !column.hidden)
}
