//! A store that counts what it is asked.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

use crate::stores::Store;

/// How many objects an S3 store lists in one answer.
const PAGE: usize = 1000;

/// Counts requests as an S3 store would, by what they are for: `get snapshots`, `list`, …
#[derive(Debug)]
pub(crate) struct Counting {
    inner: Store,
    counts: Arc<Mutex<BTreeMap<String, u64>>>,
}

impl Counting {
    pub(crate) fn new(inner: Store) -> Arc<Self> {
        Arc::new(Self { inner, counts: Arc::default() })
    }

    /// What was asked since this was last called.
    pub(crate) fn take(&self) -> BTreeMap<String, u64> {
        std::mem::take(&mut self.counts.lock().expect("no panic"))
    }

    fn count(&self, what: &str, path: Option<&Path>) {
        let folder = path.map_or("everything", |path| path.as_ref().split('/').next().unwrap_or_default());
        count(&self.counts, format!("{what} {folder}"));
    }
}

fn count(counts: &Mutex<BTreeMap<String, u64>>, what: String) {
    *counts.lock().expect("no panic").entry(what).or_default() += 1;
}

impl fmt::Display for Counting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Counting({})", self.inner)
    }
}

#[async_trait]
impl ObjectStore for Counting {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        self.count("put", Some(location));
        self.inner.put_opts(location, payload, opts).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.count("put", Some(location));
        self.inner.put_multipart_opts(location, opts).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.count(if options.head { "head" } else { "get" }, Some(location));
        self.inner.get_opts(location, options).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.count("delete", None);
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let what = format!("list {}", prefix.map_or("everything", |path| path.as_ref()));
        let counts = Arc::clone(&self.counts);
        let listed = self.inner.list(prefix).enumerate().map(move |(number, listed)| {
            if number > 0 && number % PAGE == 0 {
                count(&counts, what.clone());
            }
            listed
        });
        self.count("list", prefix);
        listed.map_err(|error| error).boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.count("list", prefix);
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}
