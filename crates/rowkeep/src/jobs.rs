//! Jobs: what a person asks for, whole, made of captures, diffs, applies and restores.

pub mod assess;
pub mod drill;
pub mod history;
pub mod migrate;
pub mod repository_check;
pub mod run_between;
