//! A connection's bytes, out of which rows of `COPY` are taken before they reach the client library.
//!
//! The library hands on every row by itself, from task to task, with an allocation shared between them. A table has
//! millions of rows, so here they are decoded where they arrive. All other messages, and rows that nobody catches,
//! pass unchanged (PostgreSQL manual, "Message Formats": a byte that says which, then its length).

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::copy_sink::{CopySink, Stopped};
use crate::EngineError;

/// The message `CopyData`.
const COPY_DATA: u8 = b'd';

/// A message's first byte and its length.
const HEADER_BYTES: usize = 5;

/// How much is read at once, unless a row is larger.
const BUFFER_BYTES: usize = 128 << 10;

/// The handle of an intercepted stream, by which rows are caught. Clones are handles of the same.
#[derive(Clone, Default)]
pub(crate) struct CopyInterceptor(Arc<Mutex<Catch>>);

#[derive(Default)]
enum Catch {
    #[default]
    Nothing,
    Rows(Box<dyn CopySink>),
    Failed(Option<EngineError>),
}

impl CopyInterceptor {
    /// Catches all rows that come from now on. Nothing may be on its way on the connection.
    pub(crate) fn catch(&self, sink: Box<dyn CopySink>) {
        *self.locked() = Catch::Rows(sink);
    }

    /// Catches no more, and gives back the sink with the rows that it did not hand on yet.
    ///
    /// Fails with what was wrong with the rows, for which the connection was ended.
    pub(crate) fn release(&self) -> Result<Option<Box<dyn CopySink>>, EngineError> {
        match std::mem::take(&mut *self.locked()) {
            Catch::Nothing | Catch::Failed(None) => Ok(None),
            Catch::Rows(sink) => Ok(Some(sink)),
            Catch::Failed(Some(error)) => Err(error),
        }
    }

    fn locked(&self) -> MutexGuard<'_, Catch> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A stream with an interceptor. Only what is read is looked at.
pub(crate) struct Intercepted<S> {
    stream: S,
    interceptor: CopyInterceptor,
    input: Input,
    /// How much of the message at the front of the input is still to pass.
    passing: usize,
}

impl<S> Intercepted<S> {
    /// Puts an interceptor on a stream of whole messages.
    pub(crate) fn new(stream: S, interceptor: CopyInterceptor) -> Self {
        Self { stream, interceptor, input: Input::default(), passing: 0 }
    }

    /// The stream itself.
    pub(crate) fn stream(&self) -> &S {
        &self.stream
    }

    /// Lets messages through and catches rows, as far as they are there.
    fn poll_messages(&mut self, context: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut catch = self.interceptor.locked();
        loop {
            if self.passing > 0 {
                let length = self.passing.min(self.input.bytes().len()).min(out.remaining());
                if length == 0 {
                    return Poll::Ready(Ok(()));
                }
                out.put_slice(&self.input.bytes()[..length]);
                self.input.consume(length);
                self.passing -= length;
                continue;
            }
            let Some(header) = self.input.bytes().first_chunk::<HEADER_BYTES>() else {
                return Poll::Ready(Ok(()));
            };
            let [kind, length @ ..] = *header;
            let length = 1 + u32::from_be_bytes(length) as usize;
            if length < HEADER_BYTES {
                return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
            }
            let Catch::Rows(sink) = &mut *catch else {
                self.passing = length;
                continue;
            };
            if kind != COPY_DATA {
                self.passing = length;
                continue;
            }
            let taken = match self.input.bytes().get(HEADER_BYTES..length) {
                _ if sink.is_full() => ready!(sink.poll_hand_on(context)),
                Some(row) => sink.row(row).map(|()| self.input.consume(length)).map_err(Stopped::Failed),
                None => match sink.check_size(length - HEADER_BYTES) {
                    Ok(()) => {
                        self.input.expect(length);
                        return Poll::Ready(Ok(()));
                    }
                    Err(error) => Err(Stopped::Failed(error)),
                },
            };
            if let Err(stopped) = taken {
                *catch = match stopped {
                    Stopped::Unwanted => Catch::Failed(None),
                    Stopped::Failed(error) => Catch::Failed(Some(error)),
                };
                return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Intercepted<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = out.filled().len();
        loop {
            match this.poll_messages(context, out)? {
                // What passed goes on its way first.
                _ if out.filled().len() > before || out.remaining() == 0 => return Poll::Ready(Ok(())),
                Poll::Ready(()) => {}
                Poll::Pending => return Poll::Pending,
            }
            let mut room = ReadBuf::new(this.input.room());
            ready!(Pin::new(&mut this.stream).poll_read(context, &mut room))?;
            let length = room.filled().len();
            if length == 0 {
                return Poll::Ready(Ok(()));
            }
            this.input.end += length;
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Intercepted<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}

/// What was read and not used yet.
#[derive(Default)]
struct Input {
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    expected: usize,
}

impl Input {
    fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    fn consume(&mut self, length: usize) {
        self.start += length;
    }

    /// Says that this many bytes are needed at once, so that there has to be room for them.
    fn expect(&mut self, length: usize) {
        self.expected = length;
    }

    /// Where the next bytes go, behind those that are there. Never empty.
    fn room(&mut self) -> &mut [u8] {
        let needed = self.expected.max(BUFFER_BYTES);
        self.expected = 0;
        if self.buffer.len() < needed {
            let mut larger = vec![0; needed];
            larger[..self.end - self.start].copy_from_slice(self.bytes());
            self.buffer = larger;
        } else if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            if needed == BUFFER_BYTES && self.end - self.start < BUFFER_BYTES {
                // The room that a large row needed goes with it.
                self.buffer.truncate(BUFFER_BYTES);
                self.buffer.shrink_to_fit();
            }
        }
        (self.start, self.end) = (0, self.end - self.start);
        &mut self.buffer[self.end..]
    }
}

#[cfg(test)]
mod tests;
