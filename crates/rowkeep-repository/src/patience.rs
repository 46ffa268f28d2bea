//! How long a store that cannot be reached is waited for.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use object_store::path::Path;
use object_store::{
    BackoffConfig, CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, RetryConfig,
};

/// A store that was never reached is given up after seconds: its address is probably wrong, and somebody waits for the answer.
///
/// One that answered before is waited for for minutes: much may have been done that would be lost.
#[derive(Debug)]
pub(crate) struct Patient {
    /// Gives up soon.
    first: Arc<dyn ObjectStore>,
    /// The same store, and gives up late.
    later: Arc<dyn ObjectStore>,
    was_reached: Arc<AtomicBool>,
}

/// How requests are tried again before a store was reached, for about ten seconds.
pub(crate) fn at_first() -> RetryConfig {
    retries(Duration::from_secs(2), Duration::from_secs(10))
}

/// How requests are tried again afterwards. Their credentials are not renewed and last for five minutes, so less than that.
pub(crate) fn later() -> RetryConfig {
    retries(Duration::from_secs(10), Duration::from_secs(240))
}

/// Each wait is, by chance, up to three times the last one, so that waits grow: with less they hardly do, and the number of
/// tries ends long before the time.
fn retries(most: Duration, in_all: Duration) -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig { init_backoff: Duration::from_millis(100), max_backoff: most, base: 3.0 },
        max_retries: 1000,
        retry_timeout: in_all,
    }
}

impl Patient {
    pub(crate) fn new(first: Arc<dyn ObjectStore>, later: Arc<dyn ObjectStore>) -> Self {
        Self { first, later, was_reached: Arc::new(AtomicBool::new(false)) }
    }

    fn store(&self) -> &Arc<dyn ObjectStore> {
        if self.was_reached.load(Ordering::Relaxed) { &self.later } else { &self.first }
    }

    fn heard<T>(&self, answer: Result<T>) -> Result<T> {
        if is_answer(&answer) {
            self.was_reached.store(true, Ordering::Relaxed);
        }
        answer
    }

    fn hearing<T: 'static>(&self, answers: BoxStream<'static, Result<T>>) -> BoxStream<'static, Result<T>> {
        let was_reached = Arc::clone(&self.was_reached);
        answers
            .inspect(move |answer| {
                if is_answer(answer) {
                    was_reached.store(true, Ordering::Relaxed);
                }
            })
            .boxed()
    }
}

/// Whether it is the store that says so.
fn is_answer<T>(answer: &Result<T>) -> bool {
    matches!(
        answer,
        Ok(_)
            | Err(Error::NotFound { .. }
                | Error::AlreadyExists { .. }
                | Error::Precondition { .. }
                | Error::NotModified { .. }
                | Error::PermissionDenied { .. }
                | Error::Unauthenticated { .. })
    )
}

impl std::fmt::Display for Patient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.later.fmt(f)
    }
}

#[async_trait]
impl ObjectStore for Patient {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.heard(self.store().put_opts(location, payload, options).await)
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.heard(self.store().put_multipart_opts(location, options).await)
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.heard(self.store().get_opts(location, options).await)
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.heard(self.store().get_ranges(location, ranges).await)
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.hearing(self.store().delete_stream(locations))
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.hearing(self.store().list(prefix))
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        self.hearing(self.store().list_with_offset(prefix, offset))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.heard(self.store().list_with_delimiter(prefix).await)
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.heard(self.store().copy_opts(from, to, options).await)
    }
}
