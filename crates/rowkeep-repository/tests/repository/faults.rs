//! A store that stops at a chosen operation, and one that ignores conditions.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMode,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

use crate::stores::Store;

/// What happens to the operation at which a store stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// It is not done.
    Before,
    /// It is done, but nobody learns of it.
    After,
    /// If it is a write, half of the bytes are written.
    Torn,
}

/// A store on which nothing works any more after some operations, as after a `kill -9` of whoever uses it.
#[derive(Debug)]
pub(crate) struct Stopping {
    inner: Store,
    stop: Stop,
    left: Arc<AtomicI64>,
}

enum Turn {
    Works,
    Stops,
    Stopped,
}

impl Stopping {
    pub(crate) fn new(inner: Store, stop: Stop, operations: i64) -> Arc<Self> {
        Arc::new(Self { inner, stop, left: Arc::new(AtomicI64::new(operations)) })
    }

    /// Whether it has stopped.
    pub(crate) fn stopped(&self) -> bool {
        self.left.load(Ordering::SeqCst) < 0
    }
}

fn turn(left: &AtomicI64) -> Turn {
    match left.fetch_sub(1, Ordering::SeqCst) {
        1.. => Turn::Works,
        0 => Turn::Stops,
        _ => Turn::Stopped,
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
        match (turn(&self.left), self.stop) {
            (Turn::Works, _) => self.inner.put_opts(location, payload, opts).await,
            (Turn::Stops, Stop::After) => {
                self.inner.put_opts(location, payload, opts).await?;
                Err(stopped())
            }
            (Turn::Stops, Stop::Torn) => {
                let bytes: Vec<u8> = payload.iter().flat_map(|part| part.to_vec()).collect();
                let half = PutPayload::from(bytes[..bytes.len() / 2].to_vec());
                self.inner.put_opts(location, half, opts).await?;
                Err(stopped())
            }
            (Turn::Stops | Turn::Stopped, _) => Err(stopped()),
        }
    }

    async fn put_multipart_opts(&self, _: &Path, _: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        Err(stopped())
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        match turn(&self.left) {
            Turn::Works => self.inner.get_opts(location, options).await,
            Turn::Stops | Turn::Stopped => Err(stopped()),
        }
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let (inner, left, stop) = (Arc::clone(&self.inner), Arc::clone(&self.left), self.stop);
        locations
            .and_then(move |location| {
                let (inner, turn) = (Arc::clone(&inner), turn(&left));
                async move {
                    let fails = match turn {
                        Turn::Works => false,
                        Turn::Stops if stop == Stop::After => true,
                        Turn::Stops | Turn::Stopped => return Err(stopped()),
                    };
                    let one = futures::stream::once(async move { Ok(location) }).boxed();
                    let done = inner.delete_stream(one).next().await.unwrap_or_else(|| Err(stopped()));
                    if fails { Err(stopped()) } else { done }
                }
            })
            .boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        match turn(&self.left) {
            Turn::Works => self.inner.list(prefix),
            Turn::Stops | Turn::Stopped => futures::stream::once(async { Err(stopped()) }).boxed(),
        }
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        match turn(&self.left) {
            Turn::Works => self.inner.list_with_delimiter(prefix).await,
            Turn::Stops | Turn::Stopped => Err(stopped()),
        }
    }

    async fn copy_opts(&self, _: &Path, _: &Path, _: CopyOptions) -> Result<()> {
        Err(stopped())
    }
}

/// A store that knows no conditions: what is to be created replaces what is there.
#[derive(Debug)]
pub(crate) struct Unconditional(pub(crate) Store);

impl fmt::Display for Unconditional {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Unconditional({})", self.0)
    }
}

#[async_trait]
impl ObjectStore for Unconditional {
    async fn put_opts(&self, location: &Path, payload: PutPayload, _: PutOptions) -> Result<PutResult> {
        self.0.put_opts(location, payload, PutMode::Overwrite.into()).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.0.put_multipart_opts(location, opts).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.0.get_opts(location, options).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.0.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.0.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.0.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.0.copy_opts(from, to, options).await
    }
}

