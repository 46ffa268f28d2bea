//! What a file says of itself at its end, held against what can be true of it.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use parquet::file::reader::FileReader;
use parquet::file::serialized_reader::SerializedFileReader;

use super::failed::{Failed, guarded};
use crate::sqlite::plain_file::parquet_magic::{ENCRYPTED, MAGIC};

/// The mark at both ends, and the length of the footer in front of the last.
const SHORTEST_BYTES: u64 = 12;

/// The longest footer that is read, which is in memory whole.
const LONGEST_FOOTER_BYTES: u32 = 256 << 20;

/// Where the footer is, for people.
const PLACE: &str = "at its end";

/// Reads the footer, after which the rest of the file can be read.
pub(super) fn open(mut file: File) -> Result<SerializedFileReader<File>, Failed> {
    let length = marks(&mut file)?;
    let reader = guarded(|| PLACE.to_owned(), || SerializedFileReader::new(file))?;
    check(reader.metadata(), length)?;
    Ok(reader)
}

/// Looks at both ends; gives the length of the file.
fn marks(file: &mut File) -> Result<u64, Failed> {
    let mut ends = || -> io::Result<(u64, [u8; 4], [u8; 8])> {
        let length = file.seek(SeekFrom::End(0))?;
        let (mut first, mut last) = ([0; 4], [0; 8]);
        if length >= SHORTEST_BYTES {
            file.rewind()?;
            file.read_exact(&mut first)?;
            file.seek(SeekFrom::End(-8))?;
            file.read_exact(&mut last)?;
        }
        Ok((length, first, last))
    };
    let (length, first, last) = ends().map_err(|error| Failed::at(PLACE, error.to_string()))?;
    let (footer, mark) = last.split_at(4);
    if length >= SHORTEST_BYTES && (mark == ENCRYPTED || first.as_slice() == ENCRYPTED) {
        let what = "its footer is encrypted, and rowkeep has no key for it: decrypt the file first";
        return Err(Failed::Unread(what.to_owned()));
    }
    if length >= SHORTEST_BYTES && first.as_slice() != MAGIC {
        return Err(Failed::at("at its beginning", "it does not begin with PAR1, as Parquet does"));
    }
    if length < SHORTEST_BYTES || mark != MAGIC {
        return Err(Failed::at(PLACE, "it does not end with PAR1, as Parquet does: the file is cut off"));
    }
    let footer = footer.try_into().map_or(u32::MAX, u32::from_le_bytes);
    if u64::from(footer) > length - SHORTEST_BYTES {
        return Err(Failed::at(PLACE, "it says that its footer is longer than the file"));
    }
    if footer > LONGEST_FOOTER_BYTES {
        let longest = LONGEST_FOOTER_BYTES >> 20;
        return Err(Failed::Unread(format!("its footer is longer than {longest} MiB, which is not read")));
    }
    Ok(length)
}

/// Whether what the footer says fits the file and itself.
fn check(metadata: &ParquetMetaData, length: u64) -> Result<(), Failed> {
    let columns = metadata.file_metadata().schema_descr().num_columns();
    if columns == 0 {
        return Err(Failed::Unread("it has no columns, so there is no table to read".to_owned()));
    }
    let mut rows: i64 = 0;
    for (at, group) in metadata.row_groups().iter().enumerate() {
        let wrong = |what: String| Failed::at(format!("row group {}", at + 1), what);
        if group.num_columns() != columns {
            let own = group.num_columns();
            return Err(wrong(format!("it has {own} columns, and the file has {columns}")));
        }
        if group.num_rows() < 0 {
            return Err(wrong("it says that it has fewer rows than none".to_owned()));
        }
        rows = rows.saturating_add(group.num_rows());
        if let Some(column) = group.columns().iter().find(|column| !is_within(column, length)) {
            let path = column.column_path().string();
            return Err(wrong(format!("column {path} would be outside the file: the file is cut off")));
        }
        if let Some(column) = group.columns().iter().find(|column| column.file_path().is_some()) {
            let path = column.column_path().string();
            let what = format!("the values of column {path} are in another file, which is not read");
            return Err(Failed::Unread(what));
        }
    }
    let said = metadata.file_metadata().num_rows();
    match said == rows {
        true => Ok(()),
        false => Err(Failed::at(PLACE, format!("it says that it has {said} rows, and has {rows}"))),
    }
}

/// Whether the values of a column are where a file of that length has any.
fn is_within(column: &ColumnChunkMetaData, length: u64) -> bool {
    let start = column.dictionary_page_offset().unwrap_or_else(|| column.data_page_offset());
    let end = start.checked_add(column.compressed_size());
    let is_positive = start >= 0 && column.compressed_size() >= 0 && column.num_values() >= 0;
    is_positive && end.is_some_and(|end| end.unsigned_abs() <= length)
}
