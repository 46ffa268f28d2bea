//! Sending steps of statements, each of which is done once, whatever becomes of its answer.

pub(super) mod steps;
pub(super) mod token;
