//! What a database is made of: its objects, tables and settings.

pub(super) mod affinity;
pub(super) mod identity;
pub(super) mod properties;
pub(super) mod rowid;
pub(super) mod tables;
