//! A store with somebody who watches what it is asked, and may interfere.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::{BoxStream, StreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

use crate::stores::Store;

/// Who watches a store.
pub(crate) trait Watch: fmt::Debug + Send + Sync + 'static {
    /// A request, by what it does: `get`, `head`, `put`, `delete`, `list`. A failure is the answer to it.
    fn asked(&self, _request: &'static str, _path: Option<&Path>) -> Result<()> {
        Ok(())
    }

    /// Whether what is to be deleted is, and not only said to be.
    fn deletes(&self) -> bool {
        true
    }

    /// How something is put.
    fn options(&self, options: PutOptions) -> PutOptions {
        options
    }

    /// What is listed of a folder, or of everything.
    fn listing(
        &self,
        _folder: Option<&Path>,
        listing: BoxStream<'static, Result<ObjectMeta>>,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        listing
    }
}

/// A store that is watched.
#[derive(Debug)]
pub(crate) struct Watched<W> {
    inner: Store,
    pub(crate) watch: W,
}

impl<W: Watch> Watched<W> {
    pub(crate) fn by(watch: W, inner: Store) -> Arc<Self> {
        Arc::new(Self { inner, watch })
    }
}

impl<W: Watch> fmt::Display for Watched<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

#[async_trait]
impl<W: Watch> ObjectStore for Watched<W> {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        self.watch.asked("put", Some(location))?;
        self.inner.put_opts(location, payload, self.watch.options(opts)).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.watch.asked("put", Some(location))?;
        self.inner.put_multipart_opts(location, opts).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.watch.asked(if options.head { "head" } else { "get" }, Some(location))?;
        self.inner.get_opts(location, options).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        match self.watch.asked("delete", None) {
            Ok(()) if !self.watch.deletes() => locations,
            Ok(()) => self.inner.delete_stream(locations),
            Err(error) => futures::stream::once(async { Err(error) }).boxed(),
        }
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        match self.watch.asked("list", prefix) {
            Ok(()) => self.watch.listing(prefix, self.inner.list(prefix)),
            Err(error) => futures::stream::once(async { Err(error) }).boxed(),
        }
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.watch.asked("list", prefix)?;
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.watch.asked("put", Some(to))?;
        self.inner.copy_opts(from, to, options).await
    }
}
