//! A database file that somebody packed.

use std::fs::File;
use std::io;
use std::sync::Arc;

use super::said::Said;
use super::scratch::Scratch;
use crate::file_source::{About, FileOptions, Format, Head, Source, temporary_failed};
use crate::sqlite::schema::ddl;
use crate::{EngineError, View};

/// A database file in gzip, zstd, xz, LZ4 or zip.
pub(crate) struct PackedDatabase;

impl Format for PackedDatabase {
    fn recognise(&self, head: &Head<'_>) -> Option<About> {
        head.bytes.starts_with(b"SQLite format 3\0").then(|| About {
            engine: ddl::ENGINE,
            what: "an SQLite database".to_owned(),
            written_by: None,
            database: None,
            time: None,
        })
    }

    fn open(
        &self,
        file: &Source,
        _about: &About,
        options: &FileOptions,
    ) -> Result<Arc<dyn View>, EngineError> {
        options.refuse_another(file, None)?;
        let scratch = Scratch::new(options.temporary.as_deref())?;
        let path = scratch.path();
        let mut content = file.open()?;
        let failed = |error| temporary_failed(path.parent().unwrap_or(&path), error);
        let mut unpacked = File::create(&path).map_err(failed)?;
        let mut buffer = vec![0; 256 * 1024];
        loop {
            let read = io::Read::read(&mut content, &mut buffer).map_err(|error| content.failed(error))?;
            if read == 0 {
                break;
            }
            io::Write::write_all(&mut unpacked, &buffer[..read]).map_err(failed)?;
        }
        drop(unpacked);
        scratch.into_view(options, Said { facts: options.facts.clone(), ..Said::default() })
    }
}
