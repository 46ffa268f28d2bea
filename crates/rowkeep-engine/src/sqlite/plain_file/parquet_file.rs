//! Apache Parquet: a file with the rows of a table, or a folder with one for each. Builds with the feature `parquet` read it.

use std::sync::Arc;

use super::parquet_magic::{ENCRYPTED, MAGIC};
use super::rows_file::{PARQUET, about, ends, table_files};
use crate::file_source::{About, FileOptions, Format, Head, Source};
use crate::{EngineError, View};

/// Files of Apache Parquet.
pub(crate) struct ParquetFiles;

impl Format for ParquetFiles {
    fn recognise(&self, head: &Head<'_>) -> Option<About> {
        let is_named = if head.is_folder {
            table_files(head.path).iter().any(|path| ends(path, &PARQUET))
        } else {
            ends(head.path, &PARQUET)
        };
        let is_marked = !head.is_folder && [MAGIC, ENCRYPTED].iter().any(|mark| head.bytes.starts_with(mark));
        let known = || About { written_by: written_by(head), ..about("Apache Parquet", head.is_folder) };
        (is_named || is_marked).then(known)
    }

    #[cfg(feature = "parquet")]
    fn open(
        &self,
        file: &Source,
        _about: &About,
        options: &FileOptions,
    ) -> Result<Arc<dyn View>, EngineError> {
        super::rows_file::all(file, &PARQUET, options, super::parquet::read)
    }

    #[cfg(not(feature = "parquet"))]
    fn open(
        &self,
        file: &Source,
        _about: &About,
        _options: &FileOptions,
    ) -> Result<Arc<dyn View>, EngineError> {
        let message = format!(
            "{}: this build of rowkeep does not read Apache Parquet: use one that was built with `--features parquet`, or \
             write the rows as NDJSON or CSV",
            file.path().display()
        );
        Err(EngineError::new(crate::ErrorKind::Unsupported, message))
    }

    fn is_one_table(&self, file: &Source) -> bool {
        !file.is_folder()
    }
}

/// The program that wrote a file, where its end says so.
#[cfg(feature = "parquet")]
fn written_by(head: &Head<'_>) -> Option<String> {
    let file = std::fs::File::open(head.path).ok().filter(|_| !head.is_folder)?;
    super::parquet::written_by(file)
}

#[cfg(not(feature = "parquet"))]
fn written_by(_: &Head<'_>) -> Option<String> {
    None
}
