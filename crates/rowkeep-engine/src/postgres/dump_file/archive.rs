//! Archives of `pg_dump`: a table of contents, and the data of its entries in blocks, in files of a folder, or in members of a tar
//! file.

pub(super) mod blocks;
mod custom;
mod definition;
mod files;
pub(super) mod header;
mod read;
mod tar;

pub(super) use read::{Archive, read};
