//! Checks: statements about data that must hold, run against a live or a restored database, or against the rows of a snapshot.
//!
//! [`read`](mod@read) takes them from a file, `resolve` finds the tables and columns that they speak of,
//! `sql` says what is to be asked of the database and `judge` what the answers mean; [`run_checks`] does it. Of databases that
//! nobody can ask, [`run_checks_on_rows`] reads the rows themselves.

mod check;
pub(crate) mod judge;
mod on_rows;
pub mod read;
mod resolve;
mod run;
pub(crate) mod sql;

#[cfg(test)]
mod tests;

pub use check::{Allowed, Check, Demand, Expect, Level};
pub(crate) use on_rows::lack;
pub use on_rows::run_checks_on_rows;
pub use read::FileCheck;
pub(crate) use run::not_run;
pub use run::{Circumstances, run_checks};
