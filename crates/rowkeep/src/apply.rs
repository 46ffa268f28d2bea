//! Apply: a changeset is planned, executed on a live database, and taken back.

pub mod activity;
mod dangling;
pub(crate) mod execute;
pub mod plan;
pub(crate) mod safety;

pub use execute::{Outcome, execute, last_applied, undo, undo_snapshot};