/// A store that lists folders and never everything, as one does of which the rights end at the repository's folders.
#[derive(Debug)]
pub(crate) struct Hiding(pub(crate) Store);

impl fmt::Display for Hiding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hiding({})", self.0)
    }
}

#[async_trait]
impl ObjectStore for Hiding {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        self.0.put_opts(location, payload, opts).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.0.put_multipart_opts(location, opts).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.0.get_opts(location, options).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.0.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        match prefix {
            Some(folder) => self.0.list(Some(folder)),
            None => futures::stream::once(async { Err(denied()) }).boxed(),
        }
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        match prefix {
            Some(folder) => self.0.list_with_delimiter(Some(folder)).await,
            None => Err(denied()),
        }
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.0.copy_opts(from, to, options).await
    }
}

fn denied() -> Error {
    Error::PermissionDenied { path: String::new(), source: "not yours".into() }
}

/// A store from which can only be read.
#[derive(Debug)]
pub(crate) struct ReadOnly(pub(crate) Store);

fn refused(path: &Path) -> Error {
    Error::PermissionDenied { path: path.to_string(), source: "read only".into() }
}

impl fmt::Display for ReadOnly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReadOnly({})", self.0)
    }
}

#[async_trait]
impl ObjectStore for ReadOnly {
    async fn put_opts(&self, location: &Path, _: PutPayload, _: PutOptions) -> Result<PutResult> {
        Err(refused(location))
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        _: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        Err(refused(location))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.0.get_opts(location, options).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        locations.and_then(|location| async move { Err(refused(&location)) }).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.0.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.0.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, _: &Path, to: &Path, _: CopyOptions) -> Result<()> {
        Err(refused(to))
    }
}

/// What happens on a store right after something was listed.
type Meanwhile = std::sync::Mutex<Option<(usize, BoxFuture<'static, ()>)>>;

/// A store on which something happens between a listing of index objects and what comes of it.
pub(crate) struct Interrupting {
    inner: Store,
    meanwhile: Arc<Meanwhile>,
}

impl Interrupting {
    pub(crate) fn new(inner: Store) -> Arc<Self> {
        Arc::new(Self { inner, meanwhile: Arc::default() })
    }

    /// Lets something happen after so many more listings.
    pub(crate) fn after_listings(&self, listings: usize, what: BoxFuture<'static, ()>) {
        *self.meanwhile.lock().expect("no panic") = Some((listings, what));
    }

    /// Whether it has happened.
    pub(crate) fn has_happened(&self) -> bool {
        self.meanwhile.lock().expect("no panic").is_none()
    }
}

/// What is to happen now, if this is the listing.
fn due(meanwhile: &Meanwhile) -> Option<BoxFuture<'static, ()>> {
    let mut meanwhile = meanwhile.lock().expect("no panic");
    let (left, what) = meanwhile.take()?;
    if left <= 1 {
        return Some(what);
    }
    *meanwhile = Some((left - 1, what));
    None
}

impl fmt::Debug for Interrupting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interrupting").finish_non_exhaustive()
    }
}

impl fmt::Display for Interrupting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Interrupting({})", self.inner)
    }
}

#[async_trait]
impl ObjectStore for Interrupting {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        self.inner.put_opts(location, payload, opts).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(location, opts).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(location, options).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        if prefix.is_some_and(|folder| folder.as_ref() != "index") {
            return self.inner.list(prefix);
        }
        let (listing, meanwhile) = (self.inner.list(prefix), Arc::clone(&self.meanwhile));
        let all = async move {
            let listed: Vec<_> = listing.collect().await;
            if let Some(what) = due(&meanwhile) {
                what.await;
            }
            futures::stream::iter(listed)
        };
        futures::stream::once(all).flatten().boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}
