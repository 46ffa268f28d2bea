//! Restore: a snapshot becomes a database, or rows of it come back into one; which way is decided by what is there.

mod live;
mod new;
mod request;
mod run;
mod translated;

pub use request::{OnChanged, RestoreRequest};
