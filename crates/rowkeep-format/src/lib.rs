//! The bytes of rowkeep, without any I/O: values, rows, keys, chunks, trees of chunks and manifests.
//!
//! Everything here is a pure function of its input. `FORMAT.md` at the root of the project specifies the bytes;
//! the golden tests of this crate pin them.
#![forbid(unsafe_code)]

pub mod batch;
pub mod changeset;
pub mod chunk;
pub mod clock;
pub mod column;
pub mod cut;
mod error;
pub mod identity;
pub mod ids;
pub mod ints;
pub mod key;
pub mod left_alone;
pub mod lower_hex;
pub mod manifest;
pub mod order;
pub mod schema;
mod shared;
pub mod summary;
pub mod text;
pub mod tree;
mod varint;

pub use batch::{RowBatch, Value};
pub use changeset::{Change, Changes, Counts, TableChanges};
pub use error::{FormatError, in_one_line};
pub use identity::{Identity, Sameness};
pub use ids::{ChunkId, ContentKeys, HoldId, PagesHash, PlanId, SnapshotId};
pub use left_alone::LeftAlone;
pub use manifest::{Manifest, TableEntry};
pub use schema::{Column, ForeignKey, Inherits, Key, KeyForm, Schema, Table, TableKind, TableName};
pub use summary::Summary;
