//! Where backups live: an object store, keys, packs, an index and snapshots.
//!
//! A [`Repository`] holds chunks and snapshots. A chunk is any run of bytes, named by its keyed hash; a snapshot is a
//! manifest. A [`Writer`] takes chunks, a [`Reader`] gives them back, [`Repository::commit`] makes a snapshot visible,
//! [`Repository::catalog`] tells which snapshots there are, and [`Repository::check`] what is damaged.
//!
//! What is written becomes visible in one order only: packs, then the index, then the snapshot, then the ledger. So a
//! process may be killed at any instant, and any number of machines may write at the same time without a lock.
//! `FORMAT.md` specifies every byte and the threat model.
//!
//! Nothing here reads the environment or asks a person; the clock is handed in ([`Options`]).
#![forbid(unsafe_code)]

mod bucket;
mod catalog;
mod check;
mod compress;
mod config;
mod cursor;
mod document;
mod encoding;
mod error;
mod folder_store;
mod header;
mod hex;
mod holds;
mod index;
mod keys;
mod kit;
mod lack;
mod ledger;
mod listings;
mod location;
mod objects;
mod pace;
mod paced;
mod pack;
mod patience;
mod plans;
mod probe;
mod prune;
mod randomness;
mod reader;
mod repair;
mod repository;
mod seal;
mod slot_objects;
mod slots;
mod snapshot_objects;
mod snapshots;
mod statistics;
mod store_answer;
mod versions;
mod writer;

pub use bucket::Bucket;
pub use catalog::{Catalog, Unreadable};
pub use check::{CheckOptions, CheckProgress, CheckReport, Finding, ReadData, Remedy, Severity, Stage};
pub use compress::Compressed;
pub use error::{Error, ErrorKind, Flaw, Result};
pub use keys::{Kdf, KeyFile, KeySlot, Lock, NewSlot, Passphrase, SlotKind};
pub use lack::Lack;
pub use location::{create_store, open_bucket, open_store, open_store_to_probe};
pub use object_store::ObjectStore;
pub use pace::Pace;
pub use paced::{StoreRates, at_rates};
pub use probe::{Probe, ProbeDepth, ProbeReport, StoreFinding, StoreLevel};
pub use prune::{Needed, Needs, PruneOptions, PruneReport, Roots, Space};
pub use randomness::{Randomness, SeededRandomness, SystemRandomness};
pub use reader::{Reader, WithBase};
pub use repair::Salvage;
pub use repository::{Options, Probed, Protection, Repository, Unlock};
pub use seal::Encryption;
pub use snapshots::{Completion, IsWhole};
pub use statistics::Statistics;
pub use store_answer::StoreAnswer;
pub use versions::KeptVersions;
pub use writer::{Stored, Writer, WriterOptions};

pub use rowkeep_format::ids::{ChunkId, ContentKeys, KeySlotId, PlanId, RepositoryId, SnapshotId};
