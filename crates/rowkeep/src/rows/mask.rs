//! Masking: a map over the rows of a state that takes what is personal out of them.
//!
//! `docs/masking.md` says which rules there are. Values are masked one by one, by their rule, their own content and a
//! secret key alone: equal values become equal values in every table, every run and every snapshot.
//!
//! Rows of tables that people know as theirs are masked. Sequences, settings, shadow tables of virtual tables and large
//! objects are not.

mod bind;
mod bound;
mod fake;
mod groups;
mod numbers;
mod permute;
mod personal;
mod rules;
mod suggest;
mod value;
mod view;

pub use bind::Mask;
pub use bound::{BoundMask, TableMask};
pub use rules::{MaskRules, Rule};
pub use suggest::{Suggestion, suggest};
pub use view::MaskedView;

#[cfg(test)]
#[path = "mask/tests.rs"]
mod tests;
