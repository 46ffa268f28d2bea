//! What the API and the pages have in common: who asks, what is named, and what is answered when it cannot be done.

pub(crate) mod access;
pub(crate) mod additions;
pub(crate) mod alerts;
pub(crate) mod answering;
pub(crate) mod asking;
pub(crate) mod bounded;
pub(crate) mod cookies;
pub(crate) mod differences;
pub(crate) mod drafts;
pub(crate) mod drills;
pub(crate) mod etags;
pub(crate) mod exports;
pub(crate) mod extract;
pub(crate) mod guard;
pub(crate) mod kept_differences;
pub(crate) mod known_answers;
pub(crate) mod known_health;
pub(crate) mod known_snapshots;
pub(crate) mod names;
pub(crate) mod new_repository;
pub(crate) mod plans;
pub(crate) mod problem;
pub(crate) mod rows;
pub(crate) mod service;
pub(crate) mod snapshots;
pub(crate) mod watching;
mod wording;
