//! Apply: a changeset is planned, executed on a live database, and taken back.

pub mod activity;
mod dangling;
mod done;
mod execute;
pub(crate) mod left_alone;
pub mod plan;
pub(crate) mod safety;
pub(crate) mod stored_changes;
pub(crate) mod superseded;
pub(crate) mod undo;
mod unmatched;

pub use execute::{Executed, execute};
pub use undo::{last_applied, undo, undo_snapshot};
