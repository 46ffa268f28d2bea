//! What became of a period: for each database whether its promise was kept, and by what that is known. What nobody knows is never taken for kept.

mod alerts;
mod database;
mod facts;
mod gaps;
mod markdown;
mod period;
mod whole;

pub(crate) use alerts::AlertEntry;
pub(crate) use database::{DatabaseReport, Verdict};
pub(crate) use markdown::{markdown, notes, promised, recovery, shared_lines};
pub(crate) use period::{Month, Period};
pub(crate) use whole::{Report, report};
