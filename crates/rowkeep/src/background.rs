//! Work in the background of an operation.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures::future::{BoxFuture, FutureExt};
use tokio_util::task::AbortOnDropHandle;

/// Work that goes on by itself, or if it is little, when it is waited for.
///
/// Dropping it ends the work; a panic of the work goes on in whoever waits for it.
#[must_use = "it ends when it is dropped"]
pub(crate) struct Background<T>(Work<T>);

enum Work<T> {
    Task(AbortOnDropHandle<T>),
    Here(BoxFuture<'static, T>),
}

impl<T: Send + 'static> Background<T> {
    /// Begins work.
    pub(crate) fn spawn(work: impl Future<Output = T> + Send + 'static) -> Self {
        Self(Work::Task(AbortOnDropHandle::new(tokio::spawn(work))))
    }

    /// Leaves work to whoever waits for it.
    pub(crate) fn here(work: impl Future<Output = T> + Send + 'static) -> Self {
        Self(Work::Here(work.boxed()))
    }
}

impl<T> Future for Background<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        match &mut self.0 {
            Work::Task(task) => Pin::new(task)
                .poll(cx)
                .map(|done| done.unwrap_or_else(|failed| std::panic::resume_unwind(failed.into_panic()))),
            Work::Here(work) => work.as_mut().poll(cx),
        }
    }
}
