//! Making a database: all of it is made aside, and put into its place in the end.

use std::sync::{Mutex, PoisonError};

use futures::TryStreamExt;
use rowkeep::async_trait;
use rowkeep::engine::{CreateOptions, EngineError, ErrorKind, Finished, RowStream, Target};
use rowkeep::format::{Schema, Table};
use rusqlite::Connection;
use tokio_util::sync::CancellationToken;

use super::rows::{failed, insert, inserting};
use super::schema::statements;
use super::store;

pub(super) struct InMaking {
    name: String,
    /// Nothing once it is finished or has failed.
    database: Mutex<Option<Connection>>,
    later: Vec<String>,
    stop: CancellationToken,
}

fn stopped() -> EngineError {
    EngineError::new(ErrorKind::Stopped, "stopped; nothing was changed")
}

impl InMaking {
    pub(super) fn begin(name: &str, schema: &Schema, options: &CreateOptions) -> Result<Self, EngineError> {
        if options.stop.is_cancelled() {
            return Err(stopped());
        }
        if schema.ddl.is_empty() {
            return Err(EngineError::new(ErrorKind::Unsupported, "a backup of data alone makes no database"));
        }
        let database = store::empty();
        for sql in statements(schema, 0) {
            database.execute_batch(&sql).map_err(|error| failed(ErrorKind::Other, &error))?;
        }
        let (database, later) = (Mutex::new(Some(database)), statements(schema, 1));
        Ok(Self { name: name.to_owned(), database, later, stop: options.stop.clone() })
    }

    fn take(&self) -> Result<Connection, EngineError> {
        let taken = self.database.lock().unwrap_or_else(PoisonError::into_inner).take();
        taken.ok_or_else(|| {
            EngineError::new(ErrorKind::Other, "it was abandoned, or a table could not be loaded")
        })
    }
}

#[async_trait]
impl Target for InMaking {
    fn parallelism(&self) -> usize {
        1
    }

    async fn load(&self, table: &Table, rows: RowStream) -> Result<(), EngineError> {
        let loading = rows.try_for_each(|batch| {
            let database = self.database.lock().unwrap_or_else(PoisonError::into_inner);
            let inserted = match database.as_ref() {
                None => Err(EngineError::new(ErrorKind::Other, "another table could not be loaded")),
                Some(database) => inserting(database, table).and_then(|mut statement| {
                    let _ = database.execute_batch("BEGIN");
                    let inserted =
                        (0..batch.rows()).try_for_each(|row| insert(&mut statement, batch.row(row)));
                    let _ = database.execute_batch("COMMIT");
                    inserted
                }),
            };
            std::future::ready(inserted)
        });
        let loaded = loading.await;
        if loaded.is_err() {
            // What lacks rows is no database.
            let _ = self.take();
        }
        loaded
    }

    async fn finish(&self) -> Result<Finished, EngineError> {
        if self.stop.is_cancelled() {
            return Err(stopped());
        }
        let database = self.take()?;
        for sql in &self.later {
            database.execute_batch(sql).map_err(|error| failed(ErrorKind::Other, &error))?;
        }
        store::put(&self.name, database);
        Ok(Finished::default())
    }

    async fn abandon(&self) -> Result<(), EngineError> {
        let _ = self.take();
        Ok(())
    }
}
