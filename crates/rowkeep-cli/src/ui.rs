//! How things look on a terminal, in a log, and as JSON.

pub(crate) mod changes;
pub(crate) mod confirm;
pub(crate) mod log;
pub(crate) mod pager;
pub(crate) mod progress;
pub(crate) mod schema;
pub(crate) mod table;
pub(crate) mod units;
