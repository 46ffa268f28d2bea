//! The way to a database: requests, answers, what is tried again.

mod answer;
mod failure;
mod http;
pub(super) mod remote;
