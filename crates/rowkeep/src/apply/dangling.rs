//! References that a plan would leave dangling: found while planning, and settled as was chosen.
//!
//! Looked at is what the changes take away from rows that refer, and what changed rows newly refer to; so the cost follows
//! the changes. What dangles already and is not touched is nobody's concern here.

mod compose;
mod dangled;
mod find;
mod reference;
mod settle;
mod tables;

pub(crate) use dangled::dangled;
pub use reference::{Dangling, OnDangling, Why};
pub(crate) use settle::settle;
pub(crate) use tables::{Tables, Terms};
