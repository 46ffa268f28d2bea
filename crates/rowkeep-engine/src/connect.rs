use std::sync::Arc;

use crate::postgres::{self, Postgres};
use crate::sqlite::Sqlite;
use secrecy::ExposeSecret;

use crate::{DatabaseUrl, Engine, EngineError, Surroundings};

/// Where a database is, as its identity has it.
pub fn place(url: &DatabaseUrl) -> Result<String, EngineError> {
    Ok(connect(url, &Surroundings::default())?.place())
}

/// A URL with what it leaves to its surroundings, as PostgreSQL's own programs would have it.
pub fn completed(url: DatabaseUrl, surroundings: &Surroundings) -> Result<DatabaseUrl, EngineError> {
    Ok(match url {
        DatabaseUrl::Postgres(url) => {
            DatabaseUrl::Postgres(postgres::completed(url.expose_secret(), &surroundings.libpq)?.into())
        }
        sqlite => sqlite,
    })
}

/// The engine for a database.
pub fn connect(url: &DatabaseUrl, surroundings: &Surroundings) -> Result<Arc<dyn Engine>, EngineError> {
    Ok(match url {
        DatabaseUrl::Postgres(url) => Arc::new(Postgres::new(url.expose_secret(), surroundings)?),
        DatabaseUrl::Sqlite(path) => Arc::new(Sqlite::new(path.clone(), surroundings)),
    })
}
