//! The schema as rowkeep keeps it: definitions, clauses, the outline for a translation.

pub(super) mod clauses;
pub(crate) mod compose;
pub(super) mod ddl;
pub(crate) mod definitions;
mod entries;
pub(super) mod identity;
pub(super) mod outline;
pub(crate) mod readable_tables;
pub(super) mod relaxed;
pub(super) mod statements;
