//! The catalog: what the snapshots of a repository are, without their tables.
//!
//! It is read once and brought up to date by listing. Most of it comes from summary objects, which hold what a listing
//! needs of many manifests; manifests are read only where no summary has them yet. Summaries are a cache: whoever finds
//! too few of them writes one, and nothing depends on any.

mod shared;
mod summaries;

use std::collections::HashMap;
use std::sync::Arc;

use rowkeep_format::ids::SnapshotId;
use rowkeep_format::{Summary, order};

use crate::Error;

pub(crate) use shared::SharedCatalog;
pub(crate) use summaries::id_of as summary_id_of;
pub(crate) use summaries::read as read_summaries;

/// The snapshots of a repository, at the time of the last listing.
#[derive(Debug, Default)]
pub struct Catalog {
    /// The oldest first.
    snapshots: Vec<Arc<Summary>>,
    numbers: HashMap<SnapshotId, u32>,
    /// The places of the snapshots of each database.
    databases: HashMap<Arc<str>, Vec<u32>>,
    unreadable: Vec<Unreadable>,
    uncompleted: Vec<SnapshotId>,
    left: Vec<SnapshotId>,
}

/// A snapshot whose manifest cannot be read, so that nobody can tell what it is of.
#[derive(Debug, Clone)]
pub struct Unreadable {
    /// The snapshot.
    pub id: SnapshotId,
    /// What is wrong with it.
    pub error: Arc<Error>,
}

impl Catalog {
    fn new(
        mut snapshots: Vec<Arc<Summary>>,
        mut unreadable: Vec<Unreadable>,
        mut uncompleted: Vec<SnapshotId>,
        mut left: Vec<SnapshotId>,
    ) -> Self {
        uncompleted.sort_unstable();
        left.sort_unstable();
        order::sort(&mut snapshots);
        let numbers = (0..).zip(&snapshots).map(|(number, summary)| (summary.id, number)).collect();
        let mut databases: HashMap<Arc<str>, Vec<u32>> = HashMap::new();
        for (number, summary) in (0..).zip(&snapshots) {
            match databases.get_mut(&summary.database) {
                Some(of) => of.push(number),
                None => drop(databases.insert(Arc::clone(&summary.database), vec![number])),
            }
        }
        unreadable.sort_by_key(|unreadable| unreadable.id);
        Self { snapshots, numbers, databases, unreadable, uncompleted, left }
    }

    /// All snapshots that can be read, the oldest first.
    pub fn snapshots(&self) -> impl DoubleEndedIterator<Item = &Arc<Summary>> {
        self.snapshots.iter()
    }

    /// The snapshots of one database or of all, the oldest first.
    pub fn of<'a>(&'a self, database: Option<&str>) -> impl DoubleEndedIterator<Item = &'a Arc<Summary>> {
        let (all, own): (&[Arc<Summary>], &[u32]) = match database {
            None => (&self.snapshots, &[]),
            Some(name) => (&[], self.databases.get(name).map_or(&[], Vec::as_slice)),
        };
        all.iter().chain(own.iter().map(|number| &self.snapshots[*number as usize]))
    }

    /// The names that databases have of which there are snapshots, in no order.
    pub fn databases(&self) -> impl Iterator<Item = &str> {
        self.databases.keys().map(AsRef::as_ref)
    }

    /// The summary of a snapshot.
    pub fn get(&self, id: &SnapshotId) -> Option<&Arc<Summary>> {
        self.numbers.get(id).map(|number| &self.snapshots[*number as usize])
    }

    /// The newest snapshot of one database or of all. Safety snapshots are passed over: they hold what was to be replaced.
    pub fn newest(&self, database: Option<&str>) -> Option<&Arc<Summary>> {
        self.of(database).rfind(|summary| !summary.is_aside())
    }

    /// Snapshots that do not count yet: they are being written, or their writer was killed. Some may be unreadable as well.
    pub fn uncompleted(&self) -> &[SnapshotId] {
        &self.uncompleted
    }

    /// Of these, those that have not counted for so long that nobody is writing them any more: their writers were killed, or the
    /// ledger has lost their entries. A backup looks whether they are whole.
    pub fn left(&self) -> &[SnapshotId] {
        &self.left
    }

    /// Snapshots whose manifests cannot be read.
    pub fn unreadable(&self) -> &[Unreadable] {
        &self.unreadable
    }
}
