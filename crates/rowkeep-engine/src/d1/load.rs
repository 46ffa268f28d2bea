//! Making a database.

mod clear;
pub(super) mod target;
