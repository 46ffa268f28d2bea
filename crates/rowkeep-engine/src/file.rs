//! Files that others wrote, as databases that are only read.

mod encrypted;
mod engine;
mod formats;
mod recognise;
mod stem;

pub use crate::file_source::MissingBase;
pub use engine::{CONTENT, FileChoice, FileEngine};
pub(crate) use recognise::recognise;
pub use stem::stem;
