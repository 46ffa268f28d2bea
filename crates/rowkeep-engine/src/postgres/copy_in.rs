//! Rows into a table, by `COPY ... FROM STDIN` over one connection or two.

use std::collections::VecDeque;
use std::pin::pin;

use bytes::Bytes;
use futures::stream::Fuse;
use futures::{SinkExt, StreamExt};
use rowkeep_format::RowBatch;
use tokio::sync::Mutex;

use super::encode;
use super::failure::failed;
use super::session::Session;
use crate::{EngineError, ErrorKind, RowStream};

/// How many bytes go into one `COPY`. The client library tells of an error only at the end of each.
const SEGMENT_BYTES: usize = 64 << 20;

/// Batches that several connections take turns to take.
pub(super) struct Source {
    head: VecDeque<RowBatch>,
    rows: Fuse<RowStream>,
}

impl Source {
    /// Reads ahead until `bytes` are there; the answer says whether there is more.
    pub(super) async fn begin(rows: RowStream, bytes: usize) -> Result<(Self, bool), EngineError> {
        let mut rows = rows.fuse();
        let mut head = VecDeque::new();
        let mut there = 0;
        while there < bytes {
            let Some(batch) = rows.next().await else { return Ok((Self { head, rows }, false)) };
            let batch = batch?;
            there += batch.bytes() + batch.rows();
            head.push_back(batch);
        }
        Ok((Self { head, rows }, true))
    }

    async fn next(&mut self) -> Result<Option<RowBatch>, EngineError> {
        match self.head.pop_front() {
            Some(batch) => Ok(Some(batch)),
            None => self.rows.next().await.transpose(),
        }
    }
}

/// What rows go into.
pub(super) struct Destination {
    /// What it is, for errors.
    pub(super) what: String,
    /// The statement.
    pub(super) copy: String,
}

impl Destination {
    /// Takes batches from the source until there are none, and gives them to the server.
    pub(super) async fn fill(&self, session: &Session, source: &Mutex<Source>) -> Result<(), EngineError> {
        while let Some(first) = take(source).await? {
            self.segment(session, first, source).await?;
        }
        Ok(())
    }

    async fn segment(
        &self,
        session: &Session,
        first: RowBatch,
        source: &Mutex<Source>,
    ) -> Result<(), EngineError> {
        let failed = |error| failed(format!("cannot load {}", self.what), error);
        let mut sink = pin!(session.client.copy_in::<_, Bytes>(&self.copy).await.map_err(failed)?);
        let mut next = Some(first);
        let mut sent_rows = 0;
        let mut sent_bytes = 0;
        while let Some(batch) = next {
            let mut text = Vec::with_capacity(batch.bytes() + batch.bytes() / 4 + 16 * batch.rows());
            encode::rows(&batch, &mut text);
            sent_rows += batch.rows() as u64;
            sent_bytes += text.len();
            drop(batch);
            sink.send(Bytes::from(text)).await.map_err(failed)?;
            if sent_bytes >= SEGMENT_BYTES {
                break;
            }
            next = take(source).await?;
        }
        let taken = sink.finish().await.map_err(failed)?;
        if taken == sent_rows {
            return Ok(());
        }
        Err(EngineError::new(
            ErrorKind::Other,
            format!("{} took {taken} of {sent_rows} rows that were sent", self.what),
        ))
    }
}

/// Takes the next batch. A function of its own, so that the lock ends with it.
async fn take(source: &Mutex<Source>) -> Result<Option<RowBatch>, EngineError> {
    source.lock().await.next().await
}
