//! What there is and what of it is needed, as of one moment.

use std::collections::{BTreeSet, HashMap, HashSet};

use rowkeep_format::ids::PackId;

use super::needed::{Needed, Needs, Roots};
use super::records::{Kind, Record, Records};
use super::terms::{PruneOptions, Space};
use crate::index::PackNumber;
use crate::listings::Folder;
use crate::objects::Listed;
use crate::pack::pack_id_of;
use crate::writer::adopt;
use crate::{Error, Repository, Result};

/// A pack in the store.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stored {
    pub(super) number: PackNumber,
    pub(super) bytes: u64,
    pub(super) written_ms: i64,
}

pub(super) struct Survey {
    /// Now, by the store's clock.
    pub(super) now_ms: i64,
    pub(super) records: Records,
    /// The packs that are there and can be used.
    pub(super) packs: HashMap<PackId, Stored>,
    pub(super) needed: Needed,
}

impl Survey {
    /// Finds out what is needed. Snapshots are listed before index objects, which are listed before packs, so that whatever a
    /// listed snapshot needs is met.
    pub(super) async fn make<N: Needs>(
        repository: &Repository,
        probe: Option<&str>,
        needs: &N,
    ) -> Result<Self, N::Error> {
        repository.listings().forget().await;
        let roots = Roots { snapshots: repository.snapshots().await?, plans: repository.plans().await? };
        // Read before packs are listed: a record that is gone by then tells of packs that are.
        let records = repository.prune_records_now().await?;
        // Packs that no index object names are met as well.
        adopt::find(repository).await?;
        let [prune, packs] = repository.listings().get([Folder::Prune, Folder::Packs]).await?;
        let now_ms = match probe {
            Some(probe) => written(&prune.objects, probe)?,
            None => repository.listings().now_ms(),
        };
        let reader = repository.reader().await?;
        let index = repository.index().current();
        let stored = packs.objects.iter().filter_map(|object| {
            let id = pack_id_of(object)?;
            let number = index.number(&id).filter(|number| index.pack(*number).size == object.bytes)?;
            Some((id, Stored { number, bytes: object.bytes, written_ms: object.modified_ms }))
        });
        let packs = stored.collect();
        let mut needed = Needed::new(index);
        needs.find(&reader, roots, &mut needed).await?;
        Ok(Self { now_ms, records, packs, needed })
    }

    /// All packs that are there.
    pub(super) fn space(&self) -> Space {
        self.space_of(self.packs.keys())
    }

    /// Of some packs those that are there.
    pub(super) fn space_of<'p>(&self, packs: impl IntoIterator<Item = &'p PackId>) -> Space {
        let mut space = Space::default();
        packs.into_iter().filter_map(|id| self.packs.get(id)).for_each(|stored| space.add(stored.bytes));
        space
    }

    /// Some packs, the youngest first.
    pub(super) fn youngest(&self, packs: &BTreeSet<PackId>) -> Vec<PackId> {
        let mut packs: Vec<PackId> = packs.iter().copied().collect();
        packs.sort_by_key(|id| std::cmp::Reverse(self.packs.get(id).map(|stored| stored.written_ms)));
        packs
    }

    /// Whether something that was written then is as old as the grace period.
    pub(super) fn is_old(&self, written_ms: i64, options: &PruneOptions) -> bool {
        is_old(self.now_ms, written_ms, options)
    }

    /// The numbers of those packs that are there.
    pub(super) fn numbers<'p>(&self, packs: impl IntoIterator<Item = &'p PackId>) -> HashSet<PackNumber> {
        packs.into_iter().filter_map(|id| self.packs.get(id)).map(|stored| stored.number).collect()
    }

    /// The numbers of the packs that are there, but not of some.
    pub(super) fn numbers_without(&self, packs: &HashSet<PackId>) -> HashSet<PackNumber> {
        self.numbers(self.packs.keys().filter(|id| !packs.contains(*id)))
    }
}

pub(super) fn is_old(now_ms: i64, written_ms: i64, options: &PruneOptions) -> bool {
    options.grace.is_zero()
        || i128::from(now_ms) - i128::from(written_ms) >= options.grace.as_millis() as i128
}

/// When an object was written, by the store's clock.
pub(super) fn written(listed: &[Listed], name: &str) -> Result<i64> {
    let found = listed.iter().find(|object| object.name == name);
    // A store that does not list what was just written cannot be pruned: it would not list a snapshot either.
    found.map(|object| object.modified_ms).ok_or_else(|| Error::Unlisted { object: name.to_owned() })
}

/// Records of one kind that are as old as the grace period.
pub(super) fn old<'r>(
    records: &'r Records,
    kind: Kind,
    now_ms: i64,
    options: &'r PruneOptions,
) -> impl Iterator<Item = &'r Record> {
    let of_kind = records.all.iter().filter(move |record| record.kind == kind);
    of_kind.filter(move |record| is_old(now_ms, record.written_ms, options))
}
