//! Rows: what is asked of them, what they refer to, and what masks make of them.

pub mod condition;
pub(crate) mod foreign_keys;
pub mod mask;
