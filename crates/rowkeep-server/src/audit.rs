//! The audit as a whole: whether it is what was written, and copies of it.

mod export;
mod file;
mod verification;

pub(crate) use export::pages;
pub use export::{AuditFormat, AuditPages};
pub use file::AuditFile;
pub use verification::{AuditVerification, DifferingHead, UnseenRepository};
pub(crate) use verification::{HEAD_TAG, verify};
