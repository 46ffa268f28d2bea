//! One reading of rows: a `COPY ... TO STDOUT`, as a stream of batches.

use std::borrow::Cow;
use std::future::poll_fn;
use std::pin::pin;

use futures::StreamExt;
use rowkeep_format::RowBatch;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_postgres::CopyOutStream;
use tokio_postgres::error::SqlState;

use super::copy_decoder::CopyDecoder;
use super::reading::{Reading, Sender, WAITING_BATCHES};
use crate::postgres::connect::copy_sink::{CopySink, Stopped};
use crate::postgres::connect::failure::{reading_failed, statement_failed};
use crate::postgres::connect::session::Session;
use crate::{EngineError, ErrorKind, RowStream};

/// How a reading ended when it did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReadingEnd {
    /// All rows were handed on.
    Complete,
    /// Somebody waits for a lock on the table that others have to wait behind; nothing was handed on.
    Locked,
    /// Nobody takes the rows any more; not all were handed on.
    Unwanted,
}

/// Runs a reading on a connection and hands the batches on; ends early when nobody takes them any more.
///
/// The connection has to be cut unless the outcome is [`ReadingEnd::Complete`]: rows may be on their way, and be caught.
pub(crate) async fn read(
    session: &Session,
    reading: &Reading,
    to: &Sender,
) -> Result<ReadingEnd, EngineError> {
    let Some(interceptor) = &session.interceptor else {
        return read_without_interceptor(session, reading, to).await;
    };
    interceptor.catch(Box::new(CopyDecoder::new(reading, to).in_charset(session.charset())));
    let ended = match begin(session, reading).await {
        Ok(Some(copy)) => pin!(copy).next().await.transpose(),
        Ok(None) => {
            interceptor.release()?;
            return Ok(ReadingEnd::Locked);
        }
        Err(error) => Err(error),
    };
    // What is wrong with the rows ended the connection, and says more than that it ended.
    let caught = interceptor.release()?;
    match (ended.map_err(|error| failed(reading, error))?, caught) {
        (None, Some(mut rest)) => hand_on(&mut *rest).await,
        _ => Err(EngineError::new(ErrorKind::Other, format!("cannot read {}", reading.what))
            .with_source("a row came that was not caught")),
    }
}

/// The same through the client library alone, for a connection that has no interceptor or that others need afterwards, however
/// this ends.
pub(crate) async fn read_without_interceptor(
    session: &Session,
    reading: &Reading,
    to: &Sender,
) -> Result<ReadingEnd, EngineError> {
    read_by_library(session, reading, to, |error| failed(reading, error)).await
}

/// The same for a statement that was given, which may wait for locks and may be wrong.
pub(crate) async fn read_statement(
    session: &Session,
    reading: &Reading,
    to: &Sender,
) -> Result<(), EngineError> {
    let failed = |error| statement_failed("cannot run the statement", error);
    match read_by_library(session, reading, to, failed).await? {
        ReadingEnd::Complete | ReadingEnd::Unwanted => Ok(()),
        ReadingEnd::Locked => Err(EngineError::new(
            ErrorKind::Busy,
            "cannot run the statement: another session holds a lock on what it reads",
        )),
    }
}

async fn read_by_library(
    session: &Session,
    reading: &Reading,
    to: &Sender,
    failed: impl Fn(tokio_postgres::Error) -> EngineError,
) -> Result<ReadingEnd, EngineError> {
    let Some(copy) = begin(session, reading).await.map_err(&failed)? else {
        return Ok(ReadingEnd::Locked);
    };
    let mut copy = pin!(copy);
    let mut decoder = CopyDecoder::new(reading, to).in_charset(session.charset());
    while let Some(message) = copy.next().await {
        decoder.row(&message.map_err(&failed)?)?;
        if decoder.is_full() && hand_on(&mut decoder).await? == ReadingEnd::Unwanted {
            return Ok(ReadingEnd::Unwanted);
        }
    }
    hand_on(&mut decoder).await
}

/// Begins to read, unless somebody waits for a lock on the table.
async fn begin(session: &Session, reading: &Reading) -> Result<Option<CopyOutStream>, tokio_postgres::Error> {
    let copy = match session.charset() {
        Some(charset) => Cow::Owned(format!("{} WITH (ENCODING '{}')", reading.copy, charset.name)),
        None => Cow::Borrowed(&reading.copy),
    };
    match session.client.copy_out(copy.as_str()).await {
        Ok(copy) => Ok(Some(copy)),
        Err(error) if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) => Ok(None),
        Err(error) => Err(error),
    }
}

async fn hand_on(sink: &mut dyn CopySink) -> Result<ReadingEnd, EngineError> {
    match poll_fn(|context| sink.poll_hand_on(context)).await {
        Ok(()) => Ok(ReadingEnd::Complete),
        Err(Stopped::Unwanted) => Ok(ReadingEnd::Unwanted),
        Err(Stopped::Failed(error)) => Err(error),
    }
}

fn failed(reading: &Reading, error: tokio_postgres::Error) -> EngineError {
    reading_failed(format!("cannot read {}", reading.what), error)
}

/// A task's batches as a stream, which ends well only if the task did. Dropping the stream ends the task.
pub(crate) fn stream<F>(work: impl FnOnce(Sender) -> F) -> RowStream
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
