//! Checks: statements about data that must hold, run against a live or a restored database.
//!
//! [`read`](mod@read) takes them from a file, `resolve` finds the tables and columns that they speak of,
//! `sql` says what is to be asked of the database and `judge` what the answers mean; [`run_checks`] does it.

mod check;
pub(crate) mod judge;
pub mod read;
mod resolve;
mod run;
pub(crate) mod sql;

#[cfg(test)]
mod tests;

pub use check::{Allowed, Check, Demand, Expect, Level};
pub use read::FileCheck;
pub use run::{Circumstances, run_checks};
