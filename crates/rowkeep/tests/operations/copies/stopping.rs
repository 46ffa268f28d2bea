//! A store on which nothing works any more after some requests, as after a `kill -9` of whoever uses it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use futures::StreamExt;
use futures::stream::BoxStream;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use rowkeep::async_trait;

/// What happens to the request at which it stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// It is not done.
    Before,
    /// It is done, but nobody learns of it.
    After,
    /// If it is a write, half of the bytes are written.
    Torn,
    /// Nothing: it goes on, but nothing can be deleted.
    Never,
}

#[derive(Debug)]
pub(super) struct Stopping {
    inner: Arc<dyn ObjectStore>,
    stop: Stop,
    left: AtomicI64,
}

impl Stopping {
    pub(super) fn new(inner: Arc<dyn ObjectStore>, stop: Stop, requests: i64) -> Arc<Self> {
        Arc::new(Self { inner, stop, left: AtomicI64::new(requests) })
    }

    pub(super) fn stopped(&self) -> bool {
        self.left.load(Ordering::SeqCst) < 0
    }

    /// One that goes on, from which nothing can be deleted.
    pub(super) fn undeleting(inner: Arc<dyn ObjectStore>) -> Arc<Self> {
        Self::new(inner, Stop::Never, i64::MAX)
    }

    /// Whether this request is the one at which it stops; fails where it has stopped.
    fn is_last(&self) -> Result<bool> {
        match self.left.fetch_sub(1, Ordering::SeqCst) {
            1.. => Ok(false),
            0 => Ok(true),
            _ => Err(stopped()),
        }
    }

    /// The same of one that is not done then.
    fn works(&self) -> Result<()> {
        if self.is_last()? { Err(stopped()) } else { Ok(()) }
    }
}

fn stopped() -> Error {
    Error::Generic { store: "test", source: "stopped".into() }
}

impl fmt::Display for Stopping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Stopping({})", self.inner)
    }
}

#[async_trait]
impl ObjectStore for Stopping {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        if !self.is_last()? {
            return self.inner.put_opts(location, payload, opts).await;
        }
        let payload = match self.stop {
            Stop::Before | Stop::Never => return Err(stopped()),
            Stop::After => payload,
            Stop::Torn => {
                let bytes: Vec<u8> = payload.iter().flat_map(|part| part.to_vec()).collect();
                PutPayload::from(bytes[..bytes.len() / 2].to_vec())
            }
        };
        self.inner.put_opts(location, payload, opts).await?;
        Err(stopped())
    }

    async fn put_multipart_opts(&self, _: &Path, _: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        Err(stopped())
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.works()?;
        self.inner.get_opts(location, options).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        if self.stop == Stop::Never {
            let denied = |path: String| Error::PermissionDenied { path, source: "append-only".into() };
            return locations.map(move |location| Err(denied(location?.to_string()))).boxed();
        }
        match self.works() {
            Ok(()) => self.inner.delete_stream(locations),
            Err(error) => futures::stream::once(async { Err(error) }).boxed(),
        }
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        match self.works() {
            Ok(()) => self.inner.list(prefix),
            Err(error) => futures::stream::once(async { Err(error) }).boxed(),
        }
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.works()?;
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, _: &Path, _: &Path, _: CopyOptions) -> Result<()> {
        Err(stopped())
    }
}
