//! The state in the repository: put there when something changed, and brought back where there is none.

mod keeper;
mod luggage;
mod recovery;
mod settle;

pub(crate) use keeper::Keeper;
pub use recovery::{Recovered, Recovery};
