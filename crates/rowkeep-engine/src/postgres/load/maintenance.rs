//! Databases from which others are made and dropped.

use crate::postgres::connect::server::Server;
use crate::postgres::connect::session::Session;
use crate::postgres::connect::settings;
use crate::{EngineError, ErrorKind};

/// Databases that every server has, from which another can be made.
pub(crate) const DATABASES: [&str; 2] = ["postgres", "template1"];

/// A session in one of them, and not in the server's own database.
pub(crate) async fn session(server: &Server) -> Result<Session, EngineError> {
    let mut last = none();
    for name in DATABASES.iter().filter(|name| **name != server.database()) {
        match server.with_database(name).connect().await {
            Ok(session) => {
                session.settle(&settings::to_load(session.major)).await?;
                return Ok(session);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// That there is none.
pub(crate) fn none() -> EngineError {
    EngineError::new(ErrorKind::NotFound, "the server has no database to begin from")
}
