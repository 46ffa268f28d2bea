//! Statements that make a database like one in a file, or that make of one what another is.

mod comparing;
pub(super) mod difference;
pub(super) mod order;
pub(super) mod pack;
mod rows;
pub(super) mod shape;
pub(crate) mod virtual_tables;
pub(super) mod whole;
