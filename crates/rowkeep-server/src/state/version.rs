//! The version of the state's tables.

/// The version of the tables: in a file it is `user_version`, on a server it is in `rowkeep_state`.
pub(crate) const VERSION: i64 = 1;
