//! Apache Parquet: a table's rows column by column, each with its type, for DuckDB, Spark, pandas and others.

mod array;
mod column;
mod group;
mod read;
mod shape;

use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_schema::Schema;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;
use rowkeep_engine::dialect::Dialect;
use rowkeep_format::{RowBatch, Table};

use self::column::Column;
use self::group::Groups;
use self::shape::Shape;
use super::format::{Prepared, WriteRows, shown};
use crate::Error;

/// Writes the rows of a table.
pub(super) struct Parquet {
    table: String,
    columns: Vec<Column>,
    schema: Arc<Schema>,
    writing: Mutex<Writing>,
}

struct Writing {
    /// Nothing once the end is written.
    file: Option<Groups<Ready>>,
    ready: Ready,
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
    /// `threads` is how many columns are worked on at once.
    pub(super) fn of(dialect: &dyn Dialect, table: &Table, threads: usize) -> Result<Self, Error> {
        let named = table.name.to_string();
        let columns: Vec<Column> = shown(table)
            .map(|(place, column)| Column::new(place, &column.name, Shape::of(dialect, &column.type_name)))
            .collect();
        let failed = failed(&named);
        let fields: Result<Vec<_>, ParquetError> = columns.iter().map(Column::field).collect();
        let shown = fields.and_then(|fields| Type::group_type_builder("schema").with_fields(fields).build());
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_created_by(concat!("rowkeep ", env!("CARGO_PKG_VERSION")).to_owned());
        let schema = Arc::new(Schema::new(columns.iter().map(Column::arrow).collect::<Vec<_>>()));
        let ready = Ready::default();
        let (shown, properties) = (Arc::new(shown.map_err(&failed)?), Arc::new(properties.build()));
        let file = SerializedFileWriter::new(ready.clone(), shown, properties).map_err(&failed)?;
        let file = Groups::new(file, Arc::clone(&schema), threads);
        let writing = Writing { file: Some(file), ready };
        Ok(Self { table: named, columns, schema, writing: Mutex::new(writing) })
    }

    fn writing(&self) -> MutexGuard<'_, Writing> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn failed(table: &str) -> impl Fn(ParquetError) -> Error + use<> {
    let table = table.to_owned();
    move |error| Error::Export(format!("table {table} cannot be written as Parquet: {error}"))
}

impl WriteRows for Parquet {
    fn head(&self) -> String {
        String::new()
    }

    fn prepare(&self, batch: RowBatch) -> Result<Prepared, Error> {
        let wrong = |problem: String| Error::Export(format!("{}.{problem}", self.table));
        let arrays = self.columns.iter().map(|column| column.array(&batch).map_err(wrong));
        let arrays = arrays.collect::<Result<Vec<_>, Error>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.rows()));
        let rows = RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays, &options);
        Ok(Prepared::Arrays(rows.map_err(|error| failed(&self.table)(error.into()))?))
    }

    fn write(&self, prepared: Prepared, out: &mut Vec<u8>) -> Result<(), Error> {
        let Prepared::Arrays(rows) = prepared else { return prepared.put(out) };
        let mut writing = self.writing();
        if let Some(file) = &mut writing.file {
            file.write(&rows).map_err(failed(&self.table))?;
        }
        out.extend(writing.ready.take());
        Ok(())
    }

    fn tail(&self, out: &mut Vec<u8>) -> Result<(), Error> {
        let mut writing = self.writing();
        if let Some(file) = writing.file.take() {
            file.close().map_err(failed(&self.table))?;
        }
        out.extend(writing.ready.take());
        Ok(())
    }

    fn notes(&self) -> Vec<String> {
        self.columns.iter().filter_map(|column| column.note(&self.table)).collect()
    }
}
