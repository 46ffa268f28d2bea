//! Rows: what is asked of them, what they refer to, what masks make of them, and how they are in JSON.

pub mod condition;
pub(crate) mod foreign_keys;
pub mod json;
pub mod mask;
pub mod plain;
pub(crate) mod times;
