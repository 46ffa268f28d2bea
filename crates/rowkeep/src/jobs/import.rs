//! Import: files that others wrote become snapshots.

mod base;
mod candidate;
mod checked;
mod content;
mod known;
mod outcome;
mod request;
mod run;
mod several;
mod single;

pub use outcome::{ImportOutcome, Imported, NotImported, TimeFrom};
pub use request::ImportRequest;
pub(super) use single::import_state;
