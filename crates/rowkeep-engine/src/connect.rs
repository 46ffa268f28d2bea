use std::path::Path;
use std::sync::Arc;

use crate::d1::D1;
use crate::file::{FileEngine, recognise};
use crate::postgres::{self, Postgres};
use crate::sqlite::{Sqlite, is_database};
use secrecy::ExposeSecret;

use crate::{DatabaseUrl, Engine, EngineError, Surroundings};

/// Where a database is, as its identity has it.
pub fn place(url: &DatabaseUrl) -> Result<String, EngineError> {
    Ok(match url {
        DatabaseUrl::Postgres(url) => Postgres::new(url.expose_secret(), &Surroundings::default())?.place(),
        DatabaseUrl::D1(url) => D1::place_of(url.expose_secret())?,
        // Whatever file it is.
        DatabaseUrl::Sqlite(path) => Sqlite::new(path.clone(), &Surroundings::default()).place(),
    })
}

/// Whether a path names a file of a format that is read beside databases: a dump, or a folder that is one.
pub fn is_dump(path: &Path) -> bool {
    matches!(recognise(path), Ok(Some(_)))
}

/// Whether a file is an SQLite database.
pub fn is_sqlite(path: &Path) -> bool {
    is_database(path) == Some(true)
}

/// A URL with what it leaves to its surroundings, as PostgreSQL's own programs would have it.
pub fn completed(url: DatabaseUrl, surroundings: &Surroundings) -> Result<DatabaseUrl, EngineError> {
    Ok(match url {
        DatabaseUrl::Postgres(url) => {
            DatabaseUrl::Postgres(postgres::completed(url.expose_secret(), &surroundings.libpq)?.into())
        }
        complete => complete,
    })
}

/// The engine for a database, or for a file of another format, whose content says what it is.
pub fn connect(url: &DatabaseUrl, surroundings: &Surroundings) -> Result<Arc<dyn Engine>, EngineError> {
    Ok(match url {
        DatabaseUrl::Postgres(url) => Arc::new(Postgres::new(url.expose_secret(), surroundings)?),
        DatabaseUrl::D1(url) => Arc::new(D1::new(url.expose_secret(), surroundings)?),
        DatabaseUrl::Sqlite(path) => match recognise(path)? {
            Some(found) => Arc::new(FileEngine::new(found, surroundings)),
            None => Arc::new(Sqlite::new(path.clone(), surroundings)),
        },
    })
}
