use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use futures::{StreamExt, TryStreamExt, stream};
use rowkeep_format::{RowBatch, Schema, Table};
use tokio::sync::{Mutex, mpsc};
use tokio_util::sync::CancellationToken;

use super::new_database::NewDatabase;
use super::stored_order::in_stored_order;
use crate::sort::SortOptions;
use crate::sqlite::connect::blocking::blocking;
use crate::sqlite::connect::interrupt::{self, Interrupt};
use crate::sqlite::connect::patience::Patience;
use crate::worker::WAITING_BATCHES;
use crate::{CreateOptions, EngineError, ErrorKind, Finished, RowStream, Target};

/// Up to this size the rows of a table are read before it is filled, which then needs no thread that waits for them.
const SMALL_BYTES: usize = 256 * 1024;

/// A database that is being made, by one thread at a time.
pub(crate) struct SqliteTarget {
    path: PathBuf,
    /// Nothing when it is finished, abandoned, or a load failed half-way.
    database: Arc<Mutex<Option<NewDatabase>>>,
    sort: SortOptions,
    stop: CancellationToken,
}

/// What goes to the thread that fills a table.
enum Step {
    Rows(RowBatch),
    /// These were all rows. Without it the reading has ended early, and the table is not what it should be.
    End,
}

impl SqliteTarget {
    /// Begins a database; blocks.
    pub(crate) fn begin(
        path: PathBuf,
        schema: &Schema,
        options: &CreateOptions,
        patience: &Patience,
        sort: SortOptions,
        interrupt: &Interrupt,
    ) -> Result<Self, EngineError> {
        let database = NewDatabase::begin(path.clone(), schema, options, patience, interrupt)?;
        Ok(Self::of(path, database, sort, options.stop.clone()))
    }

    /// Begins a database that is to take the place of what there is; blocks.
    pub(crate) fn begin_again(
        path: PathBuf,
        schema: &Schema,
        options: &CreateOptions,
        patience: &Patience,
        sort: SortOptions,
        interrupt: &Interrupt,
    ) -> Result<Self, EngineError> {
        let database = NewDatabase::begin_again(path.clone(), schema, options, patience, interrupt)?;
        Ok(Self::of(path, database, sort, options.stop.clone()))
    }

    fn of(path: PathBuf, database: NewDatabase, sort: SortOptions, stop: CancellationToken) -> Self {
        Self { path, database: Arc::new(Mutex::new(Some(database))), sort, stop }
    }

    fn gone(&self) -> EngineError {
        let message = format!("{}: the restore was ended or has failed before", self.path.display());
        EngineError::new(ErrorKind::Other, message)
    }
}

#[async_trait]
impl Target for SqliteTarget {
    fn parallelism(&self) -> usize {
        1
    }

    async fn load(&self, table: &Table, rows: RowStream) -> Result<(), EngineError> {
        let mut rows = in_stored_order(rows, table, &self.sort).await?.fuse();
        let mut place = Arc::clone(&self.database).lock_owned().await;
        // Out of its place until it has come to a good end.
        let mut database = place.take().ok_or_else(|| self.gone())?;
        let (mut first, mut first_bytes) = (Vec::new(), 0);
        while first_bytes < SMALL_BYTES {
            let Some(batch) = rows.try_next().await? else {
                let table = table.clone();
                return blocking(move || {
                    let mut loading = database.loading(&table)?;
                    first.into_iter().try_for_each(|batch| loading.add(batch))?;
                    loading.end()?;
                    *place = Some(database);
                    Ok(())
                })
                .await;
            };
            first_bytes += batch.bytes();
            first.push(batch);
        }
        let mut rows = stream::iter(first.into_iter().map(Ok)).chain(rows);
        let (steps, received) = mpsc::channel(WAITING_BATCHES);
        let table = table.clone();
        let thread = tokio::spawn(blocking(move || {
            let filled = fill(&mut database, &table, received);
            // Whoever waits for the place finds the file gone.
            *place = matches!(filled, Ok(true)).then_some(database);
            filled
        }));
        let mut ended = Ok(());
        while let Some(batch) = rows.next().await {
            let sent = match batch {
                Ok(batch) => steps.send(Step::Rows(batch)).await,
                Err(error) => {
                    ended = Err(error);
                    break;
                }
            };
            // Refused only when the thread has failed; its error comes below.
            if sent.is_err() {
                break;
            }
        }
        if ended.is_ok() {
            let _ = steps.send(Step::End).await;
        }
        drop(steps);
        let filled = thread.await.unwrap_or_else(|error| Err(self.gone().with_source(error)));
        ended.and(filled.map(|_| ()))
    }

    async fn finish(&self) -> Result<Finished, EngineError> {
        let database = self.database.lock().await.take().ok_or_else(|| self.gone())?;
        interrupt::stoppable(&self.stop, move |interrupt| database.finish(&interrupt)).await
    }

    async fn abandon(&self) -> Result<(), EngineError> {
        let database = self.database.lock().await.take();
        blocking(move || {
            drop(database);
            Ok(())
        })
        .await
    }
}

/// Fills a table; false when the rows ended early.
fn fill(
    database: &mut NewDatabase,
    table: &Table,
    mut steps: mpsc::Receiver<Step>,
) -> Result<bool, EngineError> {
    let mut loading = database.loading(table)?;
    while let Some(step) = steps.blocking_recv() {
        match step {
            Step::Rows(batch) => loading.add(batch)?,
            Step::End => return loading.end().map(|()| true),
        }
    }
    Ok(false)
}
