//! Addresses at which applications had their backups, so that their pages and scripts go on working.
//!
//! `docs/compatibility.md` says what is meant by each field.

pub(super) mod admin_backup;
mod answers;
pub(super) mod backup;
mod metadata;
pub(super) mod restore;
mod work;
