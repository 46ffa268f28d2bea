//! What a database is made of: its objects, tables and settings.

pub(super) mod affinity;
pub(super) mod identity;
pub(crate) mod properties;
pub(super) mod rowid;
pub(crate) mod tables;
