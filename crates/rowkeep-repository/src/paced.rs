//! A store that is asked no faster than somebody wants.

use std::fmt;
use std::num::NonZeroU64;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use rowkeep_format::clock::Clock;

use crate::Pace;

/// How many bytes a second go to a store and come from it at most; none means any number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StoreRates {
    /// To the store.
    pub upload: Option<NonZeroU64>,
    /// From the store.
    pub download: Option<NonZeroU64>,
}

/// A store to and from which no more bytes go than some rates allow, on average: objects, or parts of them, go as a whole, and
/// whoever comes next waits. What is asked and what is listed does not count.
pub fn at_rates(
    store: Arc<dyn ObjectStore>,
    rates: StoreRates,
    clock: &Arc<dyn Clock>,
) -> Arc<dyn ObjectStore> {
    if rates == StoreRates::default() {
        return store;
    }
    let pace = |rate: Option<NonZeroU64>| rate.map(|rate| Pace::new(rate, Arc::clone(clock)));
    Arc::new(Paced { store, upload: pace(rates.upload), download: pace(rates.download) })
}

#[derive(Debug)]
struct Paced {
    store: Arc<dyn ObjectStore>,
    upload: Option<Pace>,
    download: Option<Pace>,
}

async fn admit(pace: &Option<Pace>, bytes: u64) {
    if let Some(pace) = pace {
        pace.admit(bytes).await;
    }
}

impl fmt::Display for Paced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.store.fmt(f)
    }
}

#[async_trait]
impl ObjectStore for Paced {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        // Before the request, whose time is limited.
        admit(&self.upload, payload.content_length() as u64).await;
        self.store.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        // Of no use to a repository.
        self.store.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        // What came before has to have had its time; how much comes now, only the answer tells.
        admit(&self.download, 0).await;
        let is_head = options.head;
        let found = self.store.get_opts(location, options).await?;
        if let (Some(pace), false) = (&self.download, is_head) {
            pace.charge(found.range.end.saturating_sub(found.range.start));
        }
        Ok(found)
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let bytes = ranges.iter().map(|range| range.end.saturating_sub(range.start)).sum();
        admit(&self.download, bytes).await;
        self.store.get_ranges(location, ranges).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.store.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.store.list(prefix)
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        self.store.list_with_offset(prefix, offset)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.store.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.store.copy_opts(from, to, options).await
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures::TryStreamExt;
    use object_store::ObjectStoreExt;
    use object_store::memory::InMemory;
    use rowkeep_format::clock::TestClock;

    use super::*;

    /// How long the next would have to wait, by a clock that stands: what was sent before.
    fn debts(store: &Paced) -> [Duration; 2] {
        [&store.upload, &store.download].map(|pace| pace.as_ref().expect("a pace").charge(0))
    }

    #[tokio::test]
    async fn what_is_written_and_read_has_its_time() {
        let clock: Arc<dyn Clock> = Arc::new(TestClock::new(jiff::Timestamp::UNIX_EPOCH));
        let pace = || Some(Pace::new(100_000_000.try_into().expect("not zero"), Arc::clone(&clock)));
        let store = Paced { store: Arc::new(InMemory::new()), upload: pace(), download: pace() };
        let path = Path::from("object");
        let ms = |ms: u64| Duration::from_millis(ms);

        // The burst of a tenth of a second is ten million bytes.
        store.put(&path, vec![0; 15_000_000].into()).await.expect("written");
        let [upload, download] = debts(&store);
        assert!(upload > ms(40) && download.is_zero(), "{upload:?} {download:?}");

        store.head(&path).await.expect("there");
        store.list(None).try_collect::<Vec<_>>().await.expect("listed");
        assert!(debts(&store)[1].is_zero(), "a question costs nothing");

        let found = store.get(&path).await.expect("there");
        assert_eq!(found.bytes().await.expect("read").len(), 15_000_000);
        let [again, download] = debts(&store);
        assert!(again <= upload && download > ms(40), "{again:?} {download:?}");

        let parts = store.get_ranges(&path, &[0..2_000_000, 5_000_000..7_000_000]).await.expect("read");
        assert_eq!(parts.len(), 2);
        assert!(debts(&store)[1] > download + ms(30), "{download:?}");
    }

    #[test]
    fn without_rates_a_store_is_what_it_was() {
        let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        let clock: Arc<dyn Clock> = Arc::new(TestClock::new(jiff::Timestamp::UNIX_EPOCH));
        assert!(Arc::ptr_eq(&store, &at_rates(Arc::clone(&store), StoreRates::default(), &clock)));
    }
}
