//! Rows on their way from messages of `COPY` into batches, and on to whoever reads them.

use std::task::{Context, Poll, ready};

use rowkeep_format::{RowBatch, Value};
use tokio_util::sync::PollSender;

use super::reading::{Reading, Sender};
use crate::postgres::connect::copy_sink::{CopySink, Stopped};
use crate::postgres::copy_text::charset::Charset;
use crate::postgres::copy_text::decode;
use crate::{EngineError, ErrorKind};

/// The largest row that is read, in bytes of its text; PostgreSQL's own limit is four times that.
const LARGEST_ROW_BYTES: usize = 256 << 20;

/// The most rows in a batch, for tables whose rows are next to nothing.
const MOST_ROWS: usize = 16 * 1024;

/// Takes the rows of one reading, message by message, and hands them on in batches.
pub(crate) struct CopyDecoder {
    reading: Reading,
    charset: Option<&'static Charset>,
    batch: RowBatch,
    bytes: usize,
    to: PollSender<RowBatch>,
}

impl CopyDecoder {
    /// Begins with the first row.
    pub(crate) fn new(reading: &Reading, to: &Sender) -> Self {
        Self {
            reading: reading.clone(),
            charset: None,
            batch: RowBatch::new(reading.columns),
            bytes: 0,
            to: PollSender::new(to.clone()),
        }
    }

    /// The same for rows that come in an encoding of the database's own.
    pub(crate) fn in_charset(self, charset: Option<&'static Charset>) -> Self {
        Self { charset, ..self }
    }
}

impl CopySink for CopyDecoder {
    fn check_size(&self, bytes: usize) -> Result<(), EngineError> {
        if bytes <= LARGEST_ROW_BYTES {
            return Ok(());
        }
        Err(EngineError::new(
            ErrorKind::Unstorable,
            format!(
                "{} has a row of {} MiB, and {} MiB is the most that is read",
                self.reading.what,
                bytes >> 20,
                LARGEST_ROW_BYTES >> 20
            ),
        ))
    }

    fn row(&mut self, message: &[u8]) -> Result<(), EngineError> {
        self.check_size(message.len())?;
        let decoded = match self.charset.filter(|_| !message.is_ascii()) {
            None => decode::row(message, &mut self.batch),
            Some(charset) => {
                let mut text = Vec::with_capacity(message.len() * 2);
                charset.decode(message, &mut text);
                decode::row(&text, &mut self.batch)
            }
        };
        decoded.map_err(|error| malformed(&self.reading, error))?;
        self.bytes += message.len();
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.bytes >= RowBatch::TARGET_BYTES || self.batch.rows() >= MOST_ROWS
    }

    fn poll_hand_on(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Stopped>> {
        if self.batch.is_empty() {
            return Poll::Ready(Ok(()));
        }
        if ready!(self.to.poll_reserve(context)).is_err() {
            return Poll::Ready(Err(Stopped::Unwanted));
        }
        self.bytes = 0;
        let batch = finished(self.batch.take(), &self.reading).map_err(Stopped::Failed);
        Poll::Ready(batch.and_then(|batch| self.to.send_item(batch).map_err(|_| Stopped::Unwanted)))
    }
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
