//! The connection of a service to the state that it has alone.

use std::cell::RefCell;
use std::collections::HashMap;

use rowkeep::engine::postgres::{OwnConnection, OwnDatabase};
use rowkeep::engine::{EngineError, ErrorKind};

use super::lock::{self, Backend};
use super::tables::{self, Found};
use crate::state::statements::Prepared;
use crate::state::version::VERSION;

/// A connection that has the lock of the state.
pub(super) struct Link {
    pub(super) connection: OwnConnection,
    pub(super) prepared: Prepared,
    pub(super) backend: Backend,
    pub(super) schema: String,
    pub(super) found: Found,
    /// Which service has the state, and the number of the last transaction that wrote.
    pub(super) service: String,
    pub(super) written: i64,
}

/// Why there is no link.
#[derive(Debug)]
pub(super) enum Unlinked {
    /// Another process has the lock; where that is another service, its id.
    InUse { service: Option<String> },
    /// The tables are of a newer version.
    Newer { version: i64 },
    /// The schema holds something else.
    OtherSchema { schema: String },
    /// The server cannot be used.
    Failed(EngineError),
}

impl From<EngineError> for Unlinked {
    fn from(error: EngineError) -> Self {
        Self::Failed(error)
    }
}

impl Link {
    /// Connects, and takes the lock. `before` is the process of the server that worked for us before, if one did.
    pub(super) async fn make(database: &OwnDatabase, before: Option<&Backend>) -> Result<Self, Unlinked> {
        let connection = database.connect("the state of a service").await?;
        if connection.encoding() != "UTF8" {
            return Err(EngineError::new(
                ErrorKind::Unsupported,
                format!(
                    "{database} is encoded as {}, and the state needs a database with ENCODING 'UTF8'",
                    connection.encoding()
                ),
            )
            .into());
        }
        let schema = tables::schema(&connection).await?;
        tables::enter(&connection, &schema).await?;
        let is_ours = lock::take(&connection, &schema, before).await?;
        let found = tables::found(&connection, &schema).await?;
        let (service, written) = match found {
            Found::State { version } if version > VERSION => return Err(Unlinked::Newer { version }),
            Found::State { .. } => last(&connection).await?,
            Found::Nothing => (String::new(), 0),
            Found::Other => return Err(Unlinked::OtherSchema { schema }),
        };
        if !is_ours {
            return Err(Unlinked::InUse { service: Some(service).filter(|service| !service.is_empty()) });
        }
        let backend = Backend::of(&connection).await?;
        let prepared = RefCell::new(HashMap::new());
        Ok(Self { connection, prepared, backend, schema, found, service, written })
    }
}

/// Which service has a state, and the number of the last transaction that wrote.
async fn last(connection: &OwnConnection) -> Result<(String, i64), EngineError> {
    let failed = |error| connection.failed("it cannot be read who has the state", error);
    let row = connection.client().query_one("SELECT service, written FROM rowkeep_state", &[]).await;
    let row = row.map_err(failed)?;
    Ok((row.try_get(0).map_err(failed)?, row.try_get(1).map_err(failed)?))
}
