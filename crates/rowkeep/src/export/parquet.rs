//! Apache Parquet: a table's rows column by column, each with its type, for DuckDB, Spark, pandas and others.

mod column;
mod read;
mod shape;

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;
use rowkeep_format::{RowBatch, Table};

use self::column::Column;
use self::shape::Shape;
use super::format::{WriteRows, shown};
use crate::Error;

/// So many bytes of values are written as one row group.
const GROUP_BYTES: usize = 32 << 20;

/// Writes the rows of a table.
pub(super) struct Parquet {
    table: String,
    writing: Mutex<Writing>,
}

struct Writing {
    /// Nothing once the end is written.
    file: Option<SerializedFileWriter<Ready>>,
    ready: Ready,
    columns: Vec<Column>,
    rows: usize,
    bytes: usize,
}

/// Bytes that are ready to be taken.
#[derive(Clone, Default)]
struct Ready(Arc<Mutex<Vec<u8>>>);

impl Ready {
    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for Ready {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Parquet {
    pub(super) fn of(engine: &str, table: &Table) -> Result<Self, Error> {
        let named = table.name.to_string();
        let columns: Vec<Column> = shown(table)
            .map(|(place, column)| Column::new(place, &column.name, Shape::of(engine, &column.type_name)))
            .collect();
        let failed = failed(&named);
        let fields: Result<Vec<_>, ParquetError> = columns.iter().map(Column::field).collect();
        let schema = fields.and_then(|fields| Type::group_type_builder("schema").with_fields(fields).build());
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_created_by(concat!("rowkeep ", env!("CARGO_PKG_VERSION")).to_owned());
        let ready = Ready::default();
        let file = schema.and_then(|schema| {
            SerializedFileWriter::new(ready.clone(), Arc::new(schema), Arc::new(properties.build()))
        });
        let file = Some(file.map_err(failed)?);
        let writing = Writing { file, ready, columns, rows: 0, bytes: 0 };
        Ok(Self { table: named, writing: Mutex::new(writing) })
    }

    fn with<T>(&self, work: impl FnOnce(&mut Writing) -> Result<T, Error>) -> Result<T, Error> {
        work(&mut self.writing.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn failed(table: &str) -> impl Fn(ParquetError) -> Error + use<> {
    let table = table.to_owned();
    move |error| Error::Export(format!("table {table} cannot be written as Parquet: {error}"))
}

impl Writing {
    fn group(&mut self, table: &str) -> Result<(), Error> {
        let failed = failed(table);
        let Some(file) = self.file.as_mut().filter(|_| self.rows > 0) else { return Ok(()) };
        let mut group = file.next_row_group().map_err(&failed)?;
        for column in &mut self.columns {
            if let Some(mut writer) = group.next_column().map_err(&failed)? {
                column.write(writer.untyped()).map_err(&failed)?;
                writer.close().map_err(&failed)?;
            }
        }
        group.close().map_err(&failed)?;
        (self.rows, self.bytes) = (0, 0);
        Ok(())
    }
}

impl WriteRows for Parquet {
    fn head(&self) -> String {
        String::new()
    }

    fn rows(&self, batch: &RowBatch, out: &mut Vec<u8>) -> Result<(), Error> {
        self.with(|writing| {
            for row in 0..batch.rows() {
                for column in &mut writing.columns {
                    let wrong = |problem: String| Error::Export(format!("{}.{problem}", self.table));
                    column.add(batch, row).map_err(wrong)?;
                }
            }
            writing.rows += batch.rows();
            writing.bytes += batch.bytes();
            if writing.bytes >= GROUP_BYTES {
                writing.group(&self.table)?;
            }
            out.extend(writing.ready.take());
            Ok(())
        })
    }

    fn tail(&self, out: &mut Vec<u8>) -> Result<(), Error> {
        self.with(|writing| {
            writing.group(&self.table)?;
            if let Some(file) = writing.file.take() {
                file.close().map_err(failed(&self.table))?;
            }
            out.extend(writing.ready.take());
            Ok(())
        })
    }

    fn notes(&self) -> Vec<String> {
        let told = |writing: &mut Writing| {
            let columns = writing.columns.iter();
            Ok(columns.filter_map(|column| column.note(&self.table)).collect())
        };
        self.with(told).unwrap_or_default()
    }
}
