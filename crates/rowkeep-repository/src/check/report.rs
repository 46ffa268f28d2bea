use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use rowkeep_format::ids::{ChunkId, PackId, SnapshotId};

use crate::index::Index;
use crate::{Reader, Repository};

/// What a check found.
#[derive(Debug, Clone, Default)]
pub struct CheckReport {
    /// Everything that is not as it should be, in the order in which it was met.
    pub findings: Vec<Finding>,
    /// Chunks that the index names and that cannot be read.
    ///
    /// Complete for what was looked at: without reading data, chunks of packs that are missing or cut off.
    pub damaged_chunks: BTreeSet<ChunkId>,
    /// Key slots of this repository that can be used.
    pub key_slots: u64,
    /// Index objects.
    pub index_objects: u64,
    /// Different chunks that the index names.
    pub chunks: u64,
    /// Packs that are there.
    pub packs: u64,
    /// Bytes of these packs.
    pub pack_bytes: u64,
    /// Packs whose contents were read.
    pub packs_read: u64,
    /// Bytes of these packs.
    pub bytes_read: u64,
    /// Snapshots that open.
    pub snapshots: u64,
    /// Snapshots that are known to have lost chunks for good.
    pub incomplete: BTreeSet<SnapshotId>,
    /// Snapshots that do not count yet: they are being written, or their writer was killed.
    pub uncompleted: BTreeSet<SnapshotId>,
    /// Packs that are damaged or missing.
    pub damaged_packs: BTreeSet<PackId>,
    /// What a repair does about the findings.
    pub remedies: Vec<Remedy>,
    /// The index as the objects that are there say it.
    pub(super) index: Arc<Index>,
}

impl CheckReport {
    /// What reads by the index that was checked: an open repository may remember more than is still there.
    pub fn reader(&self, repository: &Repository) -> Reader {
        repository.reader_of(Arc::clone(&self.index))
    }

    /// Whether nothing is damaged. There may be notes.
    pub fn is_clean(&self) -> bool {
        self.damaged_chunks.is_empty() && self.damage().next().is_none()
    }

    /// The findings that are damage.
    pub fn damage(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.severity == Severity::Damage)
    }

    pub(super) fn damaged(
        &mut self,
        object: impl Into<String>,
        what: impl fmt::Display,
        meaning: &'static str,
    ) {
        self.add(Severity::Damage, object.into(), what.to_string(), meaning);
    }

    pub(super) fn note(&mut self, object: impl Into<String>, what: impl fmt::Display, meaning: &'static str) {
        self.add(Severity::Note, object.into(), what.to_string(), meaning);
    }

    /// Notes that a pack is damaged or missing.
    pub(super) fn damaged_pack(&mut self, id: PackId) {
        self.damaged_packs.insert(id);
        self.remedy(Remedy::Salvage(id));
    }

    /// Notes what a repair does about what was found last.
    pub(super) fn remedy(&mut self, remedy: Remedy) {
        if !self.remedies.contains(&remedy) {
            self.remedies.push(remedy);
        }
    }

    fn add(&mut self, severity: Severity, object: String, what: String, meaning: &'static str) {
        self.findings.push(Finding { severity, object, what, meaning });
    }
}

/// What a repair does about an object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Remedy {
    /// The config is written again.
    WriteConfig,
    /// The object is beyond help: it is kept under another name, where nothing reads it.
    SetAside(String),
    /// The entry of the ledger is struck, for its object is lost.
    Strike(String),
    /// The pack is whole, and an index object names it again.
    Name(PackId),
    /// What can still be read of the pack is stored again; the pack is then set aside, and index objects name it no more.
    Salvage(PackId),
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Nothing is lost.
    Note,
    /// Something that was written is lost or altered.
    Damage,
}

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// The object's name in the store.
    pub object: String,
    /// What is wrong with it.
    pub what: String,
    /// What that means, and what helps.
    pub meaning: &'static str,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.object, self.what, self.meaning)
    }
}
