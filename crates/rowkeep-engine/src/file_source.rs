//! Files that hold a database as somebody wrote it down: their bytes, unpacked, with a ceiling on what they may become.

mod format;
mod limits;
mod lz4;
mod packing;
mod source;
mod zip;

pub use format::MissingBase;
pub(crate) use format::{About, FileOptions, FileTime, Format, Head, Place};
pub(crate) use lz4::Lz4Reader;
pub(crate) use packing::Packing;
pub(crate) use source::{Damage, Source, Unpacked, temporary_failed};
