//! Work in the background of an operation.

use std::pin::Pin;
use std::task::{Context, Poll};

use tokio_util::task::AbortOnDropHandle;

/// Work that goes on by itself.
///
/// Dropping it ends the work; a panic of the work goes on in whoever waits for it.
#[must_use = "it ends when it is dropped"]
pub(crate) struct Background<T>(AbortOnDropHandle<T>);

impl<T: Send + 'static> Background<T> {
    /// Begins work.
    pub(crate) fn spawn(work: impl Future<Output = T> + Send + 'static) -> Self {
        Self(AbortOnDropHandle::new(tokio::spawn(work)))
    }
}

impl<T> Future for Background<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let done = Pin::new(&mut self.0).poll(cx);
        done.map(|done| done.unwrap_or_else(|failed| std::panic::resume_unwind(failed.into_panic())))
    }
}
