//! Making a database file, or its content again.

pub(super) mod contents;
mod filling;
pub(super) mod new_database;
pub(super) mod replace;
pub(super) mod stored_order;
pub(super) mod target;
pub(super) mod unfinished_file;
