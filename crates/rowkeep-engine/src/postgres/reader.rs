//! One reading of rows: a `COPY ... TO STDOUT`, as a stream of batches.

use std::pin::pin;

use futures::StreamExt;
use rowkeep_format::{RowBatch, Value};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_postgres::error::SqlState;

use super::decode;
use super::failure::{reading_failed, statement_failed};
use super::session::Session;
use crate::{EngineError, ErrorKind, RowStream};

/// How many batches may wait between the connection and whoever takes them.
pub(super) const WAITING_BATCHES: usize = 3;

/// The largest row that is read, in bytes of its text; PostgreSQL's own limit is four times that.
const LARGEST_ROW_BYTES: usize = 256 << 20;

/// The most rows in a batch, for tables whose rows are next to nothing.
const MOST_ROWS: usize = 16 * 1024;

/// Where batches go.
pub(super) type Sender = mpsc::Sender<RowBatch>;

/// What is to be read.
#[derive(Debug, Clone)]
pub(super) struct Reading {
    /// What it is, for errors.
    pub(super) what: String,
    /// The statement.
    pub(super) copy: String,
    /// How many columns it gives.
    pub(super) columns: usize,
    /// Whether the last column is `bytea` and is to become blobs.
    pub(super) blobs: bool,
}

/// How a reading ended when it did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// All rows were handed on.
    Complete,
    /// Somebody waits for a lock on the table that others have to wait behind; nothing was handed on.
    Locked,
}

/// Runs a reading on a connection and hands the batches on; ends early when nobody takes them any more.
pub(super) async fn read(session: &Session, reading: &Reading, to: &Sender) -> Result<Outcome, EngineError> {
    run(session, reading, to, |error| reading_failed(format!("cannot read {}", reading.what), error)).await
}

/// The same for a statement that was given, which may wait for locks and may be wrong.
pub(super) async fn read_statement(
    session: &Session,
    reading: &Reading,
    to: &Sender,
) -> Result<(), EngineError> {
    match run(session, reading, to, |error| statement_failed("cannot run the statement", error)).await? {
        Outcome::Complete => Ok(()),
        Outcome::Locked => Err(EngineError::new(
            ErrorKind::Busy,
            "cannot run the statement: another session holds a lock on what it reads",
        )),
    }
}

async fn run(
    session: &Session,
    reading: &Reading,
    to: &Sender,
    failed: impl Fn(tokio_postgres::Error) -> EngineError,
) -> Result<Outcome, EngineError> {
    let copy = match session.client.copy_out(&reading.copy).await {
        Ok(copy) => copy,
        Err(error) if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) => return Ok(Outcome::Locked),
        Err(error) => return Err(failed(error)),
    };
    let mut copy = pin!(copy);
    let mut batch = RowBatch::new(reading.columns);
    let mut bytes = 0;
    while let Some(message) = copy.next().await {
        let message = message.map_err(&failed)?;
        if message.len() > LARGEST_ROW_BYTES {
            return Err(EngineError::new(
                ErrorKind::Unstorable,
                format!(
                    "{} has a row of {} MiB, and {} MiB is the most that is read",
                    reading.what,
                    message.len() >> 20,
                    LARGEST_ROW_BYTES >> 20
                ),
            ));
        }
        decode::row(&message, &mut batch).map_err(|error| malformed(reading, error))?;
        bytes += message.len();
        if bytes >= RowBatch::TARGET_BYTES || batch.rows() >= MOST_ROWS {
            bytes = 0;
            if to.send(finished(batch.take(), reading)?).await.is_err() {
                return Ok(Outcome::Complete);
            }
        }
    }
    if !batch.is_empty() {
        let _ = to.send(finished(batch, reading)?).await;
    }
    Ok(Outcome::Complete)
}

fn finished(batch: RowBatch, reading: &Reading) -> Result<RowBatch, EngineError> {
    if !reading.blobs {
        return Ok(batch);
    }
    let mut out = RowBatch::new(reading.columns);
    let last = reading.columns - 1;
    for row in 0..batch.rows() {
        let bytes =
            decode::bytes(batch.columns()[last].bytes(row)).map_err(|error| malformed(reading, error))?;
        out.push_row((0..last).map(|column| batch.value(row, column)).chain([Value::Blob(&bytes)]));
    }
    Ok(out)
}

fn malformed(reading: &Reading, error: decode::Malformed) -> EngineError {
    EngineError::new(ErrorKind::Other, format!("cannot read {}", reading.what)).with_source(error)
}

/// A task's batches as a stream, which ends well only if the task did. Dropping the stream ends the task.
pub(super) fn stream<F>(work: impl FnOnce(Sender) -> F) -> RowStream
where
    F: Future<Output = Result<(), EngineError>> + Send + 'static,
{
    let (sender, batches) = mpsc::channel(WAITING_BATCHES);
    let task = tokio::spawn(work(sender));
    futures::stream::unfold(Some((batches, Task(task))), next).boxed()
}

type Running = (mpsc::Receiver<RowBatch>, Task);

async fn next(running: Option<Running>) -> Option<(Result<RowBatch, EngineError>, Option<Running>)> {
    let (mut batches, mut task) = running?;
    if let Some(batch) = batches.recv().await {
        return Some((Ok(batch), Some((batches, task))));
    }
    let ended = (&mut task.0).await.unwrap_or_else(|error| {
        Err(EngineError::new(ErrorKind::Other, "a task that reads rows ended unexpectedly")
            .with_source(error))
    });
    ended.err().map(|error| (Err(error), None))
}

struct Task(JoinHandle<Result<(), EngineError>>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}
