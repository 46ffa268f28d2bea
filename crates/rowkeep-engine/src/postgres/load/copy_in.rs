//! Rows into a table, by `COPY ... FROM STDIN`.

use std::collections::VecDeque;
use std::pin::pin;

use bytes::Bytes;
use futures::stream::Fuse;
use futures::{SinkExt, StreamExt};
use rowkeep_format::RowBatch;

use super::binary::{self, Form};
use crate::postgres::connect::failure::failed;
use crate::postgres::connect::session::Session;
use crate::postgres::copy_text::charset::Charset;
use crate::postgres::copy_text::encode;
use crate::{EngineError, ErrorKind, RowStream};

/// How many bytes go into one `COPY`. The client library tells of an error only at the end of each.
const SEGMENT_BYTES: usize = 64 << 20;

/// Batches of rows, of which the first may have been read ahead.
pub(crate) struct Source {
    head: VecDeque<RowBatch>,
    rows: Fuse<RowStream>,
}

impl Source {
    /// Reads ahead until `bytes` are there; the answer says whether there is more.
    pub(crate) async fn begin(rows: RowStream, bytes: usize) -> Result<(Self, bool), EngineError> {
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
pub(crate) struct Destination {
    /// What it is, for errors.
    pub(crate) what: String,
    /// The table and its columns, as SQL.
    pub(crate) into: String,
    /// The binary forms of the columns, when all have one.
    pub(crate) forms: Option<Vec<Form>>,
    /// Whether rows are written as visible to everybody, which the server allows to a transaction that has emptied
    /// the table.
    pub(crate) freeze: bool,
}

impl Destination {
    /// Takes batches from the source until there are none, and gives them to the server.
    pub(crate) async fn fill(&self, session: &Session, source: &mut Source) -> Result<(), EngineError> {
        let mut next = source.next().await?;
        while let Some(first) = next {
            next = match self.segment(session, first, source).await? {
                Some(other) => Some(other),
                None => source.next().await?,
            };
        }
        Ok(())
    }

    /// Runs one `COPY`. Gives back the batch with which another has to begin, when that was taken already.
    async fn segment(
        &self,
        session: &Session,
        first: RowBatch,
        source: &mut Source,
    ) -> Result<Option<RowBatch>, EngineError> {
        let failed = |error| failed(format!("cannot load {}", self.what), error);
        let mut bytes = Vec::with_capacity(room(&first));
        let charset = session.charset();
        let is_binary = charset.is_none() && self.begins_binary(&first, &mut bytes);
        if !is_binary {
            encode::rows(&first, &mut bytes);
        }
        let copy = self.statement(is_binary, charset);
        let mut sink = pin!(session.client.copy_in::<_, Bytes>(&copy).await.map_err(failed)?);
        let mut sent_rows = first.rows() as u64;
        let mut sent_bytes = 0;
        drop(first);
        let other = loop {
            sent_bytes += bytes.len();
            if let Some(charset) = charset {
                bytes = charset.encode(bytes, &self.what)?;
            }
            sink.send(Bytes::from(bytes)).await.map_err(failed)?;
            if sent_bytes >= SEGMENT_BYTES {
                break None;
            }
            let Some(batch) = source.next().await? else { break None };
            bytes = Vec::with_capacity(room(&batch));
            match self.forms.as_ref().filter(|_| charset.is_none()) {
                None => encode::rows(&batch, &mut bytes),
                Some(forms) if is_binary && binary::rows(&batch, forms, &mut bytes) => {}
                Some(_) => break Some(batch),
            }
            sent_rows += batch.rows() as u64;
        };
        if is_binary {
            sink.send(Bytes::from_static(binary::TRAILER)).await.map_err(failed)?;
        }
        let taken = sink.finish().await.map_err(failed)?;
        if taken == sent_rows {
            return Ok(other);
        }
        Err(EngineError::new(
            ErrorKind::Other,
            format!("{} took {taken} of {sent_rows} rows that were sent", self.what),
        ))
    }

    /// Writes the head and the first batch of a binary `COPY`, if the batch can be written so.
    fn begins_binary(&self, first: &RowBatch, out: &mut Vec<u8>) -> bool {
        let Some(forms) = &self.forms else { return false };
        out.extend_from_slice(binary::HEADER);
        let done = binary::rows(first, forms, out);
        if !done {
            out.clear();
        }
        done
    }

    fn statement(&self, is_binary: bool, charset: Option<&Charset>) -> String {
        let options = [
            is_binary.then(|| "FORMAT binary".to_owned()),
            self.freeze.then(|| "FREEZE".to_owned()),
            charset.map(|charset| format!("ENCODING '{}'", charset.name)),
        ];
        let options = options.into_iter().flatten().collect::<Vec<_>>().join(", ");
        let options = if options.is_empty() { options } else { format!(" WITH ({options})") };
        format!("COPY {} FROM STDIN{options}", self.into)
    }
}

/// The bytes that a batch is going to need, roughly.
fn room(batch: &RowBatch) -> usize {
    batch.bytes() + batch.bytes() / 4 + batch.rows() * (2 + 4 * batch.columns().len())
}
