//! IndexedDB among the engines.

use std::path::Path;
use std::sync::Arc;

use secrecy::ExposeSecret;

use super::dialect::IndexedDbDialect;
use super::engine::IndexedDb;
use super::schema::NAME;
use crate::dialect::Dialect;
use crate::kind::Kind;
use crate::scratch::{ScratchPlace, ScratchWanted};
use crate::url::Location;
use crate::{DatabaseUrl, Engine, EngineError, ErrorKind, Surroundings};

/// How URLs of its databases begin: behind it stands what a database is called in its browsers.
const SCHEME: &str = "indexeddb:";

/// IndexedDB.
#[derive(Debug, Clone, Copy)]
pub(crate) struct IndexedDbKind;

impl Kind for IndexedDbKind {
    fn name(&self) -> &'static str {
        NAME
    }

    fn dialect(&self) -> &'static dyn Dialect {
        &IndexedDbDialect
    }

    fn schemes(&self) -> &'static [&'static str] {
        &[SCHEME]
    }

    fn parse(&self, text: &str) -> Result<Option<DatabaseUrl>, EngineError> {
        match text.strip_prefix(SCHEME) {
            None => Ok(None),
            Some("") => {
                let message =
                    "indexeddb: needs the name that the database has in its browsers: indexeddb:NAME";
                Err(EngineError::new(ErrorKind::InvalidUrl, message))
            }
            Some(_) => Ok(Some(DatabaseUrl::of_url(NAME, text))),
        }
    }

    fn connect(&self, url: &DatabaseUrl, _: &Surroundings) -> Result<Arc<dyn Engine>, EngineError> {
        Ok(Arc::new(IndexedDb { name: name(url) }))
    }

    fn arrives(&self) -> bool {
        true
    }

    fn name_of(&self, url: &DatabaseUrl) -> Option<String> {
        Some(name(url))
    }

    fn beside(&self, url: &DatabaseUrl, suffix: &str) -> String {
        format!("{SCHEME}{}-{suffix}", name(url))
    }

    fn scratch_in(
        &self,
        _folder: &Path,
        _wanted: &ScratchWanted,
        _surroundings: &Surroundings,
    ) -> Result<Box<dyn ScratchPlace>, EngineError> {
        Err(out_of_reach())
    }
}

/// What a database is called in its browsers.
fn name(url: &DatabaseUrl) -> String {
    match url.location() {
        Location::Url(url) => {
            let url = url.expose_secret();
            url.strip_prefix(SCHEME).unwrap_or(url).to_owned()
        }
        Location::File(path) => path.display().to_string(),
    }
}

fn out_of_reach() -> EngineError {
    EngineError::new(
        ErrorKind::Unsupported,
        "databases of IndexedDB are made and changed by pages in their browsers alone: restore a file of the state there",
    )
}
