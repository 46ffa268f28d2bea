//! SQLite among the engines.

use std::path::Path;
use std::sync::Arc;

use secrecy::ExposeSecret;

use super::connect::header::is_database;
use super::dialect::SqliteDialect;
use super::engine::Sqlite;
use super::schema::ddl::ENGINE;
use super::scratch::InFolder;
use crate::dialect::Dialect;
use crate::kind::Kind;
use crate::scratch::{ScratchPlace, ScratchWanted};
use crate::url::Location;
use crate::{DatabaseUrl, Engine, EngineError, Surroundings};

/// SQLite.
#[derive(Debug, Clone, Copy)]
pub struct SqliteKind;

impl Kind for SqliteKind {
    fn name(&self) -> &'static str {
        ENGINE
    }

    fn dialect(&self) -> &'static dyn Dialect {
        &SqliteDialect
    }

    fn schemes(&self) -> &'static [&'static str] {
        &["sqlite:"]
    }

    fn parse(&self, text: &str) -> Result<Option<DatabaseUrl>, EngineError> {
        let path = text.strip_prefix("sqlite:").map(|path| path.strip_prefix("//").unwrap_or(path));
        Ok(path.map(|path| DatabaseUrl::of_path(ENGINE, path)))
    }

    fn connect(
        &self,
        url: &DatabaseUrl,
        surroundings: &Surroundings,
    ) -> Result<Arc<dyn Engine>, EngineError> {
        Ok(Arc::new(Sqlite::new(path(url).to_owned(), surroundings)))
    }

    fn name_of(&self, url: &DatabaseUrl) -> Option<String> {
        path(url).file_stem().and_then(|stem| stem.to_str()).map(str::to_owned)
    }

    fn beside(&self, url: &DatabaseUrl, suffix: &str) -> String {
        let path = path(url);
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let extension = path.extension().map(|extension| format!(".{}", extension.to_string_lossy()));
        let name = format!("{stem}-{suffix}{}", extension.unwrap_or_default());
        path.with_file_name(name).display().to_string()
    }

    fn file(&self) -> Option<&'static str> {
        Some("an SQLite database")
    }

    fn recognise(&self, file: &Path) -> bool {
        is_database(file) == Some(true)
    }

    fn scratch_in(
        &self,
        folder: &Path,
        _wanted: &ScratchWanted,
        surroundings: &Surroundings,
    ) -> Result<Box<dyn ScratchPlace>, EngineError> {
        Ok(Box::new(InFolder::new(folder, surroundings)))
    }
}

/// The path of a database, which every URL of one is.
fn path(url: &DatabaseUrl) -> &Path {
    match url.location() {
        Location::File(path) => path,
        Location::Url(url) => Path::new(url.expose_secret()),
    }
}
