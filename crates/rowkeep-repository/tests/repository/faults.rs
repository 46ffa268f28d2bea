//! Stores that stop at a chosen operation, ignore conditions, refuse something, or change at a bad moment.

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

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
use crate::watched::{Watch, Watched};

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
pub(crate) struct Unconditional;

impl Watch for Unconditional {
    fn options(&self, _: PutOptions) -> PutOptions {
        PutMode::Overwrite.into()
    }
}

fn denied(path: Option<&Path>) -> Error {
    let path = path.map_or_else(String::new, Path::to_string);
    Error::PermissionDenied { path, source: "not yours".into() }
}

/// A store that lists folders and never everything, as one does of which the rights end at the repository's folders.
#[derive(Debug)]
pub(crate) struct Hiding;

impl Watch for Hiding {
    fn asked(&self, request: &'static str, path: Option<&Path>) -> Result<()> {
        if request == "list" && path.is_none() { Err(denied(path)) } else { Ok(()) }
    }
}

/// A store from which can only be read.
#[derive(Debug)]
pub(crate) struct ReadOnly;

impl Watch for ReadOnly {
    fn asked(&self, request: &'static str, path: Option<&Path>) -> Result<()> {
        if matches!(request, "put" | "delete") { Err(denied(path)) } else { Ok(()) }
    }
}

/// A store on which something happens between a listing of index objects and what comes of it.
pub(crate) type Interrupting = Watched<Interruption>;

/// What is to happen, and after how many listings.
type Planned = (usize, BoxFuture<'static, ()>);

/// Lets something happen once.
#[derive(Clone, Default)]
pub(crate) struct Interruption(Arc<Mutex<Option<Planned>>>);

impl Interrupting {
    /// Lets something happen after so many more listings.
    pub(crate) fn after_listings(&self, listings: usize, what: BoxFuture<'static, ()>) {
        *self.watch.0.lock().expect("no panic") = Some((listings, what));
    }

    /// Whether it has happened.
    pub(crate) fn has_happened(&self) -> bool {
        self.watch.0.lock().expect("no panic").is_none()
    }
}

impl Interruption {
    /// What is to happen now, if this is the listing.
    fn due(&self) -> Option<BoxFuture<'static, ()>> {
        let mut next = self.0.lock().expect("no panic");
        let (left, what) = next.take()?;
        if left <= 1 {
            return Some(what);
        }
        *next = Some((left - 1, what));
        None
    }
}

impl fmt::Debug for Interruption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interruption").finish_non_exhaustive()
    }
}

impl Watch for Interruption {
    fn listing(
        &self,
        folder: Option<&Path>,
        listing: BoxStream<'static, Result<ObjectMeta>>,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        if folder.is_some_and(|folder| folder.as_ref() != "index") {
            return listing;
        }
        let interruption = self.clone();
        let all = async move {
            let listed: Vec<_> = listing.collect().await;
            if let Some(what) = interruption.due() {
                what.await;
            }
            futures::stream::iter(listed)
        };
        futures::stream::once(all).flatten().boxed()
    }
}
