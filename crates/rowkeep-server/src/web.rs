//! What the API and the pages have in common: who asks, what is named, and what is answered when it cannot be done.

pub(crate) mod access;
pub(crate) mod alerts;
pub(crate) mod answering;
pub(crate) mod asking;
pub(crate) mod cookies;
pub(crate) mod differences;
pub(crate) mod extract;
pub(crate) mod guard;
pub(crate) mod kept_differences;
pub(crate) mod known_answers;
pub(crate) mod known_health;
pub(crate) mod known_snapshots;
pub(crate) mod names;
pub(crate) mod plans;
pub(crate) mod problem;
pub(crate) mod service;
pub(crate) mod watching;
