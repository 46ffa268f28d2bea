//! What the state takes along into the repository: the names of it.

/// The key beside the state.
pub(super) const KEY: &str = "key";

/// The text of `rowkeep.toml`.
pub(super) const CONFIG: &str = "rowkeep.toml";
