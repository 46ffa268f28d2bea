//! What dumps of MySQL and MariaDB look like.

use std::sync::Arc;

use super::head::told;
use super::open::open;
use crate::file_source::{About, FileOptions, Format, Head, Source};
use crate::sqlite::schema::ddl;
use crate::{EngineError, View};

/// Dumps of `mysqldump`, `mariadb-dump` and phpMyAdmin, and other scripts in MySQL's dialect.
pub(crate) struct MySqlDump;

impl Format for MySqlDump {
    fn recognise(&self, head: &Head<'_>) -> Option<About> {
        if head.is_folder {
            return None;
        }
        let told = told(head.bytes)?;
        Some(About {
            engine: ddl::ENGINE,
            what: told.what.to_owned(),
            written_by: told.written_by,
            database: told.database,
            time: None,
        })
    }

    fn open(
        &self,
        file: &Source,
        _about: &About,
        options: &FileOptions,
    ) -> Result<Arc<dyn View>, EngineError> {
        open(file, options)
    }
}
