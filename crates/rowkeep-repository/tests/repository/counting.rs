//! A store that counts what it is asked.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use futures::StreamExt;
use futures::stream::BoxStream;
use object_store::path::Path;
use object_store::{ObjectMeta, Result};

use crate::stores::Store;
use crate::watched::{Watch, Watched};

/// How many objects an S3 store lists in one answer.
const PAGE: usize = 1000;

/// Counts requests as an S3 store would, by what they are for: `get snapshots`, `list everything`, …
pub(crate) type Counting = Watched<Counts>;

#[derive(Debug, Clone, Default)]
pub(crate) struct Counts(Arc<Mutex<BTreeMap<String, u64>>>);

impl Counting {
    pub(crate) fn new(inner: Store) -> Arc<Self> {
        Self::by(Counts::default(), inner)
    }

    /// What was asked since this was last called.
    pub(crate) fn take(&self) -> BTreeMap<String, u64> {
        std::mem::take(&mut self.watch.0.lock().expect("no panic"))
    }
}

impl Watch for Counts {
    fn asked(&self, request: &'static str, path: Option<&Path>) -> Result<()> {
        let folder = path.map_or("everything", |path| path.as_ref().split('/').next().unwrap_or_default());
        *self.0.lock().expect("no panic").entry(format!("{request} {folder}")).or_default() += 1;
        Ok(())
    }

    fn listing(
        &self,
        folder: Option<&Path>,
        listing: BoxStream<'static, Result<ObjectMeta>>,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        let (counts, folder) = (self.clone(), folder.cloned());
        listing
            .enumerate()
            .map(move |(number, listed)| {
                if number > 0 && number % PAGE == 0 {
                    counts.asked("list", folder.as_ref())?;
                }
                listed
            })
            .boxed()
    }
}
